"""A trace on a database: the answers of memory, as many statements whatever the depth, and nothing loaded but the answer."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event

from krafte_core.errors import BrokenLaw, Unknown
from krafte_core.ledger import Ledger
from krafte_core.stock import Move, Posting
from krafte_core.store import Changes
from krafte_core.stores.memory import MemoryStore
from krafte_core.stores.sql import SqlStore, migrate
from krafte_core.trace import reach, reach_ahead, reach_in
from tests.rules.histories import DAY, ledgers
from tests.scenarios.test_tracing import MIX, PEPPER, SAUSAGE, filled

KG = 1_000_000


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request, tmp_path_factory):
    """One database for many workshops, each a tenant of its own."""
    if request.param == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path_factory.mktemp('traces') / 'many.db'}")
        with made.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    else:
        made = create_engine(request.getfixturevalue("postgres"))
    yield made
    made.dispose()


ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""PostgreSQL reads small tables as a whole, which is right."""


def another(engine):
    return SqlStore(engine, tenant=uuid.uuid4().hex, prefix="traces_")


def reading(reader):
    """What a search asks for, level by level."""
    return lambda lots, runs: reader.uses(lots=lots, runs=runs)


def nodes_of(ledger):
    keys = {move[:2] for posting in ledger.postings for move in posting.moves}
    return [*sorted(keys), *sorted({posting.paper for posting in ledger.postings} - {""})]


@given(data=st.data(), ledger=ledgers())
def test_memory_and_databases_find_the_same(engine, ledger: Ledger, data):
    """Any history, in any pieces, asked in any order, from one or many lots and runs: three stores and two searches say the same."""
    stores = [MemoryStore(), another(engine)]
    size = data.draw(st.integers(1, 6))
    for at in range(0, len(ledger.postings), size):
        for store in stores:
            store.commit(Changes(postings=[*ledger.postings[at : at + size]]))
    nodes = data.draw(st.permutations(nodes_of(ledger)))
    questions = [([node], way) for node in nodes for way in ("back", "forward")] + [(nodes[:3], "forward"), (nodes[-3:], "back")]
    for store in stores:
        with store.reading() as reader:
            index, read = reader.genealogy(), reading(reader)
            for names, way in questions:
                expected = reach(ledger.uses, names, way)
                assert reach_in(index, names, way) == expected
                assert reach(read, names, way) == expected


@given(data=st.data(), ledger=ledgers())
def test_memory_and_databases_find_the_same_of_any_time(engine, ledger: Ledger, data):
    """As of a time, in a window, both: level by level in memory, and in as many questions however deep on a database."""
    stores = [MemoryStore(), another(engine)]
    for store in stores:
        store.commit(Changes(postings=[*ledger.postings]))
    nodes = data.draw(st.permutations(nodes_of(ledger)))
    times = st.none() | st.integers(-1, len(ledger.postings) + 4).map(lambda hours: DAY + timedelta(hours=hours))
    for names in ([nodes[0]], nodes[:3]):
        limits = data.draw(st.fixed_dictionaries({"as_of": times, "since": times, "until": times}))
        for way in ("back", "forward"):
            expected = reach(ledger.uses, names, way, **limits)
            for store in stores:
                with store.reading() as reader:
                    read = reading(reader)
                    assert reach(read, names, way, **limits) == expected
                    if store is stores[1]:
                        assert reach_ahead(reader.may_find, read, names, way, **limits) == expected


QUESTIONS = {
    "recall": lambda shop: shop.trace.recall(PEPPER, "P-1", threshold="0.0025"),
    "back": lambda shop: shop.trace.back(SAUSAGE, "W-2"),
    "a supplier's lots": lambda shop: shop.trace.forward(shop.trace.lots(supplier="Meyer")),
    "as of": lambda shop: shop.trace.forward(PEPPER, "P-1", as_of="2026-11-23 13:30"),
    "a window": lambda shop: shop.trace.forward(MIX, "MIX-1", since="2026-11-23 14:30"),
    "levels": lambda shop: shop.trace.back(SAUSAGE, "W-2", levels=1),
    "common causes": lambda shop: shop.trace.common_causes([(SAUSAGE, "W-1"), (SAUSAGE, "W-2")]),
    "siblings": lambda shop: shop.trace.siblings(SAUSAGE, "W-2"),
    "dispersion": lambda shop: shop.trace.dispersion(shop.trace.lots(item=PEPPER)),
    "gaps of a time": lambda shop: shop.trace.gaps(since="2026-11-23 11:30", until="2026-11-23 14:30"),
    "documents": lambda shop: [*shop.trace.documents(since="2026-11-23 13:30")],
    "all documents": lambda shop: [*shop.trace.documents()],
    "all movements": lambda shop: shop.trace.movements(),
    "lots of a time": lambda shop: shop.trace.lots(since="2026-11-23 10:30", until="2026-11-23 13:00"),
    "a supplier's lot": lambda shop: shop.trace.lots(supplier_lot="GM-78"),
    "lots without supplier": lambda shop: shop.trace.lots(supplier=""),
    "an item's lots": lambda shop: shop.trace.lots(item=PEPPER, supplier="Meyer"),
    "gaps": lambda shop: shop.trace.gaps(),
    "movements": lambda shop: shop.trace.movements(since="2026-11-23 13:30"),
    "period": lambda shop: shop.trace.period_balance(MIX, since="2026-11-23 13:00"),
    "allergens": lambda shop: shop.trace.undeclared_allergens(),
    "record": lambda shop: shop.trace.batch_record("PB-2026-11-004"),
    "whole": lambda shop: sorted(shop.trace.whole_graph().edges),
}


def test_every_question_is_answered_as_in_memory(engine):
    (memory, _), (theirs, _) = filled(), filled(another(engine))
    for name, ask in QUESTIONS.items():
        assert ask(theirs) == ask(memory), name


def chain(store, length):
    """One lot after the other, each made from the one before."""
    rows = []
    for n in range(length):
        at = DAY + timedelta(minutes=n)
        moves = (Move("oil", f"L{n}", KG, "stock", "production"), Move("oil", f"L{n + 1}", KG, "production", "stock"))
        rows.append(Posting("run", f"B{n}", at, at, moves))
    store.commit(Changes(postings=rows))


@contextmanager
def heard(engine):
    """The statements that are sent."""
    sent = []

    def hear(*given):
        sent.append(given[2])

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def test_a_search_of_any_depth_is_two_statements(engine):
    """One for the lots and runs, one for the amounts of all runs; five thousand levels deep as well as one."""
    for length in (1, 5_000):
        store = another(engine)
        chain(store, length)
        with heard(engine) as sent, store.reading() as reader:
            sent.clear()
            found = reach_in(reader.genealogy(), [("oil", "L0")], "forward")
            assert len(sent) == 2
        assert (len(found.lots), len(found.runs)) == (length + 1, length)


@pytest.mark.parametrize("limits", [{"as_of": 90}, {"since": 0}, {"until": 90, "as_of": 90}], ids=str)
def test_a_question_about_times_is_as_many_statements_whatever_the_depth(engine, limits):
    """One for the lots and runs that may be in it, one for their uses; with a window three for the level that it is about."""
    times = {name: DAY + timedelta(minutes=minutes) for name, minutes in limits.items()}
    counts = []
    for length in (100, 3_000):
        store = another(engine)
        chain(store, length)
        with heard(engine) as sent, store.reading() as reader:
            sent.clear()
            found = reach_ahead(reader.may_find, reading(reader), [("oil", "L0")], "forward", **times)
            counts.append(len(sent))
        assert len(found.runs) == (91 if "as_of" in limits else length)
    assert counts == ([2, 2] if len(limits) == 1 and "as_of" in limits else [4, 4])


@ON_SQLITE
def test_no_plan_reads_a_whole_table(engine):
    """Also after ANALYZE, with which SQLite begins to read whole tables into Bloom filters."""
    store = another(engine)
    chain(store, 2_000)
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    with heard(engine) as sent, store.reading() as reader:
        reach_in(reader.genealogy(), [("oil", "L5"), "B7"], "forward")
        reach_in(reader.genealogy(), [("oil", "L5")], "back")
        reader.may_find([("oil", "L5"), "B7"], "forward", DAY)
        reader.may_find([("oil", "L5"), "B7"], "back", DAY)
        reader.uses(runs=[f"B{n}" for n in range(50)])
        plans = [row[3] for query in [*sent] if "SELECT" in query for row in explained(reader, query)]
    assert [line for line in plans if "BLOOM" in line or "SCAN traces" in line or "SCAN u" in line] == []
    assert any("traces_uses_run" in line for line in plans)


@ON_SQLITE
def test_lots_and_movements_are_found_by_their_indexes(engine):
    """Never by looking at all of them: what is asked for is a small part of the books."""
    store = another(engine)
    shop, _ = filled(store)
    plans = {}
    for name, ask in {**QUESTIONS, "supplier": lambda shop: shop.trace.lots(supplier="Meyer")}.items():
        with heard(engine) as sent:
            ask(shop)
        with store.reading() as reader:
            plans[name] = "; ".join(
                row[3] for query in sent if "BEGIN" not in query and "COMMIT" not in query for row in explained(reader, query)
            )
    assert "traces_lots_origin" in plans["a supplier's lot"]
    assert "traces_lots_supplier" in plans["supplier"]
    assert "traces_lots_since" in plans["lots of a time"]
    assert "traces_postings_time" in plans["movements"]
    assert "traces_postings_time" in plans["documents"]
    assert "traces_lots_noted" in plans["allergens"]
    assert "autoindex_traces_lots_1 (tenant=? AND item=?)" in plans["period"]


def explained(reader, query):
    return reader._session.run(f"EXPLAIN QUERY PLAN {query}", ("1",) * query.count("?")).fetchall()


SAME = [name for name in QUESTIONS if name not in ("allergens", "dispersion", "levels", "gaps", "whole")]


@pytest.mark.parametrize("question", SAME)
def test_a_question_costs_as_many_statements_however_much_is_in_the_books(engine, question):
    counts = []
    for more in (0, 15):
        store = another(engine)
        shop, _ = filled(store)
        for n in range(more):
            shop.stock.receive("salt", "8 kg", supplier="Saline")
            shop.stock.receive(PEPPER, "4 kg", lot=f"P-more-{n}", supplier="Meyer")
            shop.production.make(MIX, "10 kg", used={PEPPER: {f"P-more-{n}": "2 kg"}})
            shop.production.make(SAUSAGE, "5 kg", used={MIX: {"MIX-1": "100 g"}})
        ask = QUESTIONS[question]
        ask(shop)  # so that the catalogue is known
        with heard(engine) as sent:
            ask(shop)
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_lots_of_another_tenant_are_unknown_and_touch_nothing(engine):
    """Two makers in one database give their lots the same codes: each sees his own, and a lot of the other is a mistyped one."""
    (mine, _), (theirs, _) = filled(another(engine)), filled(another(engine))
    alone, _ = filled()
    theirs.stock.receive(PEPPER, "2 kg", lot="P-9", supplier="Meyer", supplier_lot="GM-77")
    theirs.production.make(SAUSAGE, "100 kg", lot="W-9")
    for name, ask in QUESTIONS.items():
        assert ask(mine) == ask(alone), name
    for ask in (mine.trace.recall, mine.trace.back, mine.trace.forward, mine.trace.exercise, mine.trace.balance):
        with pytest.raises(Unknown) as caught:
            ask(PEPPER, "P-9")
        assert caught.value.kind == f"lot of {PEPPER}"


def test_a_migration_makes_the_genealogy_of_a_ledger_that_had_none(engine):
    """Tables of the first version, with a ledger in them: afterwards every answer is the same, and new commits go on."""
    store = SqlStore(engine, tenant="old", prefix="older_")
    shop, _ = filled(store)
    expected = {name: ask(shop) for name, ask in QUESTIONS.items()}
    with engine.begin() as connection:
        for index in ("lots_since", "lots_supplier", "lots_origin", "lots_noted", "postings_time"):
            connection.exec_driver_sql(f"DROP INDEX older_{index}")
        for table in ("nodes", "uses"):
            connection.exec_driver_sql(f"DROP TABLE older_{table}")
        for column in ("supplier", "supplier_lot", "noted"):
            connection.exec_driver_sql(f"ALTER TABLE older_lots DROP COLUMN {column}")
        connection.exec_driver_sql("UPDATE older_version SET version_num = '0001'")
    assert migrate(engine, prefix="older_") == "0001"

    again = type(shop)(SqlStore(engine, tenant="old", prefix="older_"), clock=shop._office.clock)
    assert {name: ask(again) for name, ask in QUESTIONS.items()} == expected
    again.production.make(SAUSAGE, "50 kg", lot="W-9", used={MIX: {"MIX-1": "1 kg"}})
    assert "W-9" in {lot.code for lot in again.trace.forward(PEPPER, "P-1").lots}


# what a hand breaks -----------------------------------------------------------------------------------------------------

RUN = "(SELECT id FROM traces_nodes WHERE tenant = {tenant} AND item = '' AND code = 'PB-2026-11-003')"
LOT = f"(SELECT id FROM traces_nodes WHERE tenant = {{tenant}} AND item = '{MIX}' AND code = 'MIX-1')"
OF_THE_RUN = f"tenant = {{tenant}} AND run = {RUN}"
BY_HAND = {
    "an amount": (f"UPDATE traces_uses SET used = used + 7 WHERE {OF_THE_RUN} AND lot = {LOT}", ["PB-2026-11-003", f"{MIX} MIX-1"]),
    "in and out": (f"UPDATE traces_uses SET used = used + 7, made = made + 7 WHERE {OF_THE_RUN}", ["PB-2026-11-003", SAUSAGE]),
    "a lost link": (f"DELETE FROM traces_uses WHERE {OF_THE_RUN} AND lot = {LOT}", ["PB-2026-11-003", f"{MIX} MIX-1"]),
    "a lost run": (f"DELETE FROM traces_uses WHERE {OF_THE_RUN}", ["PB-2026-11-003", "run PB-2026-11-003, which nothing"]),
    "a lost name": (f"DELETE FROM traces_nodes WHERE tenant = {{tenant}} AND id = {LOT}", [f"{MIX} MIX-1", "a lot #"]),
    "another name": ("UPDATE traces_nodes SET code = 'MIX-9' WHERE tenant = {tenant} AND code = 'MIX-1'", ["MIX-1", "MIX-9"]),
    "another number": ("UPDATE traces_nodes SET id = 5 WHERE tenant = {tenant} AND code = 'MIX-1'", ["MIX-1", "#"]),
    "a made-up link": (
        f"INSERT INTO traces_uses SELECT tenant, lot, 99, used, made FROM traces_uses WHERE {OF_THE_RUN} AND lot = {LOT}",
        ["#99", f"{MIX} MIX-1"],
    ),
    "a made-up name": ("INSERT INTO traces_nodes VALUES ({tenant}, 'salt', 'SA-99', 99)", ["salt SA-99"]),
    "everything": ("DELETE FROM traces_nodes WHERE tenant = {tenant}", ["PB-2026-11-001", "PB-2026-11-004"]),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_a_genealogy_changed_by_hand_is_named_and_made_anew(engine, what):
    """The ledger is the truth: what differs is named with both figures, and afterwards every answer is what it was."""
    store, statement = another(engine), BY_HAND[what][0]
    (shop, _), (neighbour, _) = filled(store), filled(another(engine))
    expected = {name: ask(shop) for name, ask in QUESTIONS.items()}
    shop.verify()
    assert shop.rebuild() == 0
    with engine.begin() as connection:
        connection.exec_driver_sql(statement.format(tenant=store._tenant))
    with pytest.raises(BrokenLaw) as caught:
        shop.verify()
    findings = caught.value.findings
    assert all(finding.startswith("genealogy: ") for finding in findings)
    assert [name for name in BY_HAND[what][1] if not any(name in finding for finding in findings)] == []

    assert shop.rebuild() == len(findings)
    shop.verify()
    assert {name: ask(shop) for name, ask in QUESTIONS.items()} == expected
    shop.production.make(SAUSAGE, "50 kg", lot="W-9", used={MIX: {"MIX-1": "1 kg"}})
    assert "W-9" in {lot.code for lot in shop.trace.forward(PEPPER, "P-1").lots}
    shop.verify()
    neighbour.verify()


@given(data=st.data(), ledger=ledgers())
def test_the_genealogy_is_proven_and_made_anew_after_any_history(engine, ledger: Ledger, data):
    """Whatever happened, in any pieces: the copy is what the ledger says, also when it was lost and made anew in between."""
    store = another(engine)
    size = data.draw(st.integers(1, 6))
    pieces = [[*ledger.postings[at : at + size]] for at in range(0, len(ledger.postings), size)]
    lost = data.draw(st.integers(0, len(pieces)))
    for n, piece in enumerate(pieces):
        if n == lost:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"DELETE FROM traces_uses WHERE tenant = {store._tenant}")
            store.mend()
        store.commit(Changes(postings=piece))
    with store.reading() as reader:
        assert [*reader.astray()] == []
        for name in nodes_of(ledger):
            assert reach_in(reader.genealogy(), [name], "forward") == reach(ledger.uses, [name], "forward")
    assert store.mend() == 0
