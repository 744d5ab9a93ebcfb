"""Etsy (Open API v3): webhooks without content, receipts, polling, tracking.

>>> channel = Channel("12345678")
>>> row = {"transaction_id": 1, "quantity": 2, "sku": "", "price": {"amount": 850, "divisor": 100, "currency_code": "EUR"}}
>>> receipt = {"receipt_id": 3, "status": "Paid", "is_paid": True, "updated_timestamp": 1772000000, "transactions": [row]}
>>> str(channel.read_order(receipt).lines[0].unit_price)
'8.50'
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from krafte_core.channels import _etsy_write
from krafte_core.channels.base import Reading
from krafte_core.channels.calls import Answer, Request, in_path
from krafte_core.channels.polling import Page, Poller
from krafte_core.channels.reading import Node, Sheet, added, address, distinct, loaded, pairs
from krafte_core.channels.signing import check_standard, headers_of, raw, standard_key
from krafte_core.channels.writing import Rules, Writer
from krafte_core.incoming import MessageLine, Notice, OrderMessage, Refund, Sent

ADDRESS = {
    "name": "name",
    "street": "first_line+second_line",
    "postcode": "zip",
    "city": "city",
    "region": "state",
    "country": "country_iso",
}
PERSONALIZATION = 54
"""The property id of what the customer wrote."""
ZERO = Decimal(0)
PAGE = 100


class Channel(Reading, Poller, Writer):
    """An Etsy shop; its account is the shop id.

    Args (besides those of `Reading`):
        carriers: the names that Etsy lists for carriers, by ours; a name that is not in it is refused.
    """

    name: ClassVar[str] = "etsy"
    rules: ClassVar[type[Rules]] = _etsy_write.Rules

    def __init__(self, account: str, *, carriers: Mapping[str, str] | None = None, **given: Any) -> None:
        """See the class."""
        super().__init__(account, **given)
        self.carriers = dict(_etsy_write.CARRIERS if carriers is None else carriers)

    def read_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Notice:
        """What happened; the receipt itself must be fetched.

        Raises:
            BadSignature: (`bad_signature`), Replayed: (`replayed`), WrongAccount: (`wrong_account`), BadPayload: (`bad_payload`)
        """
        content, given = raw(self.name, body), headers_of(headers)
        check_standard(self.name, content, given, [standard_key(one) for one in self._secret()], now)
        sheet = Sheet(self.name)
        node = Node(loaded(self.name, content), "$", sheet)
        order = node.text("resource_url").rstrip("/").rpartition("/")[2]
        shop = node.ident("shop_id")
        if not order.isdigit():
            node.miss("resource_url", node.text("resource_url"), "the URL of a receipt")
        sheet.done("a webhook")
        self._same_account(shop)
        return self._notice("fetch", topic=node.text("event_type"), event_id=given["webhook-id"], order_id=order)

    def _order(self, data: Any, parts: Mapping[str, Any], sheet: Sheet, asked_at: datetime | None) -> OrderMessage:
        node = Node(data, "$", sheet)
        status, shipped = node.text("status").casefold(), node.flag("is_shipped") is True
        refunds = tuple(_refund(row, place) for place, row in enumerate(node.rows("refunds"), 1))
        cancelled = status in {"canceled", "cancelled"}
        lines = tuple(_line(row, shipped=shipped, cancelled=cancelled) for row in node.rows("transactions", required=True))
        distinct(node, "transactions", [line.line_id for line in lines])
        order_id = node.ident("receipt_id")
        _check_total(node, sheet)
        shipping_dates = [line.ship_by for line in lines if line.ships and line.ship_by]
        wrap = _money(node, "gift_wrap_price")
        return OrderMessage(
            channel=self.name, account=self.account, order_id=order_id, number=order_id,
            version=node.epoch("updated_timestamp") or node.epoch("update_timestamp") or asked_at,
            placed_at=node.epoch("created_timestamp") or node.epoch("create_timestamp"), status=status, cancelled=cancelled,
            importable=node.flag("is_paid") is not False, currency=node.child("grandtotal").currency("currency_code"),
            total=_money(node, "grandtotal"), shipping=_money(node, "total_shipping_cost"), discount=_money(node, "discount_amt"),
            tax=added(_money(node, "total_tax_cost"), _money(node, "total_vat_cost")), refunded=added(*[one.money for one in refunds]),
            ship_by=min(shipping_dates, default=None), buyer=node.text("buyer_email") or node.text("name"),
            ship_to=address(node, ADDRESS), lines=lines, sent=tuple(_sent(row) for row in node.rows("shipments")), refunds=refunds,
            note=node.text("message_from_buyer"), warnings=tuple(sheet.warnings),
            extra=pairs(
                paid=node.flag("is_paid"), shipped=shipped, gift_wrap=wrap, gift_message=node.some_text("gift_message"),
            ),
        )  # fmt: skip

    def _rows(self, data: Any) -> list[Any]:
        return self._listed(data.get("results") if isinstance(data, Mapping) else data, "$.results")

    # polling ----------------------------------------------------------------------------------------------------------

    def _list(self, since: datetime, cursor: str) -> Request:
        query = (("limit", str(PAGE)), ("offset", cursor or "0"), ("sort_on", "updated"), ("sort_order", "asc"))
        told = (*query, ("min_last_modified", str(int(since.timestamp()))))
        return Request("GET", f"/v3/application/shops/{self.account}/receipts", query=told)

    def _page(self, request: Request, answer: Answer) -> Page:
        data = answer.data(self.name)
        query = dict(request.query)
        after = int(query.get("offset", "0")) + int(query.get("limit", str(PAGE)))
        count = data.get("count") if isinstance(data, Mapping) else None
        more = isinstance(count, int) and after < count
        return Page(self._rows(data if isinstance(data, Mapping) else None), str(after) if more else "")

    def fetch(self, order_id: str) -> Request:
        """The single read of a receipt."""
        return Request("GET", f"/v3/application/shops/{self.account}/receipts/{in_path(order_id)}")


def _line(node: Node, *, shipped: bool, cancelled: bool) -> MessageLine:
    quantity = node.count("quantity", required=True) or ZERO
    digital = node.flag("is_digital") is True
    chosen = [
        (row.data.get("property_id"), (row.text("formatted_name"), row.text("formatted_value"))) for row in node.rows("variations")
    ]
    gone = quantity if shipped and not digital else ZERO
    return MessageLine(
        line_id=node.ident("transaction_id"), quantity=quantity, sku=node.some("sku"), title=node.text("title"), fulfilled=gone,
        open=ZERO if cancelled or digital else quantity - gone, removed=quantity - gone if cancelled else None,
        unit_price=_money(node, "price"), discount=node.number("shop_coupon"), ships=not digital,
        ship_by=node.epoch("expected_ship_date"),
        options=tuple(pair for kind, pair in chosen if kind != PERSONALIZATION),
        personalization=tuple(pair for kind, pair in chosen if kind == PERSONALIZATION),
        keys=tuple((key, name) for key in ("product_id", "listing_id") if (name := node.ident(key, required=False))),
    )  # fmt: skip


def _money(node: Node, key: str) -> Decimal | None:
    """An amount and its divisor as one exact number."""
    if key not in node:
        return None
    told = node.child(key)
    amount, divisor = told.number("amount", required=True), told.number("divisor", required=True)
    if amount is None or divisor is None:
        return None
    places = str(divisor)
    if divisor < 1 or places.rstrip("0") != "1":
        told.miss("divisor", divisor, "a power of ten")
        return None
    return amount.scaleb(1 - len(places))


def _refund(node: Node, place: int) -> Refund:
    return Refund(refund_id=str(place), at=node.epoch("created_timestamp"), money=_money(node, "amount"))


def _sent(node: Node) -> Sent:
    return Sent(
        sent_id=node.ident("receipt_shipping_id", required=False), carrier=node.text("carrier_name"),
        tracking=node.text("tracking_code"), at=node.epoch("shipment_notification_timestamp"),
    )  # fmt: skip


def _check_total(node: Node, sheet: Sheet) -> None:
    """The parts of the total add up to it; where they do not, it is taken as sent, with a warning."""
    parts = ("total_price", "total_shipping_cost", "total_tax_cost", "total_vat_cost", "gift_wrap_price")
    total, discount = _money(node, "grandtotal"), _money(node, "discount_amt")
    wanted = added(*[_money(node, part) for part in parts]) - added(discount)
    if total is not None and "total_price" in node and total != wanted:
        sheet.warn("$.grandtotal", f"{total} is not the sum of its parts, {wanted}")
