"""Shelves: what stands of which lot where, in memory, with the free lots of an item always in picking order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from krafte_core.stock import LINE, ORDERS, Lot, Stocked
from krafte_core.store import BalanceKey, LotKey

_EMPTY: Mapping[Any, Any] = {}
Balance = tuple[BalanceKey, Stocked | None, int, int]
"""A balance as it will be, beside the row that it changes: where, the row before, steps on hand and allocated."""
_row = tuple.__new__


def is_free(row: Stocked) -> bool:
    """Whether there is something that nobody has been promised; what lies on a run's line is that run's."""
    return row.on_hand > row.allocated and not row.place.startswith(LINE)


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
        self._places: dict[str, dict[str, tuple[str, ...]]] = {}
        self._lines: dict[str, dict[BalanceKey, None]] = {}
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

    def items(self) -> Iterator[str]:
        """The items that stand anywhere."""
        return iter(self._places)

    @property
    def get(self) -> Callable[[BalanceKey], Stocked | None]:
        """The row of a lot at a place; a kept empty row counts."""
        return self._rows.get

    def has(self, row: Stocked) -> bool:
        """Whether there is a row for the same lot and place."""
        return (row.lot.item, row.lot.code, row.place) in self._rows

    def of(self, item: str) -> Iterator[Stocked]:
        """What stands of an item."""
        return (row for code in self._places.get(item, ()) for row in self.of_lot(item, code))

    def of_lot(self, item: str, code: str) -> Iterator[Stocked]:
        """Where a lot stands."""
        rows = (self._rows[item, code, place] for place in self._places.get(item, _EMPTY).get(code, ()))
        return (row for row in rows if row.on_hand)

    def at(self, place: str) -> Iterator[Stocked]:
        """What stands at a place, empty rows included; a run's line place has an index of its own."""
        if place.startswith(LINE):
            return (self._rows[key] for key in self._lines.get(place, ()))
        return (row for row in self._rows.values() if row.place == place)

    def in_order(self, item: str, order: str) -> Iterator[Stocked]:
        """What is free of an item, in the order asked for; sorted when first asked, kept so from then on."""
        orders = self._orders.get(item)
        if orders is None:
            orders = self._orders[item] = {}
        shelf = orders.get(order)
        if shelf is None:
            signs = sorted(ORDERS[order](row) for row in self.of(item) if is_free(row))
            shelf = orders[order] = signs, [(item, sign[-2], sign[-1]) for sign in signs]
        return map(self._rows.__getitem__, shelf[1])

    # changing ---------------------------------------------------------------------------------------------------------

    def settle(self, balances: Iterable[Balance], lots: Mapping[LotKey, Lot]) -> None:
        """Write many rows, each beside the one that it changes; the loop that every command runs."""
        rows, orders = self._rows, self._orders
        for key, before, on_hand, allocated in balances:
            if before is None:
                if not on_hand:
                    continue
                row = rows[key] = _row(Stocked, (lots[key[:2]], key[2], on_hand, allocated))
                self._appear(key)
                was = False
            else:
                row = rows[key]
                was = before[2] > before[3]
                if on_hand:
                    row = rows[key] = _row(Stocked, (row[0], key[2], on_hand, allocated))
                else:
                    self._vanish(key)
            if was is not (on_hand > allocated) and key[0] in orders and not key[2].startswith(LINE):
                self._sort_in(key[0], row, free=not was)

    def put(self, lot: Lot, place: str, on_hand: int, allocated: int) -> None:
        """Write a row; without `keep`, an empty one is taken out."""
        key = (lot.item, lot.code, place)
        before = self._rows.get(key)
        if on_hand or self._keep:
            self._rows[key] = row = _row(Stocked, (lot, place, on_hand, allocated))
            if before is None:
                self._appear(key)
        elif before is not None:
            row = before
            self._vanish(key)
        else:
            return
        was = before is not None and before[2] > before[3]
        if was != (on_hand > allocated) and key[0] in self._orders and not place.startswith(LINE):
            self._sort_in(key[0], row, free=not was)

    def _appear(self, key: BalanceKey) -> None:
        item, code, place = key
        lots = self._places.get(item)
        if lots is None:
            lots = self._places[item] = {}
        lots[code] = (*lots[code], place) if code in lots else (place,)
        if place.startswith(LINE):
            there = self._lines.get(place)
            if there is None:
                there = self._lines[place] = {}
            there[key] = None

    def _vanish(self, key: BalanceKey) -> None:
        item, code, place = key
        del self._rows[key]
        lots = self._places[item]
        places = lots[code]
        if len(places) == 1:
            del lots[code]
        else:
            lots[code] = tuple([one for one in places if one != place])
        if place.startswith(LINE):
            there = self._lines[place]
            del there[key]
            if not there:
                del self._lines[place]

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
        for place in self._places.get(item, _EMPTY).get(code, ()):
            self._rows[item, code, place] = self._rows[item, code, place]._replace(lot=lot)
            self._orders.pop(item, None)
