"""What a type checker says of a program that uses the package. Read by mypy alone, never run.

An error that isn't found any more makes its ``type: ignore`` an error.
"""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
import pandas as pd

from clover_nb import TEST_CARDS, Customer, Token, connect, to_frame, to_row, upsert
from clover_nb.client import Clover

clover = connect("local", seed=1)
assert_type(clover, Clover)
token = clover.tokens.create(card=TEST_CARDS["visa"])
assert_type(token, pd.Series[Any])

row = clover.customers.create(email="ana@example.com", source=token["id"], name="Ana Rivera")
assert_type(row, pd.Series[Any])
assert_type(Customer.create(email="ana@example.com", source="clv_1TSTS"), pd.Series[Any])
assert_type(Token.create(card=TEST_CARDS["visa"]), pd.Series[Any])
assert_type(clover.customers.modify(row["id"], phone="555-0125", expected=row), pd.Series[Any])
assert_type(Customer.modify(row["id"], name="Updated Name"), pd.Series[Any])
assert_type(clover.customers.retrieve("7QK2M9ZX4T0BC"), pd.Series[Any])
assert_type(clover.customers.add_source("7QK2M9ZX4T0BC", "clv_1", consent=True), pd.Series[Any])
assert_type(clover.customers.list(), pd.DataFrame)
assert_type(Customer.list(limit=3), pd.DataFrame)
assert_type(clover.customers.list(limit=np.int64(3)), pd.DataFrame)
assert_type(clover.customers.search(email="ana@example.com"), pd.DataFrame)
assert_type(to_frame([{"id": "7QK2M9ZX4T0BC"}]), pd.DataFrame)
assert_type(upsert(clover.customers.list(), to_row({"id": "7QK2M9ZX4T0BC"})), pd.DataFrame)

clover.customers.create()  # type: ignore[call-arg]
clover.customers.create(email="ana@example.com")  # type: ignore[call-arg]
clover.customers.create(source="clv_1TSTS")  # type: ignore[call-arg]
clover.customers.create(email=None, source="clv_1TSTS")  # type: ignore[arg-type]
clover.customers.create(emial="ana@example.com", source="clv_1TSTS")  # type: ignore[call-arg]
clover.customers.create("ana@example.com", source="clv_1TSTS")  # type: ignore[call-arg]
clover.customers.modify()  # type: ignore[call-arg]
clover.customers.modify("7QK2M9ZX4T0BC", first_name="Ana")  # type: ignore[call-arg]
clover.customers.modify("7QK2M9ZX4T0BC", phone=5550125)  # type: ignore[arg-type]
clover.customers.add_source("7QK2M9ZX4T0BC", "clv_1TSTS")  # type: ignore[call-arg]
clover.customers.search(mail="ana@example.com")  # type: ignore[call-arg]
clover.customers.list(limit="ten")  # type: ignore[arg-type]
clover.tokens.create(TEST_CARDS["visa"])  # type: ignore[call-arg]
Customer.create()  # type: ignore[call-arg]
Customer.create(emial="ana@example.com", source="clv_1TSTS")  # type: ignore[call-arg]
Customer.modify("7QK2M9ZX4T0BC", first_name="Ana")  # type: ignore[call-arg]
Customer.search(mail="ana@example.com")  # type: ignore[call-arg]
Token.create()  # type: ignore[call-arg]
