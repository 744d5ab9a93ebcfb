"""Gaps and projections against the plainest way to do the same: second by second."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from krafte_core import projection
from krafte_core.gaps import Gaps, Lanes
from krafte_core.projection import Projection
from krafte_core.timelines import Timeline

SPAN = 120
day = Timeline.of("bench", (0, SPAN), [(0, SPAN)])
wishes = st.lists(st.tuples(st.sampled_from(["first", "last", "back"]), st.integers(0, SPAN), st.integers(1, 25)), max_size=30)


@given(st.integers(1, 3), wishes)
def test_the_first_and_the_last_gap_are_those_that_a_walk_would_find(capacity, asked):
    """Lesson 75: also where several jobs run at once."""
    gaps = Gaps(day, 0) if capacity == 1 else Lanes(day, 0, capacity)
    jobs: list[tuple[int, int]] = []

    def fits(start: int, seconds: int) -> bool:
        return all(sum(begin <= at < end for begin, end in jobs) < capacity for at in range(start, start + seconds))

    for what, at, seconds in asked:
        if what == "back":
            if jobs:
                gaps.back(*jobs.pop(at % len(jobs)))
            continue
        starts = range(at, SPAN - seconds + 1) if what == "first" else range(at - seconds, -1, -1)
        walked = next((start for start in starts if fits(start, seconds)), None)
        found = gaps.first(at, seconds) if what == "first" else gaps.last(at, seconds)
        assert found == (None if walked is None else (walked, walked + seconds))
        if found is not None:
            gaps.book(*found)
            jobs.append(found)


events = st.lists(st.tuples(st.integers(0, 30), st.integers(-9, 9).filter(bool)), max_size=60)


@given(st.integers(0, 20), events, st.integers(0, 31), st.integers(1, 10), st.integers(0, 20))
def test_a_projection_answers_as_if_everything_were_added_up(on_hand, rows, at, more, wanted):
    block, projection._BLOCK = projection._BLOCK, 6  # so that a few events are many blocks
    try:
        stock, until, end = Projection(on_hand), at + more, 42
        for when, delta in rows:
            stock.put(when, delta) if delta > 0 else stock.take(when, -delta)
        kept = rows[::2]
        for row in rows[1::2]:
            stock.back(*row)
    finally:
        projection._BLOCK = block

    def level(when):
        return on_hand + sum(delta for then, delta in kept if then <= when)

    below = next((when for when in range(at, end) if level(when) < 0), None)
    enough = (when for when in range(at, until) if all(level(later) >= wanted for later in range(when, until)))
    for_ever = (when for when in range(at, end) if all(level(later) >= wanted for later in range(when, end)))
    assert stock.level(at) == level(at)
    assert stock.least(at) == min(level(when) for when in range(at, end))
    assert stock.least_between(at, until) == min(level(when) for when in range(at, until))
    assert stock.earliest(wanted, at, until) == next(enough, None)
    assert stock.earliest(wanted, at) == next(for_ever, None)
    assert stock.lack(at) == ((at, 0) if below is None else (below, -min(level(when) for when in range(below, end))))
    assert sum(delta for _, delta in stock) == sum(delta for _, delta in kept)
