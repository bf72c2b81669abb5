"""What invented people are made of: names by culture, and places with what belongs to them."""

from __future__ import annotations

from typing import Final, NamedTuple


class SamplePlace(NamedTuple):
    """A city, and the postal codes and telephone numbers that belong to it.

    Of a telephone number all but the last digits is given. The more a place has, the more people
    are from there.
    """

    city: str
    state: str
    country: str
    postal_codes: tuple[str, ...]
    phones: tuple[str, ...]


# Of each culture: first names, and the last names that go with them.
_CULTURES: Final = """
Spanish
Ana Luis Carmen José Elena Mateo Lucía Diego Isabel Andrés Sofía Javier Rosa Miguel Inés
Rivera Álvarez García Núñez Ortiz Muñoz Castillo Peña Vega Romero Salazar Fuentes Ibáñez Cordero
English
Emma Liam Olivia Noah Grace Henry Ruth Samuel Alice Walter Harriet Oscar Daisy Edward Martha
Smith Johnson O'Brien Miller Davis Wilson Clark Turner Baker Reed Whitaker Holloway Pritchard
Chinese
Mei Wei Jing Hao Lan Jun Xin Yan Ming Fang Shu Qiang Ying Zhen Bo
Chen Wang Zhang Liu Huang Zhao Wu Zhou Lin Xu Deng Feng Jiang Tang Yu
Indian
Priya Arjun Ananya Rohan Kavya Vikram Meera Sanjay Divya Nikhil Lakshmi Harish Pooja Suresh Isha
Patel Sharma Gupta Iyer Reddy Singh Nair Mehta Kapoor Das Banerjee Chatterjee Joshi Rao Pillai
Japanese
Yuki Haruto Sakura Ren Aoi Kaito Hina Sota Mio Daiki Akiko Takashi Emi Kenji Naomi
Sato Suzuki Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Mori Fujita Hayashi Ishikawa Okada
Arabic
Fatima Omar Layla Yusuf Amina Khalid Noor Hassan Samira Tariq Salma Ibrahim Hala Karim Rania
Haddad Khoury Mansour Nasser Saleh Aziz Farouk Hamdan Rahman Darwish Barakat Qasim Sabbagh Tahan
French
Chloé Lucas Camille Hugo Léa Étienne Zoé Théo Manon François Odette Gaston Élise Rémi Solène
Tremblay Gagnon Roy Côté Bouchard Gauthier Morin Lavoie Fortin Bélanger Desjardins Leclerc
West African
Ngozi Chidi Adaeze Emeka Ifeoma Obinna Amara Kelechi Zainab Tunde Kwame Abena Fatou Moussa Efua
Okafor Adeyemi Eze Balogun Nwosu Okonkwo Bello Adebayo Mensah Diallo Boateng Owusu Traoré Sarr
Korean
Min-jun Seo-yeon Ji-ho Ha-eun Do-yun Su-bin Jae-won Ye-jin Hyun-woo Da-eun Eun-ji Sung-min Yuna
Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim Shin Kwon Hwang Baek Seong
Polish
Zofia Jan Maja Piotr Hanna Tomasz Julia Paweł Nina Łukasz Kinga Marek Agnieszka Wojciech Ewa
Nowak Kowalski Wójcik Kamiński Zieliński Szymański Dąbrowski Król Mazur Krawczyk Sikora Baran
German
Greta Jonas Lena Felix Klara Moritz Frieda Anton Johanna Emil Käthe Jürgen Lotte Matthias Ute
Müller Schmidt Schneider Fischer Weber Wagner Becker Hoffmann Schäfer Koch Bauer Krüger Vogel
Vietnamese
Linh Minh Huong Tuan Thao Duc Mai Quang Trang Long Phuong Nam Thuy Dung Ngoc
Nguyen Tran Pham Hoang Phan Vu Vo Dang Bui Do Ho Ngo Duong Ly Dinh
Brazilian
Beatriz Thiago Larissa Rafael Juliana Gustavo Fernanda Caio Letícia Bruno Vitória Davi Luana Otávio
Silva Santos Oliveira Souza Pereira Carvalho Araújo Barbosa Cardoso Teixeira Gonçalves Moreira
Filipino
Maricel Rodel Jhoana Arnel Rowena Dante Liezl Jomar Analyn Ferdie Charito Ramil Divina Noel Imelda
Reyes Cruz Bautista Ocampo Aquino Dizon Manalo Pangilinan Salonga Tolentino Villanueva Mercado
"""
# Elsewhere than in the United States and Canada, people have the names of the country.
CULTURE_OF: Final = {"MX": "Spanish", "GB": "English", "DE": "German", "JP": "Japanese"}

# The numbers that the North American plan keeps for fiction end in 555-0100 to 555-0199.
_AMERICA: Final = """
New York|NY|US|10001 10011 10016 10025|212 646 332 917
Brooklyn|NY|US|11201 11215 11238|718 347 929
Buffalo|NY|US|14202 14209|716
Los Angeles|CA|US|90012 90026 90036|213 323 310 424
Sunnyvale|CA|US|94085 94086 94087|408 669
San Diego|CA|US|92101 92103|619 858
San Francisco|CA|US|94103 94110|415 628
Sacramento|CA|US|95814|916
Chicago|IL|US|60601 60614 60647|312 773 872
Houston|TX|US|77002 77006|713 281
Austin|TX|US|78701 78704|512 737
Dallas|TX|US|75201 75204|214 469
San Antonio|TX|US|78205|210
Phoenix|AZ|US|85004 85016|602 480
Tucson|AZ|US|85701|520
Philadelphia|PA|US|19103 19107|215 267
Pittsburgh|PA|US|15222|412
Columbus|OH|US|43215|614 380
Cleveland|OH|US|44113|216
Charlotte|NC|US|28202|704 980
Raleigh|NC|US|27601|919
Seattle|WA|US|98101 98109|206 564
Denver|CO|US|80202|303 720
Boston|MA|US|02108 02116|617 857
Nashville|TN|US|37203|615 629
Memphis|TN|US|38103|901
Portland|OR|US|97205 97209|503 971
Las Vegas|NV|US|89101|702 725
Atlanta|GA|US|30303 30308|404 470 678
Miami|FL|US|33130 33133|305 786
Orlando|FL|US|32801|407
Tampa|FL|US|33602|813
Minneapolis|MN|US|55401|612
Detroit|MI|US|48226|313
St. Louis|MO|US|63101|314
Kansas City|MO|US|64105|816
New Orleans|LA|US|70112|504
Newark|NJ|US|07102|973 862
Jersey City|NJ|US|07302|201 551
Baltimore|MD|US|21201|410 443
Washington|DC|US|20001 20009|202
Indianapolis|IN|US|46204|317
Milwaukee|WI|US|53202|414
Salt Lake City|UT|US|84101|801
Boise|ID|US|83702|208
Albuquerque|NM|US|87102|505
Omaha|NE|US|68102|402
Richmond|VA|US|23219|804
Charleston|SC|US|29401|843
Providence|RI|US|02903|401
Hartford|CT|US|06103|860
Burlington|VT|US|05401|802
Portland|ME|US|04101|207
Honolulu|HI|US|96813|808
Anchorage|AK|US|99501|907
Toronto|ON|CA|M5V_2T6 M4C_1B5|416 647 437
Ottawa|ON|CA|K1P_1J1|613 343
Montréal|QC|CA|H2Y_1C6 H2X_1Y4|514 438
Québec|QC|CA|G1R_4S9|418
Vancouver|BC|CA|V6B_1A1 V5K_0A1|604 778
Victoria|BC|CA|V8W_1P6|250
Calgary|AB|CA|T2P_1J9|403 587
Edmonton|AB|CA|T5J_2R7|780
Halifax|NS|CA|B3J_1S9|902
Winnipeg|MB|CA|R3C_4A5|204
Saskatoon|SK|CA|S7K_1J5|306
"""
_ELSEWHERE: Final = (
    # Nobody keeps numbers for fiction in Mexico and Japan, so that people have none there.
    SamplePlace("Ciudad de México", "CMX", "MX", ("06000", "03100"), ("", "", "")),
    SamplePlace("Guadalajara", "JAL", "MX", ("44100",), ("",)),
    SamplePlace("Monterrey", "NLE", "MX", ("64000",), ("",)),
    SamplePlace(
        "London", "England", "GB", ("EC1A 1BB", "SW1A 1AA"), ("+44 20 7946 00", "+44 20 7946 01")
    ),
    SamplePlace("Manchester", "England", "GB", ("M1 1AE",), ("+44 161 496 00",)),
    SamplePlace("Edinburgh", "Scotland", "GB", ("EH1 1YZ",), ("+44 131 496 00",)),
    SamplePlace("Berlin", "BE", "DE", ("10115", "10437"), ("+49 30 23125 0",)),
    SamplePlace("München", "BY", "DE", ("80331",), ("+49 89 99998 0",)),
    SamplePlace("Hamburg", "HH", "DE", ("20095",), ("+49 40 66969 0",)),
    SamplePlace("Tokyo", "Tokyo", "JP", ("100-0001", "150-0002"), ("", "")),
    SamplePlace("Osaka", "Osaka", "JP", ("530-0001",), ("",)),
)


def _by_culture() -> dict[str, tuple[str, str]]:
    lines = _CULTURES.split("\n")[1:-1]
    return dict(zip(lines[::3], zip(lines[1::3], lines[2::3], strict=True), strict=True))


def _parse_american(line: str) -> SamplePlace:
    city, state, country, codes, areas = line.split("|")
    return SamplePlace(
        city,
        state,
        country,
        tuple(code.replace("_", " ") for code in codes.split()),
        tuple(f"{area}-555-01" for area in areas.split()),
    )


CULTURES: Final = _by_culture()
PLACES: Final = (*map(_parse_american, _AMERICA.split("\n")[1:-1]), *_ELSEWHERE)

STREETS: Final = (
    "Maple Street",
    "Oak Avenue",
    "Pine Street",
    "Cedar Lane",
    "Elm Street",
    "Lake Road",
    "Hill Street",
    "Park Avenue",
    "Washington Street",
    "River Road",
    "Main Street",
    "Church Street",
    "Mill Road",
    "Sunset Boulevard",
    "Prospect Avenue",
    "Market Street",
)
# How somebody else types them.
SHORT: Final = {"Street": "St", "Avenue": "Ave", "Lane": "Ln", "Road": "Rd", "Boulevard": "Blvd"}

# Kept for documentation by RFC 2606, with all below them: mail to them reaches nobody. One that
# stands here twice has twice as many people.
DOMAINS: Final = (
    "mail.example.com",
    "mail.example.com",
    "mail.example.com",
    "mail.example.com",
    "inbox.example.net",
    "inbox.example.net",
    "inbox.example.net",
    "example.com",
    "example.com",
    "example.org",
    "example.net",
    "post.example.org",
    "work.example.com",
    "school.example.org",
)
