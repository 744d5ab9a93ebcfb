"""Picking: every rule against a slow and obvious way of saying the same; what may not be used is never used, and why is told."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.errors import InvalidInput
from krafte_core.items import PICKING_RULES
from krafte_core.stock import DISPOSITIONS, ORDERS, PLACES, RULES, Lot, Place, Stocked, pick, subtree, unusable

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
USABLE = frozenset({"stock", "shelf", "cellar"})


def lot(code: str = "A", *, age: int = 0, expires: int | None = None, disposition: str = "released") -> Lot:
    """A lot so many days old, that expires in so many days."""
    until = None if expires is None else TODAY + timedelta(days=expires)
    return Lot("oil", code, received_at=NOON - timedelta(days=age), expires=until, disposition=disposition)


@st.composite
def stocks(draw):
    """Lots at places: some expired, held or in quarantine, some promised in part, in whole, or beyond; never twice the same."""
    lots = [
        lot(
            code,
            age=draw(st.integers(0, 4)),
            expires=draw(st.none() | st.integers(-2, 4)),
            disposition=draw(st.sampled_from(("released",) * 4 + DISPOSITIONS)),
        )
        for code in "ABCDE"[: draw(st.integers(0, 5))]
    ]
    places = st.lists(st.sampled_from(["stock", "shelf", "quarantine", "line:PB-1"]), min_size=1, max_size=3, unique=True)
    rows = [Stocked(one, place, draw(st.integers(0, 10)), draw(st.integers(0, 12))) for one in lots for place in draw(places)]
    return draw(st.permutations(rows))


def usable_rows(rows, on):
    """By the letter of the law: released, good on the day, in a place that permits use, and something of it free."""
    return [
        row
        for row in rows
        if row.lot.disposition == "released"
        and (row.lot.expires is None or row.lot.expires >= on)
        and row.place in USABLE
        and row.free > 0
    ]


def by_lot(rows):
    lots = {}
    for row in sorted(rows, key=ORDERS["expiry"]):
        lots.setdefault(row.lot.code, []).append(row)
    return [*lots.values()]


def free(rows) -> int:
    return sum(row.free for row in rows)


def naive(rule, rows, need, on):
    """The order in which the rule would empty the usable rows."""
    rows = usable_rows(rows, on)
    if rule == "fefo":
        return sorted(rows, key=lambda row: (row.lot.expires or date.max, row.lot.received_at, row.lot.code, row.place))
    if rule == "fifo":
        return sorted(rows, key=lambda row: (row.lot.received_at, row.lot.code, row.place))
    if rule == "lifo":
        return sorted(rows, key=lambda row: (row.lot.received_at, row.lot.code, row.place), reverse=True)
    if rule == "single_lot":
        return next((one for one in by_lot(rows) if free(one) >= need), [])
    if rule == "narrow":
        lots = by_lot(rows)
        return next((one for one in lots if free(one) >= need), [row for one in lots for row in one])
    if rule == "fewest_lots":
        lots = by_lot(rows)
        enough = [one for one in lots if free(one) >= need]
        if enough:
            return min(enough, key=free)
        return [row for one in sorted(lots, key=free, reverse=True) for row in one]
    return []


def ordered(rule, rows):
    return sorted(rows, key=ORDERS[RULES[rule].order])


rules = st.sampled_from(sorted(RULES))


def test_every_picking_rule_of_an_item_is_known():
    assert set(RULES) == set(PICKING_RULES)


@given(rules, stocks(), st.integers(0, 40), st.integers(-1, 3))
def test_every_rule_takes_what_the_obvious_way_takes(rule, rows, need, days):
    on = TODAY + timedelta(days=days)
    answer = pick(rule, ordered(rule, rows), need, on, usable_places=USABLE)
    expected, left = [], need
    for row in naive(rule, rows, need, on):
        if left:
            expected.append((row, min(row.free, left)))
            left -= min(row.free, left)
    assert [(taken.stocked, taken.steps) for taken in answer.taken] == expected
    assert answer.missing == left


@given(rules, stocks(), st.integers(0, 40))
def test_nothing_is_taken_that_may_not_be_used_or_is_not_free(rule, rows, need):
    """Lessons 24, 25, 29, 96: never beyond what is free of a row, never more than needed, never what is held, expired or elsewhere."""
    answer = pick(rule, ordered(rule, rows), need, TODAY, usable_places=USABLE)
    assert all(0 < taken.steps <= taken.stocked.free for taken in answer.taken)
    assert {taken.stocked for taken in answer.taken} <= set(usable_rows(rows, TODAY))
    assert len({taken.stocked for taken in answer.taken}) == len(answer.taken)
    assert sum(taken.steps for taken in answer.taken) + answer.missing == need


@given(rules, stocks(), st.integers(0, 40))
def test_every_row_that_was_looked_at_in_vain_has_its_reason(rule, rows, need):
    answer = pick(rule, ordered(rule, rows), need, TODAY, usable_places=USABLE)
    for row, reason in answer.refused:
        right = {
            "waits for release": row.lot.disposition == "waiting",
            "held": row.lot.disposition == "held",
            "rejected": row.lot.disposition == "rejected",
            f"expired on {row.lot.expires}": row.lot.expires is not None and row.lot.expires < TODAY,
            f"in {row.place}": row.place not in USABLE,
        }
        assert right[reason]
    if answer.missing or rule not in {"fefo", "fifo"}:
        blocked = [row for row in rows if unusable(row.lot, TODAY) or row.place not in USABLE]
        assert {refused.stocked for refused in answer.refused} == set(blocked)


@given(st.sampled_from(["fefo", "fifo"]), stocks(), st.integers(1, 40))
def test_first_out_reads_no_row_more_than_it_needs(rule, rows, need):
    """So a thousand lots cost no more than the one that is taken."""
    read: list[Stocked] = []

    def stream() -> Iterator[Stocked]:
        for row in ordered(rule, rows):
            read.append(row)
            yield row

    answer = pick(rule, stream(), need, TODAY, usable_places=USABLE)
    if answer.missing:
        assert len(read) == len(rows)
    else:
        assert read[-1] == answer.taken[-1].stocked


@given(stocks(), st.integers(1, 40))
def test_fewest_lots_is_the_smallest_number_of_lots_that_there_can_be(rows, need):
    answer = pick("fewest_lots", ordered("fewest_lots", rows), need, TODAY, usable_places=USABLE)
    lots = by_lot(usable_rows(rows, TODAY))
    if answer.missing == 0:
        least = next(n for n in range(1, 6) if any(sum(map(free, some)) >= need for some in combinations(lots, n)))
        assert len({taken.stocked.lot.code for taken in answer.taken}) == least


def test_a_lot_at_two_places_is_one_lot():
    """Lesson 36: 5 + 5 of X are taken for 10, before 6 of Y and 4 of Z: lot first, place second."""
    x, y, z = lot("X", expires=9), lot("Y", expires=8), lot("Z", expires=7)
    rows = [Stocked(x, "shelf", 5, 0), Stocked(x, "stock", 5, 0), Stocked(y, "stock", 6, 0), Stocked(z, "stock", 4, 0)]
    for rule in ("fewest_lots", "single_lot"):
        answer = pick(rule, ordered(rule, rows), 10, TODAY, usable_places=USABLE)
        assert [(taken.stocked.lot.code, taken.steps) for taken in answer.taken] == [("X", 5), ("X", 5)]


@given(st.sampled_from(["fefo", "fifo", "lifo"]), stocks(), st.integers(1, 40))
def test_a_lot_is_emptied_at_all_its_places_before_the_next_is_touched(rule, rows, need):
    """Lesson 36."""
    codes = [taken.stocked.lot.code for taken in pick(rule, ordered(rule, rows), need, TODAY, usable_places=USABLE).taken]
    assert codes == sorted(codes, key=codes.index)
    assert all(codes[n] == codes[n + 1] or codes[n] not in codes[n + 1 :] for n in range(len(codes) - 1))


def test_a_lot_without_a_date_comes_after_all_that_have_one():
    """Lesson 39: an empty date sorts by this rule, and does not switch the others off."""
    rows = [
        Stocked(lot("old", age=9), "stock", 5, 0),
        Stocked(lot("late", expires=90), "stock", 5, 0),
        Stocked(lot("soon", expires=2), "stock", 5, 0),
    ]
    answer = pick("fefo", ordered("fefo", rows), 15, TODAY, usable_places=USABLE)
    assert [taken.stocked.lot.code for taken in answer.taken] == ["soon", "late", "old"]


@pytest.mark.parametrize(("expires", "good"), [(-1, False), (0, True), (1, True), (None, True)])
def test_a_date_is_usable_through_that_day(expires, good):
    assert (unusable(lot(expires=expires), TODAY) is None) is good
    answer = pick("fefo", [Stocked(lot(expires=expires), "stock", 1, 0)], 1, TODAY, usable_places=USABLE)
    assert (answer.missing == 0) is good


@pytest.mark.parametrize(("arrives", "taken"), [(0, ["A", "B"]), (3, ["A", "B"]), (4, ["B", "C"]), (8, ["C"])])
def test_a_lot_must_still_be_good_when_it_arrives(arrives, taken):
    """Lesson 40: what expires on the road is not reserved."""
    rows = [Stocked(lot(code, expires=days), "stock", 5, 0) for code, days in (("A", 3), ("B", 7), ("C", 20))]
    answer = pick("fefo", rows, 10, TODAY, usable_places=USABLE, until=TODAY + timedelta(days=arrives))
    assert [one.stocked.lot.code for one in answer.taken] == taken
    assert answer.missing == 10 - 5 * len(taken)


def test_expired_or_held_stock_is_told_and_not_just_left_out():
    rows = [
        Stocked(lot("A", expires=-3), "stock", 5, 0),
        Stocked(lot("B", disposition="held"), "stock", 5, 0),
        Stocked(lot("C"), "quarantine", 5, 0),
    ]
    answer = pick("fefo", rows, 1, TODAY, usable_places=USABLE)
    assert {refused.stocked.lot.code: refused.reason for refused in answer.refused} == {
        "A": "expired on 2026-11-20",
        "B": "held",
        "C": "in quarantine",
    }
    assert answer.missing == 1


def test_what_is_over_promised_somewhere_takes_nothing_from_elsewhere():
    """Lesson 24: a negative row is no source, and does not make another one smaller."""
    rows = [Stocked(lot("A"), "shelf", 2, 9), Stocked(lot("A"), "stock", 5, 0)]
    for rule in sorted(set(RULES) - {"manual"}):
        assert [taken.steps for taken in pick(rule, ordered(rule, rows), 5, TODAY, usable_places=USABLE).taken] == [5]


def test_manual_takes_nothing_by_itself():
    answer = pick("manual", [Stocked(lot(), "stock", 5, 0)], 3, TODAY, usable_places=USABLE)
    assert ([*answer.taken], answer.missing) == ([], 3)


@given(rules, stocks(), st.integers(0, 40))
def test_the_same_stock_in_another_order_is_picked_the_same(rule, rows, need):
    """Law 12: ties end in code and place, so that every port picks the same."""
    one = pick(rule, ordered(rule, rows), need, TODAY, usable_places=USABLE)
    two = pick(rule, ordered(rule, [*reversed(rows)]), need, TODAY, usable_places=USABLE)
    assert ([*one.taken], one.missing) == ([*two.taken], two.missing)


def test_what_stands_within_a_place_counts_for_it():
    places = [*PLACES, Place("cellar", within="stock"), Place("shelf", within="cellar"), Place("yard")]
    assert subtree(places, "stock") == {"stock", "cellar", "shelf"}
    assert subtree([Place("a", within="b"), Place("b", within="a")], "a") == {"a", "b"}


@pytest.mark.parametrize("code", ["customer", "supplier", "scrap", "line:PB-1", "", "a\nb"])
def test_a_place_is_not_named_like_the_world_outside(code):
    with pytest.raises(InvalidInput):
        Place(code)


def lots_per_draw(rule: str) -> float:
    """Fifty draws of 1 to 9 from lots of 10 that come in one by one: how many lots a draw touches on average."""
    chance, shelf, touched = random.Random(5), {}, 0
    for draw in range(50):
        need = chance.randint(1, 9)
        while sum(shelf.values()) < need + 10:  # there is always one whole lot more than is needed
            shelf[f"{draw:03}-{len(shelf)}"] = 10
        rows = [
            Stocked(Lot("oil", code, received_at=datetime(2026, 1, 1, tzinfo=UTC), expires=TODAY), "stock", left, 0)
            for code, left in shelf.items()
        ]
        taken = pick(rule, ordered(rule, rows), need, TODAY, usable_places=USABLE).taken
        touched += len({row.lot.code for row, _ in taken})
        for row, steps in taken:
            shelf[row.lot.code] -= steps
        shelf = {code: left for code, left in shelf.items() if left}
    return touched / 50


def test_the_narrow_rule_keeps_recalls_small():
    """In strict expiry order a draw straddles lots (1 + draw / lot on average); narrow takes one where one will do."""
    assert lots_per_draw("narrow") == 1
    assert lots_per_draw("fefo") > 1.3
