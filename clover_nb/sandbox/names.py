"""What invented people are made of: names by culture, and places whose codes belong to them."""

from __future__ import annotations

from typing import Final, NamedTuple


class Place(NamedTuple):
    """A city with the state, the postal code and the telephone area code that belong to it."""

    city: str
    state: str
    postal_code: str
    country: str
    area_code: str


# First names, and the last names that go with them.
CULTURES: Final = (
    (
        "Ana Luis Carmen José Elena Mateo Lucía Diego Isabel Andrés",
        "Rivera Álvarez García Núñez Ortiz Muñoz Castillo Peña Vega Romero",
    ),
    (
        "Emma Liam Olivia Noah Grace Henry Ruth Samuel Alice Walter",
        "Smith Johnson O'Brien Miller Davis Wilson Clark Turner Baker Reed",
    ),
    (
        "Mei Wei Jing Hao Li Jun Xin Yan Ming Fang",
        "Chen Wang Zhang Liu Huang Zhao Wu Zhou Lin Xu",
    ),
    (
        "Priya Arjun Ananya Rohan Kavya Vikram Meera Sanjay Divya Nikhil",
        "Patel Sharma Gupta Iyer Reddy Singh Nair Mehta Kapoor Das",
    ),
    (
        "Yuki Haruto Sakura Ren Aoi Kaito Hina Sota Mio Daiki",
        "Sato Suzuki Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Mori",
    ),
    (
        "Fatima Omar Layla Yusuf Amina Khalid Noor Hassan Samira Tariq",
        "Haddad Khoury Mansour Nasser Saleh Aziz Farouk Hamdan Rahman Darwish",
    ),
    (
        "Chloé Lucas Camille Hugo Léa Étienne Zoé Théo Manon François",
        "Tremblay Gagnon Roy Côté Bouchard Gauthier Morin Lavoie Fortin Bélanger",
    ),
    (
        "Ngozi Chidi Adaeze Emeka Ifeoma Obinna Amara Kelechi Zainab Tunde",
        "Okafor Adeyemi Eze Balogun Nwosu Okonkwo Bello Adebayo Mensah Diallo",
    ),
    (
        "Min-jun Seo-yeon Ji-ho Ha-eun Do-yun Su-bin Jae-won Ye-jin Hyun-woo Da-eun",
        "Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim",
    ),
    (
        "Zofia Jan Maja Piotr Hanna Tomasz Julia Paweł Nina Łukasz",
        "Nowak Kowalski Wójcik Kamiński Zieliński Szymański Dąbrowski Król Mazur Krawczyk",
    ),
)

PLACES: Final = (
    Place("New York", "NY", "10001", "US", "212"),
    Place("Brooklyn", "NY", "11201", "US", "718"),
    Place("Los Angeles", "CA", "90012", "US", "213"),
    Place("Sunnyvale", "CA", "94085", "US", "408"),
    Place("San Diego", "CA", "92101", "US", "619"),
    Place("Chicago", "IL", "60601", "US", "312"),
    Place("Houston", "TX", "77002", "US", "713"),
    Place("Austin", "TX", "78701", "US", "512"),
    Place("Dallas", "TX", "75201", "US", "214"),
    Place("Phoenix", "AZ", "85004", "US", "602"),
    Place("Philadelphia", "PA", "19103", "US", "215"),
    Place("Columbus", "OH", "43215", "US", "614"),
    Place("Charlotte", "NC", "28202", "US", "704"),
    Place("Seattle", "WA", "98101", "US", "206"),
    Place("Denver", "CO", "80202", "US", "303"),
    Place("Boston", "MA", "02108", "US", "617"),
    Place("Nashville", "TN", "37203", "US", "615"),
    Place("Portland", "OR", "97205", "US", "503"),
    Place("Las Vegas", "NV", "89101", "US", "702"),
    Place("Atlanta", "GA", "30303", "US", "404"),
    Place("Miami", "FL", "33130", "US", "305"),
    Place("Minneapolis", "MN", "55401", "US", "612"),
    Place("New Orleans", "LA", "70112", "US", "504"),
    Place("Newark", "NJ", "07102", "US", "973"),
    Place("Honolulu", "HI", "96813", "US", "808"),
    Place("Anchorage", "AK", "99501", "US", "907"),
    Place("Toronto", "ON", "M5V 2T6", "CA", "416"),
    Place("Montréal", "QC", "H2Y 1C6", "CA", "514"),
    Place("Vancouver", "BC", "V6B 1A1", "CA", "604"),
    Place("Calgary", "AB", "T2P 1J9", "CA", "403"),
    Place("Halifax", "NS", "B3J 1S9", "CA", "902"),
    Place("Winnipeg", "MB", "R3C 4A5", "CA", "204"),
)

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

# Kept for documentation by RFC 2606: mail to them reaches nobody.
DOMAINS: Final = ("example.com", "example.org", "example.net")
