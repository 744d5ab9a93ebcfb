"""EPCIS 2.0 from others: a document of events is read with limits, checked, and its receipts become lots.

Nothing is fetched: a document that refers to a context other than GS1's own is refused. What the events say beyond what is read here
stays in `raw`, so a document is written back as it came. The rules are those of the standard's JSON schema, format checks included;
the schema itself is not needed.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import attrs

from krafte_core.errors import InvalidInput, KrafteError
from krafte_core.exports.epcis import dumps
from krafte_core.exports.gs1 import UNITS_OF_CODES, Identifier, read_identifier
from krafte_core.quantities import plain
from krafte_core.stock import Lot
from krafte_core.workshop import Workshop

MAX_BYTES = 20_000_000
MAX_DEPTH = 40
MAX_EVENTS = 100_000
_CONTEXT = re.compile(r"https://(ref\.gs1\.org/standards/epcis/([0-9.]+/)?|gs1\.github\.io/EPCIS/)epcis-context\.jsonld")
_OFFSET = re.compile(r"[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*")
_UOM = re.compile(r"[A-Z0-9]{2,3}")
ACTIONS = ("ADD", "OBSERVE", "DELETE")
STEPS = frozenset((
    "accepting", "arriving", "assembling", "collecting", "commissioning", "consigning", "creating_class_instance",
    "cycle_counting", "decommissioning", "departing", "destroying", "disassembling", "dispensing", "encoding", "entering_exiting",
    "holding", "inspecting", "installing", "killing", "loading", "other", "packing", "picking", "receiving", "removing",
    "repackaging", "repairing", "replacing", "reserving", "retail_selling", "sampling", "sensor_reporting", "shipping",
    "staging_outbound", "stock_taking", "stocking", "storing", "transporting", "unloading", "unpacking", "void_shipping",
))  # fmt: skip
DISPOSITIONS = frozenset((
    "active", "available", "completeness_verified", "completeness_inferred", "conformant", "container_closed", "container_open",
    "damaged", "destroyed", "disposed", "dispensed", "encoded", "expired", "in_progress", "in_transit", "inactive",
    "mismatch_instance", "mismatch_class", "mismatch_quantity", "needs_replacement", "no_pedigree_match", "non_conformant",
    "non_sellable_other", "partially_dispensed", "recalled", "reserved", "retail_sold", "returned", "sellable_accessible",
    "sellable_not_accessible", "stolen", "unavailable", "unknown",
))  # fmt: skip
TRANSACTIONS = frozenset((
    "bol", "cert", "desadv", "inv", "pedigree", "po", "poc", "prodorder", "recadv", "rma", "testprd", "testres", "upevt",
))  # fmt: skip
PARTIES = frozenset(("owning_party", "possessing_party", "location"))
REASONS = frozenset(("did_not_occur", "incorrect_data"))
_LISTS = {  # which lists of identifiers an event of a type has; at least one of them must be there
    "ObjectEvent": ("epcList", "quantityList", "sensorElementList"),
    "AggregationEvent": ("childEPCs", "childQuantityList"),
    "TransactionEvent": ("epcList", "quantityList"),
    "TransformationEvent": ("inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList"),
    "AssociationEvent": ("childEPCs", "childQuantityList"),
}


@attrs.frozen
class Part:
    """An amount of goods in an event: the name as it stands there, the GS1 identifier that it is (if any), how much, in which unit.

    `quantity` is None for a single piece; `uom` is empty for a count of trade items.
    """

    name: str
    identifier: Identifier | None
    quantity: Decimal | None = None
    uom: str = ""

    @property
    def lot(self) -> str | None:
        """The lot, where one is named: a GTIN without lot is no lot."""
        return self.identifier.lot if self.identifier else None


@attrs.frozen
class ReadEvent:
    """An event that was read: its kind, when, what (inputs and outputs apart for a transformation), and all else in `raw`."""

    type: str
    at: datetime
    offset: str
    id: str
    action: str
    step: str
    disposition: str
    parts: tuple[Part, ...]
    outputs: tuple[Part, ...]
    sources: tuple[tuple[str, str], ...]
    destinations: tuple[tuple[str, str], ...]
    transactions: tuple[tuple[str, str], ...]
    is_error: bool
    raw: Mapping[str, Any]


@attrs.frozen
class ReadDocument:
    """A document that was read: its kind, its events, and all of it in `raw`."""

    type: str
    version: str
    events: tuple[ReadEvent, ...]
    raw: Mapping[str, Any]

    def written(self) -> str:
        """The document as JSON again: the same content."""
        return dumps(self.raw)


def read(text: str | bytes) -> ReadDocument:
    """The events of an EPCIS document, a query's answer, or a single event.

    Raises:
        InvalidInput: (`invalid_input`) with the place in the document: too large, too deep, no JSON, a remote context, or against
            the standard.

    >>> read("{}")
    Traceback (most recent call last):
    krafte_core.errors.InvalidInput: @context: got None, expected GS1's EPCIS context
    """
    raw = _parsed(text)
    kind = raw.get("type")
    contexts = [*_contexts(raw, "")]
    for at, context in contexts:
        _checked_context(at, context)
    if "@context" not in raw:
        raise InvalidInput("@context", None, "GS1's EPCIS context")
    if kind in ("EPCISDocument", "EPCISQueryDocument"):
        _need(
            isinstance(raw.get("schemaVersion"), str) and raw["schemaVersion"][:1] == "2",
            "schemaVersion",
            raw.get("schemaVersion"),
            "2.0",
        )
        _time(raw.get("creationDate"), "creationDate")
        path, rows = _event_list(raw, str(kind))
    elif kind in _LISTS or (isinstance(kind, str) and _URI.fullmatch(kind)):
        path, rows = "", [raw]
    else:
        raise InvalidInput("type", kind, "EPCISDocument, EPCISQueryDocument or an event")
    _need(len(rows) <= MAX_EVENTS, path, f"{len(rows)} events", f"at most {MAX_EVENTS}")
    return ReadDocument(kind, raw.get("schemaVersion", "2.0"), tuple(_event(row, f"{path}[{n}]") for n, row in enumerate(rows)), raw)


def _need(holds: object, field: str, value: object, expected: str) -> None:
    if not holds:
        raise InvalidInput(field, value, expected)


def _parsed(text: str | bytes) -> dict[str, Any]:
    """JSON with limits: size first, then depth, both before anything is built."""
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    _need(size <= MAX_BYTES, "document", f"{size} bytes", f"at most {MAX_BYTES} bytes")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise InvalidInput("document", f"byte {problem.start}", "UTF-8") from problem
    _need(_depth(text) <= MAX_DEPTH, "document", "a deeply nested document", f"at most {MAX_DEPTH} levels")
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except ValueError as problem:
        raise InvalidInput("document", str(problem), "JSON") from problem
    _need(isinstance(value, dict), "document", type(value).__name__, "a JSON object")
    return value  # type: ignore[no-any-return]


def _depth(text: str) -> int:
    """How deep brackets are nested, texts left out."""
    deepest = now = 0
    for sign in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        if sign in "[{":
            now += 1
            deepest = max(deepest, now)
        elif sign in "]}":
            now -= 1
    return deepest


def _no_constant(name: str) -> None:
    raise InvalidInput("document", name, "numbers that are numbers")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for n, (name, _) in enumerate(pairs) if name in {other for other, _ in pairs[:n]})
        raise InvalidInput("document", twice, "every name once in an object")
    return found


def _contexts(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Every `@context` of the document and its place."""
    stack = [(at, value)]
    while stack:
        path, one = stack.pop()
        if isinstance(one, dict):
            if "@context" in one:
                yield f"{path}@context", one["@context"]
            stack += [(f"{path}{name}.", inner) for name, inner in one.items() if isinstance(inner, dict | list)]
        elif isinstance(one, list):
            stack += [(f"{path}{n}.", inner) for n, inner in enumerate(one) if isinstance(inner, dict | list)]


def _checked_context(at: str, context: Any) -> None:
    for one in context if isinstance(context, list) else [context]:
        if isinstance(one, dict):
            inner = [value for value in one.values() if isinstance(value, dict)]
            imported = next((value for value in (one, *inner) if "@import" in value or isinstance(value.get("@context"), str)), None)
            _need(imported is None, at, imported, "a context without imports: nothing is fetched")
        else:
            _need(
                isinstance(one, str) and _CONTEXT.fullmatch(one),
                at,
                one,
                "GS1's EPCIS context: no other is known, and none is fetched",
            )


def _event_list(raw: Mapping[str, Any], kind: str) -> tuple[str, list[Any]]:
    steps = ["epcisBody", "eventList"] if kind == "EPCISDocument" else ["epcisBody", "queryResults", "resultsBody", "eventList"]
    value: Any = raw
    for n, step in enumerate(steps):
        last = n == len(steps) - 1
        value = value.get(step) if isinstance(value, dict) else None
        path = ".".join(steps[: n + 1])
        _need(isinstance(value, list if last else dict), path, value, "a list of events" if last else "an object")
    return ".".join(steps), value


def _time(value: Any, at: str) -> datetime:
    _need(isinstance(value, str) and _TIME.fullmatch(value), at, value, "a date and time with its offset")
    seconds = re.sub(r"(\.\d{6})\d+", r"\1", value.upper().replace("Z", "+00:00"))
    fraction = re.sub(r"\.(\d{1,5})(?=[+-])", lambda found: "." + found[1].ljust(6, "0"), seconds)
    try:
        return datetime.fromisoformat(fraction)
    except ValueError as problem:
        raise InvalidInput(at, value, "a date and time with its offset") from problem


def _uri(value: Any, at: str) -> str:
    _need(isinstance(value, str) and _URI.fullmatch(value), at, value, "a URI")
    return str(value)


def _word(value: Any, known: frozenset[str], at: str) -> str:
    """A word of GS1's vocabulary, or the address of somebody's own; GS1's own addresses are written as words."""
    if value is None or value in known:
        return str(value or "")
    _uri(value, at)
    foreign = not re.match(r"urn:epcglobal:cbv|https?://ns\.gs1\.org/cbv/", value)
    _need(foreign, at, value, "a word of the standard's vocabulary, or an address of your own")
    return str(value)


def _event(row: Any, at: str) -> ReadEvent:
    _need(isinstance(row, dict), at, row, "an event")
    kind = row.get("type")
    if kind not in _LISTS:
        _uri(kind, f"{at}.type")
    offset = row.get("eventTimeZoneOffset")
    _need(isinstance(offset, str) and _OFFSET.fullmatch(offset), f"{at}.eventTimeZoneOffset", offset, "an offset such as +01:00")
    when = _time(row.get("eventTime"), f"{at}.eventTime")
    if "recordTime" in row:
        _time(row["recordTime"], f"{at}.recordTime")
    if kind in _LISTS and kind != "TransformationEvent":
        _need(row.get("action") in ACTIONS, f"{at}.action", row.get("action"), "one of " + ", ".join(ACTIONS))
    _what(row, kind, at)
    _why(row, at)
    inputs = ("epcList", "quantityList", "childEPCs", "childQuantityList", "inputEPCList", "inputQuantityList")
    return ReadEvent(
        kind, when, offset, _uri(row["eventID"], f"{at}.eventID") if "eventID" in row else "", row.get("action", ""),
        _word(row.get("bizStep"), STEPS, f"{at}.bizStep"), _word(row.get("disposition"), DISPOSITIONS, f"{at}.disposition"),
        tuple(_parts(row, inputs, at)), tuple(_parts(row, ("outputEPCList", "outputQuantityList"), at)),
        tuple(_typed(row, "sourceList", "source", PARTIES, at)), tuple(_typed(row, "destinationList", "destination", PARTIES, at)),
        tuple(_typed(row, "bizTransactionList", "bizTransaction", TRANSACTIONS, at)), "errorDeclaration" in row, row,
    )  # fmt: skip


def _what(row: Mapping[str, Any], kind: Any, at: str) -> None:
    """At least one list of goods, as the kind of event wants it."""
    lists = _LISTS.get(kind)
    if lists is None:
        return
    there = [name for name in lists if row.get(name)]
    if kind == "TransformationEvent":
        both = any(name.startswith("input") for name in there) and any(name.startswith("output") for name in there)
        _need(both or (there and row.get("transformationID")), at, there, "inputs and outputs, or one of them and a transformationID")
    elif kind in ("AggregationEvent", "AssociationEvent"):
        _need(there or row.get("action") == "DELETE", at, there, "one of " + ", ".join(lists))
    elif kind == "TransactionEvent":
        _need(row.get("bizTransactionList"), f"{at}.bizTransactionList", row.get("bizTransactionList"), "at least one transaction")
    else:
        _need(there, at, there, "one of " + ", ".join(lists))


def _why(row: Mapping[str, Any], at: str) -> None:
    """Places, certificates, error declarations, dates of lots."""
    for name in ("readPoint", "bizLocation"):
        if name in row:
            place = row[name]
            _uri(place.get("id") if isinstance(place, dict) else None, f"{at}.{name}.id")
    if "certificationInfo" in row:
        given = row["certificationInfo"]
        for n, one in enumerate(given if isinstance(given, list) else [given]):
            _uri(one, f"{at}.certificationInfo[{n}]")
    if "errorDeclaration" in row:
        declared = row["errorDeclaration"]
        _need(isinstance(declared, dict), f"{at}.errorDeclaration", declared, "an object")
        _time(declared.get("declarationTime"), f"{at}.errorDeclaration.declarationTime")
        _word(declared.get("reason"), REASONS, f"{at}.errorDeclaration.reason")
    ilmd = row.get("ilmd", {})
    _need(isinstance(ilmd, dict), f"{at}.ilmd", ilmd, "an object")
    for name in ilmd:
        _uri(name, f"{at}.ilmd")


def _parts(row: Mapping[str, Any], names: Sequence[str], at: str) -> Iterator[Part]:
    for name in names:
        for n, one in enumerate(_list(row, name, at)):
            here = f"{at}.{name}[{n}]"
            if name.endswith(("List", "EPCs")) and "Quantity" not in name and name != "quantityList":
                yield Part(_uri(one, here), _identified(one, here))
                continue
            _need(isinstance(one, dict), here, one, "a quantity of a class")
            extra = set(one) - {"epcClass", "quantity", "uom"}
            _need(not extra, here, ", ".join(sorted(extra)), "epcClass, quantity and uom only")
            amount, uom = one.get("quantity"), one.get("uom", "")
            number = isinstance(amount, int | Decimal) and not isinstance(amount, bool)
            _need(amount is None or number, f"{here}.quantity", amount, "a number")
            _need(isinstance(uom, str) and (not uom or _UOM.fullmatch(uom)), f"{here}.uom", uom, "a code of 2 or 3 letters and digits")
            name_ = _uri(one.get("epcClass"), f"{here}.epcClass")
            yield Part(name_, _identified(name_, here), None if amount is None else Decimal(amount), uom)


def _identified(name: str, at: str) -> Identifier | None:
    try:
        return read_identifier(name)
    except InvalidInput as problem:
        raise InvalidInput(f"{at} ({problem.field})", name, problem.expected) from problem


def _list(row: Mapping[str, Any], name: str, at: str) -> list[Any]:
    value = row.get(name, [])
    _need(isinstance(value, list), f"{at}.{name}", value, "a list")
    return value  # type: ignore[no-any-return]


def _typed(row: Mapping[str, Any], name: str, field: str, known: frozenset[str], at: str) -> Iterator[tuple[str, str]]:
    for n, one in enumerate(_list(row, name, at)):
        here = f"{at}.{name}[{n}]"
        _need(isinstance(one, dict) and set(one) <= {"type", field}, here, one, f"type and {field}")
        yield _word(one.get("type"), known, f"{here}.type"), _uri(one.get(field), f"{here}.{field}")


# receipts -------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Receipt:
    """Goods of a known item in a lot of the supplier's, as a shipment or a receipt of his document tells them.

    `key` is the idempotency key under which it is taken in: the same event is never taken in twice.
    """

    item: str
    amount: str
    supplier_lot: str
    supplier: str
    expires: date | None
    at: datetime
    key: str


@attrs.frozen
class Receipts:
    """What of a document can be taken in, and what cannot, each with the reason: nothing is lost."""

    ready: tuple[Receipt, ...]
    refused: tuple[tuple[str, str], ...]


@attrs.frozen
class TakenIn:
    """What `take_in` did: the new lots, and what could not be taken in with the reason."""

    lots: tuple[Lot, ...]
    refused: tuple[tuple[str, str], ...]


def receipts(
    document: ReadDocument, goods: Mapping[str, str], *, supplier: str, counted_in: Mapping[str, str] | None = None
) -> Receipts:
    """What the shipments and receipts of a document bring.

    Args:
        document: what was read.
        goods: our item per GTIN (14 digits).
        supplier: who it is from.
        counted_in: per GTIN the unit or pack of our item that one trade item is; default `each`.

    Events that are declared errors bring nothing; an event that was corrected brings what its correction says.

    >>> receipts(ReadDocument("EPCISDocument", "2.0", (), {}), {}, supplier="Frantoio").ready
    ()
    """
    expiry = _expiries(document)
    ready, refused = [], []
    wrong = {event.id for event in document.events if event.is_error and event.id}
    for number, event in enumerate(document.events):
        if event.type not in ("ObjectEvent", "TransactionEvent") or event.step not in ("receiving", "shipping"):
            continue
        for place, part in enumerate(event.parts):
            reason = "declared an error" if event.is_error or event.id in wrong else _why_not(part, goods)
            if reason is None and part.identifier is not None and part.quantity is not None:
                key = part.identifier.value
                unit = UNITS_OF_CODES[part.uom] if part.uom else (counted_in or {}).get(key, "each")
                event_id = event.id or f"event {number} of {document.raw.get('id', document.raw.get('creationDate'))}"
                ready.append(
                    Receipt(goods[key], f"{plain(part.quantity)} {unit}", part.lot or "", supplier, expiry.get(part.name), event.at,
                            f"epcis {uuid.uuid5(uuid.NAMESPACE_URL, f'{supplier} {event_id} {place}')}")
                )  # fmt: skip
            else:
                refused.append((part.name, reason or ""))
    return Receipts(tuple(ready), tuple(refused))


def _why_not(part: Part, goods: Mapping[str, str]) -> str | None:
    if part.identifier is None or part.identifier.key != "01":
        return "no GTIN"
    if part.lot is None:
        return "a GTIN without lot"
    if part.identifier.value not in goods:
        return f"no item for GTIN {part.identifier.value}"
    if part.quantity is None or part.quantity <= 0:
        return "no amount"
    return None if not part.uom or part.uom in UNITS_OF_CODES else f"unit code {part.uom}"


def _expiries(document: ReadDocument) -> dict[str, date]:
    """The last day per class, where an event tells it for its lots."""
    found: dict[str, date] = {}
    for event in document.events:
        for name, value in event.raw.get("ilmd", {}).items():
            if name.rpartition(":")[2].rpartition("/")[2] in ("itemExpirationDate", "bestBeforeDate", "sellByDate", "expirationDate"):
                day = _day(value)
                found.update((part.name, day) for part in event.outputs or event.parts if day)
    return found


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def take_in(shop: Workshop, found: Receipts, *, place: str = "stock", by: str | None = None) -> TakenIn:
    """Receive what is ready, each lot in a command of its own with its key; what the workshop refuses is told, the rest goes on."""
    lots, refused = [], [*found.refused]
    for row in found.ready:
        try:
            lots.append(
                shop.stock.receive(
                    row.item, row.amount, supplier=row.supplier, supplier_lot=row.supplier_lot, expires=row.expires, place=place,
                    key=row.key, by=by,
                )
            )  # fmt: skip
        except KrafteError as problem:
            refused.append((f"{row.item} {row.supplier_lot}", str(problem)))
    return TakenIn(tuple(lots), tuple(refused))
