"""Shopify: webhooks, REST and GraphQL answers, polling, fulfilment.

>>> channel = Channel("seife.example", skus={"SOAP-LAV": "soap-bar"})
>>> line = {"id": 1, "sku": "SOAP-LAV", "quantity": 3, "price": "6.50"}
>>> message = channel.read_order({"id": 7, "updated_at": "2026-11-23T09:15:00+01:00", "currency": "EUR", "line_items": [line]})
>>> message.identity, message.lines[0].goods[0].item
('shopify/seife.example/7', 'soap-bar')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from krafte_core.channels import _shopify_graphql, _shopify_rest, _shopify_write
from krafte_core.channels.base import Reading, inner
from krafte_core.channels.calls import Answer, Request, in_path, posted
from krafte_core.channels.polling import Page, Part, Poller
from krafte_core.channels.reading import Sheet, bad, loaded
from krafte_core.channels.signing import check_hmac, headers_of, raw
from krafte_core.channels.writing import Rules, Writer
from krafte_core.incoming import Notice, OrderMessage, Problem, Refund

API = "2026-04"


class Channel(Reading, Poller, Writer):
    """A Shopify shop; its account is the shop's domain.

    Args (besides those of `Reading`):
        api: `"graphql"` (default) or `"rest"`, for polling and writing; both are read.
        version: of the API, a part of every path.
    """

    name: ClassVar[str] = "shopify"
    rules: ClassVar[type[Rules]] = _shopify_write.Rules

    def __init__(self, account: str, *, api: str = "graphql", version: str = API, **given: Any) -> None:
        """See the class."""
        super().__init__(account, **given)
        self.api, self.version = api, version

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> OrderMessage | Notice:
        """The order of a webhook, or a notice where it carries none (`refunds/create` and others: fetch the order).

        Raises:
            BadSignature: (`bad_signature`) before anything is parsed. WrongAccount: (`wrong_account`) BadPayload: (`bad_payload`)
        """
        given = headers_of(headers)
        content = raw(self.name, body)
        check_hmac(self.name, content, given.get("x-shopify-hmac-sha256"), self._secret())
        if "x-shopify-shop-domain" in given:
            self._same_account(given["x-shopify-shop-domain"])
        topic = given.get("x-shopify-topic", "")
        event = given.get("x-shopify-event-id") or given.get("x-shopify-webhook-id", "")
        data = loaded(self.name, content)
        if topic.startswith("orders/delete") and isinstance(data, Mapping):
            return self._notice("deleted", topic=topic, event_id=event, order_id=str(data.get("id", "")))
        if isinstance(data, Mapping) and "line_items" in data and (topic.startswith("orders/") or not topic):
            return self.read_order(data)
        return self._thin(data, topic, event)

    def read_refunds(self, body: bytes | str | Mapping[str, Any]) -> tuple[Refund, ...]:
        """The refunds of a list or of one answer.

        Raises:
            BadPayload: (`bad_payload`)
        """
        sheet = Sheet(self.name)
        data = loaded(self.name, body)
        _, found = _shopify_rest.refunds(inner(data, "refund"), sheet)
        sheet.done("refunds")
        return found

    def _thin(self, data: Any, topic: str, event: str) -> Notice:
        sheet = Sheet(self.name)
        if topic.startswith("refunds/") and isinstance(data, Mapping):
            order, found = _shopify_rest.refunds(inner(data, "refund"), sheet)
            sheet.done("a refund")
            return self._notice("fetch", topic=topic, event_id=event, order_id=order, refunds=found)
        order = str(data.get("order_id") or data.get("id") or "") if isinstance(data, Mapping) else ""
        return self._notice("fetch", topic=topic, event_id=event, order_id=order)

    def _order(self, data: Any, parts: Mapping[str, Any], sheet: Sheet, asked_at: datetime | None) -> OrderMessage:
        body = inner(data, "data")
        if isinstance(body, Mapping) and isinstance(body.get("errors"), list):
            raise bad(self.name, "an order", [Problem("$.errors", str(body["errors"])[:200], "no errors")])
        found = inner(inner(body, "orderCreate", "orderUpdate", "orderCancel"), "order", "node")
        graphql = isinstance(found, Mapping) and str(found.get("id", "")).startswith("gid://")
        if graphql and parts:
            pages = [(*name.split(" ", 2)[:2], page) for name, page in parts.items()]
            found = _shopify_graphql.with_pages(
                found, [(name, _shopify_graphql.further(name, of, page)[0]) for name, of, page in pages]
            )
        read = _shopify_graphql.order if graphql else _shopify_rest.order
        return read(found, sheet, self.account, asked_at)

    def _rows(self, data: Any) -> list[Any]:
        body = inner(data, "data")
        orders = body.get("orders") if isinstance(body, Mapping) else body
        if isinstance(orders, Mapping):
            orders = orders.get("nodes", [edge.get("node") for edge in orders.get("edges", ()) if isinstance(edge, Mapping)])
        return self._listed(orders, "$.orders")

    # polling ----------------------------------------------------------------------------------------------------------

    def _list(self, since: datetime, cursor: str) -> Request:
        at = since.strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.api == "graphql":
            told = {"query": f"updated_at:>='{at}'", "cursor": cursor or None}
            return posted(f"/admin/api/{self.version}/graphql.json", {"query": _shopify_graphql.QUERY, "variables": told})
        path = f"/admin/api/{self.version}/orders.json"
        if cursor:  # with a cursor the server takes nothing else
            return Request("GET", path, query=(("limit", "250"), ("page_info", cursor)))
        return Request("GET", path, query=(("status", "any"), ("limit", "250"), ("order", "updated_at asc"), ("updated_at_min", at)))

    def _page(self, request: Request, answer: Answer) -> Page:
        data = answer.data(self.name)
        if self.api != "graphql":
            return Page(self._rows(data), _shopify_write.next_link(answer.header("link")))
        wait = _shopify_write.throttled(data)
        if wait is not None:
            return Page(wait=wait)
        if isinstance(data, Mapping) and data.get("errors"):
            raise bad(self.name, "a page", [Problem("$.errors", str(data["errors"])[:200], "no errors")])
        told = inner(inner(inner(data, "data"), "orders"), "pageInfo")
        more = isinstance(told, Mapping) and told.get("hasNextPage") is True
        return Page(self._rows(data), str(told.get("endCursor") or "") if more else "")

    def _parts(self, row: Any) -> tuple[Part, ...]:
        """An order with more lines or fulfilment orders than fit on a page of its own has further pages."""
        if self.api != "graphql" or not isinstance(row, Mapping):
            return ()
        return self._pages(_shopify_graphql.open_ends(str(row.get("id", "")), row))

    def _pages(self, ends: Sequence[tuple[str, str, str]]) -> tuple[Part, ...]:
        return tuple(Part(" ".join(end), _shopify_write.next_page(self.version, *end)) for end in ends)

    def _further(self, part: Part, answer: Answer) -> tuple[Part, ...]:
        """A further page may have a page after it."""
        name, of, _ = part.name.split(" ", 2)
        return self._pages(_shopify_graphql.further(name, of, answer.data(self.name))[1])

    def _throttled(self, answer: Answer) -> Decimal | None:
        return self.rules.throttled(answer)

    def fetch(self, order_id: str) -> Request:
        """The single read of an order, for a notice; in REST shape, whose answer `read_order` takes."""
        return Request("GET", f"/admin/api/{self.version}/orders/{in_path(order_id)}.json", query=(("status", "any"),))
