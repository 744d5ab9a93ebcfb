"""Operations: the steps of making, as a recipe lists them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import attrs

from krafte_core.durations import Duration, duration
from krafte_core.errors import InvalidInput
from krafte_core.items import code, one_of


def _place(value: Any) -> str | None:
    return None if value is None else code(value, "at")


def _working(given: Any) -> Duration | None:
    return None if given is None else duration(given, "working time", "run")


def elapsed(given: Any) -> Duration | None:
    """Elapsed time or working days, or None: for waits, lead times and transit.

    >>> str(elapsed("28 days"))
    '28 days'
    """
    if given is None:
        return None
    time = duration(given)
    if time.kind == "working time":
        raise InvalidInput("duration", str(time), "elapsed time or working days")
    return time


@attrs.frozen
class Operation:
    """One step of making: work at a work center, or a wait, or work followed by a wait.

    Args:
        name: what is done (`"saponify"`).
        at: the work center's code; needed where there is work.
        setup: working time per batch; `run`: working time for what the recipe makes, scaled with it.
        per: `"amount"` scales `run` with the batch, `"batch"` fixes it.
        wait: time that passes after the work by itself (curing, drying).
        pausable: whether the work may be interrupted by closing time.

    Raises:
        InvalidInput: (`invalid_input`) a run in days, work without a work center, or neither work nor wait.

    >>> Operation("cure", wait="28 days").wait.seconds // 86400
    28
    """

    name: str = attrs.field(converter=code)
    at: str | None = attrs.field(default=None, kw_only=True, converter=_place)
    setup: Duration | None = attrs.field(default=None, kw_only=True, converter=_working)
    run: Duration | None = attrs.field(default=None, kw_only=True, converter=_working)
    per: str = attrs.field(default="amount", kw_only=True)
    wait: Duration | None = attrs.field(default=None, kw_only=True, converter=elapsed)
    pausable: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """An operation does something, and work has a place."""
        one_of(self.per, ("amount", "batch"), "per")
        if (self.run or self.setup) and self.at is None:
            raise InvalidInput("at", None, f"the work center where {self.name!r} is done")
        if not (self.run or self.setup or self.wait):
            raise InvalidInput("run", None, f"working time or a wait for {self.name!r}")

    def seconds(self, share: Fraction) -> int:
        """Working seconds for a batch that is `share` times what the recipe makes, rounded up to the second.

        >>> Operation("mix", at="kettle", setup="10 min", run="1 h").seconds(Fraction(1, 2))
        2400
        """
        run = self.run.seconds if self.run else 0
        scaled = run if self.per == "batch" else -(-run * share.numerator // share.denominator)
        return scaled + (self.setup.seconds if self.setup else 0)
