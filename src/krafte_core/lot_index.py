"""Lots in memory found by item, supplier, his lot, time and whether they have attributes: an index each, made when it is asked for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from krafte_core.stock import Lot, Sought
from krafte_core.store import LotKey

_VALUE: Mapping[str, Callable[[Lot], Any]] = {
    "supplier_lot": lambda lot: lot.supplier_lot or "",
    "items": lambda lot: lot.item,
    "noted": lambda lot: bool(lot.attributes) or None,
    "supplier": lambda lot: lot.supplier or "",
}
"""What a lot stands under, per criterion, the narrowest first; None: nowhere."""
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_at = itemgetter(0)
_Under = dict[Any, LotKey | list[LotKey]]
"""Lots under what they say; one alone without a list: a million lists would keep the garbage collector busy."""


class LotIndex:
    """Indexes over a growing table of lots, which catch up when somebody asks; most shops never ask.

    >>> lot = Lot("oil", "O-1", received_at=datetime(2026, 1, 1, tzinfo=UTC), supplier="Meyer")
    >>> [*LotIndex().among({("oil", "O-1"): lot}, Sought(supplier="Meyer"))] == [lot]
    True
    """

    def __init__(self) -> None:
        """None yet."""
        self._known: dict[str, int] = {}
        self._under: dict[str, _Under] = {}
        self._times: list[tuple[datetime, LotKey]] = []

    def copy(self) -> LotIndex:
        """For another table: nothing is known of that."""
        return LotIndex()

    def among(self, lots: Mapping[LotKey, Lot], wanted: Sought) -> Iterator[Lot]:
        """The lots of the table that meet the criteria."""
        name = next((name for name in _VALUE if getattr(wanted, name) not in (None, False)), None)
        if name is not None:
            values = wanted.items or () if name == "items" else (getattr(wanted, name),)
            under = self._caught_up(lots, name)
            found = (under.get(value, []) for value in dict.fromkeys(values))
            keys: Iterable[LotKey] = dict.fromkeys(chain.from_iterable([one] if isinstance(one, tuple) else one for one in found))
        elif wanted.since is not None or wanted.until is not None:
            keys = self._in_time(lots, wanted.since or _FIRST, wanted.until or _LAST)
        else:
            keys = lots
        return filter(wanted.meets, (lots[key] for key in keys))

    def changed(self, before: Lot, lot: Lot) -> None:
        """A lot is another one than it was: it is found under what it says now, too."""
        key = (lot.item, lot.code)
        for name, under in self._under.items():
            value = _VALUE[name]
            if value(before) != value(lot):
                _put(under, value(lot), key)
        if "time" in self._known and before.received_at != lot.received_at:
            insort(self._times, (lot.received_at, key))

    def _caught_up(self, lots: Mapping[LotKey, Lot], name: str) -> _Under:
        under, value = self._under.setdefault(name, {}), _VALUE[name]
        for lot in self._new(lots, name):
            _put(under, value(lot), (lot.item, lot.code))
        return under

    def _in_time(self, lots: Mapping[LotKey, Lot], since: datetime, until: datetime) -> Iterable[LotKey]:
        new = [(lot.received_at, (lot.item, lot.code)) for lot in self._new(lots, "time")]
        if new:
            self._times = sorted([*self._times, *new])  # nearly sorted already, mostly
        times = self._times
        return dict.fromkeys(key for _, key in times[bisect_left(times, since, key=_at) : bisect_right(times, until, key=_at)])

    def _new(self, lots: Mapping[LotKey, Lot], name: str) -> list[Lot]:
        """What came since this index was last asked; lots are never taken away, and a changed one keeps its place."""
        count = len(lots)
        rows = [*islice(reversed(lots.values()), count - self._known.get(name, 0))]  # type: ignore[call-overload]
        self._known[name] = count
        return rows[::-1]


def _put(under: _Under, said: Any, key: LotKey) -> None:
    others = under.get(said)
    if said is None:
        return
    if others is None:
        under[said] = key
    elif isinstance(others, list):
        others.append(key)
    else:
        under[said] = [others, key]
