"""Roles: which lines of a recipe are kept by content, which follow them, and what does not go together.

An *active* line is written for a content. Lines that *follow the contents* are worked out from what the active ones really take: they
compensate, fill up, or are the balance. What a role cannot do with the rest of its line or recipe is refused when the recipe is
registered: nothing that a line says is passed over later.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from krafte_core.errors import Unsolvable
from krafte_core.lines import Line


def target(line: Line) -> str | None:
    """The content that a line is written for, where it is kept by content.

    >>> from decimal import Decimal
    >>> from krafte_core.quantities import Scale
    >>> target(Line("oil", "oil", Scale("kg", Decimal(1)), 1, 2)) is None
    True
    """
    return None if line.origin is None else line.origin.potency


def follows_contents(line: Line) -> bool:
    """Whether a line is worked out from what the active ones really take: it compensates, fills up, or is the balance.

    >>> from decimal import Decimal
    >>> from krafte_core.quantities import Scale
    >>> follows_contents(Line("oil", "oil", Scale("kg", Decimal(1)), 1, 2))
    False
    """
    origin = line.origin
    return origin is not None and (origin.compensates is not None or origin.fills or origin.kind == "balance")


def check_roles(recipe: str, lines: Collection[Line], measure: str) -> None:
    """Every role has what it needs, and nothing beside it that it would leave out.

    Args:
        recipe: its name, for the error.
        lines: its lines, phantoms opened. measure: whether the charge is told by mass or by volume.

    Raises:
        Unsolvable: (`recipe_unsolvable`) with the lines and what helps.
    """
    told = [line for line in lines if line.origin is not None]
    if not told:
        return
    active = [line for line in told if target(line) is not None]
    following = [line for line in told if follows_contents(line)]
    _check_partners(recipe, active, following)
    for line in active:
        if line.rule is not None and line.rule.multiple > 1:
            problem, fix = f"{line.item} follows the content of its lots and cannot be rounded to a multiple", "leave out the multiple"
            raise Unsolvable(recipe, (line.ref,), problem, "", fix)
    if active and following:
        _check_charge(recipe, [*active, *following], measure)
        for line in following:
            if line.substitutes:
                problem = f"{line.item} follows the content of {active[0].item}, and a substitute would not"
                raise Unsolvable(
                    recipe, (line.ref, active[0].ref), problem, "", "leave out the substitutes, or give it an amount of its own"
                )


def _check_partners(recipe: str, active: Sequence[Line], following: Sequence[Line]) -> None:
    names = {name for line in active for name in (line.item, line.ref)}
    for line in following:
        origin = line.origin
        if origin is None or (origin.compensates is None and not origin.fills):
            continue
        wanted = origin.compensates
        if not active or (wanted is not None and wanted not in names):
            known = ", ".join(one.ref for one in active) or "none"
            problem = f"{line.item} makes up for {wanted or 'contents'}, but no such line is kept by content (those that are: {known})"
            raise Unsolvable(recipe, (line.ref,), problem, "", "give the active line its `potency`")
    fillers = [line for line in following if line.origin is not None and line.origin.fills]
    fillers = fillers or [line for line in following if active and line.origin is not None and line.origin.kind == "balance"]
    if len(fillers) > 1:
        raise Unsolvable(recipe, tuple(line.ref for line in fillers), "two lines fill up", "", "let one line fill")


def _check_charge(recipe: str, lines: Sequence[Line], measure: str) -> None:
    for line in lines:
        if line.follows != "charge":
            problem, fix = f"{line.item} goes on each piece, and contents are made up for in the charge", "let it follow the charge"
            raise Unsolvable(recipe, (line.ref,), problem, "", fix)
        if not line.per_base:
            problem = f"contents are made up for by {measure}, and {line.item} has none"
            raise Unsolvable(recipe, (line.ref,), problem, "", f"give {line.item} a density or a pack that tells its {measure}")
