"""Clover's Python SDK of 2019 (ecommClover), unmodified, through a customer's whole life."""

import json
import sys

import clover
from clover import Customer, PublicAccessKey, Token

there = json.load(sys.stdin)
clover.set_api_endpoint(there["ecommerce_url"])
clover.set_tokenization_api_endpoint(there["token_url"])
clover.access_token = there["access_token"]

key = PublicAccessKey.retrieve()
assert key["merchantUuid"] == there["merchant_id"], key
clover.api_key = key["apiAccessKey"]

token = Token.create(card=there["card"])
assert token["object"] == "token", token
customer = Customer.create(email="ana@example.com", source=token["id"], name="Ana Rivera")
assert customer["object"] == "customer", customer
assert customer["name"] == "Ana Rivera", customer

moved = Customer.modify(
    customer["id"], email="ana@example.com", shipping={"address": {"city": "Boston"}}
)
assert moved["shipping"]["address"] == {"city": "Boston", "country": "US"}, moved

(card,) = moved["sources"]["data"]
gone = Customer.delete_source(customer["id"], card)
assert gone == {"deleted": True, "id": card, "object": "deletedcard"}, gone
again = Customer.delete_source(customer["id"], card)
assert again["error"]["code"] == "invalid_request", again
print("ecommClover: key, token, create, modify, delete source, refusal: ok")
