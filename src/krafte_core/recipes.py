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
from krafte_core.errors import InvalidInput, NotPositive, RecipeCycle, RoundsToNothing, Unknown
from krafte_core.items import Item, attributes, code, one_of
from krafte_core.quantities import Quantity, number, split

FOLLOWS = ("charge", "output")
WORST_ROUNDING = Fraction(1, 1000)
"""A measured line that its item's step cannot hold more exactly than this is refused when the recipe is registered."""
MOST_LINES = 10_000
MOST_LEVELS = 100


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
    return given if isinstance(given, Fraction) else Fraction(number(given, field))


def _loss(given: object) -> Fraction:
    share = percent(given, "loss")
    if not 0 <= share < 1:
        raise InvalidInput("loss", str(given), "at least 0 % and below 100 %")
    return share


def _overage(given: object) -> Fraction:
    share = percent(given, "overage")
    if share < 0:
        raise InvalidInput("overage", str(given), "at least 0 %")
    return share


def _yield(given: object) -> Fraction:
    share = percent(given, "process_yield")
    if not share > 0:
        raise InvalidInput("process_yield", str(given), "more than 0 %")
    return share


def _given(value: object) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, Quantity) else _refuse(value)


def _refuse(value: object) -> str:
    raise InvalidInput("amount", value, "an amount with its unit, such as '2.5 kg'")


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
    note: str = attrs.field(default="", kw_only=True)


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
    at: str | None = attrs.field(default=None, kw_only=True)
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

    exactly: str | None = None
    min: str | None = None
    max: str | None = None
    multiple: str | None = None

    def __attrs_post_init__(self) -> None:
        """Either exactly, or limits."""
        limits = [limit for limit in (self.min, self.max, self.multiple) if limit is not None]
        if (self.exactly is None) == (not limits):
            raise InvalidInput("batch", self, "either exactly, or any of min, max and multiple")

    def split(self, item: Item, steps: int) -> list[int]:
        """The batches that make at least so many steps: as few as possible, as equal as possible, larger ones first.

        What the limits make too much is free stock later. Without a limit it is one batch.

        >>> jar = Item("jar", unit="each")
        >>> BatchSize(max="50 each", multiple="5 each").split(jar, 104)
        [35, 35, 35]
        """
        if steps <= 0:
            return []
        if self.exactly is not None:
            size = item.positive(self.exactly, "batch.exactly")
            return [size] * -(-steps // size)
        unit = item.positive(self.multiple, "batch.multiple") if self.multiple else 1
        least = -(-item.positive(self.min, "batch.min") // unit) if self.min else 1
        most = item.positive(self.max, "batch.max") // unit if self.max else None
        if most is not None and most < max(least, 1):
            raise InvalidInput("batch", self, "a max that holds at least the min and one multiple")
        units = -(-steps // unit)
        count = -(-units // most) if most else 1
        small, larger = divmod(units, count)
        return [max(small + (n < larger), least) * unit for n in range(count)]


def _tuple(rows: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(rows)


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
    ingredients: tuple[Ingredient, ...] = attrs.field(default=(), kw_only=True, converter=_tuple)
    operations: tuple[Operation, ...] = attrs.field(default=(), kw_only=True, converter=_tuple)
    lead_time: Duration | None = attrs.field(default=None, kw_only=True, converter=elapsed)
    batch: BatchSize | None = attrs.field(default=None, kw_only=True)
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


@attrs.frozen
class Line:
    """A compiled line: its name within the recipe, the item, and the ratio of its steps to steps of the product."""

    ref: str
    item: str
    ratio: Fraction
    numerator: int
    denominator: int
    follows: str
    from_stock: bool


@attrs.frozen
class Formula:
    """A recipe in whole steps: its item, how many steps it makes, and its lines as exact ratios."""

    recipe: Recipe
    item: Item
    makes: int
    lines: tuple[Line, ...]

    def requirement(self, line: Line, steps: int) -> int:
        """Steps of the line's item for so many steps of the product: exact, rounded up once.

        >>> oil, soap = Item("oil", unit="kg", density="0.915 kg/L"), Item("soap", unit="each")
        >>> formula = compiled(Recipe("soap", makes="100 each", ingredients=[Ingredient("oil", "8 L")]), {"oil": oil, "soap": soap})
        >>> str(oil.quantity(formula.requirement(formula.lines[0], 200)))
        '14.64 kg'
        """
        return -(-steps * line.numerator // line.denominator)

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
    smallest = min(recipe.batch.split(product, 1)) if recipe.batch else makes
    lines: list[Line] = []
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
        same = sum(line.item == item.code for line in lines)
        ref = f"{item.code}/{same + 1}" if same else item.code
        parts = ratio.numerator, ratio.denominator
        lines.append(Line(ref, item.code, ratio, *parts, ingredient.follows, ingredient.from_stock))
    return Formula(recipe, product, makes, tuple(lines))


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
        raise RecipeCycle(tuple(error.args[1])) from None
    depth = dict.fromkeys(reversed(order), 0)
    for made in reversed(order):
        for item in graph.get(made, ()):
            depth[item] = max(depth[item], depth[made] + 1)
            if depth[item] > MOST_LEVELS:
                raise InvalidInput("recipe", made, f"at most {MOST_LEVELS} levels of recipes")
    return depth
