"""How eBay is told: a shipping fulfilment per parcel; carrier and number only together, and only letters and digits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import attrs

from krafte_core.channels.calls import Answer, Request, posted, stamp
from krafte_core.channels.reading import Node, Sheet
from krafte_core.channels.writing import Call, OnSale, Outcome, Parcel, Plan, whole
from krafte_core.channels.writing import Rules as Common
from krafte_core.errors import ChannelError

ROOT = "/sell/fulfillment/v1/order"
NO_NUMBER = "999"
"""The id of a fulfilment without tracking number."""


class Rules(Common):
    """One call; after a time-out the fulfilments of the order tell whether it arrived."""

    @staticmethod
    def calls(channel: Any, parcel: Parcel) -> tuple[Call, ...]:
        """The one call."""
        return (Call(key=parcel.tracking or NO_NUMBER, request=fulfilment(parcel), lines=parcel.lines),)

    @staticmethod
    def read(plan: Plan) -> Request:
        """The fulfilments."""
        return Request("GET", f"{ROOT}/{plan.parcel.order_id}/shipping_fulfillment")

    @staticmethod
    def blind(channel: Any, parcel: Parcel) -> bool:
        """All fulfilments without number have one id."""
        return not parcel.tracking

    @staticmethod
    def known(plan: Plan, answer: Answer) -> Plan:
        """Whether one with our number is there; without number, whether there is one more with our lines than before."""
        sheet = Sheet("ebay")
        rows = Node(answer.data("ebay"), "$", sheet).rows("fulfillments")
        if plan.parcel.tracking:
            found = plan.parcel.tracking in {row.text("shipmentTrackingNumber") for row in rows}
            names: list[str] = []
        else:
            alike = [row for row in rows if _lines(row) == dict(plan.parcel.lines)]
            names = [str(place) for place in range(len(alike))]
            found = len(alike) > len(plan.known_before)
        sheet.done("fulfillments")
        return plan.looked(names, found=found)

    @staticmethod
    def stock(channel: Any, offers: Sequence[OnSale]) -> tuple[Call, ...]:
        """`POST bulk_update_price_quantity`, 25 products in each call."""
        rows = []
        for offer in offers:
            (sku,) = offer.named(channel.name, "sku")
            rows.append({"sku": sku, "shipToLocationAvailability": {"quantity": offer.quantity}})
        path = "/sell/inventory/v1/bulk_update_price_quantity"
        parts = [rows[at : at + 25] for at in range(0, len(rows), 25)]
        return tuple(Call(key=str(at), request=posted(path, {"requests": part})) for at, part in enumerate(parts))

    @staticmethod
    def outcome(plan: Plan, call: Call, answer: Answer) -> Outcome:
        """The id stands at the end of the Location."""
        found = Common.outcome(plan, call, answer)
        return attrs.evolve(found, text=answer.header("location").rstrip("/").rpartition("/")[2]) if found.accepted else found

    @staticmethod
    def parcel(parcel: Parcel) -> Parcel:
        """Blanks and dashes of a number are taken out; other letters are refused.

        Raises:
            ChannelError: (`channel_error`)
        """
        number = "".join(letter for letter in parcel.tracking if letter not in " -./")
        if number and not (number.isascii() and number.isalnum()):
            raise ChannelError("ebay", f"the tracking number {parcel.tracking!r}", "letters and digits")
        if number and not parcel.carrier:
            raise ChannelError("ebay", f"the tracking number {parcel.tracking!r}", "a carrier with it")
        return attrs.evolve(parcel, tracking=number)


def fulfilment(parcel: Parcel) -> Request:
    """`POST shipping_fulfillment`."""
    body: dict[str, Any] = {
        "lineItems": [{"lineItemId": line, "quantity": whole(count, "ebay", line)} for line, count in parcel.lines],
    }
    if parcel.shipped_at is not None:
        body["shippedDate"] = stamp(parcel.shipped_at)
    if parcel.tracking:
        body |= {"shippingCarrierCode": parcel.carrier, "trackingNumber": parcel.tracking}
    return posted(f"{ROOT}/{parcel.order_id}/shipping_fulfillment", body)


def _lines(node: Node) -> dict[str, Decimal | None]:
    return {row.ident("lineItemId"): row.count("quantity") for row in node.rows("lineItems")}
