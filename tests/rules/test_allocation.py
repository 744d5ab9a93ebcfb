"""Allocation: who gets scarce supply, and who loses it again: in exactly the reverse order, to the step."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.allocation import FIRMNESS, LOT, RUN, Allocation, displaced, from_lot, rank, shrink, without
from krafte_core.stock import Lot, Stocked

DAY = datetime(2026, 11, 23, tzinfo=UTC)
DEMANDS = ["CO-1", "CO-2", "CO-10", "PB-1"]


@st.composite
def links(draw):
    """Links of several documents to one lot, each pair of document and line once; covers may differ from takes (substitutes)."""
    names = draw(st.lists(st.tuples(st.sampled_from(DEMANDS), st.sampled_from(["1", "2", "oil"])), unique=True, max_size=8))
    return [
        Allocation(
            demand, line, LOT, "oil", "A", "stock", draw(st.integers(1, 50)), draw(st.integers(0, 50)), draw(st.sampled_from(FIRMNESS))
        )
        for demand, line in names
    ]


@st.composite
def queues(draw):
    """A rank for every document."""
    return {
        demand: rank(
            draw(st.integers(0, 2)),
            draw(st.none() | st.just(date(2026, 12, 1)) | st.just(date(2026, 12, 2))),
            DAY + timedelta(hours=draw(st.integers(0, 1))),
            demand,
        )
        for demand in DEMANDS
    }


@given(links(), queues(), st.integers(-5, 500), st.sampled_from(["", *DEMANDS]))
def test_exactly_so_much_is_freed(rows, ranks, excess, same):
    """Lessons 6, 20: not a step more and not a step less, as far as there is anything to free; what was is lost + kept."""
    losses = displaced(rows, excess, lambda link: ranks[link.demand], same)
    assert sum(loss.takes for loss in losses) == max(0, min(excess, sum(link.takes for link in rows)))
    assert all(0 < loss.takes <= loss.allocation.takes for loss in losses)
    lost = {loss.allocation.key: loss for loss in losses}
    assert len(lost) == len(losses)
    for link in rows:
        loss = lost.get(link.key)
        kept = link if loss is None else without(link, loss)
        assert (kept.takes if kept else 0) + (loss.takes if loss else 0) == link.takes
        assert (kept.covers if kept else 0) + (loss.covers if loss else 0) == link.covers


@given(links(), queues(), st.integers(1, 500), st.sampled_from(["", *DEMANDS]))
def test_who_comes_last_loses_first_and_the_same_document_before_all_others(rows, ranks, excess, same):
    """Whoever keeps anything stands before everybody who lost anything; only one link is cut in two."""
    losses = displaced(rows, excess, lambda link: ranks[link.demand], same)

    def place(link):
        return (link.demand == same, ranks[link.demand], not link.covers, link[:6])

    hit = {loss.allocation.key: loss for loss in losses}
    untouched = [place(link) for link in rows if link.key not in hit]
    touched = [place(loss.allocation) for loss in losses]
    assert touched == sorted(touched, reverse=True)
    assert all(one > other for one in touched for other in untouched)
    assert [loss.takes < loss.allocation.takes for loss in losses[:-1]] == [False] * (len(losses) - 1 if losses else 0)


@given(links(), queues(), st.integers(0, 200), st.integers(0, 200))
def test_freeing_twice_frees_what_freeing_at_once_does(rows, ranks, first, second):
    """Lesson 20: the order does not depend on how the excess was told."""

    def freed(links_, excess):
        losses = {loss.allocation.key: loss for loss in displaced(links_, excess, lambda link: ranks[link.demand])}
        left = [without(link, losses[link.key]) if link.key in losses else link for link in links_]
        return [link for link in left if link is not None]

    once, twice = freed(rows, first + second), freed(freed(rows, first), second)
    assert [(link.key, link.takes) for link in once] == [(link.key, link.takes) for link in twice]


@given(st.integers(1, 1000), st.integers(0, 1000), st.data())
def test_a_link_that_shrinks_never_covers_more_than_its_share(takes, covers, data):
    """The cover shrinks in proportion, and what cannot be divided is the demand's loss: nobody counts on what is not there."""
    link = Allocation("CO-1", "1", LOT, "oil", "A", "stock", takes, covers)
    lost = data.draw(st.integers(1, takes))
    loss = shrink(link, lost)
    kept = covers - loss.covers
    assert kept * takes <= covers * (takes - lost) < (kept + 1) * takes
    after = without(link, loss)
    assert (after is None) == (lost == takes)
    if after is not None:
        assert (after.takes, after.covers, after.key, after.firmness) == (takes - lost, kept, link.key, link.firmness)


@given(st.integers(1, 10**12), st.data())
def test_where_supply_and_demand_are_the_same_item_both_sides_shrink_alike(steps, data):
    link = Allocation("CO-1", "1", RUN, "soap", "PB-1", "", steps, steps)
    lost = data.draw(st.integers(1, steps))
    assert shrink(link, lost)[1:] == (lost, lost)


def test_priority_then_date_then_age_then_number():
    """Scarce stock: the higher priority, then the earlier need, then who came first; no date is last; 1000 comes after 999."""
    later = DAY + timedelta(days=1)
    queue = [
        rank(5, None, later, "CO-9"),
        rank(1, date(2026, 12, 1), later, "CO-8"),
        rank(1, date(2026, 12, 2), DAY, "CO-7"),
        rank(1, None, DAY, "CO-6"),
        rank(0, date(2026, 12, 1), DAY, "CO-2026-11-999"),
        rank(0, date(2026, 12, 1), DAY, "CO-2026-11-1000"),
        rank(0, date(2026, 12, 1), later, "CO-1"),
        rank(0, None, DAY, "CO-1"),
        rank(-1, date(2026, 11, 1), DAY, "CO-1"),
    ]
    assert sorted([queue[n] for n in (4, 0, 8, 2, 6, 1, 5, 7, 3)]) == queue


def test_the_same_document_loses_before_others_that_are_worse_off():
    own = Allocation("CO-1", "1", LOT, "soap", "S", "stock", 10, 10)
    other = Allocation("CO-2", "1", LOT, "soap", "S", "stock", 10, 10)
    ranks = {"CO-1": rank(9, date(2026, 1, 1), DAY, "CO-1"), "CO-2": rank(0, None, DAY, "CO-2")}
    for same, losers in (("CO-1", ["CO-1"]), ("", ["CO-2"]), ("CO-3", ["CO-2"])):
        assert [loss.allocation.demand for loss in displaced([own, other], 4, lambda link: ranks[link.demand], same)] == losers


@pytest.mark.parametrize("excess", [0, -3])
def test_where_nothing_is_in_excess_nobody_loses(excess):
    link = Allocation("CO-1", "1", LOT, "soap", "S", "stock", 10, 10)
    assert displaced([link], excess, lambda one: one.demand) == []


def test_a_link_to_a_lot_takes_what_it_covers():
    stocked = Stocked(Lot("soap", "S", received_at=DAY), "shelf", 9, 0)
    link = from_lot("CO-1", "1", stocked, 5)
    assert link.key == ("CO-1", "1", "lot", "soap", "S", "shelf")
    assert (link.takes, link.covers, link.firmness, link.supply) == (5, 5, "reserved", ("lot", "soap", "S"))
