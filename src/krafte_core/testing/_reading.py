"""Promises about reading: every method of `Reader`, its keys and its order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from krafte_core.allocation import Allocation
from krafte_core.books import Books
from krafte_core.coverage import Booking
from krafte_core.diary import Entry
from krafte_core.stock import ORDERS, Move, Posting, Sought
from krafte_core.store import TABLES, Changes, Paper, Store, Stored
from krafte_core.testing._hooks import Hooks, ask, commit, told
from krafte_core.testing.samples import DAY, booking, everything, filing, link, linking, lot, paper, stocking, world
from krafte_core.trace import reach, reach_in

SHELF = [  # in no order at all; two have the same date and age, one has no date, one no free steps, one is not usable
    (lot("oil", "F", age=3, good=20), "stock", 5, 0),
    (lot("oil", "B", age=5, good=10), "stock", 5, 2),
    (lot("oil", "E", age=1), "stock", 5, 0),
    (lot("oil", "D", age=3, good=20), "stock", 5, 0),
    (lot("oil", "A", age=0, good=5), "stock", 5, 5),
    (lot("oil", "C", age=2, good=1, disposition="held"), "quarantine", 5, 0),
    (lot("soap", "A", age=0, good=0), "stock", 5, 0),
]


class Reading(Hooks):
    """What every method of `Reader` promises."""

    def test_a_new_store_is_empty(self, store: Store) -> None:
        """Nothing is there, every question has its empty answer, and every asked key is in it."""
        with store.reading() as reader:
            assert all([*reader.rows(table)] == [] for table in TABLES)
            assert reader.papers(["CO-1"]) == {}
            assert reader.lots([("oil", "A")]) == {}
            assert reader.open_papers("order", ["oil"]) == {}
            assert reader.stamps(["CO-1"]) == {"CO-1": 0}
            assert not reader.has_lots("oil")
            assert reader.result("key") is None
            answers: dict[Any, Mapping[Any, Sequence[Any]]] = {
                "oil": reader.stocked(["oil"]),
                ("oil", "A"): reader.standing([("oil", "A")]),
                "CO-1": reader.links(["CO-1"]),
                ("lot", "oil", "A"): reader.claims([("lot", "oil", "A")]),
                "kettle": reader.bookings(["kettle"], 0),
                "PB-1": reader.booked_for(["PB-1"]),
                "lot oil A": reader.diary(["lot oil A"]),
            }
            for key, answer in answers.items():
                assert [*answer] == [key]
                assert len(answer[key]) == 0
            assert len(reader.postings(lots=[("oil", "A")], papers=["CO-1"])) == len(reader.at_place("stock")) == 0
            assert next(reader.lots_of("oil", "expiry"), None) is None
            assert len(reader.find("order")) == len(reader.catalogue()) == 0

    def test_keys_are_answered_in_the_order_of_asking(self, store: Store) -> None:
        """A mapping has the keys in the order in which they were asked, each once, from any iterable."""
        commit(store, filing(paper("CO-1"), paper("CO-2"), paper("PB-1")), stocking(*SHELF))
        asked, lots = ["PB-1", "CO-2", "CO-9", "CO-1", "CO-2"], [("oil", "F"), ("oil", "Z"), ("oil", "A")]
        with store.reading() as reader:
            assert [*reader.papers(name for name in asked)] == ["PB-1", "CO-2", "CO-1"]
            assert [*reader.stamps(iter(asked))] == [*reader.links(iter(asked))] == [*dict.fromkeys(asked)]
            assert [*reader.lots(iter(lots))] == [lots[0], lots[2]]
            assert [*reader.standing(iter(lots))] == lots

    def test_many_keys_at_once(self, store: Store) -> None:
        """Three thousand keys are one question: no limit of a database shows through."""
        names = [f"CO-{n}" for n in range(3_000)]
        store.commit(filing(paper("CO-7"), paper("CO-2999")))
        with store.reading() as reader:
            assert [*reader.papers(names)] == ["CO-7", "CO-2999"]
            assert sum(reader.stamps(names).values()) == 2
            assert len(reader.diary(names)) == len(reader.links(names)) == 3_000
            assert reader.lots([("oil", name) for name in names]) == {}
            assert len(reader.claims([("lot", "oil", name) for name in names])) == 3_000
            assert not reader.postings(papers=names, lots=[("oil", name) for name in names])

    # papers -----------------------------------------------------------------------------------------------------------

    def test_papers_are_found_by_kind_in_pages(self, store: Store) -> None:
        """A page begins after a number and goes on in the order of first writing, also where papers changed since."""
        numbers = ["CO-10", "CO-9", "CO-11", "CO-2", "CO-1"]
        for number in numbers:
            commit(store, filing(paper(number)), filing(paper(number.replace("CO", "PB"))))
        store.commit(Changes(papers={"CO-9": paper("CO-9", "oil", version=2)}, stamps={"CO-9": 1}))
        with store.reading() as reader:
            assert [one.number for one in reader.find("order", limit=2)] == numbers[:2]
            assert [one.number for one in reader.find("order", after="CO-9", limit=2)] == numbers[2:4]
            assert [one.number for one in reader.find("order", after="CO-2")] == numbers[4:]
            assert not reader.find("order", after="CO-1")
            assert not reader.find("shipment")
            assert len(reader.find("production")) == 5
            assert reader.find("order")[1] == paper("CO-9", "oil", version=2)

    def test_criteria_compare_fields(self, store: Store) -> None:
        """Only papers whose fields are equal to the criteria are found; the page counts those."""
        papers = [attrs.evolve(_order(f"CO-{n}"), customer="ab"[n % 2], priority=n // 4) for n in range(8)]
        store.commit(filing(*papers))
        with store.reading() as reader:
            assert [one.number for one in reader.find("order", customer="b", limit=3)] == ["CO-1", "CO-3", "CO-5"]
            assert [one.number for one in reader.find("order", customer="b", priority=1, after="CO-5")] == ["CO-7"]
            assert not reader.find("order", customer="c")

    def test_open_papers_are_found_by_item(self, store: Store) -> None:
        """Per item the papers that name it now, with their stamps, until they are closed."""
        store.commit(filing(paper("PB-1", "soap"), paper("PO-1", "oil", "soap"), paper("PO-2", "oil")))
        store.commit(Changes(stamps={"PO-2": 1}))
        assert self._open(store, "purchase") == {"oil": {("PO-1", 1), ("PO-2", 2)}, "soap": {("PO-1", 1)}}
        assert self._open(store, "production") == {"soap": {("PB-1", 1)}}
        assert self._open(store, "order") == {}
        store.commit(Changes(stamps={"PO-1": 1}, closed={"PO-1"}))
        assert self._open(store, "purchase") == {"oil": {("PO-2", 2)}}
        store.commit(Changes(papers={"PO-1": paper("PO-1", "oil", version=2)}, stamps={"PO-1": 2}))
        assert self._open(store, "purchase") == {"oil": {("PO-2", 2)}}, "a closed paper that is written again stays closed"

    def test_a_closed_paper_can_be_opened_again(self, store: Store) -> None:
        """It is back under the items that it names by then; opening one that is open changes nothing."""
        store.commit(filing(paper("CO-1", "soap"), paper("CO-2", "oil")))
        store.commit(Changes(stamps={"CO-1": 1, "CO-2": 1}, closed={"CO-1"}, opened={"CO-2"}))
        assert self._open(store, "order") == {"oil": {("CO-2", 2)}}
        store.commit(Changes(papers={"CO-1": paper("CO-1", "oil", version=2)}, stamps={"CO-1": 2}))
        store.commit(Changes(stamps={"CO-1": 3}, opened={"CO-1"}))
        assert self._open(store, "order") == {"oil": {("CO-1", 4), ("CO-2", 2)}}

    def test_a_changed_paper_is_open_under_the_items_that_it_names_now(self, store: Store) -> None:
        """A line that was taken out or put in counts at once."""
        commit(store, filing(paper("CO-1", "soap", "oil")), filing(paper("CO-2", "oil")))
        store.commit(Changes(papers={"CO-1": paper("CO-1", "wax", "soap", version=2)}, stamps={"CO-1": 1}))
        with store.reading() as reader:
            found = reader.open_papers("order", ["soap", "oil", "wax"])
            assert {item: [row.paper.number for row in rows] for item, rows in found.items()} == {
                "soap": ["CO-1"],
                "oil": ["CO-2"],
                "wax": ["CO-1"],
            }

    def test_open_orders_are_found_by_customer(self, store: Store) -> None:
        """As they are now, until they are closed, and again when they are opened again; renamed with their customer."""
        rows: list[Any] = [paper(f"CO-{n}", "soap") for n in range(1, 5)]
        rows = [attrs.evolve(row, customer=name) for row, name in zip(rows, "abab", strict=True)]
        store.commit(filing(*rows, paper("PB-1", "soap")))
        assert self._of(store, "a") == ["CO-1", "CO-3"]
        store.commit(Changes(stamps={"CO-1": 1}, closed={"CO-1"}))
        store.commit(Changes(papers={"CO-3": attrs.evolve(rows[2], priority=7, version=2)}, stamps={"CO-3": 1}))
        assert self._of(store, "a") == ["CO-3"]
        assert ask(store, lambda reader: reader.open_orders("a"))[0].priority == 7
        store.commit(Changes(stamps={"CO-1": 2}, opened={"CO-1"}))
        renamed = {row.number: attrs.evolve(row, customer="erased", version=3) for row in (rows[0], rows[2])}
        store.commit(Changes(papers=renamed, stamps={"CO-1": 3, "CO-3": 2}))
        assert (self._of(store, "a"), self._of(store, "erased"), self._of(store, "b")) == ([], ["CO-1", "CO-3"], ["CO-2", "CO-4"])

    def _of(self, store: Store, customer: str) -> list[str]:
        return sorted(order.number for order in ask(store, lambda reader: reader.open_orders(customer)))

    def _open(self, store: Store, kind: str) -> dict[str, set[tuple[str, int]]]:
        found = ask(store, lambda reader: reader.open_papers(kind, ["soap", "oil", "wax"]))
        return {item: {(row.paper.number, row.stamp) for row in rows} for item, rows in found.items()}

    # stock ------------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(("order", "codes"), [("expiry", "CBDFE"), ("age", "ECDFB")])
    def test_free_lots_come_in_the_order_asked_for(self, store: Store, order: str, codes: str) -> None:
        """By expiry (no date comes last) or by age, then by code; lots that are all allocated are left out, blocked ones are not."""
        store.commit(stocking(*SHELF))
        found = ask(store, lambda reader: [*reader.lots_of("oil", order)])
        assert "".join(row.lot.code for row in found) == codes
        assert found == sorted((row for row in found if row.free > 0), key=ORDERS[order])

    def test_free_lots_follow_what_is_committed(self, store: Store) -> None:
        """A lot comes, is allocated, freed, dated anew, used up, put on a run's line (not free there): right each time."""
        store.commit(stocking(*SHELF))

        def codes() -> str:
            return ask(store, lambda reader: "".join(row.lot.code for row in reader.lots_of("oil", "expiry")))

        steps = [
            (stocking((lot("oil", "G", good=2), "stock", 1, 0)), "CGBDFE"),
            (Changes(balances={("oil", "B", "stock"): (0, 3), ("oil", "A", "stock"): (0, -1)}), "CGADFE"),
            (Changes(lots={("oil", "D"): lot("oil", "D", age=3, good=1, revision=2)}), "CDGAFE"),
            (Changes(balances={("oil", "C", "quarantine"): (-5, 0), ("oil", "C", "stock"): (5, 0)}), "CDGAFE"),
            (Changes(balances={("oil", "G", "stock"): (-1, 0)}), "CDAFE"),
            (Changes(balances={("oil", "E", "shelf"): (2, 0)}), "CDAFEE"),
            (Changes(balances={("oil", "E", "line:PB-1"): (2, 0), ("oil", "A", "stock"): (-1, 0)}), "CDFEE"),
        ]
        for changes, wanted in steps:
            codes()
            store.commit(changes)
            assert codes() == wanted

    def test_free_lots_are_read_as_far_as_they_are_iterated(self, store: Store) -> None:
        """An iterator that is left early disturbs nobody, and several may be read in turns."""
        store.commit(stocking(*((lot("oil", f"L{n:03}", good=n), "stock", 1, 0) for n in range(300))))
        with store.reading() as reader:
            left, other = reader.lots_of("oil", "expiry"), reader.lots_of("oil", "age")
            assert isinstance(left, Iterator)
            turns = [(next(left).lot.code, next(other).lot.code) for _ in range(3)]
            assert turns == [("L000", "L000"), ("L001", "L001"), ("L002", "L002")]
            assert len(reader.stocked(["oil"])["oil"]) == 300
            assert next(left).lot.code == "L003"
        assert len(told(store)["lots_of"]["oil", "age"]) == 300

    def test_what_stands_is_told_by_item_by_lot_and_by_place(self, store: Store) -> None:
        """Everything on hand, allocated or not, in the order of item, lot and place; nothing that is used up."""
        a, b = lot("oil", "A"), lot("oil", "B")
        rows = [(b, "stock", 3, 3), (a, "stock", 4, 0), (a, "line:PB-1", 5, 0), (lot("soap", "A"), "line:PB-1", 6, 0)]
        for row in rows:
            store.commit(Changes(lots={(row[0].item, row[0].code): row[0]}, balances={(row[0].item, row[0].code, row[1]): row[2:]}))
        with store.reading() as reader:
            assert [*reader.stocked(["oil"])["oil"]] == [rows[2], rows[1], rows[0]]
            assert [*reader.standing([("oil", "A")])["oil", "A"]] == [rows[2], rows[1]]
            assert [*reader.at_place("line:PB-1")] == rows[2:]
        store.commit(Changes(balances={("oil", "A", "line:PB-1"): (-5, 0)}))
        with store.reading() as reader:
            assert [*reader.at_place("line:PB-1")] == rows[3:]
            assert [*reader.standing([("oil", "A")])["oil", "A"]] == [rows[1]]
            assert sorted(reader.rows("stocked"), key=repr) == sorted([rows[0], rows[1], rows[3]], key=repr)

    def test_lots_are_remembered_when_they_are_used_up(self, store: Store) -> None:
        """A lot stays known by its code; what stands of it shows the lot as it is now."""
        store.commit(stocking((lot("oil", "A"), "stock", 3, 0)))
        held = lot("oil", "A", disposition="held", revision=2)
        store.commit(Changes(lots={("oil", "A"): held}, lot_guards={("oil", "A"): 1}))
        assert ask(store, lambda reader: reader.standing([("oil", "A")])["oil", "A"][0].lot) == held
        store.commit(Changes(balances={("oil", "A", "stock"): (-3, 0)}))
        with store.reading() as reader:
            assert reader.has_lots("oil")
            assert reader.lots([("oil", "A")]) == {("oil", "A"): held}
            assert not [*reader.lots_of("oil", "expiry")]
            assert not reader.stocked(["oil"])["oil"]

    # links, bookings --------------------------------------------------------------------------------------------------

    def test_links_are_found_from_both_ends(self, store: Store) -> None:
        """By the paper whose need they cover, and by the supply that they draw on, wherever that stands."""
        rows = [link("CO-1", "B", 1), link("CO-1", "A", 2), link("PB-1", "A", 3, place="quarantine", line="oil")]
        rows.append(Allocation("CO-1", "1", "run", "soap", "PB-1", "", 9, 9))
        store.commit(linking(*rows))
        with store.reading() as reader:
            assert [*reader.links(["CO-1"])["CO-1"]] == [rows[0], rows[1], rows[3]]
            assert [*reader.links(["PB-1"])["PB-1"]] == [rows[2]]
            supplies = [("lot", "oil", "A"), ("run", "soap", "PB-1"), ("purchase", "oil", "A")]
            assert [[*found] for found in reader.claims(supplies).values()] == [[rows[1], rows[2]], [rows[3]], []]

    def test_a_changed_link_keeps_its_place_and_one_that_came_back_is_new(self, store: Store) -> None:
        """The order of a paper's links is that of writing; a supply's claims are in the order of demand, line and place."""
        rows = [link("CO-1", "A", 1), link("CO-1", "B", 1), link("CO-2", "A", 1)]
        store.commit(linking(link("CO-2", "A", 9)))
        commit(store, linking(*rows), linking(rows[0]._replace(takes=5)))

        def seen() -> list[list[tuple[str, str, int]]]:
            with store.reading() as reader:
                found = [reader.links(["CO-1"])["CO-1"], reader.claims([rows[0].supply])[rows[0].supply]]
                return [[(row.demand, row.ref, row.takes) for row in answer] for answer in found]

        assert seen() == [[("CO-1", "A", 5), ("CO-1", "B", 1)], [("CO-1", "A", 5), ("CO-2", "A", 1)]]
        store.commit(Changes(allocations={rows[0][:6]: None, link("CO-9", "Z", 1)[:6]: None}))
        assert seen() == [[("CO-1", "B", 1)], [("CO-2", "A", 1)]]
        store.commit(linking(rows[0]))
        assert seen() == [[("CO-1", "B", 1), ("CO-1", "A", 1)], [("CO-1", "A", 1), ("CO-2", "A", 1)]]

    def test_bookings_are_found_by_work_center_and_by_paper(self, store: Store) -> None:
        """Of a work center those that end after an instant, by start; of a paper all, in the order of writing."""
        rows = [Booking("kettle", 300, 400, "PB-1", "cook"), Booking("kettle", 100, 200, "PB-2", "cook")]
        rows += [Booking("bench", 400, 500, "PB-1", "pack"), Booking("kettle", 100, 350, "PB-3", "cook")]
        store.commit(booking(*rows))
        with store.reading() as reader:
            assert [*reader.bookings(["kettle"], 0)["kettle"]] == [rows[1], rows[3], rows[0]]
            assert [*reader.bookings(["kettle"], 200)["kettle"]] == [rows[3], rows[0]], "what ends at the instant is over"
            assert [*reader.booked_for(["PB-1"])["PB-1"]] == [rows[0], rows[2]]

    def test_a_booking_moves_and_goes_away(self, store: Store) -> None:
        """One booking per paper and operation: moved to another work center it leaves the first."""
        store.commit(booking(Booking("kettle", 0, 10, "PB-1", "cook")))
        moved = Booking("bench", 5, 15, "PB-1", "cook")
        store.commit(booking(moved))
        found = ask(store, lambda reader: reader.bookings(["kettle", "bench"], 0))
        assert {center: [*rows] for center, rows in found.items()} == {"kettle": [], "bench": [moved]}
        store.commit(Changes(bookings={("PB-1", "cook"): None, ("PB-9", "cook"): None}))
        assert not ask(store, lambda reader: [*reader.bookings(["bench"], 0)["bench"], *reader.booked_for(["PB-1"])["PB-1"]])

    # what happened ----------------------------------------------------------------------------------------------------

    def test_postings_are_found_by_lot_by_paper_and_by_need(self, store: Store) -> None:
        """Each once and in order: because of the paper, or serving a need of it (`"CO-1/1"`), or moving the lot."""
        rows = [
            _posting("receipt", "PO-1", ("A", "supplier", "stock", "")),
            _posting("ship", "SH-1", ("A", "stock", "customer", "CO-1/1"), ("B", "stock", "customer", "CO-1/2")),
            _posting("ship", "SH-2", ("B", "stock", "customer", "CO-11/1")),
            _posting("use", "CO-1", ("A", "stock", "production", "CO-1/oil")),
        ]
        commit(store, Changes(postings=rows[:2]), Changes(postings=rows[2:]))
        with store.reading() as reader:
            assert [*reader.postings(lots=[("oil", "A")])] == [rows[0], rows[1], rows[3]]
            assert [*reader.postings(papers=["CO-1"])] == [rows[1], rows[3]]
            assert [*reader.postings(papers=["CO-11", "PO-1"])] == [rows[0], rows[2]]
            assert [*reader.postings(lots=[("oil", "A")], papers=["SH-2", "SH-1"])] == rows
            assert [*reader.postings()] == []
            assert [*reader.rows("postings")] == rows

    def test_postings_of_a_lot_since_a_time(self, store: Store) -> None:
        """A back-dated entry reads what happened to its lot then and later, in the order of writing, also through an overlay."""
        days = [DAY + timedelta(days=n) for n in (3, 1, 2)]
        move = Move("oil", "A", 1, "stock", "shelf")
        rows = [Posting("move", "", day, DAY, (move,)) for day in days]
        rows.append(Posting("move", "", days[0], DAY, (move._replace(lot="B"),)))
        store.commit(Changes(postings=rows))
        with store.reading() as reader:
            for one in (reader, Books(reader)):
                assert [*one.postings(lots=[("oil", "A")], since=days[2])] == [rows[0], rows[2]]
                assert [*one.postings(lots=[("oil", "A")], since=days[1])] == rows[:3]
                assert [*one.postings(lots=[("oil", "B"), ("oil", "A")], since=days[0])] == [rows[0], rows[3]]
                assert [*one.postings(lots=[("oil", "A")], since=days[0] + timedelta(microseconds=1))] == []

    def test_uses_are_what_runs_took_and_made(self, store: Store) -> None:
        """Of a lot or of a run, each once: what went into production counts up, what came out of it down."""
        moves = [
            ("A", "supplier", "stock", ""), ("A", "line:PB-1", "production", "PB-1/oil"), ("B", "line:PB-1", "production", "PB-1/oil"),
            ("C", "production", "stock", ""), ("A", "line:PB-2", "production", ""), ("A", "production", "stock", ""),
        ]  # fmt: skip
        rows = [_posting("made up", paper, move) for paper, move in zip(["PO-1", *["PB-1"] * 3, "PB-2", "PB-2"], moves, strict=True)]
        commit(store, Changes(postings=rows[:3]), Changes(postings=rows[3:]))
        with store.reading() as reader:
            of_lot = {(use.run, use.lot) for use in reader.uses(lots=[("oil", "A")])}
            of_run = sorted((use.lot, use.steps > 0) for use in reader.uses(runs=["PB-1"]))
            both = sorted((use.run, use.lot) for use in reader.uses(lots=[("oil", "C")], runs=["PB-1"]))
            assert (of_lot, of_run) == ({("PB-1", "A"), ("PB-2", "A")}, [("A", True), ("B", True), ("C", False)])
            assert both == [("PB-1", "A"), ("PB-1", "B"), ("PB-1", "C")]
            assert sum(use.steps for use in reader.uses(runs=["PB-2"])) == 0
            assert not [*reader.uses()]

    def test_a_genealogy_at_hand_tells_what_the_uses_tell(self, store: Store) -> None:
        """A search on the index of a store that keeps one finds what a search level by level finds; also after the next commit."""
        rows = [
            _posting("use", "PB-1", ("A", "line:PB-1", "production", "")), _posting("make", "PB-1", ("B", "production", "stock", "")),
            _posting("use", "PB-2", ("B", "line:PB-2", "production", "")), _posting("make", "PB-2", ("C", "production", "stock", "")),
        ]  # fmt: skip
        for row in rows:
            commit(store, Changes(postings=[row]))
            with store.reading() as reader:
                index, read = reader.genealogy(), reader.uses
                if index is None:
                    pytest.skip("the store keeps no genealogy at hand")
                for key, direction in itertools.product([("oil", "A"), ("oil", "B")], ("back", "forward")):
                    found = reach(lambda lots, runs: read(lots=lots, runs=runs), [key], direction)  # noqa: B023 - used at once
                    assert reach_in(index, [key], direction) == found

    def test_lots_are_found_by_what_they_say(self, store: Store) -> None:
        """By item, supplier, his lot, time, and whether they have attributes; also what came or changed since somebody asked."""
        first = [
            lot("oil", "A", supplier="Meyer", supplier_lot="M-1"),
            lot("oil", "B", age=2, supplier="Meyer"),
            lot("wax", "A", age=5),
        ]
        later = [lot("wax", "C", age=1, supplier_lot="M-1"), lot("oil", "D", age=9, attributes=(("note", "x"),))]
        changed = attrs.evolve(first[2], attributes=(("note", "y"),), supplier="Huber", supplier_lot="M-1", revision=2)
        day = [DAY + timedelta(days=n) for n in range(10)]
        questions = [
            Sought(), Sought(("oil",)), Sought(("wax", "oil", "oil")), Sought(()), Sought(supplier="Meyer"), Sought(supplier=""),
            Sought(supplier_lot="M-1"), Sought(("wax",), supplier_lot="M-1"), Sought(supplier_lot=""), Sought(supplier="Nobody"),
            Sought(since=day[2]), Sought(until=day[2]), Sought(since=day[1], until=day[5]), Sought(since=day[6], until=day[5]),
            Sought(noted=True), Sought(("oil",), "Meyer", None, day[1]), Sought(noted=True, since=day[6]),
        ]  # fmt: skip
        known: dict[Any, Any] = {}
        for rows in (first, later, [changed]):
            store.commit(
                Changes(lots={(one.item, one.code): one for one in rows}, lot_guards={(r.item, r.code): r.revision - 1 for r in rows})
            )
            known.update(((one.item, one.code), one) for one in rows)
            with store.reading() as reader:
                for wanted in questions:
                    expected = {key: one for key, one in known.items() if wanted.meets(one)}
                    found = [*reader.sought(wanted)]
                    assert {(one.item, one.code): one for one in found} == expected
                    assert len(found) == len(expected)

    def test_the_diary_is_in_order(self, store: Store) -> None:
        """Per document its entries in the order of writing, whatever their dates say."""
        rows = [Entry("CO-1", f"step {n}", DAY - timedelta(days=n), "Ada", "why", (("a", "b"),)) for n in range(3)]
        other = Entry("lot oil A", "hold", DAY)
        commit(store, Changes(diary=[rows[0], other, rows[1]]), Changes(diary=[rows[2]]))
        with store.reading() as reader:
            assert [*reader.diary(["CO-1"])["CO-1"]] == rows
            assert [*reader.diary(["lot oil A"])["lot oil A"]] == [other]
            assert [*reader.rows("diary")] == [rows[0], other, *rows[1:]]

    @pytest.mark.parametrize("table", TABLES)
    def test_every_row_of_a_table_can_be_read(self, store: Store, table: str) -> None:
        """`verify`, exports and whole-graph questions read whole tables, streamed."""
        commit(store, world(), filing(paper("CO-2"), paper("SH-2")))
        rows = ask(store, lambda reader: [*reader.rows(table)])
        assert len(rows) == {"papers": 6, "stocked": 2, "lots": 2, "postings": 2, "catalogue": 2}.get(table, 1)
        with store.reading() as reader:
            assert isinstance(reader.rows(table), Iterator)

    def test_what_was_stored_outlives_the_object(self, store: Store) -> None:
        """Closed and opened again, the store tells the same, and goes on where it was."""
        store.commit(world())
        first, before = store.take_numbers("CO", 1), told(store)
        found = self.again(store)
        try:
            assert told(found) == before
            assert found.take_numbers("CO", 1) > first
            found.commit(Changes(key="key-2", stored=Stored("x", None)))
        finally:
            found.close()

    def test_a_moment_can_be_kept(self, store: Store) -> None:
        """A snapshot reads what was, as long as it is kept and whatever is committed: forks and previews stand on it."""
        snapshot = getattr(store, "snapshot", None)
        if snapshot is None:
            pytest.skip("the store keeps no moments (`snapshot`): no fork, no preview")
        store.commit(world())
        moment, before = snapshot(), told(store)
        store.commit(filing(paper("CO-2")))
        later = snapshot()
        store.commit(Changes(balances={("oil", "A", "stock"): (-3, 0)}))
        assert everything(moment.reader) == before
        assert [*later.reader.papers(["CO-2"])] == ["CO-2"]
        assert later.reader.standing([("oil", "A")])["oil", "A"][0].on_hand == 5


def _order(number: str) -> Any:
    found: Paper = paper(number)
    return found


def _posting(kind: str, number: str, *moves: tuple[str, str, str, str]) -> Posting:
    rows = tuple(Move("oil", code, 1, source, target, line) for code, source, target, line in moves)
    return Posting(kind, number, DAY, DAY + timedelta(hours=1), rows, "Ada", "why")
