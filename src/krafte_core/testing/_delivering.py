"""Promises about the outbox: nothing lost, in order per document, nobody in the way of another."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from krafte_core.errors import InvalidInput, Unknown
from krafte_core.store import LEASE, Store
from krafte_core.testing._hooks import Hooks, at_once, commit, heard
from krafte_core.testing.samples import DAY, telling


class Delivering(Hooks):
    """What `Outbox` promises."""

    def test_a_box_begins_now_or_at_the_beginning(self, store: Store) -> None:
        """`"beginning"` hears everything, `"now"` what comes after; a box that exists stays where it was."""
        store.commit(telling("CO-1"))
        store.outbox.subscribe("all", "beginning")
        store.outbox.subscribe("new", "now")
        store.commit(telling("CO-2"))
        assert heard(store, "all") == [("CO-1", "customer 0"), ("CO-2", "customer 0")]
        assert heard(store, "new") == [("CO-2", "customer 0")]
        store.outbox.subscribe("all", "beginning")
        store.outbox.subscribe("new", "beginning")
        assert heard(store, "all") == heard(store, "new") == []

    def test_since_when_must_be_said(self, store: Store) -> None:
        """Anything but `"now"` and `"beginning"` is refused, and an unknown box has no events."""
        with pytest.raises(InvalidInput):
            store.outbox.subscribe("box", "yesterday")
        with pytest.raises(Unknown):
            store.outbox.lease("box", 10, DAY)

    def test_events_come_oldest_first_and_once(self, store: Store) -> None:
        """As many as asked for; what is settled or still leased does not come again."""
        store.outbox.subscribe("box", "beginning")
        commit(store, telling("CO-1", "CO-2", "CO-3"), telling("CO-4", "CO-5"))
        assert heard(store, "box", 2) == [("CO-1", "customer 0"), ("CO-2", "customer 1")]
        assert heard(store, "box", 2, settle=False) == [("CO-3", "customer 2"), ("CO-4", "customer 0")]
        assert heard(store, "box") == [("CO-5", "customer 1")]
        assert heard(store, "box") == []

    def test_every_subscriber_has_a_box_of_its_own(self, store: Store) -> None:
        """What one has leased or settled, the other still gets."""
        for name in ("first", "second"):
            store.outbox.subscribe(name, "beginning")
        store.commit(telling("CO-1", "CO-2"))
        assert len(heard(store, "first")) == 2
        assert len(heard(store, "second", settle=False)) == 2

    def test_what_is_given_back_comes_again_in_its_old_place(self, store: Store) -> None:
        """A handler failed: its event comes again, before the later ones of the same document."""
        store.outbox.subscribe("box", "beginning")
        store.commit(telling("CO-1", "CO-2", "CO-1"))
        leased = store.outbox.lease("box", 2, DAY)
        store.commit(telling("CO-1"))
        store.outbox.settle("box", [leased[1].id])
        store.outbox.give_back("box", [leased[0].id])
        assert heard(store, "box", 1) == [("CO-1", "customer 0")]
        assert heard(store, "box") == [("CO-1", "customer 2"), ("CO-1", "customer 0")]
        assert heard(store, "box") == []

    def test_while_an_event_is_out_the_later_ones_of_its_document_wait(self, store: Store) -> None:
        """Two workers never overtake each other on one document, and do not hold each other up on others."""
        store.outbox.subscribe("box", "beginning")
        store.commit(telling("CO-1", "CO-2", "CO-1", "CO-3"))
        first = store.outbox.lease("box", 1, DAY)
        assert heard(store, "box") == [("CO-2", "customer 1"), ("CO-3", "customer 3")]
        store.commit(telling("CO-1", "CO-4"))
        assert heard(store, "box") == [("CO-4", "customer 1")]
        store.outbox.settle("box", [first[0].id])
        assert heard(store, "box") == [("CO-1", "customer 2"), ("CO-1", "customer 0")]

    def test_what_has_to_wait_does_not_fill_the_hand(self, store: Store) -> None:
        """A document with many waiting events does not keep those of other documents from a worker with a small limit."""
        store.outbox.subscribe("box", "beginning")
        store.commit(telling(*["CO-1"] * 30, "CO-2"))
        store.outbox.lease("box", 1, DAY)
        assert heard(store, "box", 1) == [("CO-2", "customer 30")]

    def test_a_lease_runs_out(self, store: Store) -> None:
        """A worker that died neither settles nor gives back: after a `LEASE` its events come again, in order."""
        store.outbox.subscribe("box", "beginning")
        store.commit(telling("CO-1", "CO-1"))
        store.outbox.lease("box", 1, DAY)
        assert heard(store, "box", now=DAY + LEASE - timedelta(seconds=1)) == []
        assert heard(store, "box", now=DAY + LEASE) == [("CO-1", "customer 0"), ("CO-1", "customer 1")]

    def test_who_settles_late_has_settled(self, store: Store) -> None:
        """An event that was handled after its lease ran out is done, also if somebody else has it by then and gives it back."""
        store.outbox.subscribe("box", "beginning")
        store.commit(telling("CO-1"))
        first = store.outbox.lease("box", 1, DAY)
        second = store.outbox.lease("box", 1, DAY + LEASE)
        assert [row.event.document for row in second] == ["CO-1"]
        store.outbox.settle("box", [row.id for row in first])
        store.outbox.give_back("box", [row.id for row in second])
        assert heard(store, "box", now=DAY + 3 * LEASE) == []

    def test_a_dead_letter_holds_up_nobody_and_can_be_revived(self, store: Store) -> None:
        """An event that fails is counted; put aside, the later ones of its document go on; revived, it has its old place."""
        outbox: Any = store.outbox
        if not hasattr(outbox, "bury"):
            pytest.skip("the outbox puts nothing aside (`DeadLetters`)")
        outbox.subscribe("box", "beginning")
        store.commit(telling("CO-1", "CO-2", "CO-1"))
        for tries in (1, 2):
            first = outbox.lease("box", 1, DAY)[0]
            assert outbox.failed("box", first.id, f"no {tries}") == tries
        assert outbox.failed("box", first.id, "late") == 0, "what is not out cannot fail"
        outbox.bury("box", first.id)
        assert [(row.event, row.tries, row.problem) for row in outbox.dead("box")] == [(first.event, 2, "no 2")]
        assert heard(store, "box", now=DAY + LEASE) == [("CO-2", "customer 1"), ("CO-1", "customer 2")]
        outbox.revive("box", [first.id])
        assert outbox.dead("box") == []
        assert heard(store, "box") == [("CO-1", "customer 0")]
        with pytest.raises(Unknown):
            outbox.dead("nobody")

    def test_two_workers_never_lease_the_same_event(self, store: Store) -> None:
        """Four threads empty one box: every event is handled once, and those of a document in order."""
        store.outbox.subscribe("box", "beginning")
        commit(store, *(telling(*(f"CO-{n % 5}" for n in range(10))) for _ in range(8)))
        order: list[tuple[str, int]] = []

        def empty() -> int:
            count = 0
            for _ in range(200):
                leased = store.outbox.lease("box", 3, DAY)
                order.extend((row.event.document, row.id) for row in leased)
                store.outbox.settle("box", [row.id for row in leased])
                count += len(leased)
            return count

        assert sum(at_once(*[empty] * 4)) == len(set(order)) == 80
        for document in {name for name, _ in order}:
            ids = [place for name, place in order if name == document]
            assert ids == sorted(ids), f"events of {document} were handed out of order"

    def test_no_event_is_lost_while_others_write(self, store: Store) -> None:
        """An event whose transaction ends late is not skipped by a reader who was faster."""
        store.outbox.subscribe("box", "now")
        got: list[tuple[str, object]] = []

        def write(n: int) -> None:
            commit(store, *(telling(f"CO-{n}") for _ in range(15)))

        def read() -> None:
            for _ in range(60):
                got.extend(heard(store, "box", 5))

        at_once(*(partial(write, n) for n in range(3)), read)
        while rest := heard(store, "box"):
            got.extend(rest)
        assert sorted(document for document, _ in got) == [f"CO-{n}" for n in range(3) for _ in range(15)]

    def test_boxes_outlive_the_object(self, store: Store) -> None:
        """Closed and opened again, a box is where it was: what was settled is done, the rest comes when its lease has run out."""
        for name in ("box", "idle"):
            store.outbox.subscribe(name, "beginning")
        store.commit(telling("CO-1", "CO-2", "CO-3"))
        leased = store.outbox.lease("box", 2, DAY)
        store.outbox.settle("box", [leased[0].id])
        found = self.again(store)
        try:
            assert heard(found, "box", now=DAY + LEASE) == [("CO-2", "customer 1"), ("CO-3", "customer 2")]
            assert len(heard(found, "idle")) == 3
        finally:
            found.close()
