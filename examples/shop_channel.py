"""A sales channel's webhook becomes an order: signature checked, delivered twice, imported once, edited later, answered."""

import base64
import hashlib
import hmac
import json
from typing import Any

from krafte_core import Item, Workshop
from krafte_core.channels import ChannelError, shopify

SECRET = "shpss_example"


def deliver(payload: dict[str, Any], topic: str) -> tuple[bytes, dict[str, str]]:
    """What the shop's server would send."""
    body = json.dumps(payload).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    return body, {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "seife.example"}


shop = Workshop.in_memory()
shop.register(Item("soap-bar", unit="each"))
channel = shopify.Channel("seife.example", secret=SECRET, skus={"SOAP-LAV": "soap-bar"})
payload: dict[str, Any] = {
    "id": 820982911946154508,
    "name": "#9999",
    "created_at": "2026-11-23T09:15:00+01:00",
    "updated_at": "2026-11-23T09:15:00+01:00",
    "currency": "EUR",
    "financial_status": "paid",
    "email": "kundin@example.org",
    "cancelled_at": None,
    "shipping_address": {"name": "K. Kundin", "address1": "Weg 1", "zip": "20095", "city": "Hamburg", "country_code": "DE"},
    "line_items": [
        {
            "id": 866550311766439020,
            "sku": "SOAP-LAV",
            "name": "Lavender soap",
            "quantity": 3,
            "current_quantity": 3,
            "price": "6.50",
            "total_discount": "0.00",
        },
        {
            "id": 141249953214522974,
            "sku": "GIFT",
            "name": "Unknown to us",
            "quantity": 1,
            "current_quantity": 1,
            "price": "2.00",
            "total_discount": "0.00",
        },
    ],
}
body, headers = deliver(payload, "orders/create")
message = channel.read_webhook(body, headers)
first = shop.orders.import_from(message)
second = shop.orders.import_from(message)  # webhooks arrive more than once
assert first.order == second.order and first.changed and not second.changed
assert first.order is not None
assert [str(line.amount) for line in first.order.lines if line.item] == ["3 each"]
assert [line.sku for line in first.unmatched] == ["GIFT"]  # kept and shown; the order is neither refused nor cut

# The customer edits the order in the shop: an update, netted again.
payload["updated_at"] = "2026-11-23T10:00:00+01:00"
payload["line_items"][0]["current_quantity"] = 2
edited = shop.orders.import_from(channel.read_webhook(*deliver(payload, "orders/updated")))
assert edited.order is not None
assert [str(line.amount) for line in edited.order.lines if line.item] == ["2 each"]
stale = shop.orders.import_from(message)  # the first message again, late: newer knowledge stands
assert not stale.changed

try:
    channel.read_webhook(body + b" ", headers)
except ChannelError as error:
    assert error.code == "bad_signature"
else:
    raise AssertionError("a forged webhook was accepted")

# Shipped: the channel is told by a request that the host sends with whatever HTTP client it has.
shop.stock.receive("soap-bar", "10 each", lot="S-1")
shop.orders.confirm(edited.order)  # the unmatched line waits and blocks nothing
shipment = shop.shipping.ship(edited.order, carrier="DHL", tracking="00340434161094042557")
plan = channel.plan_fulfillment(shipment)  # sans I/O: requests to send, answers to feed back, a state that can be stored
request = plan.next_request()
assert request is not None
assert request.method in {"GET", "POST"}
