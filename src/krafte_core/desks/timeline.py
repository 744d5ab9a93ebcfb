"""Where is my order? What happened to it, in the words of a customer, in English and German. Part of the order desk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

import attrs

from krafte_core.allocation import LOT, RUN
from krafte_core.desks.lateness import expected, promised_of
from krafte_core.diary import Entry
from krafte_core.items import one_of
from krafte_core.office import Office
from krafte_core.orders import STATUS_WORDS, CustomerOrder, OrderStatus, status
from krafte_core.production import ProductionOrder
from krafte_core.progress import Progress
from krafte_core.quantities import Quantity
from krafte_core.shipping import Shipment
from krafte_core.stock import CUSTOMER
from krafte_core.times import time_zone
from krafte_core.work import Work

LANGUAGES = ("en", "de")
_MONTHS = {
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    "de": ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
}
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "place": "We received your order.",
        "part of": "This order is a part of your order {name}.",
        "confirm": "We confirmed your order.",
        "promised": "We promised it for {day}.",
        "change": "Your order was changed: {changes}.",
        "split": "A part of it goes on as order {name}.",
        "absorb": "Your order {name} was added to it.",
        "merge": "It goes on as order {name}.",
        "cancel": "The order was cancelled.",
        "close": "The rest of the order was cancelled.",
        "reopen": "The order goes on.",
        "quote": "We sent you an offer.",
        "pick": "Your goods were taken from the shelf and packed.",
        "unpick": "Your goods were unpacked again.",
        "start": "We began to make {item}.",
        "complete": "{item} was finished.",
        "ship": "{amounts} left our house{how}.",
        "carrier": " with {carrier}",
        "tracking": ", tracking number {tracking}",
        "deliver": "{amounts} arrived.",
        "return": "{amounts} came back to us.",
        "expected": "We expect it at yours on {day}.",
        "unknown": "We cannot tell yet when it will arrive.",
        "late": "That is later than promised; we are sorry.",
        "nothing": "nothing",
        "requested": "requested date",
        "shipping": "shipping",
        "ship_to": "address",
        "now": "Now: {status}.",
    },
    "de": {
        "place": "Wir haben Ihren Auftrag erhalten.",
        "part of": "Dieser Auftrag ist ein Teil Ihres Auftrags {name}.",
        "confirm": "Wir haben Ihren Auftrag bestätigt.",
        "promised": "Zugesagt ist der {day}.",
        "change": "Ihr Auftrag wurde geändert: {changes}.",
        "split": "Ein Teil davon wird als Auftrag {name} weitergeführt.",
        "absorb": "Ihr Auftrag {name} wurde hinzugefügt.",
        "merge": "Er wird als Auftrag {name} weitergeführt.",
        "cancel": "Der Auftrag wurde storniert.",
        "close": "Der Rest des Auftrags wurde gestrichen.",
        "reopen": "Der Auftrag wird fortgesetzt.",
        "quote": "Wir haben Ihnen ein Angebot gemacht.",
        "pick": "Ihre Ware wurde kommissioniert.",
        "unpick": "Ihre Ware wurde wieder ausgepackt.",
        "start": "Wir haben mit der Herstellung von {item} begonnen.",
        "complete": "{item} ist fertig.",
        "ship": "{amounts} hat unser Haus verlassen{how}.",
        "carrier": " mit {carrier}",
        "tracking": ", Sendungsnummer {tracking}",
        "deliver": "{amounts} ist angekommen.",
        "return": "{amounts} kam zu uns zurück.",
        "expected": "Wir erwarten die Ankunft bei Ihnen am {day}.",
        "unknown": "Wir können noch nicht sagen, wann die Ware ankommt.",
        "late": "Das ist später als zugesagt; es tut uns leid.",
        "nothing": "nichts",
        "requested": "Wunschtermin",
        "shipping": "Versandart",
        "ship_to": "Anschrift",
        "now": "Stand: {status}.",
    },
}


@attrs.frozen
class TimelineEntry:
    """Something that happened to an order, in words; the last one tells how things stand (`step` is "now")."""

    at: datetime
    step: str
    text: str


@attrs.frozen
class OrderTimeline:
    """Everything that a customer may hear about an order, in the order in which it happened; printed, a line each."""

    order: str
    entries: tuple[TimelineEntry, ...]
    zone: str = "UTC"

    def __str__(self) -> str:
        """One line for each entry, by the workshop's clock."""
        clock = time_zone(self.zone)
        return "\n".join(f"{entry.at.astimezone(clock):%Y-%m-%d %H:%M}  {entry.text}" for entry in self.entries)


class OrderTimelines:
    """What `shop.orders` tells a customer."""

    _office: Office

    def timeline(self, order: CustomerOrder | str, *, language: str = "en") -> OrderTimeline:
        """Where is my order? What happened to it from the beginning, and what comes next, in words that a customer understands.

        Raises:
            Unknown: (`unknown`) no such order. InvalidInput: (`invalid_input`) a language other than `"en"` and `"de"`.

        >>> from krafte_core import Item, OrderLine, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("soap", unit="each"))
        >>> order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "2 each")])
        >>> shop.orders.timeline(order, language="de").entries[0].text
        'Wir haben Ihren Auftrag erhalten.'
        """
        one_of(language, LANGUAGES, "language")
        with self._office.look() as work:
            paper: CustomerOrder = work.paper(CustomerOrder, order)
            told = _Teller(work, language)
            rows = sorted([*told.decisions(paper), *told.making(paper), *told.moving(paper)], key=lambda row: row.at)
            return OrderTimeline(paper.number, (*rows, told.now(paper)), work.catalogue.zone)


def day_in(day: date, language: str) -> str:
    """A day as people write it.

    >>> day_in(date(2026, 3, 9), "de"), day_in(date(2026, 3, 9), "en")
    ('9. März 2026', '9 March 2026')
    """
    point = "." if language == "de" else ""
    return f"{day.day}{point} {_MONTHS[language][day.month - 1]} {day.year}"


class _Teller:
    """Tells one language."""

    def __init__(self, work: Work, language: str) -> None:
        self.work = work
        self.language = language
        self.text = _TEXTS[language]

    def decisions(self, order: CustomerOrder) -> Iterator[TimelineEntry]:
        """From the order's own diary."""
        for entry in self.work.reader.diary((order.number,))[order.number]:
            words = self._decision(entry)
            if words:
                yield TimelineEntry(entry.at, entry.step, words)

    def _decision(self, entry: Entry) -> str:
        details, text = dict(entry.details), self.text
        if entry.step == "place" and "part of" in details:
            return text["part of"].format(name=details["part of"])
        if entry.step == "change":
            changes = self._changes(entry.details)
            words = [text["change"].format(changes=changes)] if changes else []
        elif entry.step in ("split", "absorb", "merge"):
            words = [text[entry.step].format(name=name) for _, name in entry.details]
        elif entry.step in ("place", "confirm", "cancel", "close", "reopen", "pick", "unpick"):
            words = [text[entry.step]]
        else:
            words = []
        if details.get("promised"):
            words.append(text["promised"].format(day=day_in(date.fromisoformat(details["promised"]), self.language)))
        return " ".join(words)

    def _changes(self, details: Iterable[tuple[str, str]]) -> str:
        rows = []
        for name, words in details:
            told = " → ".join(self.text["nothing"] if one == "nothing" else one for one in words.split(" -> "))
            if name.startswith("line "):
                rows.append(" → ".join(self._line(one) for one in words.split(" -> ")))
            elif name in ("requested", "shipping", "ship_to"):
                rows.append(f"{self.text[name]} {told}")
        return ", ".join(rows)

    def _line(self, words: str) -> str:
        """A line as the diary keeps it (`"30 each soap"`), as it is told."""
        if words == "nothing":
            return self.text["nothing"]
        value, unit, item = words.split(" ", 2)
        return self._spelled(value, unit, item)

    def making(self, order: CustomerOrder) -> Iterator[TimelineEntry]:
        """From the diaries of the runs that made or make the order's goods."""
        reader = self.work.reader
        links = reader.links((order.number,))[order.number]
        lots = {(link.item, link.ref) for link in links if link.source == LOT}
        lots |= {(move.item, move.lot) for posting in reader.postings(papers=[order.number]) for move in posting.moves}
        numbers = {link.ref for link in links if link.source == RUN}
        numbers |= {lot.paper for lot in reader.lots(lots).values() if lot.origin == "run"}
        runs = {number: row.paper for number, row in reader.papers(sorted(numbers)).items() if isinstance(row.paper, ProductionOrder)}
        for number, entries in reader.diary(runs).items():
            item = self.work.item(runs[number].item)
            for entry in entries:
                if entry.step in ("start", "complete") and entry.at >= order.placed_at:
                    yield TimelineEntry(entry.at, entry.step, self.text[entry.step].format(item=item.name or item.code))

    def moving(self, order: CustomerOrder) -> Iterator[TimelineEntry]:
        """What left, what arrived, what came back."""
        reader = self.work.reader
        postings = [row for row in reader.postings(papers=[order.number]) if any(CUSTOMER in move[3:5] for move in row.moves)]
        numbers = {row.paper for row in postings}
        sent = {number: row.paper for number, row in reader.papers(sorted(numbers)).items() if isinstance(row.paper, Shipment)}
        diaries = reader.diary(sent)
        for row in postings:
            moves = [move for move in row.moves if move.line.partition("/")[0] == order.number]
            amounts = self._amounts([(move.item, move.steps) for move in moves])
            shipment = sent.get(row.paper)
            if shipment is None:
                yield TimelineEntry(row.happened_at, "return", self.text["return"].format(amounts=amounts))
                continue
            yield TimelineEntry(row.happened_at, "ship", self.text["ship"].format(amounts=amounts, how=self._how(shipment)))
            for entry in diaries[row.paper]:
                if entry.step == "deliver":
                    yield TimelineEntry(entry.at, "deliver", self.text["deliver"].format(amounts=amounts))

    def _how(self, shipment: Shipment) -> str:
        with_whom = self.text["carrier"].format(carrier=shipment.carrier) if shipment.carrier else ""
        return with_whom + (self.text["tracking"].format(tracking=shipment.tracking) if shipment.tracking else "")

    def _amounts(self, rows: Sequence[tuple[str, int]]) -> str:
        sums: dict[str, int] = {}
        for item, steps in rows:
            sums[item] = sums.get(item, 0) + steps
        return ", ".join(self._amount(self.work.item(item).quantity(steps), item) for item, steps in sums.items())

    def _amount(self, quantity: Quantity, item: str) -> str:
        value, _, unit = str(quantity).partition(" ")
        return self._spelled(value, unit, item)

    def _spelled(self, value: str, unit: str, item: str) -> str:
        name = self.work.item(item).name or item
        spelled = value.replace(".", ",") if self.language == "de" else value
        return f"{spelled} × {name}" if unit == "each" else f"{spelled} {unit} {name}"

    def now(self, order: CustomerOrder) -> TimelineEntry:
        """How things stand, and when it will arrive."""
        progress = Progress(self.work, [order])
        found = status(progress.states[order.number], progress.of(order))
        words = [self.text["now"].format(status=STATUS_WORDS[self.language][found])]
        over = (OrderStatus.CANCELLED, OrderStatus.MERGED, OrderStatus.DELIVERED, OrderStatus.SHIPPED)
        if found not in over:
            day = expected(self.work, order)
            words.append(self.text["unknown"] if day is None else self.text["expected"].format(day=day_in(day, self.language)))
            promised = promised_of(self.work.reader.diary((order.number,))[order.number])
            if day is not None and promised is not None and day > promised:
                words.append(self.text["late"])
        return TimelineEntry(self.work.at, "now", " ".join(words))
