"""Books laid over other books tell the same as books that were changed themselves: what preview, fork and `settle` rest on."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from krafte_core.books import Books
from krafte_core.coverage import Booking
from krafte_core.errors import Conflict
from krafte_core.store import Changes
from krafte_core.testing.samples import MOVES, booking, everything, filing, link, linking, lot, paper, played, stocking, world

small = st.integers(0, 5)
plans = st.lists(
    st.lists(st.tuples(st.sampled_from([*sorted(MOVES), "stock", "stock", "link"]), small, small, small), min_size=1, max_size=5),
    max_size=14,
)


def tried(books, changes):
    """Whether the books took the changes."""
    try:
        books.apply(copy.deepcopy(changes))
    except Conflict:
        return False
    return True


@given(plans, st.integers(0, 14), st.integers(0, 14))
def test_an_overlay_of_an_overlay_tells_what_plain_books_tell(plan, first, second):
    plain = Books()
    overlay = base = Books()
    for step, moves in enumerate(plan):
        if step in {first, second}:
            overlay = Books(overlay)
        changes = played(moves, plain)
        assert tried(plain, changes) == tried(overlay, changes)

    assert everything(overlay) == everything(plain)
    assert overlay.catalogue_revision() == plain.catalogue_revision()
    assert plan or everything(base) == everything(Books())


@given(plans, plans)
def test_an_overlay_leaves_its_base_alone_and_a_copy_its_original(before, after):
    base = Books()
    for moves in before:
        tried(base, played(moves, base))
    told, overlay = everything(base), Books(base)
    twins = [base.copy(), overlay.copy()]
    for moves in after:
        tried(overlay, played(moves, overlay))
    changed = everything(overlay)
    for moves in after:
        for twin in twins:
            tried(twin, played(moves, twin))

    assert everything(base) == told
    assert [everything(twin) for twin in twins] == [changed, changed]


@given(plans)
def test_a_refused_change_leaves_books_as_they_were(plan):
    books = Books()
    for moves in plan:
        told = everything(books)
        if not tried(books, played(moves, books)):
            assert everything(books) == told


def test_a_lot_that_changes_over_a_changed_balance_keeps_the_balance():
    base = Books()
    base.apply(stocking((lot("oil", "A"), "stock", 9, 0)))
    overlay = Books(base)
    overlay.apply(Changes(balances={("oil", "A", "stock"): (-4, 0)}))
    overlay.apply(Changes(lots={("oil", "A"): lot("oil", "A", disposition="held", revision=2)}))

    assert [(row.on_hand, row.lot.disposition) for row in overlay.stocked(["oil"])["oil"]] == [(5, "held")]


def test_a_lot_that_changes_on_the_line_is_seen_there():
    base = Books()
    base.apply(stocking((lot("oil", "A"), "line:PB-1", 9, 0)))
    overlay = Books(base)
    overlay.apply(Changes(lots={("oil", "A"): lot("oil", "A", disposition="held", revision=2)}))

    assert [row.lot.disposition for row in overlay.at_place("line:PB-1")] == ["held"]


def test_an_order_is_open_under_the_items_that_it_names_now():
    books = Books()
    books.apply(filing(paper("CO-1", "soap")))
    books.apply(Changes(papers={"CO-1": paper("CO-1", "oil", version=2)}, stamps={"CO-1": 1}))

    assert [*books.open_papers("order", ["soap", "oil"])] == ["oil"]


def test_a_booking_that_moves_to_another_work_center_leaves_the_first():
    books = Books()
    books.apply(booking(Booking("kettle", 0, 10, "PB-1", "cook")))
    books.apply(booking(Booking("bench", 0, 10, "PB-1", "cook")))

    assert books.bookings(["kettle", "bench"], 0) == {"kettle": [], "bench": [Booking("bench", 0, 10, "PB-1", "cook")]}


def test_a_link_that_came_back_comes_last_also_in_an_overlay():
    first, second = link("CO-1", "A", 1), link("CO-1", "B", 1)
    base = Books()
    base.apply(linking(first, second))
    for books in (Books(base), base):
        books.apply(linking(first._replace(takes=5)))
        assert [row.ref for row in books.links(["CO-1"])["CO-1"]] == ["A", "B"]
        books.apply(Changes(allocations={first[:6]: None}))
        books.apply(linking(first))
        assert [row.ref for row in books.links(["CO-1"])["CO-1"]] == ["B", "A"]


def test_the_sample_world_has_a_row_of_every_kind():
    books = Books()
    books.apply(world())

    assert [name for name, rows in everything(books).items() if not rows] == []
