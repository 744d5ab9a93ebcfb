"""The units: the maker's everyday table, and behind it every unit of mass, volume, length and area that pint knows.

The table is held against pint by the tests, so that pint loads only when somebody speaks troy ounces. No text of a user reaches
pint: a name is looked up among the names that pint lists, and only such a name is asked for its ratio.

>>> unit("litre").name, unit("lb").ratio
('L', Fraction(45359237, 100000000))
"""

from __future__ import annotations

import re
import threading
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from krafte_core.errors import InvalidInput, TextTooLong, UnknownUnit

MAX_NAME = 64


class Unit(NamedTuple):
    """A unit: its name, its dimension, how many base units (kg, L, m, m**2, each) it holds, its name in pint."""

    name: str
    dimension: str
    ratio: Fraction
    pint_name: str


def _table() -> dict[str, Unit]:
    rows = """
        mass kg 1 kilogram|kilograms|kilo ; mass g 1/1000 gram|grams ; mass mg 1/1000000 milligram|milligrams
        mass ug 1/1000000000 microgram|micrograms|µg|μg|mcg ; mass t 1000 metric_ton|tonne|tonnes
        mass lb 45359237/100000000 pound|pounds|lbs ; mass oz 45359237/1600000000 ounce|ounces
        volume L 1 liter|liters|litre|litres|l ; volume mL 1/1000 milliliter|milliliters|millilitre|millilitres|ml
        volume cL 1/100 centiliter|centiliters|centilitre|cl ; volume dL 1/10 deciliter|deciliters|decilitre|dl
        volume hL 100 hectoliter|hectoliters|hectolitre|hl ; volume uL 1/1000000 microliter|microliters|microlitre|µL|μL
        volume gal 473176473/125000000 gallon|gallons ; volume qt 473176473/500000000 quart|quarts
        volume pt 473176473/1000000000 pint|pints ; volume fl_oz 473176473/16000000000 fluid_ounce|fluid_ounces
        length m 1 meter|meters|metre|metres ; length cm 1/100 centimeter|centimeters|centimetre
        length mm 1/1000 millimeter|millimeters|millimetre ; length km 1000 kilometer|kilometers|kilometre
        length in 127/5000 inch|inches ; length ft 381/1250 foot|feet ; length yd 1143/1250 yard|yards
        count each 1 count|ea|piece|pieces|pcs|pc ; count dozen 12 dozen|dozens ; count gross 144 gross
    """
    table: dict[str, Unit] = {}
    for row in rows.replace("\n", ";").split(";"):
        if row.strip():
            dimension, name, ratio, aliases = row.split()
            pint_name, *_ = names = aliases.split("|")
            table |= dict.fromkeys([name, *names], Unit(name, dimension, Fraction(ratio), pint_name))
    return table


UNITS = _table()
"""The everyday units by every accepted name."""
BASES = {"mass": "kg", "volume": "L", "length": "m", "area": "m**2", "count": "each"}
_PINT_DIMENSIONS = {
    ("[mass]", 1): ("mass", Fraction(1, 1000)),  # pint's root is the gram; ours the kilogram
    ("[length]", 3): ("volume", Fraction(1000)),
    ("[length]", 1): ("length", Fraction(1)),
    ("[length]", 2): ("area", Fraction(1)),
}
_PREFIXES = (
    "yocto", "zepto", "atto", "femto", "pico", "nano", "micro", "milli", "centi", "deci", "deca", "deka", "hecto", "kilo",
    "mega", "giga", "tera", "peta", "exa", "zetta", "yotta",
)  # fmt: skip
_lock = threading.Lock()
_registry: Any = None


def registry() -> Any:
    """Our private pint registry, exact and built once; the host's own registry is never touched.

    >>> registry() is registry()
    True
    """
    global _registry  # noqa: PLW0603 - built once, under a lock
    with _lock:
        if _registry is None:
            import pint  # noqa: PLC0415 - half of the start-up time, and rarely needed

            _registry = pint.UnitRegistry(non_int_type=Fraction, cache_folder=None)
    return _registry


@lru_cache(maxsize=1)
def _pint_names() -> frozenset[str]:
    return frozenset(registry())


def unit(name: str) -> Unit:
    """The unit of this name: the everyday table first, then any length, area, volume or mass that pint knows by name.

    Raises:
        UnknownUnit: (`unknown_unit`) no such unit; near names are given.
        InvalidInput: (`invalid_input`) no text. TextTooLong: (`text_too_long`) more than 64 characters.

    >>> unit("litre").name, unit("troy_ounce").ratio
    ('L', Fraction(19439673, 625000000))
    """
    found = UNITS.get(name) if type(name) is str else None
    if found is not None:
        return found
    if not isinstance(name, str):
        raise InvalidInput("unit", name, "the name of a unit, such as 'kg'")
    if len(name) > MAX_NAME:
        raise TextTooLong("unit", name[:MAX_NAME], f"a name of at most {MAX_NAME} characters")
    return _rare(str(name))


@lru_cache(maxsize=1024)
def _rare(name: str) -> Unit:
    """A unit that the table does not have: only a name that pint lists, with at most one prefix, is asked for its ratio."""
    if name == "m**2":
        return Unit("m**2", "area", Fraction(1), "meter ** 2")
    if re.fullmatch(r"[A-Za-zµ]\w*", name) and (name in _pint_names() or _stem(name) is not None):
        return from_pint(name, {name: 1})
    import difflib  # noqa: PLC0415 - only on the way to an error

    near = difflib.get_close_matches(name, [*UNITS], 3, 0.5)
    raise UnknownUnit("unit", name, "a unit such as kg, mL or each", tuple(near))


def _stem(name: str) -> str | None:
    """The name behind a prefix, if pint lists it and it has no prefix of its own."""
    rests = [name[len(prefix) :] for prefix in _PREFIXES if name.startswith(prefix)]
    return next((rest for rest in rests if rest in _pint_names() and _stem(rest) is None), None)


def from_pint(name: str, powers: dict[str, Any]) -> Unit:
    """The exact ratio of a product of pint units (all known by name) as a unit of ours.

    Raises:
        UnknownUnit: (`unknown_unit`) another dimension, or a ratio that is not exact.

    >>> from_pint("cm3", {"centimeter": 3}).ratio
    Fraction(1, 1000)
    """
    ureg = registry()
    product = ureg.Unit(ureg.UnitsContainer(powers))
    (kind, *more) = product.dimensionality.items() or [("", 0)]
    dimension, scale = ("", Fraction(0)) if more else _PINT_DIMENSIONS.get(kind, ("", Fraction(0)))
    factor, _ = ureg.get_root_units(product)
    if not dimension or isinstance(factor, float):
        raise UnknownUnit("unit", name, "a unit of mass, volume, length, area or count with an exact ratio")
    return Unit(name, dimension, Fraction(factor) * scale, name)
