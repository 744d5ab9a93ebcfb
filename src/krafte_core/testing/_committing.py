"""Promises about writing: all or nothing, guarded, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest

from krafte_core.books import Books
from krafte_core.errors import Conflict
from krafte_core.items import Item
from krafte_core.orders import CustomerOrder
from krafte_core.store import Changes, Store, Stored
from krafte_core.testing._hooks import Hooks, ask, at_once, commit, heard, told
from krafte_core.testing.samples import MOVES, everything, filing, lot, paper, played, stocking, world

OIL = ("oil", "A", "stock")
REFUSED: dict[str, Callable[[], Changes]] = {
    "the stamp of a paper is no longer the one that was read": lambda: Changes(stamps={"CO-1": 0}),
    "the stamp of a work center is no longer the one that was read": lambda: Changes(stamps={"work center kettle": 0}),
    "a stamp was never given": lambda: Changes(stamps={"CO-2": 7}),
    "the revision of a lot is no longer the one that was read": lambda: Changes(lot_guards={OIL[:2]: 2}),
    "a new lot is there already": lambda: Changes(lot_guards={OIL[:2]: 0}),
    "a lot that was read is not there": lambda: Changes(lot_guards={("oil", "Z"): 1}),
    "the key is used": lambda: Changes(key="key-1", stored=Stored("other", None)),
    "less than nothing would be on hand": lambda: Changes(balances={OIL: (-6, -2)}),
    "more would be allocated than is on hand": lambda: Changes(balances={OIL: (0, 4)}),
    "what is allocated would go away": lambda: Changes(balances={OIL: (-4, 0)}),
    "less than nothing would be allocated": lambda: Changes(balances={OIL: (0, -3)}),
    "only the last of several balances fails": lambda: Changes(
        balances={("soap", "B", "quarantine"): (3, 0), ("oil", "A", "line:PB-1"): (1, 0), OIL: (-5, 0)}
    ),
}

BEGINNING = [("lot", n, n, n) for n in range(6)] + [("stock", n, n, 1) for n in range(6)]


def _good() -> Changes:
    """Changes of every kind of row that could be stored, next to a guard that fails."""
    changes = stocking((lot("soap", "C"), "stock", 4, 0))
    changes.papers["CO-2"], changes.stamps["CO-2"] = paper("CO-2"), 0
    changes.catalogue["item", "wax"] = Item("wax", unit="kg")
    for name in ("diary", "events"):
        getattr(changes, name).extend(getattr(world(), name))
    return changes


class Committing(Hooks):
    """What `Store.commit` and `Store.take_numbers` promise."""

    examples = 25
    """How many lists of changes are tried by chance."""

    def test_what_was_committed_is_read(self, store: Store) -> None:
        """A change with rows of every table is read back row for row, by every method of the reader."""
        model = Books()
        for changes in (world(), _good()):
            model.apply(changes)
            store.commit(changes)
            assert told(store) == everything(model)

    @pytest.mark.parametrize("why", REFUSED)
    def test_a_failed_guard_stores_nothing(self, store: Store, why: str) -> None:
        """A guard that fails raises `Conflict`, and not one row of the change is stored, not an event either."""
        store.outbox.subscribe("box", "beginning")
        store.commit(world())
        before, revision = told(store), ask(store, lambda reader: reader.catalogue_revision())
        guard, changes = REFUSED[why](), _good()
        changes.stamps |= guard.stamps
        changes.lot_guards |= guard.lot_guards
        changes.balances |= guard.balances
        changes.key, changes.stored = guard.key or "key-2", guard.stored or Stored("x", None)
        with pytest.raises(Conflict):
            store.commit(changes)
        assert told(store) == before, f"rows were stored although {why}"
        assert ask(store, lambda reader: reader.catalogue_revision()) == revision
        assert len(heard(store, "box")) == 1, f"events were put out although {why}"
        store.commit(_good())  # the store goes on working
        assert len(heard(store, "box")) == 1

    def test_a_commit_moves_the_stamps_that_it_names(self, store: Store) -> None:
        """Every stamp named in a change moves, with or without a paper; nobody else's does."""
        names = ["CO-1", "CO-2", "work center kettle"]
        commit(store, filing(paper("CO-1"), paper("CO-2")), Changes(stamps={"CO-1": 1, "work center kettle": 0}))
        assert ask(store, lambda reader: dict(reader.stamps(names))) == {"CO-1": 2, "CO-2": 1, "work center kettle": 1}
        assert ask(store, lambda reader: reader.papers(["CO-1"])["CO-1"].stamp) == 2

    def test_the_catalogue_revision_moves_with_the_catalogue_only(self, store: Store) -> None:
        """Whoever keeps the catalogue in mind sees by the revision that it changed, and is not disturbed otherwise."""
        revisions = [ask(store, lambda reader: reader.catalogue_revision())]
        for changes in (Changes(catalogue={("item", "wax"): Item("wax", unit="kg")}), filing(paper("CO-1"))):
            store.commit(changes)
            revisions.append(ask(store, lambda reader: reader.catalogue_revision()))
        assert revisions[0] != revisions[1] == revisions[2]

    def test_the_catalogue_keeps_the_order_of_first_registration(self, store: Store) -> None:
        """A value that is registered again replaces what it was, in its old place."""
        first, second = Item("wax", unit="kg"), Item("wick", unit="m")
        commit(store, Changes(catalogue={("item", "wax"): first}), Changes(catalogue={("item", "wick"): second}))
        store.commit(Changes(catalogue={("item", "wax"): Item("wax", unit="g")}))
        assert ask(store, lambda reader: [*reader.catalogue()]) == [Item("wax", unit="g"), second]

    def test_the_result_of_a_key_is_kept(self, store: Store) -> None:
        """The fingerprint and the result of a command come back as they were; a key without a command has none."""
        kept = Stored("fingerprint", paper("CO-1"))
        commit(store, Changes(key="a", stored=kept), Changes(key="b", stored=Stored("x", None)))
        assert ask(store, lambda reader: (reader.result("a"), reader.result("b"), reader.result("c"))) == (kept, ("x", None), None)

    def test_amounts_are_exact(self, store: Store) -> None:
        """Steps are whole numbers of up to 18 digits: no float and no 32-bit number comes near them."""
        steps = 10**18 - 7
        store.commit(stocking((lot("oil", "A"), "stock", steps, 3)))
        store.commit(Changes(balances={OIL: (-(10**17), 1)}))
        row = ask(store, lambda reader: reader.standing([OIL[:2]])[OIL[:2]][0])
        assert (row.on_hand, row.allocated) == (steps - 10**17, 4)

    @pytest.mark.parametrize("text", ['O\'Hara "& Söhne"', "100 % {0} :x ?", "%s; DROP TABLE lots; --", "Ω 漢字 🧼", "a\\b\tc\nd"])
    def test_text_comes_back_as_it_was(self, store: Store, text: str) -> None:
        """Names, codes and notes may hold any character."""
        order = CustomerOrder(f"CO {text}", text, (), placed_at=lot("oil", "A").received_at, notes=text)
        one = lot("oil", f"lot {text}")
        commit(store, filing(order), stocking((one, f"place {text}", 1, 0)))
        with store.reading() as reader:
            assert reader.papers([order.number])[order.number].paper == order
            assert reader.lots([("oil", one.code)]) == {("oil", one.code): one}
            assert [row.lot for row in reader.at_place(f"place {text}")] == [one]

    def test_a_reader_sees_one_moment(self, store: Store) -> None:
        """What another thread commits while somebody reads is not seen in this reading, and is seen in the next."""
        store.commit(world())
        before = told(store)
        writer = threading.Thread(target=store.commit, args=[_good()], daemon=True)
        with store.reading() as reader:
            reader.stamps(["CO-1"])
            writer.start()
            writer.join(0.2)  # done by now, or waiting for the end of this reading: both are right
            assert everything(reader) == before
        writer.join(60)
        assert not writer.is_alive(), "a commit that waited for a reading never came through"
        assert told(store) != before

    def test_a_reader_sees_one_moment_also_over_a_commit_of_its_own_thread(self, store: Store) -> None:
        """Whoever commits while reading goes on reading what was."""
        store.commit(world())
        with store.reading() as reader:
            before = everything(reader)
            store.commit(_good())
            assert everything(reader) == before
        assert told(store) != before

    def test_a_change_that_was_given_is_only_read(self, store: Store) -> None:
        """The store does not touch the change: a command that is tried again builds on it."""
        changes = world()
        store.commit(changes)
        assert changes == world()

    def test_of_writers_with_the_same_stamp_one_wins(self, store: Store) -> None:
        """Eight threads that read the same moment: one commits, seven hear `Conflict`."""
        store.commit(filing(paper("CO-1")))

        def write(n: int) -> bool:
            try:
                store.commit(Changes(papers={"CO-1": paper("CO-1", version=n)}, stamps={"CO-1": 1}))
            except Conflict:
                return False
            return True

        won = at_once(*(partial(write, n) for n in range(2, 10)))
        assert sum(won) == 1
        assert ask(store, lambda reader: reader.papers(["CO-1"])["CO-1"]) == (paper("CO-1", version=won.index(True) + 2), 2)

    def test_writers_of_other_papers_add_up(self, store: Store) -> None:
        """Differences of balances need no stamp: eight threads that take from one lot all count, and never below zero."""
        store.commit(stocking((lot("oil", "A"), "stock", 20, 0)))

        def take() -> int:
            taken = 0
            for _ in range(5):
                try:
                    store.commit(Changes(balances={OIL: (-1, 0)}))
                except Conflict:
                    continue
                taken += 1
            return taken

        assert sum(at_once(*[take] * 8)) == 20
        assert ask(store, lambda reader: reader.standing([OIL[:2]])) == {OIL[:2]: []}

    def test_numbers_start_at_one_and_count_by_series(self, store: Store) -> None:
        """A series counts from 1, several numbers at once stand side by side, another series begins anew."""
        assert [store.take_numbers("CO-2026-11", 1), store.take_numbers("CO-2026-11", 3)] == [1, 2]
        assert store.take_numbers("CO-2026-11", 1) >= 5
        assert store.take_numbers("CO-2026-12", 1) == 1

    def test_no_number_is_given_twice_to_threads(self, store: Store) -> None:
        """Eight threads that take numbers of one series get different ones."""
        taken = at_once(*[lambda: [store.take_numbers("CO", 2) for _ in range(10)]] * 8)
        firsts = sorted(first for row in taken for first in row)
        assert all(later - first >= 2 for first, later in pairwise(firsts)), firsts

    def test_changes_by_chance_give_what_books_in_memory_give(self) -> None:
        """Random changes are taken and refused, and read back, exactly as by `Books`: the whole port, compared with its model."""
        from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - pytest wants to load this plugin itself, and first
        from hypothesis import strategies as st  # noqa: PLC0415

        number = st.integers(0, 5)
        often = [*sorted(MOVES), "stock", "stock", "link", "book"]
        moves_of_a_change = st.lists(st.tuples(st.sampled_from(often), number, number, number), min_size=1, max_size=5)

        @settings(max_examples=self.examples, deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck])
        @given(st.lists(moves_of_a_change, max_size=10))
        def play(plan: list[list[tuple[str, int, int, int]]]) -> None:
            store, model = self.make_store(), Books()
            try:
                for moves in [BEGINNING, *plan]:
                    changes = played(moves, model)
                    assert _taken(store.commit, changes) == _taken(model.apply, changes)
                assert told(store) == everything(model)
            finally:
                store.close()

        play()


def _taken(write: Callable[[Changes], None], changes: Changes) -> bool:
    try:
        write(changes)
    except Conflict:
        return False
    return True
