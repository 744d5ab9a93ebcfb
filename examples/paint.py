"""A wall paint by volume: lots of a pigment paste that are stronger or weaker than the recipe expects, and densities that differ."""

from datetime import UTC, date, datetime
from fractions import Fraction

from krafte_core import BatchSize, Ingredient, Item, Lot, Recipe
from krafte_core.potency import at_temperature, balanced, of_lot, pick_by_content, told
from krafte_core.recipes import compiled
from krafte_core.stock import Stocked

items = {
    item.code: item
    for item in (
        Item("paint", unit="L", step="1 mL", density="1.35 kg/L"),
        Item("pigment-paste", unit="kg", step="1 g", density="1.8 kg/L"),
        Item("binder", unit="kg", step="1 g", density="1.04 kg/L"),
        Item("thickener", unit="kg", step="1 g", density="1.1 kg/L"),
        Item("biocide", unit="mL", density="1 kg/L"),
        Item("water", unit="L", step="1 mL"),
        Item("bucket", unit="each", kind="packaging"),
    )
}

# Everything in litres; the books of most items count kilograms. The paste is written for 30 % of pigment.
paint = compiled(
    Recipe(
        "paint",
        makes="100 L",
        ingredients=[
            Ingredient("pigment-paste", "30 L", potency="30 %"),
            Ingredient("binder", "10 L", compensates="pigment-paste", factor="1.1"),  # a stronger paste brings less binder of its own
            Ingredient("thickener", "15 %"),
            Ingredient("biocide", "200 mL", per="started 50 L"),
            Ingredient("water", "q.s."),  # fills up what the others leave, and what the paste changes
            Ingredient("bucket", "1 each", per="started 10 L", follows="output"),
        ],
        batch=BatchSize(multiple="10 L", vessel="500 L", vessel_holds="output"),
    ),
    items,
)

# A lot of 35 %: less paste, more binder, and water so that the total stays.
batch = balanced(paint, items["paint"].steps("100 L"), {"pigment-paste": "35 %"})
print(batch)
assert batch.amount("pigment-paste") == Fraction(900, 35)
assert str(told(batch.amount("pigment-paste"), "L")) == "25.714 L"
assert str(told(batch.amount("binder"), "L")) == "14.714 L"
assert sum(amount for _, amount in batch.after) == 100
assert str(batch.sheet.line("pigment-paste").required) == "46.286 kg"  # 25.714... L of 1.8 kg/L, rounded up to the gram

# Three lots on the shelf, each with its own content; what they take and what they cover is not the same.
here = datetime(2026, 11, 23, 8, tzinfo=UTC)


def lot(code: str, kilograms: int, **attributes: str) -> Stocked:
    """A lot of paste on the shelf."""
    row = Lot("pigment-paste", code, received_at=here, attributes=attributes)
    return Stocked(row, "stock", items["pigment-paste"].steps(f"{kilograms} kg"), 0)


shelf = [lot("P-35", 20, potency="35 %", density="1.86 kg/L"), lot("P-?", 50), lot("P-24", 60, potency="24 %")]
need = paint.line("pigment-paste").requirement(items["paint"].steps("100 L"))
picked = pick_by_content(shelf, need, "30 %", date(2026, 11, 23), usable_places={"stock"})
for stocked, takes, covers in picked.taken:
    amounts = items["pigment-paste"].quantity(takes), items["pigment-paste"].quantity(covers)
    print(f"{stocked.lot.code}: {amounts[0]} cover {amounts[1]} at 30 %")
assert [(one.stocked.lot.code, one.takes) for one in picked.taken] == [("P-35", 20_000), ("P-24", 38_334)]
assert [(one.stocked.lot.code, one.reason) for one in picked.refused] == [("P-?", "potency not declared")]
assert picked.missing == 0

# The batch with what was really drawn.
mixed = balanced(paint, items["paint"].steps("100 L"), {}, {"pigment-paste": picked.takes})
assert sum(amount for _, amount in mixed.after) == 100

# A lot may be denser than its item says, and everything is lighter when it is warm.
assert (
    str(of_lot(items["pigment-paste"], shelf[0].lot).quantity(of_lot(items["pigment-paste"], shelf[0].lot).steps("10 L"))) == "18.6 kg"
)
warm = at_temperature(items["binder"], {"20 degC": "1.04 kg/L", "30 degC": "1.034 kg/L"}, "25 degC")
assert warm.density == "1.037 kg/L"

# Half a million millilitres at once at most: what is wanted beyond that is split fairly, in whole tens of litres.
print(paint.plan("1240 L"))
assert [str(amount) for amount in paint.plan("1240 L").amounts] == ["420 L", "410 L", "410 L"]
assert paint.plan("1245 L", rest="short").short == items["paint"].steps("5 L")
