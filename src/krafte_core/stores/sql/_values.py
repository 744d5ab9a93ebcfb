"""Between the values of the library and the columns of the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from krafte_core.allocation import Allocation
from krafte_core.coverage import Booking
from krafte_core.diary import Entry
from krafte_core.errors import OutOfRange
from krafte_core.stock import Lot, Move, Posting
from krafte_core.wire import dumps, loads

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST = 2**63 - 1
NEVER = "9999-12-31"
"""The day on which what has no date expires: it sorts with the last day there is, as `stock.by_expiry` does it."""
KEPT = 4096


def instant(value: datetime) -> int:
    """Microseconds since 1970.

    >>> instant(datetime(1970, 1, 1, 0, 1, tzinfo=UTC))
    60000000
    """
    return (value - EPOCH) // MICROSECOND


def moment(micros: int) -> datetime:
    """The instant of so many microseconds since 1970, in UTC.

    >>> moment(60_000_000).isoformat()
    '1970-01-01T00:01:00+00:00'
    """
    return EPOCH + timedelta(microseconds=micros)


def steps(value: int, what: str) -> int:
    """Steps that fit into 64 bits.

    Raises:
        OutOfRange: (`out_of_range`) they do not.

    >>> steps(5, "oil A")
    5
    """
    if -LARGEST <= value <= LARGEST:
        return value
    raise OutOfRange(what, value, "steps of at most 64 bits")


def expires(lot: Lot) -> str:
    """The day in the order of expiry.

    >>> expires(Lot("lye", "NA-1", received_at=EPOCH))
    '9999-12-31'
    """
    return NEVER if lot.expires is None else lot.expires.isoformat()


class Bodies:
    """Wire texts and the values they stand for: what was written or read lately is not parsed again; values are frozen.

    >>> bodies = Bodies()
    >>> bodies.read(bodies.write(("oil", 5)))
    ('oil', 5)
    """

    def __init__(self) -> None:
        """Nothing known."""
        self._known: dict[str, Any] = {}

    def write(self, value: Any) -> str:
        """The text of a value."""
        body = dumps(value)
        self._keep(body, value)
        return body

    def read(self, body: str) -> Any:
        """The value of a text."""
        found = self._known.get(body)
        if found is None:
            found = loads(body)
            self._keep(body, found)
        return found

    def _keep(self, body: str, value: Any) -> None:
        if len(self._known) >= KEPT:
            self._known = {}  # threads may do this at the same time: at worst something is parsed once more
        self._known[body] = value


class Shape(NamedTuple):
    """How a row of the books stands in a table: a column per field; fields without one stand together in `more`."""

    kind: Any
    columns: tuple[str, ...]
    write: Callable[[Any], tuple[Any, ...]]
    read: Callable[..., Any]


def shape(kind: Any, instants: Sequence[str] = (), left_out: Sequence[str] = (), /, **columns: str) -> Shape:
    """The shape of a row class: `columns` says which field stands in which column; the others but `left_out` stand in `more`."""
    fields = [field for field in kind._fields if field in columns]
    others = [field for field in kind._fields if field not in columns and field not in left_out]
    defaults = kind._field_defaults
    places = [kind._fields.index(field) for field in fields]
    at = [n for n, field in enumerate(fields) if field in instants]
    new = tuple.__new__
    plain = places == [*range(len(kind._fields))] and not at

    def write(row: Any) -> tuple[Any, ...]:
        values = [row[place] for place in places]
        for n in at:
            values[n] = (values[n] - EPOCH) // MICROSECOND
        more = {field: value for field in others if (value := getattr(row, field)) != defaults.get(field, write)} if others else None
        return (*values, dumps(more) if more else None)

    def read(values: Sequence[Any], **left: Any) -> Any:
        if plain and values[-1] is None:
            return new(kind, values[:-1])
        given = dict(zip(fields, values, strict=False))
        for n in at:
            given[fields[n]] = moment(values[n])
        return kind(**given, **left, **(loads(values[-1]) if values[-1] else {}))

    return Shape(kind, (*(columns[field] for field in fields), "more"), write, read)


LINK = shape(Allocation, demand="demand", line="line", source="source", item="item", ref="ref", place="place",
             takes="takes", covers="covers", firmness="firmness")  # fmt: skip
BOOKING = shape(Booking, work_center="work_center", start="starts", end="ends", paper="paper", operation="operation")
ENTRY = shape(Entry, ["at"], document="document", step="step", at="written_at", by="signed", reason="reason")
POSTING = shape(Posting, ["happened_at", "recorded_at"], ["moves"], kind="kind", paper="paper", happened_at="happened_at",
                recorded_at="recorded_at", by="signed", reason="reason")  # fmt: skip
MOVE = shape(Move, item="item", lot="lot", steps="steps", source="source", target="target", line="line")
