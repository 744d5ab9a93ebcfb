"""A sourdough in baker's percent, with a starter fed by itself: what to weigh for sixty loaves, how many can be baked now."""

from datetime import date

from krafte_core import Ingredient, Item, Operation, Recipe
from krafte_core.declarations import composition, contained, declared, good_until, nutrients
from krafte_core.recipes import compiled
from krafte_core.sheets import compared, sheet
from krafte_core.structure import Structure

items = {
    item.code: item
    for item in (
        Item("loaf", unit="each", packs={"each": "750 g"}),
        Item("dough", unit="kg", step="1 g"),
        Item("starter", unit="kg", step="1 g"),
        Item("wheat-flour", unit="kg", step="1 g", attributes={"allergens": "gluten"}),
        Item("rye-flour", unit="kg", step="1 g", attributes={"allergens": "gluten"}),
        Item("water", unit="kg", step="1 g", density="1 kg/L"),
        Item("salt", unit="kg", step="1 g"),
        Item("paper-bag", unit="each", kind="packaging"),
    )
}

recipes = [
    # Percentages of the flour, which is both flours together. Nobody says how much flour: 100 kg of dough tell it.
    Recipe(
        "dough",
        makes="100 kg",
        ingredients=[
            Ingredient("wheat-flour", "80 %", of="flour", group="flour"),
            Ingredient("rye-flour", "20 %", of="flour", group="flour"),
            Ingredient("water", "68 %", of="flour"),
            Ingredient("salt", "2 %", of="flour"),
            Ingredient("starter", "20 %", of="flour"),
        ],
        operations=[Operation("knead", at="spiral mixer", setup="5 min", run="12 min", per="batch"), Operation("proof", wait="14 h")],
    ),
    # The starter is fed with a part of itself, which is taken from stock and closes no circle.
    Recipe(
        "starter",
        makes="10 kg",
        ingredients=[
            Ingredient("rye-flour", "45 %"),
            Ingredient("water", "q.s."),
            Ingredient("starter", "10 %", from_stock=True),
        ],
        lead_time="12 h",
    ),
    # A loaf takes 870 g of dough and loses the rest in the oven.
    Recipe(
        "loaf",
        makes="1 each",
        ingredients=[Ingredient("dough", "870 g"), Ingredient("paper-bag", "1 each", follows="output")],
        operations=[Operation("bake", at="oven", run="50 min", per="batch")],
        process_yield="98 %",
        shelf_life="5 days",
    ),
]
formulas = {recipe.item: compiled(recipe, items) for recipe in recipes}
bakery = Structure(formulas)

# What to weigh for a dough of 53.3 kg.
dough = sheet(formulas["dough"], "53.3 kg")
print(dough)
flour = sum(dough.line(name).exact for name in ("wheat-flour", "rye-flour"))
assert dough.line("water").exact == flour * 68 / 100
assert sum(one.exact for one in dough.lines) == dough.steps

# Sixty loaves over all levels: rye goes into the dough and into the starter, and is counted once.
stock = {"starter": items["starter"].steps("2 kg"), "wheat-flour": items["wheat-flour"].steps("50 kg")}
print(bakery.explode({"loaf": 60}, stock))
needed = bakery.explode({"loaf": 60}, stock)
assert str(needed.row("dough").to_make) == "53.266 kg"  # 60 x 870 g / 0.98, rounded up to the gram
assert str(needed.row("starter").from_stock) == "1.599 kg"  # 2 kg there are, but 401 g are kept to feed the new one
assert needed.row("rye-flour").level == 3
assert [(use.product, use.levels) for use in bakery.where_used("rye-flour")] == [
    ("starter", 1),
    ("dough", 1),
    ("dough", 2),
    ("loaf", 2),
]

# How many loaves can be baked now, with everything that they share counted together?
shelf = {name: items[name].steps(amount) for name, amount in {
    "wheat-flour": "25 kg", "rye-flour": "8 kg", "water": "1000 kg", "salt": "3 kg", "starter": "1.5 kg", "paper-bag": "80 each",
}.items()}  # fmt: skip
now = bakery.buildable("loaf", shelf)
print(now)
assert bakery.explode({"loaf": now.steps}, shelf, use_own_stock=False).missing == {}
assert [item for item, _ in now.limits] == ["rye-flour"]

# Afterwards: what was weighed beside what the recipe says.
report = compared(dough, {one.line.ref: one.steps + (120 if one.item == "water" else 0) for one in dough.lines}, {"dough": 53_420})
print(report)
assert [row.name for row in report.deviations] == ["water", "+ dough"]

# The label.
per_100_g = {"wheat-flour": {"kJ": 1455}, "rye-flour": {"kJ": 1350}, "water": {}, "salt": {"salt g": 100}}
assert [*contained(bakery, "loaf", declared(items.values(), "allergens"))] == ["gluten"]
energy = nutrients(composition(bakery, "dough", items), per_100_g)
print({name: f"{float(amount):.1f}" for name, amount in energy.items()})
good = good_until(date(2026, 11, 23), formulas["loaf"].recipe.shelf_life)
assert str(good.until) == "2026-11-28"
