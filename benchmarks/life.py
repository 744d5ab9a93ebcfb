"""What goes wrong on a working day, with much or little history behind it: a command's cost must not depend on how old the shop is.

    python -m benchmarks life [--orders 1000 100000] [--times 200]

Change, cancel, count, reverse and return, each so often, in a shop with so many orders made and shipped before (the workload of
`benchmarks flow`). Each size runs in a process of its own; making the history is not measured and is frozen out of the garbage
collector's sight. `growth` is the largest of the five: the median cost with the longest history by that with the shortest. The budget
is 1.6.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.flow import floor_module, prepared, run

SIZES = (1_000, 100_000)
MATERIAL = "10000000 g"


def shop_with(orders: int) -> tuple[Any, list[tuple[str, int]]]:
    """A workshop with so many orders behind it, and material for what comes."""
    load = floor_module().workload(orders)
    shop = prepared(load)
    run(shop, load["orders"])
    for material in load["lots"]:
        shop.stock.receive(material, MATERIAL, lot=f"{material}-new", expires="2040-01-01")
    return shop, load["orders"]


def commands(shop: Any) -> dict[str, Callable[[str, int], Callable[[], object]]]:
    """Per command what brings an order to where it can go wrong; what that gives back is measured."""
    from krafte_core import OrderLine

    def confirmed(product: str, pieces: int) -> Any:
        order = shop.orders.place(customer="Anna", lines=[OrderLine(product, f"{pieces} each")])
        shop.orders.confirm(order)
        return order

    def made(product: str, pieces: int) -> Any:
        order = confirmed(product, pieces)
        (production,) = shop.production.covering(order)
        shop.production.start(production)
        shop.production.complete(production, made=f"{pieces} each")
        return order, production

    def change(product: str, pieces: int) -> Callable[[], object]:
        order = confirmed(product, pieces)
        return lambda: shop.orders.change(order, lines=[OrderLine(product, f"{pieces + 1} each")])

    def cancel(product: str, pieces: int) -> Callable[[], object]:
        order = confirmed(product, pieces)
        return lambda: shop.orders.cancel(order)

    def count(product: str, pieces: int) -> Callable[[], object]:
        _, production = made(product, pieces)
        return lambda: shop.stock.count(product, f"{pieces + 1} each", lot=production.number)

    def reverse(product: str, pieces: int) -> Callable[[], object]:
        _, production = made(product, pieces)
        return lambda: shop.production.reverse(production, force=True)

    def come_back(product: str, pieces: int) -> Callable[[], object]:
        order, _ = made(product, pieces)
        shop.shipping.ship(order)
        return lambda: shop.shipping.receive_return(order, amounts={product: "1 each"})

    return {"change": change, "cancel": cancel, "count": count, "reverse": reverse, "return": come_back}


def measured(orders: int, times: int) -> dict[str, float]:
    """CPU microseconds per command, the median."""
    shop, wanted = shop_with(orders)
    ready = {name: [bring(*wanted[n % len(wanted)]) for n in range(times)] for name, bring in commands(shop).items()}
    gc.freeze()
    spent = {}
    for name, calls in ready.items():
        rows = []
        for call in calls:
            start = time.process_time()
            call()
            rows.append(time.process_time() - start)
        spent[name] = round(median(rows) * 1e6, 1)
    return spent


def main(argv: list[str]) -> dict[str, Any]:
    """Measure every command at every size."""
    parser = argparse.ArgumentParser(prog="life")
    parser.add_argument("--orders", type=int, nargs="*", default=SIZES)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--one", type=int)
    asked = parser.parse_args(argv)
    if asked.one is not None:
        return {"us": measured(asked.one, asked.times)}
    spent = {}
    for size in asked.orders:
        command = [sys.executable, "-m", "benchmarks", "life", "--one", str(size), "--times", str(asked.times)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
        spent[size] = json.loads(answer)["us"]
        print(f"{size:>7} orders of history: {spent[size]}", file=sys.stderr)
    first, last = spent[min(spent)], spent[max(spent)]
    growths = {name: round(last[name] / first[name], 3) for name in first}
    return {"growth": max(growths.values()), "growths": growths, "us": {str(size): rows for size, rows in spent.items()}}
