"""EPCIS 2.0: every movement of the books as events that trading partners and authorities read (JSON-LD).

A receipt is an ObjectEvent, a run one TransformationEvent with all its inputs and outputs, a shipment an ObjectEvent (and an
AggregationEvent, where its pallet is known). What was taken back is told as the standard wants it: the event with an error
declaration, and the corrected one. What was decided about a lot (held, released, rejected) is an ObjectEvent of its own. Amounts stay
exact: they are written as decimal numbers without passing through a float.

>>> from krafte_core.stock import Move
>>> day = datetime(2026, 1, 1, 8, tzinfo=UTC)
>>> came = Posting("receive", "PO-1", day, day, (Move("oil", "O-1", 2_500_000, "supplier", "stock"),))
>>> names = Naming("https://id.example.com")
>>> (event,) = events([came], {"oil": Item("oil", unit="kg")}, {}, names)
>>> event["bizStep"], dumps(event["quantityList"], indent=None)
('receiving', '[{"epcClass": "https://id.example.com/lot/oil/O-1", "quantity": 2.5, "uom": "KGM"}]')
"""

from __future__ import annotations

import json
import re
import textwrap
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from urllib.parse import quote

import attrs

from krafte_core.diary import Entry
from krafte_core.errors import InvalidInput
from krafte_core.exports.gs1 import UNIT_CODES, gln, gtin, identifier, sscc
from krafte_core.items import Item
from krafte_core.ledger import REVERSE, Key
from krafte_core.quantities import plain
from krafte_core.shipping import Shipment
from krafte_core.stock import COUNT, CUSTOMER, FOUND, PRODUCTION, SAMPLE, SCRAP, SUPPLIER, Lot, Move, Posting, inside
from krafte_core.times import time_zone
from krafte_core.workshop import Workshop

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
Event = dict[str, Any]


@attrs.frozen
class Naming:
    """How the books' names become identifiers: GS1 keys where there are any, else addresses under the maker's own domain.

    Args:
        base: an address of the maker, such as `"https://id.example.com"`; names of his own begin with it.
        places: GLN per place of the house; `parties`: GLN per supplier and customer.
        zone: the zone in which events are told.

    An item with the attribute `gtin` is named by it.
    """

    base: str
    places: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    parties: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    zone: str = attrs.field(default="UTC", kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Check what cannot be checked later: the address and the keys."""
        if not re.fullmatch(r"https?://[^\s/]+(/[^\s]*)?", self.base):
            raise InvalidInput("base", self.base, "an address such as 'https://id.example.com'")
        for key in (*self.places.values(), *self.parties.values()):
            gln(key)

    def own(self, kind: str, *parts: str) -> str:
        """An address of the maker's own.

        >>> Naming("https://id.example.com").own("run", "B 1")
        'https://id.example.com/run/B%201'
        """
        return "/".join([self.base.rstrip("/"), kind, *(quote(part, safe="") for part in parts)])

    def lot(self, item: Item, lot: str) -> str:
        """The class of a lot: GTIN and lot, or an address.

        >>> Naming("https://id.example.com").lot(Item("soap", unit="each", attributes={"gtin": "4012345111118"}), "S-1")
        'https://id.gs1.org/01/04012345111118/10/S-1'
        """
        key = dict(item.attributes).get("gtin")
        return identifier("01", gtin(str(key)), {"10": lot}).link if key else self.own("lot", item.code, lot)

    def place(self, place: str) -> str:
        """A place of the house."""
        return identifier("414", self.places[place]).link if place in self.places else self.own("place", place)

    def party(self, who: str) -> str:
        """A supplier or a customer."""
        return identifier("417", self.parties[who]).link if who in self.parties else self.own("party", who)


@attrs.define
class _Fact:
    """One event in the making: what kind it is, when it happened, its amounts, and whether a later entry took it back."""

    step: str
    posting: Posting
    moves: dict[tuple[str, str, str, str], int]  # item, lot, source, target
    name: str
    corrected_at: datetime | None = None
    first: _Fact | None = None


_OUTSIDE_IN = {SUPPLIER: "receiving", CUSTOMER: "returned", FOUND: "commissioning", COUNT: "counted up"}
_INSIDE_OUT = {SUPPLIER: "sent back", CUSTOMER: "shipping", SCRAP: "destroying", COUNT: "counted down", SAMPLE: "sampling"}
_HOW: Mapping[str, tuple[str, str, str]] = {
    # step: action, business step, disposition
    "receiving": ("OBSERVE", "receiving", "in_progress"),
    "returned": ("OBSERVE", "receiving", "returned"),
    "commissioning": ("ADD", "commissioning", "active"),
    "counted up": ("ADD", "stock_taking", "active"),
    "counted down": ("DELETE", "stock_taking", "inactive"),
    "sent back": ("OBSERVE", "shipping", "returned"),
    "shipping": ("OBSERVE", "shipping", "in_transit"),
    "destroying": ("DELETE", "destroying", "destroyed"),
    "sampling": ("DELETE", "sampling", "inactive"),
    "storing": ("OBSERVE", "storing", "in_progress"),
    "picking": ("OBSERVE", "picking", "in_progress"),
}


_DECIDED: Mapping[str, tuple[str, str]] = {
    # step: business step, disposition
    "wait": ("holding", "unavailable"),
    "hold": ("holding", "unavailable"),
    "release": ("inspecting", "conformant"),
    "reject": ("inspecting", "non_conformant"),
    "extend": ("inspecting", ""),
}


def events(
    postings: Iterable[Posting],
    items: Mapping[str, Item],
    lots: Mapping[Key, Lot],
    names: Naming,
    *,
    shipments: Mapping[str, Shipment] | None = None,
) -> list[Event]:
    """The events that these postings are, in their order.

    Args:
        postings: whole documents: where a reversal is among them, what it takes back is, too.
        items: all that move; `lots`: for dates and suppliers, those that are known.
        names: how they are named.
        shipments: who got what; one with the attribute `sscc` gets an AggregationEvent.

    Raises:
        InvalidInput: (`invalid_input`) a reversal of something that is not among the postings; a unit without a code.
    """
    return [*_told(postings, {}, _Writer(items, lots, names, shipments or {}))]


def _told(postings: Iterable[Posting], seen: dict[str, Iterator[int]], writer: _Writer) -> Iterator[Event]:
    facts: list[_Fact] = []
    for posting in postings:
        if posting.kind == REVERSE:
            facts += _taken_back(facts, posting, seen)
        else:
            _note(facts, posting, seen)
    for fact in facts:
        yield from writer.told(fact, facts)


def _step(move: Move) -> str:
    if PRODUCTION in (move.source, move.target):
        return "run"
    if inside(move.source) and inside(move.target):
        return "picking" if move.target.startswith("line:") else "storing"
    return _INSIDE_OUT[move.target] if inside(move.source) else _OUTSIDE_IN[move.source]


def _note(facts: list[_Fact], posting: Posting, seen: dict[str, Iterator[int]]) -> None:
    """Put the moves of a posting into facts: a run is one fact however often it is written to, all else one per posting and step."""
    own: dict[tuple[str, str, str], _Fact] = {}
    for move in posting.moves:
        step = _step(move)
        fact = own.get((step, move.source, move.target))
        if step == "run":
            fact = next((one for one in facts if one.step == "run" and one.posting.paper == posting.paper), None)
        if fact is None:
            base = f"{posting.kind}|{posting.paper if step == 'run' else posting}|{step}|{move.source}|{move.target}"
            number = next(seen.setdefault(base, count()))
            fact = _Fact(step, posting, {}, f"{base}|{number}")
            facts.append(fact)
        own[step, move.source, move.target] = fact
        key = (move.item, move.lot, move.source, move.target)
        fact.moves[key] = fact.moves.get(key, 0) + move.steps


def _taken_back(facts: Sequence[_Fact], posting: Posting, seen: dict[str, Iterator[int]]) -> list[_Fact]:
    """Declare what a reversal takes back as an error, and give the corrected facts."""
    corrected: dict[str, _Fact] = {}
    for move in posting.moves:
        left = move.steps
        for fact in [*reversed([*facts, *corrected.values()])]:
            for key in [key for key in fact.moves if _undoes(move, key)] if fact.corrected_at is None else ():
                took = min(left, fact.moves[key])
                if not took or fact.posting.paper != posting.paper:
                    continue
                left -= took
                twin = fact
                if fact.name not in {one.name for one in corrected.values()}:
                    number = next(seen.setdefault(fact.name, count()))
                    twin = _Fact(fact.step, fact.posting, {**fact.moves}, f"{fact.name}|corrected {number}", first=fact)
                    fact.corrected_at = posting.recorded_at
                    corrected[fact.name] = twin
                twin.moves[key] -= took
        if left:
            raise InvalidInput("postings", f"reversal of {move.item} {move.lot} for {posting.paper}", "what it takes back, too")
    return [*corrected.values()]


def _undoes(move: Move, key: tuple[str, str, str, str]) -> bool:
    """Whether the move takes back one of this lot between these places: out there to where it came from, in the house anywhere."""
    item, lot, source, target = key
    same = (item, lot) == (move.item, move.lot)
    return same and (move.source == target if not inside(target) else move.target == source)


class _Writer:
    """Turns facts into events."""

    def __init__(self, items: Mapping[str, Item], lots: Mapping[Key, Lot], names: Naming, shipments: Mapping[str, Shipment]) -> None:
        self.items, self.lots, self.names, self.shipments = items, lots, names, shipments
        self.zone = time_zone(names.zone)

    def told(self, fact: _Fact, facts: Collection[_Fact]) -> Iterator[Event]:
        """The event of a fact, one more for its pallet; one with nothing left in it is not told."""
        if not any(fact.moves.values()):
            return
        event = self._transformation(fact) if fact.step == "run" else self._object(fact)
        if event is None:
            return
        if fact.step == "shipping" and fact.corrected_at is None and self._pallet(fact):
            yield self._aggregation(fact)
        if fact.corrected_at is not None:
            after = [one for one in facts if one.first is fact and any(one.moves.values())]
            declared: Event = {
                "declarationTime": self._time(fact.corrected_at),
                "reason": "incorrect_data" if after else "did_not_occur",
            }
            if after:
                declared["correctiveEventIDs"] = [self._id(one) for one in after]
            yield event | {"errorDeclaration": declared}
        else:
            yield event

    def _time(self, at: datetime) -> str:
        return at.astimezone(self.zone).isoformat(timespec="milliseconds")

    def _id(self, fact: _Fact) -> str:
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, self.names.base + fact.name)}"

    def _head(self, kind: str, fact: _Fact, more: str = "") -> Event:
        at = fact.posting.happened_at.astimezone(self.zone)
        offset = at.strftime("%z")
        return {
            "type": kind,
            "eventID": self._id(fact)
            if not more
            else f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, self.names.base + fact.name + more)}",
            "eventTime": self._time(at),
            "recordTime": self._time(fact.posting.recorded_at),
            "eventTimeZoneOffset": f"{offset[:3]}:{offset[3:5]}",
        }

    def _amounts(self, sums: Mapping[Key, int]) -> list[Event]:
        return [self._amount(*key, steps) for key, steps in sorted(sums.items()) if steps]

    def _amount(self, item: str, lot: str, steps: int) -> Event:
        known = self.items[item]
        amount = known.quantity(steps)
        code = UNIT_CODES.get(amount.unit)
        if code is None:
            raise InvalidInput("unit", amount.unit, f"a unit with a UN/CEFACT code ({', '.join(UNIT_CODES)}) for {item}")
        row = {"epcClass": self.names.lot(known, lot), "quantity": amount.value}
        return row if code == "H87" and dict(known.attributes).get("gtin") else row | {"uom": code}

    def _dates(self, keys: Iterable[Key]) -> Event:
        """The last day, where all lots of the event have the same."""
        days = {self.lots[key].expires if key in self.lots else None for key in keys}
        day = days.pop() if len(days) == 1 else None
        return {"ilmd": {"cbvmda:itemExpirationDate": day.isoformat()}} if day else {}

    def _transformation(self, fact: _Fact) -> Event | None:
        nets: dict[Key, int] = {}
        for (item, lot, _, target), steps in fact.moves.items():
            nets[item, lot] = nets.get((item, lot), 0) + (steps if target == PRODUCTION else -steps)
        used, made = {k: n for k, n in nets.items() if n > 0}, {k: -n for k, n in nets.items() if n < 0}
        if not used and not made:
            return None
        run = fact.posting.paper
        event = self._head("TransformationEvent", fact)
        event |= {"inputQuantityList": self._amounts(used)} if used else {}
        event |= {"outputQuantityList": self._amounts(made)} if made else {}
        event["transformationID"] = self.names.own("run", run)
        event |= {"bizStep": "commissioning", "disposition": "in_progress", "readPoint": {"id": self.names.place("production")}}
        event["bizTransactionList"] = [{"type": "prodorder", "bizTransaction": self.names.own("production", run)}]
        return event | (self._dates(made) if made else {})

    def _object(self, fact: _Fact) -> Event:
        action, step, disposition = _HOW[fact.step]
        keys: dict[Key, int] = {}
        for (item, lot, _, _), steps in fact.moves.items():
            keys[item, lot] = keys.get((item, lot), 0) + steps
        (source, target) = next((source, target) for _, _, source, target in fact.moves)
        event = self._head("ObjectEvent", fact) | {"action": action, "quantityList": self._amounts(keys)}
        if pallet := self._pallet(fact):
            event["epcList"] = [identifier("00", sscc(pallet)).link]
        event |= {"bizStep": step, "disposition": disposition}
        here = [place for place in (source, target) if inside(place)]
        event["readPoint"] = {"id": self.names.place(here[0])}
        if inside(target):
            event["bizLocation"] = {"id": self.names.place(target)}
        event |= self._business(fact, source, target)
        return event | (self._dates(keys) if action == "ADD" else {})

    def _business(self, fact: _Fact, source: str, target: str) -> Event:
        """Documents and parties."""
        found: Event = {}
        paper = fact.posting.paper
        kind = {SUPPLIER: "po", CUSTOMER: "desadv"}.get(source if not inside(source) else target)
        if paper and kind:
            found["bizTransactionList"] = [{"type": kind, "bizTransaction": self.names.own(kind, paper)}]
        suppliers = {self.lots[key[:2]].supplier for key in fact.moves if key[:2] in self.lots}
        who = self.shipments[paper].customer if paper in self.shipments else None
        other = (
            next(iter(suppliers))
            if SUPPLIER in (source, target) and len(suppliers) == 1
            else who
            if CUSTOMER in (source, target)
            else None
        )
        if other:
            party = self.names.party(other)
            if inside(target):
                found["sourceList"] = [{"type": "possessing_party", "source": party}]
            else:
                found["destinationList"] = [{"type": "possessing_party", "destination": party}]
        return found

    def decision(self, entry: Entry, lots: Iterable[Lot]) -> Event:
        """What was decided about whole lots: no amount, nothing moved; the date that a lot has after a retest is a field of ours."""
        step, disposition = _DECIDED[entry.step]
        details = dict(entry.details)
        at = entry.at.astimezone(self.zone)
        event: Event = {
            "type": "ObjectEvent",
            "eventID": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{self.names.base}decision|{entry}')}",
            "eventTime": self._time(at),
            "eventTimeZoneOffset": f"{at:%z}"[:3] + ":" + f"{at:%z}"[3:5],
            "action": "OBSERVE",
            "quantityList": [{"epcClass": self.names.lot(self.items[lot.item], lot.code)} for lot in lots],
            "bizStep": step,
        }
        if disposition:
            event["disposition"] = "recalled" if details.get("because") == "recall" else disposition
        if entry.step == "extend":
            event[f"{self.names.base.rstrip('/')}/ns/itemExpirationDate"] = details["expires"]
        return event

    def _pallet(self, fact: _Fact) -> str | None:
        shipment = self.shipments.get(fact.posting.paper)
        key = dict(shipment.attributes).get("sscc") if shipment and fact.step == "shipping" else None
        return str(key) if key else None

    def _aggregation(self, fact: _Fact) -> Event:
        sums: dict[Key, int] = {}
        for (item, lot, _, _), steps in fact.moves.items():
            sums[item, lot] = sums.get((item, lot), 0) + steps
        event = self._head("AggregationEvent", fact, "|pallet")
        event |= {
            "action": "ADD",
            "parentID": identifier("00", sscc(self._pallet(fact))).link,
            "childQuantityList": self._amounts(sums),
        }
        return event | {
            "bizStep": "packing",
            "disposition": "in_progress",
            "readPoint": {"id": self.names.place(next(iter(fact.moves))[2])},
        }


def document(told: Sequence[Event], created: datetime, *, number: str | None = None) -> Event:
    """An EPCIS document of these events.

    >>> document([], datetime(2026, 1, 1, tzinfo=UTC))["type"]
    'EPCISDocument'
    """
    head: Event = {"@context": [CONTEXT], "type": "EPCISDocument", "schemaVersion": "2.0"}
    if number is not None:
        head["id"] = number
    return head | {"creationDate": created.astimezone(UTC).isoformat(timespec="milliseconds"), "epcisBody": {"eventList": [*told]}}


def exported(shop: Workshop, names: Naming, created: datetime, *, since: Any = None, until: Any = None) -> str:
    """Every movement of the books as an EPCIS document, in JSON: the pieces of `streamed` as one text.

    >>> shop = Workshop.in_memory()
    >>> shop.register(Item("oil", unit="kg"))
    >>> lot = shop.stock.receive("oil", "5 kg", lot="O-1")
    >>> text = exported(shop, Naming("https://id.example.com"), datetime(2026, 1, 1, tzinfo=UTC))
    >>> '"quantity": 5' in text
    True
    """
    return "".join(streamed(shop, names, created, since=since, until=until))


def streamed(shop: Workshop, names: Naming, created: datetime, *, since: Any = None, until: Any = None) -> Iterator[str]:
    r"""Every movement of the books as an EPCIS document, in pieces of JSON to be written one after the other.

    Paper by paper (runs, shipments, receipts), so memory does not grow with the books.

    Args:
        shop: the workshop.
        names: how its items, places and partners are named.
        created: the time that the document gets.
        since, until: only documents (runs, shipments, receipts) with a movement in this time, these in whole.

    >>> "".join(streamed(Workshop.in_memory(), Naming("https://id.example.com"), datetime(2026, 1, 1, tzinfo=UTC)))[-11:]
    '": []\n }\n}\n'
    """
    head, _, tail = dumps(document([], created)).partition("[]")
    yield f"{head}["
    between = "\n"
    for event in shop_events(shop, names, since=since, until=until):
        yield between + textwrap.indent(dumps(event), "   ")
        between = ",\n"
    yield f"{'' if between == chr(10) else chr(10) + '  '}]{tail}\n"


def shop_events(shop: Workshop, names: Naming, *, since: Any = None, until: Any = None) -> Iterator[Event]:
    """The events of a workshop: its movements paper by paper, then what was decided about its lots.

    >>> [*shop_events(Workshop.in_memory(), Naming("https://id.example.com"))]
    []
    """
    items = shop.catalogue.items
    seen: dict[str, Iterator[int]] = {}
    at = None
    for one in shop.trace.documents(since=since, until=until):
        if not one.paper and one.postings[0].recorded_at != at:  # equal entries without a paper are told apart by counting
            seen, at = {}, one.postings[0].recorded_at
        shipments = {one.paper: one.shipment} if one.shipment else {}
        yield from _told(one.postings, {} if one.paper else seen, _Writer(items, one.lots, names, shipments))
    writer = _Writer(items, {}, names, {})
    for decision in shop.trace.decisions(since=since, until=until):
        if decision.about and decision.entry.step in _DECIDED:
            yield writer.decision(decision.entry, decision.about)


_MARK = "\x00"
_NUMBER = re.compile(r'"\\u0000([0-9.+-]+)"')


def dumps(value: Any, *, indent: int | None = 1) -> str:
    """JSON in which decimals are numbers, digit by digit.

    Raises:
        InvalidInput: (`invalid_input`) a text with a NUL.

    >>> dumps({"quantity": Decimal("0.10")}, indent=None)
    '{"quantity": 0.1}'
    """

    def ready(one: Any) -> Any:
        if isinstance(one, Decimal):
            return _MARK + plain(one)
        if isinstance(one, str) and _MARK in one:
            raise InvalidInput("text", one, "no NUL")
        if isinstance(one, Mapping):
            return {ready(key): ready(inner) for key, inner in one.items()}
        return [ready(inner) for inner in one] if isinstance(one, list | tuple) else one

    return _NUMBER.sub(r"\1", json.dumps(ready(value), ensure_ascii=True, indent=indent))
