"""Trace: genealogy, balances, content and recall on small stories and on random ledgers that are consistent by construction."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import networkx as nx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from krafte_core.audit import gaps
from krafte_core.balances import balance, mass_balance, period_balance
from krafte_core.causes import common_causes
from krafte_core.content import PRECISION, Assumed, mixing, rounded
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.items import Item
from krafte_core.ledger import Key, Ledger, Use
from krafte_core.quantities import qty
from krafte_core.recall import OpenLine, Recall, recall
from krafte_core.stock import Lot, Move, Posting, balances, line_of
from krafte_core.trace import Reach, genealogy, reach, reach_in, with_moves
from tests.rules.histories import CODES, DAY, ITEMS, ledgers

KG = 1_000_000


def searched(ledger: Ledger, sources: Iterable[Key | str], direction: str, **limits: Any) -> Reach:
    """A search with the moves of what it found, as the desk makes it."""
    found = reach(ledger.uses, sources, direction, **limits)
    return with_moves(found, ledger.read(found.lots, ()))


class Story:
    """Writes a ledger as a maker would tell it; amounts are texts such as "2 kg"."""

    def __init__(self, *items: Item):
        self.items = {item.code: item for item in items}
        self.lots: dict[Key, Lot] = {}
        self.postings: list[Posting] = []

    def post(self, kind: str, paper: str, *moves: tuple[str, str, str, str, str, str]) -> None:
        at = DAY + timedelta(minutes=len(self.postings))
        rows = [Move(item, lot, self.items[item].steps(amount), *rest) for item, lot, amount, *rest in moves]
        self.postings.append(Posting(kind, paper, at, at, tuple(rows)))

    def born(self, item: str, lot: str, **more: Any) -> None:
        self.lots.setdefault((item, lot), Lot(item, lot, received_at=DAY, **more))

    def receive(self, item: str, lot: str, amount: str, paper: str = "") -> None:
        self.born(item, lot, paper=paper)
        self.post("receipt", paper, (item, lot, amount, "supplier", "stock", ""))

    def make(self, run: str, used: dict[Key, str], made: dict[Key, str]) -> None:
        for (item, lot), amount in used.items():
            self.post("issue", run, (item, lot, amount, "stock", "production", ""))
        for (item, lot), amount in made.items():
            self.born(item, lot, origin="run", paper=run)
            self.post("complete", run, (item, lot, amount, "production", "stock", ""))

    def ship(self, paper: str, line: str, item: str, lot: str, amount: str) -> None:
        self.post("ship", paper, (item, lot, amount, "stock", "customer", line))

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.postings)

    def reach(self, direction: str, *sources: Key | str) -> Reach:
        return searched(self.ledger, sources, direction)

    def keys(self, direction: str, *sources: Key | str) -> set[Key]:
        """The lots found, without the sources."""
        found = genealogy(self.reach(direction, *sources), self.items, self.lots)
        return {(lot.item, lot.code) for lot in found.lots}

    def recall(self, *sources: Key, finished: Collection[str] = (), **more: object) -> Recall:
        found = self.reach("forward", *sources)
        return recall(found, self.items, self.lots, is_finished=lambda item: item.code in finished, **more)


def recall_drill() -> Story:
    kilos = [Item(code, unit="kg") for code in ("salt", "meat", "spice-mix", "sausage")]
    story = Story(Item("pepper", unit="kg", step="1 g"), *kilos)
    for item, amount, lot in [
        ("pepper", "2 kg", "P-1"),
        ("pepper", "4 kg", "P-2"),
        ("salt", "50 kg", "SA-1"),
        ("meat", "500 kg", "M-1"),
    ]:
        story.receive(item, lot, amount)
    pepper, salt, meat = ("pepper", "P-1"), ("salt", "SA-1"), ("meat", "M-1")
    one, two = ("spice-mix", "MIX-1"), ("spice-mix", "MIX-2")
    story.make("PB-1", {pepper: "2 kg", salt: "8 kg"}, {one: "10 kg"})
    story.make("PB-2", {("pepper", "P-2"): "2 kg", salt: "8 kg"}, {two: "10 kg"})
    story.make("PB-3", {meat: "196 kg", one: "4 kg"}, {("sausage", "W-1"): "200 kg"})
    story.make("PB-4", {meat: "294 kg", one: "3 kg", two: "3 kg"}, {("sausage", "W-2"): "300 kg"})
    story.ship("SH-1", "CO-1/1", "sausage", "W-1", "200 kg")
    story.ship("SH-1", "CO-1/1", "sausage", "W-2", "50 kg")
    return story


def drilled() -> Recall:
    return recall_drill().recall(("pepper", "P-1"), finished=["sausage"], customers={"CO-1": "Kantine"})


def test_recall_drill_finds_lots_customers_and_what_is_left():
    """A lot of pepper is recalled: four lots, one customer, 3 kg of mix and 250 kg of sausage still in the house."""
    answer = drilled()
    assert [(lot.item, lot.code) for lot in answer.lots] == [
        ("pepper", "P-1"), ("sausage", "W-1"), ("sausage", "W-2"), ("spice-mix", "MIX-1"),
    ]  # fmt: skip
    assert [lot.code for lot in answer.finished_lots] == ["W-1", "W-2"]
    assert answer.customers == ("Kantine",)
    assert answer.shipped_to("Kantine") == {"sausage": qty("250 kg")}
    assert answer.shipped_to("Nobody") == {}
    assert answer.on_hand == {("spice-mix", "MIX-1"): qty("3 kg"), ("sausage", "W-2"): qty("250 kg")}
    assert answer.undecided == () == answer.unmeasured
    assert answer.runs == ("PB-1", "PB-3", "PB-4")


def test_recall_drill_tells_content_and_bounds():
    """Perfect mixing: 3 kg of a mix that is a fifth pepper hold 600 g; unmixed it could be none, or all of the 2 kg."""
    answer = drilled()
    assert answer.content("sausage", "W-2") == qty("600 g")
    assert answer.content("sausage", "W-1") == qty("800 g")
    assert answer.content("pepper", "P-1") == qty("2 kg")
    assert answer.fraction("sausage", "W-2") == Fraction(6, 3000)
    assert answer.bounds("spice-mix", "MIX-1") == (qty("2 kg"), qty("2 kg"))
    assert answer.bounds("sausage", "W-2") == (qty("0 kg"), qty("2 kg"))


def test_recall_drill_adds_up():
    """What was received was used; every affected lot is accounted for."""
    answer = drilled()
    pepper = answer.balance("pepper", "P-1")
    assert pepper.received == pepper.used == qty("2 kg")
    assert all(row.unaccounted.is_zero for row in answer.balances)


def test_recall_drill_as_graph_page_and_table():
    """A graph for programs, a page for the quality manager, a table for the spreadsheet."""
    answer = drilled()
    path = nx.shortest_path(answer.graph, ("receipt", "pepper P-1"), ("shipment", "SH-1"))
    assert [node[0] for node in path] == ["receipt", "lot", "run", "lot", "run", "lot", "shipment"]
    assert answer.graph[("lot", "spice-mix", "MIX-1")][("run", "PB-4")]["amount"] == qty("3 kg")
    page = str(answer)
    assert "Kantine" in page
    assert "Undecided: none" in page
    rows = list(csv.DictReader(io.StringIO(answer.to_csv())))
    assert {row["lot"] for row in rows if row["what"] == "shipped"} == {"W-1", "W-2"}
    assert [row["amount"] for row in rows if row["lot"] == "MIX-1" and row["what"] == "on hand"] == ["3"]
    assert [row["content"] for row in rows if row["lot"] == "W-2" and row["what"] == "content of pepper"] == ["0.6"]


def test_the_same_question_gives_an_equal_answer():
    """Answers are values: equal, whatever the order of the ledger within the same minute."""
    story = recall_drill()
    first = story.recall(("pepper", "P-1"))
    random.Random(3).shuffle(story.postings)
    assert story.recall(("pepper", "P-1")) == first


def test_a_mistyped_lot_is_an_error_not_an_empty_recall():
    """Nothing affected would be the most dangerous answer to a typing error."""
    story = recall_drill()
    with pytest.raises(Unknown):
        story.recall(("pepper", "P1"))
    with pytest.raises(Unknown) as caught:
        drilled().content("sausage", "W-3")
    assert caught.value.choices == ("W-1", "W-2")
    with pytest.raises(InvalidInput):
        story.reach("sideways", ("pepper", "P-1"))
    with pytest.raises(InvalidInput):
        mixing(story.reach("back", ("sausage", "W-1")), story.items, "pepper")


def test_cells_never_start_a_formula():
    """A lot named =1+1 stays a name in a spreadsheet."""
    story = Story(Item("@oil", unit="kg"))
    for lot in ("=1+1", "+1", "-1", "fine"):
        story.receive("@oil", lot, "1 kg")
    text = story.recall(*(("@oil", lot) for lot in ("=1+1", "+1", "-1", "fine"))).to_csv()
    cells = {cell for row in csv.reader(io.StringIO(text)) for cell in row}
    assert {"'@oil", "'=1+1", "'+1", "'-1", "fine"} <= cells
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r") - {""}]


def test_lot_that_several_parts_of_a_production_made_adds_up():
    """Four productions of one piece into the same final lot give four pieces (acceptance case TRA-007)."""
    story = Story(Item("frame", unit="each"), Item("part", unit="each"))
    story.receive("part", "L-1", "4 each")
    for number in range(1, 5):
        story.make(f"PB-1/{number}", {("part", "L-1"): "1 each"}, {("frame", "F-1"): "1 each"})
    answer = story.recall(("part", "L-1"))
    assert answer.on_hand == {("frame", "F-1"): qty("4 each")}
    assert answer.balance("frame", "F-1").made == qty("4 each")
    assert answer.content("frame", "F-1") == qty("4 each")
    assert len(answer.runs) == 4


def test_every_consumed_lot_is_shown_with_its_amount():
    """A run that used three lots of one item has three links, each with its amount (lesson 84)."""
    story = Story(Item("oil", unit="kg"), Item("soap", unit="each"))
    for lot, amount in (("A", "1 kg"), ("B", "2 kg"), ("C", "3 kg")):
        story.receive("oil", lot, amount)
    story.make("B-1", {("oil", "A"): "1 kg", ("oil", "B"): "2 kg", ("oil", "C"): "0.5 kg"}, {("soap", "S"): "35 each"})
    found = genealogy(story.reach("back", ("soap", "S")), story.items, story.lots)
    used = {edge.source[2]: edge.amount for edge in found.edges if edge.target == ("run", "B-1")}
    assert used == {"A": qty("1 kg"), "B": qty("2 kg"), "C": qty("0.5 kg")}
    assert "lot oil B" in found.table()
    assert found.table().splitlines()[-2].split() == ["oil", "B", "receipt", "2026-11-23", "released"]
    assert str(found).startswith("back from soap S: 3 lots, 1 runs")


def test_one_answer_from_supplier_to_customer():
    """From any lot one graph leads from the supplier's delivery to the customer's shipment (lesson 85)."""
    story = recall_drill()
    ends = {node for node in genealogy(story.reach("back", ("sausage", "W-2")), story.items, story.lots).graph if node[0] != "run"}
    assert ("receipt", "pepper P-2") in ends
    assert ("shipment", "SH-1") in ends


def test_both_directions_from_the_middle():
    """A semi-finished lot, or a run, is as good a start as an end of the chain (lesson 86)."""
    story = recall_drill()
    assert story.keys("back", ("spice-mix", "MIX-1")) == {("pepper", "P-1"), ("salt", "SA-1")}
    assert story.keys("forward", ("spice-mix", "MIX-1")) == {("sausage", "W-1"), ("sausage", "W-2")}
    assert story.keys("forward", "PB-4") == {("sausage", "W-2")}
    assert story.keys("back", "PB-1") == {("pepper", "P-1"), ("salt", "SA-1")}


def test_what_was_given_back_or_reversed_leaves_no_link():
    """A lot issued by mistake and given back from production was never used."""
    story = Story(Item("oil", unit="kg"), Item("soap", unit="each"))
    for lot in ("A", "B"):
        story.receive("oil", lot, "5 kg")
    story.make("B-1", {("oil", "A"): "4 kg", ("oil", "B"): "4 kg"}, {("soap", "S"): "40 each"})
    story.post("give_back", "B-1", ("oil", "A", "4 kg", "production", "stock", ""))
    story.post("reverse", "B-1", ("oil", "B", "1 kg", "production", "stock", ""))
    assert story.keys("back", ("soap", "S")) == {("oil", "B")}
    assert story.keys("forward", ("oil", "A")) == set()
    assert story.ledger.links().scope([("oil", "A")], "forward") == [("oil", "A")]
    assert balance(story.items["oil"], ("oil", "B"), story.postings).used == qty("3 kg")


def test_a_shipment_taken_back_is_no_return():
    """A reversed shipment lessens what was shipped; a return leaves it and shows beside it."""
    story = Story(Item("soap", unit="each"))
    story.receive("soap", "S", "10 each")
    story.ship("SH-1", "CO-1/1", "soap", "S", "6 each")
    story.post("reverse", "SH-1", ("soap", "S", "2 each", "customer", "stock", "CO-1/1"))
    story.post("return", "SH-1", ("soap", "S", "1 each", "customer", "quarantine", "CO-1/1"))
    story.ship("SH-2", "CO-2/1", "soap", "S", "3 each")
    story.post("reverse", "SH-2", ("soap", "S", "3 each", "customer", "stock", "CO-2/1"))
    answer = story.recall(("soap", "S"), customers={"CO-1": "Bio Markt", "SH-2": "Nobody"})
    assert [(row.shipment, row.customer, row.amount) for row in answer.shipments] == [("SH-1", "Bio Markt", qty("4 each"))]
    assert answer.returned == {("soap", "S"): qty("1 each")}
    assert [row.amount for row in answer.returns] == [qty("1 each")]
    assert answer.places == {("soap", "S", "quarantine"): qty("1 each"), ("soap", "S", "stock"): qty("6 each")}
    assert answer.graph.edges[("lot", "soap", "S"), ("shipment", "SH-1")]["amount"] == qty("4 each")
    assert ("shipment", "SH-2") not in answer.graph


def test_customer_nobody_knows_is_shown():
    """A shipment without a known customer is listed, under no name."""
    answer = recall_drill().recall(("pepper", "P-1"))
    assert answer.customers == ("",)
    assert "(unknown customer)" in str(answer)


def test_open_orders_line_places_and_doubtful_lots():
    """Order lines that wait for affected lots are told, what lies on the line is in process, and a find may be part of it."""
    story = recall_drill()
    story.born("sausage", "FOUND-1", origin="find")
    story.post("find", "", ("sausage", "FOUND-1", "1 kg", "found", "stock", ""))
    story.post("start", "PB-9", ("spice-mix", "MIX-1", "1 kg", "stock", line_of("PB-9"), ""))
    story.post("scrap", "", ("sausage", "W-2", "10 kg", "stock", "scrap", ""))
    waiting = OpenLine("CO-2/1", "Imbiss", "sausage", "W-2", qty("20 kg"))
    other = OpenLine("CO-3/1", "Imbiss", "meat", "M-1", qty("1 kg"))
    answer = story.recall(
        ("pepper", "P-1"), open_orders=[other, waiting],
        doubtful={("sausage", "FOUND-1"): [("sausage", "W-1"), ("sausage", "W-0")], ("meat", "X"): [("meat", "M-1")]},
    )  # fmt: skip
    assert answer.open_orders == (waiting,)
    assert answer.undecided == (("sausage", "FOUND-1", (("sausage", "W-1"),)),)
    assert answer.in_process == {("spice-mix", "MIX-1"): qty("1 kg")}
    assert answer.on_hand["spice-mix", "MIX-1"] == qty("3 kg")
    assert answer.scrapped == {("sausage", "W-2"): qty("10 kg")}
    page, table = str(answer), answer.to_csv()
    assert "may be" in page
    assert {"undecided", "open order", "scrapped"} <= {row["what"] for row in csv.DictReader(io.StringIO(table))}


def test_content_needs_no_mass_for_a_single_output():
    """200 mL of oil without density went into 100 bars without weight: all of it is in that lot."""
    story = Story(Item("oil", unit="mL"), Item("bar", unit="each"))
    story.receive("oil", "LA-1", "200 mL")
    story.make("B-1", {("oil", "LA-1"): "200 mL"}, {("bar", "S-1"): "60 each", ("bar", "S-2"): "40 each"})
    answer = story.recall(("oil", "LA-1"))
    assert answer.content("bar", "S-1") == qty("120 mL")
    assert answer.fraction("bar", "S-1") is None
    assert answer.bounds("bar", "S-1") == (qty("0 mL"), qty("200 mL"))


def test_content_of_outputs_that_cannot_be_compared_is_unmeasured():
    """A run makes bars and liquid waste, neither with a mass: nobody knows how the oil is shared, and so it stays further on."""
    story = Story(Item("oil", unit="kg"), Item("bar", unit="each"), Item("lye-water", unit="L"), Item("gift", unit="each"))
    story.receive("oil", "O", "5 kg")
    story.make("B-1", {("oil", "O"): "5 kg"}, {("bar", "S"): "50 each", ("lye-water", "W"): "2 L"})
    story.make("B-2", {("bar", "S"): "10 each"}, {("gift", "G"): "5 each"})
    answer = story.recall(("oil", "O"))
    assert answer.unmeasured == (("bar", "S"), ("gift", "G"), ("lye-water", "W"))
    assert answer.undecided == ()
    assert answer.content("gift", "G") is None
    assert answer.bounds("gift", "G") == (qty("0 kg"), qty("5 kg"))
    assert "unknown" in str(answer)
    assert "content of oil,bar,S" in answer.to_csv()
    litres = Story(Item("oil", unit="L"), Item("milk", unit="L"), Item("whey", unit="mL"))
    litres.receive("oil", "O", "4 L")
    litres.make("B-1", {("oil", "O"): "4 L"}, {("milk", "M"): "3 L", ("whey", "W"): "1000 mL"})
    assert litres.recall(("oil", "O")).content("whey", "W") == qty("1 L")


def test_bounds_use_masses():
    """Of 10 kg that hold 6 kg of the source, a part of 7 kg holds at least 3; after evaporation nobody can say."""
    story = Story(*(Item(code, unit="kg") for code in ("oil", "wax", "balm", "left", "right")))
    story.receive("oil", "O", "6 kg")
    story.receive("wax", "W", "4 kg")
    story.make("B-1", {("oil", "O"): "6 kg", ("wax", "W"): "4 kg"}, {("balm", "B"): "10 kg"})
    story.make("B-2", {("balm", "B"): "7 kg"}, {("left", "L"): "5 kg", ("right", "R"): "2 kg"})
    story.make("B-3", {("balm", "B"): "3 kg"}, {("left", "L-2"): "2 kg"})
    answer = story.recall(("oil", "O"))
    assert answer.content("left", "L") == qty("3 kg")
    assert answer.bounds("left", "L") == (qty("1 kg"), qty("5 kg"))
    assert answer.bounds("right", "R") == (qty("0 kg"), qty("2 kg"))
    assert answer.bounds("left", "L-2") == (qty("0 kg"), qty("3 kg"))  # 3 kg at most, a kilogram of them may have gone


def test_several_recalled_lots_of_one_item_and_of_two():
    """Lots of one item add up; of two items each has its own content, and one must be named."""
    story = recall_drill()
    both = story.recall(("pepper", "P-1"), ("pepper", "P-2"))
    assert both.content("sausage", "W-2") == qty("1.2 kg")
    mixed = story.recall(("pepper", "P-1"), ("salt", "SA-1"))
    with pytest.raises(InvalidInput):
        mixed.content("sausage", "W-2")
    assert mixed.content("sausage", "W-2", of="pepper") == qty("600 g")
    assert mixed.content("sausage", "W-2", of="salt") == qty("4.8 kg")


def test_rework_within_one_run_is_a_loop_that_ends():
    """Half of a lot is reworked into another, which goes back into a later part of the first run."""
    story = Story(*(Item(code, unit="kg") for code in ("oil", "soap", "flakes")))
    story.receive("oil", "O", "10 kg")
    story.make("B-1", {("oil", "O"): "10 kg"}, {("soap", "S"): "10 kg"})
    story.make("B-2", {("soap", "S"): "10 kg"}, {("flakes", "F"): "10 kg"})
    story.make("B-1", {("flakes", "F"): "10 kg"}, {("soap", "S"): "10 kg"})
    answer = story.recall(("oil", "O"))
    assert answer.content("soap", "S") == qty("20 kg")  # ten of them counted at each of two passes
    assert answer.fraction("soap", "S") == 1
    assert answer.bounds("soap", "S") == (qty("0 kg"), qty("20 kg"))
    assert story.keys("back", ("soap", "S")) == {("oil", "O"), ("flakes", "F")}
    assert story.keys("forward", ("soap", "S")) == {("flakes", "F")}
    story.post("scrap", "", ("soap", "S", "10 kg", "stock", "production", ""))  # all went round: no equation can tell
    story.postings[-1] = story.postings[-1]._replace(paper="B-2")
    assert story.recall(("oil", "O")).unmeasured == (("flakes", "F"), ("soap", "S"))


def cheese() -> Story:
    """Milk becomes cheese and whey; dough becomes bread and a part of everything stays on the bench."""
    story = Story(*(Item(code, unit="kg") for code in ("milk", "cheese", "whey", "flour", "bread")))
    story.receive("milk", "M", "100 kg")
    story.make("B-1", {("milk", "M"): "100 kg"}, {("cheese", "C"): "10 kg", ("whey", "W"): "80 kg"})
    story.receive("flour", "F", "20 kg")
    story.make("B-2", {("flour", "F"): "20 kg", ("whey", "W"): "20 kg"}, {("bread", "B"): "30 kg"})
    return story


def test_a_by_product_takes_a_part_of_its_own():
    """Nine tenths of the fat go into the cheese, whatever the whey weighs; parts that are more than all are refused."""
    story = cheese()
    assert story.recall(("milk", "M")).fraction("whey", "W") == Fraction(100, 90)  # by mass; nothing of the milk is in the loss
    known = story.recall(("milk", "M"), assumed=Assumed(splits={"whey": Fraction(1, 10)}))
    assert (known.content("cheese", "C"), known.content("whey", "W")) == (qty("90 kg"), qty("10 kg"))
    assert known.content("bread", "B") == qty("2.5 kg")  # a quarter of the whey
    with pytest.raises(InvalidInput):
        story.recall(("milk", "M"), assumed=Assumed(splits={"whey": Fraction(1, 10), "cheese": Fraction(1, 10)}))
    with pytest.raises(InvalidInput):
        story.recall(("milk", "M"), assumed=Assumed(splits={"whey": Fraction(2)}))


def test_a_loss_of_everything_alike_takes_its_part_of_the_source():
    """A quarter of the dough is lost: of water only, all flour is in the bread; of everything alike, three quarters of it."""
    story = cheese()
    assert story.recall(("flour", "F")).content("bread", "B") == qty("20 kg")
    alike = story.recall(("flour", "F"), assumed=Assumed(alike=frozenset({"bread"})))
    assert alike.content("bread", "B") == qty("15 kg")
    low, high = alike.bounds("bread", "B")
    assert low <= qty("15 kg") <= high


def test_what_comes_after_a_loop():
    """Downstream of rework content goes on in proportion; where the loop is fed by an unknown share, nobody knows."""
    for unknown in (False, True):
        story = Story(*(Item(code, unit="kg") for code in ("oil", "soap", "flakes", "bar")), Item("bag", unit="each"))
        story.receive("oil", "O", "10 kg")
        story.make("B-1", {("oil", "O"): "10 kg"}, {("soap", "S"): "10 kg"} | ({("bag", "X"): "1 each"} if unknown else {}))
        story.make("B-2", {("soap", "S"): "5 kg"}, {("flakes", "F"): "5 kg"})
        story.make("B-1", {("flakes", "F"): "5 kg"}, {("soap", "S"): "5 kg"})
        story.make("B-3", {("soap", "S"): "3 kg"}, {("bar", "R"): "3 kg"})
        answer = story.recall(("oil", "O"))
        assert answer.content("bar", "R") == (None if unknown else qty("3 kg"))
        assert answer.bounds("bar", "R")[1] >= qty("3 kg")


def test_mass_balance_of_a_run():
    """Mass in, mass out and the process loss; what declares no mass is named."""
    story = Story(Item("dough", unit="kg"), Item("bread", unit="each", packs={"each": "0.8 kg"}), Item("paper", unit="each"))
    story.receive("dough", "D", "10 kg")
    story.receive("paper", "P", "10 each")
    story.make("B-1", {("dough", "D"): "10 kg", ("paper", "P"): "10 each"}, {("bread", "L"): "10 each"})
    told = mass_balance("B-1", story.postings, story.items)
    assert (told.mass_in, told.mass_out, told.loss) == (qty("10 kg"), qty("8 kg"), qty("2 kg"))
    assert told.unmeasured == ("paper",)


def test_what_no_document_explains_is_unaccounted():
    """The shelf holds less than the ledger says: the difference is shown, and nothing else changes."""
    story = Story(Item("oil", unit="kg"))
    story.receive("oil", "O", "10 kg")
    told = balance(story.items["oil"], ("oil", "O"), story.postings, on_hand=9 * KG)
    assert (told.received, told.on_hand, told.unaccounted) == (qty("10 kg"), qty("9 kg"), qty("1 kg"))
    assert str(told) == "received 10 kg = on hand 9 kg; unaccounted 1 kg"


def chain(length: int) -> tuple[Story, list[set[object]]]:
    """Runs in a row, each using half of the lot before it; and a record of what was read."""
    story = Story(Item("a", unit="kg"))
    story.receive("a", "0", "2 kg")
    for number in range(length):
        story.make(f"B-{number}", {("a", str(number)): "1 kg"}, {("a", str(number + 1)): "2 kg"})
    return story, []


def test_every_gap_is_named():
    """One of each kind: what a trace cannot decide is found before anybody asks, and nothing else is."""
    items = {code: Item(code, unit="kg") for code in ("oil", "soap", "scent")} | {"label": Item("label", unit="each")}
    runs = [
        ("no inputs", {("soap", "S-1"): (0, 5)}),
        ("no output", {("oil", "O-1"): (5, 0)}),
        ("all given back", {("oil", "O-1"): (5, 5)}),
        ("in itself", {("oil", "O-1"): (5, 0), ("soap", "S-2"): (1, 6)}),
        ("weighed and counted", {("oil", "O-1"): (5, 0), ("label", "L-1"): (2, 0), ("soap", "S-3"): (0, 5)}),
        ("in order", {("oil", "O-1"): (5, 0), ("scent", "C-1"): (1, 0), ("soap", "S-4"): (0, 6)}),
    ]
    lots = [
        Lot("oil", "O-1", received_at=DAY, supplier="Meyer"),
        Lot("oil", "O-2", received_at=DAY),
        Lot("oil", "O-3", received_at=DAY, origin="find"),
        Lot("soap", "S-5", received_at=DAY, origin="return"),
        Lot("soap", "S-1", received_at=DAY, origin="run"),
    ]
    assert gaps(runs, items, lots) == (
        ("find", "oil", "O-3"),
        ("item without mass", "label", ""),
        ("lot in its own making", "soap", "S-2"),
        ("receipt without supplier", "oil", "O-2"),
        ("return of an unknown lot", "soap", "S-5"),
        ("run without inputs", "", "no inputs"),
        ("run without output", "", "no output"),
    )
    with pytest.raises(Unknown):
        gaps([("B-1", {("wax", "W-1"): (1, 0), ("oil", "O-1"): (1, 0)})], items, [])


def test_ten_thousand_levels_need_no_recursion_and_one_read_per_level():
    """A chain as long as years of sourdough: each level is read once, as a set."""
    length = 10_000
    story, _ = chain(length)
    ledger, calls = story.ledger, []

    def read(lots: Collection[Key], runs: Collection[str]) -> Iterable[Use]:
        calls.append((len(lots), len(runs)))
        return ledger.uses(lots, runs)

    found = reach(read, [("a", "0")], "forward")
    assert len(found.lots) == length + 1
    assert calls == [(1, 0), (0, 1)] * length + [(1, 0)]
    told = mixing(with_moves(found, story.postings), story.items, "a")
    assert told.amounts["a", "100"] == Fraction(2 * KG, 2**100)
    assert told.amounts["a", str(length)] == 0  # less than the precision, and quick
    assert rounded(Fraction(1, 3**2000)).denominator.bit_length() <= PRECISION + 1


def test_a_lot_used_in_ten_thousand_runs_is_read_in_three_calls():
    """Fan-out 10^4 costs three reads, not one per run (lessons 82 and 83)."""
    story = Story(Item("salt", unit="kg"), Item("bread", unit="each"))
    story.receive("salt", "S", "10000 kg")
    for number in range(10_000):
        story.make(f"B-{number}", {("salt", "S"): "1 kg"}, {("bread", str(number)): "1 each"})
    ledger, sizes = story.ledger, []

    def read(lots: Collection[Key], runs: Collection[str]) -> Iterable[Use]:
        sizes.append(len(lots) + len(runs))
        return ledger.uses(lots, runs)

    found = reach(read, [("salt", "S")], "forward")
    assert len(found.lots) == 10_001
    assert sizes == [1, 10_000, 10_000]
    assert reach_in(ledger.links(), [("salt", "S")], "forward") == found


def whole(ledger: Ledger) -> nx.DiGraph:
    """The bipartite graph of the whole ledger, by the book."""
    net: Counter[tuple[str, Key]] = Counter()
    for posting in ledger.postings:
        for move in posting.moves:
            net[posting.paper, move[:2]] += move.steps * ((move.target == "production") - (move.source == "production"))
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from({move[:2] for posting in ledger.postings for move in posting.moves})
    for (paper, key), steps in net.items():
        if steps:
            graph.add_edge(*((key, paper) if steps > 0 else (paper, key)))
    return graph


def lots_of(graph: nx.DiGraph) -> list[Key]:
    return sorted(node for node in graph if not isinstance(node, str))


def rows_of(ledger: Ledger) -> dict[Key, Lot]:
    return {key: Lot(*key, received_at=DAY) for key in lots_of(whole(ledger))}


def found_from(ledger: Ledger, sources: Iterable[Key], direction: str) -> set[Key]:
    return set(reach(ledger.uses, sources, direction).lots)


@given(ledgers())
def test_reach_is_what_networkx_finds(ledger: Ledger):
    """The level search, the search on integers and networkx agree, both ways, for lots and runs."""
    graph, links = whole(ledger), ledger.links()
    links.pack()
    for node in graph:
        for direction, other in (("forward", nx.descendants), ("back", nx.ancestors)):
            found = reach(ledger.uses, [node], direction)
            assert {*found.lots, *found.runs} == other(graph, node) | {node}
            assert reach_in(links, [node], direction) == found


@given(ledgers(), st.data())
def test_a_wider_window_finds_at_least_as_much(ledger: Ledger, data: st.DataObject):
    """Windows are monotone, the widest is no window at all, and an empty one finds nothing but the source."""
    source = data.draw(st.sampled_from(lots_of(whole(ledger))))
    hours = sorted(data.draw(st.lists(st.integers(-1, 40), min_size=4, max_size=4)))
    outer, inner = (hours[0], hours[3]), (hours[1], hours[2])
    for direction in ("forward", "back"):
        wide, narrow = (
            reach(ledger.uses, [source], direction, since=DAY + timedelta(hours=first), until=DAY + timedelta(hours=last))
            for first, last in (outer, inner)
        )
        everything = reach(ledger.uses, [source], direction)
        assert {*narrow.lots} <= {*wide.lots} <= {*everything.lots}
        assert reach(ledger.uses, [source], direction, since=DAY - timedelta(hours=9), until=DAY + timedelta(hours=999)) == everything
        assert reach(ledger.uses, [source], direction, until=DAY - timedelta(hours=9)).lots == (source,)


@given(ledgers(), st.integers(0, 40), st.data())
def test_as_of_a_time_is_what_a_shorter_ledger_says(ledger: Ledger, hours: int, data: st.DataObject):
    """What happened later does not count: the same as if it had not been written."""
    source, at = data.draw(st.sampled_from(lots_of(whole(ledger)))), DAY + timedelta(hours=hours)
    before = Ledger([posting for posting in ledger.postings if posting.happened_at <= at])
    for direction in ("forward", "back"):
        assert reach(ledger.uses, [source], direction, as_of=at) == reach(before.uses, [source], direction)


@given(ledgers(), st.integers(1, 3), st.data())
def test_levels_are_as_many_runs_deep(ledger: Ledger, levels: int, data: st.DataObject):
    """So many runs away and no farther, as the shortest ways in networkx say."""
    source = data.draw(st.sampled_from(lots_of(whole(ledger))))
    for direction, graph in (("forward", whole(ledger)), ("back", whole(ledger).reverse())):
        near = nx.single_source_shortest_path_length(graph, source, cutoff=2 * levels)
        found = reach(ledger.uses, [source], direction, levels=levels)
        assert {*found.lots, *found.runs} == set(near)


@given(ledgers(), st.data())
def test_common_causes_are_what_single_searches_share(ledger: Ledger, data: st.DataObject):
    """One search with marks finds what searches one by one have in common."""
    complaints = data.draw(st.lists(st.sampled_from(lots_of(whole(ledger))), min_size=2, max_size=4, unique=True))
    behind = {key: reach(ledger.uses, [key], "back") for key in complaints}
    nodes = {node for found in behind.values() for node in (*found.lots, *found.runs)} - {*complaints}
    expected = {node: tuple(key for key in complaints if node in (*behind[key].lots, *behind[key].runs)) for node in nodes}
    told = {
        (row.item, row.name) if row.item else row.name: row.explains for row in common_causes(reach(ledger.uses, complaints, "back"))
    }
    assert told == {node: keys for node, keys in expected.items() if len(keys) > 1}


@given(ledgers(), st.integers(0, 30), st.integers(0, 30))
def test_periods_add_up(ledger: Ledger, first: int, second: int):
    """The closing of one period is the opening of the next, and what came and went adds up over them."""
    cut, end = (DAY + timedelta(hours=hours) for hours in sorted((first, second)))
    for code in CODES:
        moves = {key: [] for key in lots_of(whole(ledger)) if key[0] == code}
        moves = dict(with_moves(Reach("forward", (), tuple(moves), {}), ledger.postings).moves)
        early, late, both = (
            period_balance(ITEMS[code], moves.values(), since=since, until=until)
            for since, until in ((None, cut), (cut, end), (None, end))
        )
        assert early.closing == late.opening
        assert late.closing == both.closing
        assert early.received + late.received == both.received
        assert all(one.unaccounted.is_zero for one in (early, late, both))


@given(ledgers())
def test_law_5_forward_and_back_agree(ledger: Ledger):
    """y is in forward(x) if and only if x is in back(y), and nothing is in its own answer."""
    lots = rows_of(ledger)
    pairs: dict[str, set[tuple[Key, Key]]] = {}
    for direction in ("forward", "back"):
        pairs[direction] = set()
        for x in lots:
            answer = genealogy(searched(ledger, [x], direction), ITEMS, lots)
            pairs[direction] |= {(x, (lot.item, lot.code)) for lot in answer.lots}
    assert pairs["forward"] == {(x, y) for y, x in pairs["back"]}
    assert all(x != y for x, y in pairs["forward"])


@given(ledgers(), st.data())
def test_many_sources_are_the_union_of_single_ones(ledger: Ledger, data: st.DataObject):
    """One search from all sources finds what the single searches find together."""
    sources = data.draw(st.lists(st.sampled_from(lots_of(whole(ledger))), max_size=4))
    for direction in ("forward", "back"):
        assert found_from(ledger, sources, direction) == {y for x in sources for y in found_from(ledger, [x], direction)}


@given(ledgers(), st.randoms(use_true_random=False))
def test_the_order_of_postings_does_not_matter(ledger: Ledger, chance: random.Random):
    """The answer, its order included, is the same however the ledger is shuffled."""
    lots = rows_of(ledger)
    shuffled = list(ledger.postings)
    chance.shuffle(shuffled)
    for source in lots:
        answers = []
        for book in (ledger, Ledger(shuffled)):
            found = searched(book, [source], "forward")
            answers.append((found.lots, found.runs, recall(found, ITEMS, lots, is_finished=lambda item: item.code == "c")))
        assert answers[0] == answers[1]


@given(ledgers())
def test_law_1_balances_add_up(ledger: Ledger):
    """Every lot is accounted for, and what is on hand is what the ledger adds up to."""
    there: Counter[Key] = Counter()
    for (item, lot, _), steps in balances(ledger.postings).items():
        there[item, lot] += steps
    for key in rows_of(ledger):
        told = balance(ITEMS[key[0]], key, ledger.postings)
        assert told.unaccounted.is_zero
        assert told.on_hand == qty(f"{there[key]} kg")
        assert told.received + told.made + told.found + told.returned == (
            told.on_hand + told.used + told.shipped + told.supplier_returned + told.scrapped + told.sampled + told.count_loss
        )
        assert not [name for name in ("used", "made", "shipped", "scrapped") if getattr(told, name) < qty("0 kg")]


@given(ledgers(), st.data())
def test_content_is_conserved(ledger: Ledger, data: st.DataObject):
    """What a source had is all in the ends: what is left of lots, what left the house, what runs without output hold."""
    sources = data.draw(st.lists(st.sampled_from(lots_of(whole(ledger))), min_size=1, max_size=2, unique=True))
    of = sources[0][0]
    found = searched(ledger, sources, "forward")
    told = mixing(found, ITEMS, of)
    assume(None not in told.amounts.values())
    pure = {key for key in sources if key[0] == of}
    end = Fraction(0)
    for key in found.lots:
        used = sum(steps for (lot, _), steps in found.used.items() if lot == key)
        end += (told.amounts[key] or 0) * Fraction(told.sizes[key] - used, told.sizes[key]) if told.sizes[key] else 0
    for run in found.runs:
        made = {key: steps for (by, key), steps in found.made.items() if by == run}
        amount = told.amounts[run] or Fraction(0)
        kept = sum(steps for key, steps in made.items() if key in pure)  # it comes back into a source, which is counted whole
        end += amount * Fraction(kept, sum(made.values())) if made else amount
    assert end == told.total
    assert all(low <= (told.amounts[node] or 0) <= high for node, (low, high) in told.ranges.items())


@given(ledgers())
def test_what_left_the_house_and_what_is_in_it(ledger: Ledger):
    """The rows of a recall add up to its balances: places to on hand, shipments to shipped, returns to returned."""
    lots = rows_of(ledger)
    answer = recall(searched(ledger, lots, "forward"), ITEMS, lots, is_finished=lambda item: False)
    assert answer.finished_lots == ()
    nothing = qty("0 kg")
    for row in answer.balances:
        key = row.item, row.lot
        assert answer.on_hand.get(key, nothing) == row.on_hand
        for name, rows in (("shipped", answer.shipments), ("returned", answer.returns)):
            assert sum((ship.amount for ship in rows if (ship.item, ship.lot) == key), nothing) == getattr(row, name)
    assert str(answer)
    assert answer.to_csv().startswith("what,item,lot,")
