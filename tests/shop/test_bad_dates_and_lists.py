"""Bad input of what is dated back, listed and proposed: refused with a code, and nothing is different."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from krafte_core import Item, KrafteError, PurchaseLine, Workshop
from krafte_core.errors import KeyReused
from tests.scenarios.test_preview_table import busy_shop
from tests.scenarios.test_productions import everything

NO_TIMES = ["yesterday", "2026-13-01", "2026-03-01", "", "08:00", datetime(2026, 3, 1), 5, 2.5, "9999-99-99 99:99"]  # noqa: DTZ001
LATE = {
    "start": lambda shop, of, at: shop.production.start(of["planned"], happened_at=at),
    "issue": lambda shop, of, at: shop.production.issue(of["at work"], "wax", "1 kg", happened_at=at),
    "give_back": lambda shop, of, at: shop.production.give_back(of["at work"], "wax", "1 kg", happened_at=at),
    "scrap": lambda shop, of, at: shop.production.scrap(of["at work"], "wax", "1 kg", reason="wet", happened_at=at),
    "report": lambda shop, of, at: shop.production.report(of["at work"], made="1 each", happened_at=at),
    "complete": lambda shop, of, at: shop.production.complete(of["at work"], made="1 each", happened_at=at),
    "make": lambda shop, of, at: shop.production.make("candle", "1 each", happened_at=at),
    "use": lambda shop, of, at: shop.production.use(of["made"], "wax", "1 kg", reason="forgotten", happened_at=at),
    "ship": lambda shop, of, at: shop.shipping.ship(of["ready"], happened_at=at),
    "return": lambda shop, of, at: shop.shipping.receive_return(of["sent"], amounts={"candle": "1 each"}, happened_at=at),
    "receive": lambda shop, of, at: shop.stock.receive("wax", "1 kg", happened_at=at),
    "count": lambda shop, of, at: shop.stock.count("candle", "1 each", lot="C-2", happened_at=at),
}


@pytest.mark.parametrize("what", LATE)
def test_what_is_no_time_is_refused_and_what_is_to_come_too(what: str):
    shop, of = busy_shop()
    before = everything(shop)
    for at in [*NO_TIMES, "2026-03-03 09:01", "2100-01-01 00:00"]:
        with pytest.raises(KrafteError) as refusal:
            LATE[what](shop, of, at)
        assert refusal.value.code in ("unreadable_text", "invalid_input", "naive_datetime", "float_refused"), at
        assert everything(shop) == before
    with pytest.raises(KrafteError) as refusal:  # long before anything was there
        LATE[what](shop, of, "2020-01-01 08:00" if what != "receive" else "10000-01-01 08:00")
    assert refusal.value.code in ("unreadable_text", "invalid_input", "too_much", "short")
    assert everything(shop) == before


@pytest.mark.parametrize("what", LATE)
def test_the_time_belongs_to_what_a_key_stands_for(what: str):
    shop, of = busy_shop()
    if what in ("issue", "give_back", "scrap", "report", "complete", "use"):
        times = ["2026-03-02 08:30", "2026-03-02 08:40"]
    else:
        times = ["2026-03-03 08:30", "2026-03-03 08:40"]
    desks = {"ship": "shipping", "return": "shipping", "receive": "stock", "count": "stock"}
    desk: Any = getattr(shop, desks.get(what, "production"))
    name = "receive_return" if what == "return" else what
    keyed = Keyed(desk, name)
    setattr(shop, desks.get(what, "production"), keyed)
    first = LATE[what](shop, of, times[0])
    assert LATE[what](shop, of, times[0]) == first
    with pytest.raises(KeyReused):
        LATE[what](shop, of, times[1])


class Keyed:
    """A desk whose one command is given a key."""

    def __init__(self, desk: Any, name: str) -> None:
        self._desk, self._name = desk, name

    def __getattr__(self, name: str) -> Any:
        command = getattr(self._desk, name)
        return (lambda *words, **more: command(*words, key="k-1", **more)) if name == self._name else command


WISHES: list[tuple[Any, set[str]]] = [
    ({"candle": ("10 each", "5 each")}, {"invalid_input"}),
    ({"candle": ("-1 each", "5 each")}, {"invalid_input"}),
    ({"candle": ("1 kg", "5 kg")}, {"unit_mismatch"}),
    ({"candle": ("0.5 each", "5 each")}, {"not_whole_steps"}),
    ({"candle": (1.5, 2.5)}, {"float_refused"}),
    ({"candel": ("1 each", "5 each")}, {"unknown"}),
    ({"set": ("1 each", "5 each")}, {"invalid_input"}),
]


@pytest.mark.parametrize(("keep", "codes"), WISHES)
def test_what_cannot_be_kept_is_refused(keep: Any, codes: set[str]):
    shop, _ = busy_shop()
    shop.register(Item("set", unit="each", kit={"candle": "2 each"}))
    with pytest.raises(KrafteError) as refusal:
        shop.planning.propose(keep=keep)
    assert refusal.value.code in codes


def test_a_list_of_proposals_of_another_workshop_is_refused():
    shop, _ = busy_shop()
    other = Workshop.in_memory()
    with pytest.raises(KrafteError) as refusal:
        shop.planning.accept(other.planning.propose())
    assert refusal.value.code == "conflict"
    with pytest.raises(KrafteError):
        shop.planning.propose(orders="all")


@pytest.mark.parametrize("expected", ["soon", datetime(2026, 3, 9), 4])  # noqa: DTZ001
def test_the_day_of_a_purchase_line_is_an_instant(expected: Any):
    shop, _ = busy_shop()
    before = everything(shop)
    with pytest.raises(KrafteError) as refusal:
        shop.purchasing.order("mill", lines=[PurchaseLine("wax", "1 kg", expected=expected)])
    assert refusal.value.code in ("unreadable_text", "invalid_input", "naive_datetime")
    assert everything(shop) == before
