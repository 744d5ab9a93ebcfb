"""How Shopify is told: one call for one location, by fulfilment orders that are read first."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import attrs

from krafte_core.channels._shopify_graphql import CLOSED, MORE, further, gid, nodes, open_ends, with_pages
from krafte_core.channels.base import inner
from krafte_core.channels.calls import Answer, Request, posted
from krafte_core.channels.reading import Node, Sheet
from krafte_core.channels.writing import Call, OnSale, Outcome, Parcel, Plan, whole
from krafte_core.channels.writing import Rules as Common
from krafte_core.errors import BadPayload

_LINK = re.compile(r"<([^<>]{0,4000})>; *rel=\"?next\"?")
_INFO = re.compile(r"[?&]page_info=([^&>]+)")
ZERO = Decimal(0)
MOST_PAGES = 200
READ = """query($id: ID!) { order(id: $id) { id fulfillmentOrders(first: 50) { pageInfo { hasNextPage endCursor }
 nodes { id status assignedLocation { location { id } } lineItems(first: 100) { pageInfo { hasNextPage endCursor }
 nodes { id totalQuantity remainingQuantity lineItem { id } } } } } } }"""
CREATE = """mutation($fulfillment: FulfillmentInput!, $message: String) {
 fulfillmentCreate(fulfillment: $fulfillment, message: $message) { fulfillment { id status } userErrors { field message } } }"""
TRACK = """mutation($id: ID!, $info: FulfillmentTrackingInput!, $notify: Boolean) {
 fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $info, notifyCustomer: $notify) {
 fulfillment { id } userErrors { field message } } }"""
CANCEL = """mutation($id: ID!, $reason: OrderCancelReason!, $refund: Boolean!, $restock: Boolean!, $notify: Boolean) {
 orderCancel(orderId: $id, reason: $reason, refund: $refund, restock: $restock, notifyCustomer: $notify) {
 job { id } orderCancelUserErrors { field message } userErrors { field message } } }"""
STOCK = """mutation($input: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $input) {
 inventoryAdjustmentGroup { id } userErrors { field message } } }"""
Groups = Sequence[tuple[str, Sequence[tuple[str, int]] | None]]
"""Fulfilment orders with lines and counts; None is all that remains."""


def next_link(header: str) -> str:
    """The cursor of the next page in a Link header, or empty.

    >>> next_link('<https://a/o.json?limit=5&page_info=abc>; rel="next"')
    'abc'
    """
    found = _LINK.search(header)
    info = _INFO.search(found[1]) if found else None
    return info[1] if info else ""


def throttled(data: Any) -> Decimal | None:
    """Seconds until the bucket holds what a query costs, where the answer says that it was throttled.

    >>> str(throttled({"errors": [{"extensions": {"code": "THROTTLED"}}]}))
    '1'
    """
    errors = data.get("errors") if isinstance(data, Mapping) else None
    if not isinstance(errors, list):
        return None
    codes = [
        row["extensions"].get("code") for row in errors if isinstance(row, Mapping) and isinstance(row.get("extensions"), Mapping)
    ]
    if "THROTTLED" not in codes:
        return None
    sheet = Sheet("shopify")
    cost = Node(data, "$", sheet).child("extensions").child("cost")
    status = cost.child("throttleStatus")
    asked, there, rate = cost.number("requestedQueryCost"), status.number("currentlyAvailable"), status.number("restoreRate")
    if asked is None or there is None or not rate or sheet.problems:
        return Decimal(1)
    try:
        return max((asked - there) / rate, ZERO)
    except InvalidOperation:
        return Decimal(1)


# ------------------------------------------------------------------------------------------------------------ requests


def rest_create(version: str, groups: Groups, parcel: Parcel, *, message: str = "") -> Request:
    """`POST fulfillments.json` for fulfilment orders of one location."""
    rows = []
    for name, lines in groups:
        row: dict[str, Any] = {"fulfillment_order_id": _number(name)}
        if lines is not None:
            row["fulfillment_order_line_items"] = [{"id": _number(line), "quantity": count} for line, count in lines]
        rows.append(row)
    told: dict[str, Any] = {"message": message} if message else {}
    info = _info(parcel)
    if info:
        told |= {"notify_customer": parcel.notify, "tracking_info": info}
    return posted(f"/admin/api/{version}/fulfillments.json", {"fulfillment": {**told, "line_items_by_fulfillment_order": rows}})


def rest_tracking(version: str, sent_id: str, parcel: Parcel) -> Request:
    """`POST fulfillments/{id}/update_tracking.json`."""
    told = {"notify_customer": parcel.notify, "tracking_info": _info(parcel)}
    return posted(f"/admin/api/{version}/fulfillments/{gid(sent_id)}/update_tracking.json", {"fulfillment": told})


def graphql(version: str, query: str, variables: Mapping[str, Any]) -> Request:
    """A GraphQL call."""
    return posted(f"/admin/api/{version}/graphql.json", {"query": query, "variables": variables})


def graphql_create(version: str, groups: Groups, parcel: Parcel, *, message: str = "") -> Request:
    """`fulfillmentCreate` for fulfilment orders of one location."""
    rows = []
    for name, lines in groups:
        row: dict[str, Any] = {"fulfillmentOrderId": _gid("FulfillmentOrder", name)}
        if lines is not None:
            items = [{"id": _gid("FulfillmentOrderLineItem", line), "quantity": count} for line, count in lines]
            row["fulfillmentOrderLineItems"] = items
        rows.append(row)
    told: dict[str, Any] = {"notifyCustomer": parcel.notify}
    info = _info(parcel)
    if info:
        told["trackingInfo"] = info
    variables: dict[str, Any] = {"fulfillment": {**told, "lineItemsByFulfillmentOrder": rows}}
    return graphql(version, CREATE, variables | ({"message": message} if message else {}))


def _info(parcel: Parcel) -> dict[str, str]:
    told = {"number": parcel.tracking, "url": parcel.url, "company": parcel.carrier}
    return {name: value for name, value in told.items() if value} if parcel.tracking else {}


def _number(name: str) -> int | str:
    plain = gid(name)
    return int(plain) if plain.isdigit() else plain


def _gid(kind: str, name: str) -> str:
    return name if name.startswith("gid://") else f"gid://shopify/{kind}/{name}"


# --------------------------------------------------------------------------------------------------------------- rules


def next_page(version: str, name: str, of: str, cursor: str) -> Request:
    """What stands on the next page of a connection."""
    return graphql(version, MORE[name], {"id": of, "cursor": cursor})


def _collected(plan: Plan, data: Any) -> tuple[Plan, Any]:
    """The plan that asks for the next page of fulfilment orders; or, once all are there, the plan and all of them as one answer."""
    if not isinstance(data, Mapping) or "fulfillment_orders" in data:
        return plan, data
    asks = [value for name, value in plan.about if name == "ask"]
    kept = tuple((name, value) for name, value in plan.about if name not in {"ask", "page", "first"})
    pages = [json.loads(value, parse_float=Decimal) for name, value in plan.about if name == "page"]
    if asks:
        name, of, _ = asks[0].split(" ", 2)
        found, ends = further(name, of, data)
        pages.append([name, found])
        first = json.loads(dict(plan.about)["first"], parse_float=Decimal)
    else:
        first = inner(inner(data, "data"), "order")
        ends = open_ends(str(first.get("id", "")), first)
    todo = [*(" ".join(end) for end in ends), *asks[1:]]
    if not todo or len(pages) > MOST_PAGES:
        return attrs.evolve(plan, about=kept, tries=0), {"data": {"order": with_pages(first, pages)}} if pages else data
    more = (("first", _text(first)), *(("page", _text(page)) for page in pages), *(("ask", one) for one in todo))
    return attrs.evolve(plan, about=(*kept, *more), tries=0, wait=ZERO), None


def _text(data: Any) -> str:
    return json.dumps(data, default=str, ensure_ascii=False, separators=(",", ":"))


@attrs.frozen
class Waiting:
    """A line of a fulfilment order with what remains of it."""

    part: str
    place: str
    row: str
    line: str
    left: Decimal


def waiting(data: Any) -> tuple[Waiting, ...]:
    """All lines of open fulfilment orders, from either API.

    Raises:
        BadPayload: (`bad_payload`)
    """
    sheet = Sheet("shopify")
    top = Node(data, "$", sheet)
    if "fulfillment_orders" in top:
        rows = [
            Waiting(part.ident("id"), part.ident("assigned_location_id", required=False), row.ident("id"), row.ident("line_item_id"),
                    row.count("fulfillable_quantity", required=True) or ZERO)
            for part in top.rows("fulfillment_orders") if part.text("status").upper() not in CLOSED for row in part.rows("line_items")
        ]  # fmt: skip
    else:
        order = top.child("data").child("order")
        if "fulfillmentOrders" not in order:
            order.miss("fulfillmentOrders", None, "the fulfillment orders")
        rows = [
            Waiting(gid(part.ident("id")), gid(part.child("assignedLocation").child("location").text("id")), gid(row.ident("id")),
                    gid(row.child("lineItem").ident("id")), row.count("remainingQuantity", required=True) or ZERO)
            for part in nodes(order, "fulfillmentOrders") if part.text("status") not in CLOSED for row in nodes(part, "lineItems")
        ]  # fmt: skip
    sheet.done("fulfillment orders")
    return tuple(rows)


class Rules(Common):
    """Read the fulfilment orders, group by location, one call each; after a time-out what remains tells whether the call arrived."""

    @staticmethod
    def read(plan: Plan) -> Request:
        """The fulfilment orders of the order."""
        told = dict(plan.about)
        version = told.get("version", "")
        ask = next((value for name, value in plan.about if name == "ask"), "")
        if ask:
            return next_page(version, *ask.split(" ", 2))
        if told.get("api") == "rest":
            return Request("GET", f"/admin/api/{version}/orders/{plan.parcel.order_id}/fulfillment_orders.json")
        return graphql(version, READ, {"id": _gid("Order", plan.parcel.order_id)})

    @staticmethod
    def known(plan: Plan, answer: Answer) -> Plan:
        """The calls by location; or, after a time-out, whether the first call arrived."""
        plan, data = _collected(plan, answer.data("shopify"))
        if data is None:
            return plan
        rows = waiting(data)
        if plan.stage == "check":
            return _checked(plan, {row.row: row.left for row in rows})
        wanted = dict(plan.parcel.lines) or {row.line: row.left for row in rows}
        left = {**wanted}
        places: dict[str, dict[str, list[tuple[Waiting, Decimal]]]] = {}
        for row in rows:
            take = min(left.get(row.line, ZERO), row.left)
            if take > 0:
                left[row.line] -= take
                places.setdefault(row.place, {}).setdefault(row.part, []).append((row, take))
        short = {line: count for line, count in left.items() if count > 0}
        if short:
            told = ", ".join(f"{count} of line {line}" for line, count in short.items())
            outcome = Outcome("read", accepted=False, text=f"not open at the channel: {told}")
            return attrs.evolve(plan, stage="done", outcomes=(*plan.outcomes, outcome))
        known = tuple((f"left {row.row}", str(row.left)) for row in rows)
        return attrs.evolve(
            plan.ready([_call(plan, place, parts) for place, parts in places.items()]), about=(*plan.about, *known), tries=0
        )

    @staticmethod
    def throttled(answer: Answer) -> Decimal | None:
        """A GraphQL answer of status 200 may say: later."""
        if "THROTTLED" not in answer.body:
            return None
        try:
            return throttled(answer.data("shopify"))
        except BadPayload:
            return None

    @staticmethod
    def tracking(channel: Any, parcel: Parcel, sent_id: str) -> Request:
        """`update_tracking.json`, or `fulfillmentTrackingInfoUpdate`."""
        if channel.api == "rest":
            return rest_tracking(channel.version, sent_id, parcel)
        told = {"id": _gid("Fulfillment", sent_id), "info": _info(parcel), "notify": parcel.notify}
        return graphql(channel.version, TRACK, told)

    @staticmethod
    def cancellation(channel: Any, order_id: str, reason: str) -> Request:
        """`cancel.json`, or `orderCancel`; money is given back and stock restored by the shop's own pages, not from here."""
        if channel.api == "rest":
            return posted(f"/admin/api/{channel.version}/orders/{order_id}/cancel.json", {"reason": "other", "restock": False})
        told = {"id": _gid("Order", order_id), "reason": "OTHER", "refund": False, "restock": False, "notify": True}
        return graphql(channel.version, CANCEL, told)

    @staticmethod
    def stock(channel: Any, offers: Sequence[OnSale]) -> tuple[Call, ...]:
        """`inventorySetQuantities` with up to 200 products, or `inventory_levels/set.json` for each."""
        rows = [(offer.named(channel.name, "inventory_item_id", "location_id"), offer.quantity) for offer in offers]
        if channel.api == "rest":
            path = f"/admin/api/{channel.version}/inventory_levels/set.json"
            told = [({"inventory_item_id": _number(name), "location_id": _number(at), "available": n}, name) for (name, at), n in rows]
            return tuple(Call(key=name, request=posted(path, body)) for body, name in told)
        calls = []
        for at in range(0, len(rows), 200):
            levels = [
                {"inventoryItemId": _gid("InventoryItem", item), "locationId": _gid("Location", place), "quantity": count}
                for (item, place), count in rows[at : at + 200]
            ]
            given = {"name": "available", "reason": "correction", "ignoreCompareQuantity": True, "quantities": levels}
            calls.append(Call(key=str(at), request=graphql(channel.version, STOCK, {"input": given})))
        return tuple(calls)

    @staticmethod
    def outcome(plan: Plan, call: Call, answer: Answer) -> Outcome:
        """Status 200 with user errors is a refusal."""
        return read_outcome(call.key, answer)


def read_outcome(key: str, answer: Answer) -> Outcome:
    """What an answer to a mutation or a POST says."""
    if not answer.ok:
        return Outcome(key, accepted=False, text=f"status {answer.status} {answer.body[:300]}".strip())
    data = answer.data("shopify") if answer.body else {}
    told = data.get("data") if isinstance(data, Mapping) else None
    if isinstance(data, Mapping) and data.get("errors"):
        return Outcome(key, accepted=False, text=str(data["errors"])[:300])
    if isinstance(told, Mapping):
        body = next(iter(told.values()), None)
        body = body if isinstance(body, Mapping) else {}
        wrong = [row for name in ("userErrors", "orderCancelUserErrors") for row in body.get(name) or () if isinstance(row, Mapping)]
        made = next((value for name, value in body.items() if not name.lower().endswith("usererrors")), None)
        if wrong or made is None:
            return Outcome(
                key, accepted=False, text="; ".join(dict.fromkeys(str(row.get("message")) for row in wrong)) or "nothing was made"
            )
    else:
        made = (data.get("fulfillment") or data) if isinstance(data, Mapping) else None
    name = made.get("id", "") if isinstance(made, Mapping) else ""
    return Outcome(key, accepted=True, text=gid(str(name)))


def _call(plan: Plan, place: str, parts: Mapping[str, Sequence[tuple[Waiting, Decimal]]]) -> Call:
    told = dict(plan.about)
    groups = [(part, [(row.row, whole(take, "shopify", row.line)) for row, take in rows]) for part, rows in parts.items()]
    make = rest_create if told.get("api") == "rest" else graphql_create
    lines = tuple((row.row, take) for rows in parts.values() for row, take in rows)
    return Call(key=place, request=make(told.get("version", ""), groups, plan.parcel, message=plan.parcel.note), lines=lines)


def _checked(plan: Plan, now: Mapping[str, Decimal]) -> Plan:
    """What remained when the call was planned, less what it takes, is what remains if it arrived."""
    before = {name.removeprefix("left "): Decimal(count) for name, count in plan.about if name.startswith("left ")}
    call = plan.calls[0]
    return plan.looked((), found=all(now.get(row, ZERO) <= before.get(row, ZERO) - count for row, count in call.lines))
