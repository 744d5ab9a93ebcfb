"""What X12 and EDIFACT have in common: segments, and an order that is put together from them.

Both are read by hand: the grammar of segments is twenty lines, what matters is which segment means what, and no library takes samples
with tabs, byte order marks and missing terminators as they come (decision 31).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Context, Decimal, localcontext
from typing import Any, ClassVar

from krafte_core.channels.base import Reading
from krafte_core.channels.reading import MAX_BODY, Sheet, bad
from krafte_core.channels.wholesale import text_node
from krafte_core.errors import WrongAccount
from krafte_core.incoming import MessageLine, OrderMessage, Problem

MOST_SEGMENTS = 100_000
FUNCTIONS = {
    "00": "original",
    "9": "original",
    "01": "cancel",
    "1": "cancel",
    "04": "change",
    "4": "change",
    "05": "replace",
    "5": "replace",
}
ZERO = Decimal(0)


def text_of(channel: str, body: bytes | str) -> str:
    """The text of a document, without byte order mark and blanks around it.

    Raises:
        BadPayload: (`bad_payload`)
    """
    if len(body) > MAX_BODY:
        raise bad(channel, "a document", [Problem("$", f"{len(body)} bytes", f"at most {MAX_BODY}")])
    if isinstance(body, str):
        return body.lstrip("\ufeff").strip()
    try:
        return body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return body.decode("latin-1").strip()  # every byte is a letter there


class Segments:
    """The segments of one message, read one after the other."""

    def __init__(self, rows: Sequence[Sequence[Any]], sheet: Sheet) -> None:
        """All of them."""
        self.rows, self.sheet = rows, sheet

    def get(self, place: int, element: int, component: int = 0) -> str:
        """An element of a segment, empty where it is not there."""
        row = self.rows[place]
        if element >= len(row):
            return ""
        value = row[element]
        return value if isinstance(value, str) else value[component] if component < len(value) else ""

    def number(self, place: int, element: int, component: int = 0, *, required: bool = False) -> Decimal | None:
        """A number of a segment."""
        name = f"{element:02d}" + (f".{component}" if component else "")
        node = text_node({name: self.get(place, element, component).strip()}, f"segment {place + 1} {self.tag(place)}", self.sheet)
        return node.count(name, required=required)

    def day(self, place: int, element: int, component: int = 0) -> date | None:
        """A day in the form CCYYMMDD, or with two digits for the year."""
        text = self.get(place, element, component).strip()
        try:
            if len(text) in {6, 8} and text.isdigit():
                return datetime.strptime(text, "%Y%m%d" if len(text) == 8 else "%y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            pass
        if text:
            self.sheet.problems.append(Problem(f"segment {place + 1} {self.tag(place)}", text, "a day such as 20261130"))
        return None

    def tag(self, place: int) -> str:
        """The name of a segment."""
        return self.get(place, 0)

    def problem(self, place: int, given: str, expected: str) -> None:
        """Write a problem down."""
        self.sheet.problems.append(Problem(f"segment {place + 1} {self.tag(place)}", given[:80], expected))

    def warn(self, place: int, sentence: str) -> None:
        """Something that does not fit and was taken as sent."""
        self.sheet.warn(f"segment {place + 1} {self.tag(place)}", sentence)


def shared_phrase(rows: Iterable[tuple[str, str]]) -> bool:
    """Whether the seller's numbers are one phrase for all lines, while the buyer's tell them apart: then they are no numbers.

    >>> shared_phrase([("DIAMOND", "a"), ("DIAMOND", "b")]), shared_phrase([("A1", "a"), ("A2", "b")])
    (True, False)
    """
    ours, theirs = zip(*rows, strict=True) if (rows := [*rows]) else ((), ())
    return len(ours) > 1 and len(set(ours)) == 1 and bool(ours[0]) and len(set(theirs)) > 1


def check_sums(segments: Segments, place: int, lines: Sequence[MessageLine], *, count: Decimal | None, total: Decimal | None) -> None:
    """Control totals against the lines: a difference is said, not corrected."""
    if count is not None and count != len(lines):
        segments.warn(place, f"{count} lines are announced, {len(lines)} came")
    known = [line.unit_price * line.quantity for line in lines if line.unit_price is not None]
    if total is not None and len(known) == len(lines) and sum(known, ZERO) != total:
        segments.warn(place, f"the total {total} is not the sum of the lines, {sum(known, ZERO)}")


class Documents(Reading):
    """A wholesale customer who sends documents of segments; the account is the partner's name.

    Args (besides those of `Reading`):
        sender: what the head must name as the sender; default any.
        currency: where the document says none.
    """

    wanted: ClassVar[str] = ""

    def __init__(self, account: str, *, sender: str = "", currency: str | None = None, **given: Any) -> None:
        """See the class."""
        super().__init__(account, **given)
        self.sender, self.currency = sender, currency

    def read_document(self, body: bytes | str) -> tuple[OrderMessage, ...]:
        """The orders of an interchange.

        Raises:
            BadPayload: (`bad_payload`) with the number and name of each segment. WrongAccount: (`wrong_account`)
        """
        sheet = Sheet(self.name)
        s = Segments(self._cut(text_of(self.name, body)), sheet)
        sender = self._sent_by(s)
        if self.sender and sender not in (None, self.sender):
            raise WrongAccount(self.name, str(sender), self.sender)
        spans = self._spans(s)
        heads = tuple(sheet.warnings)
        with localcontext(Context(prec=60)):
            found = tuple(self._message(s, begin, end, heads) for begin, end in spans)
        if not found:
            s.problem(0, "no order", self.wanted)
        sheet.done("a document")
        return tuple(self.match(message) for message in found)

    def _cut(self, text: str) -> Sequence[Sequence[Any]]:
        """The segments of a text."""
        raise NotImplementedError

    def _sent_by(self, s: Segments) -> str | None:
        """Whom the head names as sender; None where there is no head."""
        raise NotImplementedError

    def _spans(self, s: Segments) -> Sequence[tuple[int, int]]:
        """Where each order begins and ends."""
        raise NotImplementedError

    def _message(self, s: Segments, begin: int, end: int, heads: tuple[Problem, ...]) -> OrderMessage:
        raise NotImplementedError
