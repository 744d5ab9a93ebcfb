"""BigCommerce (V2 orders): webhooks without content, orders with products and addresses, polling, shipments.

>>> order = {"id": 218, "status_id": 7, "date_modified": "Mon, 11 Mar 2019 15:17:25 +0000", "currency_code": "USD"}
>>> message = Channel("abcde").read_order(order)
>>> message.importable, message.missing
(False, ('products',))
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

from krafte_core.addresses import Address
from krafte_core.channels import _bigcommerce_write
from krafte_core.channels.base import Reading, inner
from krafte_core.channels.calls import Answer, Request, in_path
from krafte_core.channels.polling import Page, Part, Poller, next_page
from krafte_core.channels.reading import Node, Sheet, added, address, distinct, loaded, pairs
from krafte_core.channels.signing import check_standard, headers_of, raw
from krafte_core.channels.writing import Rules, Writer
from krafte_core.incoming import MessageLine, Notice, OrderMessage, Sent

ADDRESS = {
    "name": "first_name+last_name", "street": "company+street_1+street_2", "postcode": "zip", "city": "city", "region": "state",
    "country": "country_iso2", "email": "email", "phone": "phone",
}  # fmt: skip
ROOT = "/v2/orders"
CANCELLED = frozenset({4, 5, 6})
"""Refunded, cancelled, declined."""
NOT_YET = frozenset({0, 1, 7, 12, 13})
"""Incomplete, pending, awaiting payment, manual verification, disputed."""
OVER = frozenset({2, 10})
"""Shipped, completed."""
ZERO = Decimal(0)
PAGE = 100


class Channel(Reading, Poller, Writer):
    """A BigCommerce store; the account is its hash."""

    name: ClassVar[str] = "bigcommerce"
    rules: ClassVar[type[Rules]] = _bigcommerce_write.Rules

    def read_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Notice:
        """What happened; the order itself must be fetched. A double fire has the same event id.

        Raises:
            BadSignature: (`bad_signature`), Replayed: (`replayed`), WrongAccount: (`wrong_account`), BadPayload: (`bad_payload`)
        """
        content, given = raw(self.name, body), headers_of(headers)
        check_standard(self.name, content, given, [one.encode() for one in self._secret()], now)
        sheet = Sheet(self.name)
        node = Node(loaded(self.name, content), "$", sheet)
        told = node.child("data")
        order = told.ident("orderId" if "orderId" in told else "id")
        store, event = node.text("producer").rpartition("/")[2], node.ident("hash", required=False)
        sheet.done("a webhook")
        self._same_account(store)
        return self._notice("fetch", topic=node.text("scope"), event_id=event, order_id=order, at=node.epoch("created_at"))

    def read_shipments(self, body: bytes | str | list[Any]) -> tuple[Sent, ...]:
        """The parcels of an order.

        Raises:
            BadPayload: (`bad_payload`)
        """
        sheet = Sheet(self.name)
        found = tuple(_sent(row) for row in Node({"rows": loaded(self.name, body)}, "$", sheet).rows("rows", required=True))
        sheet.done("shipments")
        return found

    def read_addresses(self, body: bytes | str | list[Any]) -> tuple[tuple[str, Address], ...]:
        """The shipping addresses of an order, by their ids.

        Raises:
            BadPayload: (`bad_payload`)
        """
        sheet = Sheet(self.name)
        rows = Node({"rows": loaded(self.name, body)}, "$", sheet).rows("rows", required=True)
        found = tuple((row.ident("id"), address(row, ADDRESS) or Address("")) for row in rows)
        sheet.done("addresses")
        return found

    def read_lines(self, body: bytes | str | Any) -> tuple[MessageLine, ...]:
        """The products of an order, from their own call.

        Raises:
            BadPayload: (`bad_payload`)
        """
        sheet = Sheet(self.name)
        lines = _lines(loaded(self.name, body), sheet, cancelled=False, over=False)
        sheet.done("products")
        return lines

    def _order(self, data: Any, parts: Mapping[str, Any], sheet: Sheet, asked_at: datetime | None) -> OrderMessage:
        together = data if isinstance(data, Mapping) and isinstance(data.get("order"), Mapping) else parts
        node = Node(inner(data, "order"), "$", sheet)
        number = node.number("status_id", required=True)
        status = int(number) if number is not None else 0
        products = together.get("products")
        cancelled = status in CANCELLED
        lines = () if products is None else _lines(products, sheet, cancelled=cancelled, over=status in OVER)
        rows = Node({"rows": together.get("shipping_addresses") or []}, "$.shipping_addresses", sheet).rows("rows")
        places = tuple((row.ident("id"), address(row, ADDRESS) or Address("")) for row in rows)
        name, coupon = node.ident("id"), node.number("coupon_discount")
        discount = node.number("discount_amount")
        billing = node.child("billing_address")
        return OrderMessage(
            channel=self.name, account=self.account, order_id=name, number=name, version=_date(node, "date_modified") or asked_at,
            placed_at=_date(node, "date_created"), status=node.text("status"), importable=status not in NOT_YET, cancelled=cancelled,
            missing=("products",) if products is None else (), currency=node.currency("currency_code"),
            prices_include_tax=node.flag("is_tax_inclusive_pricing"), total=node.number("total_inc_tax"),
            shipping=node.number("base_shipping_cost"), tax=node.number("total_tax"), discount=discount,
            refunded=node.number("refunded_amount"), buyer=billing.text("email"), addresses=places,
            ship_to=places[0][1] if len(places) == 1 else None, lines=lines, note=node.text("customer_message"),
            sent=tuple(_sent(row) for row in Node({"rows": together.get("shipments") or []}, "$", sheet).rows("rows")),
            warnings=tuple(sheet.warnings),
            extra=pairs(
                coupon_discount=coupon, default_currency=node.currency("default_currency_code"), status_id=status,
                payment_status=node.some_text("payment_status"),
            ),
        )  # fmt: skip

    def _rows(self, data: Any) -> list[Any]:
        return self._listed(data, "$")

    # polling ----------------------------------------------------------------------------------------------------------

    def _list(self, since: datetime, cursor: str) -> Request:
        at = since.strftime("%Y-%m-%dT%H:%M:%S+00:00")
        query = (("min_date_modified", at), ("sort", "date_modified:asc"), ("limit", str(PAGE)), ("page", cursor or "1"))
        return Request("GET", ROOT, query=query)

    def _page(self, request: Request, answer: Answer) -> Page:
        if answer.status == 204 or not answer.body:
            return Page([])
        rows, query = self._rows(answer.data(self.name)), dict(request.query)
        full = len(rows) >= int(query.get("limit", PAGE))
        return Page(rows, str(int(query.get("page", "1")) + 1) if full else "")

    def _parts(self, row: Any) -> tuple[Part, ...]:
        """Products and addresses are calls of their own."""
        if not isinstance(row, Mapping) or not isinstance(row.get("id"), int):
            return ()
        path = f"{ROOT}/{row['id']}"
        calls = (("products", "products"), ("shipping_addresses", "shipping_addresses"))
        return tuple(Part(name, Request("GET", f"{path}/{place}", query=(("limit", "250"), ("page", "1")))) for name, place in calls)

    def _further(self, part: Part, answer: Answer) -> tuple[Part, ...]:
        """A page that is full may have another after it."""
        query = dict(part.request.query)
        rows = answer.data(self.name) if answer.body else []
        if not isinstance(rows, list) or len(rows) < int(query["limit"]):
            return ()
        return (next_page(part),)

    def fetch(self, order_id: str) -> Request:
        """The single read of an order."""
        return Request("GET", f"{ROOT}/{in_path(order_id)}")


def _date(node: Node, key: str) -> datetime | None:
    """An instant of RFC 2822 or of ISO 8601."""
    text = node.data.get(key)
    if not isinstance(text, str) or not text:
        return None if text in (None, "") else node.at(key)
    if text[:1].isdigit():
        return node.at(key)
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        node.miss(key, text, "an instant of RFC 2822 or ISO 8601")
        return None


def _lines(data: Any, sheet: Sheet, *, cancelled: bool, over: bool) -> tuple[MessageLine, ...]:
    rows = data.get("products") if isinstance(data, Mapping) else data
    node = Node({"products": rows}, "$", sheet)
    lines = tuple(_line(row, cancelled=cancelled, over=over) for row in node.rows("products", required=True))
    distinct(node, "products", [line.line_id for line in lines])
    return lines


def _line(node: Node, *, cancelled: bool, over: bool) -> MessageLine:
    quantity = node.count("quantity", required=True) or ZERO
    back, gone = node.count("quantity_refunded") or ZERO, node.count("quantity_shipped") or ZERO
    ships, parent = node.text("type") != "digital", node.ident("parent_order_product_id", required=False)
    removed = quantity - gone if cancelled else back
    left = ZERO if cancelled or over or not ships else max(quantity - back - gone, ZERO)
    return MessageLine(
        line_id=node.ident("id"), quantity=quantity, sku=node.some("sku"), title=node.text("name"), removed=removed, fulfilled=gone,
        open=left, unit_price=node.number("base_price"), tax=node.number("total_tax"), ships=ships, parent=parent or None,
        discount=added(*[row.number("amount") for row in node.rows("applied_discounts")]),
        keys=tuple((key, name) for key in ("product_id", "variant_id") if (name := node.ident(key, required=False)) and name != "0"),
        options=tuple((row.text("display_name"), row.text("display_value")) for row in node.rows("product_options")),
        ship_to=node.ident("order_address_id", required=False) or None,
        extra=pairs(unit_price_ex_tax=node.number("price_ex_tax"), unit_price_inc_tax=node.number("price_inc_tax")),
    )  # fmt: skip


def _sent(node: Node) -> Sent:
    return Sent(
        sent_id=node.ident("id"), carrier=node.text("shipping_provider") or node.text("tracking_carrier"),
        tracking=node.text("tracking_number"), at=_date(node, "date_created"),
        address_id=node.ident("order_address_id", required=False),
        lines=tuple((row.ident("order_product_id"), row.count("quantity") or ZERO) for row in node.rows("items")),
    )  # fmt: skip
