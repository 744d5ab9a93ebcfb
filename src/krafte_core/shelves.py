"""Shelves: what stands of which lot where, in memory, with the free lots of an item always in picking order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from krafte_core.errors import Conflict
from krafte_core.stock import LINE, ORDERS, Lot, Stocked
from krafte_core.store import BalanceKey, LotKey

_EMPTY: Mapping[Any, Any] = {}
_Index = dict[str, dict[str, tuple[str, ...]]]
Row = tuple[BalanceKey, Stocked]
Settled = tuple[dict[BalanceKey, Stocked], list[tuple[BalanceKey, int, int]], list[Row], list[Row]]
"""Balances as they will be: rows with other amounts; rows that appear (steps on hand and allocated); rows that vanish; and which of
the first have something free now and had not, or the other way round."""
_row = tuple.__new__


class Shelves:
    """The balance rows by item, lot and place.

    `keep` holds on to rows that became empty: an overlay needs them to hide the rows under them.

    >>> from datetime import datetime
    >>> shelves = Shelves()
    >>> shelves.put(Lot("lye", "NA-1", received_at=datetime(2026, 1, 1)), "stock", 5, 2)
    >>> [row.free for row in shelves.in_order("lye", "expiry")]
    [3]
    """

    def __init__(self, *, keep: bool = False) -> None:
        """Empty."""
        self._keep = keep
        self._rows: dict[BalanceKey, Stocked] = {}
        self._places: _Index = {}
        self._lines: dict[str, dict[BalanceKey, None]] = {}
        self._lined: _Index | None = None
        self._orders: dict[str, dict[str, tuple[list[tuple[Any, ...]], list[BalanceKey]]]] = {}

    def copy(self) -> Shelves:
        """Independent shelves with the same rows."""
        twin = Shelves(keep=self._keep)
        twin._rows = {**self._rows}
        twin._places = {item: {**lots} for item, lots in self._places.items()}
        twin._lines = {place: {**rows} for place, rows in self._lines.items()}
        twin._orders = {
            item: {order: ([*signs], [*keys]) for order, (signs, keys) in rows.items()} for item, rows in self._orders.items()
        }
        return twin

    # reading ----------------------------------------------------------------------------------------------------------

    def rows(self) -> Iterator[Stocked]:
        """Everything that stands anywhere."""
        return (row for row in self._rows.values() if row.on_hand)

    @property
    def get(self) -> Callable[[BalanceKey], Stocked | None]:
        """The row of a lot at a place; a kept empty row counts."""
        return self._rows.get

    def has(self, row: Stocked) -> bool:
        """Whether there is a row for the same lot and place."""
        return (row.lot.item, row.lot.code, row.place) in self._rows

    def of(self, item: str) -> Iterator[Stocked]:
        """What stands of an item."""
        codes = {**self._places.get(item, _EMPTY), **self._on_lines().get(item, _EMPTY)}
        return (row for code in codes for row in self.of_lot(item, code))

    def of_lot(self, item: str, code: str) -> Iterator[Stocked]:
        """Where a lot stands."""
        rows = (self._rows[item, code, place] for place in self._where(item, code))
        return (row for row in rows if row.on_hand)

    def free(self, item: str) -> Iterator[Stocked]:
        """What is free of an item, in any order; what lies on a run's line is that run's."""
        rows = (self._rows[item, code, place] for code, places in self._places.get(item, _EMPTY).items() for place in places)
        return (row for row in rows if row.on_hand > row.allocated)

    def at(self, place: str) -> list[Stocked]:
        """What stands at a place, by item and lot; a run's line place has an index of its own."""
        keys = self._lines.get(place, ()) if place.startswith(LINE) else (key for key in self._rows if key[2] == place)
        return [row for row in map(self._rows.__getitem__, sorted(keys)) if row[2]]

    def _where(self, item: str, code: str) -> tuple[str, ...]:
        return self._places.get(item, _EMPTY).get(code, ()) + self._on_lines().get(item, _EMPTY).get(code, ())

    def _on_lines(self) -> _Index:
        """The lines on which lots lie; made when somebody asks for the first time, and kept from then on: most shops never do."""
        if self._lined is None:
            lined: _Index = {}
            for keys in self._lines.values():
                for key in keys:
                    _enter(lined, key)
            self._lined = lined
        return self._lined

    def in_order(self, item: str, order: str) -> Iterator[Stocked]:
        """What is free of an item, in the order asked for; sorted when first asked, kept so from then on."""
        orders = self._orders.get(item)
        if orders is None:
            orders = self._orders[item] = {}
        shelf = orders.get(order)
        if shelf is None:
            signs = sorted(map(ORDERS[order], self.free(item)))
            shelf = orders[order] = signs, [(item, sign[-2], sign[-1]) for sign in signs]
        return map(self._rows.__getitem__, shelf[1])

    # changing ---------------------------------------------------------------------------------------------------------

    def settled(self, differences: Mapping[BalanceKey, tuple[int, int]]) -> Settled:
        """What the rows will be after these differences; nothing is written yet. The loop that every command runs.

        Raises:
            Conflict: (`conflict`) more taken or promised than there is.
        """
        standing, keep = self._rows.get, self._keep
        rows: dict[BalanceKey, Stocked] = {}
        appear: list[tuple[BalanceKey, int, int]] = []
        vanish: list[Row] = []
        turned: list[Row] = []
        for key, (moved, promised) in differences.items():
            before = standing(key)
            if before is None:
                if promised < 0 or moved < promised:
                    raise Conflict("stock of {} {} in {}".format(*key))
                if moved or keep:
                    appear.append((key, moved, promised))
                continue
            lot, place, had, kept = before
            on_hand, allocated = had + moved, kept + promised
            if allocated < 0 or on_hand < allocated:
                raise Conflict("stock of {} {} in {}".format(*key))
            if on_hand or keep:
                row = rows[key] = _row(Stocked, (lot, place, on_hand, allocated))
                if moved != promised and (had > kept) is not (on_hand > allocated):
                    turned.append((key, row))
            else:
                vanish.append((key, before))
        return rows, appear, vanish, turned

    def settle(self, settled: Settled, lots: Mapping[LotKey, Lot]) -> None:
        """Write what `settled` said, before anything else was written."""
        rows, appear, vanish, turned = settled
        if rows:
            self._rows.update(rows)
        if appear:
            self._appear([(key, _row(Stocked, (lots[key[:2]], key[2], on_hand, allocated))) for key, on_hand, allocated in appear])
        if vanish:
            self._vanish(vanish)
        for key, row in turned:
            self._turned(key, row)

    def put(self, lot: Lot, place: str, on_hand: int, allocated: int) -> None:
        """Write a row; without `keep`, an empty one is taken out."""
        key = (lot.item, lot.code, place)
        before, row = self._rows.get(key), _row(Stocked, (lot, place, on_hand, allocated))
        if not (on_hand or self._keep):
            if before is not None:
                self._vanish([(key, before)])
        elif before is None:
            self._appear([(key, row)])
        else:
            self._rows[key] = row
            if (before[2] > before[3]) is not (on_hand > allocated):
                self._turned(key, row)

    def _turned(self, key: BalanceKey, row: Stocked) -> None:
        """Something of the row is free now and nothing was, or the other way round."""
        if key[0] in self._orders and not key[2].startswith(LINE):
            self._sort_in(key[0], row, free=row[2] > row[3])

    def _appear(self, new: Iterable[Row]) -> None:
        rows, lines = self._rows, self._lines
        for key, row in new:
            rows[key] = row
            place = key[2]
            if place.startswith(LINE):
                if place in lines:
                    lines[place][key] = None
                else:
                    lines[place] = {key: None}
                if self._lined is not None:
                    _enter(self._lined, key)
                continue
            _enter(self._places, key)
            if row[2] > row[3] and key[0] in self._orders:
                self._sort_in(key[0], row, free=True)

    def _vanish(self, gone: Iterable[Row]) -> None:
        rows, lines = self._rows, self._lines
        for key, row in gone:
            del rows[key]
            place = key[2]
            if place in lines:
                there = lines[place]
                del there[key]
                if not there:
                    del lines[place]
                if self._lined is not None:
                    _leave(self._lined, key)
                continue
            _leave(self._places, key)
            if row[2] > row[3] and key[0] in self._orders:
                self._sort_in(key[0], row, free=False)

    def _sort_in(self, item: str, row: Stocked, *, free: bool) -> None:
        for order, (signs, keys) in self._orders[item].items():
            sign = ORDERS[order](row)
            place = bisect_left(signs, sign)
            if free:
                signs.insert(place, sign)
                keys.insert(place, (item, sign[-2], sign[-1]))
            else:
                del signs[place], keys[place]

    def change_lot(self, lot: Lot) -> None:
        """Show the lot as it is now in all its rows; its item is sorted again when next asked for."""
        item, code = lot.item, lot.code
        for place in self._where(item, code):
            self._rows[item, code, place] = self._rows[item, code, place]._replace(lot=lot)
            self._orders.pop(item, None)


def _enter(index: _Index, key: BalanceKey) -> None:
    item, code, place = key
    lots = index.get(item)
    if lots is None:
        lots = index[item] = {}
    lots[code] = (*lots[code], place) if code in lots else (place,)


def _leave(index: _Index, key: BalanceKey) -> None:
    item, code, place = key
    lots = index[item]
    left = tuple([one for one in lots[code] if one != place])
    if left:
        lots[code] = left
    else:
        del lots[code]
