"""eBay (Sell Fulfillment v1): endpoint challenge, signed notifications, orders, polling, shipping fulfilments.

>>> Channel("example-seller").challenge("code", token="t", endpoint="https://example.org")["challengeResponse"][:8]
'2e6899ff'
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from krafte_core.channels import _ebay_write
from krafte_core.channels.base import Reading, inner
from krafte_core.channels.calls import Answer, Request, in_path
from krafte_core.channels.polling import Page, Part, Poller
from krafte_core.channels.reading import Node, Sheet, added, address, distinct, loaded, pairs, per_unit
from krafte_core.channels.signing import challenge, check_ebay, raw
from krafte_core.channels.writing import Rules, Writer
from krafte_core.incoming import MessageLine, Notice, OrderMessage, Refund, Sent

ADDRESS = {
    "street": "addressLine1+addressLine2", "postcode": "postalCode", "city": "city", "region": "stateOrProvince",
    "country": "countryCode",
}  # fmt: skip
ROOT = "/sell/fulfillment/v1/order"
ZERO = Decimal(0)
PAGE = 200


class Channel(Reading, Poller, Writer):
    """An eBay seller; the account is the seller's user name."""

    name: ClassVar[str] = "ebay"
    rules: ClassVar[type[Rules]] = _ebay_write.Rules

    def challenge(self, code: str, *, token: str, endpoint: str) -> dict[str, str]:
        """The answer to eBay's question whether the endpoint is ours, to be sent as JSON with status 200."""
        return {"challengeResponse": challenge(code, token, endpoint)}

    def read_webhook(self, body: bytes, headers: Mapping[str, str], *, public_key: str) -> Notice:
        """What happened; answer 204, or 412 where this raises.

        Args:
            public_key: the `key` of `GET /commerce/notification/v1/public_key/{kid}` (`signing.ebay_key_id`); keep it by kid.

        Raises:
            BadSignature: (`bad_signature`), BadPayload: (`bad_payload`)
        """
        content = raw(self.name, body)
        check_ebay(content, headers, public_key)
        sheet = Sheet(self.name)
        node = Node(loaded(self.name, content), "$", sheet)
        told = node.child("notification")
        order = told.child("data").ident("orderId", required=False)
        topic, event, at = node.child("metadata").text("topic"), told.ident("notificationId"), told.at("eventDate")
        sheet.done("a webhook")
        return self._notice("fetch" if order else "ping", topic=topic, event_id=event, order_id=order, at=at)

    def _order(self, data: Any, parts: Mapping[str, Any], sheet: Sheet, asked_at: datetime | None) -> OrderMessage:
        together = data if isinstance(data, Mapping) and "shipping_fulfillments" in data else parts
        body = inner(data, "order")
        if isinstance(body, Mapping) and isinstance(body.get("orders"), list) and len(body["orders"]) == 1:
            body = body["orders"][0]
        node = Node(body, "$", sheet)
        sent = _sent(together.get("shipping_fulfillments"), sheet)
        cancel = node.child("cancelStatus")
        cancelled = cancel.text("cancelState") == "CANCELED"
        lines = tuple(_line(row, sent, cancelled=cancelled) for row in node.rows("lineItems", required=True))
        distinct(node, "lineItems", [line.line_id for line in lines])
        summary, made = node.child("pricingSummary"), _first(node.rows("fulfillmentStartInstructions"), node)
        refunds = tuple(_refund(row, at) for at, row in enumerate(node.child("paymentSummary").rows("refunds"), 1))
        discount, paid = money(summary, "priceDiscount"), node.text("orderPaymentStatus")
        unsure = any(line.fulfilled is None for line in lines) and not cancelled
        step, last = made.child("shippingStep").child("shipTo"), made.child("finalDestinationAddress")
        return OrderMessage(
            channel=self.name, account=self.account, order_id=node.ident("orderId"), version=node.at("lastModifiedDate") or asked_at,
            number=node.text("salesRecordReference"), placed_at=node.at("creationDate"), status=node.text("orderFulfillmentStatus"),
            importable=paid not in {"PENDING", "FAILED"}, missing=("shipping_fulfillments",) if unsure else (),
            hold=cancel.text("cancelState") == "IN_PROGRESS" or any(_asked(row) for row in cancel.rows("cancelRequests")),
            cancelled=cancelled, cancelled_at=cancel.at("cancelledDate"), currency=currency(summary, "total"),
            total=money(summary, "total"), shipping=money(summary, "deliveryCost"), discount=None if discount is None else -discount,
            refunded=added(*[one.money for one in refunds]) if refunds else None, refunds=refunds,
            ship_by=min((line.ship_by for line in lines if line.ship_by), default=None),
            deliver_by=made.at("maxEstimatedDeliveryDate"),
            buyer=node.child("buyer").text("username"), ship_to=_where(step), lines=lines, sent=sent, warnings=tuple(sheet.warnings),
            note=node.text("buyerCheckoutNotes"),
            extra=pairs(
                account_currency=summary.child("total").currency("currency"), payment_status=paid or None,
                legacy_order_id=node.some_text("legacyOrderId"), final_destination_country=last.some_text("countryCode"),
            ),
        )  # fmt: skip

    def _rows(self, data: Any) -> list[Any]:
        return self._listed(data.get("orders", []) if isinstance(data, Mapping) else data, "$.orders")

    # polling ----------------------------------------------------------------------------------------------------------

    def _list(self, since: datetime, cursor: str) -> Request:
        window = f"lastmodifieddate:[{since.strftime('%Y-%m-%dT%H:%M:%S.000Z')}..]"
        return Request("GET", ROOT, query=(("filter", window), ("limit", str(PAGE)), ("offset", cursor or "0")))

    def _page(self, request: Request, answer: Answer) -> Page:
        data = answer.data(self.name)
        query = dict(request.query)
        told = data if isinstance(data, Mapping) else {}
        limit, offset, total = (told.get(name) for name in ("limit", "offset", "total"))
        after = (offset if isinstance(offset, int) else int(query.get("offset", 0))) + (limit if isinstance(limit, int) else PAGE)
        return Page(self._rows(data), str(after) if isinstance(total, int) and after < total else "")

    def _parts(self, row: Any) -> tuple[Part, ...]:
        """Once something was shipped, only a second call tells how much."""
        name = row.get("orderId") if isinstance(row, Mapping) else None
        if not isinstance(name, str) or row.get("orderFulfillmentStatus") != "IN_PROGRESS" or "/" in name:
            return ()
        return (Part("shipping_fulfillments", Request("GET", f"{ROOT}/{name}/shipping_fulfillment")),)

    def fetch(self, order_id: str) -> Request:
        """The single read of an order; only it has the cancel requests."""
        return Request("GET", f"{ROOT}/{in_path(order_id)}")


def money(node: Node, key: str) -> Decimal | None:
    """The amount in the marketplace's currency; the account's currency is converted at a rate that moves."""
    told = node.child(key)
    return told.number("convertedFromValue" if "convertedFromValue" in told else "value")


def currency(node: Node, key: str) -> str | None:
    """The currency of the same."""
    told = node.child(key)
    return told.currency("convertedFromCurrency" if "convertedFromCurrency" in told else "currency")


def _first(rows: list[Node], node: Node) -> Node:
    return rows[0] if rows else node.child("nothing of this name")


def _asked(node: Node) -> bool:
    return node.text("cancelInitiator") == "BUYER" and node.text("cancelRequestState") not in {"COMPLETED", "REJECTED", "CLOSED"}


def _where(node: Node) -> Any:
    found = address(Node({**node.child("contactAddress").data, "fullName": node.data.get("fullName")}, node.path, node.sheet),
                    {"name": "fullName", **ADDRESS})  # fmt: skip
    return found if node.data else None


def _sent(data: Any, sheet: Sheet) -> tuple[Sent, ...]:
    if data is None:
        return ()
    return tuple(
        Sent(
            sent_id=row.ident("fulfillmentId"), carrier=row.text("shippingCarrierCode"), tracking=row.text("shipmentTrackingNumber"),
            at=row.at("shippedDate"),
            lines=tuple((one.ident("lineItemId"), one.count("quantity") or ZERO) for one in row.rows("lineItems")),
        )
        for row in Node(data, "$.shipping_fulfillments", sheet).rows("fulfillments", required=True)
    )  # fmt: skip


def _line(node: Node, sent: tuple[Sent, ...], *, cancelled: bool) -> MessageLine:
    name, quantity = node.ident("lineItemId"), node.count("quantity", required=True) or ZERO
    status = node.text("lineItemFulfillmentStatus")
    told = [amount for one in sent for line, amount in one.lines if line == name]
    gone = added(*told) if told else ZERO if status == "NOT_STARTED" else quantity if status == "FULFILLED" else None
    if cancelled:
        gone = None if status != "NOT_STARTED" else ZERO
    refunded = bool(node.rows("refunds"))
    whole = money(node, "lineItemCost")
    cheaper = [money(row, "discountAmount") for row in node.rows("appliedPromotions")]
    removed = quantity if cancelled else None if refunded or gone is None else ZERO
    made = node.child("lineItemFulfillmentInstructions")
    return MessageLine(
        line_id=name, quantity=quantity, sku=node.some("sku"), title=node.text("title"), removed=removed, fulfilled=gone,
        open=ZERO if cancelled else None if gone is None else max(quantity - gone, ZERO), unit_price=per_unit(whole, quantity),
        discount=added(*cheaper), tax=None, ship_by=made.at("shipByDate"),
        keys=tuple((key, text) for key, theirs in (("legacy_item_id", "legacyItemId"), ("variation_id", "legacyVariationId"))
                   if (text := node.ident(theirs, required=False))),
        options=tuple((row.text("name"), row.text("value")) for row in node.rows("variationAspects")),
    )  # fmt: skip


def _refund(node: Node, at: int) -> Refund:
    return Refund(refund_id=node.text("refundReferenceId") or str(at), at=node.at("refundDate"), money=money(node, "amount"))
