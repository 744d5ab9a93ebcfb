"""Units: our table against pint, every other unit that pint knows, and no text of a user in between."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.errors import InvalidInput, TextTooLong, UnknownUnit
from krafte_core.quantities import qty
from krafte_core.units import BASES, UNITS, registry, unit

PINT = pint.UnitRegistry(non_int_type=Fraction, cache_folder=None)
IN_PINT = {"mass": "kilogram", "volume": "liter", "length": "meter", "area": "meter ** 2"}


def of_pint(name: str, dimension: str) -> Fraction:
    """How many of our base units pint finds in one of its own."""
    return Fraction(PINT.Quantity(Fraction(1), name).to(IN_PINT[dimension]).magnitude)


MEASURED = sorted({known.name for known in UNITS.values() if known.dimension != "count"})


@pytest.mark.parametrize("name", MEASURED)
def test_the_table_holds_exactly_the_ratio_that_pint_has(name):
    known = UNITS[name]
    assert known.ratio == of_pint(known.pint_name, known.dimension)


@pytest.mark.parametrize("alias", sorted(alias for alias, known in UNITS.items() if known.dimension != "count"))
def test_every_alias_that_pint_reads_too_means_the_same_unit_there(alias):
    """Except those that pint takes for something else or for nothing: they are ours alone, and listed here."""
    ours_alone = {"fl_oz", "kilo"}
    try:
        theirs = PINT.Quantity(Fraction(1), PINT.Unit(alias)).to(IN_PINT[UNITS[alias].dimension]).magnitude
    except (pint.UndefinedUnitError, pint.DimensionalityError, AttributeError):
        assert alias in ours_alone
    else:
        assert UNITS[alias].ratio == Fraction(theirs)


def test_counting_words_are_ours_and_never_parsecs():
    """pint reads `pcs` as picoseconds or parsecs and `pc` as a parsec; for a maker they are pieces."""
    assert {unit(word).name for word in ("each", "ea", "piece", "pieces", "pcs", "pc", "count")} == {"each"}
    assert unit("dozen").ratio == 12
    assert unit("gross").ratio == 144


def test_every_alias_leads_to_one_name_that_leads_to_itself():
    for alias, known in UNITS.items():
        assert unit(alias) == known
        assert unit(known.name) == known


@pytest.mark.parametrize(
    ("name", "dimension"),
    [
        ("furlong", "length"),
        ("troy_ounce", "mass"),
        ("acre", "area"),
        ("hectare", "area"),
        ("cup", "volume"),
        ("tablespoon", "volume"),
        ("barrel", "volume"),
        ("stone", "mass"),
        ("long_ton", "mass"),
        ("dekagram", "mass"),
        ("picoliter", "volume"),
        ("megagram", "mass"),
        ("kilofurlong", "length"),
        ("nautical_mile", "length"),
        ("cubic_centimeter", "volume"),
    ],
)
def test_any_unit_of_mass_volume_length_and_area_that_pint_knows_works(name, dimension):
    """Known by name, with at most one prefix; the ratio is the exact one."""
    known = unit(name)
    assert (known.dimension, known.ratio) == (dimension, of_pint(name, dimension))


def test_everything_that_pint_lists_is_either_told_exactly_or_refused():
    """Over a thousand names: each gives the ratio that pint gives, or `unknown_unit`, and nothing else ever escapes."""
    told = 0
    for name in sorted(registry()):
        try:
            known = unit(name)
        except UnknownUnit:
            continue
        if name not in UNITS:
            told += 1
            assert known.ratio == of_pint(name, known.dimension), name
    assert told > 50


@pytest.mark.parametrize(
    "name", ["degC", "second", "percent", "radian", "bit", "joule", "newton", "mole", "kelvin", "parsecs_of_hope"]
)
def test_a_unit_of_another_kind_is_unknown(name):
    with pytest.raises(UnknownUnit):
        unit(name)


@pytest.mark.parametrize("name", ["kilokilogram", "millimilligram", "megakilogram"])
def test_two_prefixes_are_one_too_many(name):
    with pytest.raises(UnknownUnit):
        unit(name)


HOSTILE = [
    "9**9**9 kg",
    "kg*2",
    "lb oz",
    "kg/L",
    "kg+kg",
    "kg**-1",
    "m^2",
    "2kg",
    "(kg)",
    "kg kg",
    "[mass]",
    "1 lb 4 oz",
    "EL",
    "Å",
    "__class__",
    "__import__('os')",
    "kg;kg",
    "kg\0",
    "kg\n",
    " kg",
    "",
    " ",
    "\ud800",
    "k\u200bg",
    "KG²",
    "**",
    "%",
    "5",
    "e5",
    "kg.m",
    "m**3",
    "{kg}",
    "ＫＧ",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_with_operators_or_other_tricks_is_unknown(name):
    """Nothing is evaluated: `9**9**9 kg` would keep pint busy for ever, and this test with it."""
    with pytest.raises(UnknownUnit):
        unit(name)


@pytest.mark.parametrize("name", ["kg * m / m", "EL", "lb oz / oz", "m**3", "kg**2/kg", "cm cm", "PL"])
def test_what_only_the_parser_of_pint_understands_does_not_work_here(name):
    """pint itself takes each of them: so if its parser ever saw the text, the text would be taken."""
    try:
        assert PINT.Unit(name)
    except pint.UndefinedUnitError:
        pytest.fail("pint does not read it, so the test would prove nothing")
    with pytest.raises(UnknownUnit):
        unit(name)


@given(st.text(max_size=80))
def test_any_text_is_a_unit_or_a_coded_refusal(name):
    try:
        known = unit(name)
    except (UnknownUnit, TextTooLong):
        return
    assert known.ratio > 0
    assert known.dimension in BASES


@pytest.mark.parametrize("name", [None, 5, 5.0, ["kg"], b"kg", {"kg": 1}, object()])
def test_what_is_no_text_is_no_unit(name):
    with pytest.raises(InvalidInput) as refused:
        unit(name)
    assert refused.value.code == "invalid_input"


def test_a_unit_of_ten_megabytes_is_refused_without_keeping_it():
    with pytest.raises(TextTooLong) as refused:
        unit("k" * 10_000_000)
    assert len(refused.value.given) < 100


def test_an_unknown_unit_comes_with_near_names():
    with pytest.raises(UnknownUnit) as refused:
        unit("kilogramm")
    assert "kilogram" in refused.value.choices


def test_the_everyday_units_do_not_load_pint():
    program = "import sys; from krafte_core.quantities import qty; qty('3 lb').to('kg'); sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def test_the_first_use_of_the_registry_is_safe_for_threads():
    """pint's own default registry is not, while it is built; a fresh process, many threads, one registry."""
    program = """
import sys, threading
sys.setswitchinterval(1e-6)
from krafte_core.units import registry, unit
gate, found, problems = threading.Barrier(16), [], []
def ask():
    try:
        gate.wait()
        found.append((unit("furlong").ratio, unit("troy_ounce").ratio, id(registry())))
    except BaseException as problem:
        problems.append(repr(problem))
threads = [threading.Thread(target=ask) for _ in range(16)]
[one.start() for one in threads]; [one.join() for one in threads]
assert not problems, problems
assert len(found) == 16 and len(set(found)) == 1
"""
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


def test_our_registry_is_not_the_application_registry():
    qty("3 furlong").to("m", step="1")
    assert registry() is not pint.get_application_registry().get()
