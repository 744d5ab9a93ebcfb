"""X12 850, a purchase order of a wholesale customer: separators from its head, meanings by qualifier, control totals checked.

>>> isa = "ISA*00*          *00*          *01*1              *01*2              *261101*1200*U*00401*000000001*0*P*>~"
>>> rows = ["ST*850*0001", "BEG*00*SA*0042**20261101", "PO1*1*12*EA*2.50**VN*SOAP", "CTT*1", "SE*5*0001"]
>>> (message,) = Channel("XYZ").read_document(isa + "~".join(rows) + "~")
>>> message.order_id, message.lines[0].sku
('0042', 'SOAP')
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from krafte_core.addresses import Address
from krafte_core.channels.edi import FUNCTIONS, MOST_SEGMENTS, Documents, Segments, check_sums, shared_phrase
from krafte_core.channels.reading import MAX_ID, bad, pairs
from krafte_core.incoming import MessageLine, OrderMessage, Problem

OURS, THEIRS = ("VN", "SK", "VP", "VA"), ("BP", "IN", "CB")
ZERO = Decimal(0)


class Channel(Documents):
    """A wholesale customer who sends X12; the account is the partner's name. `sender` is the interchange id (ISA06)."""

    name: ClassVar[str] = "x12"
    wanted: ClassVar[str] = "ST*850"

    def _cut(self, text: str) -> Sequence[Sequence[Any]]:
        return _split(text)

    def _sent_by(self, s: Segments) -> str | None:
        return s.get(0, 6).strip()

    def _spans(self, s: Segments) -> Sequence[tuple[int, int]]:
        return _transactions(s)

    def _message(self, s: Segments, begin: int, end: int, heads: tuple[Problem, ...]) -> OrderMessage:
        sheet_from = len(s.sheet.warnings)
        places = {s.tag(at): at for at in range(end, begin - 1, -1)}
        beg = places.get("BEG", begin)
        order, function = s.get(beg, 3).strip(), FUNCTIONS.get(s.get(beg, 1), "")
        if s.tag(beg) != "BEG" or not order or len(order) > MAX_ID or not function:
            s.problem(beg, "*".join(s.rows[beg]), "BEG with the purpose 00, 01, 04 or 05 and an order number")
        first = next((at for at in range(begin, end + 1) if s.tag(at) == "PO1"), end)
        lines = _lines(s, first, end)
        _check(s, begin, end, lines)
        if not lines and function != "cancel":
            s.problem(begin, "no lines", "PO1")
        test = s.get(0, 15) == "T"
        where, party = _ship_to(s, begin, first)
        dates = {s.get(at, 1): s.day(at, 2) for at in range(begin, first) if s.tag(at) == "DTM"}
        currency = next((s.get(at, 2) for at in range(begin, first) if s.tag(at) == "CUR"), None) or self.currency
        total = next((s.number(at, 2) for at in range(first, end) if s.tag(at) == "AMT" and s.get(at, 1) in {"1", "TT"}), None)
        return OrderMessage(
            channel=self.name, account=self.account, order_id=order, number=order, version=_sent_at(s),
            partial=function in {"change", "cancel"},
            cancelled=function == "cancel", placed_on=s.day(beg, 5), importable=not test, currency=currency,
            requested=dates.get("002"),
            total=total, ship_to=where, lines=lines, buyer=self.account, warnings=tuple(s.sheet.warnings[sheet_from:]) + heads,
            extra=pairs(function=function, kind=s.get(beg, 2), ship_to_party=party or None, test=True if test else None,
                        ship_not_before=dates.get("064"), ship_not_after=dates.get("063"), ship_requested=dates.get("010")),
        )  # fmt: skip


def _split(text: str) -> list[list[str]]:
    """The segments, by the separators that the head declares."""
    head = text.split(text[3], 16) if text[:3] == "ISA" and len(text) > 40 else []
    if len(head) != 17 or len(head[16]) < 2:
        raise bad("x12", "a document", [Problem("segment 1", text[:40], "an ISA head with its separators")])
    mark, end = text[3], head[16][1]
    rows = [row.strip().split(mark) for row in text.split(end) if row.strip()]
    if len(rows) > MOST_SEGMENTS:
        raise bad("x12", "a document", [Problem("$", f"{len(rows)} segments", f"at most {MOST_SEGMENTS}")])
    return rows


def _transactions(s: Segments) -> list[tuple[int, int]]:
    """Begin and end of each order; a transaction that is none is a problem."""
    found, begin = [], None
    for at in range(len(s.rows)):
        if s.tag(at) == "ST":
            begin = at
            if s.get(at, 1) != "850":
                s.problem(at, s.get(at, 1), "850, a purchase order")
        elif s.tag(at) == "SE" and begin is not None:
            found.append((begin, at))
            begin = None
    if begin is not None:
        s.warn(begin, "the transaction has no end")
        found.append((begin, len(s.rows) - 1))
    for head, tail, ours, theirs in (("ISA", "IEA", 13, 2), ("GS", "GE", 6, 2)):
        heads = [s.get(at, ours).strip() for at in range(len(s.rows)) if s.tag(at) == head]
        tails = [s.get(at, theirs).strip() for at in range(len(s.rows)) if s.tag(at) == tail]
        if heads != tails:
            s.warn(len(s.rows) - 1, f"control number of {tail} {', '.join(tails)} is not that of {head}, {', '.join(heads)}")
    return found


def _check(s: Segments, begin: int, end: int, lines: tuple[MessageLine, ...]) -> None:
    if s.tag(end) == "SE":
        count = s.number(end, 1)
        if count is not None and count != end - begin + 1:
            s.warn(end, f"{count} segments are announced, {end - begin + 1} came")
        if s.get(end, 2).strip() != s.get(begin, 2).strip():
            s.warn(end, "another control number than ST")
    for at in range(begin, end):
        if s.tag(at) == "CTT":
            check_sums(s, at, lines, count=s.number(at, 1), total=None)
        if s.tag(at) == "AMT" and s.get(at, 1) in {"1", "TT"}:
            check_sums(s, at, lines, count=None, total=s.number(at, 2))


def _lines(s: Segments, first: int, end: int) -> tuple[MessageLine, ...]:
    starts = [at for at in range(first, end + 1) if s.tag(at) == "PO1"]
    ids = [_ids(s, at) for at in starts]
    named = [
        (next((row[kind] for kind in OURS if kind in row), ""), next((row[kind] for kind in THEIRS if kind in row), "")) for row in ids
    ]
    phrase = shared_phrase(named)
    lines: dict[str, MessageLine] = {}
    for start, stop, (ours, theirs), row in zip(starts, [*starts[1:], end][: len(starts)], named, ids, strict=True):
        line = _line(s, start, stop, "" if phrase else ours, theirs, row, phrase=ours if phrase else "")
        if line.line_id in lines:
            s.problem(start, line.line_id, "a line number of its own")
        lines[line.line_id] = line
    return tuple(lines.values())


def _ids(s: Segments, at: int) -> dict[str, str]:
    pairs_ = [(s.get(at, place).strip(), s.get(at, place + 1).strip()) for place in range(6, len(s.rows[at]), 2)]
    return {kind: name for kind, name in pairs_ if kind and name}


def _line(s: Segments, start: int, stop: int, ours: str, theirs: str, ids: dict[str, str], *, phrase: str) -> MessageLine:
    inside = range(start + 1, stop)
    title = " ".join(s.get(at, 5) for at in inside if s.tag(at) == "PID" and s.get(at, 1) == "F")
    pack = next((s.number(at, 1) for at in inside if s.tag(at) == "PO4"), None)
    dates = {s.get(at, 1): s.day(at, 2) for at in inside if s.tag(at) == "DTM"}
    if any(s.tag(at) in {"SDQ", "SCH"} for at in inside):
        s.warn(start, "the line is split over places or dates; its whole amount is taken")
    name = s.get(start, 1).strip()
    if not name:
        s.problem(start, "no line number", "PO101")
    return MessageLine(
        line_id=name or str(start), quantity=s.number(start, 2, required=True) or ZERO, sku=ours or None, title=title,
        unit_price=s.number(start, 4), unit=s.get(start, 3) or None, pack=pack, requested=dates.get("002"),
        deliver_by=dates.get("067") or dates.get("002"),
        keys=tuple((key, ids[kind]) for key, kind in (("upc", "UP"), ("ean", "EN")) if kind in ids)
        + ((("buyer_sku", theirs),) if theirs else ()),
        extra=pairs(buyer_sku=theirs or None, vendor_text=phrase or None, price_basis=s.get(start, 5) or None,
                    available_from=dates.get("018"), ship_requested=dates.get("010")),
    )  # fmt: skip


def _ship_to(s: Segments, begin: int, end: int) -> tuple[Address | None, str]:
    """The address and the id of the party with the role ST."""
    for at in range(begin, end):
        if s.tag(at) == "N1" and s.get(at, 1) == "ST":
            rows = []
            for after in range(at + 1, end):
                if s.tag(after) not in {"N2", "N3", "N4", "PER"}:
                    break
                rows.append(after)
            street = ", ".join(s.get(row, 1) for row in rows if s.tag(row) == "N3")
            place = next((row for row in rows if s.tag(row) == "N4"), None)
            city, region, code, country = (s.get(place, element) if place is not None else "" for element in (1, 2, 3, 4))
            return Address(s.get(at, 2), street=street, postcode=code, city=city, region=region, country=country), s.get(at, 4)
    return None, ""


def _sent_at(s: Segments) -> datetime | None:
    """When the interchange was made, taken as UTC: it orders the messages of a customer."""
    for at in range(min(len(s.rows), 3)):
        date, time = (s.get(at, 4), s.get(at, 5)) if s.tag(at) == "GS" else ("", "")
        if len(date) == 8 and len(time) >= 4 and (date + time[:4]).isdigit():
            try:
                return datetime.strptime(date + time[:4], "%Y%m%d%H%M").replace(tzinfo=UTC)
            except ValueError:
                return None
    return None
