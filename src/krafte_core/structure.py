"""Structure: recipes within recipes. What a product needs over all its levels, where an item is used, how much can be made now.

Everything is worked out level by level along the low-level codes, so that an item that is needed on several ways is looked at once,
when all its needs are known: its stock is netted once, and it is made once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from krafte_core.errors import InvalidInput, OutOfRange, Unknown, Unsolvable
from krafte_core.growth import stretched
from krafte_core.items import MOST_STEPS
from krafte_core.lines import Line, in_ratio
from krafte_core.quantities import Quantity, Scale
from krafte_core.recipes import Formula, by_choice, inputs, levels
from krafte_core.roles import check_roles
from krafte_core.tables import html, text

if TYPE_CHECKING:
    import networkx

_new = tuple.__new__  # half the cost of a NamedTuple's own constructor, in the loop over every line


class Required(NamedTuple):
    """What an explosion says of one item, in whole steps: all that is needed, from stock, to make, and what its batches make."""

    item: str
    level: int
    scale: Scale
    gross: int
    stock: int
    net: int
    makes: int
    has_recipe: bool

    @property
    def required(self) -> Quantity:
        """All that is needed of it."""
        return self.scale.quantity(self.gross)

    @property
    def from_stock(self) -> Quantity:
        """What stock covers."""
        return self.scale.quantity(self.stock)

    @property
    def to_make(self) -> Quantity:
        """What must be made; its batches may make more."""
        return self.scale.quantity(self.net if self.has_recipe else 0)

    @property
    def missing(self) -> Quantity:
        """What nobody makes and stock does not have: to buy."""
        return self.scale.quantity(0 if self.has_recipe else self.net)


class Use(NamedTuple):
    """A line in which an item is used: the product, the line, steps of the item for one step of the product, how many levels up."""

    product: str
    ref: str
    ratio: Fraction
    levels: int = 1


@attrs.frozen
class Explosion:
    """What a demand needs over all levels, products first. Print it, or show it in a notebook.

    `only` are the steps that lines want from stock alone (a starter, rework) and stock does not have.
    """

    wanted: tuple[tuple[str, int], ...]
    rows: tuple[Required, ...]
    only: tuple[tuple[str, int], ...] = ()

    def row(self, item: str) -> Required:
        """What is needed of this item.

        Raises:
            InvalidInput: (`invalid_input`) with the items that are needed.
        """
        for row in self.rows:
            if row.item == item:
                return row
        raise InvalidInput("item", item, "one of " + ", ".join(row.item for row in self.rows[:20]))

    @property
    def missing(self) -> Mapping[str, int]:
        """Steps per item that must be bought, or that lines want from stock and stock does not have."""
        short = {row.item: row.net for row in self.rows if not row.has_recipe and row.net}
        for item, steps in self.only:
            short[item] = short.get(item, 0) + steps
        return short

    @property
    def leaves(self) -> Mapping[str, int]:
        """The flat list: steps needed of everything that is not made."""
        return {row.item: row.gross for row in self.rows if not row.has_recipe and row.gross}

    def _table(self) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
        scales = {row.item: row.scale for row in self.rows}
        title = "for " + ", ".join(f"{scales[item].quantity(steps)} of {item}" for item, steps in self.wanted[:5])
        head = ("item", "level", "required", "from stock", "to make", "batches make", "missing")
        rows = [
            (
                ". " * row.level + row.item, str(row.level), str(row.required), _blank(row.from_stock), _blank(row.to_make),
                _blank(row.scale.quantity(row.makes)), _blank(row.missing),
            )
            for row in self.rows
        ]  # fmt: skip
        return title, head, rows

    def __str__(self) -> str:
        """A table: one line per item, indented by its level."""
        return text(*self._table())

    def _repr_html_(self) -> str:
        return html(*self._table())


def _blank(amount: Quantity) -> str:
    return "" if amount.is_zero else str(amount)


class Structure:
    """All recipes as one structure, ready to be asked; built once for a set of formulas.

    Raises:
        RecipeCycle: (`recipe_cycle`) with the way round.

    >>> from krafte_core.items import Item
    >>> from krafte_core.recipes import Ingredient, Recipe, compiled
    >>> items = {name: Item(name, unit="each") for name in ("table", "leg")}
    >>> table = compiled(Recipe("table", makes="1 each", ingredients=[Ingredient("leg", "4 each")]), items)
    >>> structure = Structure({"table": table})
    >>> structure.explode({"table": 3}).row("leg").required
    Quantity('12 each')
    >>> structure.buildable("table", {"leg": 10}).amount
    Quantity('2 each')
    """

    def __init__(self, formulas: Mapping[str, Formula]) -> None:
        """Find the order in which every item comes after all that need it."""
        self.formulas = formulas
        self.levels = levels(formulas)

    # downwards --------------------------------------------------------------------------------------------------------

    def explode(self, wanted: Mapping[str, int], stock: Mapping[str, int] | None = None, *, use_own_stock: bool = True) -> Explosion:
        """What is needed of everything, level by level, stock netted once, batches in the sizes that their recipes allow.

        Args:
            wanted: steps per product.
            stock: steps per item that may be used; default nothing.
            use_own_stock: whether stock of what is wanted counts as well; False makes all of it.

        Raises:
            Unknown: (`unknown`) a product that no recipe makes or uses. OutOfRange: (`out_of_range`) more than 64 bits of steps.

        >>> Structure({}).explode({}).rows
        ()
        """
        have = dict(stock or {}) if use_own_stock else {item: steps for item, steps in (stock or {}).items() if item not in wanted}
        rows, only = self._level_by_level(wanted, have)
        kept: dict[str, int] = {}
        while only:  # what lines want from stock alone is kept for them, and more of the item is made instead
            left = {row.item: row.stock for row in rows if row.item in only}
            short = {item: steps - (stock or {}).get(item, 0) + left.get(item, 0) for item, steps in only.items()}
            more = {item: min(only[item], have.get(item, 0)) for item, steps in short.items() if steps > 0}
            if all(kept.get(item, 0) >= steps for item, steps in more.items()):
                return Explosion(tuple(wanted.items()), rows, tuple((item, steps) for item, steps in short.items() if steps > 0))
            kept |= more
            rows, only = self._level_by_level(wanted, have | {item: have[item] - steps for item, steps in kept.items()})
        return Explosion(tuple(wanted.items()), rows)

    def _level_by_level(self, wanted: Mapping[str, int], have: Mapping[str, int]) -> tuple[tuple[Required, ...], dict[str, int]]:
        """The rows, and what lines want from stock alone."""
        needs = self._wanted(wanted)
        only: dict[str, int] = {}
        scales: dict[str, Scale] = {}
        formulas = self.formulas
        rows = []
        for item, level in self.levels.items():
            gross = needs.get(item)
            if gross is None:
                continue
            if gross > MOST_STEPS:
                raise OutOfRange("amount", f"{gross} steps of {item}", f"at most {MOST_STEPS} steps of anything")
            there = have.get(item, 0)
            taken = gross if gross < there else max(0, there)
            net, makes = gross - taken, 0
            formula = formulas.get(item)
            if formula is None:
                scale = scales[item]
            else:
                scale = formula.item.scale
                if net > 0:
                    makes = _add_lines(formula, net, needs, only, scales)
            rows.append(_new(Required, (item, level, scale, gross, taken, net, makes, formula is not None)))
        return tuple(rows), only

    def _wanted(self, wanted: Mapping[str, int]) -> dict[str, int]:
        for item, steps in wanted.items():
            if item not in self.formulas:
                raise Unknown("recipe for", item, tuple(sorted(self.formulas)[:8]))
            if not isinstance(steps, int) or not 0 <= steps <= MOST_STEPS:
                raise OutOfRange("wanted", steps, f"whole steps from 0 to {MOST_STEPS}")
        return dict(wanted)

    def exact(self, item: str, steps: int) -> Mapping[str, Fraction]:
        """Steps of everything that so many steps of the item need, over all ways down, without stock, batches or any rounding.

        >>> from krafte_core.items import Item
        >>> from krafte_core.recipes import Ingredient, Recipe, compiled
        >>> items = {name: Item(name, unit="each") for name in ("box", "egg")}
        >>> box = compiled(Recipe("box", makes="3 each", ingredients=[Ingredient("egg", "1 each")]), items)
        >>> Structure({"box": box}).exact("box", 1)["egg"]
        Fraction(1, 3)
        """
        needs: dict[str, Fraction] = {name: Fraction(count) for name, count in self._wanted({item: steps}).items()}
        for name in self.levels:
            made = needs.get(name)
            if made and name in self.formulas:
                for line in self.formulas[name].lines:
                    need = line.exact(made)
                    needs[line.item] = needs.get(line.item, Fraction(0)) + need
        return needs

    def paths(self, item: str) -> Iterator[tuple[str, ...]]:
        """Every way down from the item, each as item codes; without recursion, nearest first.

        >>> [*Structure({}).paths("anything")]
        []
        """
        queue: list[tuple[str, ...]] = [(item,)]
        for path in queue:
            formula = self.formulas.get(path[-1])
            for line in formula.lines if formula else ():
                if not line.from_stock:
                    queue.append((*path, line.item))
                    yield queue[-1]

    # upwards ----------------------------------------------------------------------------------------------------------

    def where_used(self, item: str, *, all_levels: bool = True) -> tuple[Use, ...]:
        """The lines that use the item, nearest first; with all levels also what uses these, each line with its ratio over all ways.

        Substitutes count with their own ratio; of a line that does not grow evenly, what grows counts.
        """
        found: list[Use] = []
        ratios, depth = {item: Fraction(1)}, {item: 0}
        for product in reversed(self.levels):  # inputs before what they go into
            formula, total, nearest = self.formulas.get(product), Fraction(0), 0
            for line in formula.lines if formula else ():
                for name, times in ((line.item, Fraction(1)), *[(stand.item, stand.ratio) for stand in line.substitutes]):
                    if name not in ratios or (line.from_stock and name != item):
                        continue
                    ratio = line.ratio * times * ratios[name]
                    found.append(Use(product, line.ref, ratio, depth[name] + 1))
                    if not line.from_stock:
                        total += ratio
                        nearest = min(nearest or depth[name] + 1, depth[name] + 1)
            if total and all_levels:
                ratios[product], depth[product] = total, nearest
        return tuple(sorted(found, key=lambda use: use.levels))

    def graph(self) -> networkx.DiGraph[str]:
        """The structure as a networkx graph: product -> what it needs, with the `ratio` of steps on the edge."""
        import networkx  # noqa: PLC0415 - only where a graph is asked for

        graph: Any = networkx.DiGraph()
        graph.add_nodes_from((item, {"level": level}) for item, level in self.levels.items())
        for product, formula in self.formulas.items():
            for line in formula.lines:
                before = graph.get_edge_data(product, line.item, {"ratio": 0})["ratio"]
                graph.add_edge(product, line.item, ratio=before + line.ratio, from_stock=line.from_stock)
        return graph  # type: ignore[no-any-return]

    # how much can be made ---------------------------------------------------------------------------------------------

    def buildable(self, item: str, stock: Mapping[str, int], *, most: int | None = None) -> Buildable:
        """How much of the item can be made now from this stock, all that it needs counted together; and what more would lack.

        Semi-finished items are taken from stock first and made for the rest. Stock of the item itself does not count.

        Args:
            item: what would be made.
            stock: usable steps per item.
            most: an upper limit in steps; default what 64 bits hold.
        """
        highest = MOST_STEPS if most is None else most
        low, high = 0, 1
        while high <= highest and not self._short(item, high, stock):
            low, high = high, high * 2
        high = min(high, highest + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if not self._short(item, middle, stock) else (low, middle)
        limits = self._short(item, low + 1, stock) if low < highest else {}
        return Buildable(item, self.formulas[item].item.scale, low, tuple(limits.items()))

    def _short(self, item: str, steps: int, stock: Mapping[str, int]) -> Mapping[str, int]:
        try:
            return self.explode({item: steps}, stock, use_own_stock=False).missing
        except OutOfRange:
            return {item: steps}


@attrs.frozen
class Buildable:
    """How many steps can be made, and what one step more would lack: (item, steps) each."""

    item: str
    scale: Scale
    steps: int
    limits: tuple[tuple[str, int], ...]

    @property
    def amount(self) -> Quantity:
        """How much can be made."""
        return self.scale.quantity(self.steps)

    def __str__(self) -> str:
        """The sentence."""
        names = ", ".join(item for item, _ in self.limits[:5])
        return f"{self.amount} of {self.item} can be made now" + (f"; limited by {names}" if names else "")


def _add_lines(formula: Formula, net: int, needs: dict[str, int], only: dict[str, int], scales: dict[str, Scale]) -> int:
    """Add what the batches for `net` steps need, and say how much they make."""
    sizes = [net] if formula.recipe.batch is None else formula.batches(net)
    for steps in sizes:
        for line in formula.lines:
            item = line.item
            need = -(-steps * line.numerator // line.denominator) if line.rule is None else line.requirement(steps)
            if line.from_stock:
                only[item] = only.get(item, 0) + need
            elif item in needs:
                needs[item] += need
            else:
                needs[item] = need
                scales[item] = line.scale
    return sum(sizes)


def without_phantoms(formulas: Mapping[str, Formula]) -> Mapping[str, Formula]:
    """The same formulas with the lines of phantom items in the place of the phantoms.

    A line is a phantom where it says so, or where its item's recipe does. Stock of a phantom is never looked at.

    Raises:
        Unsolvable: (`recipe_unsolvable`) a phantom line that does not grow evenly. Unknown: (`unknown`) a phantom without recipe.

    >>> without_phantoms({})
    {}
    """
    if not any(formula.recipe.phantom or line.phantom for formula in formulas.values() for line in formula.lines):
        return formulas
    found: dict[str, Formula] = {}
    for item in reversed(levels(formulas)):  # what is deeper first
        if item in formulas:
            found[item] = opened(formulas[item], found)
    return {item: found[item] for item in formulas}


def opened(formula: Formula, below: Mapping[str, Formula]) -> Formula:
    """One formula with the lines of its phantoms in their place; `below` are the opened formulas of what it needs.

    Raises:
        Unsolvable: (`recipe_unsolvable`), Unknown: (`unknown`) as `without_phantoms`.

    >>> from krafte_core.items import Item
    >>> from krafte_core.recipes import Ingredient, Recipe, compiled
    >>> items = {name: Item(name, unit="each") for name in ("table", "legs", "foot")}
    >>> legs = compiled(Recipe("legs", makes="1 each", ingredients=[Ingredient("foot", "4 each")], phantom=True), items)
    >>> table = compiled(Recipe("table", makes="1 each", ingredients=[Ingredient("legs", "2 each")]), items)
    >>> [(line.ref, line.requirement(1)) for line in opened(table, {"legs": legs}).lines]
    [('legs/foot', 8)]
    """
    lines: dict[str, Line] = {}
    for line in formula.lines:
        made = below.get(line.item)
        if not line.phantom and (made is None or not made.recipe.phantom or line.from_stock):
            lines[line.ref] = line
            continue
        if made is None:
            raise Unknown("recipe for the phantom", line.item, tuple(sorted(below)))
        if line.rule is not None or line.substitutes or (line.origin is not None and line.origin.kind != "balance"):
            fix = "tell a plain amount or share, or keep the item in stock"
            problem = f"{line.item} is a phantom: it must grow evenly with the batch, and has no lots or substitutes of its own"
            raise Unsolvable(formula.recipe.code, (line.ref,), problem, "", fix)
        for inner in made.lines:
            one = _through(line, inner, alike=made.measure == formula.measure)
            lines[one.ref] = one
    for line in lines.values():
        for stand in line.substitutes:
            if stand.item in below and below[stand.item].recipe.phantom:
                problem = f"{stand.item} is a phantom, which is never stocked and stands in for nothing"
                raise Unsolvable(formula.recipe.code, (line.ref,), problem, "", "name another substitute, or keep the item in stock")
    if [*lines] == [line.ref for line in formula.lines]:
        return formula
    check_roles(formula.recipe.code, lines.values(), formula.measure)
    return attrs.evolve(formula, lines=tuple(lines.values()), by_choice=by_choice(lines.values()))


def _through(line: Line, inner: Line, *, alike: bool) -> Line:
    """A line of the phantom for one step of what needs the phantom."""
    numerator, denominator, rule = in_ratio(stretched(inner.sum, line.ratio), inner.rule.multiple if inner.rule else 1)
    return attrs.evolve(
        inner, ref=f"{line.ref}/{inner.ref}", numerator=numerator, denominator=denominator, rule=rule, phantom=False,
        follows="output" if line.follows == "output" else inner.follows, kept=inner.kept * line.kept,
        per_base=inner.per_base if alike else None,
    )  # fmt: skip


def back(formula: Formula, made: Fraction) -> Fraction:
    """The share of what is made that goes into it again, from stock: a starter is fed with a part of itself.

    Raises:
        InvalidInput: (`invalid_input`) all of it, so that nothing new would come in.

    >>> from krafte_core.items import Item
    >>> from krafte_core.recipes import Ingredient, Recipe, compiled
    >>> fed = Recipe("starter", makes="10 kg", ingredients=[Ingredient("starter", "1 kg", from_stock=True)])
    >>> back(compiled(fed, {"starter": Item("starter", unit="kg")}), Fraction(1))
    Fraction(1, 10)
    """
    own = sum([line.exact(made) for line in formula.lines if line.item == formula.item.code], Fraction(0))
    if own >= made > 0:
        raise InvalidInput("ingredients", formula.item.code, f"less of {formula.item.code} in it than is made")
    return own / made if made else own


def reach(formulas: Mapping[str, Formula], item: str) -> tuple[str, ...]:
    """The item and everything that its making may need, each once, from the product down.

    >>> reach({}, "lye")
    ('lye',)
    """
    reached = dict.fromkeys([item])
    queue = [item]
    for made in queue:
        formula = formulas.get(made)
        for name in (*[line.item for line in formula.lines], *inputs(formula)) if formula else ():
            if name not in reached:
                reached[name] = None
                queue.append(name)
    return tuple(reached)
