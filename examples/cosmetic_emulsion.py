"""A body lotion in percent, with water to a hundred: scaled, batched for a vessel, costed, and labelled."""

from fractions import Fraction

from krafte_core import BatchSize, Ingredient, Item, Operation, Recipe
from krafte_core.costing import cost
from krafte_core.declarations import composition, contained, declared, ingredient_list
from krafte_core.errors import Unsolvable
from krafte_core.money import money
from krafte_core.recipes import Substitute, compiled
from krafte_core.sheets import sheet
from krafte_core.structure import Structure

# What goes in, with its name on the label. The preservative is a blend of two.
items = {
    item.code: item
    for item in (
        Item("lotion", unit="kg", step="0.1 g", density="0.98 kg/L"),
        Item(
            "almond-oil",
            unit="kg",
            step="0.1 g",
            density="0.915 kg/L",
            attributes={"inci": "Prunus Amygdalus Dulcis Oil", "allergens": "nuts"},
        ),
        Item("shea", unit="kg", step="0.1 g", attributes={"inci": "Butyrospermum Parkii Butter"}),
        Item("mango", unit="kg", step="0.1 g", attributes={"inci": "Mangifera Indica Seed Butter"}),
        Item("emulsifier", unit="kg", step="0.1 g", attributes={"inci": "Glyceryl Stearate Citrate"}),
        Item("glycerin", unit="kg", step="0.1 g", density="1.26 kg/L", attributes={"inci": "Glycerin"}),
        Item("preservative", unit="g", step="10 mg", attributes={"inci": "Phenoxyethanol 90 %, Ethylhexylglycerin 10 %"}),
        Item("scent", unit="mL", density="0.95 kg/L", attributes={"inci": "Parfum", "allergens": "linalool, limonene"}),
        Item("water", unit="kg", step="0.1 g", density="1 kg/L", attributes={"inci": "Aqua"}),
        Item("bottle", unit="each", kind="packaging"),
    )
}

recipe = Recipe(
    "lotion",
    makes="100 kg",
    ingredients=[
        Ingredient("almond-oil", "12 %"),
        Ingredient("shea", "4.5 %", substitutes=[Substitute("mango", ratio="1.05")]),
        Ingredient("emulsifier", "4 %"),
        Ingredient("glycerin", "3 %"),
        Ingredient("preservative", "0.9 %"),
        Ingredient("scent", "0.25 L"),  # by the noses: a quarter of a litre for a hundred kilograms
        Ingredient("water", "q.s."),
        Ingredient("bottle", "5 each", per="started 1 kg", follows="output"),  # 200 g each
    ],
    operations=[Operation("emulsify", at="homogeniser", setup="30 min", run="90 min", per="batch"), Operation("rest", wait="12 h")],
    process_yield="97 %",  # what stays in the vessel and the hoses
    batch=BatchSize(vessel="60 kg", min="10 kg"),
)
lotion = compiled(recipe, items)

# 25 kg: the charge is larger by the yield, and water takes what the others leave of it.
batch = sheet(lotion, "25 kg")
print(batch)
charge = sum(one.exact / items[one.item].ratio("kg") for one in batch.lines if one.item != "bottle")
assert charge == Fraction(25) / Fraction(97, 100)
assert str(batch.line("almond-oil").required) == "3.0928 kg"  # 12 % of 25.773 kg, rounded up once
assert str(batch.line("almond-oil").told(items["almond-oil"], "L", step="0.001")) == "3.38 L"
assert str(batch.line("bottle").required) == "125 each"
assert all(0 <= one.residue < 1 for one in batch.lines)

# The vessel holds 60 kg of charge: 150 kg are three fair batches, not two full ones and a small one.
print(lotion.plan("150 kg"))
assert [str(amount) for amount in lotion.plan("150 kg").amounts] == ["50 kg", "50 kg", "50 kg"]

# What it costs, rolled up exactly, and what it would cost if almond oil rose by a third.
structure = Structure({"lotion": lotion})
prices = {
    "almond-oil": money("9 EUR"), "shea": money("7.50 EUR"), "emulsifier": money("11 EUR"), "glycerin": money("1.80 EUR"),
    "preservative": money("0.024 EUR"), "scent": money("0.085 EUR"), "water": money("0.01 EUR"), "bottle": money("0.32 EUR"),
}  # fmt: skip
rates = {"homogeniser": money("45 EUR")}
now = cost(structure, "lotion", items["lotion"].steps("50 kg"), prices, rates)
then = cost(structure, "lotion", items["lotion"].steps("50 kg"), prices | {"almond-oil": money("12 EUR")}, rates)
print(now)
assert (then.total.value - now.total.value) == 3 * 6 / Fraction(97, 100)

# The label: ingredients by descending mass, and what a customer may have to avoid.
label = ingredient_list(composition(structure, "lotion", items), items)
print("Ingredients: " + ", ".join(one.name for one in label))
assert [one.name for one in label][:3] == ["Aqua", "Prunus Amygdalus Dulcis Oil", "Butyrospermum Parkii Butter"]
assert sum(one.share for one in label) == 1
assert [*contained(structure, "lotion", declared(items.values(), "allergens"))] == ["limonene", "linalool", "nuts"]

told = ""
# A formula that does not reach a hundred is refused, with the lines and the amount.
try:
    compiled(Recipe("lotion", makes="100 kg", ingredients=[Ingredient("almond-oil", "12 %"), Ingredient("water", "87.5 %")]), items)
except Unsolvable as problem:
    print(problem)
    told = problem.by
assert told == "0.5 kg missing"
