"""Recipes against bare numbers, and against naive pint, in one run. Budgets: scale 8x, explode and bill 5x, pint at least 100x slower.

    python -m benchmarks recipes [ROUNDS]

- `scale`: a recipe of 20 lines scaled to a batch, frozen lines returned; the floor multiplies 20 bare `Decimal`s. `pint` is a naive
  program on the same lines (a quantity times a factor, told in the unit of the stock), per line against ours.
- `explode`: 2,000 items over 5 levels, all products wanted at once; `bill`: one product with 1,800 lines over 6 levels. Both sides
  find the order of the items (low-level codes) from the recipes and net stock; the floor does so with dicts of floats.

All sides run in turns, so that a busy moment of the machine meets every one; each figure is the best of its rounds, in CPU time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from krafte_core.items import Item
from krafte_core.recipes import Formula, Ingredient, Recipe, compiled
from krafte_core.sheets import needs
from krafte_core.structure import Structure

ROUNDS = 15
LINES, SCALINGS, PINT_SCALINGS = 20, 2_000, 20
LEVELS, ITEMS, FAN_OUT = 5, 2_000, 5
BILL_LEVELS, BILL_LINES, BILL_FAN_OUT = 6, 1_800, 6

Bare = dict[str, list[tuple[str, float]]]


def best(rounds: int, **sides: Callable[[], object]) -> dict[str, float]:
    """CPU seconds of every side, the best of so many rounds; the sides take turns."""
    found: dict[str, float] = {}
    for _ in range(rounds):
        for name, side in sides.items():
            began = time.process_time()
            side()
            spent = time.process_time() - began
            found[name] = min(found.get(name, spent), spent)
    return found


# ------------------------------------------------------------------------------------------------------------- scaling


def twenty_lines() -> tuple[Formula, list[tuple[str, Decimal, str, str]]]:
    """A cream of 20 lines: half in grams of items in kilograms, half in litres with a density; compiled, and as bare rows."""
    items = {"cream": Item("cream", unit="kg", step="1 g")}
    rows = []
    for n in range(LINES):
        told, own = ("g", "kg") if n % 2 else ("L", "L")
        items[f"i{n}"] = Item(f"i{n}", unit=own)
        rows.append((f"i{n}", Decimal(n + 1) / 8, told, own))
    lines = [Ingredient(name, f"{amount} {told}") for name, amount, told, _ in rows]
    return compiled(Recipe("cream", makes="10 kg", ingredients=lines), items), rows


def scale(rounds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ours and bare decimals; ours and naive pint, per line."""
    import pint

    formula, rows = twenty_lines()
    bare = [(name, amount) for name, amount, *_ in rows]
    ureg: Any = pint.UnitRegistry(non_int_type=Decimal)
    loud = [(name, ureg.Quantity(amount, told), own) for name, amount, told, own in rows]
    steps, factor = 25_000, Decimal("2.5")

    def ours() -> None:
        for _ in range(SCALINGS):
            needs(formula, steps)

    def floor() -> None:
        for _ in range(SCALINGS):
            [(name, amount * factor) for name, amount in bare]

    def naive() -> None:
        for _ in range(PINT_SCALINGS):
            [(name, (amount * factor).to(own)) for name, amount, own in loud]

    found = needs(formula, steps)
    units = [(name, (amount * factor).to(own).magnitude) for name, amount, own in loud]
    assert [(one.item, one.required.value) for one in found] == units
    spent = best(rounds, ours=ours, floor=floor, naive=naive)
    line, bare_line, pint_line = (
        spent[name] / count / LINES * 1e6 for name, count in (("ours", SCALINGS), ("floor", SCALINGS), ("naive", PINT_SCALINGS))
    )
    against_bare = {"ratio": round(line / bare_line, 2), "line_us": round(line, 3), "decimal_line_us": round(bare_line, 3)}
    return against_bare, {"ratio": round(pint_line / line, 1), "line_us": round(pint_line, 2)}


# ----------------------------------------------------------------------------------------------------------- structures


def web(levels: int, per_level: Iterable[int], fan_out: int, seed: int) -> tuple[Bare, dict[str, float]]:
    """Items level by level, each made of some of the next level, as bare rows; and stock of a third of them."""
    chance = random.Random(seed)  # noqa: S311 - the same structure every time, not a secret
    names = [[f"l{level}-{n}" for n in range(count)] for level, count in zip(range(levels), per_level, strict=True)]
    recipes: Bare = {}
    for above, below in pairwise(names):
        spare = [*below]
        chance.shuffle(spare)
        for name in above:
            inside = [spare.pop() for _ in range(min(fan_out, len(spare)))]  # every item is used at least once
            others = chance.sample(below, min(fan_out, len(below))) if len(inside) < fan_out else []
            listed = [*dict.fromkeys([*inside, *others])][:fan_out]
            recipes[name] = [(item, chance.randint(1, 9) / 4) for item in listed]
    stock = {name: float(chance.randint(0, 40)) for level in names[1:] for name in level if chance.random() < 1 / 3}
    return recipes, stock


def bare_explosion(recipes: Bare, wanted: Mapping[str, float], stock: Mapping[str, float]) -> dict[str, float]:
    """The floor: count who waits for whom, go down in that order, net stock."""
    waits: dict[str, int] = {}
    for lines in recipes.values():
        for item, _ in lines:
            waits[item] = waits.get(item, 0) + 1
    order = [item for item in recipes if item not in waits]
    needed = dict(wanted)
    missing: dict[str, float] = {}
    for item in order:
        gross = needed.get(item, 0.0)
        net = max(0.0, gross - stock.get(item, 0.0))
        missing[item] = net
        for below, ratio in recipes.get(item, ()):
            needed[below] = needed.get(below, 0.0) + net * ratio
            waits[below] -= 1
            if not waits[below]:
                order.append(below)
    return missing


def explosion(recipes: Bare, stock: Mapping[str, float], top: list[str], rounds: int) -> dict[str, Any]:
    """Ours and bare dicts, the building of the structure included; and that both found the same."""
    items = {name: Item(name, unit="kg") for name in {*recipes, *[item for lines in recipes.values() for item, _ in lines]}}
    formulas = {
        name: compiled(Recipe(name, makes="1 kg", ingredients=[Ingredient(item, f"{ratio} kg") for item, ratio in lines]), items)
        for name, lines in recipes.items()
    }
    wanted = dict.fromkeys(top, 100 * 10**6)
    there = {item: round(amount * 10**6) for item, amount in stock.items()}
    bare_wanted = dict.fromkeys(top, 100.0)
    ours, floor = Structure(formulas).explode(wanted, there), bare_explosion(recipes, bare_wanted, stock)
    for row in ours.rows:
        assert abs(row.net / 10**6 - floor[row.item]) < 1e-6 * max(1.0, floor[row.item]), row
    spent = best(
        rounds,
        ours=lambda: Structure(formulas).explode(wanted, there),
        floor=lambda: bare_explosion(recipes, bare_wanted, stock),
        building=lambda: Structure(formulas),
    )
    return {
        "ratio": round(spent["ours"] / spent["floor"], 2),
        "ms": round(spent["ours"] * 1000, 2),
        "floor_ms": round(spent["floor"] * 1000, 2),
        "building_ms": round(spent["building"] * 1000, 2),
        "lines": sum(map(len, recipes.values())),
        "items": len(items),
    }


def main(argv: list[str]) -> dict[str, Any]:
    """Measure all four."""
    rounds = int(argv[0]) if argv else ROUNDS
    scaled, pint_ratio = scale(rounds)
    recipes, stock = web(LEVELS, [ITEMS // LEVELS] * LEVELS, FAN_OUT, seed=5)
    exploded = explosion(recipes, stock, [name for name in recipes if name.startswith("l0-")], rounds)
    recipes, stock = web(BILL_LEVELS, bill_levels(), BILL_FAN_OUT, seed=6)
    return {
        "scale": scaled,
        "explode": exploded,
        "bill": explosion(recipes, stock, ["l0-0"], rounds),
        "pint": pint_ratio,
        "rounds": rounds,
    }


def bill_levels() -> list[int]:
    """How many items stand on each level of the bill, so that it has 1,800 lines: six each of 1 + 6 + 36 + 107 + 150 made items."""
    made = [1, 6, 36, 107, 150]
    assert sum(made) * BILL_FAN_OUT == BILL_LINES
    return [*made, 600]
