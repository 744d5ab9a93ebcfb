"""A preview of any command: what it would change, and how to take it back; the books stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from krafte_core import OrderLine, PurchaseLine, Workshop
from tests.scenarios.day import candle_shop, confirmed, order
from tests.scenarios.test_productions import everything


def busy_shop() -> tuple[Workshop, dict[str, str]]:
    """Something of everything: orders in every state, a run that waits, one at work, one that is done, a purchase, a parcel."""
    shop, clock = candle_shop("2026-03-02 08:00")
    shop.stock.receive("wax", "60 kg", lot="W-1", supplier="mill")
    shop.stock.receive("wick", "500 each", lot="D-1")
    shop.stock.receive("candle", "40 each", lot="C-1")
    names = {"sent": confirmed(shop, "Sue", "10 each").number, "ready": confirmed(shop, "Rita", "10 each").number}
    names["parcel"] = shop.shipping.ship(names["sent"]).number
    names["new"], names["other"] = order(shop, "Nora", "5 each").number, order(shop, "Nora", "6 each").number
    made = shop.production.plan("candle", "10 each").production
    shop.production.start(made)
    shop.production.complete(made, made="10 each", lot="C-2")
    at_work = shop.production.plan("candle", "20 each").production
    shop.production.start(at_work)
    names |= {"made": made.number, "at work": at_work.number, "planned": shop.production.plan("candle", "30 each").production.number}
    names["like it"] = shop.production.plan("candle", "10 each").production.number
    names["purchase"] = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "5 kg")], expected="2026-03-06 08:00").number
    clock.set("2026-03-03 09:00")
    return shop, names


Command = Callable[[Workshop, dict[str, str]], Any]
COMMANDS: dict[str, Command] = {
    "orders.place": lambda shop, of: shop.orders.place(customer="Eve", lines=[OrderLine("candle", "1 each")]),
    "orders.confirm": lambda shop, of: shop.orders.confirm(of["new"]),
    "orders.quote": lambda shop, of: shop.orders.quote(of["new"], until="2026-03-04 08:00"),
    "orders.change": lambda shop, of: shop.orders.change(of["ready"], lines=[OrderLine("candle", "8 each")]),
    "orders.split": lambda shop, of: shop.orders.split(of["ready"], {"candle": "3 each"}),
    "orders.merge": lambda shop, of: shop.orders.merge(of["new"], [of["other"]]),
    "orders.repeat": lambda shop, of: shop.orders.repeat(of["sent"]),
    "orders.cancel": lambda shop, of: shop.orders.cancel(of["ready"]),
    "orders.hold": lambda shop, of: shop.orders.hold(of["ready"], reason="address"),
    "orders.pick": lambda shop, of: shop.orders.pick(of["ready"]),
    "orders.free": lambda shop, of: shop.orders.free(of["ready"]),
    "shipping.ship": lambda shop, of: shop.shipping.ship(of["ready"], amounts={"candle": "4 each"}),
    "shipping.deliver": lambda shop, of: shop.shipping.deliver(of["parcel"]),
    "shipping.receive_return": lambda shop, of: shop.shipping.receive_return(of["sent"], amounts={"candle": "1 each"}),
    "production.plan": lambda shop, of: shop.production.plan("candle", "10 each"),
    "production.plan_for": lambda shop, of: shop.production.plan_for([order(shop, "Big", "150 each").number]),
    "production.change": lambda shop, of: shop.production.change(of["planned"], "40 each"),
    "production.split": lambda shop, of: shop.production.split(of["planned"], "10 each"),
    "production.merge": lambda shop, of: shop.production.merge(of["planned"], [of["like it"]]),
    "production.reschedule": lambda shop, of: shop.production.reschedule(of["planned"], start="2026-03-05 08:00"),
    "production.release": lambda shop, of: shop.production.release(of["planned"]),
    "production.free": lambda shop, of: shop.production.free(of["planned"], "wax"),
    "production.allocate": lambda shop, of: (
        shop.production.free(of["planned"], "wax"),
        shop.production.allocate(of["planned"], "wax"),
    ),
    "production.start": lambda shop, of: shop.production.start(of["planned"]),
    "production.issue": lambda shop, of: shop.production.issue(of["at work"], "wax", "1 kg"),
    "production.give_back": lambda shop, of: shop.production.give_back(of["at work"], "wax", "1 kg"),
    "production.scrap": lambda shop, of: shop.production.scrap(of["at work"], "wax", "1 kg", reason="spilt"),
    "production.report": lambda shop, of: shop.production.report(of["at work"], made="5 each"),
    "production.complete": lambda shop, of: shop.production.complete(of["at work"], made="20 each"),
    "production.make": lambda shop, of: shop.production.make("candle", "1 each"),
    "production.stop": lambda shop, of: shop.production.stop(of["at work"]),
    "production.use": lambda shop, of: shop.production.use(of["made"], "wax", "1 kg", reason="forgotten"),
    "production.reverse": lambda shop, of: shop.production.reverse(of["made"], "2 each"),
    "production.close": lambda shop, of: shop.production.close(of["made"]),
    "production.cancel": lambda shop, of: shop.production.cancel(of["planned"]),
    "stock.receive": lambda shop, of: shop.stock.receive("wax", "1 kg"),
    "stock.opening": lambda shop, of: shop.stock.opening("wax", "1 kg"),
    "stock.found": lambda shop, of: shop.stock.found("wick", "1 each"),
    "stock.scrap": lambda shop, of: shop.stock.scrap("candle", "1 each", lot="C-2", reason="fell"),
    "stock.sample": lambda shop, of: shop.stock.sample("candle", "1 each", lot="C-2"),
    "stock.count": lambda shop, of: shop.stock.count("candle", "9 each", lot="C-2"),
    "stock.transfer": lambda shop, of: shop.stock.transfer("candle", "1 each", lot="C-2", to="shelf"),
    "stock.split": lambda shop, of: shop.stock.split("candle", "1 each", lot="C-2"),
    "stock.hold": lambda shop, of: shop.stock.hold("candle", lot="C-2"),
    "stock.reject": lambda shop, of: shop.stock.reject("candle", lot="C-2"),
    "stock.extend": lambda shop, of: shop.stock.extend("candle", lot="C-2", expires="2027-01-01"),
    "stock.declare": lambda shop, of: shop.stock.declare("candle", {"potency": "35 %"}, lot="C-2"),
    "purchasing.order": lambda shop, of: shop.purchasing.order("mill", lines=[PurchaseLine("wax", "1 kg")]),
    "purchasing.receive": lambda shop, of: shop.purchasing.receive(of["purchase"], "wax", "5 kg"),
    "purchasing.change": lambda shop, of: shop.purchasing.change(of["purchase"], "wax", amount="3 kg"),
    "purchasing.reschedule": lambda shop, of: shop.purchasing.reschedule(of["purchase"], expected="2026-03-09 08:00"),
    "purchasing.cancel": lambda shop, of: shop.purchasing.cancel(of["purchase"]),
    "purchasing.send_back": lambda shop, of: shop.purchasing.send_back("wax", "1 kg", lot="W-1", place="stock"),
    "planning.accept": lambda shop, of: shop.planning.accept(shop.planning.propose(keep={"wax": ("90 kg", "90 kg")})),
}
FOR_GOOD = {"shipping.deliver", "stock.reject"}
"""What no command takes back."""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_preview_tells_and_changes_nothing(name: str):
    shop, of = busy_shop()
    before = everything(shop)

    would = shop.preview(lambda trial: COMMANDS[name](trial, of))

    assert would.differences
    assert str(would)
    assert bool(would.undo) == (name not in FOR_GOOD), would.undo
    assert everything(shop) == before
    shop.verify()
    COMMANDS[name](shop, of)  # what was previewed can be done
    shop.verify()
