"""The Platform list: pages, filters, and the invented people in it."""

import csv
import io

import pytest


@pytest.fixture(scope="module")
def people(make_once):
    """A sandbox with 250 invented people, read only."""
    return make_once(customers=250, seed=1)


def test_default_page(people):
    """A page has 100 customers unless asked otherwise."""
    assert len(people.list()) == 100


def test_pages_join_without_gap(people):
    """Offsets walk through all customers, oldest first; the short page is the last."""
    pages = [people.list(limit=60, offset=n) for n in range(0, 300, 60)]
    assert [len(page) for page in pages] == [60, 60, 60, 60, 10]
    assert [c["id"] for page in pages for c in page] == [c["id"] for c in people.list(limit=1000)]
    times = [c["customerSince"] for page in pages for c in page]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=1001", "limit cannot be greater than 1000"),
        ("limit=-1", "limit cannot be negative"),
        ("limit=ten", "limit must be a whole number"),
        ("limit=1_0", "limit must be a whole number"),
        ("offset=-5", "offset cannot be negative"),
        ("offset=99999999999999999999", "offset cannot be greater than 9223372036854775807"),
        ("filter=email=a", "cannot filter by 'email=a'"),
        ("filter=nonsense", "cannot filter by 'nonsense'; write FIELD=VALUE"),
        ("filter=externalId=A-1", "cannot filter by 'externalId=A-1'"),
        ("filter=deletedTime=never", "cannot filter by 'deletedTime"),
        ("filter=customerSince>=yesterday", "cannot filter by 'customerSince"),
    ],
)
def test_bad_query(people, query, message):
    """Each is a 400 that says what is wrong."""
    answer = people("GET", f"/v3/merchants/{{m}}/customers?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)


def test_filters(people):
    """Filters compare, combine, and name sets."""
    everyone = people.list(limit=1000, expand="emailAddresses,phoneNumbers")
    one = next(c for c in everyone if c["phoneNumbers"]["elements"] and "firstName" in c)
    email = one["emailAddresses"]["elements"][0]["emailAddress"]
    phone = one["phoneNumbers"]["elements"][0]["phoneNumber"]
    since = one["customerSince"]
    for filters in (
        f"emailAddress={email}",
        f"emailAddress='{email}'",
        f"id={one['id']}",
        [f"phoneNumber={phone}", f"fullName={one['firstName']} {one['lastName']}"],
        [f"customerSince>={since}", f"customerSince<={since}"],
    ):
        assert [c["id"] for c in people.list(filter=filters)] == [one["id"]]
    ids = [c["id"] for c in everyone[3:6]]
    assert [c["id"] for c in people.list(filter=f"id in ('{ids[0]}', '{ids[1]}', {ids[2]})")] == ids
    assert len(people.list(filter=f"emailAddress!={email}", limit=1000)) == 249
    assert len(people.list(filter=f"customerSince>{since}", limit=1000)) == 249 - everyone.index(
        one
    )


def test_the_list_names_its_filter_fields(people):
    """A header says what can be filtered by."""
    answer = people("GET", "/v3/merchants/{m}/customers?limit=1")
    assert "emailAddress" in answer.headers["X-Clover-Allowed-Filter-Fields"]


def test_the_link_of_a_list_is_http_and_ends_with_the_limit(people):
    """Without what is expanded, whatever was asked; a record's is on the web's host."""
    path = f"/v3/merchants/{people.box.merchant_id}/customers"
    for query, end in (
        ("", "limit=100"),
        ("expand=cards&limit=1", "limit=1"),
        ("filter=customerSince>=1&limit=7&expand=cards", "filter=customerSince%3E%3D1&limit=7"),
        ("limit=7&offset=14", "offset=14&limit=7"),
    ):
        body = people("GET", f"{path}?{query}").json()
        assert body["href"] == f"http://apisandbox.dev.clover.com{path}?{end}"
    one = body["elements"][0]
    assert one["href"] == f"https://sandbox.dev.clover.com{path}/{one['id']}"


@pytest.mark.parametrize("path", ["", "/customers", "/gateway"])
def test_a_slash_at_the_end_changes_nothing(people, path):
    """Nor does it stand in the link of the answer."""
    path = f"/v3/merchants/{{m}}{path}"
    answer = people("GET", f"{path}/")
    assert (answer.status_code, answer.json()) == (200, people("GET", path).json())


def test_the_platform_names_the_encoding(people):
    """Of lists and of records."""
    one = people.list(limit=1)[0]
    for path in ("", f"/{one['id']}", "/NOBODY"):
        answer = people("GET", f"/v3/merchants/{{m}}/customers{path}")
        assert answer.headers["Content-Type"] == "application/json;charset=utf-8"


def test_a_list_in_another_order(people):
    """The newest first, or by name; pages join in it too."""
    oldest_first = [each["id"] for each in people.list(limit=1000)]
    newest_first = people.list(limit=1000, orderBy="customerSince DESC")
    assert [each["id"] for each in newest_first] == oldest_first[::-1]
    pages = [people.list(limit=60, offset=n, orderBy="lastName") for n in range(0, 300, 60)]
    names = [each.get("lastName", "") for page in pages for each in page]
    assert len(names) == 250
    assert names == sorted(names)
    answer = people("GET", "/v3/merchants/{m}/customers?orderBy=shoeSize")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("cannot order by 'shoeSize'")


def test_everybody_as_a_table(people):
    """A download, one line a customer."""
    answer = people("GET", "/v3/merchants/{m}/customers.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "customers.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["Customer ID"] for row in rows] == [each["id"] for each in people.list(limit=1000)]
    assert [row["Last Name"] for row in rows] == [
        each.get("lastName", "") for each in people.list(limit=1000)
    ]


def test_the_merchant(people):
    """Programs ask for it to check a token."""
    answer = people("GET", "/v3/merchants/{m}")
    assert answer.json().keys() == {"href", "id", "name"}
    assert answer.json()["id"] == people.box.merchant_id
    other = people("GET", "/v3/merchants/{m}", headers={"Authorization": "Bearer X"})
    assert other.status_code == 401


def test_an_invented_customer_is_like_any_other(people, make):
    """A change leaves the rest of an invented record as it was, byte for byte."""
    caller = make(customers=250, seed=1)
    for before in caller.list(limit=20, expand="emailAddresses,phoneNumbers,addresses,cards"):
        emails = [each["emailAddress"] for each in before["emailAddresses"]["elements"]]
        if not emails:  # a walk-in, whom the Ecommerce API doesn't take
            continue
        assert caller.update(before, email=emails[0]).status_code == 200
        assert caller.platform(before) == before


def test_the_same_people_without_a_seed(people, make):
    """Ids and keys differ, the people don't."""
    other = make(customers=250)
    assert other.box.access_token != people.box.access_token
    mine, theirs = people.list(expand="emailAddresses"), other.list(expand="emailAddresses")
    assert [c.get("lastName") for c in mine] == [c.get("lastName") for c in theirs]
    assert not {c["id"] for c in mine} & {c["id"] for c in theirs}
