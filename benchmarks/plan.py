"""Planning a whole order book and answering quotes on top of it, through the public planning desk.

    python -m benchmarks plan --problem P.json --out PLAN.json

The problem is one of `planning/problems.py` of the shared folder (its docstring is the whole meaning), the plan is written in the form
that `planning/check_plan.py` reads. A workshop's orders are requested for a day; the minute at which they are due is told to the desk.

`plan.cpu_s` is the CPU time of `shop.planning.plan()`: reading the order book from the store, planning it, and the pegging of every
supply to every need; taking the orders into the books before is not counted. Quotes are asked one by one on top of the plan.
`yardstick_s` is a loop of 10 million additions in the same process, by which machines can be compared.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ADDITIONS = 10_000_000


def yardstick() -> float:
    """CPU seconds of ten million additions."""
    start = time.process_time()
    total = number = 0
    while number < ADDITIONS:
        total += number
        number += 1
    return time.process_time() - start


def hours_of(calendar: dict[str, Any]) -> str:
    """Weekly openings as a workshop writes them."""
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    clock = "{:02d}:{:02d}".format
    return "; ".join(
        f"{','.join(names[day] for day in rule['weekdays'])} "
        f"{clock(rule['from_s'] // 3600, rule['from_s'] % 3600 // 60)}-{clock(rule['to_s'] // 3600, rule['to_s'] % 3600 // 60)}"
        for rule in calendar["hours"]
    )


def prepared(problem: dict[str, Any]) -> Any:
    """A workshop with the problem's catalogue, stock and orders."""
    from krafte_core import Calendar, Ingredient, Item, Offer, Operation, OrderLine, Recipe, Supplier, WorkCenter, Workshop
    from krafte_core.testing import FakeClock

    shop = Workshop.in_memory(clock=FakeClock(datetime.fromisoformat(problem["now"]).replace(tzinfo=UTC)))
    calendars = {}
    for one in problem["calendars"]:
        closures = [
            (datetime.fromisoformat(c["from"]).date(), (datetime.fromisoformat(c["to"]) - timedelta(days=1)).date())
            for c in one["closures"]
        ]
        calendars[one["name"]] = Calendar(one["name"], hours_of(one), closures=closures)
    centers = [WorkCenter(w["name"], calendar=calendars[w["calendar"]], capacity=w["capacity"]) for w in problem["work_centres"]]
    offers: dict[str, list[Any]] = {}
    for one in problem["purchases"]:
        row = Offer(
            one["item"],
            lead_time=f"{one['lead_time_s'] // 86400} days",
            minimum=f"{one['minimum']} each",
            multiple=f"{one['multiple']} each",
        )
        offers.setdefault(one["supplier"], []).append(row)
    recipes = [
        Recipe(
            one["item"],
            makes="1 each",
            ingredients=[Ingredient(line["item"], f"{line['per_unit']} each") for line in one["inputs"]],
            operations=[
                Operation("make", at=one["work_centre"], setup=f"{one['setup_s']} s", run=f"{one['unit_s']} s", pausable=True)
            ],
        )
        for one in problem["recipes"]
    ]
    items = [Item(one["name"], unit="each") for one in problem["items"]]
    shop.register(*items, *centers, *recipes, *(Supplier(code, offers=rows) for code, rows in offers.items()))
    for one in problem["items"]:
        if one["on_hand"]:
            shop.stock.receive(one["name"], f"{one['on_hand']} each", lot="L-1")
    for one in sorted(problem["demands"], key=lambda row: row["name"]):
        wish = datetime.fromisoformat(one["due"]).date()
        line = OrderLine(one["item"], f"{one['quantity']} each")
        shop.orders.place(customer=one["name"], lines=[line], requested=wish, priority=-one["priority"])
    return shop


def iso(at: float) -> str:
    """An instant as the problem writes it."""
    return datetime.fromtimestamp(int(at), UTC).replace(tzinfo=None).isoformat()


def documents(plan: Any, names: dict[str, str]) -> list[dict[str, Any]]:
    """The plan in the checker's form."""
    rows: list[dict[str, Any]] = [
        {"type": "make", "recipe": names[one.item], "quantity": one.steps, "start": iso(one.start), "end": iso(one.end)}
        for one in plan.makes
    ]
    rows += [
        {"type": "buy", "item": one.item, "quantity": one.steps, "start": iso(one.order_at), "end": iso(one.at)} for one in plan.buys
    ]
    return rows


def quoted(promise: Any, names: dict[str, str], lead_s: dict[str, int]) -> dict[str, Any]:
    """A quote in the checker's form."""
    rows: list[dict[str, Any]] = [
        {
            "type": "make",
            "recipe": names[one.item],
            "quantity": int(one.amount.value),
            "start": iso(one.start.timestamp()),
            "end": iso(one.end.timestamp()),
        }
        for one in promise.to_make
    ]
    rows += [
        {
            "type": "buy",
            "item": one.item,
            "quantity": int(one.amount.value),
            "start": iso(one.at.timestamp() - lead_s[one.item]),
            "end": iso(one.at.timestamp()),
        }
        for one in promise.to_buy
    ]
    return {"at": None if promise.arrival is None else iso(promise.arrival.timestamp()), "documents": rows}


def main(argv: list[str]) -> dict[str, Any]:
    """Plan one problem."""
    parser = argparse.ArgumentParser(prog="plan")
    parser.add_argument("--problem", required=True)
    parser.add_argument("--out", required=True)
    given = parser.parse_args(argv)
    problem = json.loads(Path(given.problem).read_text(encoding="utf-8"))
    from krafte_core import OrderLine

    shop = prepared(problem)
    due_of = {one["name"]: datetime.fromisoformat(one["due"]).replace(tzinfo=UTC) for one in problem["demands"]}
    orders = {one.number: one.customer for one in _orders(shop)}
    ready_by = {number: due_of[name] for number, name in orders.items()}
    rule = min(yardstick() for _ in range(2))
    gc.collect()
    gc.freeze()
    start = time.process_time()
    plan = shop.planning.plan(ready_by=ready_by)
    spent = time.process_time() - start
    names = {one["item"]: one["name"] for one in problem["recipes"]}
    lead_s = {one["item"]: one["lead_time_s"] for one in problem["purchases"]}
    quotes, times = {}, []
    for ask in problem["quotes"]:
        line = OrderLine(ask["item"], f"{ask['quantity']} each")
        start = time.process_time()
        promise = shop.planning.promise([line], plan=plan)
        times.append(time.process_time() - start)
        quotes[ask["name"]] = quoted(promise, names, lead_s)
    rows = documents(plan, names)
    late, lateness = 0, 0.0
    for demand, outcome in zip(plan.demands, plan.outcomes, strict=True):
        name = orders[demand.ref]
        rows.append({"type": "deliver", "demand": name, "quantity": demand.steps, "at": iso(outcome.at)})
        wait = outcome.at - due_of[name].timestamp()
        late += wait > 0
        lateness += max(0.0, wait) / 86_400
    Path(given.out).write_text(json.dumps({"documents": rows, "quotes": quotes}), encoding="utf-8")
    times.sort()
    return {
        "orders": len(plan.demands),
        "plan": {"cpu_s": round(spent, 3), "us_per_order": round(spent / len(plan.demands) * 1e6, 1), "pegs": len(plan.pegs)},
        "quote": {
            "median_ms": round(times[len(times) // 2] * 1e3, 3) if times else None,
            "p95_ms": round(times[len(times) * 95 // 100] * 1e3, 3) if times else None,
        },
        "late": late,
        "lateness_days": round(lateness, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "yardstick_s": round(rule, 3),
    }


def _orders(shop: Any) -> Any:
    after = ""
    while page := shop.orders.find(after=after, limit=1000):
        yield from page
        after = page[-1].number
