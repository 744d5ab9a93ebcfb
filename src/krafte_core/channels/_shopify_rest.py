"""Shopify's REST shape of an order, which webhooks still have: data in, message out."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from krafte_core.channels.reading import Node, Sheet, added, address, distinct, pairs
from krafte_core.incoming import MessageLine, OrderMessage, Refund, Sent

ADDRESS = {
    "name": "first_name+last_name", "street": "company+address1+address2", "postcode": "zip", "city": "city",
    "region": "province_code", "country": "country_code", "phone": "phone",
}  # fmt: skip
PAID = frozenset({"paid", "partially_refunded", "refunded", "partially_paid", ""})
ZERO = Decimal(0)


def order(data: Any, sheet: Sheet, account: str, asked_at: datetime | None) -> OrderMessage:
    """The order of a webhook, a single read, or a row of a page."""
    node = Node(data, "$", sheet)
    parcels = node.rows("fulfillments")
    shipped = _shipped(parcels)
    rows = node.rows("line_items", required=True)
    lines = tuple(_line(row, shipped) for row in rows)
    distinct(node, "line_items", [line.line_id for line in lines])
    refunds = tuple(_refund(row) for row in node.rows("refunds"))
    cancelled_at = node.at("cancelled_at")
    status = node.text("financial_status")
    currency = node.currency("currency")
    if currency is None and "currency" not in node:
        node.miss("currency", None, "an active code of ISO 4217")
    name = address(node.child("shipping_address"), ADDRESS)
    billing = address(node.child("billing_address"), ADDRESS)
    discount = node.number("total_discounts")
    allotted = added(*[line.discount for line in lines])
    if discount is not None and allotted and allotted != discount:
        sheet.warn("$.total_discounts", f"{discount} is not the sum of the lines' discounts, {allotted}")
    return OrderMessage(
        channel="shopify", account=account, order_id=node.ident("id"), version=node.at("updated_at") or asked_at,
        number=node.text("name"), placed_at=node.at("processed_at") or node.at("created_at"), status=status,
        importable=status in PAID and node.flag("test") is not True, cancelled=cancelled_at is not None, cancelled_at=cancelled_at,
        currency=currency, presentment_currency=node.currency("presentment_currency"), prices_include_tax=node.flag("taxes_included"),
        total=node.number("total_price"), shipping=_shipping(node), tax=node.number("total_tax"), discount=discount,
        refunded=added(*[one.money for one in refunds]), ship_to=name or None, buyer=_buyer(node, name, billing),
        lines=tuple(_closed(line) for line in lines) if cancelled_at is not None else lines,
        sent=tuple(_sent(row) for row in parcels if _succeeded(row)), refunds=refunds, note=node.text("note"),
        warnings=tuple(sheet.warnings), extra=_extra(node),
    )  # fmt: skip


def _line(node: Node, shipped: dict[str, Decimal]) -> MessageLine:
    line_id = node.ident("id")
    quantity = node.count("quantity", required=True) or ZERO
    current, open_now = node.count("current_quantity"), node.count("fulfillable_quantity")
    ships = node.flag("requires_shipping") is not False and node.flag("gift_card") is not True
    removed = None if current is None else quantity - current
    fulfilled = min(shipped.get(line_id, ZERO), quantity)
    if open_now is None and current is not None and ships:
        open_now = max(current - fulfilled, ZERO)
    return MessageLine(
        line_id=line_id, quantity=quantity, sku=node.some("sku"), title=node.text("title") or node.text("name"),
        variant=node.some("variant_title"), removed=removed, fulfilled=fulfilled, open=open_now if ships else ZERO,
        unit_price=node.number("price"), discount=_discount(node), tax=_taxes(node), ships=ships,
        options=tuple((row.text("name"), row.text("value")) for row in node.rows("properties")),
        keys=tuple((key, name) for key in ("variant_id", "product_id") if (name := node.ident(key, required=False))),
    )  # fmt: skip


def _discount(node: Node) -> Decimal | None:
    rows = node.rows("discount_allocations")
    return added(*[row.number("amount") for row in rows]) if rows else node.number("total_discount") or ZERO


def _taxes(node: Node) -> Decimal | None:
    return added(*[row.number("price") for row in node.rows("tax_lines")]) if "tax_lines" in node else None


def _closed(line: MessageLine) -> MessageLine:
    """The line of a cancelled order."""
    return attrs.evolve(line, removed=line.quantity - (line.fulfilled or ZERO), open=ZERO)


def _succeeded(node: Node) -> bool:
    return node.text("status") in {"success", "open", "pending", ""}


def _shipped(parcels: list[Node]) -> dict[str, Decimal]:
    """Sold units per line that have really left."""
    sums: dict[str, Decimal] = {}
    for parcel in parcels:
        if _succeeded(parcel):
            for row in parcel.rows("line_items"):
                name = row.ident("id")
                sums[name] = sums.get(name, ZERO) + (row.count("quantity") or ZERO)
    return sums


def _sent(node: Node) -> Sent:
    lines = tuple((row.ident("id"), row.count("quantity") or ZERO) for row in node.rows("line_items"))
    return Sent(
        sent_id=node.ident("id"), carrier=node.text("tracking_company"), tracking=node.text("tracking_number"),
        at=node.at("created_at"), lines=lines,
    )  # fmt: skip


def _refund(node: Node) -> Refund:
    """The money of a refund is what its transactions moved."""
    moved = [
        row.number("amount") for row in node.rows("transactions") if row.text("kind") == "refund" and row.text("status") == "success"
    ]
    rows = node.rows("refund_line_items")
    lines = tuple((row.ident("line_item_id"), row.count("quantity", required=True) or ZERO) for row in rows)
    return Refund(refund_id=node.ident("id"), at=node.at("created_at"), money=added(*moved), lines=lines)


def refunds(data: Any, sheet: Sheet) -> tuple[str, tuple[Refund, ...]]:
    """The refunds of a `refunds/create` webhook or of a list, and the order that they belong to."""
    rows = [Node(data, "$", sheet)] if "refund_line_items" in data else Node(data, "$", sheet).rows("refunds")
    orders = {row.ident("order_id") for row in rows}
    return (orders.pop() if len(orders) == 1 else ""), tuple(_refund(row) for row in rows)


def _shipping(node: Node) -> Decimal | None:
    told = node.child("total_shipping_price_set").child("shop_money").number("amount")
    if told is None and "shipping_lines" in node:
        return added(*[row.number("price") for row in node.rows("shipping_lines")])
    return told


def _buyer(node: Node, *addresses: Any) -> str:
    return node.text("email") or next((one.name for one in addresses if one is not None and one.name), "") or node.text("phone")


def _extra(node: Node) -> tuple[tuple[str, str], ...]:
    wishes = {row.text("name"): row.text("value") for row in node.rows("note_attributes")}
    return pairs(
        current_total=node.number("current_total_price"), tip=node.number("total_tip_received"), tags=node.some_text("tags"),
        presentment_total=node.child("total_price_set").child("presentment_money").number("amount"),
        requested_delivery_date=wishes.get("delivery_date"), fulfillment_status=node.some_text("fulfillment_status"),
    )  # fmt: skip
