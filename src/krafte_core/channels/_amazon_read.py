"""Amazon's four shapes of an order: data in, message out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from krafte_core.channels.reading import Node, Sheet, added, address, distinct, pairs, per_unit
from krafte_core.incoming import MessageLine, OrderMessage, Problem, Sent

ADDRESS = {
    "name": "name", "street": "companyName+addressLine1+addressLine2+addressLine3", "postcode": "postalCode", "city": "city",
    "region": "stateOrRegion", "country": "countryCode", "phone": "phone",
}  # fmt: skip
ADDRESS_V0 = {ours: "+".join(name[0].upper() + name[1:] for name in theirs.split("+")) for ours, theirs in ADDRESS.items()}
WAITING = frozenset({"PENDING", "PENDING_AVAILABILITY", "PENDINGAVAILABILITY", "UNCONFIRMED"})
ZERO = Decimal(0)


def order(data: Any, sheet: Sheet, account: str, asked_at: datetime | None) -> OrderMessage:
    """An order of the API of 2026-01-01."""
    node = Node(data, "$", sheet)
    made = node.child("fulfillment")
    status = made.text("fulfillmentStatus")
    cancelled = status in {"CANCELLED", "CANCELED"}
    ours = made.text("fulfilledBy") != "AMAZON"
    lines = tuple(_line(row) for row in node.rows("orderItems", required=True))
    distinct(node, "orderItems", [line.line_id for line in lines])
    total = node.child("proceeds").child("grandTotal")
    window = made.child("shipByWindow")
    alias = next((row.text("aliasId") for row in node.rows("orderAliases") if row.text("aliasType") == "SELLER_ORDER_ID"), "")
    buyer = node.child("buyer")
    return OrderMessage(
        channel="amazon", account=account, order_id=node.ident("orderId"), version=node.at("lastUpdatedTime") or asked_at,
        number=alias,
        placed_at=node.at("createdTime"), status=status, importable=status not in WAITING, by_merchant=ours, cancelled=cancelled,
        hold=any(line.hold for line in lines), currency=total.currency("currencyCode"), total=total.number("amount"),
        tax=added(*[line.tax for line in lines]), discount=added(*[line.discount for line in lines]),
        ship_from=window.at("earliestDateTime"), ship_by=window.at("latestDateTime"),
        deliver_by=made.child("deliverByWindow").at("latestDateTime"), buyer=buyer.text("buyerEmail") or buyer.text("buyerName"),
        ship_to=address(node.child("recipient").child("deliveryAddress"), ADDRESS), lines=lines,
        sent=tuple(_package(row) for row in node.rows("packages")), warnings=tuple(sheet.warnings),
        extra=pairs(
            marketplace=node.child("salesChannel").some_text("marketplaceId"), level=made.some_text("fulfillmentServiceLevel"),
        ),
    )  # fmt: skip


def _line(node: Node) -> MessageLine:
    quantity = node.count("quantityOrdered", required=True) or ZERO
    made, product = node.child("fulfillment"), node.child("product")
    gone, left = made.count("quantityFulfilled"), made.count("quantityUnfulfilled")
    removed = None if gone is None or left is None else quantity - gone - left
    if removed is not None and removed < 0:
        made.miss("quantityUnfulfilled", left, f"at most {quantity} together with what was fulfilled")
    sums: dict[str, Decimal] = {}
    for row in node.child("proceeds").rows("breakdowns"):
        kind = row.text("type")
        sums[kind] = sums.get(kind, ZERO) + (row.child("subtotal").number("amount") or ZERO)
    asked = node.child("cancellation").child("cancellationRequest")
    return MessageLine(
        line_id=node.ident("orderItemId"), quantity=quantity, sku=product.some("sellerSku"), title=product.text("title"),
        removed=removed,
        fulfilled=gone, open=left, unit_price=product.child("price").child("unitPrice").number("amount"),
        discount=abs(sums.get("DISCOUNT", ZERO)), tax=sums.get("TAX"), hold=bool(asked.data), keys=_asin(product, "asin"),
    )  # fmt: skip


def _asin(node: Node, key: str) -> tuple[tuple[str, str], ...]:
    name = node.ident(key, required=False)
    return (("asin", name),) if name else ()


def _package(node: Node) -> Sent:
    return Sent(
        sent_id=node.ident("packageReferenceId"), carrier=node.text("carrier"), tracking=node.text("trackingNumber"),
        at=node.at("shipTime"),
        lines=tuple((row.ident("orderItemId"), row.count("quantity", required=True) or ZERO) for row in node.rows("packageItems")),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------------ v0


def v0(data: Any, parts: Mapping[str, Any], sheet: Sheet, account: str, asked_at: datetime | None) -> OrderMessage:
    """An order of Orders v0; `items` and `address` are calls of their own."""
    node = Node(data, "$", sheet)
    status = node.text("OrderStatus")
    waiting = status.upper() in WAITING
    lines, missing = _items(parts, sheet)
    place = parts.get("address")
    where = _payload(place, "$.address", sheet).child("ShippingAddress") if place is not None else node.child("ShippingAddress")
    total = node.child("OrderTotal")
    return OrderMessage(
        channel="amazon", account=account, order_id=node.ident("AmazonOrderId"), version=node.at("LastUpdateDate") or asked_at,
        number=node.text("SellerOrderId"), placed_at=node.at("PurchaseDate"), status=status, importable=not waiting,
        by_merchant=node.text("FulfillmentChannel") != "AFN", missing=missing, hold=any(line.hold for line in lines),
        cancelled=status in {"Canceled", "Cancelled"}, currency=total.currency("CurrencyCode"), total=total.number("Amount"),
        tax=added(*[line.tax for line in lines]) if lines else None,
        discount=added(*[line.discount for line in lines]) if lines else None,
        ship_from=node.at("EarliestShipDate"), ship_by=node.at("LatestShipDate"), deliver_by=node.at("LatestDeliveryDate"),
        ship_to=address(where, ADDRESS_V0), buyer=node.child("BuyerInfo").text("BuyerEmail"), warnings=tuple(sheet.warnings),
        lines=tuple(_stopped(line) for line in lines) if status == "Canceled" else lines,
        extra=pairs(marketplace=node.some_text("MarketplaceId")),
    )  # fmt: skip


def _payload(data: Any, path: str, sheet: Sheet) -> Node:
    node = Node(data, path, sheet)
    return node.child("payload") if "payload" in node else node


def _items(parts: Mapping[str, Any], sheet: Sheet) -> tuple[tuple[MessageLine, ...], tuple[str, ...]]:
    if parts.get("items") is None:
        return (), ("items",)
    node = _payload(parts["items"], "$.items", sheet)
    lines = tuple(_item(row) for row in node.rows("OrderItems", required=True))
    distinct(node, "OrderItems", [line.line_id for line in lines])
    if node.text("NextToken"):
        sheet.problems.append(Problem(f"{node.path}.NextToken", "a first page only", "all items: put the pages together"))
    return lines, ()


def _item(node: Node) -> MessageLine:
    quantity = node.count("QuantityOrdered", required=True) or ZERO
    gone = node.count("QuantityShipped")
    whole = node.child("ItemPrice").number("Amount")
    asked = node.child("BuyerRequestedCancel").flag("IsBuyerRequestedCancel")
    return MessageLine(
        line_id=node.ident("OrderItemId"), quantity=quantity, sku=node.some("SellerSKU"), title=node.text("Title"), fulfilled=gone,
        open=None if gone is None else max(quantity - gone, ZERO), unit_price=per_unit(whole, quantity),
        discount=node.child("PromotionDiscount").number("Amount"), tax=node.child("ItemTax").number("Amount"), hold=asked is True,
        keys=_asin(node, "ASIN"), extra=pairs(line_total_before_discount=whole),
    )  # fmt: skip


def _stopped(line: MessageLine) -> MessageLine:
    return attrs.evolve(line, removed=line.quantity - (line.fulfilled or ZERO), open=ZERO)


# -------------------------------------------------------------------------------------------------------------- vendor


def vendor(data: Any, sheet: Sheet, account: str, asked_at: datetime | None) -> OrderMessage:
    """A vendor purchase order."""
    node = Node(data, "$", sheet)
    told = node.child("orderDetails")
    lines = tuple(_vendor_line(row) for row in told.rows("items", required=True))
    distinct(told, "items", [line.line_id for line in lines])
    first, _, last = told.text("shipWindow").partition("--")
    window = Node({"first": first, "last": last}, f"{told.path}.shipWindow", sheet)
    number, status = node.ident("purchaseOrderNumber"), node.text("purchaseOrderState")
    currencies = {dict(line.extra).get("currency") for line in lines}
    return OrderMessage(
        channel="amazon", account=account, order_id=number, number=number, status=status, importable=status in {"New", "Acknowledged"},
        version=told.at("purchaseOrderChangedDate") or told.at("purchaseOrderStateChangedDate") or asked_at,
        placed_at=told.at("purchaseOrderDate"), currency=currencies.pop() if len(currencies) == 1 else None,
        ship_from=window.at("first"), ship_by=window.at("last"), buyer=told.child("buyingParty").text("partyId"),
        lines=lines, warnings=tuple(sheet.warnings), extra=pairs(ship_to_party=told.child("shipToParty").some_text("partyId")),
    )  # fmt: skip


def _vendor_line(node: Node) -> MessageLine:
    ordered, cost = node.child("orderedQuantity"), node.child("netCost")
    quantity, size = ordered.count("amount", required=True) or ZERO, ordered.count("unitSize")
    price_unit = cost.some_text("unitOfMeasure")
    if price_unit is not None and price_unit not in {ordered.text("unitOfMeasure"), "EACHES"}:
        node.sheet.warn(f"{cost.path}.unitOfMeasure", f"the price is per {price_unit}, the amount in {ordered.text('unitOfMeasure')}")
    return MessageLine(
        line_id=node.ident("itemSequenceNumber"), quantity=quantity, sku=node.some("vendorProductIdentifier"),
        removed=None if quantity else ZERO, open=None if quantity else ZERO, unit_price=cost.number("amount"),
        unit=ordered.some_text("unitOfMeasure"), pack=size, base_units=None if size is None else quantity * size,
        price_unit=price_unit,
        keys=_asin(node, "amazonProductIdentifier"),
        extra=pairs(back_order_allowed=node.flag("isBackOrderAllowed"), currency=cost.currency("currencyCode")),
    )  # fmt: skip


# -------------------------------------------------------------------------------------------------------- notification


def notification(node: Node) -> dict[str, Any]:
    """What an ORDER_CHANGE tells, as the fields of a notice."""
    told = node.child("Payload").child("OrderChangeNotification")
    change, summary = told.child("OrderChangeTrigger"), told.child("Summary")
    lines = tuple(_noted(row) for row in summary.rows("OrderItems"))
    return {
        "topic": node.text("NotificationType"), "event_id": node.child("NotificationMetadata").ident("NotificationId"),
        "order_id": told.ident("AmazonOrderId"), "at": change.at("TimeOfOrderChange"), "lines": lines,
        "hold": any(line.hold for line in lines),
        "extra": pairs(
            change=f"{told.text('OrderChangeType')} / {change.text('ChangeReason')}", order_status=summary.some_text("OrderStatus"),
            ship_by=summary.at("LatestShipDate"),
        ),
    }  # fmt: skip


def _noted(node: Node) -> MessageLine:
    return MessageLine(
        line_id=node.ident("OrderItemId"), quantity=node.count("Quantity", required=True) or ZERO, sku=node.some("SellerSKU"),
        fulfilled=node.count("QuantityShipped"), hold=node.flag("IsBuyerRequestedCancel") is True,
    )  # fmt: skip
