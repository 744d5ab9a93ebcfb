"""Choices: which version of a recipe, which substitute, each with the reasons against the others; and what two versions differ in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.items import MOST_STEPS
from krafte_core.lines import Line
from krafte_core.recipes import Formula, Recipe
from krafte_core.tables import html, text

# versions ----------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Chosen:
    """The version that was chosen, and why not the others."""

    formula: Formula
    refused: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """The sentence."""
        others = _against(self.refused)
        return f"{self.formula.recipe.code}" + (f" ({others})" if others else "")


def choose(versions: Sequence[Formula], on: date, steps: int | None = None) -> Chosen:
    """The version for a day and an amount: valid, meant for the amount, preferred, newest.

    Raises:
        InvalidInput: (`invalid_input`) none fits, with the reason against each; or several fit and nothing decides between them.

    >>> from krafte_core.items import Item
    >>> from krafte_core.recipes import compiled
    >>> items = {"cream": Item("cream", unit="kg")}
    >>> old, new = (compiled(Recipe("cream", makes="1 kg", code=code, preference=n), items) for n, code in enumerate(("old", "new")))
    >>> str(choose([old, new], date(2026, 1, 1)))
    'new (old: new is preferred)'
    """
    reasons = [(formula, _unfit(formula, on, steps)) for formula in versions]
    best = sorted([formula for formula, why in reasons if why is None], key=preferred, reverse=True)
    refused = [(formula.recipe.code, why) for formula, why in reasons if why is not None]
    if not best:
        raise InvalidInput("recipe", str(on), f"a version that fits ({_against(refused) or 'there is none'})")
    if len(best) > 1 and preferred(best[0]) == preferred(best[1]):
        names = ", ".join(formula.recipe.code for formula in best if preferred(formula) == preferred(best[0]))
        raise InvalidInput("recipe", names, f"versions of {best[0].item.code} that a preference, dates or sizes tell apart")
    first = best[0].recipe.code
    refused += [(formula.recipe.code, f"{first} is {_why(best[0], formula)}") for formula in best[1:]]
    return Chosen(best[0], tuple(refused))


def unfit(versions: Sequence[Formula], on: date, steps: int | None = None) -> str:
    """What speaks against each of the versions that do not fit.

    >>> from krafte_core.items import Item
    >>> from krafte_core.recipes import compiled
    >>> cream = compiled(Recipe("cream", makes="1 kg", largest="5 kg"), {"cream": Item("cream", unit="kg", step="1 kg")})
    >>> unfit([cream], date(2026, 1, 1), 6)
    'cream: meant for at most 5 kg'
    """
    return _against([(formula.recipe.code, why) for formula in versions if (why := _unfit(formula, on, steps)) is not None])


def _against(refused: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{name}: {why}" for name, why in refused)


def _unfit(formula: Formula, on: date, steps: int | None) -> str | None:
    recipe = formula.recipe
    if not recipe.on(on):
        return (
            f"valid from {recipe.valid_from}" if recipe.valid_from and on < recipe.valid_from else f"valid until {recipe.valid_until}"
        )
    if steps is not None and recipe.smallest is not None and steps < formula.item.steps(recipe.smallest):
        return f"meant for {recipe.smallest} or more"
    if steps is not None and recipe.largest is not None and steps > formula.item.steps(recipe.largest):
        return f"meant for at most {recipe.largest}"
    if steps is not None and (most := formula.at_once) is not None and steps > most:
        return f"made in one batch of at most {formula.item.quantity(most)}, never split"
    return None


def preferred(formula: Formula) -> tuple[int, date]:
    """What decides between versions that all fit: the preference, then the day from which a version is valid.

    >>> from krafte_core.items import Item
    >>> from krafte_core.recipes import compiled
    >>> preferred(compiled(Recipe("cream", makes="1 kg", preference=2), {"cream": Item("cream", unit="kg")}))[0]
    2
    """
    return formula.recipe.preference, formula.recipe.valid_from or date.min


def _why(one: Formula, other: Formula) -> str:
    return "preferred" if one.recipe.preference > other.recipe.preference else "newer"


_LISTS = {"ingredients": "item", "operations": "name", "outputs": "item"}
"""The lists of a recipe, and the field that names their rows."""


def alike(one: Formula, other: Formula) -> bool:
    """Whether there is a day and an amount for which nothing decides between the two versions.

    >>> from krafte_core.items import Item
    >>> from krafte_core.recipes import compiled
    >>> items = {"cream": Item("cream", unit="kg")}
    >>> small, large = (compiled(Recipe("cream", makes="1 kg", **size), items) for size in ({"largest": "5 kg"}, {"smallest": "6 kg"}))
    >>> alike(small, large), alike(small, small)
    (False, True)
    """
    if preferred(one) != preferred(other):
        return False
    (low, high), (least, most) = _sizes(one), _sizes(other)
    last, end = one.recipe.valid_until or date.max, other.recipe.valid_until or date.max
    first = max(one.recipe.valid_from or date.min, other.recipe.valid_from or date.min)
    return max(low, least) <= min(high, most) and first <= min(last, end)


def _sizes(formula: Formula) -> tuple[int, int]:
    small, large, most = formula.recipe.smallest, formula.recipe.largest, formula.at_once
    high = formula.item.steps(large) if large else MOST_STEPS
    return formula.item.steps(small) if small else 1, high if most is None else min(high, most)


class Change(NamedTuple):
    """One difference of two versions: which line or field, and what it was and is; None where it was not there."""

    what: str
    before: str | None
    after: str | None


@attrs.frozen
class Difference:
    """What two versions of a recipe differ in."""

    before: str
    after: str
    changes: tuple[Change, ...]

    def _table(self) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
        rows = [(one.what, one.before or "-", one.after or "-") for one in self.changes]
        return f"{self.before} -> {self.after}", ("what", "before", "after"), rows

    def __str__(self) -> str:
        """A table: one line per change."""
        return text(*self._table())

    def _repr_html_(self) -> str:
        return html(*self._table())


def difference(before: Recipe, after: Recipe) -> Difference:
    """Every line and field in which two versions differ; lines are matched by their item, in order.

    >>> one, other = (Recipe("cream", makes="1 kg", process_yield=share) for share in ("95 %", "96 %"))
    >>> difference(one, other).changes
    (Change(what='process_yield', before='19/20', after='24/25'),)
    """
    changes = [
        Change(field.name, _told(getattr(before, field.name)), _told(getattr(after, field.name)))
        for field in attrs.fields(Recipe)
        if field.init
        and field.name not in ("code", "ingredients", "operations", "outputs")
        and getattr(before, field.name) != getattr(after, field.name)
    ]
    for name, key in _LISTS.items():
        changes += _rows(name, _named(getattr(before, name), key), _named(getattr(after, name), key))
    return Difference(before.code, after.code, tuple(changes))


def _named(rows: Sequence[Any], key: str) -> Mapping[str, Any]:
    named: dict[str, Any] = {}
    for row in rows:
        name, count = getattr(row, key), 1
        while (f"{name}/{count}" if count > 1 else name) in named:
            count += 1
        named[f"{name}/{count}" if count > 1 else name] = row
    return named


def _rows(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    changes = []
    for name in dict.fromkeys([*before, *after]):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            changes.append(Change(f"{kind[:-1]} {name}", _line(one), _line(other)))
        elif one != other:
            fields = [field.name for field in attrs.fields(type(one)) if getattr(one, field.name) != getattr(other, field.name)]
            changes += [
                Change(f"{kind[:-1]} {name}: {field}", _told(getattr(one, field)), _told(getattr(other, field))) for field in fields
            ]
    return changes


def _line(row: Any) -> str | None:
    return None if row is None else str(getattr(row, "amount", None) or row)


def _told(value: Any) -> str | None:
    return None if value is None or value == () else str(value)


# substitutes -------------------------------------------------------------------------------------------------------------


class Taking(NamedTuple):
    """Steps of an item that cover steps of a line's need."""

    item: str
    takes: int
    covers: int


@attrs.frozen
class Substituted:
    """What covers a line: its own item and substitutes, what was passed over and why, and the steps of the line still missing."""

    line: str
    taken: tuple[Taking, ...]
    refused: tuple[tuple[str, str], ...]
    missing: int


def substituted(line: Line, steps: int, free: Mapping[str, int], *, mixed: bool = True) -> Substituted:
    """What covers a need of a line from free stock: its own item first, then its substitutes in their order.

    Args:
        line: the line; its substitutes stand in the order of preference.
        steps: steps of the line's item that are needed.
        free: free steps per item.
        mixed: whether several items may share the need; False wants one that covers all of it.

    >>> from decimal import Decimal
    >>> from fractions import Fraction
    >>> from krafte_core.quantities import Scale
    >>> from krafte_core.lines import Stand
    >>> kg = Scale("kg", Decimal("0.001"))
    >>> shea = Line("shea", "shea", kg, 1, 1, substitutes=(Stand("mango", kg, Fraction(11, 10)),))
    >>> substituted(shea, 1000, {"shea": 400, "mango": 900}).taken
    (Taking(item='shea', takes=400, covers=400), Taking(item='mango', takes=660, covers=600))
    """
    taken, refused, missing = [], [], max(0, steps)
    for item, ratio in ((line.item, None), *((stand.item, stand.ratio) for stand in line.substitutes)):
        if not missing:
            refused.append((item, "not needed"))
            continue
        there = max(0, free.get(item, 0))
        if ratio is None:
            wanted, covers = missing, min(missing, there)
        else:
            wanted = -(-missing * ratio.numerator // ratio.denominator)
            covers = missing if there >= wanted else there * ratio.denominator // ratio.numerator
        if not covers or (not mixed and covers < missing):
            refused.append((item, f"{there} of {wanted} steps free"))
            continue
        takes = covers if ratio is None else -(-covers * ratio.numerator // ratio.denominator)
        taken.append(Taking(item, takes, covers))
        missing -= covers
    return Substituted(line.ref, tuple(taken), tuple(refused), missing)
