"""Document numbers: a series, a period, and a counter that never turns back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.allocation import rank
from krafte_core.ids import number


@pytest.mark.parametrize(("count", "text"), [(1, "PB-2026-11-001"), (999, "PB-2026-11-999"), (1000, "PB-2026-11-1000")])
def test_the_counter_has_three_digits_and_grows_past_them(count, text):
    """A slip seen in Craftplan: after 999 a textual search for the last number finds 999 again for ever."""
    assert number("PB", "2026-11", count) == text


@given(st.lists(st.integers(1, 10**7), min_size=2, max_size=50, unique=True))
def test_numbers_differ_and_are_ranked_by_their_counter(counts):
    day = datetime(2026, 11, 23, tzinfo=UTC)
    numbers = {count: number("CO", "2026-11", count) for count in counts}
    assert len(set(numbers.values())) == len(counts)
    assert sorted(counts, key=lambda count: rank(0, None, day, numbers[count])) == sorted(counts)
