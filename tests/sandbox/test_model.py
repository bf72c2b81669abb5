"""Random life cycles give what a model of a few lines gives."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from clover_nb.constants import DECLINED_CARDS, TEST_CARDS

CARDS = st.sampled_from(sorted(TEST_CARDS.keys() - DECLINED_CARDS))
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
EMAILS = st.from_regex(r"[a-z]{1,8}@example\.(com|org)", fullmatch=True)


def test_life_cycles(make):
    """Create, modify, add and delete sources, list."""
    call = make()

    class Life(RuleBasedStateMachine):
        customers = Bundle("customers")

        def __init__(self):
            super().__init__()
            call.box.reset()
            self.model = {}

        @rule(target=customers, email=EMAILS, card=CARDS)
        def create(self, email, card):
            made = call.create(card, email=email)
            cards = [(made["sources"]["data"][0], card)]
            self.model[made["id"]] = {"name": "", "emails": [email], "cards": cards}
            return made["id"]

        @rule(customer=customers, email=EMAILS, name=TEXT)
        def modify(self, customer, email, name):
            known = self.model[customer]
            known["name"] = name.strip() or known["name"]
            known["emails"] = [email, *(e for e in known["emails"] if e != email)]
            answer = call.update({"id": customer}, email=email, name=name).json()
            assert answer.get("name", "") == known["name"]

        @rule(customer=customers, card=CARDS)
        def add_source(self, customer, card):
            known = self.model[customer]
            email = known["emails"][0]
            answer = call.update({"id": customer}, email=email, source=call.token(card))
            if card in {name for _, name in known["cards"]}:
                assert answer.status_code == 409
            else:
                known["cards"].insert(0, (answer.json()["sources"]["data"][0], card))

        @rule(customer=customers)
        def delete_source(self, customer):
            cards = self.model[customer]["cards"]
            card = cards.pop()[0] if cards else "NOSUCHCARD"
            status = call("DELETE", f"/v1/customers/{customer}/sources/{card}").status_code
            assert status == (404 if card == "NOSUCHCARD" else 200)

        @rule(customer=consumes(customers))
        def delete(self, customer):
            del self.model[customer]
            assert call("DELETE", f"/v3/merchants/{{m}}/customers/{customer}").status_code == 200

        @invariant()
        def same(self):
            seen = call.list(limit=1000, expand="emailAddresses,cards")
            assert [c["id"] for c in seen] == list(self.model)
            for customer in seen:
                known = self.model[customer["id"]]
                emails = customer["emailAddresses"]["elements"]
                assert [e["emailAddress"] for e in emails] == known["emails"]
                cards = customer["cards"]["elements"]
                assert [card["id"] for card in cards] == [card for card, _ in known["cards"]]

    Life.TestCase.settings = settings(
        max_examples=25,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    Life.TestCase("runTest").runTest()
