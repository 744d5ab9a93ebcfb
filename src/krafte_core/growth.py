"""How a line grows with the batch: evenly, not at all, in steps, by a table, or by a formula that the host has registered.

A line is a sum of such growths, each with an exact factor, so that lines of every kind can be added, subtracted from the charge and
handed up through phantom levels without ever being rounded.

A formula is registered once, under a name and a version, and a recipe names it. It is never stored: a production that was planned with
`"surface@1"` finds version 1 again when it is read back from a database, and nothing else can be registered under that name.

>>> @formula("doubled", version=1)
... def doubled(share):
...     return 2 * share
>>> Growth("formula", Fraction(10), name="doubled@1").at(Fraction(5))
Fraction(1, 1)
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from fractions import Fraction

import attrs

from krafte_core.errors import AlreadyExists, InvalidInput, OutOfRange, Unknown

Rule = Callable[[Fraction], Fraction]
"""How often a line's amount is needed for so many times what the recipe makes: exact, the same every time."""
Sum = Mapping["Growth", Fraction]
"""A line as a sum of growths, each times its factor."""

_formulas: dict[str, Rule] = {}


def formula(name: str, *, version: int) -> Callable[[Rule], Rule]:
    """Register a formula under a name and a version, once and for all: `Ingredient("salt", "67 g", formula="name@version")`.

    The function gets how many times what the recipe makes is made, as a `Fraction`, and answers how many times the line's amount is
    needed, as a `Fraction` or an int. It must always answer the same.

    Raises:
        AlreadyExists: (`already_exists`) another function has this name and version.
        InvalidInput: (`invalid_input`) a name with an `@`, or a version below one.

    >>> @formula("half as fast", version=1)
    ... def half(share):
    ...     return (1 + share) / 2
    """
    if not isinstance(name, str) or not name.strip() or "@" in name or name != name.strip():
        raise InvalidInput("formula", name, "a name without '@'")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InvalidInput("version", version, "a whole number from 1")
    key = f"{name}@{version}"

    def keep(rule: Rule) -> Rule:
        known = _formulas.setdefault(key, rule)
        if known is not rule and getattr(known, "__code__", known) != getattr(rule, "__code__", rule):
            raise AlreadyExists("formula", key)
        return rule

    return keep


def known_formula(key: str) -> Rule:
    """The formula of this name and version.

    Raises:
        Unknown: (`unknown`) it is not registered in this program.

    >>> known_formula("nobody@1")
    Traceback (most recent call last):
        ...
    krafte_core.errors.Unknown: no formula 'nobody@1'...
    """
    found = _formulas.get(key)
    if found is None:
        raise Unknown("formula", key, tuple(sorted(_formulas)))
    return found


@attrs.frozen(cache_hash=True)
class Growth:
    """A function of the steps made.

    Args:
        kind: `amount` is the steps themselves; `batch` is one; `started` counts the started `every` steps; `table` is the straight
            line between `points`; `formula` is a registered rule of how many times `every` are made.

    >>> Growth("started", Fraction(50)).at(Fraction(101))
    Fraction(3, 1)
    """

    kind: str = "amount"
    every: Fraction = Fraction(1)
    points: tuple[tuple[Fraction, Fraction], ...] = ()
    name: str = ""

    def at(self, made: Fraction) -> Fraction:
        """Its value for so many steps; nothing made needs nothing.

        Raises:
            OutOfRange: (`out_of_range`) beyond the table. InvalidInput: (`invalid_input`) a formula that answers nonsense.

        >>> Growth("table", points=((Fraction(10), Fraction(4)), (Fraction(20), Fraction(6)))).at(Fraction(15))
        Fraction(5, 1)
        """
        if made <= 0 or self.kind == "amount":
            return max(Fraction(made), Fraction(0))
        if self.kind == "batch":
            return Fraction(1)
        if self.kind == "started":
            return Fraction(math.ceil(made / self.every))
        return self._between(made) if self.kind == "table" else self._told(made / self.every)

    def near(self, made: Fraction) -> Fraction:
        """Its value for so many steps; beyond a table that of its nearest size in proportion.

        >>> Growth("table", points=((Fraction(10), Fraction(4)), (Fraction(20), Fraction(6)))).near(Fraction(40))
        Fraction(12, 1)
        """
        if self.kind != "table" or made <= 0:
            return self.at(made)
        nearest = min(max(made, self.points[0][0]), self.points[-1][0])
        return self.at(nearest) * made / nearest

    def _between(self, made: Fraction) -> Fraction:
        sizes = [size for size, _ in self.points]
        place = bisect_right(sizes, made)
        if place == len(sizes) and made == sizes[-1]:
            return self.points[-1][1]
        if place in (0, len(sizes)):
            share = f"{float(made / sizes[0]):.4g} times the first size of the table"
            last = f"{float(sizes[-1] / sizes[0]):.4g} times"
            raise OutOfRange("table", share, f"a batch within the table, from its first size to its last ({last} the first)")
        (low, here), (high, there) = self.points[place - 1 : place + 1]
        return here + (there - here) * (made - low) / (high - low)

    def _told(self, share: Fraction) -> Fraction:
        answer = known_formula(self.name)(share)
        if isinstance(answer, bool) or not isinstance(answer, int | Fraction) or answer < 0:
            raise InvalidInput(f"formula {self.name}", answer, f"a Fraction of at least zero for {share}")
        return Fraction(answer)

    def stretched(self, factor: Fraction) -> tuple[Growth, Fraction]:
        """The same function of `factor` times the steps: another growth, and the factor before it.

        >>> Growth("started", Fraction(50)).stretched(Fraction(2))[0].every
        Fraction(25, 1)
        """
        if self.kind == "amount":
            return self, factor
        if self.kind == "batch":
            return self, Fraction(1)
        if self.kind == "table":
            return attrs.evolve(self, points=tuple((size / factor, amount) for size, amount in self.points)), Fraction(1)
        return attrs.evolve(self, every=self.every / factor), Fraction(1)


EVENLY, ONCE = Growth(), Growth("batch")


def plus(one: Sum, other: Sum, times: Fraction = Fraction(1)) -> Sum:
    """One sum plus `times` the other; what cancels out is left out.

    >>> plus({EVENLY: Fraction(2)}, {EVENLY: Fraction(1), ONCE: Fraction(3)}, Fraction(-2)) == {ONCE: Fraction(-6)}
    True
    """
    total = dict(one)
    for growth, factor in other.items():
        left = total.get(growth, Fraction(0)) + factor * times
        if left:
            total[growth] = left
        else:
            total.pop(growth, None)
    return total


def times(one: Sum, factor: Fraction) -> Sum:
    """The sum, so many times.

    >>> times({EVENLY: Fraction(2)}, Fraction(3))[EVENLY]
    Fraction(6, 1)
    """
    return {growth: each * factor for growth, each in one.items()} if factor else {}


def stretched(one: Sum, factor: Fraction) -> Sum:
    """The same sum for `factor` times the steps.

    >>> stretched({EVENLY: Fraction(2), ONCE: Fraction(1)}, Fraction(3)) == {EVENLY: Fraction(6), ONCE: Fraction(1)}
    True
    """
    total: Sum = {}
    for growth, each in one.items():
        other, before = growth.stretched(factor)
        total = plus(total, {other: each}, before)
    return total


def at(one: Sum, made: Fraction) -> Fraction:
    """The sum for so many steps.

    >>> at({EVENLY: Fraction(2), ONCE: Fraction(1)}, Fraction(3))
    Fraction(7, 1)
    """
    return sum([each * growth.at(made) for growth, each in one.items()], Fraction(0))
