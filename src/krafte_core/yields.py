"""Yields: what comes into each operation of a batch, what of it is good, and what is lost there and so far."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import attrs

from krafte_core.quantities import Quantity
from krafte_core.recipes import Formula


@attrs.frozen
class OperationYield:
    """One operation of a batch, in amounts of the product.

    Attributes:
        operation: its name.
        given: what comes into it: what was reported good before it, else what should.
        expected: what of that should be good.
        good: what was reported, None where nothing was.
        lost: what comes in and does not come out good, there.
        short: how much less than planned is good so far.
    """

    operation: str
    given: Quantity
    expected: Quantity
    good: Quantity | None
    lost: Quantity
    short: Quantity


def operation_yields(formula: Formula, steps: int, good: Mapping[str, int] | None = None) -> tuple[OperationYield, ...]:
    """What each operation of a batch should bring, and what it did.

    Args:
        formula: the recipe; `steps`: what the batch is to make in the end.
        good: steps that were reported good after an operation, by its name.

    >>> from krafte_core.items import Item
    >>> from krafte_core.operations import Operation
    >>> from krafte_core.recipes import Recipe, compiled
    >>> work = [Operation("mix", wait="1 h", process_yield="80 %"), Operation("fill", wait="1 h", process_yield="90 %")]
    >>> paste = compiled(Recipe("paste", makes="10 kg", operations=work), {"paste": Item("paste", unit="kg", step="1 kg")})
    >>> for one in operation_yields(paste, 72, {"mix": 75}):
    ...     print(one.operation, one.given, one.expected, one.good, one.lost, one.short)
    mix 100 kg 80 kg 75 kg 25 kg 5 kg
    fill 75 kg 67 kg None 8 kg 5 kg
    """
    told, quantity = good or {}, formula.item.quantity
    operations = formula.recipe.operations
    planned = [Fraction(steps)]
    for operation in operations[::-1]:
        planned.insert(0, planned[0] / operation.process_yield)
    whole = [-(-exact.numerator // exact.denominator) for exact in planned]
    rows, came, as_planned = [], whole[0], True
    for operation, plan in zip(operations, whole[1:], strict=True):
        should = plan if as_planned else came * operation.process_yield.numerator // operation.process_yield.denominator
        is_good = told.get(operation.name)
        out = should if is_good is None else is_good
        rows.append(
            OperationYield(
                operation.name, quantity(came), quantity(should), None if is_good is None else quantity(is_good),
                quantity(came - out), quantity(plan - out),
            )
        )  # fmt: skip
        came, as_planned = out, as_planned and out == plan
    return tuple(rows)
