"""Operations: the steps of making, as a recipe lists them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.durations import Duration, duration
from krafte_core.errors import InvalidInput, NotPositive
from krafte_core.items import code, one_of
from krafte_core.quantities import qty
from krafte_core.shares import process_yield


def _place(value: Any) -> str | None:
    return None if value is None else code(value, "at")


def _people(value: Any) -> str | None:
    return None if value is None else code(value, "people")


def _codes(given: Any) -> tuple[str, ...]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InvalidInput("alternatives", given, "a list of work centers")
    return tuple([code(one, "alternatives") for one in given])


def _part(given: Any) -> str | None:
    return given if given is None or isinstance(given, str) else str(qty(given))


def _spoils(given: Any) -> Duration | None:
    return None if given is None else duration(given, "elapsed", "spoils_after")


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
        alternatives: other work centers that can do it, too, in the order of preference: of those that are done at the same time, and
            of those that are in time, the first is taken.
        people: the crew that the work needs besides, a work center whose places are people; `hands`: how many of them.
        transfer: the next operation may begin as soon as so much of the product is through (`"20 each"`), and goes on so that no part
            is missing when its turn comes; default: when all of it is done.
        process_yield: what comes good out of it of what comes into it (`"95 %"`); those of all operations enlarge the charge.
        spoils_after: the next operation must begin so soon after this work, or what was made spoils.

    Raises:
        InvalidInput: (`invalid_input`) a run in days, work without a work center, or neither work nor wait; alternatives, people or
            transfer without work, a work center twice; a wait that is longer than it takes to spoil.
        NotPositive: (`not_positive`) no hands.

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
    alternatives: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_codes)
    people: str | None = attrs.field(default=None, kw_only=True, converter=_people)
    hands: int = attrs.field(default=1, kw_only=True)
    transfer: str | None = attrs.field(default=None, kw_only=True, converter=_part)
    spoils_after: Duration | None = attrs.field(default=None, kw_only=True, converter=_spoils)
    process_yield: Fraction = attrs.field(default=Fraction(1), kw_only=True, converter=process_yield)

    def __attrs_post_init__(self) -> None:
        """An operation does something, and work has a place."""
        one_of(self.per, ("amount", "batch"), "per")
        if self.elaborate or self.hands != 1:
            self._check_more()
        if (self.run or self.setup) and self.at is None:
            raise InvalidInput("at", None, f"the work center where {self.name!r} is done")
        if not (self.run or self.setup or self.wait):
            raise InvalidInput("run", None, f"working time or a wait for {self.name!r}")

    def _check_more(self) -> None:
        centers = [one for one in (self.at, *self.alternatives, self.people) if one is not None]
        if len(set(centers)) < len(centers):
            raise InvalidInput("alternatives", centers, "every work center once")
        if self.at is None and (centers or self.transfer is not None):
            raise InvalidInput("at", None, f"the work center where {self.name!r} is done")
        if not isinstance(self.hands, int) or isinstance(self.hands, bool) or self.hands < 1:
            raise NotPositive("hands", self.hands, "a whole number of people, at least 1")
        if self.hands != 1 and self.people is None:
            raise InvalidInput("people", None, f"the crew that {self.hands} hands are of")
        spoilt, wait = self.spoils_after, self.wait
        if spoilt is not None and wait is not None and wait.kind == "elapsed" and wait.seconds > spoilt.seconds:
            raise InvalidInput("spoils_after", str(spoilt), f"at least the wait of {wait}")

    @property
    def elaborate(self) -> bool:
        """Whether it needs more than a free place at one work center.

        >>> Operation("mix", at="kettle", run="1 h", people="crew").elaborate
        True
        """
        return bool(self.alternatives) or not (self.people is None and self.transfer is None and self.spoils_after is None)

    @property
    def centers(self) -> tuple[str, ...]:
        """Every work center and crew that may be busy with it.

        >>> Operation("mix", at="kettle 1", alternatives=["kettle 2"], run="1 h", people="crew").centers
        ('kettle 1', 'kettle 2', 'crew')
        """
        return tuple([one for one in (self.at, *self.alternatives, self.people) if one is not None])

    @property
    def names(self) -> tuple[str, ...]:
        """Its own name, and the names under which its people are booked.

        >>> Operation("mix", at="kettle", run="1 h", people="crew", hands=2).names
        ('mix', 'mix/crew/1', 'mix/crew/2')
        """
        if self.people is None:
            return (self.name,)
        return (self.name, *(f"{self.name}/{self.people}/{n}" for n in range(1, self.hands + 1)))

    def seconds(self, share: Fraction) -> int:
        """Working seconds for a batch that is `share` times what the recipe makes, rounded up to the second.

        >>> Operation("mix", at="kettle", setup="10 min", run="1 h").seconds(Fraction(1, 2))
        2400
        """
        run = self.run.seconds if self.run else 0
        scaled = run if self.per == "batch" else -(-run * share.numerator // share.denominator)
        return scaled + (self.setup.seconds if self.setup else 0)
