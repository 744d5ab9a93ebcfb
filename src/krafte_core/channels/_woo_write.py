"""How WooCommerce is told: by fulfilments of newer cores, by the tracking extension, or by the status of a whole order."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from krafte_core.channels.calls import Answer, Request, posted
from krafte_core.channels.reading import Node, Sheet
from krafte_core.channels.writing import Call, OnSale, Parcel, Plan, whole
from krafte_core.channels.writing import Rules as Common
from krafte_core.errors import ChannelError
from krafte_core.incoming import OrderMessage

ROOT = "/wp-json/wc/v3/orders"
TRACKINGS = "/wp-json/wc/v2/orders"
WAYS = ("core", "tracking", "status")
PROVIDERS = frozenset({"dhl", "dpd", "gls", "ups", "usps", "fedex", "hermes", "royal-mail"})


class Rules(Common):
    """One call; after a time-out the shop's own list tells whether it arrived."""

    @staticmethod
    def calls(channel: Any, parcel: Parcel) -> tuple[Call, ...]:
        """The one call, in the way of the shop."""
        make = {"core": fulfilment, "tracking": tracking, "status": completed}[channel.fulfillment]
        return (Call(key=channel.fulfillment, request=make(parcel), lines=parcel.lines),)

    @staticmethod
    def read(plan: Plan) -> Request:
        """What the shop has."""
        way, order = plan.calls[0].key, plan.parcel.order_id
        paths = {
            "core": f"{ROOT}/{order}/fulfillments",
            "tracking": f"{TRACKINGS}/{order}/shipment-trackings/",
            "status": f"{ROOT}/{order}",
        }
        return Request("GET", paths[way])

    @staticmethod
    def blind(channel: Any, parcel: Parcel) -> bool:
        """Without a number one fulfilment looks like another."""
        return not parcel.tracking and channel.fulfillment != "status"

    @staticmethod
    def check(channel: Any, parcel: Parcel, order: OrderMessage | None) -> None:
        """A status knows no parts: all that is open must leave with it.

        Raises:
            ChannelError: (`channel_error`)
        """
        if channel.fulfillment != "status" or not parcel.lines:
            return
        sent = dict(parcel.lines)
        rows = order.lines if order is not None else ()
        if not rows or any(sent.get(line.line_id, 0) < line.wanted - line.gone for line in rows if line.demanding):
            raise ChannelError(
                "woocommerce", f"a part of order {parcel.order_id}", "all that is open, with `order`: a status knows no parts"
            )

    @staticmethod
    def known(plan: Plan, answer: Answer) -> Plan:
        """Whether ours is there and was not there before."""
        data, sheet = answer.data("woocommerce"), Sheet("woocommerce")
        if plan.calls[0].key == "status":
            found, names = Node(data, "$", sheet).text("status") == "completed", []
        else:
            listed = data.get("fulfillments", data) if isinstance(data, dict) else data
            rows = Node({"rows": listed}, "$", sheet).rows("rows", required=True)
            named = {row.text("id") or row.text("tracking_id"): row for row in rows}
            names = [*named]
            found = any(_is_ours(row, plan) for name, row in named.items() if name not in plan.known_before)
        sheet.done("fulfillments")
        return plan.looked(names, found=found)

    @staticmethod
    def unsure(plan: Plan) -> bool:
        """A status may be set twice."""
        return plan.task == "fulfill" and plan.calls[0].key != "status"

    @staticmethod
    def cancellation(channel: Any, order_id: str, reason: str) -> Request:
        """`PUT orders/{id}` with the status cancelled."""
        return posted(f"{ROOT}/{order_id}", {"status": "cancelled"}, method="PUT")

    @staticmethod
    def stock(channel: Any, offers: Sequence[OnSale]) -> tuple[Call, ...]:
        """`PUT products/{id}`, or that of a variation."""
        calls = []
        for offer in offers:
            (product,) = offer.named(channel.name, "product_id")
            variation = dict(offer.key).get("variation_id")
            path = f"/wp-json/wc/v3/products/{product}" + (f"/variations/{variation}" if variation else "")
            body = {"manage_stock": True, "stock_quantity": offer.quantity}
            calls.append(Call(key=variation or product, request=posted(path, body, method="PUT")))
        return tuple(calls)


def completed(parcel: Parcel) -> Request:
    """`PUT orders/{id}`: for whole orders only."""
    return posted(f"{ROOT}/{parcel.order_id}", {"status": "completed"}, method="PUT")


def fulfilment(parcel: Parcel) -> Request:
    """`POST orders/{id}/fulfillments` of newer cores."""
    items = [{"item_id": _number(line), "qty": _count(count)} for line, count in parcel.lines]
    meta = [
        ("_items", items),
        ("_tracking_number", parcel.tracking),
        ("_shipment_provider", parcel.carrier),
        ("_tracking_url", parcel.url),
    ]
    body = {"status": "fulfilled", "is_fulfilled": True, "meta_data": [{"key": key, "value": value} for key, value in meta if value]}
    return posted(f"{ROOT}/{parcel.order_id}/fulfillments", body)


def tracking(parcel: Parcel) -> Request:
    """`POST shipment-trackings` of the extension."""
    listed = parcel.carrier.casefold() in PROVIDERS
    told = {"tracking_provider" if listed else "custom_tracking_provider": parcel.carrier, "tracking_number": parcel.tracking}
    if parcel.url and not listed:
        told["custom_tracking_link"] = parcel.url
    if parcel.shipped_at is not None:
        told["date_shipped"] = parcel.shipped_at.strftime("%Y-%m-%d")
    return posted(f"{TRACKINGS}/{parcel.order_id}/shipment-trackings/", told)


def _is_ours(node: Node, plan: Plan) -> bool:
    if "tracking_number" in node:
        return bool(plan.parcel.tracking) and node.text("tracking_number") == plan.parcel.tracking
    meta = {row.text("key"): row.data.get("value") for row in node.rows("meta_data")}
    if plan.parcel.tracking:
        return bool(meta.get("_tracking_number") == plan.parcel.tracking)
    items = meta.get("_items")
    mine = {line: _count(count) for line, count in plan.parcel.lines}
    return isinstance(items, list) and {str(row.get("item_id")): row.get("qty") for row in items if isinstance(row, dict)} == mine


def _number(line: str) -> int | str:
    plain = line.partition("#")[0]
    return int(plain) if plain.isdigit() else plain


def _count(count: Decimal) -> int | str:
    return whole(count, "woocommerce", "") if count == int(count) else str(count)
