"""Items: what is bought, made and sold, each with its unit, its smallest step and its own bridges between units.

Inside the library an amount is a whole number of the item's steps (an `int`, like money in cents). An item is the only thing that
can turn an amount into steps, because only it knows its density and its packs.

>>> oil = Item("olive-oil", unit="kg", density="0.915 kg/L")
>>> oil.steps("8 L"), str(oil.quantity(7_320_000))
(7320000, '7.32 kg')
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.durations import Duration, duration
from krafte_core.errors import InvalidInput, NotPositive, NotWholeSteps, OutOfRange, TextTooLong, UnitMismatch, UnknownUnit
from krafte_core.quality import Check, checks
from krafte_core.quantities import (
    MAX_TEXT,
    Quantity,
    Scale,
    bare,
    decimal_of,
    exactly,
    number,
    parts,
    plain,
    qty,
    split,
    terminating,
)  # fmt: skip
from krafte_core.units import BASES, UNITS, Unit, unit

KINDS = ("material", "packaging", "semi-finished", "finished", "by-product")
RELEASES = ("at once", "by decision")
CONSUMPTION = ("flexible", "warn", "strict")
MOST_TOLERANCE = 10
PICKING_RULES = ("fefo", "fifo", "lifo", "single_lot", "fewest_lots", "narrow", "manual")
MOST_STEPS = 2**63 - 1
"""More does not fit into a database's integer."""
MAX_CODE = 100
MAX_NOTE = 10_000
MOST_ATTRIBUTES = 1_000
MOST_NESTED = 20
_CACHED = 4096
_KEPT = 256


def code(value: object, field: str = "code") -> str:
    """The value, if it can be a code: 1 to 100 characters on one line, without blanks around them.

    Raises:
        InvalidInput: (`invalid_input`)

    >>> code("olive-oil")
    'olive-oil'
    """
    if not isinstance(value, str) or not 0 < len(value) <= MAX_CODE or value != value.strip() or not value.isprintable():
        raise InvalidInput(field, value, f"1 to {MAX_CODE} printable characters without blanks at the ends")
    return value


def note(value: object, field: str = "note") -> str:
    """The value, if it is text of at most 10,000 characters; what people write stays as it is.

    Raises:
        InvalidInput: (`invalid_input`) no text, a NUL, or half a surrogate pair. TextTooLong: (`text_too_long`)

    >>> note("Ring twice.")
    'Ring twice.'
    """
    if not isinstance(value, str):
        raise InvalidInput(field, value, "text")
    if len(value) > MAX_NOTE:
        raise TextTooLong(field, value[:MAX_CODE], f"text of at most {MAX_NOTE} characters")
    if "\0" in value or (not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise InvalidInput(field, value, "text without NUL and without halves of surrogate pairs")  # no database takes them
    return value


def one_of(value: object, choices: tuple[str, ...], field: str) -> str:
    """The value, if it is one of the choices.

    Raises:
        InvalidInput: (`invalid_input`) with the choices.

    >>> one_of("fefo", PICKING_RULES, "pick")
    'fefo'
    """
    if value not in choices:
        raise InvalidInput(field, value, "one of " + ", ".join(choices))
    return str(value)


def words(text: object) -> frozenset[str]:
    """The words of an attribute that lists several, parted by commas, in small letters.

    >>> sorted(words("Milk, wheat"))
    ['milk', 'wheat']
    """
    return frozenset(part.strip().lower() for part in str(text or "").split(",") if part.strip())


def attributes(given: object) -> tuple[tuple[str, Any], ...]:
    """The host's own attributes as sorted pairs of a name and a plain value (text, int, bool or none).

    Raises:
        InvalidInput: (`invalid_input`) a nested value or a float; no pairs, or more than a thousand. TextTooLong: (`text_too_long`)

    >>> attributes({"colour": "red"})
    (('colour', 'red'),)
    """
    if not given:
        return ()
    rows = [*given.items()] if isinstance(given, Mapping) else [*given] if isinstance(given, tuple | list) else [given]
    if len(rows) > MOST_ATTRIBUTES:
        raise InvalidInput("attributes", f"{len(rows)} attributes", f"at most {MOST_ATTRIBUTES}")
    found: dict[str, Any] = {}
    for row in rows:
        if not isinstance(row, tuple | list) or len(row) != 2:
            raise InvalidInput("attributes", row, "pairs of a name and a value")
        name, value = code(row[0], "attributes"), row[1]
        field = f"attributes[{name!r}]"
        if isinstance(value, str):
            note(value, field)
        elif value is not None and not (isinstance(value, int) and abs(value) <= MOST_STEPS):
            raise InvalidInput(field, value, "text, an int of 64 bits, a bool or None under a text name")
        if name in found:
            raise InvalidInput(field, value, "one value for every name")
        found[name] = value
    return tuple(sorted(found.items()))


def density(text: str) -> Fraction:
    """Kilograms per litre, exactly, from a text such as `"0.915 kg/L"` or `"915 g/L"`.

    Raises:
        InvalidInput: (`invalid_input`) not a positive mass per volume.

    >>> density("915 g/L") == density("0.915 kg/L")
    True
    """
    if isinstance(text, str) and len(text) <= MAX_TEXT:
        value, name = split(text.replace("/", "|"), "density")
    else:
        value, name = split(text, "density") if isinstance(text, str) else (Decimal(0), "")
    above, _, below = name.partition("|")
    ratio = Fraction(0)
    if above and below and value > 0:
        mass, volume = unit(above.strip()), unit(below.strip())
        if (mass.dimension, volume.dimension) == ("mass", "volume"):
            ratio = Fraction(value) * mass.ratio / volume.ratio
    if not ratio:
        raise InvalidInput("density", text, "a mass per volume such as '0.915 kg/L'")
    return ratio


def _unit(value: str) -> str:
    return unit(value).name


def _name(value: str) -> str:
    return note(value, "name")


def _kind(value: str) -> str:
    return one_of(value, KINDS, "kind")


def picking_rule(value: str) -> str:
    """The value, if it names a picking rule.

    >>> picking_rule("fifo")
    'fifo'
    """
    return one_of(value, PICKING_RULES, "pick")


def _release(value: str) -> str:
    return one_of(value, RELEASES, "release")


def _inspection(given: Any) -> Duration | None:
    return None if given is None else duration(given, "elapsed", "inspection")


def _consumption(value: str) -> str:
    return one_of(value, CONSUMPTION, "consumption")


def _tolerance(given: object) -> Fraction | None:
    if given is None or (isinstance(given, Fraction) and 0 <= given <= MOST_TOLERANCE):
        return given
    value, sign = split(given, "tolerance") if isinstance(given, str) else (Decimal(-1), "")
    share = Fraction(value) / 100
    if sign != "%" or not 0 <= share <= MOST_TOLERANCE:
        raise InvalidInput("tolerance", given, f"a percentage from 0 % to {MOST_TOLERANCE * 100} %")
    return share


def _packs(given: object) -> tuple[tuple[str, str], ...]:
    pairs = [*given.items()] if isinstance(given, Mapping) else [*given] if isinstance(given, tuple | list) else [given]
    packs: dict[str, str] = {}
    for pair in pairs if given else ():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InvalidInput("packs", given, "a name and an amount for every pack, such as {'case': 12}")
        name, content = code(pair[0], "pack"), pair[1]
        if name in packs or split_name(name) != name:
            raise InvalidInput("pack", name, "one word that stands behind a number, once")
        if isinstance(content, int) and not isinstance(content, bool):
            content = number(content, f"packs[{name!r}]")
        packs[name] = content if isinstance(content, str) else str(content if isinstance(content, Decimal) else qty(content))
    return tuple(packs.items())


def _kit(given: object) -> tuple[tuple[str, str], ...]:
    pairs = [*given.items()] if isinstance(given, Mapping) else [*given] if isinstance(given, tuple | list) else [given]
    kit: dict[str, str] = {}
    for pair in pairs if given else ():
        if not isinstance(pair, tuple | list) or len(pair) != 2 or pair[0] in kit:
            raise InvalidInput("kit", given, "an amount of every component, once, such as {'soap': '2 each'}")
        kit[code(pair[0], "kit")] = pair[1] if isinstance(pair[1], str) else str(qty(pair[1]))
    return tuple(kit.items())


def _spelled(given: object) -> str | None:
    """An amount as text; what it means is checked with the item's units."""
    return given if given is None or isinstance(given, str) else str(qty(given))


def split_name(name: str) -> str | None:
    """The name, if an amount can name it: `"1 case"`.

    >>> split_name("case"), split_name("6-pack")
    ('case', None)
    """
    try:
        return split(f"1 {name}")[1]
    except InvalidInput:
        return None


@attrs.frozen
class Item:
    """What is bought, made or sold.

    Args:
        code: its name everywhere (`"olive-oil"`).
        unit: the unit it is stocked in; immutable once used.
        step: the smallest amount of it, a terminating decimal of the unit; default a millionth of the unit for mass,
            volume, length and area, one for counted goods. Immutable once used.
        density: mass per volume (`"0.915 kg/L"`), the bridge between kilograms and litres.
        packs: own units: `{"case": 12}` counts in the item's unit, `{"egg": "58 g"}` weighs; the item's own unit as a pack
            (`{"each": "58 g"}`) says what one piece weighs.
        kind: material, packaging, semi-finished, finished or by-product.
        pick: the rule by which lots are picked (`fefo`, `fifo`, `lifo`, `single_lot`, `fewest_lots`, `narrow`, `manual`).
        release: `"at once"`, or `"by decision"` where a new lot waits for its release.
        inspection: how long that takes after receipt or completion (`"2 days"`): what comes is planned to be usable so much later.
        checks: what is measured of every lot of it, with limits (`[Check("pH", least="9", most="10.5")]`): see `quality`.
        kit: what one of it is put together from when it leaves (`{"soap": "2 each", "candle": "1 each"}`); a kit is never stocked.
        tolerance: how far use and output may differ from the plan (`"5 %"`); default any where `consumption` is flexible, else none.
        consumption: what a difference beyond the tolerance means: `"flexible"` it is told, `"warn"` there is an event as well,
            `"strict"` it needs a reason.
        minimum, target: what is kept in stock: below the minimum `shop.planning.propose()` fills it up to the target (default: the
            minimum); amounts in any unit or pack of the item.
        name: how people call it; default the code.
        attributes: the host's own.

    Raises:
        InvalidInput: (`invalid_input`, `unknown_unit`, ...) naming the field.

    >>> Item("jar", unit="each", packs={"tray": 12}).steps("25 tray")
    300
    """

    code: str = attrs.field(converter=code)
    unit: str = attrs.field(kw_only=True, converter=_unit)
    step: str | None = attrs.field(default=None, kw_only=True)
    density: str | None = attrs.field(default=None, kw_only=True)
    packs: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True, converter=_packs)
    kind: str = attrs.field(default="material", kw_only=True, converter=_kind)
    pick: str = attrs.field(default="fefo", kw_only=True, converter=picking_rule)
    release: str = attrs.field(default="at once", kw_only=True, converter=_release)
    inspection: Duration | None = attrs.field(default=None, kw_only=True, converter=_inspection)
    kit: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True, converter=_kit)
    checks: tuple[Check, ...] = attrs.field(default=(), kw_only=True, converter=checks)
    tolerance: Fraction | None = attrs.field(default=None, kw_only=True, converter=_tolerance)
    consumption: str = attrs.field(default="flexible", kw_only=True, converter=_consumption)
    minimum: str | None = attrs.field(default=None, kw_only=True, converter=_spelled)
    target: str | None = attrs.field(default=None, kw_only=True, converter=_spelled)
    name: str = attrs.field(default="", kw_only=True, converter=_name)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True, converter=attributes)
    scale: Scale = attrs.field(init=False, eq=False, repr=False)
    _steps_per_unit: Fraction = attrs.field(init=False, eq=False, repr=False)
    _ratios: dict[str, Fraction] = attrs.field(init=False, eq=False, repr=False, factory=dict)
    _seen: dict[object, int] = attrs.field(init=False, eq=False, repr=False, factory=dict)
    _amounts: dict[int, Quantity] = attrs.field(init=False, eq=False, repr=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Compile the step and try every bridge once, so that a wrong one is told at once."""
        counted = unit(self.unit).dimension == "count"
        ratio = Fraction(1 if counted else Fraction(1, 10**6))
        if self.step is not None:
            value, name = parts(self.step, "step")
            own, given = unit(self.unit), unit(name)
            ratio = Fraction(value) * given.ratio / own.ratio
            if given.dimension != own.dimension or ratio <= 0 or not terminating(ratio):
                raise InvalidInput("step", self.step, f"a positive amount with an end as a decimal of {self.unit}")
            object.__setattr__(self, "step", f"{plain(value)} {given.name}")
        object.__setattr__(self, "scale", Scale(self.unit, decimal_of(ratio)))
        object.__setattr__(self, "_steps_per_unit", 1 / ratio)
        if self.density is not None:
            density(self.density)
        if self.inspection is not None and self.release != "by decision":
            raise InvalidInput("inspection", str(self.inspection), "an item that is released 'by decision'")
        if self.kit and (not counted or ratio != 1):
            raise InvalidInput("kit", self.unit, "a unit of count and whole pieces for what is put together from others")
        for pack, content in self.packs:
            if pack in UNITS and pack != self.unit:
                raise InvalidInput("packs", pack, "a name that is not already a unit")
            if pack == self.unit:
                self._weighs(content)
            self.ratio(pack)
        if self.minimum is not None or self.target is not None:
            self._keeps(self.minimum, self.target)

    def _keeps(self, minimum: str | None, target: str | None) -> None:
        if minimum is None or self.kit:
            raise InvalidInput(
                "minimum", minimum, "nothing for a kit, which is never stocked" if self.kit else "an amount, with a target"
            )
        least, most = self.kept(minimum, target)
        object.__setattr__(self, "minimum", str(self.quantity(least)))
        object.__setattr__(self, "target", str(self.quantity(most)))

    def kept(self, minimum: object, target: object = None) -> tuple[int, int]:
        """A minimum and a target in steps; the target is the minimum where none is given.

        Raises:
            InvalidInput: (`invalid_input`) below zero, or a target below the minimum. And what `steps` raises.

        >>> Item("jar", unit="each").kept("1 dozen", "50 each")
        (12, 50)
        """
        least = self.steps(minimum, "minimum")
        most = least if target is None else self.steps(target, "target")
        if least < 0 or most < least:
            told = f"{self.code}: {minimum} to {target}"
            raise InvalidInput("minimum", told, "a minimum of zero or more, and a target that is not below it")
        return least, most

    def ratio(self, name: str) -> Fraction:
        """How many steps one of this unit (or pack) is, exactly.

        Raises:
            UnknownUnit: (`unknown_unit`), UnitMismatch: (`unit_mismatch`) with the bridge that is missing.

        >>> Item("oil", unit="kg", density="0.9 kg/L", step="1 g").ratio("L")
        Fraction(900, 1)
        """
        found = self._ratios.get(name)
        if found is None:
            found = self._ratios[name] = self._bridge(name) * self._steps_per_unit
        return found

    def _weighs(self, content: str) -> None:
        """What one of the own unit weighs is an amount of another dimension."""
        field = f"packs[{self.unit!r}]"
        value, name = split(content, field)
        if value <= 0 or not name or unit(name).dimension == unit(self.unit).dimension:
            raise InvalidInput(field, content, f"an amount that is not counted in {self.unit}, such as '58 g'")

    def _bridge(self, name: str, inside: tuple[str, ...] = ()) -> Fraction:
        packs = dict(self.packs)
        if name in packs and name != self.unit:
            if name in inside or len(inside) > MOST_NESTED:
                raise InvalidInput("packs", " in ".join((*inside, name)[:8]), "packs that end in a unit, not in each other")
            return self._pack(name, packs[name], (*inside, name))
        try:
            given = unit(name)
        except UnknownUnit as problem:
            raise UnknownUnit("unit", name, f"a unit or a pack of {self.code}", (*packs, *problem.choices)) from None
        own = unit(self.unit)
        if given.dimension == own.dimension:
            return given.ratio / own.ratio
        if {given.dimension, own.dimension} == {"mass", "volume"} and self.density is not None:
            per_litre = density(self.density)
            return given.ratio * (per_litre if own.dimension == "mass" else 1 / per_litre) / own.ratio
        if self.unit in packs:  # what one piece weighs
            return given.ratio / self._weight(given, packs[self.unit])
        raise self._no_bridge(given)

    def _weight(self, given: Unit, one: str) -> Fraction:
        value, name = split(one, f"packs[{self.unit!r}]")
        known = unit(name)
        if known.dimension != given.dimension or value <= 0:
            raise self._no_bridge(given)
        return Fraction(value) * known.ratio

    def _pack(self, name: str, content: str, inside: tuple[str, ...]) -> Fraction:
        value, inner = split(content, f"packs[{name!r}]")
        if value <= 0:
            raise InvalidInput(f"packs[{name!r}]", content, "a positive count of the unit, or an amount such as '58 g'")
        return Fraction(value) * (self._bridge(inner, inside) if inner else 1)

    def _no_bridge(self, given: Unit) -> UnitMismatch:
        kinds = {given.dimension, unit(self.unit).dimension}
        missing = "its density" if kinds == {"mass", "volume"} else f"a pack that tells {BASES[given.dimension]} in {self.unit}"
        return UnitMismatch("unit", given.name, f"an amount of {self.code}", self.unit, f"{self.code} needs {missing}")

    def exact(self, given: object, field: str = "amount") -> Fraction:
        """The amount in steps as an exact ratio, not rounded: for recipes, which round once at the end.

        >>> Item("jar", unit="each").exact("0.5 each"), Item("egg", unit="each").exact("1/3 dozen")
        (Fraction(1, 2), Fraction(4, 1))
        """
        value, name = exactly(given, field) if isinstance(given, str) else parts(given, field)
        if not name and isinstance(given, str):
            raise bare(given, field)
        try:
            return Fraction(value) * self.ratio(name)
        except UnknownUnit as problem:
            raise UnknownUnit(_named(problem, field), problem.given, problem.expected, problem.choices) from None
        except UnitMismatch as problem:
            raise UnitMismatch(_named(problem, field), problem.given, problem.expected, problem.wanted, problem.missing) from None

    def steps(self, given: object, field: str = "amount") -> int:
        """The amount in whole steps; never rounded.

        Raises:
            NotWholeSteps: (`not_whole_steps`) with the two nearest valid amounts.
            OutOfRange: (`out_of_range`) beyond 64 bits. And what `parts` and `ratio` raise.

        >>> Item("jar", unit="each").steps("1 dozen")
        12
        """
        known = self._seen.get(given) if type(given) is str else None
        if known is not None:
            return known
        exact = self.exact(given, field)
        if exact.denominator != 1:
            low = math.floor(exact)
            nearest = str(self.quantity(low)), str(self.quantity(low + 1))
            raise NotWholeSteps(field, str(given), f"a multiple of {self.smallest}", self.code, *nearest)
        if abs(exact.numerator) > MOST_STEPS:
            raise OutOfRange(field, str(given), f"at most {self.quantity(MOST_STEPS)} of {self.code}")
        if type(given) is str and len(self._seen) < _CACHED:
            self._seen[given] = exact.numerator
        return exact.numerator

    def positive(self, given: object, field: str = "amount") -> int:
        """The amount in whole steps, above zero.

        Raises:
            NotPositive: (`not_positive`), and what `steps` raises.

        >>> Item("jar", unit="each").positive("2 each")
        2
        """
        steps = self.steps(given, field)
        if steps <= 0:
            raise NotPositive(field, str(given), "an amount above zero")
        return steps

    @property
    def smallest(self) -> Quantity:
        """The step as an amount.

        >>> Item("lye", unit="kg").smallest
        Quantity('0.000001 kg')
        """
        return self.scale.quantity(1)

    def quantity(self, steps: int) -> Quantity:
        """Whole steps as an amount in the item's unit: exact, so nothing is rounded.

        >>> Item("lye", unit="kg").quantity(1_050_000)
        Quantity('1.05 kg')
        """
        found = self._amounts.get(steps)
        if found is None:
            found = self.scale.quantity(steps)
            if len(self._amounts) < _KEPT:
                self._amounts[steps] = found
        return found

    @property
    def dimension(self) -> str:
        """mass, volume, length, area or count: of the unit.

        >>> Item("lye", unit="kg").dimension
        'mass'
        """
        return unit(self.unit).dimension

    def mass(self, steps: int) -> Fraction | None:
        """Kilograms in so many steps, exactly, or None where the item has no mass that anybody declared.

        >>> Item("jar", unit="each").mass(3) is None
        True
        """
        try:
            return Fraction(steps) / self.ratio("kg")
        except UnitMismatch:
            return None


def _named(problem: InvalidInput, field: str) -> str:
    """The field of an error about a unit: that of the amount, where it has a name."""
    return problem.field if field == "amount" else field
