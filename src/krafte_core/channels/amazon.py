"""Amazon: Orders 2026-01-01, Orders v0 in three calls, vendor purchase orders, notifications.

>>> Channel("A1PA6795UKMFR9").name
'amazon'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import attrs

from krafte_core.channels import _amazon_read, _amazon_write
from krafte_core.channels.base import Reading, inner
from krafte_core.channels.calls import Answer, Request, in_path
from krafte_core.channels.polling import Page, Part, Poller
from krafte_core.channels.reading import Node, Sheet, bad, loaded
from krafte_core.channels.writing import Call, Parcel, Plan, Rules, Writer
from krafte_core.errors import ChannelError, InvalidInput
from krafte_core.incoming import Notice, OrderMessage, Problem

APIS = ("2026-01-01", "v0", "vendor")
_LISTS = {"2026-01-01": "/orders/2026-01-01/orders", "v0": "/orders/v0/orders", "vendor": "/vendor/orders/v1/purchaseOrders"}


class Channel(Reading, Poller, Writer):
    """A seller or vendor at Amazon; the account is the host's own name for it, or the marketplace.

    Args (besides those of `Reading`):
        marketplace: the id of the marketplace, for polling and shipment confirmations; default the account.
        api: which generation is polled; all are read.
        party: a vendor's own party id.
    """

    name: ClassVar[str] = "amazon"
    rules: ClassVar[type[Rules]] = _amazon_write.Rules

    def __init__(self, account: str, *, marketplace: str = "", api: str = APIS[0], party: str = "", **given: Any) -> None:
        """See the class."""
        super().__init__(account, **given)
        if api not in APIS:
            raise InvalidInput("api", api, "one of " + ", ".join(APIS))
        self.marketplace, self.api, self.party = marketplace or account, api, party

    def read_notification(self, body: bytes | str | Mapping[str, Any]) -> Notice:
        """An ORDER_CHANGE from the queue: it has no prices, so the order must be fetched. The queue checks who sent it.

        Raises:
            BadPayload: (`bad_payload`)
        """
        sheet = Sheet(self.name)
        told = _amazon_read.notification(Node(loaded(self.name, body), "$", sheet))
        sheet.done("a notification")
        return self._notice("fetch", **told)

    def plan_acknowledgement(
        self, order: OrderMessage, decisions: Mapping[str, str | Mapping[str, Any]] | None = None, *, at: datetime
    ) -> Plan:  # fmt: skip
        """How a vendor answers a purchase order: what becomes of each line.

        Args:
            order: as it was read; lines of which nothing is ordered any more are left out.
            decisions: by line id `"Accepted"`, `"Backordered"`, `"Rejected"`, or how much of each; default everything is accepted.
            at: when it was decided.

        Raises:
            ChannelError: (`channel_error`) no party, an unknown word, amounts that do not add up.
            InvalidInput: (`invalid_input`) a line that is not there.
        """
        if not self.party:
            raise ChannelError(self.name, "an acknowledgement", "Channel(..., party=...) with the vendor's party id")
        asked = {line.line_id: line for line in order.lines if line.quantity}
        unknown = [name for name in decisions or () if name not in asked]
        if unknown:
            raise InvalidInput("decisions", ", ".join(unknown), "lines of the order: " + ", ".join(asked))
        items = []
        for name, line in asked.items():
            said = (decisions or {}).get(name, "Accepted")
            codes = {said: line.quantity} if isinstance(said, str) else {code: Decimal(count) for code, count in said.items()}
            items.append({"product": line.sku or name, "quantity": line.quantity, "cost": line.unit_price, "codes": codes})
        call = Call(key=order.order_id, request=_amazon_write.acknowledgement(order.order_id, party=self.party, at=at, items=items))
        return self._setting("acknowledge", Parcel(order_id=order.order_id, lines=()), (call,))

    def _order(self, data: Any, parts: Mapping[str, Any], sheet: Sheet, asked_at: datetime | None) -> OrderMessage:
        body = inner(data, "payload")
        together = data if isinstance(data, Mapping) and isinstance(data.get("items"), Mapping) else parts
        body = inner(inner(body, "order"), "payload")
        if isinstance(body, Mapping) and "purchaseOrderNumber" in body:
            return _amazon_read.vendor(body, sheet, self.account, asked_at)
        if isinstance(body, Mapping) and "AmazonOrderId" in body:
            return _amazon_read.v0(body, together, sheet, self.account, asked_at)
        return _amazon_read.order(body, sheet, self.account, asked_at)

    def _rows(self, data: Any) -> list[Any]:
        body = inner(data, "payload")
        if isinstance(body, Mapping):
            body = body.get("orders", body.get("Orders"))
        return self._listed(body, "$.orders")

    # polling ----------------------------------------------------------------------------------------------------------

    def _list(self, since: datetime, cursor: str) -> Request:
        at = since.strftime("%Y-%m-%dT%H:%M:%SZ")
        path = _LISTS[self.api]
        if self.api == "2026-01-01":
            query = [("marketplaceIds", self.marketplace), ("lastUpdatedAfter", at), ("maxResultsPerPage", "100")]
            query += [("includedData", "BUYER,RECIPIENT,PROCEEDS,FULFILLMENT,PACKAGES,CANCELLATION")]
            query += [("paginationToken", cursor)] if cursor else []
        elif self.api == "v0":
            query = [("NextToken", cursor)] if cursor else [("LastUpdatedAfter", at)]
            query += [("MarketplaceIds", self.marketplace)]
        else:
            query = [("changedAfter", at), ("includeDetails", "true"), ("limit", "100")]
            query += [("nextToken", cursor)] if cursor else []
        return Request("GET", path, query=tuple(query))

    def _page(self, request: Request, answer: Answer) -> Page:
        data = answer.data(self.name)
        body = inner(data, "payload")
        told = [inner(body, "pagination"), body] if isinstance(body, Mapping) else []
        tokens = [row.get(name) for row in told for name in ("nextToken", "NextToken", "paginationToken")]
        return Page(self._rows(data), next((token for token in tokens if isinstance(token, str) and token), ""))

    def _parts(self, row: Any) -> tuple[Part, ...]:
        """A v0 order needs its items and its address."""
        name = row.get("AmazonOrderId") if isinstance(row, Mapping) else None
        if not isinstance(name, str) or row.get("OrderStatus") == "Pending":
            return ()
        if "/" in name or len(name) > 40:
            raise bad(self.name, "a page", [Problem("$.AmazonOrderId", name[:40], "an order id")])
        path = f"/orders/v0/orders/{name}"
        return Part("items", Request("GET", f"{path}/orderItems")), Part("address", Request("GET", f"{path}/address"))

    def _further(self, part: Part, answer: Answer) -> tuple[Part, ...]:
        """Items come in pages."""
        token = inner(answer.data(self.name), "payload").get("NextToken") if part.name == "items" else None
        if not isinstance(token, str) or not token:
            return ()
        return (Part("items", attrs.evolve(part.request, query=(("NextToken", token),))),)

    def _joined(self, name: str, pages: Sequence[Any]) -> Any:
        """The items of all pages."""
        rows = [inner(page, "payload") for page in pages]
        return {**rows[-1], "OrderItems": [row for page in rows for row in page.get("OrderItems") or ()]}

    def fetch(self, order_id: str) -> Request:
        """The single read of an order."""
        path = {"2026-01-01": "/orders/2026-01-01/orders/", "v0": "/orders/v0/orders/", "vendor": "/vendor/orders/v1/purchaseOrders/"}
        return Request("GET", path[self.api] + in_path(order_id))
