"""The machine's rules and the commands of the desks are the same list: who adds a command adds a rule, or says here why not."""

from __future__ import annotations

import inspect

from krafte_core import Workshop
from tests.shop.test_workshop_machine import WorkshopMachine

RULES = {
    "bulk.complete": "complete",
    "bulk.confirm": "confirm",
    "bulk.place": "an_evening_of_web_orders",
    "bulk.receive": "a_lorry_is_unloaded",
    "bulk.run": "opened_and_looked_at",
    "bulk.ship": "ship",
    "bulk.start": "start",
    "orders.allocate": "lots_by_hand",
    "orders.cancel": "cancel_order",
    "orders.change": "change_an_order",
    "orders.close": "close_an_order",
    "orders.confirm": "confirm",
    "orders.free": "lots_by_hand",
    "orders.hold": "hold_an_order",
    "orders.merge": "merge_orders",
    "orders.pick": "lots_by_hand",
    "orders.place": "place_an_order",
    "orders.quote": "quote",
    "orders.release": "let_an_order_go_on",
    "orders.reopen": "reopen_an_order",
    "orders.repeat": "the_same_again",
    "orders.split": "split_an_order",
    "orders.swap": "lots_by_hand",
    "orders.unpick": "lots_by_hand",
    "orders.withdraw": "withdraw",
    "planning.accept": "sign_the_list",
    "planning.advance": "bring_forward",
    "planning.mend": "mend_the_plan",
    "production.allocate": "keep_for_a_run",
    "production.cancel": "cancel_run",
    "production.change": "resize",
    "production.close": "close_or_reopen",
    "production.complete": "complete",
    "production.cover": "cover",
    "production.free": "give_up_materials",
    "production.give_back": "take_from_the_line",
    "production.issue": "issue",
    "production.make": "make_at_once",
    "production.merge": "merge",
    "production.plan": "plan_a_run",
    "production.plan_for": "plan_for_orders",
    "production.release": "release_or_not",
    "production.reopen": "close_or_reopen",
    "production.replan": "release_or_not",
    "production.report": "report",
    "production.reschedule": "reschedule",
    "production.reverse": "reverse",
    "production.scrap": "take_from_the_line",
    "production.split": "split",
    "production.start": "start",
    "production.stop": "stop",
    "production.use": "use_later",
    "purchasing.cancel": "cancel_purchase",
    "purchasing.change": "the_supplier_brings_another_amount",
    "purchasing.order": "order_from_supplier",
    "purchasing.receive": "receive_purchase",
    "purchasing.reschedule": "the_supplier_names_another_day",
    "purchasing.send_back": "send_back",
    "register": "register_again",
    "shipping.deliver": "deliver",
    "shipping.pack": "put_into_a_box",
    "shipping.receive_return": "come_back",
    "shipping.ship": "ship",
    "shipping.track": "the_carrier_says",
    "stock.blend": "blend_lots",
    "stock.close_period": "close_the_books",
    "stock.count": "something_happens_to_a_lot",
    "stock.declare": "the_laboratory_tells_the_content",
    "stock.extend": "decide_about_a_lot",
    "stock.found": "receive_or_find",
    "stock.hold": "decide_about_a_lot",
    "stock.measure": "measure_a_lot",
    "stock.opening": "opened_and_looked_at",
    "stock.receive": "receive_or_find",
    "stock.regrade": "sell_as_something_else",
    "stock.reject": "decide_about_a_lot",
    "stock.release": "decide_about_a_lot",
    "stock.sample": "it_happened_earlier",
    "stock.scrap": "something_happens_to_a_lot",
    "stock.split": "split_a_lot",
    "stock.transfer": "move_a_lot",
    "trace.hold": "recall",
    "trace.lift": "recall",
}
"""Per command a rule of the machine that gives it."""
WITHOUT: dict[str, str] = {
    "production.operate": "the machine's runs have no operations to report; tests/scenarios/test_operations_of_a_run.py does it",
}
"""The commands that no rule gives, each with the reason."""


def commands(desk, before=""):
    """What can be told to a desk and those in it: everything that takes an idempotency key."""
    for name in dir(desk):
        part = None if name.startswith("_") else getattr(desk, name, None)
        if inspect.ismethod(part) and "key" in inspect.signature(part).parameters:
            yield before + name
        elif type(part).__module__.startswith("krafte_core.desks"):
            yield from commands(part, f"{before}{name}.")


def rules():
    """The rules of the machine with their text."""
    found = {}
    for name in dir(WorkshopMachine):
        made = getattr(getattr(WorkshopMachine, name), "hypothesis_stateful_rule", None)
        if made is not None:
            found[name] = inspect.getsource(made.function)
    return found


def test_every_command_has_a_rule_or_a_reason():
    assert sorted(commands(Workshop.in_memory())) == sorted({**RULES, **WITHOUT})


def test_every_rule_that_is_named_gives_its_command():
    found = rules()
    wrong = [command for command, name in RULES.items() if command.rpartition(".")[2] not in found[name]]
    assert not wrong
