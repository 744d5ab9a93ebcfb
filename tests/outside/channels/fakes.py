"""Fake servers of the six channels on 127.0.0.1: own orders, real HTTP, and everything that goes wrong on a net, by plan.

A fault comes before or after the server has done what it was asked: `"busy"` and `"limit"` do nothing, `"lost"` does everything and
closes the connection without an answer, `"slow"` does everything and answers too late.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

START = datetime(2026, 11, 20, tzinfo=UTC)
SLOW = 0.3
FAULTS = (None, None, None, "busy", "limit", "lost", None, "lost", None, None)


class Fake:
    """A shop with so many orders of two lines; subclasses speak one channel's language."""

    page = 5

    def __init__(self, orders: int, seed: int, slow: int = 1) -> None:
        self.chance = random.Random(seed)
        self.orders = {str(1_000 + number): {"1": 2, "2": 1 + number % 3} for number in range(orders)}
        self.open = {order: dict(lines) for order, lines in self.orders.items()}
        self.sent: list[tuple[str, tuple[tuple[str, int], ...]]] = []
        self.faults = itertools.chain(["slow"] * slow, iter(lambda: self.chance.choice(FAULTS), object()))
        self.lock = threading.Lock()
        self.seen: Counter[str] = Counter()
        self.numbers: dict[str, list[str]] = {}
        self.packages: dict[tuple[str, str], Any] = {}
        self.parcels: dict[str, list[Any]] = {}

    def changed(self, order: str) -> datetime:
        """When an order changed last."""
        return START + timedelta(minutes=int(order) - 1_000)

    def listed(self, since: datetime, page: int) -> tuple[list[str], int]:
        """A page of orders: not in order, and one of an earlier page comes again."""
        found = [order for order in self.orders if self.changed(order) >= since]
        self.chance.shuffle(found) if page == 0 and len(found) <= self.page else None
        rows = found[page * self.page : (page + 1) * self.page]
        if page and rows:
            rows.append(found[page * self.page - 1])
        return rows, len(found)

    def ship(self, order: str, lines: dict[str, int]) -> None:
        """Goods are said to have left."""
        for line, count in lines.items():
            self.open[order][line] -= count
        self.sent.append((order, tuple(sorted(lines.items()))))

    def answer(self, method: str, path: str, query: dict[str, str], body: str) -> tuple[int, dict[str, str], Any]:
        """What the channel's server says."""
        raise NotImplementedError


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Shopify(Fake):
    def answer(self, method, path, query, body):
        asked = json.loads(body)
        told = asked["variables"]
        if "fulfillmentCreate" in asked["query"]:
            return 200, {}, {"data": {"fulfillmentCreate": self.create(told["fulfillment"])}}
        if "orders(" in asked["query"]:
            since = datetime.fromisoformat(told["query"].partition("'")[2].rstrip("'"))
            page = int(told["cursor"] or 0)
            rows, count = self.listed(since, page)
            info = {"hasNextPage": (page + 1) * self.page < count, "endCursor": str(page + 1)}
            return 200, {}, {"data": {"orders": {"pageInfo": info, "nodes": [self.order(row) for row in rows]}}}
        name = told["id"].rpartition("/")[2]
        if "node: order(" in asked["query"]:
            inner = "lineItems" if "id lineItems(" in asked["query"] else "fulfillmentOrders"
            return 200, {}, {"data": {"node": {"id": told["id"], inner: self.order(name, int(told["cursor"]))[inner]}}}
        return 200, {}, {"data": {"order": self.order(name)}}

    def order(self, order, cursor=0):
        """An order whose lines and fulfilment orders come one on a page."""

        def page(rows):
            more = {"hasNextPage": cursor + 1 < len(rows), "endCursor": str(cursor + 1)}
            return {"pageInfo": more, "nodes": rows[cursor : cursor + 1]}

        lines = [{"id": f"gid://shopify/LineItem/{line}", "sku": f"S{line}", "title": "Soap", "quantity": count,
                  "currentQuantity": count}
                 for line, count in self.orders[order].items()]  # fmt: skip
        parts = [
            {"id": f"gid://shopify/FulfillmentOrder/{order}{line}", "status": "OPEN" if left else "CLOSED",
             "assignedLocation": {"location": {"id": f"gid://shopify/Location/{line}"}},
             "lineItems": {"nodes": [{"id": f"gid://shopify/FulfillmentOrderLineItem/{order}-{line}", "totalQuantity": left,
                                      "remainingQuantity": left, "lineItem": {"id": f"gid://shopify/LineItem/{line}"}}]}}
            for line, left in self.open[order].items()
        ]  # fmt: skip
        money = {"shopMoney": {"amount": "9.0", "currencyCode": "EUR"}}
        return {"id": f"gid://shopify/Order/{order}", "name": f"#{order}", "updatedAt": iso(self.changed(order)),
                "totalPriceSet": money,
                "lineItems": page(lines), "fulfillmentOrders": page(parts)}  # fmt: skip

    def create(self, told):
        rows = [row for group in told["lineItemsByFulfillmentOrder"] for row in group["fulfillmentOrderLineItems"]]
        names = [(*row["id"].rpartition("/")[2].split("-"), row["quantity"]) for row in rows]
        if len({line for _, line, _ in names}) > 1 or any(count > self.open[order][line] for order, line, count in names):
            return {"fulfillment": None, "userErrors": [{"message": "Invalid fulfillment order line item quantity requested."}]}
        self.ship(names[0][0], {line: count for _, line, count in names})
        return {"fulfillment": {"id": f"gid://shopify/Fulfillment/{len(self.sent)}"}, "userErrors": []}


class Etsy(Fake):
    def answer(self, method, path, query, body):
        order = path.partition("/receipts/")[2].partition("/")[0]
        if path.endswith("/tracking"):
            self.numbers.setdefault(order, []).append(dict(parse_qsl(body))["tracking_code"])
            self.ship(order, dict(self.orders[order]))
            return 200, {}, self.order(order)
        if order:
            return 200, {}, self.order(order)
        since = datetime.fromtimestamp(int(query["min_last_modified"]), UTC)
        rows, count = self.listed(since, int(query["offset"]) // 100)
        return 200, {}, {"count": 100 * -(-count // self.page), "results": [self.order(row) for row in rows]}

    def order(self, order):
        lines = [{"transaction_id": int(line), "quantity": count, "sku": f"S{line}"} for line, count in self.orders[order].items()]
        shipments = [{"tracking_code": number} for number in self.numbers.get(order, ())]
        return {"receipt_id": int(order), "status": "paid", "is_paid": True, "is_shipped": bool(shipments), "shipments": shipments,
                "updated_timestamp": int(self.changed(order).timestamp()), "transactions": lines}  # fmt: skip


class Amazon(Fake):
    def answer(self, method, path, query, body):
        if method == "POST":
            order, detail = path.split("/")[4], json.loads(body)["packageDetail"]
            key = (order, detail["packageReferenceId"])
            if key not in self.packages:  # the same package again changes the package, and ships nothing twice
                self.ship(order, {row["orderItemId"]: row["quantity"] for row in detail["orderItems"]})
            self.packages[key] = detail
            return 204, {}, None
        page = int(query.get("paginationToken", 0))
        rows, count = self.listed(datetime.fromisoformat(query["lastUpdatedAfter"]), page)
        token = {"nextToken": str(page + 1)} if (page + 1) * self.page < count else {}
        return 200, {}, {"orders": [self.order(row) for row in rows], "pagination": token}

    def order(self, order):
        items = [{"orderItemId": line, "quantityOrdered": count, "product": {"sellerSku": f"S{line}"},
                  "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": count}}
                 for line, count in self.orders[order].items()]  # fmt: skip
        made = {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"}
        return {"orderId": order, "lastUpdatedTime": iso(self.changed(order)), "fulfillment": made, "orderItems": items}


class AmazonV0(Amazon):
    """The older generation: items and address are calls of their own, and items come one on a page."""

    def answer(self, method, path, query, body):
        if method == "POST":
            return super().answer(method, path, query, body)
        order = path.split("/")[4] if path.count("/") > 3 else ""
        if path.endswith("/address"):
            return 200, {}, {"payload": {"AmazonOrderId": order, "ShippingAddress": {"Name": "A", "CountryCode": "DE"}}}
        if path.endswith("/orderItems"):
            at = int(query.get("NextToken", 0))
            lines = [{"OrderItemId": line, "SellerSKU": f"S{line}", "QuantityOrdered": count, "QuantityShipped": 0}
                    for line, count in self.orders[order].items()]  # fmt: skip
            token = {"NextToken": str(at + 1)} if at + 1 < len(lines) else {}
            return 200, {}, {"payload": {"AmazonOrderId": order, "OrderItems": lines[at : at + 1], **token}}
        page, since = (int(part) for part in query.get("NextToken", "0-0").split("-"))
        after = (
            datetime.fromisoformat(query["LastUpdatedAfter"]) if "LastUpdatedAfter" in query else datetime.fromtimestamp(since, UTC)
        )
        rows, count = self.listed(after, page)
        told = {"NextToken": f"{page + 1}-{int(after.timestamp())}"} if (page + 1) * self.page < count else {}
        return 200, {}, {"payload": {"Orders": [self.head(row) for row in rows], **told}}

    def head(self, order):
        return {"AmazonOrderId": order, "OrderStatus": "Unshipped", "LastUpdateDate": iso(self.changed(order)),
                "FulfillmentChannel": "MFN"}  # fmt: skip


class Vendor(Fake):
    """Purchase orders of a vendor, which are acknowledged."""

    def answer(self, method, path, query, body):
        if method == "POST":
            (told,) = json.loads(body)["acknowledgements"]
            self.packages[told["purchaseOrderNumber"], ""] = told["items"]
            return 202, {}, {"payload": {"transactionId": "t"}}
        page = int(query.get("nextToken", 0))
        rows, count = self.listed(datetime.fromisoformat(query["changedAfter"]), page)
        token = {"nextToken": str(page + 1)} if (page + 1) * self.page < count else {}
        return 200, {}, {"payload": {"pagination": token, "orders": [self.order(row) for row in rows]}}

    def order(self, order):
        items = [{"itemSequenceNumber": line, "vendorProductIdentifier": f"S{line}",
                  "orderedQuantity": {"amount": count, "unitOfMeasure": "Eaches", "unitSize": 1},
                  "netCost": {"amount": "2.50", "currencyCode": "EUR"}} for line, count in self.orders[order].items()]  # fmt: skip
        details = {"purchaseOrderDate": iso(START), "purchaseOrderChangedDate": iso(self.changed(order)), "items": items}
        return {"purchaseOrderNumber": order, "purchaseOrderState": "New", "orderDetails": details}


class ShopifyRest(Shopify):
    """The same shop by its older API."""

    def answer(self, method, path, query, body):
        if method == "POST":
            told = json.loads(body)["fulfillment"]
            told_rows = [
                {"id": f"gid://x/{row['id']}", "quantity": row["quantity"]}
                for group in told["line_items_by_fulfillment_order"]
                for row in group["fulfillment_order_line_items"]
            ]
            names = [(str(row["id"].rpartition("/")[2])[:-1], str(row["id"])[-1], row["quantity"]) for row in told_rows]
            if len({line for _, line, _ in names}) > 1 or any(count > self.open[order][line] for order, line, count in names):
                return 422, {}, {"errors": ["Invalid fulfillment order line item quantity requested."]}
            self.ship(names[0][0], {line: count for _, line, count in names})
            return 201, {}, {"fulfillment": {"id": len(self.sent)}}
        if path.endswith("/fulfillment_orders.json"):
            order = path.split("/")[-2]
            parts = [
                {"id": int(f"{order}{line}"), "status": "open" if left else "closed", "assigned_location_id": int(line),
                 "line_items": [{"id": int(f"{order}{line}"), "line_item_id": int(line), "fulfillable_quantity": left}]}
                for line, left in self.open[order].items()
            ]  # fmt: skip
            return 200, {}, {"fulfillment_orders": parts}
        page, since = (int(part) for part in query["page_info"].split("-")) if "page_info" in query else (0, 0)
        after = datetime.fromtimestamp(since, UTC) if since else datetime.fromisoformat(query["updated_at_min"])
        rows, count = self.listed(after, page)
        more = f'<https://s.example/orders.json?limit=250&page_info={page + 1}-{int(after.timestamp())}>; rel="next"'
        head = {"Link": more} if (page + 1) * self.page < count else {}
        return 200, head, {"orders": [self.rest(row) for row in rows]}

    def rest(self, order):
        lines = [{"id": int(line), "sku": f"S{line}", "quantity": count, "current_quantity": count, "fulfillable_quantity": count,
                  "price": "3.00"} for line, count in self.orders[order].items()]  # fmt: skip
        return {"id": int(order), "updated_at": iso(self.changed(order)), "currency": "EUR", "financial_status": "paid",
                "line_items": lines}  # fmt: skip


class Ebay(Fake):
    def answer(self, method, path, query, body):
        order = path.split("/")[5] if path.count("/") > 4 else ""
        if method == "POST":
            told = json.loads(body)
            self.ship(order, {row["lineItemId"]: row["quantity"] for row in told["lineItems"]})
            self.parcels.setdefault(order, []).append({**told, "shipmentTrackingNumber": told.get("trackingNumber", "")})
            return 201, {"Location": f"https://api/{order}/shipping_fulfillment/{told.get('trackingNumber', '999')}"}, None
        if path.endswith("/shipping_fulfillment"):
            rows = [{"fulfillmentId": str(at), **row} for at, row in enumerate(self.parcels.get(order, ()))]
            return 200, {}, {"fulfillments": rows}
        since = datetime.fromisoformat(query["filter"].partition("[")[2].partition("..")[0])
        offset = int(query["offset"])
        listed, count = self.listed(since, offset // self.page)
        return 200, {}, {"orders": [self.order(row) for row in listed], "limit": self.page, "offset": offset, "total": count}

    def order(self, order):
        lines = [{"lineItemId": line, "quantity": count, "sku": f"S{line}", "lineItemFulfillmentStatus": "NOT_STARTED"}
                 for line, count in self.orders[order].items()]  # fmt: skip
        return {"orderId": order, "lastModifiedDate": iso(self.changed(order)), "orderFulfillmentStatus": "NOT_STARTED",
                "orderPaymentStatus": "PAID", "lineItems": lines}  # fmt: skip


class Woo(Fake):
    def answer(self, method, path, query, body):
        order = path.partition("/orders/")[2].partition("/")[0]
        if method == "POST":
            row = {"id": len(self.sent) + 1, **json.loads(body)}
            items = next(meta["value"] for meta in row["meta_data"] if meta["key"] == "_items")
            self.ship(order, {str(item["item_id"]): item["qty"] for item in items})
            self.parcels.setdefault(order, []).append(row)
            return 201, {}, row
        if path.endswith("/fulfillments"):
            return 200, {}, self.parcels.get(order, [])
        page = int(query["page"])
        rows, count = self.listed(datetime.fromisoformat(query["modified_after"]).replace(tzinfo=UTC), page - 1)
        return 200, {"X-WP-Total": str(count), "X-WP-TotalPages": str(-(-count // self.page))}, [self.order(row) for row in rows]

    def order(self, order):
        lines = [{"id": int(line), "quantity": count, "sku": f"S{line}"} for line, count in self.orders[order].items()]
        return {"id": int(order), "status": "processing", "currency": "EUR", "date_modified_gmt": iso(self.changed(order))[:-1],
                "line_items": lines, "refunds": []}  # fmt: skip


class Big(Fake):
    page = 100

    def answer(self, method, path, query, body):
        order = path.partition("/orders/")[2].partition("/")[0]
        if method == "POST":
            told = json.loads(body)
            lines = {str(row["order_product_id"]): row["quantity"] for row in told["items"]}
            if any(count > self.open[order][line] for line, count in lines.items()):
                return 400, {}, [{"message": "more than is open"}]
            self.ship(order, lines)
            self.parcels.setdefault(order, []).append({"id": len(self.sent), **told})
            return 201, {}, {"id": len(self.sent)}
        if path.endswith("/products"):
            return 200, {}, [{"id": int(line), "quantity": count, "quantity_shipped": count - self.open[order][line],
                              "sku": f"S{line}",
                              "order_address_id": 50 + int(line)} for line, count in self.orders[order].items()]  # fmt: skip
        if path.endswith("/shipping_addresses"):
            return 200, {}, [{"id": 51, "country_iso2": "DE"}, {"id": 52, "country_iso2": "AT"}]
        if path.endswith("/shipments"):
            return 200, {}, self.parcels.get(order, [])
        rows, _ = self.listed(datetime.fromisoformat(query["min_date_modified"]), int(query["page"]) - 1)
        return (200, {}, [self.order(row) for row in rows]) if rows else (204, {}, None)

    def order(self, order):
        return {"id": int(order), "status_id": 11, "date_modified": self.changed(order).strftime("%a, %d %b %Y %H:%M:%S +0000"),
                "currency_code": "EUR"}  # fmt: skip


class Server:
    """A fake behind real HTTP, for the length of a `with`; its value is the base URL."""

    def __init__(self, fake: Fake) -> None:
        outer = fake

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                with outer.lock:
                    fault = next(outer.faults)
                    outer.seen[str(fault)] += 1
                    if fault in {"busy", "limit"}:
                        status, headers, data = (503, {}, None) if fault == "busy" else (429, {"Retry-After": "2"}, None)
                    else:
                        status, headers, data = outer.answer(self.command, parts.path, query, body)
                if fault == "lost":
                    self.close_connection = True
                    return
                if fault == "slow":
                    time.sleep(SLOW)
                content = b"" if data is None else json.dumps(data).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that has gone is no news."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
