"""A snapshot: a situation as plain values. It stays as it was when the books go on, and it travels to another process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from krafte_core.allocation import Incoming
from krafte_core.calendars import Calendar, compile_calendar
from krafte_core.choices import choose
from krafte_core.coverage import Booking, Situation
from krafte_core.errors import InvalidInput
from krafte_core.items import Item
from krafte_core.recipes import Coming, Formula
from krafte_core.resources import Offer, Supplier, WorkCenter
from krafte_core.stock import Stocked
from krafte_core.timelines import Timeline
from krafte_core.times import local_date, moment


class _Known(NamedTuple):
    """All that is known of one item."""

    item: Item
    picking: tuple[str, str]
    formula: Formula | None
    offers: Sequence[tuple[Supplier, Offer]]
    stock: Sequence[Stocked]
    incoming: Sequence[Incoming]
    besides: tuple[Formula, Coming] | None = None
    versions: Sequence[Formula] = ()


class SituationSnapshot:
    """What a situation says of some items and of the work centers that make them (see `krafte_core.coverage.Situation`).

    Args:
        situation: read in full, once.
        items: their codes, with everything that their making may need.
        span: the first and the last day for which calendars are compiled.
    """

    def __init__(self, situation: Situation, items: Iterable[str], span: tuple[date, date]) -> None:
        """Read everything."""
        self.now = situation.now
        self.zone = situation.zone
        self.usable_places = situation.usable_places
        self.span = span
        self._items = {code: self._known(situation, code) for code in items}
        owners = {row.lot.owner or "" for known in self._items.values() for row in known.stock}
        self.owners = frozenset(owner for owner in owners if owner in situation.owners)
        formulas = [known.formula for known in self._items.values() if known.formula is not None]
        formulas += [formula for known in self._items.values() for formula in known.versions]
        formulas += [known.besides[0] for known in self._items.values() if known.besides is not None]
        codes = dict.fromkeys(code for formula in formulas for code in formula.recipe.centers)
        self._centers: dict[str, WorkCenter] = {code: situation.work_center(code) for code in codes}
        self._bookings: dict[str, Sequence[Booking]] = {code: tuple(situation.bookings(code)) for code in codes}

    @property
    def codes(self) -> Sequence[str]:
        """The items that it knows."""
        return tuple(self._items)

    @staticmethod
    def _known(situation: Situation, code: str) -> _Known:
        picking = situation.picking(code)
        stock, incoming = tuple(situation.stock(code, picking[1])), tuple(situation.incoming(code))
        offers, formula = tuple(situation.offers(code)), situation.formula(code)
        return _Known(
            situation.item(code), picking, formula, offers, stock, incoming, situation.besides(code), situation.versions(code)
        )

    def item(self, code: str) -> Item:
        """See `Situation`."""
        return self._items[code].item

    def picking(self, item: str) -> tuple[str, str]:
        """See `Situation`."""
        return self._items[item].picking

    def formula(self, item: str, steps: int | None = None) -> Formula | None:
        """See `Situation`: of several versions the one of the day, for so much."""
        known = self._items[item]
        if steps is None or not known.versions:
            return known.formula
        try:
            return choose(known.versions, self.day(self.now), steps).formula
        except InvalidInput:
            return None

    def versions(self, item: str) -> Sequence[Formula]:
        """See `Situation`."""
        return self._items[item].versions

    def besides(self, item: str) -> tuple[Formula, Coming] | None:
        """See `Situation`."""
        return self._items[item].besides

    def offers(self, item: str) -> Sequence[tuple[Supplier, Offer]]:
        """See `Situation`."""
        return self._items[item].offers

    def stock(self, item: str, order: str) -> Sequence[Stocked]:
        """See `Situation`; always in the order of the item's own picking rule."""
        return self._items[item].stock

    def incoming(self, item: str) -> Sequence[Incoming]:
        """See `Situation`."""
        return self._items[item].incoming

    def work_center(self, code: str) -> WorkCenter:
        """See `Situation`."""
        return self._centers[code]

    def bookings(self, work_center: str) -> Sequence[Booking]:
        """See `Situation`."""
        return self._bookings[work_center]

    def timeline(self, calendar: Calendar) -> Timeline:
        """See `Situation`."""
        return compile_calendar(calendar, *self.span, self.zone)

    def day(self, at: float) -> date:
        """See `Situation`."""
        return local_date(moment(int(at)), self.zone)
