"""EDIFACT ORDERS (D.96A, D.03B and others of the kind): separators from UNA or the usual ones, meanings by qualifier.

>>> rows = ["UNB+UNOA:4+A:1+B:1+20261101:1159+1", "UNH+1+ORDERS:D:96A:UN", "BGM+220+0042+9", "LIN+1++4006381333931:EN",
...         "PIA+5+SOAP:SA", "QTY+21:12", "UNS+S", "CNT+2:1", "UNT+8+1", "UNZ+1+1"]
>>> (message,) = Channel("Muster").read_document("'".join(rows) + "'")
>>> message.order_id, message.lines[0].sku, str(message.lines[0].quantity)
('0042', 'SOAP', '12')
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from krafte_core.addresses import Address
from krafte_core.channels.edi import FUNCTIONS, MOST_SEGMENTS, Documents, Segments, check_sums
from krafte_core.channels.reading import MAX_ID, bad, pairs
from krafte_core.incoming import MessageLine, OrderMessage, Problem

USUAL = ":+.? '"
KEYS = {"EN": "ean", "SRV": "ean", "UP": "upc", "IB": "isbn", "IN": "buyer_sku", "BP": "buyer_sku"}
FORMS = {"102": "%Y%m%d", "203": "%Y%m%d%H%M", "101": "%y%m%d"}
PARTS = ("LIN", "UNS")
ZERO = Decimal(0)


class Channel(Documents):
    """A wholesale customer who sends EDIFACT; the account is the partner's name. `sender` is the interchange sender (UNB 0004)."""

    name: ClassVar[str] = "edifact"
    wanted: ClassVar[str] = "UNH with ORDERS"

    def _cut(self, text: str) -> Sequence[Sequence[Any]]:
        return _split(text)

    def _sent_by(self, s: Segments) -> str | None:
        return s.get(0, 2) if s.tag(0) == "UNB" else None

    def _spans(self, s: Segments) -> Sequence[tuple[int, int]]:
        return _messages(s)

    def _message(self, s: Segments, begin: int, end: int, heads: tuple[Problem, ...]) -> OrderMessage:
        warned = len(s.sheet.warnings)
        first = next((at for at in range(begin, end + 1) if s.tag(at) in PARTS), end)
        head = range(begin, first)
        bgm = next((at for at in head if s.tag(at) == "BGM"), begin)
        order, function = s.get(bgm, 2).strip(), FUNCTIONS.get(s.get(bgm, 3) or "9", "")
        if s.tag(bgm) != "BGM" or not 0 < len(order) <= MAX_ID or not function:
            s.problem(bgm, order, "BGM with an order number and the function 1, 4, 5 or 9")
        lines = _lines(s, first, end)
        dates = {s.get(at, 1): _day(s, at) for at in head if s.tag(at) == "DTM"}
        parties = {s.get(at, 1): at for at in head if s.tag(at) == "NAD"}
        currency = next((s.get(at, 1, 1) for at in head if s.tag(at) == "CUX"), "") or self.currency
        test = next((s.get(at, 11) for at in range(begin) if s.tag(at) == "UNB"), "") == "1"
        total = _check(s, begin, end, lines)
        if not lines and function != "cancel":
            s.problem(begin, "no lines", "LIN")
        return OrderMessage(
            channel=self.name, account=self.account, order_id=order, number=order, version=_sent_at(s),
            partial=function in {"change", "cancel"},
            cancelled=function == "cancel", placed_on=dates.get("137"), importable=not test, currency=currency,
            requested=dates.get("2"),
            total=total, ship_to=_place(s, parties.get("DP", parties.get("ST"))), lines=lines,
            buyer=s.get(parties["BY"], 2) if "BY" in parties else self.account,
            warnings=tuple(s.sheet.warnings[warned:]) + heads,
            extra=pairs(
                function=function, test=True if test else None, ship_not_before=dates.get("64"), ship_not_after=dates.get("63"),
            ),
        )  # fmt: skip


def _split(text: str) -> list[list[tuple[str, ...]]]:
    """The segments: elements of components; the release mark makes any mark plain."""
    marks = USUAL
    if text[:3] == "UNA" and len(text) > 9:
        marks, text = text[3:9], text[9:]
    component, element, release, end = marks[0], marks[1], marks[3], marks[5]
    if text.lstrip()[:3] not in {"UNB", "UNG", "UNH"} or len({component, element, end}) < 3:
        raise bad("edifact", "a document", [Problem("segment 1", text[:40], "UNA, UNB or UNH")])
    rows: list[list[tuple[str, ...]]] = []
    elements: list[tuple[str, ...]] = []
    components: list[str] = []
    letters: list[str] = []
    released = False
    for letter in text:
        if released or letter not in marks or letter == marks[2]:
            letters.append(letter)
            released = False
        elif letter == release and release != " ":
            released = True
        elif letter == component:
            components.append("".join(letters))
            letters = []
        elif letter in (element, end):
            elements.append((*components, "".join(letters)))
            components, letters = [], []
            if letter == end:
                rows.append([(elements[0][0].strip(), *elements[0][1:]), *elements[1:]])
                elements = []
        else:
            letters.append(letter)
    rest = "".join(letters).strip()
    if elements or components or rest:
        tail = [*elements, (*components, rest)]
        rows.append([(tail[0][0].strip(), *tail[0][1:]), *tail[1:]])
    if len(rows) > MOST_SEGMENTS:
        raise bad("edifact", "a document", [Problem("$", f"{len(rows)} segments", f"at most {MOST_SEGMENTS}")])
    return rows


def _messages(s: Segments) -> list[tuple[int, int]]:
    found, begin = [], None
    for at in range(len(s.rows)):
        if s.tag(at) == "UNH":
            begin = at
            if s.get(at, 2) != "ORDERS":
                s.problem(at, s.get(at, 2), "ORDERS")
        elif s.tag(at) == "UNT" and begin is not None:
            if s.number(at, 1) != at - begin + 1:
                s.warn(at, f"{s.get(at, 1)} segments are announced, {at - begin + 1} came")
            if s.get(at, 2) != s.get(begin, 1):
                s.warn(at, "another reference than UNH")
            found.append((begin, at))
            begin = None
    if begin is not None:
        s.warn(begin, "the message has no end")
        found.append((begin, len(s.rows) - 1))
    last = len(s.rows) - 1
    if s.tag(0) == "UNB" and s.tag(last) == "UNZ" and s.get(last, 2) != s.get(0, 5):
        s.warn(last, "another control reference than UNB")
    return found


def _lines(s: Segments, first: int, end: int) -> tuple[MessageLine, ...]:
    starts = [at for at in range(first, end) if s.tag(at) == "LIN"]
    stop_all = next((at for at in range(first, end) if s.tag(at) == "UNS"), end)
    lines: dict[str, MessageLine] = {}
    for start, stop in zip(starts, [*starts[1:], stop_all][: len(starts)], strict=True):
        line = _line(s, start, stop)
        if line.line_id in lines:
            s.problem(start, line.line_id, "a line number of its own")
        lines[line.line_id] = line
    return tuple(lines.values())


def _line(s: Segments, start: int, stop: int) -> MessageLine:
    inside = range(start + 1, stop)
    ids = {s.get(start, 3, 1): s.get(start, 3)} if s.get(start, 3) else {}
    for at in inside:
        if s.tag(at) == "PIA":
            ids |= {s.get(at, place, 1): s.get(at, place) for place in range(2, len(s.rows[at])) if s.get(at, place)}
    counts = [at for at in inside if s.tag(at) == "QTY" and s.get(at, 1) in {"21", "1"}]
    if len(counts) != 1:
        s.problem(start, f"{len(counts)} ordered quantities", "one QTY+21")
    price = next((at for at in inside if s.tag(at) == "PRI" and s.get(at, 1) in {"AAA", "AAB", "INV"}), None)
    dates = {s.get(at, 1): _day(s, at) for at in inside if s.tag(at) == "DTM"}
    if any(s.tag(at) in {"SCC", "LOC"} for at in inside):
        s.warn(start, "the line is split over places or dates; its whole amount is taken")
    texts = [s.get(at, 3, 3) for at in inside if s.tag(at) == "IMD"] or [s.get(at, 4) for at in inside if s.tag(at) == "FTX"]
    basis = s.number(price, 1, 4) if price is not None else None
    amount = s.number(price, 1, 1) if price is not None else None
    if basis not in (None, ZERO, Decimal(1)) and price is not None:
        s.warn(price, f"the price is for {basis}")
    name = s.get(start, 1).strip()
    if not name:
        s.problem(start, "no line number", "LIN 1082")
    keys = tuple((KEYS[kind], number) for kind, number in ids.items() if kind in KEYS)
    return MessageLine(
        line_id=name or str(start), sku=ids.get("SA"), title=" ".join(filter(None, texts)), unit_price=amount, keys=keys,
        quantity=(s.number(counts[0], 1, 1, required=True) or ZERO) if counts else ZERO,
        unit=s.get(counts[0], 1, 2) or None if counts else None,
        requested=dates.get("2"), deliver_by=dates.get("2"), price_unit=(s.get(price, 1, 5) or None) if price is not None else None,
        extra=pairs(isbn=ids.get("IB"), buyer_sku=ids.get("IN") or ids.get("BP"), ship_not_after=dates.get("63"),
                    price_basis=basis, action=s.get(start, 2) or None),
    )  # fmt: skip


def _check(s: Segments, begin: int, end: int, lines: tuple[MessageLine, ...]) -> Decimal | None:
    total = None
    for at in range(begin, end):
        if s.tag(at) == "CNT" and s.get(at, 1) == "2":
            check_sums(s, at, lines, count=s.number(at, 1, 1), total=None)
    summary = next((at for at in range(begin, end) if s.tag(at) == "UNS"), end)
    for at in range(summary, end):
        if s.tag(at) == "MOA" and s.get(at, 1) in {"79", "86", "128"}:
            total = s.number(at, 1, 1)
            check_sums(s, at, lines, count=None, total=total if s.get(at, 1) == "79" else None)
    return total


def _day(s: Segments, at: int) -> date | None:
    text, form = s.get(at, 1, 1), FORMS.get(s.get(at, 1, 2))
    try:
        if form is not None:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
    except ValueError:
        pass
    s.problem(at, f"{text}:{s.get(at, 1, 2)}", "a day in the form 102 or 203")
    return None


def _place(s: Segments, at: int | None) -> Address | None:
    if at is None:
        return None
    street = ", ".join(part for part in (s.get(at, 5, number) for number in range(4)) if part)
    name = s.get(at, 4) or s.get(at, 3) or s.get(at, 2)
    return Address(name, street=street, city=s.get(at, 6), region=s.get(at, 7), postcode=s.get(at, 8), country=s.get(at, 9))


def _sent_at(s: Segments) -> datetime | None:
    """When the interchange was made, taken as UTC."""
    day, clock = (s.get(0, 4), s.get(0, 4, 1)) if s.tag(0) == "UNB" else ("", "")
    form = {8: "%Y%m%d%H%M", 6: "%y%m%d%H%M"}.get(len(day))
    try:
        return datetime.strptime(day + clock, form).replace(tzinfo=UTC) if form and len(clock) == 4 else None
    except ValueError:
        return None
