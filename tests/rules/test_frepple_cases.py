"""The planning cases of `cases/frepple.json`: deliveries that are forced must be equal, those of a heuristic equal or better.

A case is read into a `World`: its processes become recipes (what has no resource is done by everybody at once), what is committed
comes for sure, what may not be planned (preference 0) nobody makes. Cases that this library tells otherwise stand in `NOT_OURS`.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from krafte_core.allocation import Incoming, rank
from krafte_core.board import Board
from krafte_core.coverage import NEVER
from krafte_core.demands import Asked, Demand, Keep
from krafte_core.items import Item
from krafte_core.plan import Plan
from krafte_core.planner import Planner
from krafte_core.planning import plan_all
from krafte_core.recipes import BatchSize, Ingredient, Operation, Recipe
from krafte_core.resources import Offer, Supplier, WorkCenter
from krafte_core.times import moment
from tests.rules.situation import World
from tests.support import needs_shared

CASES = {case["id"]: case for case in json.loads(needs_shared("cases", "frepple.json").read_text(encoding="utf-8"))["cases"]}
NOT_OURS = {
    "constraints_material_2/1/3": "a batch that yields so much per unit and so much besides",
    "constraints_material_2/1/5": "two recipes for one need: the catalogue decides by day, size and preference",
    "flow_effective/1/2": "inputs that change within one plan: versions are chosen by the day of planning",
    "flow_effective/1/3": "a yield that changes within one plan: versions are chosen by the day of planning",
    "flow_fixed/1/1": "inputs that change within one plan",
    "operation_split/1/2": "a share of each of three recipes",
    "operation_effective/1/1": "recipes and capacities that change within one plan",
    "load_effective/1/2": "a load that changes within one plan",
    "constraints_combined_1/1/1": "two factories that deliver for each other, capacities that change within one plan",
    "flow_alternate_1/whole-orders/1": "substitutes are taken at the desks, not by the planner",
    "calendar/1/6": "calendars with values: here a calendar is open or closed",
    "operation_dependency/3/10": "waits for a step that has begun where a new one is sooner (lesson 79: it is bypassed)",
}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def kg(amount: float) -> str:
    return f"{Fraction(str(amount)).limit_denominator(10**6)}" if amount != int(amount) else f"{int(amount)}"


class Case:
    """One case as a world, its demands and what is to be kept in stock."""

    def __init__(self, given: dict) -> None:
        self.given = given
        self.recipes: dict[str, Recipe] = {}
        self.names: dict[str, str] = {}
        self.centers = {"free": WorkCenter("free", capacity=1000)}
        self.processes = {one["id"]: one for one in given.get("processes", ())}
        self.codes = dict.fromkeys(one["id"] for one in given.get("items", ()))
        for one in given.get("resources", ()):
            if "pool" not in one:
                self.centers[one["id"]] = WorkCenter(one["id"], capacity=one.get("capacity", 1))
        self.pools: dict[str, list[str]] = {}
        for one in given.get("resources", ()):
            if "pool" in one:
                self.pools.setdefault(one["pool"], []).append(one["id"])
                self.centers[one["id"]] = WorkCenter(one["id"], efficiency=f"{one.get('efficiency_pct', 100)} %")
        for process in self.processes.values():
            self.makes(process)
        self.world = World(
            [Item(code, unit="kg", step="1 mg") for code in self.codes],
            self.recipes.values(),
            suppliers=[*map(self.supplier, sorted(given.get("suppliers", ()), key=lambda row: row["preference"]))],
            centers=self.centers.values(),
            now=moment(at(given["now"])),
            horizon=(moment(at(given["now"])).date().replace(month=1, day=1), moment(at(given["now"])).date().replace(year=2030)),
        )
        for one in given.get("items", ()):
            self.world.has(one["id"], self.steps(one["on_hand"]))
        for one in given.get("committed", ()):
            self.commit(one)

    @staticmethod
    def steps(amount: float) -> int:
        return int(Fraction(str(amount)) * 10**6)

    def output(self, process: dict) -> tuple[str, float]:
        """What a process brings: its item, or its own being done."""
        rows = process.get("outputs") or [{"item": f"done: {process['id']}", "per_unit": 1}]
        return rows[0]["item"], rows[0]["per_unit"]

    def makes(self, process: dict) -> None:
        item, per_unit = self.output(process)
        self.codes[item] = None
        if process.get("preference") == 0 or "step_of" in process:
            return
        lines = [Ingredient(row["item"], f"{kg(row['per_unit'])} kg") for row in process.get("inputs", ())]
        lines += [Ingredient(self.after(row), "1 kg") for row in process.get("after", ())]
        steps = [self.processes[row["process"]] for row in process.get("steps", ())] or [process]
        operations = [one for n, step in enumerate(steps) for one in self.operations(step, n)]
        size = {
            name: f"{kg(process[name])} kg" for name in ("min", "max", "multiple") if name in process and not process.get("inputs")
        }
        batch = BatchSize(**size) if size else None
        self.recipes[item] = Recipe(item, makes=f"{kg(per_unit)} kg", ingredients=lines, operations=operations, batch=batch)

    def operations(self, process: dict, number: int) -> list[Operation]:
        loads = [row["resource"] for row in process.get("loads", ())]
        places = self.pools.get(loads[0], loads) if loads else ["free"]
        setup, run = process.get("duration_s", 0), process.get("per_unit_s", 0)
        if not setup and not run:
            return []
        if not run and not loads:
            return [Operation(f"wait {number}", wait=f"{setup} s")]
        how = {"setup": f"{setup} s"} if setup else {}
        how |= {"run": f"{run} s"} if run else {}
        return [Operation(f"work {number}", at=places[0], alternatives=places[1:], **how)]

    def after(self, row: dict) -> str:
        """Another process is done, and so long ago."""
        item = self.output(self.processes[row["process"]])[0]
        if not row.get("gap_hard_s"):
            return item
        code = f"{item} for {row['gap_hard_s']} s"
        self.codes[code] = None
        self.recipes[code] = Recipe(
            code, makes="1 kg", ingredients=[Ingredient(item, "1 kg")], operations=[Operation("gap", wait=f"{row['gap_hard_s']} s")]
        )
        return code

    def supplier(self, row: dict) -> Supplier:
        if row["preference"] == 0:
            return Supplier(row["id"])
        lead, until = row["lead_time_s"], row.get("to")
        last = None if until is None else moment(at(until) - lead - 1).date()  # there it is the day of receipt that counts
        amounts = {"minimum": f"{row['min']} kg", "multiple": f"{row['multiple']} kg"}
        offer = Offer(row["item"], lead_time=f"{lead} s", valid_until=last, preference=-row["preference"], **amounts)
        return Supplier(row["id"], offers=[offer])

    def commit(self, one: dict) -> None:
        process = self.processes.get(one["process"]) or next(row for row in self.given["suppliers"] if row["id"] == one["process"])
        outputs = [{"item": process["item"], "per_unit": 1}] if "supplier" in process else process.get("outputs", ())
        for row in outputs:
            steps = self.steps(one["quantity"]) * row["per_unit"]
            self.world.coming.append(Incoming("run", row["item"], one["ref"], "", steps, steps, at(one["end"])))

    def demands(self) -> list[Demand]:
        groups = {row["id"]: row for row in self.given.get("demands", ()) if row.get("kind") == "group"}
        found = []
        for one in self.given.get("demands", ()):
            if one["id"] in groups:
                continue
            item = one["item"] if "item" in one else self.output(self.processes[one["deliver_with"]])[0]
            whole = one["min_shipment"] >= one["quantity"]
            group = groups.get(one.get("group", ""))
            due = at((group or one)["due"])
            late = due + one["max_late_s"] if "max_late_s" in one else NEVER
            least = 0 if whole or group else max(self.steps(one["min_shipment"]), 1000)
            ref = group["id"] if group else one["id"]
            place = rank(-one["priority"], moment(due).date(), moment(0), ref)
            found.append(
                Demand(ref, one["id"], item, self.steps(one["quantity"]), due, place, "order", 0, least, late, group is not None)
            )
        return [*found, *self.committed_uses()]

    def committed_uses(self):
        for one in self.given.get("committed", ()):
            process = self.processes.get(one["process"], {})
            for row in process.get("inputs", ()) if not process.get("outputs") else ():
                due = at(one["start"])
                yield Demand(
                    one["ref"], "1", row["item"], self.steps(one["quantity"]), due, rank(0, None, moment(0), one["ref"]), "run"
                )

    def keep(self) -> tuple[Keep, ...]:
        rows = [(one["id"], one.get("safety_stock", 0), one.get("max_stock")) for one in self.given.get("items", ())]
        return tuple(Keep(code, self.steps(least), self.steps(least if most is None else most)) for code, least, most in rows if least)

    def plan(self) -> Plan:
        return plan_all(Planner(Board(self.world)), self.demands(), None, Asked(keep=self.keep()))


def delivered(plan: Plan) -> Counter:
    """Steps per order and moment."""
    found: Counter = Counter()
    for demand, outcome in zip(plan.demands, plan.outcomes, strict=True):
        for when, steps in [(one.at, one.steps) for one in outcome.parts] or [(outcome.at, demand.steps)]:
            if when < NEVER and demand.kind == "order":
                found[demand.line, int(when)] += steps
    return found


def expected(case: dict) -> Counter:
    found: Counter = Counter()
    for one in case["expected"].get("deliveries", ()):
        found[one["demand"], at(one["at"])] += Case.steps(one["quantity"])
    return found


@pytest.mark.parametrize("name", [name for name in CASES if name not in NOT_OURS])
def test_deliveries_are_those_of_the_case_or_better(name):
    case = CASES[name]
    mine, theirs = delivered(Case(case["given"]).plan()), expected(case)
    if case["delivery_is"] == "forced":
        assert mine == theirs
        return
    due = {demand.line: demand.due for demand in Case(case["given"]).demands()}
    for demand, begun in theirs:  # whatever they have delivered by then, so have we; what is due later may be in time
        when = max(begun, due[demand])
        ours, other = (sum(steps for (who, at_), steps in rows.items() if who == demand and at_ <= when) for rows in (mine, theirs))
        assert ours >= other, (demand, moment(when))


def test_what_is_refused_names_its_reason_and_what_is_missing():
    plan = Case(CASES["demand_policy/1/5"]["given"]).plan()
    first, second = plan.deliveries()
    assert (str(first.amount), first.late) == ("10 kg", 0)
    assert second.at is None
    assert second.problem == "10 kg of buffer E @ factory are missing: it would be there on 2009-01-10 00:00"
    assert Case(CASES["demand_policy/1/4"]["given"]).plan().deliveries()[0].problem.endswith("nobody wants it any more then")


def test_ship_together_buys_the_others_just_in_time():
    plan = Case(CASES["demand_policy/1/11"]["given"]).plan()
    assert sorted(f"{one.item} {one.order_by:%m-%d}" for one in plan.to_buy()) == [
        "item I1 @ factory 01-17", "item I2 @ factory 01-25", "item I3 @ factory 01-01",
    ]  # fmt: skip


def test_safety_stock_on_two_levels():
    """B wants 20, A wants 10: 30 of A are bought at once, and 20 of them are moved."""
    plan = Case(CASES["safety_stock/1/2"]["given"]).plan()
    rows = sorted((make.item, make.steps // 10**6, f"{moment(make.end):%m-%d}") for make in plan.makes)
    assert sum(steps for item, steps, end in rows if item.startswith("end item 3 A") and end == "01-05") == 30
    assert [row for row in rows if row[0].startswith("end item 3 B")] == [("end item 3 B @ factory", 20, "01-09")]


def test_the_second_choice_supplier_is_asked_where_the_first_is_too_slow():
    plan = Case(CASES["supplier/2/1"]["given"]).plan()
    assert [(one.supplier.split("from ")[1], f"{one.order_by:%m-%d}") for one in plan.to_buy()] == [
        ("Supplier of component A", "01-01"), ("Supplier of components A and B", "01-18"),
    ]  # fmt: skip


def test_every_case_is_planned_or_has_its_reason():
    assert len(CASES) == 36
    assert {*NOT_OURS} <= {*CASES}
