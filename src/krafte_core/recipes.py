"""Recipes: what goes into a product, how it is made, and in which batches; scaled exactly, rounded once.

A recipe speaks the maker's units. `compiled` turns it into ratios of whole steps, once; from then on a requirement is one integer
multiplication and one division that rounds up, and no unit is looked at again. Lines that do not grow evenly with the batch carry a
`Rule` besides. What a line may say stands in `krafte_core.ingredients`, how lines are worked out together in `krafte_core.solving`.
"""

from __future__ import annotations

import graphlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.batches import BatchSize as BatchSize
from krafte_core.batches import Split
from krafte_core.calendars import Calendar
from krafte_core.durations import Duration
from krafte_core.errors import InvalidInput, NotPositive, OutOfRange, RecipeCycle, RoundsToNothing, Unknown, Unsolvable
from krafte_core.growth import Sum, stretched, times
from krafte_core.ingredients import Ingredient as Ingredient
from krafte_core.ingredients import Output as Output
from krafte_core.ingredients import Substitute as Substitute
from krafte_core.ingredients import given, limit, rows, shelf_life
from krafte_core.items import MOST_STEPS, Item, attributes, code, one_of
from krafte_core.lines import Coming as Coming
from krafte_core.lines import Line as Line
from krafte_core.lines import Stand as Stand
from krafte_core.lines import in_ratio, vessel_limit
from krafte_core.operations import Operation as Operation
from krafte_core.operations import elapsed as elapsed
from krafte_core.quantities import exactly, qty
from krafte_core.roles import check_roles
from krafte_core.shares import loss, overage, process_yield
from krafte_core.shares import percent as percent
from krafte_core.solving import Solver, per_base
from krafte_core.tables import html, text

WORST_ROUNDING = Fraction(1, 1000)
"""A measured line that its item's step cannot hold more exactly than this is refused when the recipe is registered."""
MOST_LINES = 10_000
MOST_LEVELS = 100


def _ingredients(found: Iterable[Ingredient]) -> tuple[Ingredient, ...]:
    return rows(found, "ingredients", Ingredient)


def _operations(found: Iterable[Operation]) -> tuple[Operation, ...]:
    return rows(found, "operations", Operation)


def _outputs(found: Iterable[Output]) -> tuple[Output, ...]:
    return rows(found, "outputs", Output)


def _batch_size(value: Any) -> BatchSize | None:
    if value is not None and not isinstance(value, BatchSize):
        raise InvalidInput("batch", value, "a BatchSize, such as BatchSize(exactly='100 each')")
    return value


def _valid_from(value: date | None) -> date | None:
    return _day(value, "valid_from")


def _valid_until(value: date | None) -> date | None:
    return _day(value, "valid_until")


def _day(value: date | None, field: str) -> date | None:
    if value is not None and type(value) is not date:
        raise InvalidInput(field, value, "a date")
    return value


def _expiry(value: str) -> str:
    return one_of(value, ("process", "ingredients"), "expiry")


def _preference(value: Any) -> int:
    if type(value) is not int or abs(value) > MOST_STEPS:
        raise InvalidInput("preference", value, "a whole number; the larger is preferred")
    return value


@attrs.frozen
class Recipe:
    """How an item is made.

    Args:
        item: what it makes; `makes`: how much, the amount that the lines are written for.
        ingredients, operations: the lines; or a plain `lead_time` instead of operations.
        batch: the sizes that can be made; default any.
        charge: the total of what goes in for what it makes (`"12 kg"`): percentages and the balance count on it; default what it
            makes.
        loss, overage, process_yield: of the whole charge, as on a line: what comes out of what should (`"95 %"`) enlarges the charge.
            The yield may be told operation by operation instead.
        outputs: what comes out besides; `apart` takes the item apart instead of making it, and the outputs are all that comes out.
        phantom: the item is never stocked: who needs it needs these lines instead.
        valid_from, valid_until: the first and last day of this version; `smallest`, `largest`: the amounts it is meant for.
        preference: among versions that all fit, the larger is taken.
        shelf_life: how long what was made is good, in elapsed time from the day of the process.
        expiry: `"process"` counts the shelf life only; with `"ingredients"` it is good no longer than the lots that went in, either.
        calendar: the calendar that working days of the lead time are counted on.
        code: the recipe's own name; default the item's code.
        attributes: the host's own.

    Raises:
        InvalidInput: (`invalid_input`, ...) naming the field.

    >>> Recipe("cream", makes="10 kg", ingredients=[Ingredient("beeswax", "2 kg")], lead_time="3 days").code
    'cream'
    """

    item: str = attrs.field(converter=code)
    makes: str = attrs.field(kw_only=True, converter=given)
    ingredients: tuple[Ingredient, ...] = attrs.field(default=(), kw_only=True, converter=_ingredients)
    operations: tuple[Operation, ...] = attrs.field(default=(), kw_only=True, converter=_operations)
    lead_time: Duration | None = attrs.field(default=None, kw_only=True, converter=elapsed)
    batch: BatchSize | None = attrs.field(default=None, kw_only=True, converter=_batch_size)
    charge: str | None = attrs.field(default=None, kw_only=True, converter=limit)
    loss: Fraction = attrs.field(default=Fraction(0), kw_only=True, converter=loss)
    overage: Fraction = attrs.field(default=Fraction(0), kw_only=True, converter=overage)
    process_yield: Fraction = attrs.field(default=Fraction(1), kw_only=True, converter=process_yield)
    outputs: tuple[Output, ...] = attrs.field(default=(), kw_only=True, converter=_outputs)
    apart: bool = attrs.field(default=False, kw_only=True)
    phantom: bool = attrs.field(default=False, kw_only=True)
    valid_from: date | None = attrs.field(default=None, kw_only=True, converter=_valid_from)
    valid_until: date | None = attrs.field(default=None, kw_only=True, converter=_valid_until)
    smallest: str | None = attrs.field(default=None, kw_only=True, converter=limit)
    largest: str | None = attrs.field(default=None, kw_only=True, converter=limit)
    preference: int = attrs.field(default=0, kw_only=True, converter=_preference)
    shelf_life: Duration | None = attrs.field(default=None, kw_only=True, converter=shelf_life)
    expiry: str = attrs.field(default="process", kw_only=True, converter=_expiry)
    calendar: Calendar | None = attrs.field(default=None, kw_only=True)
    code: str = attrs.field(default=attrs.Factory(lambda self: self.item, takes_self=True), kw_only=True, converter=code)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)
    elaborate: bool = attrs.field(init=False, eq=False, repr=False)
    centers: tuple[str, ...] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """A recipe has lines of a sane number and one way of telling its time."""
        object.__setattr__(self, "elaborate", any(operation.elaborate for operation in self.operations))
        object.__setattr__(self, "centers", tuple(dict.fromkeys(code for one in self.operations for code in one.centers)))
        if len(self.ingredients) > MOST_LINES:
            raise InvalidInput("ingredients", f"{len(self.ingredients)} lines", f"at most {MOST_LINES}")
        names = [name for operation in self.operations for name in operation.names]
        if len(set(names)) != len(names):
            raise InvalidInput("operations", names, "a name of its own for every operation")
        if self.operations and self.operations[-1].spoils_after is not None:
            last = self.operations[-1].name
            raise InvalidInput(
                "spoils_after", last, "an operation that another one follows; a shelf life says how long the product lasts"
            )
        if self.operations and self.operations[-1].transfer is not None:
            raise InvalidInput(
                "transfer", self.operations[-1].name, "an operation that another one follows, to which parts are handed on"
            )
        if self.process_yield != 1 and any(one.process_yield != 1 for one in self.operations):
            raise InvalidInput("process_yield", str(self.process_yield), "either that of the recipe or those of its operations")
        if self.operations and self.lead_time is not None:
            raise InvalidInput("lead_time", str(self.lead_time), "either operations or a plain lead time")
        if self.calendar is not None and not isinstance(self.calendar, Calendar):
            raise InvalidInput("calendar", self.calendar, "a Calendar")
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise InvalidInput("valid_until", self.valid_until, f"a day not before {self.valid_from}")
        if self.phantom:
            self._check_phantom()
        self._check_outputs()

    def _check_phantom(self) -> None:
        if self.operations or self.lead_time or self.batch or self.outputs or self.apart:
            raise InvalidInput("phantom", self.item, "lines only: work, batches and outputs belong to what is really made")
        kept = (self.shelf_life, self.valid_from, self.valid_until, self.smallest, self.largest)
        if any(one is not None for one in kept) or self.preference or self.expiry != "process":
            raise InvalidInput("phantom", self.item, "no dates, sizes, preference or shelf life: those of what it goes into count")

    def _check_outputs(self) -> None:
        items = [output.item for output in self.outputs]
        if len(set(items)) != len(items) or self.item in items:
            raise InvalidInput("outputs", items, f"other items than {self.item}, each once")
        costs = sum([output.cost for output in self.outputs], Fraction(0))
        if costs > 1 or (self.apart and costs != 1):
            wanted = "100 % in all" if self.apart else "at most 100 % in all"
            raise InvalidInput("outputs", f"{float(costs * 100):.6g} %", f"cost shares of {wanted}")
        if self.apart and self.batch is not None and self.batch.vessel is not None:
            raise InvalidInput("batch", self.batch, "sizes of what is taken apart, without a vessel")
        if self.apart and self.enlarged != 1:
            raise InvalidInput("process_yield", self.item, "losses of what is taken apart told on its outputs")

    def __str__(self) -> str:
        """A table: one line per ingredient with its share of the charge, then what comes out besides, then the work.

        >>> print(Recipe("balm", makes="2 kg", ingredients=[Ingredient("shea", "70 %"), Ingredient("wax", "q.s.")]))
        balm: makes 2 kg
        line  amount    %
        shea    70 %  70%
        wax     q.s.  30%
        """
        return text(*_table(self))

    def _repr_html_(self) -> str:
        return html(*_table(self))

    @property
    def enlarged(self) -> Fraction:
        """How many times larger the charge is because of the recipe's own loss, overage and yield, or those of its operations.

        >>> Recipe("cream", makes="1 kg", process_yield="80 %").enlarged
        Fraction(5, 4)
        """
        kept = math.prod([one.process_yield for one in self.operations], start=self.process_yield)
        return 1 / kept if not self.loss and not self.overage else (1 + self.overage) / ((1 - self.loss) * kept)

    @property
    def sized(self) -> bool:
        """Whether it is meant for some amounts only."""
        return bool(self.smallest or self.largest) or (self.batch is not None and self.batch.whole)

    def on(self, day: date) -> bool:
        """Whether this version is valid on that day.

        >>> Recipe("cream", makes="1 kg", valid_from=date(2026, 1, 1)).on(date(2025, 12, 31))
        False
        """
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_until is None or day <= self.valid_until)


@attrs.frozen
class Formula:
    """A recipe in whole steps: its item, how many steps it makes, its lines as exact ratios, what comes out besides.

    `most` is what one batch may make at most because of the vessel; `measure` says whether the charge is told by mass or by volume.
    `by_choice` says that what goes in depends on what is there: on the content of the lots, or on which substitute is in stock.
    """

    recipe: Recipe
    item: Item
    makes: int
    lines: tuple[Line, ...]
    outputs: tuple[Coming, ...] = ()
    most: int | None = None
    measure: str = "mass"
    by_choice: bool = False

    def batches(self, steps: int) -> list[int]:
        """The batches that make at least so many steps.

        >>> jar = Item("jar", unit="each")
        >>> compiled(Recipe("jar", makes="1 each", batch=BatchSize(exactly="12 each")), {"jar": jar}).batches(13)
        [12, 12]
        """
        if self.recipe.batch is None:
            return [steps] if steps > 0 else []
        return self.recipe.batch.split(self.item, steps, self.most)

    def ways(self, steps: int) -> Iterator[list[int]]:
        """The ways of splitting so many steps over batches, of the fewest first; see `BatchSize.ways`."""
        return iter((self.batches(steps),)) if self.recipe.batch is None else self.recipe.batch.ways(self.item, steps, self.most)

    @property
    def freely(self) -> bool:
        """Whether a need may be made in more and smaller batches than necessary."""
        return self.recipe.batch is not None and self.recipe.batch.splits == "freely"

    @property
    def at_once(self) -> int | None:
        """The most that is made for one need, where it is never split; None for no limit."""
        return None if self.recipe.batch is None else self.recipe.batch.at_once(self.item, self.most)

    def bringing(self, coming: Coming, steps: int) -> list[int]:
        """The batches that bring at least so many steps of one of its outputs.

        >>> items = {"cheese": Item("cheese", unit="kg", step="1 kg"), "whey": Item("whey", unit="L", step="1 L")}
        >>> made = compiled(Recipe("cheese", makes="10 kg", outputs=[Output("whey", "80 L")]), items)
        >>> made.bringing(made.outputs[0], 20)
        [3]
        """
        size = coming.making(steps)
        sizes = self.batches(size)
        while (short := steps - sum([coming.expected(one) for one in sizes])) > 0:
            size += coming.making(short)
            sizes = self.batches(size)
        return sizes

    def plan(self, amount: object, rest: str = "over") -> Split:
        """How an amount is split over batches, and what becomes of a rest that no batch fits (`over`, `short` or `refuse`).

        Raises:
            NotPositive: (`not_positive`), NotWholeSteps: (`not_whole_steps`), OutOfRange: (`out_of_range`)

        >>> jar = Item("jar", unit="each")
        >>> str(compiled(Recipe("jar", makes="1 each", batch=BatchSize(exactly="12 each")), {"jar": jar}).plan("13 each"))
        '13 each: 12 each, 12 each; 11 each more than wanted'
        """
        steps = self.item.positive(amount)
        if self.recipe.batch is None:
            return Split(self.item.scale, steps, (steps,))
        return self.recipe.batch.plan(self.item, steps, rest, self.most)

    def share(self, steps: int) -> Fraction:
        """How many times what the recipe makes.

        >>> jar = Item("jar", unit="each")
        >>> compiled(Recipe("jar", makes="4 each"), {"jar": jar}).share(6)
        Fraction(3, 2)
        """
        return Fraction(steps, self.makes)

    def line(self, name: str) -> Line:
        """The line of this name, or the first for this item.

        Raises:
            InvalidInput: (`invalid_input`) with the lines that there are.

        >>> jar, lid = Item("jar", unit="each"), Item("lid", unit="each")
        >>> made = compiled(Recipe("jar", makes="4 each", ingredients=[Ingredient("lid", "4 each")]), {"jar": jar, "lid": lid})
        >>> made.line("lid").ref
        'lid'
        """
        found = [line for line in self.lines if line.ref == name] or [line for line in self.lines if line.item == name]
        if not found:
            raise InvalidInput("line", name, "one of " + ", ".join(line.ref for line in self.lines))
        return found[0]


def compiled(recipe: Recipe, items: Mapping[str, Item]) -> Formula:
    """The recipe as exact ratios of whole steps, checked against its items.

    Raises:
        Unknown: (`unknown`) an item that is not registered, a group or a formula that nobody knows.
        NotPositive: (`not_positive`) a line or product of zero or less.
        Unsolvable: (`recipe_unsolvable`) lines that conflict, or too little is said.
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
    for size in (recipe.smallest, recipe.largest):
        if size is not None:
            product.positive(size, f"recipe {recipe.code}: size")
    taken = (Ingredient(recipe.item, recipe.makes), *recipe.ingredients) if recipe.apart else recipe.ingredients
    for operation in recipe.operations if recipe.elaborate else ():
        if operation.transfer is not None:
            product.positive(operation.transfer, f"recipe {recipe.code}: transfer of {operation.name}")
    here = f" in recipe {recipe.code}"
    listed = [(ingredient, known(items, ingredient.item, here)) for ingredient in taken]
    solver = Solver(recipe.code, product, makes, recipe.charge, listed)
    sums = solver.solved()
    enlarged, lines = recipe.enlarged, dict[str, Line]()
    for (ingredient, item), net in zip(listed, sums, strict=True):
        total = _with_losses(ingredient, net, enlarged)
        ref = _ref(item.code, lines)
        lines[ref] = _line(recipe.code, ingredient, item, ref, total, solver.measure, items)
    most = None
    if recipe.batch is not None and recipe.batch.vessel is not None:
        weighed = [(line, item) for line, (_, item) in zip(lines.values(), listed, strict=True)]
        most = vessel_limit(recipe.batch, product, makes, weighed, f"recipe {recipe.code}: batch.vessel")
        smallest = recipe.batch.smallest(product, makes, most)
    for line, (ingredient, item) in zip(lines.values(), listed, strict=True):
        _measurable(recipe, product, ingredient, item, line, smallest)
    outputs = tuple([_coming(recipe, output, known(items, output.item, here), makes) for output in recipe.outputs])
    check_roles(recipe.code, lines.values(), solver.measure)
    return Formula(recipe, product, makes, tuple(lines.values()), outputs, most, solver.measure, by_choice(lines.values()))


def by_choice(lines: Iterable[Line]) -> bool:
    """Whether what goes in depends on the lots that are there: on their content, or on which substitute is in stock.

    >>> by_choice([])
    False
    """
    return any(line.substitutes or (line.origin is not None and line.origin.potency) for line in lines)


def _table(recipe: Recipe) -> tuple[str, Sequence[str], list[Sequence[str]]]:
    shares = [_share(recipe, one) for one in recipe.ingredients]
    told = [share for share in shares if share is not None]
    rows: list[Sequence[str]] = []
    for one, share in zip(recipe.ingredients, shares, strict=True):
        if one.kind == "balance" and len(told) == len([line for line in recipe.ingredients if line.follows == "charge"]) - 1:
            share = 1 - sum(told, Fraction(0))  # noqa: PLW2901 - what the others leave
        losses = [f"{name.replace('_', ' ')} {_shown(getattr(one, name))}" for name in _LOSSES if getattr(one, name) != _LOSSES[name]]
        rows.append((one.item, " ".join([str(one), *losses]), "" if share is None else _shown(share)))
    rows += [(f"+ {one.item}", one.amount, f"cost {_shown(one.cost)}" if one.cost else "") for one in recipe.outputs]
    for operation in recipe.operations:
        parts = [
            f"{operation.setup} setup" if operation.setup else "",
            str(operation.run or ""),
            f"wait {operation.wait}" if operation.wait else "",
            f"handed on by {operation.transfer}" if operation.transfer else "",
            f"spoils after {operation.spoils_after}" if operation.spoils_after else "",
            f"yield {_shown(operation.process_yield)}" if operation.process_yield != 1 else "",
        ]
        told_time = ", ".join(filter(None, parts)).replace(" working time", "")
        crew = f" with {operation.hands} of {operation.people}" if operation.people else ""
        places = " or ".join(filter(None, (operation.at, *operation.alternatives)))
        rows.append((f"* {operation.name}", told_time, f"at {places}{crew}" if places else ""))
    losses = [
        f", {name.replace('_', ' ')} {_shown(getattr(recipe, name))}" for name in _LOSSES if getattr(recipe, name) != _LOSSES[name]
    ]
    verb = "takes apart" if recipe.apart else "makes"
    name = recipe.item if recipe.code == recipe.item else f"{recipe.item} ({recipe.code})"
    return f"{name}: {verb} {recipe.makes}" + "".join(losses), ("line", "amount", "%"), rows


_LOSSES = {"loss": 0, "overage": 0, "process_yield": 1}
"""The three factors, and where each changes nothing."""


def _shown(share: Fraction) -> str:
    return f"{float(share * 100):.4g}%"


def _share(recipe: Recipe, ingredient: Ingredient) -> Fraction | None:
    """The share of a line in the charge, as far as the recipe tells it without looking at items."""
    if ingredient.kind == "percent" and ingredient.of is None:
        return percent(ingredient.amount)
    if ingredient.kind != "amount" or ingredient.follows == "output" or ingredient.per != "amount":
        return None
    try:
        whole, part = qty(recipe.charge or recipe.makes), qty(ingredient.amount)
    except InvalidInput:  # a pack that only an item knows
        return None
    return part.exact / whole.exact if part.dimension == whole.dimension != "count" and whole.value > 0 else None


def _with_losses(ingredient: Ingredient, net: Sum, enlarged: Fraction) -> Sum:
    """All factors, exactly: those of the line enlarge the line, those of the recipe enlarge the batch that it is for."""
    total = net
    if ingredient.overage or ingredient.loss or ingredient.process_yield != 1:
        total = times(net, (1 + ingredient.overage) / ((1 - ingredient.loss) * ingredient.process_yield))
    return total if enlarged == 1 or ingredient.follows == "output" else stretched(total, enlarged)


def _ref(item: str, lines: Mapping[str, Line]) -> str:
    ref, count = item, 1
    while ref in lines:
        count += 1
        ref = f"{item}/{count}"
    return ref


def _line(recipe: str, ingredient: Ingredient, item: Item, ref: str, total: Sum, measure: str, items: Mapping[str, Item]) -> Line:
    multiple = (
        item.positive(ingredient.multiple, f"recipe {recipe}: multiple of {item.code}") if ingredient.multiple is not None else 1
    )
    unit = _unit(ingredient, item)
    stands = []
    for one in ingredient.substitutes:
        other = known(items, one.item, f" in recipe {recipe} beside {item.code}")
        as_told = other.exact(f"1 {unit}", f"recipe {recipe}: {one.item} instead of {item.code}")
        stands.append(Stand(one.item, other.scale, one.ratio * as_told / item.ratio(unit)))
    says_more = ingredient.potency or ingredient.compensates or ingredient.fills or ingredient.kind == "balance"
    numerator, denominator, rule = in_ratio(total, multiple)
    kept = (1 - ingredient.loss) * ingredient.process_yield if ingredient.loss else ingredient.process_yield
    return Line(
        ref, item.code, item.scale, numerator, denominator, ingredient.follows, ingredient.from_stock, rule,
        unit=unit, per_unit=item.ratio(unit), per_base=per_base(item, measure),
        kept=kept, phantom=ingredient.phantom,
        substitutes=tuple(stands), origin=ingredient if says_more else None,
    )  # fmt: skip


def _unit(ingredient: Ingredient, item: Item) -> str:
    """The unit that the line is told in; shares are told in the item's own."""
    text = ingredient.table[0][1] if ingredient.table else ingredient.amount
    return exactly(text)[1] if ingredient.kind in ("amount", "table") else item.unit


def _measurable(recipe: Recipe, item_of_batch: Item, ingredient: Ingredient, item: Item, line: Line, smallest: int) -> None:
    field = f"recipe {recipe.code}: {item.code}"
    try:
        exact = line.exact(smallest)
    except OutOfRange as problem:
        raise beyond(recipe, item_of_batch, line, smallest, problem) from None
    if exact <= 0 and line.rule is not None and ingredient.kind != "balance":
        raise NotPositive(field, str(ingredient), "an amount above zero in the smallest batch")
    if exact < 0:
        try:
            line.requirement(smallest)
        except Unsolvable as problem:
            raise beyond(recipe, item_of_batch, line, smallest, problem) from None
    _representable(field, item, exact)


def beyond(recipe: Recipe, product: Item, line: Line, steps: int, problem: Unsolvable | OutOfRange) -> Unsolvable | OutOfRange:
    """The same error, told with the recipe and the amount of the batch: a batch that a line has no figure for.

    >>> bar, salt = Item("bar", unit="each"), Item("salt", unit="each")
    >>> line = Ingredient("salt", table={"10 each": "5 each", "20 each": "8 each"})
    >>> made = compiled(Recipe("bar", makes="10 each", ingredients=[line]), {"bar": bar, "salt": salt})
    >>> str(beyond(made.recipe, bar, made.lines[0], 5, OutOfRange("table", "half", "")))
    "recipe bar: salt: got '5 each', expected a batch of 10 each to 20 each, as its table goes"
    """
    amount = product.quantity(steps)
    if isinstance(problem, Unsolvable):
        told = f"a batch of {amount} leaves no room for {line.item}"
        return Unsolvable(recipe.code, (line.ref,), told, problem.by, problem.fix)
    points = [size for growth, _ in line.rule.growths for size, _ in growth.points] if line.rule else []
    if not points:
        return problem
    low, high = product.quantity(math.ceil(min(points))), product.quantity(math.floor(max(points)))
    return OutOfRange(f"recipe {recipe.code}: {line.ref}", str(amount), f"a batch of {low} to {high}, as its table goes")


def _coming(recipe: Recipe, output: Output, item: Item, makes: int) -> Coming:
    field = f"recipe {recipe.code}: {output.item}"
    exact = item.exact(output.amount, field)
    if exact <= 0:
        raise NotPositive(field, output.amount, "an amount above zero")
    ratio = exact / makes * output.process_yield
    return Coming(item.code, item.scale, ratio.numerator, ratio.denominator, output.cost)


def known(items: Mapping[str, Item], name: str, where: str = "") -> Item:
    """The item of this code; `where` it is named is told in the error.

    Raises:
        Unknown: (`unknown`) with the nearest names.

    >>> known({"lye": Item("lye", unit="kg")}, "lye").unit
    'kg'
    """
    found = items.get(name) if isinstance(name, str) else None
    if found is None:
        import difflib  # noqa: PLC0415 - only on the way to an error

        near = difflib.get_close_matches(str(name)[:100], [*items], 3, 0.5)
        raise Unknown(f"item{where}", name, tuple(near) or tuple(sorted(items)[:8]))
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
    graph = {made: inputs(formula) for made, formula in formulas.items()}
    wanted_by: dict[str, int] = {}
    for needed in graph.values():
        for item in needed:
            wanted_by[item] = wanted_by.get(item, 0) + 1
    order = [made for made in formulas if made not in wanted_by]
    depth = dict.fromkeys([*formulas, *wanted_by], 0)
    for made in order:  # grows while it is read
        below = depth[made] + 1
        for item in graph.get(made, ()):
            depth[item] = max(depth[item], below)
            wanted_by[item] -= 1
            if not wanted_by[item]:
                order.append(item)
    if len(order) < len(depth):
        raise _cycle(graph)
    deepest = max(order, key=depth.__getitem__, default=None)
    if deepest is not None and depth[deepest] > MOST_LEVELS:
        raise InvalidInput("recipe", deepest, f"at most {MOST_LEVELS} levels of recipes")
    return {item: depth[item] for item in order}


def inputs(formula: Formula) -> list[str]:
    """The items that may have to be made for the formula: of every line that is not taken from stock only, with its substitutes.

    >>> dough = Item("dough", unit="kg")
    >>> inputs(compiled(Recipe("dough", makes="10 kg", ingredients=[Ingredient("dough", "1 kg", from_stock=True)]), {"dough": dough}))
    []
    """
    found = []
    for line in formula.lines:
        if not line.from_stock:
            found.append(line.item)
            if line.substitutes:
                found += [stand.item for stand in line.substitutes]
    return found


def _cycle(graph: Mapping[str, Iterable[str]]) -> RecipeCycle:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return RecipeCycle(tuple(reversed(error.args[1])))  # graphlib tells it from the input to the product
    raise AssertionError("levels saw a circle that is none")
