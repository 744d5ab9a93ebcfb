"""Where is my order? What happened to it, in the words of a customer, in English and German. Part of the order desk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

import attrs

from krafte_core.allocation import LOT, PURCHASE, RUN
from krafte_core.desks.lateness import expected, promised_of
from krafte_core.desks.sentences import FOR_CUSTOMERS, LANGUAGES, SENTENCES, day_in
from krafte_core.diary import Entry, lot_document
from krafte_core.items import one_of
from krafte_core.office import Office
from krafte_core.orders import STATUS_WORDS, CustomerOrder, OrderStatus
from krafte_core.production import ProductionOrder
from krafte_core.progress import Progress
from krafte_core.purchasing import PurchaseOrder
from krafte_core.quantities import Quantity
from krafte_core.shipping import Shipment
from krafte_core.stock import CUSTOMER, Lot
from krafte_core.times import local_date, time_zone
from krafte_core.work import Work


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

    def timeline(self, order: CustomerOrder | str, *, language: str = "en", everything: bool = False) -> OrderTimeline:
        """Where is my order? What happened to it from the beginning, and what comes next, in words that a customer understands.

        Args:
            order: in any state.
            language: `"en"` or `"de"`.
            everything: tell every step of the order, its offer, its runs, its lots and the purchases for it, not only what concerns
                the customer.

        Raises:
            Unknown: (`unknown`) no such order. InvalidInput: (`invalid_input`) another language.

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
            teller = _Teller(work, paper, language, everything=everything)
            rows = sorted(teller.told(), key=lambda row: row.at)
            return OrderTimeline(paper.number, (*rows, teller.now()), work.catalogue.zone)


class _Teller:
    """Tells one order in one language."""

    def __init__(self, work: Work, order: CustomerOrder, language: str, *, everything: bool) -> None:
        self.work = work
        self.order = order
        self.language = language
        self.everything = everything
        self.text = SENTENCES[language]
        self.links = work.reader.links((order.number,))[order.number]
        self.postings = work.reader.postings(papers=[order.number])

    def told(self) -> Iterator[TimelineEntry]:
        """All that happened, in no order."""
        yield from self._decisions()
        runs = self._runs()
        yield from self._making(runs)
        yield from self._buying(runs)
        yield from self._lots()
        yield from self._moving()

    def _say(self, entry: Entry, name: str, **words: str) -> Iterator[TimelineEntry]:
        """The sentence for a step, if it is one to be told."""
        if name in self.text and (self.everything or name in FOR_CUSTOMERS):
            yield TimelineEntry(entry.happened, entry.step, self.text[name].format(**words))

    def _decisions(self) -> Iterator[TimelineEntry]:
        """From the order's own diary, and those of its offers."""
        quotes: list[str] = []
        for entry in self.work.reader.diary((self.order.number,))[self.order.number]:
            words = self._decision(entry)
            if words:
                yield TimelineEntry(entry.at, entry.step, words)
            quotes += [number for name, number in entry.details if entry.step == "quote" and name == "number"]
        for entries in self.work.reader.diary(quotes).values():
            for entry in entries:
                yield from self._say(entry, f"quote {entry.step}")

    def _decision(self, entry: Entry) -> str:
        details, text, name = dict(entry.details), self.text, f"order {entry.step}"
        if entry.step == "place" and "part of" in details:
            return text["order place a part"].format(name=details["part of"])
        if entry.step in ("ship", "return") or name not in text or not (self.everything or name in FOR_CUSTOMERS):
            return ""  # what moved is told with its amounts
        if entry.step == "change":
            changes = self._changes(entry.details)
            words = [text[name].format(changes=changes)] if changes else []
        elif entry.step in ("split", "absorb", "merge"):
            words = [text[name].format(name=other) for _, other in entry.details]
        else:
            words = [text[name]]
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

    def _name(self, item: str) -> str:
        return self.work.item(item).name or item

    def _day(self, entry: Entry, detail: str) -> str:
        """The day of an instant that a step tells."""
        at = dict(entry.details).get(detail)
        day = entry.at if at is None else datetime.fromisoformat(at)
        return day_in(local_date(day, self.work.catalogue.zone), self.language)

    def _lots_of(self, numbers: Iterable[str]) -> Mapping[tuple[str, str], Lot]:
        """The lots that are or were linked to these papers' needs, or moved because of them."""
        reader, names = self.work.reader, [*numbers]
        keys = {(link.item, link.ref) for links in reader.links(names).values() for link in links if link.source == LOT}
        keys |= {(move.item, move.lot) for posting in reader.postings(papers=names) for move in posting.moves}
        return reader.lots(keys)

    def _runs(self) -> dict[str, ProductionOrder]:
        """The runs that made or make the order's goods."""
        numbers = {link.ref for link in self.links if link.source == RUN}
        numbers |= {lot.paper for lot in self._lots_of([self.order.number]).values() if lot.origin == "run"}
        filed = self.work.reader.papers(sorted(numbers))
        return {number: row.paper for number, row in filed.items() if isinstance(row.paper, ProductionOrder)}

    def _making(self, runs: Mapping[str, ProductionOrder]) -> Iterator[TimelineEntry]:
        for number, entries in self.work.reader.diary(runs).items():
            for entry in entries:
                if entry.happened >= self.order.placed_at:
                    words = {"item": self._name(runs[number].item), "day": self._day(entry, "start")}
                    yield from self._say(entry, f"run {entry.step}", **words)

    def _buying(self, runs: Mapping[str, ProductionOrder]) -> Iterator[TimelineEntry]:
        """From the diaries of the purchases that brought or bring its goods, or the materials of its runs."""
        reader, names = self.work.reader, [self.order.number, *runs]
        bought = {(link.ref, link.item) for links in reader.links(names).values() for link in links if link.source == PURCHASE}
        bought |= {(lot.paper, lot.item) for lot in self._lots_of(names).values() if lot.paper and lot.origin == "receipt"}
        filed = reader.papers(sorted({number for number, _ in bought}))
        diaries = reader.diary([number for number, row in filed.items() if isinstance(row.paper, PurchaseOrder)])
        for number, item in sorted(bought):
            for entry in diaries.get(number, ()):
                if entry.happened >= self.order.placed_at:
                    words = {"item": self._name(item), "day": self._day(entry, "expected")}
                    yield from self._say(entry, f"purchase {entry.step}", **words)

    def _lots(self) -> Iterator[TimelineEntry]:
        """What was decided about the lots that are kept for the order, or were sent."""
        lots = [(link.item, link.ref) for link in self.links if link.source == LOT]
        lots += [(move.item, move.lot) for row in self.postings for move in row.moves if move.target == CUSTOMER]
        names = {lot_document(*key): key for key in dict.fromkeys(lots)}
        for document, entries in self.work.reader.diary(names).items():
            for entry in entries:
                if entry.at >= self.order.placed_at:
                    yield from self._say(entry, f"lot {entry.step}", item=self._name(names[document][0]))

    def _moving(self) -> Iterator[TimelineEntry]:
        """What left, what arrived, what came back."""
        name = self.order.number
        postings = [row for row in self.postings if any(CUSTOMER in move[3:5] for move in row.moves)]
        filed = self.work.reader.papers(sorted({row.paper for row in postings}))
        sent = {number: row.paper for number, row in filed.items() if isinstance(row.paper, Shipment)}
        diaries = self.work.reader.diary(sent)
        for row in postings:
            moves = [move for move in row.moves if move.line.partition("/")[0] == name]
            amounts = self._amounts([(move.item, move.steps) for move in moves])
            shipment = sent.get(row.paper)
            if shipment is None:
                yield TimelineEntry(row.happened_at, "return", self.text["order return"].format(amounts=amounts))
                continue
            yield TimelineEntry(row.happened_at, "ship", self.text["order ship"].format(amounts=amounts, how=self._how(shipment)))
            for entry in diaries[row.paper]:
                if entry.step != "ship":
                    details = dict(entry.details)
                    said = details.get("text") or details.get("kind") or details.get("code", "")
                    yield from self._say(entry, f"shipment {entry.step}", amounts=amounts, said=said)

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
        name = self._name(item)
        spelled = value.replace(".", ",") if self.language == "de" else value
        return f"{spelled} × {name}" if unit == "each" else f"{spelled} {unit} {name}"

    def now(self) -> TimelineEntry:
        """How things stand, and when it will arrive."""
        order = self.order
        found = Progress(self.work, [order]).status(order)
        words = [self.text["now"].format(status=STATUS_WORDS[self.language][found])]
        over = (OrderStatus.CANCELLED, OrderStatus.MERGED, OrderStatus.DELIVERED, OrderStatus.SHIPPED)
        if found not in over:
            day = expected(self.work, order)
            words.append(self.text["unknown"] if day is None else self.text["expected"].format(day=day_in(day, self.language)))
            promised = promised_of(self.work.reader.diary((order.number,))[order.number])
            if day is not None and promised is not None and day > promised:
                words.append(self.text["late"])
        return TimelineEntry(self.work.at, "now", " ".join(words))
