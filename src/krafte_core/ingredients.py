"""What the lines of a recipe say: what goes in, how the amount is meant, what else comes out.

A line tells its amount in the maker's words, and the words say how it grows with the batch:

- `"8 L"` grows with what is made; with `per="batch"` it is the same for every batch; with `per="started 50 kg"` it is needed once for
  each started 50 kg that are made.
- `"5 %"` is a share of the charge, by mass or by volume; with `of="flour"` it is a baker's percentage of that item or group.
- `"q.s."` fills up what the other lines leave of the charge.
- a `table` tells the amount for several batch sizes; a `formula` names a rule that the host has registered.

Kinds mix freely in one recipe; `krafte_core.solving` works them out together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.durations import Duration, duration
from krafte_core.errors import InvalidInput
from krafte_core.items import code, note, one_of
from krafte_core.quantities import parts, qty, split
from krafte_core.shares import factor, loss, overage, percent, process_yield

FOLLOWS = ("charge", "output")
MEASURES = ("mass", "volume")
BALANCE = "q.s."
STARTED = "started "


def given(value: object) -> str:
    """Text stays as it is until the item reads it, which knows its packs; a quantity becomes text.

    >>> given("3 tray"), given(qty("1.50 kg"))
    ('3 tray', '1.5 kg')
    """
    return value if isinstance(value, str) else str(qty(value))


def limit(value: object) -> str | None:
    """An amount that may be left out.

    >>> limit(None) is None
    True
    """
    return None if value is None else given(value)


def rows(found: Any, field: str, kind: type[Any]) -> tuple[Any, ...]:
    """A list of values of one kind.

    Raises:
        InvalidInput: (`invalid_input`) no list, or something else in it.

    >>> rows([1, 2], "numbers", int)
    (1, 2)
    """
    if isinstance(found, str | bytes) or not isinstance(found, Iterable):
        raise InvalidInput(field, found, f"a list of {kind.__name__}")
    listed = tuple(found)
    for row in listed:
        if not isinstance(row, kind):
            raise InvalidInput(field, row, f"a list of {kind.__name__}")
    return listed


def _follows(value: str) -> str:
    return one_of(value, FOLLOWS, "follows")


def _per(value: Any) -> str:
    if isinstance(value, str) and value.startswith(STARTED):
        parts(value.removeprefix(STARTED), "per")
        return value
    return one_of(value, ("amount", "batch"), f"per (or {STARTED + '50 kg'!r})")


def _measure(value: Any) -> str | None:
    return None if value is None else one_of(value, MEASURES, "by")


def _of(value: str | None) -> str | None:
    return None if value is None else code(value, "of")


def _group(value: str | None) -> str | None:
    return None if value is None else code(value, "group")


def _formula(value: str | None) -> str | None:
    return None if value is None else code(value, "formula")


def _compensates(value: str | None) -> str | None:
    return None if value is None else code(value, "compensates")


def strength(text: object, field: str = "potency") -> tuple[Fraction, str]:
    """A content and what it is told in: `"35 %"`, `"850 IU/mg"`, `"12"`.

    Raises:
        InvalidInput: (`invalid_input`, `unreadable_text`) no content above zero.

    >>> strength("35 %")
    (Fraction(35, 1), '%')
    """
    if not isinstance(text, str):
        raise InvalidInput(field, text, "a content such as '35 %' or '850 IU/mg'")
    value, name = split(text, field)
    if value <= 0:
        raise InvalidInput(field, text, "a content above zero")
    return Fraction(value), name


def _strength(value: Any) -> str | None:
    if value is None:
        return None
    strength(value)
    return str(value)


def _table(found: Any) -> tuple[tuple[str, str], ...]:
    pairs = [*found.items()] if isinstance(found, Mapping) else found
    if not isinstance(pairs, tuple | list) or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
        raise InvalidInput("table", found, "amounts for batch sizes, such as {'10 kg': '67 g', '100 kg': '500 g'}")
    return tuple((given(size), given(amount)) for size, amount in pairs)


@attrs.frozen
class Substitute:
    """An item that may stand in for another on one line.

    Args:
        item: what stands in.
        ratio: how much of it for one of what it replaces, in the unit of the line (`"1.05"`: 1.05 kg for each kg).

    >>> Substitute("shea", ratio="1.05").ratio
    Fraction(21, 20)
    """

    item: str = attrs.field(converter=code)
    ratio: Fraction = attrs.field(default=Fraction(1), kw_only=True, converter=factor)


def _substitutes(found: Any) -> tuple[Substitute, ...]:
    return rows(found, "substitutes", Substitute)


@attrs.frozen
class Ingredient:
    """One line of a recipe.

    Args:
        item: what goes in.
        amount: how much for what the recipe makes, in any unit that the item has a bridge to; `"5 %"` of the charge; or `"q.s."`.
        loss: the share that is lost on the way (peel, dust): the requirement is divided by 1 - loss.
        overage: the share added on purpose: the requirement is multiplied by 1 + overage.
        process_yield: what comes of this line out of what should: the requirement is divided by it.
        follows: `"charge"` goes into the charge whatever comes out; `"output"` goes on each piece (jars, labels).
        per: `"amount"` grows with what is made, `"batch"` does not, `"started 50 kg"` is needed once for each started 50 kg.
        of: the item or group that a baker's percentage counts on; default the charge.
        by: whether a percentage or balance is one of `"mass"` or `"volume"`; default as the charge is told, and mass for bakers.
        group: a name that several lines share, so that percentages can count on them together (`"flour"`).
        table: amounts for several batch sizes instead of one amount; between two sizes on the straight line.
        formula: `"name@version"` of a registered rule that says how often the amount is needed (see `krafte_core.growth`).
        multiple: the requirement is rounded up to a multiple of this, after all factors.
        from_stock: taken from stock only, never made for this (a starter, rework); such a line may close a circle.
        phantom: its own recipe's lines are needed instead of the item, which is never stocked on this way.
        substitutes: what may stand in, the preferred first.
        potency: the target content of an active ingredient (`"30 %"`); a lot of another content changes how much is needed.
        compensates: the active item whose change this line makes up for, times `factor`.
        fills: takes what potency changes leave, so that the total stays; a balance does so by itself.

    Raises:
        InvalidInput: (`invalid_input`, ...) naming the field.

    >>> Ingredient("tomato", "0.6 kg", loss="10 %").loss
    Fraction(1, 10)
    >>> [Ingredient("water", text).kind for text in ("8 L", "5 %", "q.s.")]
    ['amount', 'percent', 'balance']
    """

    item: str = attrs.field(converter=code)
    amount: str = attrs.field(default="", converter=given)
    loss: Fraction = attrs.field(default=Fraction(0), kw_only=True, converter=loss)
    overage: Fraction = attrs.field(default=Fraction(0), kw_only=True, converter=overage)
    process_yield: Fraction = attrs.field(default=Fraction(1), kw_only=True, converter=process_yield)
    follows: str = attrs.field(default="charge", kw_only=True, converter=_follows)
    per: str = attrs.field(default="amount", kw_only=True, converter=_per)
    of: str | None = attrs.field(default=None, kw_only=True, converter=_of)
    by: str | None = attrs.field(default=None, kw_only=True, converter=_measure)
    group: str | None = attrs.field(default=None, kw_only=True, converter=_group)
    table: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True, converter=_table)
    formula: str | None = attrs.field(default=None, kw_only=True, converter=_formula)
    multiple: str | None = attrs.field(default=None, kw_only=True, converter=limit)
    from_stock: bool = attrs.field(default=False, kw_only=True)
    phantom: bool = attrs.field(default=False, kw_only=True)
    substitutes: tuple[Substitute, ...] = attrs.field(default=(), kw_only=True, converter=_substitutes)
    potency: str | None = attrs.field(default=None, kw_only=True, converter=_strength)
    compensates: str | None = attrs.field(default=None, kw_only=True, converter=_compensates)
    factor: Fraction = attrs.field(default=Fraction(1), kw_only=True, converter=factor)
    fills: bool = attrs.field(default=False, kw_only=True)
    note: str = attrs.field(default="", kw_only=True, converter=note)

    def __attrs_post_init__(self) -> None:
        """One way of telling the amount, and nothing that does not go with it."""
        if bool(self.amount) == bool(self.table):
            raise InvalidInput("amount", self.amount or None, f"either an amount or a table for {self.item}")
        self._check_kind()
        names = [one.item for one in self.substitutes]
        if len(set(names)) != len(names) or self.item in names:
            raise InvalidInput("substitutes", names, f"other items than {self.item}, each once")
        if self.from_stock and self.phantom:
            raise InvalidInput("phantom", True, "either from_stock or phantom")
        roles = [name for name in ("potency", "compensates", "fills") if getattr(self, name)]
        if len(roles) > 1:
            raise InvalidInput(roles[1], getattr(self, roles[1]), f"one of potency, compensates and fills; {roles[0]} is given")
        if self.phantom and (roles or self.substitutes):
            wanted = f"a line without {roles[0] if roles else 'substitutes'}: {self.item} has no lots of its own as a phantom"
            raise InvalidInput("phantom", self.item, wanted)
        if self.factor != 1 and self.compensates is None:
            raise InvalidInput("factor", str(self.factor), f"`compensates` beside it on the line of {self.item}")

    def _check_kind(self) -> None:
        if self.kind == "percent":
            percent(self.amount, "amount")
        said = [name for name in ("of", "by") if getattr(self, name) is not None]
        if self.kind in ("amount", "table") and said:
            raise InvalidInput(said[0], getattr(self, said[0]), f"a percentage such as '5 %' as the amount of {self.item}")
        if self.kind == "balance" and self.of is not None:
            raise InvalidInput("of", self.of, "a balance of the charge")
        if self.kind != "amount" and (self.per != "amount" or self.formula):
            raise InvalidInput("per" if self.per != "amount" else "formula", self.per, f"a plain amount for {self.item}")
        if self.per != "amount" and self.formula:
            raise InvalidInput("formula", self.formula, "either per or a formula")
        if self.kind in ("percent", "balance") and self.of is None and self.follows == "output":
            raise InvalidInput("follows", self.follows, "charge: a share of the charge goes into the charge")

    @property
    def kind(self) -> str:
        """How the amount is told: amount, percent, balance or table.

        >>> Ingredient("salt", table={"10 kg": "67 g"}).kind
        'table'
        """
        if self.table:
            return "table"
        text = self.amount.strip()
        return "balance" if text.lower() == BALANCE else "percent" if text.endswith("%") else "amount"

    def __str__(self) -> str:
        """The amount as it was written, with what makes it special."""
        words = [", ".join(f"{size}: {amount}" for size, amount in self.table) or self.amount]
        words += [f"of {self.of}"] if self.of else []
        words += [f"by {self.by}"] if self.by else []
        words += [f"per {self.per}"] if self.per != "amount" else []
        words += [f"({self.formula})"] if self.formula else []
        return " ".join(words)


def shelf_life(given: Any) -> Duration | None:
    """How long something is good: elapsed time, or None.

    Raises:
        InvalidInput: (`invalid_input`) working time or working days: what spoils does so on Sundays, too.

    >>> str(shelf_life("90 days"))
    '90 days'
    """
    time = None if given is None else duration(given)
    if time is not None and time.kind != "elapsed":
        raise InvalidInput("shelf_life", str(time), "elapsed time such as '90 days'")
    return time


def _cost(value: object) -> Fraction:
    share = percent(value, "cost")
    if not 0 <= share <= 1:
        raise InvalidInput("cost", str(value), "from 0 % to 100 %")
    return share


@attrs.frozen
class Output:
    """What comes out besides the product: a co-product or a by-product, of equal rank with it where it carries its share of the cost.

    Args:
        item: what comes out.
        amount: how much when the recipe makes what it makes.
        cost: its share of the run's cost (`"30 %"`); the product takes the rest.
        process_yield: what comes of it out of what should.
        shelf_life: how long it is good, in elapsed time.

    >>> Output("whey", "8 L", cost="5 %").cost
    Fraction(1, 20)
    """

    item: str = attrs.field(converter=code)
    amount: str = attrs.field(converter=given)
    cost: Fraction = attrs.field(default=Fraction(0), kw_only=True, converter=_cost)
    process_yield: Fraction = attrs.field(default=Fraction(1), kw_only=True, converter=process_yield)
    shelf_life: Duration | None = attrs.field(default=None, kw_only=True, converter=shelf_life)
    note: str = attrs.field(default="", kw_only=True, converter=note)
