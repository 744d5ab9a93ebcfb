"""WooCommerce (REST v3): webhooks, orders with their refunds, polling, fulfilment in core, by extension or by status.

>>> line = {"id": 2, "quantity": "1.5", "subtotal": "9.00", "total": "9.00", "sku": "SALT"}
>>> order = {"id": 727, "status": "processing", "currency": "EUR", "date_modified_gmt": "2026-03-22T19:28:08", "line_items": [line]}
>>> str(Channel("https://seife.example").read_order(order).lines[0].unit_price)
'6.0'
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from html import unescape
from typing import Any, ClassVar

import attrs

from krafte_core.channels import _woo_write
from krafte_core.channels.base import Reading, inner
from krafte_core.channels.calls import Answer, Request, in_path
from krafte_core.channels.polling import Page, Part, Poller, next_page
from krafte_core.channels.reading import Node, Sheet, added, address, loaded, pairs, per_unit, plain
from krafte_core.channels.signing import check_hmac, headers_of, raw
from krafte_core.channels.writing import Rules, Writer
from krafte_core.incoming import MessageLine, Notice, OrderMessage, Refund
from krafte_core.items import one_of

ADDRESS = {
    "name": "first_name+last_name", "street": "company+address_1+address_2", "postcode": "postcode", "city": "city", "region": "state",
    "country": "country", "phone": "phone",
}  # fmt: skip
ROOT = "/wp-json/wc/v3/orders"
UNPAID = frozenset({"pending", "on-hold", "checkout-draft", "auto-draft", "failed"})
ENDED = frozenset({"cancelled", "refunded", "trash"})
PARENTS = ("bundled_by", "composite_parent")
ZERO = Decimal(0)
PAGE = 100


class Channel(Reading, Poller, Writer):
    """A WooCommerce site; the account is its URL.

    Args (besides those of `Reading`):
        fulfillment: how shipments are told: `"core"` (10.1 and newer), `"tracking"` (the extension) or `"status"` (whole orders only).
        import_on_hold: treat orders that wait for a bank transfer as demand.
    """

    name: ClassVar[str] = "woocommerce"
    rules: ClassVar[type[Rules]] = _woo_write.Rules

    def __init__(self, account: str, *, fulfillment: str = "core", import_on_hold: bool = False, **given: Any) -> None:
        """See the class."""
        super().__init__(account, **given)
        self.fulfillment = one_of(fulfillment, _woo_write.WAYS, "fulfillment")
        self._unpaid = UNPAID - {"on-hold"} if import_on_hold else UNPAID
        self._secrets = tuple(dict.fromkeys(one for secret in self._secrets for one in (unescape(secret), secret)))

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> OrderMessage | Notice:
        """The order of a webhook, a notice that it was deleted, or the ping that saving a webhook sends (unsigned: answer 200).

        Raises:
            BadSignature: (`bad_signature`), WrongAccount: (`wrong_account`), BadPayload: (`bad_payload`)
        """
        content, given = raw(self.name, body), headers_of(headers)
        signature = given.get("x-wc-webhook-signature")
        if signature is None and content.startswith(b"webhook_id=") and len(content) < 40:
            return self._notice("ping")
        check_hmac(self.name, content, signature, self._secret())
        if "x-wc-webhook-source" in given:
            self._same_account(given["x-wc-webhook-source"])
        topic, data = given.get("x-wc-webhook-topic", ""), loaded(self.name, content)
        if topic == "order.deleted" or (isinstance(data, Mapping) and data.keys() == {"id"}):
            sheet = Sheet(self.name)
            name = Node(data, "$", sheet).ident("id")
            sheet.done("a webhook")
            return self._notice("deleted", topic=topic, order_id=name)
        return self.read_order(data)

    def _order(self, data: Any, parts: Mapping[str, Any], sheet: Sheet, asked_at: datetime | None) -> OrderMessage:
        together = data if isinstance(data, Mapping) and isinstance(data.get("order"), Mapping) else parts
        node = Node(inner(data, "order", "data"), "$", sheet)
        status = node.text("status")
        over, cancelled = status == "completed" or status in ENDED, status in ENDED
        refunds, taken, known = _refunds(node, together.get("refunds"), sheet)
        rows = node.rows("line_items", required=True)
        parents = {name for row in rows if (name := _parent(row))}
        lines = _distinct(tuple(_line(row, taken, parents, known=known, over=over, cancelled=cancelled) for row in rows), sheet)
        billing, shipping = address(node.child("billing"), ADDRESS), address(node.child("shipping"), ADDRESS)
        where = shipping if shipping is not None and shipping.country else billing or shipping
        fees = added(*[row.number("total") for row in node.rows("fee_lines")])
        _check_total(node, lines, fees, sheet)
        return OrderMessage(
            channel=self.name, account=self.account, order_id=node.ident("id"), number=node.text("number"),
            version=node.at("date_modified_gmt", utc=True) or asked_at, placed_at=node.at("date_created_gmt", utc=True), status=status,
            importable=status not in self._unpaid, cancelled=cancelled, currency=node.currency("currency"),
            prices_include_tax=node.flag("prices_include_tax"), total=node.number("total"), shipping=node.number("shipping_total"),
            tax=node.number("total_tax"), discount=node.number("discount_total"), refunded=added(*[one.money for one in refunds]),
            missing=() if known or over else ("refunds",),
            buyer=node.child("billing").text("email") or (billing.name if billing else ""),
            ship_to=where, lines=lines, refunds=refunds, note=node.text("customer_note"), warnings=tuple(sheet.warnings),
            extra=pairs(fees=fees, payment_method=node.some_text("payment_method")),
        )  # fmt: skip

    def _rows(self, data: Any) -> list[Any]:
        return self._listed(data, "$")

    # polling ----------------------------------------------------------------------------------------------------------

    def _list(self, since: datetime, cursor: str) -> Request:
        at = since.strftime("%Y-%m-%dT%H:%M:%S")
        query = (("modified_after", at), ("dates_are_gmt", "true"), ("per_page", str(PAGE)), ("page", cursor or "1"), ("order", "asc"))
        return Request("GET", ROOT, query=query)

    def _page(self, request: Request, answer: Answer) -> Page:
        page, pages = int(dict(request.query).get("page", "1")), answer.header("x-wp-totalpages")
        more = pages.isdigit() and page < int(pages[:9])
        return Page(self._rows(answer.data(self.name)) if answer.body else [], str(page + 1) if more else "")

    def _parts(self, row: Any) -> tuple[Part, ...]:
        """Only a call of their own has the quantities of refunds."""
        if not isinstance(row, Mapping) or not row.get("refunds") or not isinstance(row.get("id"), int):
            return ()
        return (Part("refunds", Request("GET", f"{ROOT}/{row['id']}/refunds", query=(("per_page", "100"), ("page", "1")))),)

    def _further(self, part: Part, answer: Answer) -> tuple[Part, ...]:
        """The head says how many pages there are."""
        pages = answer.header("x-wp-totalpages")
        more = pages.isdigit() and int(dict(part.request.query)["page"]) < int(pages[:9])
        return (next_page(part),) if more else ()

    def fetch(self, order_id: str) -> Request:
        """The single read of an order."""
        return Request("GET", f"{ROOT}/{in_path(order_id)}")


def _parent(node: Node) -> str:
    return next((name for key in PARENTS if (name := node.ident(key, required=False)) and name != "0"), "")


def _line(node: Node, taken: Mapping[str, Decimal], parents: set[str], *, known: bool, over: bool, cancelled: bool) -> MessageLine:
    name, quantity = node.ident("id"), node.count("quantity", required=True) or ZERO
    before, after = node.number("subtotal"), node.number("total")
    back = min(taken.get(name, ZERO), quantity)
    meta = [(row.text("key"), row.data.get("display_value", row.data.get("value"))) for row in node.rows("meta_data")]
    return MessageLine(
        line_id=name, quantity=quantity, sku=node.some("sku"), title=node.text("name"), unit_price=per_unit(before, quantity),
        removed=quantity if cancelled and known else back if known else None,
        open=ZERO if over else quantity - back if known else None,
        discount=None if before is None or after is None else before - after, tax=node.number("total_tax"),
        keys=tuple((key, text) for key in ("product_id", "variation_id") if (text := node.ident(key, required=False)) and text != "0"),
        parent=_parent(node) or None, components=name in parents,
        options=tuple((key, plain(value)) for key, value in meta if isinstance(value, str | int | Decimal)),
    )  # fmt: skip


def _refunds(node: Node, rows: Any, sheet: Sheet) -> tuple[tuple[Refund, ...], dict[str, Decimal], bool]:
    """The refunds, sold units taken back per line, and whether these are known at all."""
    if rows is None:
        told = node.rows("refunds")
        found = tuple(Refund(refund_id=row.ident("id"), money=abs(row.number("total") or ZERO)) for row in told)
        return found, {}, not told
    taken: dict[str, Decimal] = {}
    found = ()
    for row in Node({"refunds": rows}, "$", sheet).rows("refunds"):
        lines = []
        for line in row.rows("line_items"):
            meta = {one.text("key"): one.data.get("value") for one in line.rows("meta_data")}
            name, amount = str(meta.get("_refunded_item_id") or ""), abs(line.number("quantity", required=True) or ZERO)
            if not name:
                line.miss("meta_data", None, "`_refunded_item_id`: which line was refunded")
            lines.append((name, amount))
            taken[name] = taken.get(name, ZERO) + amount
        found += (
            Refund(refund_id=row.ident("id"), at=row.at("date_created_gmt", utc=True), money=row.number("amount"), lines=tuple(lines)),
        )
    return found, taken, True


def _distinct(lines: tuple[MessageLine, ...], sheet: Sheet) -> tuple[MessageLine, ...]:
    """Line ids do come twice: the second gets a number behind its id, and a warning."""
    seen: dict[str, int] = {}
    rows = []
    for line in lines:
        count = seen[line.line_id] = seen.get(line.line_id, 0) + 1
        if count > 1:
            sheet.warn("$.line_items", f"the id {line.line_id} stands there {count} times")
            line = attrs.evolve(line, line_id=f"{line.line_id}#{count}")  # noqa: PLW2901
        rows.append(line)
    return tuple(rows)


def _check_total(node: Node, lines: tuple[MessageLine, ...], fees: Decimal, sheet: Sheet) -> None:
    total = node.number("total")
    nets = [line.unit_price * line.quantity - (line.discount or ZERO) for line in lines if line.unit_price is not None]
    wanted = added(*nets, node.number("shipping_total"), node.number("total_tax"), fees)
    if total is not None and abs(total - wanted) >= Decimal("0.01"):
        sheet.warn("$.total", f"{total} is not the sum of its parts, {wanted:f}")
