"""Closing a period: what happened before its end stays as it is, and sums begin there. Part of the stock desk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import attrs

from krafte_core.backdating import closed_until, differences
from krafte_core.diary import lot_document
from krafte_core.errors import InvalidInput
from krafte_core.lot_histories import BOOKS, CLOSE, CLOSING, pages
from krafte_core.office import Office
from krafte_core.store import BalanceKey, LotKey
from krafte_core.times import day, instant, local_date
from krafte_core.work import Work


@attrs.frozen
class ClosedPeriod:
    """The books are closed: its last day, the instant from which entries may be dated, and how many balances were written down."""

    last: date
    until: datetime
    balances: int


class ClosedPeriods:
    """What `shop.stock` does at the end of a month or a year."""

    _office: Office

    def close_period(self, last: date | str, *, key: str | None = None, by: str | None = None) -> ClosedPeriod:
        """Close the books up to the end of a day. Nothing can be dated before that any more, and there is no way back.

        What stood where at that time is written down, so a level or a check of a back-dated entry is summed up from there on. It
        takes time that grows with the number of lots, not of movements.

        Args:
            last: the last day of the period; yesterday or earlier, and after the last day that is closed already.

        Raises:
            InvalidInput: (`invalid_input`) today or later, or a day that is closed.

        >>> from krafte_core import Item, Workshop
        >>> from krafte_core.testing import FakeClock
        >>> clock = FakeClock("2026-10-30 08:00")
        >>> shop = Workshop.in_memory(clock=clock)
        >>> shop.register(Item("lye", unit="kg"))
        >>> lot = shop.stock.receive("lye", "5 kg", lot="N")
        >>> clock.set("2026-11-02 08:00")
        >>> shop.stock.close_period("2026-10-31").balances
        1
        >>> shop.stock.scrap("lye", "1 kg", lot="N", reason="spilt", happened_at="2026-10-31 10:00")
        Traceback (most recent call last):
            ...
        krafte_core.errors.TooFarBack: happened_at: got '2026-10-31 10:00:00+00:00', expected not before 2026-11-01 00:00:00+00:00: \
until then the books are closed
        """
        end = day(last)

        def decide(work: Work) -> ClosedPeriod:
            until = instant(f"{end + timedelta(days=1)} 00:00", self._office.zone)
            before = closed_until(work)
            if end >= work.today:
                raise InvalidInput("last", str(end), f"a day before {work.today}, which is not over")
            if before is not None and until <= before:
                closed = local_date(before, self._office.zone) - timedelta(days=1)
                raise InvalidInput("last", str(end), f"a day after {closed}, until which the books are closed")
            work.touch(BOOKS)
            count = 0
            for lots in pages(work.reader.rows("lots")):
                for (item, lot, place), steps in _stood(work, [(one.item, one.code) for one in lots], until):
                    details = (("place", place), ("steps", str(steps)), ("until", until.isoformat()))
                    work.note(lot_document(item, lot), CLOSING, details=details)
                    count += 1
            work.note(BOOKS, CLOSE, details=(("last", end.isoformat()), ("until", until.isoformat())))
            return ClosedPeriod(end, until, count)

        return self._office.run(decide, key=key, content=("close_period", end), by=by)

    def closed_until(self) -> datetime | None:
        """The instant before which nothing may happen any more; None where no period was closed."""
        with self._office.look() as work:
            return closed_until(work)


def _stood(work: Work, lots: Sequence[LotKey], at: datetime) -> Iterator[tuple[BalanceKey, int]]:
    """What stood where before an instant: what stands there now, less what has happened since."""
    wanted = set(lots)
    since = differences(
        move for posting in work.reader.postings(lots=lots, since=at) for move in posting.moves if (move.item, move.lot) in wanted
    )
    there = {(*key, row.place): row.on_hand for key, rows in work.reader.standing(lots).items() for row in rows}
    for key in sorted(there.keys() | since.keys()):
        steps = there.get(key, 0) - since.get(key, 0)
        if steps:
            yield key, steps
