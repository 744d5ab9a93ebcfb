"""Days of a sausage maker with the trace desk: questions in both directions, a recall from the hold to its end, records, gaps."""

from __future__ import annotations

import runpy
from datetime import timedelta
from fractions import Fraction

import networkx as nx
import pytest

from krafte_core import Ingredient, Item, OrderLine, Recipe, Workshop, qty
from krafte_core.addresses import Address
from krafte_core.errors import InvalidInput, LotNotUsable, LotUnknown, NotAllowed, Unknown
from krafte_core.quality import Check
from krafte_core.stores.memory import MemoryStore
from krafte_core.testing import FakeClock
from tests.support import ROOT

PEPPER, MIX, SAUSAGE = "pepper", "spice-mix", "sausage"


def sausage_shop(store=None):
    """Pepper and salt become a mix, mix and meat become sausage; an hour passes between any two things that happen."""
    clock = FakeClock("2026-11-23 08:00", zone="Europe/Berlin")
    shop = Workshop(store or MemoryStore(), clock=clock, by="Ada")
    shop.register(
        Item(PEPPER, unit="kg", step="1 g"),
        *(Item(code, unit="kg") for code in ("salt", "meat", MIX)),
        Item(SAUSAGE, unit="kg", kind="finished", attributes={"declares": "celery"}),
        Recipe(MIX, makes="10 kg", ingredients=[Ingredient(PEPPER, "2 kg"), Ingredient("salt", "8 kg")]),
        Recipe(SAUSAGE, makes="100 kg", ingredients=[Ingredient("meat", "98 kg"), Ingredient(MIX, "2 kg")]),
    )
    return shop, clock


def filled(store=None):
    shop, clock = sausage_shop(store)
    for item, amount, lot, supplier, theirs in [
        (PEPPER, "2 kg", "P-1", "Meyer", "GM-77"),
        (PEPPER, "4 kg", "P-2", "Meyer", "GM-78"),
        ("salt", "50 kg", "SA-1", "Saline", None),
        ("meat", "900 kg", "M-1", None, None),
    ]:
        shop.stock.receive(item, amount, lot=lot, supplier=supplier, supplier_lot=theirs)
        clock.tick(timedelta(hours=1))
    shop.production.make(MIX, "10 kg", lot="MIX-1")  # 12:00
    clock.tick(timedelta(hours=1))
    shop.production.make(MIX, "10 kg", lot="MIX-2")  # 13:00
    clock.tick(timedelta(hours=1))
    shop.production.make(SAUSAGE, "200 kg", lot="W-1")  # 14:00, 4 kg of MIX-1
    clock.tick(timedelta(hours=1))
    shop.production.make(SAUSAGE, "300 kg", lot="W-2", used={MIX: {"MIX-1": "3 kg", "MIX-2": "3 kg"}})  # 15:00
    clock.tick(timedelta(hours=1))
    order = shop.orders.place(
        customer="Kantine",
        lines=[OrderLine(SAUSAGE, "250 kg")],
        ship_to=Address("Kantine Nord", "Weg 3", "20095", "Hamburg", phone="040 1"),
    )
    shop.orders.confirm(order)
    shop.shipping.ship(order)
    clock.tick(timedelta(hours=1))
    return shop, clock


def codes(answer):
    return {lot.code for lot in answer.lots}


def test_one_step_up_and_one_step_down():
    """Article 18 asks for one step in each direction: the lots and the receipt before, the lots and the shipment after."""
    shop, _ = filled()
    assert codes(shop.trace.one_up(SAUSAGE, "W-2")) == {"M-1", "MIX-1", "MIX-2"}
    assert codes(shop.trace.one_down(PEPPER, "P-1")) == {"MIX-1"}
    assert codes(shop.trace.back(SAUSAGE, "W-2", levels=2)) == {"M-1", "MIX-1", "MIX-2", "P-1", "P-2", "SA-1"}
    assert ("receipt", "pepper P-1") in shop.trace.one_up(PEPPER, "P-1").graph
    assert [node for node in shop.trace.one_down(SAUSAGE, "W-1").graph if node[0] == "shipment"] == [("shipment", "SH-2026-11-001")]
    with pytest.raises(InvalidInput):
        shop.trace.back(SAUSAGE, "W-1", levels=0)


def test_a_supplier_names_his_own_lot_and_everything_after_it_is_found():
    """Lesson 85: from the supplier's lot number to the customer in one go."""
    shop, _ = filled()
    (bad,) = shop.trace.lots(supplier="Meyer", supplier_lot="GM-77")
    answer = shop.trace.recall([bad])
    assert (bad.code, answer.customers) == ("P-1", ("Kantine",))
    everything = shop.trace.lots(supplier="Meyer")
    assert codes(shop.trace.forward(everything)) == {"MIX-1", "MIX-2", "W-1", "W-2"}
    assert [lot.code for lot in shop.trace.lots(item=PEPPER, since="2026-11-23 08:30")] == ["P-2"]
    assert [lot.code for lot in shop.trace.lots(until="2026-11-23 08:00")] == ["P-1"]


def test_as_of_a_time_the_books_know_only_what_had_happened():
    """At two o'clock there was one sausage lot; before the mix was made nothing came of the pepper."""
    shop, _ = filled()
    assert codes(shop.trace.forward(PEPPER, "P-1", as_of="2026-11-23 14:30")) == {"MIX-1", "W-1"}
    assert codes(shop.trace.forward(PEPPER, "P-1", as_of="2026-11-23 11:00")) == set()
    assert codes(shop.trace.forward(PEPPER, "P-1")) == {"MIX-1", "W-1", "W-2"}


def test_a_lot_that_was_bad_for_an_hour_accuses_only_what_used_it_then():
    """Only what the source was used for in the window is followed; from there on everything."""
    shop, _ = filled()
    window = {"since": "2026-11-23 14:30", "until": "2026-11-23 15:30"}
    assert codes(shop.trace.forward(MIX, "MIX-1", **window)) == {"W-2"}
    assert [lot.code for lot in shop.trace.recall(MIX, "MIX-1", **window).finished_lots] == ["W-2"]
    assert codes(shop.trace.forward(PEPPER, "P-1", since="2026-11-23 12:00", until="2026-11-23 12:00")) == {"MIX-1", "W-1", "W-2"}


def test_siblings_say_by_which_suspects_they_were_found():
    """The whole of a kitchen shares its salt; one suspect gives the narrow scope; a suspect that is not behind it is refused."""
    shop, _ = filled()
    widest = shop.trace.siblings(MIX, "MIX-1")
    narrow = shop.trace.siblings(SAUSAGE, "W-2", via=[(PEPPER, "P-2")])
    same_run = shop.trace.siblings(SAUSAGE, "W-1", via="runs")
    assert widest.via == ((PEPPER, "P-1"), ("salt", "SA-1"))
    assert codes(widest.genealogy) == {"MIX-1", "MIX-2", "W-1", "W-2"}
    assert codes(narrow.genealogy) == {"MIX-2", "W-2"}
    assert (same_run.via, codes(same_run.genealogy)) == (("PB-2026-11-003",), {"W-1"})
    assert "siblings of sausage W-2 via pepper P-2" in str(narrow)
    with pytest.raises(InvalidInput):
        shop.trace.siblings(SAUSAGE, "W-1", via=[(PEPPER, "P-2")])


def test_two_complaints_have_a_cause_in_common():
    """What explains both comes first; what is behind only one of them is no common cause."""
    shop, _ = filled()
    causes = shop.trace.common_causes([(SAUSAGE, "W-1"), (SAUSAGE, "W-2")])
    assert [(cause.item, cause.name) for cause in causes] == [
        ("", "PB-2026-11-001"), ("meat", "M-1"), (PEPPER, "P-1"), ("salt", "SA-1"), (MIX, "MIX-1"),
    ]  # fmt: skip
    assert {cause.share for cause in causes} == {Fraction(1)}
    three = shop.trace.common_causes([(SAUSAGE, "W-1"), (SAUSAGE, "W-2"), (MIX, "MIX-2")])
    assert {cause.name: len(cause.explains) for cause in three}["P-2"] == 2
    assert {cause.name: len(cause.explains) for cause in three}["SA-1"] == 3


def test_runs_are_as_good_a_start_as_lots():
    """A kettle was not clean: everything after the run."""
    shop, _ = filled()
    assert codes(shop.trace.forward(["PB-2026-11-002"])) == {"MIX-2", "W-2"}
    assert codes(shop.trace.back(["PB-2026-11-002", (SAUSAGE, "W-1")])) == {"P-1", "P-2", "SA-1", "M-1", "MIX-1"}


def test_mistyped_starts_are_errors_and_never_empty_answers():
    shop, _ = filled()
    for start in [(PEPPER, "P1"), ("peper", "P-1")]:
        with pytest.raises(Unknown):
            shop.trace.forward([start])
    with pytest.raises(Unknown):
        shop.trace.forward(["PB-1"])
    for nothing in ([], [7], 7):
        with pytest.raises(InvalidInput):
            shop.trace.recall(nothing)
    with pytest.raises(InvalidInput):
        shop.trace.recall(PEPPER)


WRONG = {
    "levels": lambda trace: trace.back(SAUSAGE, "W-2", levels="2"),
    "levels in part": lambda trace: trace.back(SAUSAGE, "W-2", levels=1.5),
    "an item of lots": lambda trace: trace.lots(item="papper"),
    "a supplier": lambda trace: trace.lots(supplier=7),
    "a by-product": lambda trace: trace.recall(PEPPER, "P-1", splits={"wehy": "0.1"}),
    "a product": lambda trace: trace.recall(PEPPER, "P-1", loss_alike=["susage"]),
    "a run for a lot": lambda trace: trace.dispersion(["PB-2026-11-001"]),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_mistyped_beside_the_start_is_an_error_too(what):
    """An item nobody registered, half a level: never a small answer that looks complete."""
    shop, _ = filled()
    with pytest.raises((InvalidInput, Unknown)):
        WRONG[what](shop.trace)


TIMED = {"forward": (PEPPER, "P-1"), "recall": (PEPPER, "P-1"), "period_balance": (MIX,), "lots": (), "movements": (), "documents": ()}


@pytest.mark.parametrize("ask", [*TIMED, "decisions", "gaps"])
def test_a_time_that_ends_before_it_begins_is_an_error(ask):
    shop, _ = filled()
    with pytest.raises(InvalidInput) as caught:
        [*getattr(shop.trace, ask)(*TIMED.get(ask, ()), since="2026-11-24 08:00", until="2026-11-23 08:00")]
    assert caught.value.field == "until"


def test_a_recall_with_a_threshold_moves_rows_and_loses_none():
    """2 g of pepper per kg of W-2 are below 0.25 %: told in a second list, and affected all the same."""
    shop, _ = filled()
    whole, cut = shop.trace.recall(PEPPER, "P-1"), shop.trace.recall(PEPPER, "P-1", threshold="0.0025")
    assert [row.lot for row in cut.traces] == ["W-2"]
    assert sorted((*cut.contents, *cut.traces)) == sorted(whole.contents)
    assert cut.lots == whole.lots
    assert cut.content(SAUSAGE, "W-2") == qty("600 g")
    for wrong in ("2", "0", "1 kg", "few"):
        with pytest.raises(InvalidInput):
            shop.trace.recall(PEPPER, "P-1", threshold=wrong)


def test_whom_to_tell_comes_with_address_and_fields_to_fill_in():
    shop, _ = filled()
    answer = shop.trace.recall(PEPPER, "P-1")
    assert [(row.customer, row.lot, row.amount) for row in answer.consignees] == [
        ("Kantine", "W-1", qty("200 kg")), ("Kantine", "W-2", qty("50 kg")),
    ]  # fmt: skip
    assert answer.consignees[0].address.phone == "040 1"
    header, first, *_ = answer.consignees_csv().splitlines()
    assert header.endswith("notified at,notified how,answered,corrected")
    assert first.startswith("Kantine,Kantine Nord,Weg 3,20095,Hamburg")


def test_what_a_consignee_sent_back_is_told_beside_what_he_got():
    """A return is written for the order: it lessens what the shipments of that order brought, the first one first."""
    shop, _ = filled()
    order = shop.orders.find(customer="Kantine")[0]
    shop.shipping.receive_return(order, amounts={SAUSAGE: "10 kg"}, lot="W-1")
    rows = {row.lot: row for row in shop.trace.recall(PEPPER, "P-1").consignees}
    assert (rows["W-1"].amount, rows["W-1"].returned) == (qty("200 kg"), qty("10 kg"))
    assert rows["W-2"].returned == qty("0 kg")


def test_a_recall_is_held_in_one_command_and_lifted_again():
    """Lifting frees what the recall blocked: not what was held before for another reason, nor what was rejected meanwhile."""
    shop, _ = filled()
    shop.stock.hold(SAUSAGE, lot="W-1", reason="smells")
    answer = shop.trace.recall(PEPPER, "P-1")
    held = shop.trace.hold(answer, reason="pepper recall")
    assert {lot.code for lot in held.lots} == {"P-1", "MIX-1", "W-2"}
    assert shop.stock.level(SAUSAGE).available.is_zero
    shop.stock.reject(MIX, lot="MIX-1", reason="tested")
    lifted = shop.trace.lift(answer, reason="pepper recall")
    assert {lot.code for lot in lifted.released} == {"P-1", "W-2"}
    assert lifted.kept == ((SAUSAGE, "W-1", "held: smells"), (MIX, "MIX-1", "rejected"))
    assert shop.trace.lift(answer, reason="pepper recall").released == ()
    with pytest.raises(InvalidInput):
        shop.trace.hold(answer, reason="")


def test_a_click_that_comes_twice_holds_a_recall_once_and_lifts_it_once():
    shop, _ = filled()
    answer = shop.trace.recall(PEPPER, "P-1")
    assert shop.trace.hold(answer, reason="pepper", key="k1") == shop.trace.hold(answer, reason="pepper", key="k1")
    assert shop.trace.lift(answer, reason="pepper", key="k2") == shop.trace.lift(answer, reason="pepper", key="k2")
    assert {lot.disposition for lot in shop.trace.recall(PEPPER, "P-1").lots} == {"released"}


def test_a_lot_that_waited_for_its_release_is_not_released_by_the_end_of_a_recall():
    shop, _ = sausage_shop()
    shop.register(Item("cream", unit="kg", release="by decision"))
    shop.stock.receive("cream", "5 kg", lot="C-1")
    answer = shop.trace.recall("cream", "C-1")
    shop.trace.hold(answer, reason="recall")
    assert shop.trace.lift(answer, reason="recall").kept == (("cream", "C-1", "waited for its release before"),)
    assert shop.stock.lot("cream", "C-1").disposition == "held"
    with pytest.raises(NotAllowed):
        shop.stock.hold("cream", lot="C-1")


def test_an_exercise_tells_how_much_was_found():
    """Meat without a supplier is an origin that nobody knows; it is part of what was not found."""
    shop, clock = filled()
    told = shop.trace.exercise(SAUSAGE, "W-2", by="Ada")
    assert (told.percent, told.back) == (100, Fraction(100 * 6, 7))
    assert told.missing == (("origin unknown", "meat", "M-1"),)
    assert (told.started, told.ended) == (clock.now(), clock.now())
    assert "origins found 85.71 % of 7 lots" in str(told)


def test_finds_of_an_affected_item_are_undecided():
    """A crate without a label may be of any affected lot; of an item that is not affected it is none of our business."""
    shop, _ = filled()
    shop.stock.found(SAUSAGE, "3 kg", lot="CRATE")
    shop.stock.found("meat", "3 kg", lot="BIN")
    (doubt,) = shop.trace.recall(PEPPER, "P-1").undecided
    assert doubt == (SAUSAGE, "CRATE", ((SAUSAGE, "W-1"), (SAUSAGE, "W-2")))


def test_goods_that_came_back_without_their_lot_are_undecided():
    shop, _ = filled()
    (order,) = shop.orders.find(customer="Kantine")
    shop.shipping.receive_return(order, amounts={SAUSAGE: "5 kg"}, unknown_lot=True)
    (doubt,) = shop.trace.recall(PEPPER, "P-1").undecided
    assert doubt.candidates == ((SAUSAGE, "W-1"), (SAUSAGE, "W-2"))


def test_a_split_and_a_blend_are_steps_of_the_way():
    """What was poured together or taken apart is traced like a run; its number is a start like any other."""
    shop, _ = filled()
    split = shop.stock.split(SAUSAGE, "50 kg", lot="W-2", into="W-2a")
    assert "W-2a" in codes(shop.trace.forward(PEPPER, "P-2"))
    assert codes(shop.trace.forward([split.number])) == {"W-2a"}
    assert shop.trace.recall(PEPPER, "P-1").fraction(SAUSAGE, "W-2a") == shop.trace.recall(PEPPER, "P-1").fraction(SAUSAGE, "W-2")


def test_outputs_that_are_split_each_know_their_own_lots():
    """Lesson 87: two lots of sausage from one plan; split, each has its own inputs, and a recall of one mix spares the other."""
    shop, _ = filled()
    planned = shop.production.plan(SAUSAGE, "200 kg").production
    shop.production.split(planned, "100 kg")
    first, second = (run for run in shop.production.find(item=SAUSAGE, after="PB-2026-11-004"))
    for run, lot, mix in [(first, "W-5", "MIX-1"), (second, "W-6", "MIX-2")]:
        shop.production.start(run)
        shop.production.complete(run, made="100 kg", lot=lot, used={MIX: {mix: "2 kg"}})
    after = codes(shop.trace.forward(MIX, "MIX-2"))
    assert "W-6" in after
    assert "W-5" not in after


def test_a_tank_that_is_topped_up_is_a_new_lot():
    """What was drawn before the new delivery is not accused by it; what is drawn after is, by its share."""
    shop, clock = sausage_shop()
    shop.stock.receive("salt", "10 kg", lot="TANK-1")
    shop.stock.receive(PEPPER, "10 kg", lot="P-1")
    shop.production.make(MIX, "10 kg", lot="MIX-1")  # 8 kg of it
    clock.tick(timedelta(hours=1))
    shop.stock.receive("salt", "8 kg", lot="BAD")
    shop.stock.blend("salt", {"TANK-1": "2 kg", "BAD": "8 kg"}, into="TANK-2")
    shop.production.make(MIX, "10 kg", lot="MIX-2")
    answer = shop.trace.recall("salt", "BAD")
    assert {lot.code for lot in answer.lots} == {"BAD", "TANK-2", "MIX-2"}
    assert answer.content(MIX, "MIX-2") == qty("6.4 kg")  # four fifths of 8 kg


def test_orders_that_wait_for_an_affected_lot_are_named():
    shop, _ = filled()
    waiting = shop.orders.place(customer="Imbiss", lines=[OrderLine(SAUSAGE, "20 kg")])
    shop.orders.confirm(waiting)
    (line,) = shop.trace.recall(PEPPER, "P-2").open_orders
    assert (line.line, line.customer, line.lot, line.amount) == (f"{waiting.number}/1", "Imbiss", "W-2", qty("20 kg"))


def test_the_balance_of_an_item_in_a_time():
    """Opening + what came = what went + closing, to the step; the two halves of a day add up to the whole."""
    shop, _ = filled()
    day = shop.trace.period_balance(MIX)
    morning = shop.trace.period_balance(MIX, until="2026-11-23 14:00")
    rest = shop.trace.period_balance(MIX, since="2026-11-23 14:00")
    assert (day.made, day.used, day.closing) == (qty("20 kg"), qty("10 kg"), qty("10 kg"))
    assert (morning.opening, morning.made, morning.closing) == (qty("0 kg"), qty("20 kg"), qty("20 kg"))
    assert (rest.opening, rest.used, rest.closing) == (qty("20 kg"), qty("10 kg"), qty("10 kg"))
    assert all(one.unaccounted.is_zero for one in (day, morning, rest))
    assert str(rest) == "opening 20 kg = used 10 kg + closing 10 kg; unaccounted 0 kg"
    shop.stock.receive("salt", "5 kg", lot="SA-9", owner="Koch")
    assert shop.trace.period_balance("salt", owner="Koch").closing == qty("5 kg")
    assert shop.trace.period_balance("salt", owner="").received == qty("50 kg")
    with pytest.raises(InvalidInput):
        shop.trace.period_balance(MIX, since="2026-11-24", until="2026-11-23")


def test_the_batch_record_of_a_run():
    """What was planned and weighed per lot, what came out, who signed, and what was decided about the lot afterwards."""
    shop, clock = filled()
    run = shop.production.plan(SAUSAGE, "100 kg", by="Bo").production
    shop.production.start(run, by="Bo")
    clock.tick(timedelta(hours=2))
    shop.production.complete(run, made="95 kg", scrapped="2 kg", used={MIX: "2.1 kg"}, lot="W-3", by="Cy")
    shop.stock.hold(SAUSAGE, lot="W-3", reason="pH 5.9", by="Di")
    record = shop.trace.batch_record(run)
    assert (record.state, record.made, record.scrapped, record.yield_percent) == ("done", qty("95 kg"), qty("2 kg"), 95)
    assert [(row.item, row.lot, row.used) for row in record.weighed] == [("meat", "M-1", qty("98 kg")), (MIX, "MIX-1", qty("2.1 kg"))]
    (off,) = record.deviations
    assert (off.item, off.planned, off.used, off.difference) == (MIX, qty("2 kg"), qty("2.1 kg"), qty("0.1 kg"))
    assert record.people == ("Bo", "Cy", "Di")
    assert record.ended_at - record.started_at == timedelta(hours=2)
    assert [(entry.step, entry.reason) for entry in record.steps][-1] == ("hold", "pH 5.9")
    assert [lot.code for lot in record.lots] == ["W-3"]
    assert "Batch record" in str(record)
    with pytest.raises(Unknown):
        shop.trace.batch_record("PB-9")


def test_a_lot_is_measured_and_released_by_a_decision():
    """Checks with limits: what is missing or outside refuses the release by name, somebody may insist, and the record keeps it all."""
    clock = FakeClock("2026-11-23 08:00")
    shop = Workshop.in_memory(clock=clock, by="Ada")
    checks = [Check("pH", least="9", most="10.5"), Check("water", most="12", unit="%"), Check("colour of the day")]
    shop.register(
        Item("oil", unit="kg"),
        Item("soap", unit="kg", release="by decision", checks=checks),
        Recipe("soap", makes="1 kg", ingredients=[Ingredient("oil", "0.8 kg")]),
    )
    shop.stock.receive("oil", "10 kg", lot="O-1", supplier="Frantoio")
    shop.production.make("soap", "5 kg", lot="S-1")
    with pytest.raises(LotNotUsable) as refused:
        shop.stock.release("soap", lot="S-1")
    assert refused.value.reason.startswith("pH not measured; water not measured; colour of the day not measured (")

    shop.stock.measure("soap", {"pH": "11.2", "water": "11"}, lot="S-1", by="Ben")
    clock.tick(timedelta(hours=1))
    shop.stock.measure("soap", {"colour of the day": 3}, lot="S-1")
    with pytest.raises(LotNotUsable) as refused:
        shop.stock.release("soap", lot="S-1")
    assert refused.value.reason.startswith("pH 11.2, wanted 9 to 10.5 (")
    with pytest.raises(InvalidInput):
        shop.stock.release("soap", lot="S-1", despite=True)

    shop.stock.measure("soap", {"pH": "10.4"}, lot="S-1", by="Ben")  # measured again, after a week on the shelf
    shop.stock.release("soap", lot="S-1", by="Cleo")
    record = shop.trace.batch_record(shop.stock.lot("soap", "S-1").paper)
    assert [(row.check, str(row.value), row.within, row.by) for row in record.measured] == [
        ("pH", "11.2", False, "Ben"), ("water", "11", True, "Ben"), ("colour of the day", "3", True, "Ada"),
        ("pH", "10.4", True, "Ben"),
    ]  # fmt: skip
    assert [row.value for row in record.outside] == [qty("11.2 kg").value]
    assert record.people == ("Ada", "Ben", "Cleo")
    assert "pH" in str(record)
    assert "NOT KEPT" in str(record)

    shop.stock.hold("soap", lot="S-1", reason="smells")  # a record only grows: what was in it stays as it was
    later = shop.trace.batch_record(record.production)
    assert later.steps[: len(record.steps)] == record.steps
    assert later.measured == record.measured


def test_a_lot_outside_its_limits_may_be_released_by_somebody_who_says_why():
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("soap", unit="kg", checks=[Check("pH", most="10.5")]))
    shop.stock.opening("soap", "5 kg", lot="S-1")
    shop.stock.hold("soap", lot="S-1")
    shop.stock.measure("soap", {"pH": "10.6"}, lot="S-1")
    done = shop.stock.release("soap", lot="S-1", reason="sold as washing soap", despite=True)
    assert done.lots[0].disposition == "released"
    (decision,) = [row for row in shop.trace.decisions() if row.entry.step == "release"]
    assert dict(decision.entry.details) == {"despite": "pH 10.6, wanted at most 10.5"}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda shop: shop.stock.measure("soap", {"ph": "9"}, lot="S-1"),
        lambda shop: shop.stock.measure("soap", {"pH": 9.5}, lot="S-1"),
        lambda shop: shop.stock.measure("soap", {"pH": "9 kg"}, lot="S-1"),
        lambda shop: shop.stock.measure("soap", {}, lot="S-1"),
        lambda shop: Check("pH", least="10", most="9"),
        lambda shop: Check(" pH"),
        lambda shop: Item("soap", unit="kg", checks=[Check("pH"), Check("pH")]),
    ],
    ids=["no check", "float", "unit", "nothing", "limits", "blank", "twice"],
)
def test_measurements_that_cannot_be_are_refused_by_name(wrong):
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("soap", unit="kg", checks=[Check("pH", most="10.5")]))
    shop.stock.opening("soap", "5 kg", lot="S-1")
    with pytest.raises(InvalidInput):
        wrong(shop)
    assert [*shop.trace.decisions()] == []


@pytest.mark.parametrize("lots", [{"": "1 kg"}, {"P-9": "1 kg"}, {"P-1": "1 kg", "": "1 kg"}], ids=["none", "unknown", "half"])
def test_nothing_is_used_without_a_lot_that_is_known(lots):
    """Every use names a lot: without one nothing is written, and the trace has no hole."""
    shop, _ = filled()
    before = shop.trace.movements()
    with pytest.raises((Unknown, LotUnknown, InvalidInput)) as caught:
        shop.production.make(MIX, "1 kg", used={PEPPER: lots})
    assert caught.value.code in ("unknown", "lot_unknown", "invalid_input")
    assert shop.trace.movements() == before


def test_gaps_are_found_before_anybody_asks():
    """Meat without a supplier, and a find."""
    shop, _ = filled()
    shop.stock.found("salt", "1 kg", lot="SA-X")
    assert shop.trace.gaps() == (("find", "salt", "SA-X"), ("receipt without supplier", "meat", "M-1"))


def test_how_far_a_recall_of_each_lot_would_reach():
    """Salt is in everything; the second lot of pepper in one finished lot."""
    shop, _ = filled()
    rows = shop.trace.dispersion([("salt", "SA-1"), (PEPPER, "P-2"), (PEPPER, "P-1")])
    assert [(row.lot, row.lots, row.finished, row.customers) for row in rows] == [
        ("SA-1", 5, 2, 1),
        ("P-1", 4, 2, 1),
        ("P-2", 3, 1, 1),
    ]


def test_an_allergen_that_came_with_a_substitute_is_found_on_the_lot():
    """The recipe says nothing of mustard; this lot of pepper does. Celery is declared, so it is no finding."""
    shop, _ = sausage_shop()
    shop.stock.receive(PEPPER, "4 kg", lot="P-1", attributes={"allergens": "Mustard, celery"})
    shop.stock.receive("salt", "50 kg", lot="SA-1")
    shop.stock.receive("meat", "500 kg", lot="M-1")
    shop.production.make(MIX, "10 kg", lot="MIX-1")
    shop.production.make(SAUSAGE, "200 kg", lot="W-1")
    assert shop.trace.undeclared_allergens() == ((SAUSAGE, "W-1", "mustard", ((PEPPER, "P-1"),)),)


def test_the_whole_genealogy_as_a_graph():
    """Every lot, run, receipt and shipment; no lot is left out, not even one that was never used."""
    shop, _ = filled()
    shop.stock.receive("salt", "1 kg", lot="SA-2")
    graph = shop.trace.whole_graph()
    assert {node[1:] for node in graph if node[0] == "lot"} == {(lot.item, lot.code) for lot in shop.trace.lots()}
    assert nx.has_path(graph, ("receipt", "pepper P-1"), ("shipment", "SH-2026-11-001"))
    assert nx.is_directed_acyclic_graph(graph)


def test_everything_that_happened_to_a_lot_is_a_node_and_every_link_has_its_time():
    """Receipt, run, shipment, return, find, count, scrap, sample; amounts and times on the links."""
    shop, _ = filled()
    order = shop.orders.find(customer="Kantine")[0]
    shop.shipping.receive_return(order, amounts={SAUSAGE: "10 kg"}, lot="W-1")
    shop.stock.scrap(SAUSAGE, "1 kg", lot="W-1", reason="torn")
    shop.stock.sample(SAUSAGE, "500 g", lot="W-2", reason="laboratory")
    shop.stock.count(MIX, "2 kg", lot="MIX-2")  # 7 kg were there
    shop.stock.found("salt", "1 kg", lot="SA-X")
    graph = shop.trace.forward(PEPPER, "P-1").graph
    kinds = {node[0] for node in graph}
    assert {"lot", "run", "shipment", "return", "scrap", "sample"} <= kinds
    assert {"receipt", "count"} <= {node[0] for node in shop.trace.back(SAUSAGE, "W-2").graph}
    assert ("find", "salt SA-X") in shop.trace.one_up("salt", "SA-X").graph
    assert ("count", f"{MIX} MIX-2") in shop.trace.one_down(MIX, "MIX-2").graph
    used = graph.edges[("lot", MIX, "MIX-1"), ("run", "PB-2026-11-003")]
    assert (used["amount"], used["first"], used["last"]) == (qty("4 kg"), *[shop.trace.batch_record("PB-2026-11-003").started_at] * 2)


def test_a_drawing_marks_the_way_and_holds_nothing_from_elsewhere():
    """A lot named like mark-up stays text."""
    shop, _ = filled()
    shop.stock.receive("salt", "1 kg", lot="<script>")
    plain, marked = shop.trace.forward(PEPPER, "P-1").svg(), shop.trace.forward(PEPPER, "P-1").svg(to=(SAUSAGE, "W-2"))
    assert plain.count("#b3261e") < marked.count("#b3261e")
    assert shop.trace.forward(PEPPER, "P-1")._repr_svg_() == plain
    assert "<script>" not in shop.trace.back("salt", "<script>").svg()
    assert "href" not in marked


def test_a_store_without_an_index_answers_as_memory_does(tmp_path):
    """The example on plain SQLite goes level by level; every answer is equal."""
    example = runpy.run_path(str(ROOT / "examples" / "sqlite_store.py"))
    (memory, _), (file, _) = filled(), filled(example["SqliteStore"](str(tmp_path / "books.db")))
    for ask in (
        lambda shop: shop.trace.recall(PEPPER, "P-1", threshold="0.0025"),
        lambda shop: shop.trace.back(SAUSAGE, "W-2"),
        lambda shop: shop.trace.forward(shop.trace.lots(supplier="Meyer"), levels=1),
        lambda shop: shop.trace.common_causes([(SAUSAGE, "W-1"), (SAUSAGE, "W-2")]),
        lambda shop: shop.trace.siblings(SAUSAGE, "W-2"),
        lambda shop: (shop.trace.gaps(), shop.trace.movements(), shop.trace.period_balance(MIX)),
        lambda shop: shop.trace.batch_record("PB-2026-11-004"),
    ):
        assert ask(memory) == ask(file)
    file.close()


def test_a_fork_answers_as_the_books_do():
    """On a fork there is no index at hand: the search level by level gives the same, and what the fork adds is in it."""
    shop, _ = filled()
    trial = shop.fork()
    assert trial.trace.recall(PEPPER, "P-1") == shop.trace.recall(PEPPER, "P-1")
    trial.production.make(SAUSAGE, "50 kg", lot="W-9", used={MIX: {"MIX-1": "1 kg"}})
    assert "W-9" in codes(trial.trace.forward(PEPPER, "P-1"))
    assert "W-9" not in codes(shop.trace.forward(PEPPER, "P-1"))
