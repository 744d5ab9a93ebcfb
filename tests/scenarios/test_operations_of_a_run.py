"""What comes good out of each operation of a run: expected by its yield, reported as it is done, never more than came in."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Ingredient, Item, Operation, Recipe, Workshop
from krafte_core.errors import InvalidInput, NotAllowed, TooMuch, Unknown
from krafte_core.recipes import compiled
from krafte_core.testing import FakeClock
from krafte_core.yields import operation_yields


def paste_shop(clock: FakeClock | None = None, **yields: str) -> Workshop:
    """Paste that is mixed, ground and filled; the yields are those of the operations."""
    shop = Workshop.in_memory(clock=clock or FakeClock("2026-03-02 08:00"))
    work = [Operation(name, wait="1 hour", process_yield=yields.get(name, 1)) for name in ("mix", "grind", "fill")]
    base = Ingredient("base", "10 kg")
    shop.register(
        *(Item(name, unit="kg", step="1 g") for name in ("paste", "base")),
        Recipe("paste", makes="10 kg", ingredients=[base], operations=work),
    )
    shop.stock.receive("base", "100 kg", lot="B-1")
    return shop


def begun(shop: Workshop) -> str:
    run = shop.production.plan("paste", "10 kg").production
    shop.production.start(run)
    return run.number


def rows(found) -> list[tuple[str, ...]]:
    return [(one.operation, *(str(amount) for amount in (one.given, one.expected, one.good, one.lost, one.short))) for one in found]


def test_yields_of_operations_enlarge_the_charge_and_tell_what_each_should_bring():
    shop = paste_shop(mix="80 %", fill="50 %")
    run = shop.production.plan("paste", "10 kg").production
    assert str(run.need("base").required) == "25 kg"
    assert rows(shop.production.operations(run)) == [
        ("mix", "25 kg", "20 kg", "None", "5 kg", "0 kg"),
        ("grind", "20 kg", "20 kg", "None", "0 kg", "0 kg"),
        ("fill", "20 kg", "10 kg", "None", "10 kg", "0 kg"),
    ]
    assert "yield 80%" in str(run.recipe)


def test_what_was_reported_is_what_the_next_one_gets():
    shop = paste_shop(fill="50 %")
    run = begun(shop)
    told = shop.production.operate(run, "mix", good="18 kg", reason="spilt")
    assert rows(told.operations) == [
        ("mix", "20 kg", "20 kg", "18 kg", "2 kg", "2 kg"),
        ("grind", "18 kg", "18 kg", "None", "0 kg", "2 kg"),
        ("fill", "18 kg", "9 kg", "None", "9 kg", "1 kg"),
    ]
    assert shop.production.operations(run) == told.operations
    entry = shop.production.history(run)[-1]
    assert (entry.step, entry.reason, dict(entry.details)) == ("operate", "spilt", {"operation": "mix", "good": "18 kg"})
    assert shop.production.status(run) == "started"


def test_told_again_it_is_put_right_and_never_below_what_went_on():
    shop = paste_shop()
    run = begun(shop)
    shop.production.operate(run, "mix", good="4 kg")
    shop.production.operate(run, "mix", good="8 kg")
    shop.production.operate(run, "fill", good="7 kg")
    for name, amount in (("fill", "8.001 kg"), ("mix", "6 kg"), ("grind", "9 kg"), ("grind", "6 kg")):
        with pytest.raises(TooMuch):
            shop.production.operate(run, name, good=amount)
    shop.production.operate(run, "grind", good="7.5 kg")
    assert [row[3] for row in rows(shop.production.operations(run))] == ["8 kg", "7.5 kg", "7 kg"]


def test_nothing_comes_out_of_a_run_that_its_last_operation_did_not_bring():
    shop = paste_shop()
    run = begun(shop)
    shop.production.operate(run, "fill", good="8 kg")
    shop.production.report(run, made="5 kg")
    for made, scrapped in (("3.001 kg", None), ("3 kg", "0.5 kg")):
        with pytest.raises(TooMuch, match="report that one anew"):
            shop.production.complete(run, made=made, scrapped=scrapped)
    done = shop.production.complete(run, made="3 kg")
    assert (str(done.lost), done.deviations) == ("2 kg", {})
    shop.verify()
    with pytest.raises(NotAllowed):
        shop.production.operate(run, "fill", good="9 kg")


def test_an_operation_is_written_down_later_once_and_in_a_preview_not_at_all():
    clock = FakeClock("2026-03-02 08:00")
    shop = paste_shop(clock)
    run = begun(shop)
    clock.set("2026-03-03 08:00")
    would = shop.preview(lambda trial: trial.production.operate(run, "mix", good="9 kg"))
    assert rows(would.answer.operations)[0][3] == "9 kg"
    for _ in range(2):
        shop.production.operate(run, "mix", good="8 kg", happened_at="2026-03-02 12:00", key="once")
    assert [entry.step for entry in shop.production.history(run)].count("operate") == 1
    with pytest.raises(InvalidInput):
        shop.production.operate(run, "grind", good="8 kg", happened_at="2026-03-02 11:00")
    with pytest.raises(InvalidInput):
        shop.production.complete(run, made="8 kg", happened_at="2026-03-02 11:00")
    shop.production.complete(run, made="8 kg", happened_at="2026-03-02 13:00")
    shop.verify()


def test_what_is_wrong_is_told():
    shop = paste_shop()
    run = begun(shop)
    with pytest.raises(Unknown, match="grind"):
        shop.production.operate(run, "gring", good="8 kg")
    for amount in ("-1 kg", "8", 8.0, "8 L"):
        with pytest.raises(InvalidInput):
            shop.production.operate(run, "mix", good=amount)
    with pytest.raises(InvalidInput):
        Recipe("paste", makes="10 kg", process_yield="90 %", operations=[Operation("mix", wait="1 hour", process_yield="90 %")])
    with pytest.raises(InvalidInput):
        Operation("mix", wait="1 hour", process_yield="0 %")


@given(
    yields=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    steps=st.integers(1, 10**6),
    good=st.dictionaries(st.integers(0, 3), st.integers(0, 10**6)),
)
def test_what_is_given_is_good_or_lost_and_what_goes_on_comes_in(yields, steps, good):
    work = [Operation(f"op{n}", wait="1 h", process_yield=f"{share} %") for n, share in enumerate(yields)]
    item = Item("paste", unit="kg", step="1 g")
    formula = compiled(Recipe("paste", makes="10 kg", operations=work), {"paste": item})
    found = operation_yields(formula, steps, {f"op{n}": amount for n, amount in good.items()})
    whole = Fraction(steps)
    for share in yields:
        whole /= Fraction(share, 100)
    assert 0 <= Fraction(found[0].given.value) * 1000 - whole < 1
    out = [one.expected if one.good is None else one.good for one in found]
    assert [one.given - one.lost for one in found] == out
    assert [one.given for one in found[1:]] == out[:-1]
    if not good:
        assert out[-1] == item.quantity(steps)
        assert all(one.short.is_zero for one in found)
