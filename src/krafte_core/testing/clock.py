"""A clock that stands still until it is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from krafte_core.errors import ClockWentBack
from krafte_core.times import instant


class FakeClock:
    """A clock for tests and examples: it shows what it was set to; text means the clock's own zone.

    >>> clock = FakeClock("2026-11-23 08:00", zone="Europe/Berlin")
    >>> clock.now().isoformat()
    '2026-11-23T07:00:00+00:00'
    """

    def __init__(self, now: datetime | str = "2026-01-05 08:00", *, zone: str = "UTC") -> None:
        """Standing at this instant."""
        self.zone = zone
        self._now = instant(now, zone)

    def now(self) -> datetime:
        """The instant that the clock was set to."""
        return self._now

    def set(self, now: datetime | str) -> None:
        """Set it to a later instant.

        Raises:
            ClockWentBack: (`clock_went_back`) the books are written in order.
        """
        later = instant(now, self.zone)
        if later < self._now:
            raise ClockWentBack(later, self._now)
        self._now = later

    def tick(self, time: timedelta) -> None:
        """Let time pass.

        >>> clock = FakeClock("2026-11-23 08:00")
        >>> clock.tick(timedelta(hours=1))
        >>> clock.now().hour
        9
        """
        self.set(self._now + time)
