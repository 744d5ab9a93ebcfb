"""How BigCommerce is told: a shipment per address; which line goes where is read first, unless it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from krafte_core.channels.calls import Answer, Request, posted
from krafte_core.channels.reading import Node, Sheet
from krafte_core.channels.writing import Call, Lines, OnSale, Outcome, Parcel, Plan, whole
from krafte_core.channels.writing import Rules as Common

ROOT = "/v2/orders"
ZERO = Decimal(0)


class Rules(Common):
    """Read the products for their addresses, one call each; after a time-out the shipments tell whether it arrived."""

    @staticmethod
    def read(plan: Plan) -> Request:
        """The products; after a time-out the shipments, where ours has a number to be found by."""
        part = "shipments" if plan.stage == "check" and plan.parcel.tracking else "products"
        return Request("GET", f"{ROOT}/{plan.parcel.order_id}/{part}", query=(("limit", "250"),))

    @staticmethod
    def known(plan: Plan, answer: Answer) -> Plan:
        """The calls by address; or whether the first one arrived."""
        rows = answer.data("bigcommerce") if answer.body else []
        sheet = Sheet("bigcommerce")
        read = Node({"rows": rows}, "$", sheet).rows("rows", required=True)
        if plan.stage == "check":
            found = _arrived(read, plan)
            sheet.done("shipments")
            return plan.looked((), found=found)
        places = {row.ident("id"): row.ident("order_address_id", required=False) for row in read}
        left = {row.ident("id"): _open(row) for row in read}
        sheet.done("products")
        wanted = plan.parcel.lines or tuple((line, count) for line, count in left.items() if count)
        short = [f"{count} of line {line}" for line, count in wanted if count > left.get(line, ZERO)]
        if short:
            outcome = Outcome("read", accepted=False, text="not open at the channel: " + ", ".join(short))
            return attrs.evolve(plan, stage="done", outcomes=(*plan.outcomes, outcome))
        before = tuple((f"left {line}", str(count)) for line, count in left.items())
        return attrs.evolve(plan.ready(by_address(plan.parcel, wanted, places)), tries=0, about=plan.about + before)

    @staticmethod
    def cancellation(channel: Any, order_id: str, reason: str) -> Request:
        """`PUT orders/{id}` with the status 5."""
        return posted(f"{ROOT}/{order_id}", {"status_id": 5}, method="PUT")

    @staticmethod
    def stock(channel: Any, offers: Sequence[OnSale]) -> tuple[Call, ...]:
        """`PUT inventory/adjustments/absolute`, ten products in each call."""
        rows = []
        for offer in offers:
            place, sku = offer.named(channel.name, "location_id", "sku")
            rows.append({"location_id": _number(place), "sku": sku, "quantity": offer.quantity})
        path = "/v3/inventory/adjustments/absolute"
        parts = [rows[at : at + 10] for at in range(0, len(rows), 10)]
        return tuple(
            Call(key=str(at), request=posted(path, {"reason": "available to promise", "items": part}, method="PUT"))
            for at, part in enumerate(parts)
        )

    @staticmethod
    def outcome(plan: Plan, call: Call, answer: Answer) -> Outcome:
        """The id of the shipment."""
        found = Common.outcome(plan, call, answer)
        if not found.accepted or not answer.body or plan.task != "fulfill":
            return found
        return attrs.evolve(found, text=Node(answer.data("bigcommerce"), "$", Sheet("bigcommerce")).ident("id", required=False))


def _open(node: Node) -> Decimal:
    """What of a product is still to be sent; a download never is."""
    if node.text("type") == "digital":
        return ZERO
    taken = (node.count("quantity_refunded") or ZERO) + (node.count("quantity_shipped") or ZERO)
    return max((node.count("quantity", required=True) or ZERO) - taken, ZERO)


def by_address(parcel: Parcel, lines: Lines, places: Mapping[str, str]) -> tuple[Call, ...]:
    """One call for each address."""
    groups: dict[str, list[tuple[str, Decimal]]] = {}
    for line, count in lines:
        groups.setdefault(places.get(line, ""), []).append((line, count))
    return tuple(Call(key=place, request=shipment(parcel, place, rows), lines=tuple(rows)) for place, rows in groups.items())


def shipment(parcel: Parcel, place: str, lines: Any) -> Request:
    """`POST shipments`."""
    told: dict[str, Any] = {"order_address_id": _number(place)} if place else {}
    if parcel.tracking:
        told["tracking_number"] = parcel.tracking
    if parcel.carrier:
        told["shipping_provider"] = parcel.carrier
    if parcel.url:
        told["tracking_link"] = parcel.url
    if parcel.note:
        told["comments"] = parcel.note
    told["items"] = [{"order_product_id": _number(line), "quantity": whole(count, "bigcommerce", line)} for line, count in lines]
    return posted(f"{ROOT}/{parcel.order_id}/shipments", told)


def _number(name: str) -> int | str:
    return int(name) if name.isdigit() else name


def _arrived(rows: list[Node], plan: Plan) -> bool:
    """By its number and address; without a number what is open tells, as it stood before and stands now."""
    call = plan.calls[0]
    if plan.parcel.tracking:
        keys = [(row.text("tracking_number"), row.ident("order_address_id", required=False)) for row in rows]
        return (plan.parcel.tracking, call.key) in keys
    before = {name.removeprefix("left "): Decimal(count) for name, count in plan.about if name.startswith("left ")}
    now = {row.ident("id"): _open(row) for row in rows}
    return all(now.get(line, ZERO) <= before.get(line, ZERO) - count for line, count in call.lines)
