"""Batches: how much is made at once, and how a demand is split over several of them.

The sizes are whole steps of the product. A split says what its batches make, what they make too much, and what is left unmade: the
parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from krafte_core.errors import InvalidInput, OutOfRange
from krafte_core.ingredients import FOLLOWS, limit
from krafte_core.items import Item, one_of
from krafte_core.quantities import Quantity, Scale

MOST_BATCHES = 100_000
RESTS = ("over", "short", "refuse")
SPLITS = ("never", "at size", "freely")
NEAR = 15
"""So many more batches than are necessary are tried one by one, and beyond that twice as many again and again."""
MOST_FREELY = 64
"""More batches than these are made only where their size demands it."""


@attrs.frozen
class Split:
    """A demand split over batches: `wanted` + `over` = the batches + `short`, in whole steps.

    >>> from decimal import Decimal
    >>> Split(Scale("each", Decimal(1)), 250, (100, 100), short=50).amounts
    (Quantity('100 each'), Quantity('100 each'))
    """

    scale: Scale
    wanted: int
    batches: tuple[int, ...]
    over: int = attrs.field(default=0, kw_only=True)
    short: int = attrs.field(default=0, kw_only=True)

    @property
    def amounts(self) -> tuple[Quantity, ...]:
        """What each batch makes."""
        return tuple([self.scale.quantity(steps) for steps in self.batches])

    def __str__(self) -> str:
        """The sentence."""
        sizes = ", ".join(map(str, self.amounts)) or "nothing"
        over = f"; {self.scale.quantity(self.over)} more than wanted" if self.over else ""
        short = f"; {self.scale.quantity(self.short)} left unmade" if self.short else ""
        return f"{self.scale.quantity(self.wanted)}: {sizes}{over}{short}"


def _holds(value: str) -> str:
    return one_of(value, FOLLOWS, "vessel_holds")


def _splits(value: str) -> str:
    return one_of(value, SPLITS, "splits")


@attrs.frozen(kw_only=True)
class BatchSize:
    """How much one batch makes: exactly so much, or between `min` and `max`, in multiples, and no more than the vessel holds.

    A need that is larger than one batch is split, and how changes the date: `splits="at size"` makes as few batches as the size
    allows, `"never"` makes a need in one batch or not at all (one shade, one lot on the label), `"freely"` makes more and smaller
    batches where they are done sooner, side by side or in the gaps between other work. It is about what is still open of one need:
    what is wanted besides it later is another one, and what comes out besides is made as the sizes allow.

    Args:
        exactly: the one size.
        min, max, multiple: limits of what comes out.
        vessel: what the vessel holds, a mass or a volume; `vessel_holds` says whether the whole charge must go in (all that
            is weighed in, losses included: `"charge"`) or only what comes out (`"output"`).
        splits: `"at size"`, `"never"` or `"freely"`, which takes a `min`: the smallest batch that is worth its set-up.

    Raises:
        InvalidInput: (`invalid_input`) `exactly` together with another, or nothing given; `"freely"` without a `min`.

    >>> BatchSize(exactly="100 each").exactly
    '100 each'
    """

    exactly: str | None = attrs.field(default=None, converter=limit)
    min: str | None = attrs.field(default=None, converter=limit)
    max: str | None = attrs.field(default=None, converter=limit)
    multiple: str | None = attrs.field(default=None, converter=limit)
    vessel: str | None = attrs.field(default=None, converter=limit)
    vessel_holds: str = attrs.field(default="charge", converter=_holds)
    splits: str = attrs.field(default="at size", converter=_splits)

    def __attrs_post_init__(self) -> None:
        """Either exactly, or limits."""
        limits = [limit for limit in (self.min, self.max, self.multiple) if limit is not None]
        if limits if self.exactly is not None else not limits and self.vessel is None:
            raise InvalidInput("batch", self, "either exactly, or any of min, max and multiple")
        if self.vessel_holds != "charge" and self.vessel is None:
            raise InvalidInput("vessel_holds", self.vessel_holds, "what the vessel holds (`vessel`) beside it")
        if self.splits == "freely" and self.min is None:
            raise InvalidInput("splits", self.splits, "a `min` beside it: the smallest batch that is worth its set-up")

    def split(self, item: Item, steps: int, most: int | None = None) -> list[int]:
        """The batches that make at least so many steps: as few as possible, as equal as possible, larger ones first.

        What the limits make too much is free stock later. Without a limit it is one batch.

        Args:
            item: what is made.
            steps: how much is wanted.
            most: what one batch may make at most besides: what the vessel holds.

        Raises:
            OutOfRange: (`out_of_range`) more than a hundred thousand batches: the size is a slip of the pen.

        >>> jar = Item("jar", unit="each")
        >>> BatchSize(max="50 each", multiple="5 each").split(jar, 104)
        [35, 35, 35]
        """
        if steps <= 0:
            return []
        if self.exactly is not None and most is None:
            size = item.positive(self.exactly, "batch.exactly")
            return [size] * _sane(-(-steps // size), item, steps)
        unit, least, highest = self._limits(item, most)
        units = -(-steps // unit)
        count = _sane(-(-units // highest), item, steps) if highest else 1
        return [max(size, least) * unit for size in _even(units, count)]

    def ways(self, item: Item, steps: int, most: int | None = None) -> Iterator[list[int]]:
        """The ways of splitting so many steps, of the fewest batches first; one, unless it splits freely.

        Raises:
            OutOfRange: (`out_of_range`) more than a hundred thousand batches.

        >>> jar = Item("jar", unit="each")
        >>> [*BatchSize(min="20 each", splits="freely").ways(jar, 70)]
        [[70], [35, 35], [24, 23, 23], [20, 20, 20, 20]]
        """
        first = self.split(item, steps, most)
        yield first
        if self.splits == "freely" and first:
            unit, least, _ = self._limits(item, most)
            units = -(-steps // unit)
            for count in _more(len(first), -(-units // max(least, 1))):
                yield [max(size, least) * unit for size in _even(units, count)]

    @property
    def whole(self) -> bool:
        """Whether a need that is larger than one batch is not made at all."""
        return self.splits == "never" and (self.exactly or self.max or self.vessel) is not None

    def at_once(self, item: Item, most: int | None = None) -> int | None:
        """The most that is made for one need, where it is never split; None for no limit.

        >>> BatchSize(max="50 kg", splits="never").at_once(Item("paint", unit="kg", step="1 kg"))
        50
        """
        if not self.whole:
            return None
        unit, _, highest = self._limits(item, most)
        return unit * highest if highest else None

    def plan(self, item: Item, steps: int, rest: str = "over", most: int | None = None) -> Split:
        """How so many steps are made, and what becomes of a rest that no batch fits.

        Args:
            item: what is made.
            steps: how much is wanted.
            rest: `"over"` makes at least what is wanted, `"short"` at most, `"refuse"` exactly or not at all.
            most: what one batch may make at most besides: what the vessel holds.

        Raises:
            OutOfRange: (`out_of_range`) it cannot be made exactly, with the nearest amounts; or absurdly many batches.

        >>> jar = Item("jar", unit="each")
        >>> str(BatchSize(min="100 each", max="120 each").plan(jar, 250, "short"))
        '250 each: 120 each, 120 each; 10 each left unmade'
        """
        one_of(rest, RESTS, "rest")
        up = self.split(item, steps, most)
        over = sum(up) - max(steps, 0)
        if not over or rest == "over":
            return Split(item.scale, steps, tuple(up), over=over)
        down = self._below(item, steps, most)
        short = steps - sum(down)
        if rest == "refuse":
            nearest = f"{item.quantity(sum(down))} or {item.quantity(sum(up))}"
            raise OutOfRange("amount", str(item.quantity(steps)), f"what batches of {item.code} can make, such as {nearest}")
        return Split(item.scale, steps, tuple(down), short=short)

    def _below(self, item: Item, steps: int, most: int | None) -> list[int]:
        """The batches that make as much as possible, at most so much."""
        unit, least, highest = self._limits(item, most)
        units = max(steps, 0) // unit
        count = min(-(-units // highest) if highest else 1, units // max(least, 1))
        if not count:
            return []
        made = min(units, count * highest) if highest else units
        return [size * unit for size in _even(made, _sane(count, item, steps))]

    def _limits(self, item: Item, most: int | None) -> tuple[int, int, int | None]:
        """The unit that batches are counted in, the fewest and the most units of one batch."""
        if self.exactly is not None:
            size = item.positive(self.exactly, "batch.exactly")
            if most is not None and most < size:
                raise self._too_small(item, most)
            return size, 1, 1
        unit = item.positive(self.multiple, "batch.multiple") if self.multiple else 1
        least = -(-item.positive(self.min, "batch.min") // unit) if self.min else 1
        highest = item.positive(self.max, "batch.max") // unit if self.max else None
        if highest is not None and highest < max(least, 1):
            raise InvalidInput("batch", self, "a max that holds at least the min and one multiple")
        if most is not None:
            if most // unit < max(least, 1):
                raise self._too_small(item, most)
            highest = most // unit if highest is None else min(highest, most // unit)
        return unit, least, highest

    def _too_small(self, item: Item, most: int) -> OutOfRange:
        wanted = self.exactly or self.min or self.multiple or item.smallest
        return OutOfRange("batch.vessel", self.vessel, f"a vessel that holds {wanted}; it holds {item.quantity(most)} of {item.code}")

    def smallest(self, item: Item, makes: int, most: int | None = None) -> int:
        """The smallest batch whose lines must be measurable: as limited, else what the recipe makes.

        >>> BatchSize(max="50 kg").smallest(Item("cream", unit="kg", step="1 g"), 10_000)
        10000
        """
        unit, least, highest = self._limits(item, most)
        if self.exactly is not None or self.min is not None:
            return unit * least
        return max(unit * least, min(makes, highest * unit) if highest else makes)


def _even(units: int, count: int) -> list[int]:
    """As equal as possible, larger ones first."""
    small, larger = divmod(units, count)
    return [small + (n < larger) for n in range(count)]


def _more(fewest: int, most: int) -> Iterator[int]:
    """Numbers of batches that are worth a try beyond the fewest."""
    most = min(most, max(MOST_FREELY, fewest))
    yield from range(fewest + 1, min(fewest + NEAR, most) + 1)
    count = 2 * (fewest + NEAR)
    while count <= most:
        yield count
        count *= 2


def _sane(count: int, item: Item, steps: int) -> int:
    if count > MOST_BATCHES:
        raise OutOfRange("amount", str(item.quantity(steps)), f"at most {MOST_BATCHES} batches of {item.code}")
    return count
