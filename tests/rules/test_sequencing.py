"""Sequencing: the best order of batches that queue for the same work center, against every plan there is."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from krafte_core.recipes import Ingredient, Operation, Recipe
from krafte_core.resources import Offer, Supplier, WorkCenter
from krafte_core.scheduling import Search
from krafte_core.sequencing import MOST, resequence
from tests.rules.situation import HOUR, World, check_plan
from tests.rules.test_scheduling import items


def work(*spans: tuple[str, int]) -> list[Operation]:
    return [Operation(f"op{n}", at=at, run=f"{hours} h", per="batch") for n, (at, hours) in enumerate(spans)]


def shop_of(parts: list[list[tuple[str, int]]], last: tuple[str, int], capacity: int = 1) -> World:
    """A product of parts, each with its own work at the centers a and b, always open."""
    names = [f"part{n}" for n in range(len(parts))]
    recipes = [Recipe(name, makes="1 each", operations=work(*spans)) for name, spans in zip(names, parts, strict=True)]
    recipes.append(Recipe("P", makes="1 each", ingredients=[Ingredient(name, "1 each") for name in names], operations=work(last)))
    return World(items("P", *names), recipes, centers=[WorkCenter("a", capacity=capacity), WorkCenter("b")])


def earliest(parts: list[list[tuple[str, int]]], last: tuple[str, int], capacity: int, by: int) -> int:
    """The earliest hour at which everything can be done: every start of every operation is tried."""
    jobs = [(n, place, at, hours) for n, spans in enumerate(parts) for place, (at, hours) in enumerate(spans)]
    best = by
    for starts in product(range(best), repeat=len(jobs)):
        ends = {(n, place): start + hours for (n, place, _, hours), start in zip(jobs, starts, strict=True)}
        done = max(ends.values())
        if done + last[1] >= best:
            continue
        in_order = all(place == 0 or ends[n, place - 1] <= start for (n, place, _, _), start in zip(jobs, starts, strict=True))
        busy = [
            sum(start <= hour < start + hours for (_, _, at, hours), start in zip(jobs, starts, strict=True) if at == center)
            for center in "ab"
            for hour in range(done)
        ]
        places = [capacity] * done + [1] * done
        if in_order and all(one <= most for one, most in zip(busy, places, strict=True)):
            best = done + last[1]
    return best


spans = st.tuples(st.sampled_from("ab"), st.integers(1, 3))


@given(
    st.lists(st.lists(spans, min_size=1, max_size=2), min_size=2, max_size=3).filter(lambda rows: sum(map(len, rows)) <= 4),
    spans,
    st.integers(1, 2),
)
def test_no_plan_is_earlier_where_the_answer_is_proven(parts, last, capacity):
    world = shop_of(parts, last, capacity)
    search = Search(world)
    cover = search.cover("P", 1)
    first_fit = cover.ready

    resequence(search, [cover])

    assert search.proven
    assert cover.ready <= first_fit
    check_plan(world, [cover])
    hours = round((cover.ready - world.now) / HOUR)
    assert earliest(parts, last, capacity, hours) == hours


def test_the_part_with_the_long_way_goes_first():
    """First-fit makes the part of the first line first; the second one has five hours at b ahead of it."""
    world = shop_of([[("a", 3)], [("a", 1), ("b", 5)]], ("b", 1))
    search = Search(world)
    cover = search.cover("P", 1)

    before = cover.ready - world.now
    resequence(search, [cover])

    assert (before / HOUR, (cover.ready - world.now) / HOUR) == (10, 7)
    assert search.proven


def test_more_than_six_are_left_as_they_are_and_not_called_proven():
    world = shop_of([[("a", hours)] for hours in range(1, MOST + 1)], ("b", 1))
    search = Search(world)
    cover = search.cover("P", 1)
    before = cover.ready

    resequence(search, [cover])

    assert cover.ready == before
    assert not search.proven


def test_where_buying_would_be_another_choice_the_best_order_is_kept_and_not_called_proven():
    world = shop_of([[("a", 3)], [("a", 1), ("b", 5)]], ("b", 1))
    world.suppliers = [Supplier("Lang", offers=[Offer("part0", lead_time="30 days")])]
    search = Search(world)
    cover = search.cover("P", 1)

    resequence(search, [cover])

    assert (cover.ready - world.now) / HOUR == 7
    assert not search.proven
