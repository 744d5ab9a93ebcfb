"""Shopify's GraphQL shape of an order: what the query asked for in, message out; what it did not ask for stays unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from krafte_core.channels.reading import Node, Sheet, added, address, bad, distinct, pairs
from krafte_core.incoming import MessageLine, OrderMessage, Problem, Refund

ADDRESS = {
    "name": "name", "street": "company+address1+address2", "postcode": "zip", "city": "city", "region": "provinceCode",
    "country": "countryCodeV2", "phone": "phone",
}  # fmt: skip
UNPAID = frozenset({"PENDING", "AUTHORIZED", "EXPIRED", "VOIDED"})
CLOSED = frozenset({"CLOSED", "CANCELLED"})
ZERO = Decimal(0)

_LINES = """pageInfo { hasNextPage endCursor } nodes { id title sku variantTitle quantity currentQuantity requiresShipping
  isGiftCard variant { id } product { id } customAttributes { key value } originalUnitPriceSet { shopMoney { amount currencyCode } }
  totalDiscountSet { shopMoney { amount currencyCode } } }"""
_ROWS = "pageInfo { hasNextPage endCursor } nodes { id totalQuantity remainingQuantity lineItem { id } }"
_FULFILLMENT = f"""pageInfo {{ hasNextPage endCursor }} nodes {{ id status fulfillBy assignedLocation {{ location {{ id }} }}
  lineItems(first: 100) {{ {_ROWS} }} }}"""
QUERY = f"""query($query: String!, $cursor: String) {{ orders(first: 50, after: $cursor, query: $query, sortKey: UPDATED_AT) {{
 pageInfo {{ hasNextPage endCursor }} nodes {{ id name createdAt processedAt updatedAt cancelledAt test taxesIncluded note email
 displayFinancialStatus displayFulfillmentStatus currencyCode presentmentCurrencyCode
 totalPriceSet {{ shopMoney {{ amount currencyCode }} presentmentMoney {{ amount currencyCode }} }}
 totalTaxSet {{ shopMoney {{ amount currencyCode }} }} totalDiscountsSet {{ shopMoney {{ amount currencyCode }} }}
 totalShippingPriceSet {{ shopMoney {{ amount currencyCode }} }} totalRefundedSet {{ shopMoney {{ amount currencyCode }} }}
 shippingAddress {{ name company address1 address2 zip city provinceCode countryCodeV2 phone }}
 lineItems(first: 100) {{ {_LINES} }}
 fulfillmentOrders(first: 50) {{ {_FULFILLMENT} }} }} }} }}"""
"""One page of orders with all that an import needs."""
_NEXT = "query($id: ID!, $cursor: String) {{ node: {of}(id: $id) {{ id {name}(first: {most}, after: $cursor) {{ {rows} }} }} }}"
MORE = {
    "lineItems": _NEXT.format(of="order", name="lineItems", most=100, rows=_LINES),
    "fulfillmentOrders": _NEXT.format(of="order", name="fulfillmentOrders", most=50, rows=_FULFILLMENT),
    "fulfillmentOrder": _NEXT.format(of="fulfillmentOrder", name="lineItems", most=100, rows=_ROWS),
}
"""The next page of a connection within an order, or within one of its fulfilment orders."""


def open_ends(order_id: str, data: Any) -> list[tuple[str, str, str]]:
    """The connections of an order, or of a page of one, that have another page: which query, of what, and the cursor.

    >>> page = {"pageInfo": {"hasNextPage": True, "endCursor": "c1"}, "nodes": []}
    >>> open_ends("gid://shopify/Order/7", {"lineItems": page})
    [('lineItems', 'gid://shopify/Order/7', 'c1')]
    """
    found = []
    for name in ("lineItems", "fulfillmentOrders"):
        connection = data.get(name) if isinstance(data, Mapping) else None
        cursor = _next_cursor(connection)
        if cursor:
            found.append((name, order_id, cursor))
        for part in _rows_of(connection) if name == "fulfillmentOrders" else ():
            cursor = _next_cursor(part.get("lineItems"))
            if cursor:
                found.append(("fulfillmentOrder", str(part.get("id", "")), cursor))
    return found


def _next_cursor(connection: Any) -> str:
    told = connection.get("pageInfo") if isinstance(connection, Mapping) else None
    if not isinstance(told, Mapping) or told.get("hasNextPage") is not True:
        return ""
    return str(told.get("endCursor") or "")


def _rows_of(connection: Any) -> list[Any]:
    if not isinstance(connection, Mapping):
        return []
    rows = connection.get("nodes")
    if not isinstance(rows, list):
        edges = connection.get("edges")
        rows = [edge.get("node") for edge in edges if isinstance(edge, Mapping)] if isinstance(edges, list) else []
    return [row for row in rows if isinstance(row, Mapping)]


def further(name: str, of: str, data: Any) -> tuple[Mapping[str, Any], list[tuple[str, str, str]]]:
    """What a query for a further page asked for, and the pages after it.

    Raises:
        BadPayload: (`bad_payload`) errors, or nothing of it.
    """
    body = data.get("data") if isinstance(data, Mapping) else None
    found = body.get("node") if isinstance(body, Mapping) else None
    if not isinstance(found, Mapping) or data.get("errors"):
        raise bad("shopify", "a further page", [Problem("$.data.node", str(data)[:200], f"the next page of {of}")])
    if name != "fulfillmentOrder":
        return found, open_ends(of, {name: found.get(name)})
    cursor = _next_cursor(found.get("lineItems"))
    return found, [(name, of, cursor)] if cursor else []


def with_pages(order: Any, pages: Sequence[tuple[str, Any]]) -> Any:
    """The order with the nodes of further pages behind its own: (which query, its node) in the order in which they came."""
    whole = dict(order)
    for name, page in pages:
        if name == "fulfillmentOrder":
            parts = _rows_of(whole.get("fulfillmentOrders"))
            grown = [_grown(part, page, "lineItems") if part.get("id") == page.get("id") else part for part in parts]
            whole["fulfillmentOrders"] = {**whole.get("fulfillmentOrders", {}), "nodes": grown}
        else:
            whole = _grown(whole, page, name)
    return whole


def _grown(node: Any, page: Any, name: str) -> dict[str, Any]:
    """A node whose connection has the page's rows besides, and ends where the page ends."""
    further = page.get(name)
    info = further.get("pageInfo") if isinstance(further, Mapping) else None
    return {**node, name: {"pageInfo": info, "nodes": [*_rows_of(node.get(name)), *_rows_of(further)]}}


def gid(text: str) -> str:
    """The number in a global id.

    >>> gid("gid://shopify/Order/8837930516786")
    '8837930516786'
    """
    return text.rpartition("/")[2] if text.startswith("gid://") else text


def order(data: Any, sheet: Sheet, account: str, asked_at: datetime | None) -> OrderMessage:
    """The order of an answer."""
    node = Node(data, "$", sheet)
    parts = nodes(node, "fulfillmentOrders")
    cancelled_at = node.at("cancelledAt")
    told = _lines(node, parts, cancelled=cancelled_at is not None)
    total = node.child("totalPriceSet")
    money = total if "shopMoney" in total else node.child("currentTotalPriceSet")
    money = money if "shopMoney" in money else node.child("totalReceivedSet")
    status = node.text("displayFinancialStatus")
    shipping = [_shop(row, "originalPriceSet") for row in nodes(node, "shippingLines")]
    refunds = tuple(
        Refund(refund_id=gid(row.ident("id")), at=row.at("createdAt"), money=_shop(row, "totalRefundedSet"))
        for row in node.rows("refunds")
    )
    dates = [when for row in parts if (when := row.at("fulfillBy")) is not None and row.text("status") not in CLOSED]
    sheet.problems += [_more(f"$.{name}") for name, _, _ in open_ends("", node.data)]
    return OrderMessage(
        channel="shopify", account=account, order_id=gid(node.ident("id")), version=node.at("updatedAt") or asked_at,
        number=node.text("name"), placed_at=node.at("processedAt") or node.at("createdAt"), status=status.lower(),
        importable=status not in UNPAID and node.flag("test") is not True, cancelled=cancelled_at is not None,
        cancelled_at=cancelled_at,
        currency=_currency(money, "shopMoney"), presentment_currency=_currency(money, "presentmentMoney"),
        prices_include_tax=node.flag("taxesIncluded"), total=_total(node), tax=_shop(node, "totalTaxSet"),
        shipping=added(*shipping) if shipping else _shop(node, "totalShippingPriceSet"), discount=_shop(node, "totalDiscountsSet"),
        refunded=_shop(node, "totalRefundedSet"), ship_by=min(dates, default=None), buyer=node.text("email"),
        ship_to=address(node.child("shippingAddress"), ADDRESS), lines=told, refunds=refunds, note=node.text("note"),
        warnings=tuple(sheet.warnings), extra=_extra(node, money),
    )  # fmt: skip


def nodes(node: Node, key: str) -> list[Node]:
    """The nodes of a connection, also where they hang on edges."""
    inner = node.child(key)
    if "nodes" in inner:
        return inner.rows("nodes")
    return [row.child("node") for row in inner.rows("edges")]


def _more(path: str) -> Problem:
    return Problem(path, "a first page only", "all nodes: ask on with the cursor, and put the pages together")


def _lines(node: Node, parts: Sequence[Node], *, cancelled: bool) -> tuple[MessageLine, ...]:
    """The lines as ordered, with what is open by the fulfilment orders; without `lineItems` the latter must do."""
    remaining, heads = _open(parts)
    known = "fulfillmentOrders" in node
    if "lineItems" not in node:
        if not known:
            node.miss("lineItems", None, "the order's lines")
        node.sheet.warn("$.lineItems", "not asked for: the lines are read from the fulfillment orders, without prices")
        return tuple(_bare(row, ZERO if cancelled else remaining.get(name, ZERO)) for name, row in heads.items())
    rows = nodes(node, "lineItems")
    lines = tuple(_line(row, remaining if known else None, cancelled=cancelled) for row in rows)
    distinct(node, "lineItems.nodes", [line.line_id for line in lines])
    if not known and not cancelled:
        node.sheet.warn("$.fulfillmentOrders", "not asked for: what is open is taken as ordered minus removed")
    return lines


def _open(parts: Sequence[Node]) -> tuple[dict[str, Decimal], dict[str, Node]]:
    """Per line what remains in fulfilment orders, and its head; a closed one counts for nothing, whatever it says."""
    remaining: dict[str, Decimal] = {}
    heads: dict[str, Node] = {}
    for part in parts:
        live = part.text("status") not in CLOSED
        for row in nodes(part, "lineItems"):
            head = row.child("lineItem")
            name = gid(head.ident("id"))
            heads.setdefault(name, head)
            left = row.count("remainingQuantity") or ZERO
            remaining[name] = remaining.get(name, ZERO) + (left if live else ZERO)
    return remaining, heads


def _line(node: Node, remaining: dict[str, Decimal] | None, *, cancelled: bool) -> MessageLine:
    name = gid(node.ident("id"))
    quantity = node.count("quantity", required=True) or ZERO
    current = node.count("currentQuantity")
    ships = node.flag("requiresShipping") is not False and node.flag("isGiftCard") is not True
    left = ZERO if cancelled or not ships else None if remaining is None else remaining.get(name, ZERO)
    keys = [("variant_id", node.child("variant").text("id")), ("product_id", node.child("product").text("id"))]
    return MessageLine(
        line_id=name, quantity=quantity, sku=node.some("sku"), title=node.text("title"), variant=node.some("variantTitle"),
        removed=None if current is None else quantity - current, open=left, unit_price=_shop(node, "originalUnitPriceSet"),
        discount=_shop(node, "totalDiscountSet"), ships=ships, keys=tuple((key, gid(text)) for key, text in keys if text),
        options=tuple((row.text("key"), row.text("value")) for row in node.rows("customAttributes")),
    )  # fmt: skip


def _bare(head: Node, left: Decimal) -> MessageLine:
    """A line of which only the fulfilment order told."""
    quantity = head.count("quantity", required=True) or ZERO
    return MessageLine(line_id=gid(head.ident("id")), quantity=quantity, title=head.text("title"), sku=head.some("sku"), open=left)


def _shop(node: Node, key: str) -> Decimal | None:
    return node.child(key).child("shopMoney").number("amount")


def _currency(money: Node, key: str) -> str | None:
    return money.child(key).currency("currencyCode")


def _total(node: Node) -> Decimal | None:
    """The total as placed; where it was not asked for, what was received, else the current one."""
    if "totalPriceSet" in node:
        return _shop(node, "totalPriceSet")
    received = _shop(node, "totalReceivedSet")
    return received or _shop(node, "currentTotalPriceSet")


def _extra(node: Node, money: Node) -> tuple[tuple[str, str], ...]:
    return pairs(
        current_total=_shop(node, "currentTotalPriceSet"), fulfillment_status=node.some_text("displayFulfillmentStatus"),
        presentment_total=money.child("presentmentMoney").number("amount"),
        presentment_tax=node.child("totalTaxSet").child("presentmentMoney").number("amount"),
    )  # fmt: skip
