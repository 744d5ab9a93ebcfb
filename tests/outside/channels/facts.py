"""The shared payloads and what a correct import must yield: read once, compared field by field."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from krafte_core.channels import amazon, bigcommerce, ebay, etsy, shopify, woocommerce
from krafte_core.incoming import MessageLine, OrderMessage
from tests.support import needs_shared

HOME = needs_shared("channels")
EXPECTED = json.loads((HOME / "EXPECTED.json").read_text(encoding="utf-8"))
CHANNELS: dict[str, Any] = {
    "shopify": shopify.Channel("seife.example"),
    "etsy": etsy.Channel("12345678"),
    "amazon": amazon.Channel("ATVPDKIKX0DER"),
    "ebay": ebay.Channel("example-seller"),
    "woocommerce": woocommerce.Channel("https://shop.example"),
    "bigcommerce": bigcommerce.Channel("abcde"),
}
LINE_FIELDS = {
    "removed_quantity": "removed", "fulfilled_quantity": "fulfilled", "open_quantity": "open", "line_discount": "discount",
    "line_tax": "tax", "variant_title": "variant", "needs_shipping": "ships",
    "parent_line_id": "parent", "has_components": "components",
    "unit_of_measure": "unit", "case_pack": "pack", "unit_size": "pack", "price_uom": "price_unit", "ship_to_address_id": "ship_to",
    "requested_date": "requested", "buyer_requested_cancel": "hold",
}  # fmt: skip
ORDER_FIELDS = {
    "order_number": "number", "updated_at": "version", "channel_status": "status", "order_discount": "discount",
    "fulfilled_by_merchant": "by_merchant", "ship_window_start": "ship_from", "requested_date": "requested",
}  # fmt: skip
PRODUCT_KEYS = {"asin", "product_id", "variation_id", "listing_id", "legacy_item_id"}


def cases(channel: str, *kinds: str) -> list[Any]:
    """The cases of a channel."""
    return [case for case in EXPECTED["cases"] if case["channel"] == channel and case["kind"] in kinds]


def payload(path: str) -> bytes:
    """The bytes of a payload."""
    return (HOME / path).read_bytes()


def message_of(case: dict[str, Any]) -> OrderMessage:
    """The order of a case, as the channel's reader gives it."""
    channel, body = CHANNELS[case["channel"]], payload(case["file"])
    found = [channel.read_order(body)] if not _is_page(body) else [*channel.read_orders(body)]
    wanted: OrderMessage = next(one for one in found if one.order_id == case["facts"]["order_id"])
    return wanted


def _is_page(body: bytes) -> bool:
    data = json.loads(body)
    inner = data.get("payload", data)
    return any(isinstance(inner.get(name), list) for name in ("orders", "Orders"))


def same(ours: Any, theirs: Any) -> bool:
    """Equal as what they are: numbers as decimals, instants as instants, days as days."""
    if theirs is None or isinstance(theirs, bool):
        return ours in (None, "", ()) if theirs is None else (ours == theirs or ours == str(theirs).lower())
    if isinstance(theirs, list):
        return [list(row) if isinstance(row, tuple) else row for row in ours] == theirs
    if isinstance(ours, datetime):
        return _instant(theirs) == ours if "T" in theirs else ours.date() == date.fromisoformat(theirs)
    if isinstance(ours, date):
        return ours == date.fromisoformat(theirs)
    if isinstance(ours, bool):
        return str(ours).lower() == str(theirs).lower()
    if isinstance(ours, Decimal):
        return ours == Decimal(theirs) or ours.quantize(Decimal("1E-6")) == Decimal(theirs)
    if isinstance(ours, str) and isinstance(theirs, str) and ours != theirs:
        if "T" in theirs and "T" in ours.replace(" ", "T"):
            return _instant(ours.replace(" ", "T")) == _instant(theirs)
        return _number(ours) is not None and _number(ours) == _number(theirs)
    return bool(ours == theirs or str(ours) == str(theirs))


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:
        return None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def line_value(line: MessageLine, name: str) -> Any:
    """A fact of a line by its name in the table."""
    if name in LINE_FIELDS:
        return getattr(line, LINE_FIELDS[name])
    if name in PRODUCT_KEYS:
        return dict(line.keys).get(name)
    return getattr(line, name) if hasattr(line, name) else dict(line.extra).get(name)


def order_value(order: OrderMessage, name: str) -> Any:
    """A fact of an order by its name in the table."""
    if name == "ship_to_country":
        several = [place.country for _, place in order.addresses]
        return several if len(several) > 1 else order.ship_to.country if order.ship_to is not None else None
    if name == "shipments":
        return [[one.carrier, one.tracking] for one in order.sent]
    if name == "shipping" and order.shipping is None:
        return dict(order.extra).get(name)
    field = ORDER_FIELDS.get(name, name)
    return getattr(order, field) if hasattr(order, field) else dict(order.extra).get(field)


def differences(order: OrderMessage, facts: dict[str, Any]) -> list[str]:
    """Every fact that the message does not have."""
    rows = [
        f"{name}: {order_value(order, name)!r} is not {theirs!r}"
        for name, theirs in facts.items()
        if name != "lines" and not same(order_value(order, name), theirs)
    ]
    if "lines" not in facts:
        return rows
    if [line.line_id for line in order.lines] != [row["line_id"] for row in facts["lines"]]:
        return [*rows, f"lines: {[line.line_id for line in order.lines]}"]
    for line, told in zip(order.lines, facts["lines"], strict=True):
        rows += [
            f"line {line.line_id}: {name}: {line_value(line, name)!r} is not {theirs!r}"
            for name, theirs in told.items()
            if not same(line_value(line, name), theirs)
        ]
    return rows
