"""How Amazon is told: a shipment confirmation per package, and a vendor's acknowledgements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import attrs

from krafte_core.channels.calls import Answer, Request, posted, stamp
from krafte_core.channels.writing import Call, OnSale, Outcome, Parcel, Plan, whole
from krafte_core.channels.writing import Rules as Common
from krafte_core.errors import ChannelError

CODES = ("Accepted", "Backordered", "Rejected")


class Rules(Common):
    """One call per package. A second call with one package reference changes the package, so it may be sent again after a time-out."""

    @staticmethod
    def calls(channel: Any, parcel: Parcel) -> tuple[Call, ...]:
        """The one call."""
        if channel.api == "vendor":
            raise ChannelError("amazon", "a shipment of a vendor", "plan_acknowledgement; vendors announce shipments by their own API")
        return (Call(key=f"package {parcel.package}", request=confirmation(channel.marketplace, parcel)),)

    @staticmethod
    def unsure(plan: Plan) -> bool:
        """The package reference protects."""
        return False

    @staticmethod
    def stock(channel: Any, offers: Sequence[OnSale]) -> tuple[Call, ...]:
        """`PATCH listings/2021-08-01/items/{seller}/{sku}`, one product in each call; `channel.party` is the seller's id."""
        if not channel.party:
            raise ChannelError("amazon", "stock levels", "Channel(..., party=...) with the seller's id")
        calls = []
        for offer in offers:
            (sku,) = offer.named(channel.name, "sku")
            value = [{"fulfillment_channel_code": "DEFAULT", "quantity": offer.quantity}]
            patch = {"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}
            made = posted(
                f"/listings/2021-08-01/items/{channel.party}/{quote(sku, safe='')}", {"productType": "PRODUCT", "patches": [patch]}
            )
            calls.append(Call(key=sku, request=attrs.evolve(made, method="PATCH", query=(("marketplaceIds", channel.marketplace),))))
        return tuple(calls)

    @staticmethod
    def outcome(plan: Plan, call: Call, answer: Answer) -> Outcome:
        """204 for a confirmation, 202 for an acknowledgement."""
        found = Common.outcome(plan, call, answer)
        return attrs.evolve(found, text=f"package {plan.parcel.package}") if found.accepted and plan.task == "fulfill" else found


def confirmation(marketplace: str, parcel: Parcel) -> Request:
    """`POST shipmentConfirmation`.

    Raises:
        ChannelError: (`channel_error`) no carrier, no number, no time, or no lines.
    """
    told = dict(parcel.options)
    carrier = told.get("carrier_code") or parcel.carrier
    if not carrier or not parcel.tracking or parcel.shipped_at is None or not parcel.lines:
        raise ChannelError("amazon", f"a parcel of order {parcel.order_id}", "carrier, tracking number, time of shipping and lines")
    codes = told.get("transparency_codes", "")
    items: list[dict[str, Any]] = []
    for line, count in parcel.lines:
        item: dict[str, Any] = {"orderItemId": line, "quantity": whole(count, "amazon", line)}
        mine = [row.partition("=")[2] for row in codes.split() if row.partition("=")[0] == line]
        items.append(item | ({"transparencyCodes": mine} if mine else {}))
    detail: dict[str, Any] = {
        "packageReferenceId": str(parcel.package),
        "carrierCode": carrier,
        "carrierName": parcel.carrier or carrier,
    }
    detail |= {"shippingMethod": told["method"]} if told.get("method") else {}
    detail |= {"trackingNumber": parcel.tracking, "shipDate": stamp(parcel.shipped_at)}
    detail |= {"shipFromSupplySourceId": told["ship_from"]} if told.get("ship_from") else {}
    body = {"marketplaceId": marketplace, "packageDetail": detail | {"orderItems": items}}
    return posted(f"/orders/v0/orders/{parcel.order_id}/shipmentConfirmation", body)


def acknowledgement(order_id: str, *, party: str, at: datetime, items: Sequence[Mapping[str, Any]]) -> Request:
    """`POST acknowledgements` of a vendor: per item the product, what was ordered, the cost, and what becomes of it.

    `code` is one word for all of it; `codes` says how much of it is accepted, backordered and rejected.

    Raises:
        ChannelError: (`channel_error`) another code than Accepted, Backordered or Rejected; amounts that do not add up.
    """
    rows = []
    for item in items:
        ordered = Decimal(item["quantity"])
        codes = item.get("codes") or {item["code"]: ordered}
        wrong = [code for code in codes if code not in CODES]
        if wrong or sum(map(Decimal, codes.values())) != ordered:
            raise ChannelError("amazon", str({**codes}), f"{ordered} in all of {item['product']}, as " + ", ".join(CODES))
        amount = {"amount": whole(ordered, "amazon", str(item["product"]))}
        answers = [
            {"acknowledgementCode": code, "acknowledgedQuantity": {"amount": whole(Decimal(count), "amazon", str(item["product"]))}}
            for code, count in codes.items()
        ]
        row: dict[str, Any] = {"vendorProductIdentifier": item["product"], "orderedQuantity": amount}
        row |= {"netCost": {"amount": str(item["cost"])}} if item.get("cost") is not None else {}
        rows.append(row | {"itemAcknowledgements": answers})
    body = {"purchaseOrderNumber": order_id, "sellingParty": {"partyId": party}, "acknowledgementDate": stamp(at), "items": rows}
    return posted("/vendor/orders/v1/acknowledgements", {"acknowledgements": [body]})
