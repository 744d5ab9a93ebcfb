"""A machine with a bill of 1,800 lines over 6 levels: exploded, netted, costed, and asked how many can be built now."""

import random  # noqa: TID251 - with a seed
from itertools import pairwise

from krafte_core import Ingredient, Item, Recipe
from krafte_core.costing import cost
from krafte_core.money import money
from krafte_core.recipes import compiled
from krafte_core.structure import Structure

MADE = (1, 6, 36, 107, 150)  # made items per level, six lines each; below them 600 that are bought
BOUGHT, FAN_OUT = 600, 6
chance = random.Random(1800)  # noqa: S311 - the same machine every time

names = [[f"{level}.{n:03d}" for n in range(count)] for level, count in enumerate((*MADE, BOUGHT))]
items = {name: Item(name, unit="each") for level in names for name in level}
recipes = []
for above, below in pairwise(names):
    spare = chance.sample(below, len(below))  # so that everything is used somewhere
    for name in above:
        inside = [spare.pop() for _ in range(min(FAN_OUT, len(spare)))]
        inside += [item for item in chance.sample(below, FAN_OUT) if item not in inside][: FAN_OUT - len(inside)]
        recipes.append(Recipe(name, makes="1 each", ingredients=[Ingredient(item, f"{chance.randint(1, 2)} each") for item in inside]))

assert sum(len(recipe.ingredients) for recipe in recipes) == 1800
machine = Structure({recipe.item: compiled(recipe, items) for recipe in recipes})
top = names[0][0]
assert max(machine.levels.values()) == 5  # six levels, counted from nought

# Everything for ten machines, with a shelf of half-made parts that is netted once.
stock = {name: chance.randint(0, 500) for name in items if name != top and chance.random() < 1 / 3}
needed = machine.explode({top: 10}, stock)
print("\n".join(str(needed).splitlines()[:12]))
print(f"... {len(needed.rows)} items, {len(needed.missing)} to buy")
assert all(row.gross == row.stock + row.net for row in needed.rows)
assert machine.exact(top, 10) == {row.item: row.gross for row in machine.explode({top: 10}).rows}

# How many can be built now if the shelf were full? One more than that lacks exactly these parts.
full = {item: steps * 3 + 7 for item, steps in machine.explode({top: 10}).leaves.items()}
now = machine.buildable(top, full)
print(now)
assert now.steps == 30
assert machine.explode({top: 31}, full).missing == dict(now.limits)

# What a machine costs, to the last fraction of a cent; and where the part that costs most is used.
prices = {name: money(f"{chance.randint(1, 300) / 100:.2f} EUR") for name in names[-1]}
found = cost(machine, top, 1, prices)
dearest = max(found.materials, key=lambda one: one.cost.value)
print(f"a machine costs {found.total.rounded()}; most of it {dearest.item}: {dearest.amount} for {dearest.cost.rounded()}")
print("used in", ", ".join(f"{use.product} ({use.ratio} each)" for use in machine.where_used(dearest.item, all_levels=False)))
assert found.total.value == sum(steps * prices[item].amount for item, steps in machine.explode({top: 1}).leaves.items())
