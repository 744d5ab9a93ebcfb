"""Recipes: what goes into a product, how it is made, and in which batches; scaled exactly, rounded once.

A recipe speaks the maker's units. `compiled` turns it into ratios of whole steps, once; from then on a requirement is one integer
multiplication and one division that rounds up, and no unit is looked at again.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.calendars import Calendar
from krafte_core.durations import Duration, duration
from krafte_core.errors import InvalidInput, NotPositive, OutOfRange, RecipeCycle, RoundsToNothing, Unknown
from krafte_core.items import MOST_STEPS, Item, attributes, code, note, one_of
from krafte_core.quantities import Scale, number, qty, split

FOLLOWS = ("charge", "output")
MOST_SHARE = 1000
WORST_ROUNDING = Fraction(1, 1000)
"""A measured line that its item's step cannot hold more exactly than this is refused when the recipe is registered."""
MOST_LINES = 10_000
MOST_LEVELS = 100
MOST_BATCHES = 100_000


def percent(given: object, field: str = "loss") -> Fraction:
    """A share from a text such as `"10 %"`, or from an exact number (`Decimal("0.1")`).

    Raises:
        InvalidInput: (`invalid_input`, `float_refused`, `unreadable_text`)

    >>> percent("2.5 %")
    Fraction(1, 40)
    """
    if isinstance(given, str):
        value, sign = split(given, field)
        if sign != "%":
            raise InvalidInput(field, given, "a percentage such as '10 %'")
        return Fraction(value) / 100
    return Fraction(given if isinstance(given, Fraction) else number(given, field))


def _loss(given: object) -> Fraction:
    share = percent(given, "loss")
    if not 0 <= share < 1:
        raise InvalidInput("loss", str(given), "at least 0 % and below 100 %")
    return share


def _overage(given: object) -> Fraction:
    share = percent(given, "overage")
    if not 0 <= share <= MOST_SHARE:
        raise InvalidInput("overage", str(given), f"from 0 % to {MOST_SHARE * 100} %")
    return share


def _yield(given: object) -> Fraction:
    share = percent(given, "process_yield")
    if not 1 / Fraction(MOST_SHARE) <= share <= MOST_SHARE:
        raise InvalidInput("process_yield", str(given), f"more than 0 %, at most {MOST_SHARE * 100} %")
    return share


def _given(value: object) -> str:
    """Text stays as it is until the item reads it, which knows its packs; a quantity becomes text."""
    return value if isinstance(value, str) else str(qty(value))


def _limit(value: object) -> str | None:
    return None if value is None else _given(value)


def _follows(value: str) -> str:
    return one_of(value, FOLLOWS, "follows")


@attrs.frozen
class Ingredient:
    """One line of a recipe.

    Args:
        item: what goes in.
        amount: how much for what the recipe makes, in any unit that the item has a bridge to.
        loss: the share that is lost on the way (peel, dust): the requirement is divided by 1 - loss.
        overage: the share added on purpose: the requirement is multiplied by 1 + overage.
        follows: `"charge"` goes into the charge whatever comes out; `"output"` goes on each piece (jars, labels).
        from_stock: taken from stock only, never made for this (a starter, rework); such a line may close a circle.

    >>> Ingredient("tomato", "0.6 kg", loss="10 %").loss
    Fraction(1, 10)
    """

    item: str = attrs.field(converter=code)
    amount: str = attrs.field(converter=_given)
    loss: Fraction = attrs.field(default=Fraction(0), kw_only=True, converter=_loss)
    overage: Fraction = attrs.field(default=Fraction(0), kw_only=True, converter=_overage)
    follows: str = attrs.field(default="charge", kw_only=True, converter=_follows)
    from_stock: bool = attrs.field(default=False, kw_only=True)
    note: str = attrs.field(default="", kw_only=True, converter=note)


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


@attrs.frozen(kw_only=True)
class BatchSize:
    """How much one batch makes: exactly so much, or between `min` and `max`, in multiples.

    Raises:
        InvalidInput: (`invalid_input`) `exactly` together with another, or nothing given.

    >>> BatchSize(exactly="100 each").exactly
    '100 each'
    """

    exactly: str | None = attrs.field(default=None, converter=_limit)
    min: str | None = attrs.field(default=None, converter=_limit)
    max: str | None = attrs.field(default=None, converter=_limit)
    multiple: str | None = attrs.field(default=None, converter=_limit)

    def __attrs_post_init__(self) -> None:
        """Either exactly, or limits."""
        limits = [limit for limit in (self.min, self.max, self.multiple) if limit is not None]
        if (self.exactly is None) == (not limits):
            raise InvalidInput("batch", self, "either exactly, or any of min, max and multiple")

    def split(self, item: Item, steps: int) -> list[int]:
        """The batches that make at least so many steps: as few as possible, as equal as possible, larger ones first.

        What the limits make too much is free stock later. Without a limit it is one batch.

        Raises:
            OutOfRange: (`out_of_range`) more than a hundred thousand batches: the size is a slip of the pen.

        >>> jar = Item("jar", unit="each")
        >>> BatchSize(max="50 each", multiple="5 each").split(jar, 104)
        [35, 35, 35]
        """
        if steps <= 0:
            return []
        if self.exactly is not None:
            size = item.positive(self.exactly, "batch.exactly")
            return [size] * _sane(-(-steps // size), item, steps)
        unit = item.positive(self.multiple, "batch.multiple") if self.multiple else 1
        least = -(-item.positive(self.min, "batch.min") // unit) if self.min else 1
        most = item.positive(self.max, "batch.max") // unit if self.max else None
        if most is not None and most < max(least, 1):
            raise InvalidInput("batch", self, "a max that holds at least the min and one multiple")
        units = -(-steps // unit)
        count = _sane(-(-units // most), item, steps) if most else 1
        small, larger = divmod(units, count)
        return [max(small + (n < larger), least) * unit for n in range(count)]

    def smallest(self, item: Item, makes: int) -> int:
        """The smallest batch whose lines must be measurable: as limited, else what the recipe makes.

        >>> BatchSize(max="50 kg").smallest(Item("cream", unit="kg", step="1 g"), 10_000)
        10000
        """
        least = min(self.split(item, 1))
        if self.exactly is not None or self.min is not None:
            return least
        return max(least, min(makes, item.positive(self.max, "batch.max") if self.max else makes))


def _sane(count: int, item: Item, steps: int) -> int:
    if count > MOST_BATCHES:
        raise OutOfRange("amount", str(item.quantity(steps)), f"at most {MOST_BATCHES} batches of {item.code}")
    return count


def _rows(rows: Any, field: str, kind: type[Any]) -> tuple[Any, ...]:
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise InvalidInput(field, rows, f"a list of {kind.__name__}")
    found = tuple(rows)
    for row in found:
        if not isinstance(row, kind):
            raise InvalidInput(field, row, f"a list of {kind.__name__}")
    return found


def _ingredients(rows: Iterable[Ingredient]) -> tuple[Ingredient, ...]:
    return _rows(rows, "ingredients", Ingredient)


def _operations(rows: Iterable[Operation]) -> tuple[Operation, ...]:
    return _rows(rows, "operations", Operation)


def _batch_size(value: Any) -> BatchSize | None:
    if value is not None and not isinstance(value, BatchSize):
        raise InvalidInput("batch", value, "a BatchSize, such as BatchSize(exactly='100 each')")
    return value


@attrs.frozen
class Recipe:
    """How an item is made.

    Args:
        item: what it makes; `makes`: how much, the amount that the lines are written for.
        ingredients, operations: the lines; or a plain `lead_time` instead of operations.
        batch: the sizes that can be made; default any.
        process_yield: what comes out of what should (`"95 %"`): the charge is divided by it.
        calendar: the calendar that working days of the lead time are counted on.
        code: the recipe's own name; default the item's code.
        attributes: the host's own.

    Raises:
        InvalidInput: (`invalid_input`, ...) naming the field.

    >>> Recipe("cream", makes="10 kg", ingredients=[Ingredient("beeswax", "2 kg")], lead_time="3 days").code
    'cream'
    """

    item: str = attrs.field(converter=code)
    makes: str = attrs.field(kw_only=True, converter=_given)
    ingredients: tuple[Ingredient, ...] = attrs.field(default=(), kw_only=True, converter=_ingredients)
    operations: tuple[Operation, ...] = attrs.field(default=(), kw_only=True, converter=_operations)
    lead_time: Duration | None = attrs.field(default=None, kw_only=True, converter=elapsed)
    batch: BatchSize | None = attrs.field(default=None, kw_only=True, converter=_batch_size)
    process_yield: Fraction = attrs.field(default=Fraction(1), kw_only=True, converter=_yield)
    calendar: Calendar | None = attrs.field(default=None, kw_only=True)
    code: str = attrs.field(default=attrs.Factory(lambda self: self.item, takes_self=True), kw_only=True, converter=code)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)

    def __attrs_post_init__(self) -> None:
        """A recipe has lines of a sane number and one way of telling its time."""
        if len(self.ingredients) > MOST_LINES:
            raise InvalidInput("ingredients", f"{len(self.ingredients)} lines", f"at most {MOST_LINES}")
        names = [operation.name for operation in self.operations]
        if len(set(names)) != len(names):
            raise InvalidInput("operations", names, "a name of its own for every operation")
        if self.operations and self.lead_time is not None:
            raise InvalidInput("lead_time", str(self.lead_time), "either operations or a plain lead time")
        if self.calendar is not None and not isinstance(self.calendar, Calendar):
            raise InvalidInput("calendar", self.calendar, "a Calendar")


@attrs.frozen
class Line:
    """A compiled line: its name within the recipe, the item and its scale, and the ratio of its steps to steps of the product."""

    ref: str
    item: str
    scale: Scale
    numerator: int
    denominator: int
    follows: str = "charge"
    from_stock: bool = False

    @property
    def ratio(self) -> Fraction:
        """Steps of the item for one step of the product."""
        return Fraction(self.numerator, self.denominator)

    def requirement(self, steps: int) -> int:
        """Steps of the item for so many steps of the product: exact, rounded up once.

        >>> from decimal import Decimal
        >>> Line("oil", "oil", Scale("kg", Decimal(1)), 1, 2).requirement(5)
        3
        """
        needed = -(-steps * self.numerator // self.denominator)
        if needed > MOST_STEPS:
            raise OutOfRange("amount", f"{needed} steps of {self.item}", f"at most {MOST_STEPS} steps")
        return needed


@attrs.frozen
class Formula:
    """A recipe in whole steps: its item, how many steps it makes, and its lines as exact ratios."""

    recipe: Recipe
    item: Item
    makes: int
    lines: tuple[Line, ...]

    def batches(self, steps: int) -> list[int]:
        """The batches that make at least so many steps.

        >>> jar = Item("jar", unit="each")
        >>> compiled(Recipe("jar", makes="1 each", batch=BatchSize(exactly="12 each")), {"jar": jar}).batches(13)
        [12, 12]
        """
        if self.recipe.batch is None:
            return [steps] if steps > 0 else []
        return self.recipe.batch.split(self.item, steps)

    def share(self, steps: int) -> Fraction:
        """How many times what the recipe makes.

        >>> jar = Item("jar", unit="each")
        >>> compiled(Recipe("jar", makes="4 each"), {"jar": jar}).share(6)
        Fraction(3, 2)
        """
        return Fraction(steps, self.makes)


def compiled(recipe: Recipe, items: Mapping[str, Item]) -> Formula:
    """The recipe as exact ratios of whole steps, checked against its items.

    Raises:
        Unknown: (`unknown`) an item that is not registered.
        NotPositive: (`not_positive`) a line or product of zero or less.
        RoundsToNothing: (`rounds_to_nothing`) a measured line whose step is too coarse: more than 0.1 % off in the smallest batch.
        And what `Item.exact` raises: a unit without bridge, text that is no amount.

    >>> salt, brine = Item("salt", unit="kg"), Item("brine", unit="kg")
    >>> recipe = Recipe("brine", makes="10 kg", ingredients=[Ingredient("salt", "1 kg", loss="20 %")])
    >>> compiled(recipe, {"salt": salt, "brine": brine}).lines[0].ratio
    Fraction(1, 8)
    """
    product = known(items, recipe.item)
    makes = product.positive(recipe.makes, f"recipe {recipe.code}: makes")
    smallest = recipe.batch.smallest(product, makes) if recipe.batch else makes
    lines: dict[str, Line] = {}
    count: dict[str, int] = {}
    for ingredient in recipe.ingredients:
        item = known(items, ingredient.item)
        field = f"recipe {recipe.code}: {ingredient.item}"
        exact = item.exact(ingredient.amount, field)
        if exact <= 0:
            raise NotPositive(field, ingredient.amount, "an amount above zero")
        ratio = exact / makes / (1 - ingredient.loss) * (1 + ingredient.overage)
        if ingredient.follows == "charge":
            ratio /= recipe.process_yield
        _representable(field, item, ratio * smallest)
        ref = item.code
        while ref in lines:
            count[item.code] = count.get(item.code, 1) + 1
            ref = f"{item.code}/{count[item.code]}"
        parts = ratio.numerator, ratio.denominator
        lines[ref] = Line(ref, item.code, item.scale, *parts, ingredient.follows, ingredient.from_stock)
    return Formula(recipe, product, makes, tuple(lines.values()))


def known(items: Mapping[str, Item], name: str) -> Item:
    """The item of this code.

    Raises:
        Unknown: (`unknown`) with the nearest names.

    >>> known({"lye": Item("lye", unit="kg")}, "lye").unit
    'kg'
    """
    found = items.get(name) if isinstance(name, str) else None
    if found is None:
        import difflib  # noqa: PLC0415 - only on the way to an error

        near = difflib.get_close_matches(str(name)[:100], [*items], 3, 0.5)
        raise Unknown("item", name, tuple(near) or tuple(sorted(items)[:8]))
    return found


def _representable(field: str, item: Item, exact: Fraction) -> None:
    """A counted good may be needed in parts and rounds up per batch; a measured one must be measurable."""
    if item.dimension != "count" and -(-exact.numerator // exact.denominator) - exact > exact * WORST_ROUNDING:
        tiny = f"{float(exact):.3g} steps"
        raise RoundsToNothing(field, tiny, f"an amount that steps of {item.smallest} hold within 0.1 %; give the item a finer step")


def levels(formulas: Mapping[str, Formula]) -> dict[str, int]:
    """The low-level code of every made item and its materials: 0 for what nothing else needs, deeper for what goes into others.

    Raises:
        RecipeCycle: (`recipe_cycle`) with the way round; lines that are `from_stock` do not count.

    >>> a, b = Item("a", unit="kg"), Item("b", unit="kg")
    >>> levels({"a": compiled(Recipe("a", makes="1 kg", ingredients=[Ingredient("b", "1 kg")]), {"a": a, "b": b})})
    {'a': 0, 'b': 1}
    """
    graph = {made: [line.item for line in formula.lines if not line.from_stock] for made, formula in formulas.items()}
    try:
        order = [*graphlib.TopologicalSorter(graph).static_order()]
    except graphlib.CycleError as error:
        raise RecipeCycle(tuple(reversed(error.args[1]))) from None  # graphlib tells it from the input to the product
    depth = dict.fromkeys(reversed(order), 0)
    for made in reversed(order):
        for item in graph.get(made, ()):
            depth[item] = max(depth[item], depth[made] + 1)
            if depth[item] > MOST_LEVELS:
                raise InvalidInput("recipe", made, f"at most {MOST_LEVELS} levels of recipes")
    return depth
