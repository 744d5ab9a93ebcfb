"""The make-to-order flow through the public API against the same work on bare dictionaries: the budget is 40 times at 10,000 orders.

    python -m benchmarks flow [--orders 1000 10000 100000]

One order: place, check, confirm (one run, materials reserved by lot), start, complete, ship. The problem and its floor are
`planning/flow_floor.py` of the shared folder (`KRAFTE_SHARED`). Each side runs in a process of its own, the best of some rounds;
making the problem, registering and receiving are not measured, and what they leave behind is frozen out of the garbage collector's
sight on both sides. `ratio` is at 10,000 orders; `growth` is how much more an order costs at 100,000 than at 1,000, divided by the
same of the floor.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

SIZES = (1_000, 10_000, 100_000)
ROUNDS = {1_000: 5, 10_000: 3}
FIRST_EXPIRY = date(2030, 1, 1)


def floor_module() -> ModuleType:
    """The floor, loaded from where it stands."""
    shared = Path(os.environ.get("KRAFTE_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    path = shared / "planning" / "flow_floor.py"
    spec = importlib.util.spec_from_file_location("flow_floor", path)
    if spec is None or spec.loader is None or not path.exists():
        raise SystemExit(f"the floor is not there: {path}; KRAFTE_SHARED may name another shared folder")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prepared(load: dict[str, Any]) -> Any:
    """A workshop with the problem's recipes and lots; a material's lots expire in their order."""
    from krafte_core import Ingredient, Item, Recipe, Workshop
    from krafte_core.testing import FakeClock

    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    materials = [Item(code, unit="g", step="1 g") for code in load["lots"]]
    products = [Item(code, unit="each") for code in load["recipes"]]
    recipes = [
        Recipe(code, makes="1 each", ingredients=[Ingredient(material, f"{steps} g") for material, steps in lines])
        for code, lines in load["recipes"].items()
    ]
    shop.register(*materials, *products, *recipes)
    for material, lots in load["lots"].items():
        for place, (lot, steps) in enumerate(lots):
            shop.stock.receive(material, f"{steps} g", lot=lot, expires=FIRST_EXPIRY + timedelta(days=place))
    return shop


def run(shop: Any, orders: list[tuple[str, int]]) -> None:
    """The whole flow for every order."""
    from krafte_core import OrderLine

    for product, pieces in orders:
        order = shop.orders.place(customer="Anna", lines=[OrderLine(product, f"{pieces} each")])
        if not shop.orders.check(order).ok:
            raise RuntimeError("short")
        (number,) = shop.orders.confirm(order).productions
        shop.production.start(number)
        shop.production.complete(number, made=f"{pieces} each")
        shop.shipping.ship(order)


def own(orders: int) -> dict[str, Any]:
    """CPU microseconds per order of the library; the books are proven afterwards."""
    load = floor_module().workload(orders)
    shop = prepared(load)
    gc.freeze()
    start = time.process_time()
    run(shop, load["orders"])
    spent = time.process_time() - start
    if orders <= 10_000:
        shop.verify()
    with shop._office.look() as work:
        moves = sum(len(posting.moves) for posting in work.reader.rows("postings") if posting.kind != "receive")
    return {"us": spent / orders * 1e6, "movements": moves}


def floor(orders: int) -> dict[str, Any]:
    """CPU microseconds per order of the floor."""
    module = floor_module()
    load = module.workload(orders)
    gc.freeze()
    start = time.process_time()
    ledger = module.run(load)
    return {"us": (time.process_time() - start) / orders * 1e6, "movements": len(ledger)}


def measured(side: str, orders: int) -> dict[str, Any]:
    """The best of some rounds, each in a new process."""
    best: dict[str, Any] = {}
    for _ in range(ROUNDS.get(orders, 1)):
        command = [sys.executable, "-m", "benchmarks.flow", "--side", side, "--orders", str(orders)]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        if not best or answer["us"] < best["us"]:
            best = answer
    return best


def main(argv: list[str]) -> dict[str, Any]:
    """Measure both sides at every size."""
    parser = argparse.ArgumentParser(prog="flow")
    parser.add_argument("--orders", type=int, nargs="*", default=SIZES)
    sizes = parser.parse_args(argv).orders
    own_us, floor_us = {}, {}
    for size in sizes:
        ours, bare = measured("own", size), measured("floor", size)
        if ours["movements"] != bare["movements"]:
            raise SystemExit(f"at {size} orders the library posted {ours['movements']} movements, the floor {bare['movements']}")
        own_us[size], floor_us[size] = ours["us"], bare["us"]
        print(f"{size:>7} orders: {ours['us']:.0f} us per order, floor {bare['us']:.1f} us", file=sys.stderr)
    middle = 10_000 if 10_000 in sizes else sizes[0]
    growth = (own_us[max(sizes)] / own_us[min(sizes)]) / (floor_us[max(sizes)] / floor_us[min(sizes)])
    return {
        "ratio": round(own_us[middle] / floor_us[middle], 2),
        "growth": round(growth, 3),
        "own_us": {str(size): round(us, 1) for size, us in own_us.items()},
        "floor_us": {str(size): round(us, 2) for size, us in floor_us.items()},
    }


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--side", choices=("own", "floor"), required=True)
    asked.add_argument("--orders", type=int, required=True)
    given = asked.parse_args()
    print(json.dumps({"own": own, "floor": floor}[given.side](given.orders)))
