"""A carrier of one's own: rates, a label that is bought once, and tracking events that bring the order to delivered.

`AlpenPost` is complete: it speaks JSON with a server that runs here on 127.0.0.1, loses an answer after it has sold a label, and tells
what happened to the parcel late, twice and out of order.
"""

import base64
import http.client
import json
import threading
from collections.abc import Mapping
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import attrs

from krafte_core import Address, Item, OrderLine, Workshop
from krafte_core.channels.calls import Answer, Request, posted
from krafte_core.channels.carriers import Buying, CarrierLabel, Consignment, Rate, cheapest, event_in, label_in, price_in
from krafte_core.channels.reading import Node, Sheet, loaded
from krafte_core.packing import Box
from krafte_core.tracking import TrackingEvent
from krafte_core.wire import dumps, loads


@attrs.frozen
class AlpenPost:
    """A carrier with two services. Its codes stand in a table; one that is not there is kept and means nothing."""

    name: str = "Alpenpost"
    codes: Mapping[str, str] = attrs.field(
        default={"PU": "collected", "HUB": "on the way", "OFD": "out for delivery", "OK": "delivered", "RTS": "returned"}
    )

    def ask_rates(self, consignment: Consignment) -> Request:
        """Weight and addresses decide."""
        return posted("/v1/rates", self._parcel(consignment))

    def read_rates(self, answer: Answer) -> tuple[Rate, ...]:
        """The services that would take it."""
        sheet = Sheet(self.name)
        rows = Node(loaded(self.name, answer.body), "$", sheet).rows("rates", required=True)
        found = []
        for row in rows:
            price, service = price_in(row, "amount", "currency"), row.ident("service")
            at = row.at("arrives")
            if price is not None:
                found.append(Rate(service=service, price=price, name=row.text("name"), arrives=at.date() if at else None))
        sheet.done("rates")
        return tuple(found)

    def buy_label(self, consignment: Consignment) -> Request:
        """The reference goes with it, so that it can be found again."""
        told = {**self._parcel(consignment), "service": consignment.service, "reference": consignment.reference}
        return posted("/v1/labels", told)

    def find_label(self, reference: str) -> Request:
        """By our reference."""
        return Request("GET", f"/v1/labels/{quote(reference, safe='')}")

    def read_label(self, answer: Answer) -> CarrierLabel | None:
        """Of a purchase or of a search."""
        sheet = Sheet(self.name)
        node = Node(loaded(self.name, answer.body), "$", sheet)
        label = label_in(node, "label", "zpl")
        found = CarrierLabel(
            reference=node.ident("reference"), tracking=node.ident("tracking"), format="zpl", data=label,
            price=price_in(node, "amount", "currency"),
        )  # fmt: skip
        sheet.done("a label")
        return found

    def ask_tracking(self, tracking: str) -> Request:
        """One parcel."""
        return Request("GET", f"/v1/parcels/{quote(tracking, safe='')}")

    def read_tracking(self, body: bytes | str | Mapping[str, Any]) -> tuple[TrackingEvent, ...]:
        """Every event that can be read; problems are told all at once."""
        sheet = Sheet(self.name)
        node = Node(loaded(self.name, body), "$", sheet)
        number = node.ident("tracking")
        rows = node.rows("events", required=True)
        found = [event_in(row, number, self.codes, code="code", at="time", place="place", text="note") for row in rows]
        sheet.done("tracking events")
        return tuple(event for event in found if event is not None)

    def _parcel(self, consignment: Consignment) -> dict[str, Any]:
        to = consignment.receiver
        return {"grams": consignment.grams, "from": consignment.sender.postcode, "to": {"zip": to.postcode, "country": to.country}}


# the server that stands in for the carrier's ---------------------------------------------------------------------------------

SOLD: dict[str, dict[str, Any]] = {}
ANSWERS_TO_LOSE = [True]
WAY = [  # late, twice, out of order, and one that nobody knows
    {"code": "OK", "time": "2026-11-25T09:12:00+01:00", "note": "in the hallway"},
    {"code": "PU", "time": "2026-11-23T17:00:00+01:00", "place": "Graz"},
    {"code": "Q7", "time": "2026-11-24T03:00:00+01:00"},
    {"code": "PU", "time": "2026-11-23T17:00:00+01:00", "place": "Graz"},
    {"code": "OFD", "time": "2026-11-25T07:00:00+01:00", "place": "Wien"},
]


class Handler(BaseHTTPRequestHandler):
    """Sells labels, and loses its first answer."""

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/rates":
            rates = [
                {"service": "eco", "name": "Economy", "amount": "4.20", "currency": "EUR", "arrives": "2026-11-27T18:00:00+01:00"},
                {"service": "next", "name": "Next day", "amount": "7.90", "currency": "EUR", "arrives": "2026-11-25T18:00:00+01:00"},
            ]
            return self.say(200, {"rates": rates})
        zpl = base64.b64encode(f"^XA^FO50,50^FD{told['reference']}^FS^XZ".encode()).decode()
        number = f"AP{len(SOLD) + 1:09d}AT"
        SOLD[told["reference"]] = {
            "reference": told["reference"],
            "tracking": number,
            "label": zpl,
            "amount": "7.90",
            "currency": "EUR",
        }
        if ANSWERS_TO_LOSE:  # sold, and nobody hears of it
            ANSWERS_TO_LOSE.pop()
            self.close_connection = True
            return None
        return self.say(201, SOLD[told["reference"]])

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if "parcels" in self.path:
            return self.say(200, {"tracking": name, "events": WAY})
        return self.say(200, SOLD[name]) if name in SOLD else self.say(404, {})

    def say(self, status: int, data: dict[str, Any]) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def send(server: ThreadingHTTPServer, request: Request) -> Answer | None:
    """The host's network: None for an answer that did not come."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
    try:
        connection.request(request.method, request.target, request.content, dict(request.headers))
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def main() -> None:
    """From the packed parcel to the order that is delivered."""
    shop = Workshop.in_memory()
    shop.register(Item("soap", unit="each", packs={"each": "95 g"}), Item("carton", unit="each", packs={"each": "120 g"}))
    shop.stock.receive("soap", "20 each", lot="S-1")
    anna = Address("Anna Kundin", "Musterweg 1", "1010", "Wien", country="AT")
    order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "12 each")], ship_to=anna)
    shop.orders.confirm(order)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    carrier, home = AlpenPost(), Address("Seife & Co", "Gasse 2", "8010", "Graz", country="AT")
    try:
        shipment = shop.shipping.ship(order, carrier=carrier.name)
        (package,) = shop.shipping.pack(shipment, [Box(packaging={"carton": "1 each"})]).packages
        assert str(package.weight) == "1.26 kg"
        wish = Consignment(reference=f"{shipment.number}-1", package=package, sender=home, receiver=anna)
        answer = send(server, carrier.ask_rates(wish))
        assert answer is not None
        rate = cheapest(carrier.read_rates(answer), by=date(2026, 11, 26))
        assert rate is not None and rate.service == "next"

        buying = Buying.of(carrier, attrs.evolve(wish, service=rate.service))
        while (request := buying.next_request(carrier)) is not None:
            buying = loads(dumps(buying.intending()))  # stored: a crash now buys nothing twice
            got = send(server, request)
            buying = buying.timed_out() if got is None else buying.answered(carrier, got)
        assert buying.label is not None and len(SOLD) == 1  # the lost answer was looked up, not bought again
        number = buying.label.tracking
        shop.shipping.pack(shipment, [Box(packaging={"carton": "1 each"}, tracking=number)])
        print(f"{shipment.number}: {package.weight}, {rate.name} for {rate.price}, label {number}")

        way = send(server, carrier.ask_tracking(number))
        assert way is not None
        done = shop.shipping.track(shipment, carrier.read_tracking(way.body))
        assert (done.state, done.unknown) == ("delivered", ("Q7",))
        assert not shop.shipping.track(shipment, carrier.read_tracking(way.body)).new  # told again: nothing happens
        for event in shop.shipping.journey(shipment):
            print(f"  {event.at:%d %b %H:%M}  {event.kind or event.code + '?'} {event.place}".rstrip())
        assert shop.orders.status(order).value == "delivered"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


if __name__ == "__main__":
    main()
