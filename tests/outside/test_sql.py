"""What the stores on SQL promise beyond the contract: counted statements, named failures, the transaction of the host."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import create_engine, event

from krafte_core import Ingredient, Item, Operation, OrderLine, Recipe, WorkCenter, Workshop
from krafte_core.errors import BrokenLaw, Conflict, InvalidInput, OutOfRange, Short, StoreFailed
from krafte_core.stock import Move, Posting
from krafte_core.store import Changes
from krafte_core.stores.sql import JoinedStore, SqlStore
from krafte_core.testing import FakeClock
from krafte_core.testing.samples import DAY, everything, filing, lot, paper, stocking, telling, world

OIL = ("oil", "A", "stock")


@pytest.fixture
def store(url):
    made = SqlStore(url)
    yield made
    made.close()


def shop_on(store, **wishes):
    return Workshop(store, clock=FakeClock("2026-11-23 08:00"), by="Ada", **wishes)


def furnished(store):
    """A maker of bars: oil in stock, a kettle, a recipe."""
    shop = shop_on(store)
    cook = Operation("cook", at="kettle", run="1 min")
    shop.register(
        Item("oil", unit="kg"),
        Item("bar", unit="each"),
        WorkCenter("kettle", hours="Mon-Fri 08:00-16:00", capacity=1000),
        Recipe("bar", makes="1 each", ingredients=[Ingredient("oil", "1 kg")], operations=[cook]),
    )
    for n in range(5):
        shop.stock.receive("oil", "1000 kg", lot=f"O-{n}")
    return shop


def told(store):
    with store.reading() as reader:
        return everything(reader)


def at_once(*jobs):
    """Run each job in a thread of its own; their answers."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [asked.result(60) for asked in [pool.submit(job) for job in jobs]]


def set_by_hand(store, statement):
    with store.engine.begin() as connection:
        connection.exec_driver_sql(statement.format(tenant=store._tenant))


# statements -------------------------------------------------------------------------------------------------------------


class Counted:
    """How many statements the driver was given."""

    def __init__(self, engine):
        self.count = 0
        event.listen(engine, "before_cursor_execute", self._one)

    def _one(self, *given):
        self.count += 1

    def of(self, command):
        before = self.count
        answer = command()
        return self.count - before, answer


def _flow(shop, counted):
    """Statements of each command of one order."""
    orders, production = shop.orders, shop.production
    counts = {}
    counts["place"], order = counted.of(lambda: orders.place(customer="web", lines=[OrderLine("bar", "3 each")]))
    counts["check"], _ = counted.of(lambda: orders.check(order))
    counts["confirm"], confirmed = counted.of(lambda: orders.confirm(order))
    run = confirmed.productions[0]
    counts["status"], _ = counted.of(lambda: orders.status(order))
    counts["start"], _ = counted.of(lambda: production.start(run))
    counts["complete"], _ = counted.of(lambda: production.complete(run, made="3 each"))
    counts["ship"], _ = counted.of(lambda: shop.shipping.ship(order))
    counts["receive"], received = counted.of(lambda: shop.stock.receive("oil", "3 kg"))
    counts["scrap"], _ = counted.of(lambda: shop.stock.scrap("oil", "3 kg", lot=received.code, reason="spilt"))
    return counts


def test_a_command_has_the_same_number_of_statements_whatever_happened_before(store):
    shop, counted = furnished(store), Counted(store.engine)
    _flow(shop, counted)
    first = _flow(shop, counted)
    for _ in range(30):
        _flow(shop, counted)

    assert _flow(shop, counted) == first
    assert max(first.values()) <= 45, first
    print(first)


def test_an_order_of_many_lines_has_as_many_statements_as_one_of_two(store):
    """What a search reads of several items is read together, and one read of a paper brings its diary and its links."""
    shop = Workshop(store, clock=FakeClock("2026-11-23 08:00"))
    shop.register(*(Item(f"H{n}", unit="each") for n in range(8)))
    shop.bulk.receive([{"item": f"H{n}", "amount": "9 each", "lot": "L"} for n in range(8)])
    counted = Counted(store.engine)

    def statements(lines):
        order = shop.orders.place(customer="web", lines=[OrderLine(f"H{n}", "1 each") for n in range(lines)])
        return counted.of(lambda: shop.orders.confirm(order))[0]

    assert statements(2) == statements(8) <= 15
    shop.verify()


def test_many_commands_as_one_need_fewer_statements_than_one_by_one(store):
    shop, counted = furnished(store), Counted(store.engine)
    wants = [{"customer": f"customer {n}", "lines": [OrderLine("bar", "3 each")]} for n in range(10)]

    def single():
        placed = [shop.orders.place(**want) for want in wants]
        confirmed = [shop.orders.confirm(order) for order in placed]
        return [shop.production.start(number) for one in confirmed for number in one.productions]

    def together():
        confirmed = shop.bulk.confirm(shop.bulk.place(wants))
        return shop.bulk.start([number for one in confirmed for number in one.productions])

    one_by_one, begun = counted.of(single)
    at_once, _ = counted.of(together)

    assert len(begun) == 10
    assert at_once < one_by_one / 2, (at_once, one_by_one)
    assert counted.of(lambda: shop.bulk.place(wants))[0] == counted.of(lambda: shop.bulk.place(wants * 3))[0] <= 16
    shop.verify()


def test_every_question_is_answered_by_an_index(tmp_path):
    """Nothing looks through a whole table, also where the database has no statistics yet."""
    store = SqlStore(f"sqlite:///{tmp_path / 'shop.db'}")
    shop, asked = furnished(store), {}
    event.listen(store.engine, "before_cursor_execute", lambda *given: asked.setdefault(given[2], given[3]))
    _flow(shop, Counted(store.engine))
    shop.orders.cancel(shop.orders.place(customer="web", lines=[OrderLine("bar", "3 each")]), reason="no")
    shop.stock.hold("oil", lot="O-1", reason="look")
    with sqlite3.connect(tmp_path / "shop.db") as plain:
        plans = {
            statement: [row[3] for row in plain.execute(f"EXPLAIN QUERY PLAN {statement}", given)]
            for statement, given in asked.items()
            if statement.startswith("SELECT")
        }
    plain.close()
    store.close()

    assert len(plans) > 10
    looked_through = ("SCAN krafte", "SCAN p", "SCAN s", "SCAN t", "SCAN l", "(tenant=?)")
    assert [
        (plan, statement) for statement, plan in plans.items() if any(word in step for step in plan for word in looked_through)
    ] == []


def test_a_commit_is_one_statement_on_postgresql(postgres, tmp_path):
    store = SqlStore(f"{postgres}?tenant={tmp_path.name}")
    counted = Counted(store.engine)

    assert counted.of(lambda: store.commit(world()))[0] == 1
    assert counted.of(lambda: store.take_numbers("CO", 3))[0] == 1
    store.close()


# amounts and texts ------------------------------------------------------------------------------------------------------


def test_more_than_64_bits_of_steps_are_refused_and_nothing_is_stored(store):
    store.commit(stocking((lot("oil", "A"), "stock", 2**63 - 5, 0)))
    before = told(store)
    for more in (10, 2**63, 10**30):
        with pytest.raises(OutOfRange):
            store.commit(Changes(balances={OIL: (more, 0)}, events=telling("CO-1").events))

    assert told(store) == before


@pytest.mark.parametrize("text", ["half \ud800 a pair", "a NUL \0 within"])
def test_text_that_no_database_holds_is_refused_or_comes_back(store, text):
    changes = stocking((lot("oil", f"lot {text}"), "stock", 1, 0))
    if store.engine.dialect.name == "sqlite" and "\0" in text:
        store.commit(changes)
        with store.reading() as reader:
            assert [row.code for row in reader.rows("lots")] == [f"lot {text}"]
    else:
        with pytest.raises(InvalidInput) as caught:
            store.commit(changes)
        assert caught.value.field == "text"
        with store.reading() as reader:
            assert [*reader.rows("lots")] == []
    with store.reading() as reader:  # asking for it is no error
        assert reader.papers([text]) == {}
        assert reader.stamps([text]) == {text: 0}
        assert not reader.has_lots(text)
        assert reader.result(text) is None
        assert [*reader.lots_of(text, "expiry")] == []
        assert reader.find("order", customer=text) == []


def test_the_notes_of_an_order_hold_what_a_key_cannot(store):
    note = "half \ud800 a pair, a NUL \0 and 🧼"
    import attrs

    order = attrs.evolve(paper("CO-1"), notes=note)
    store.commit(filing(order))
    with store.reading() as reader:
        assert reader.papers(["CO-1"])["CO-1"].paper.notes == note


def test_an_empty_change_and_an_empty_question_are_fine(store):
    store.commit(Changes())
    with store.reading() as reader:
        assert reader.papers([]) == {}
        assert reader.postings() == []


# what a hand breaks -----------------------------------------------------------------------------------------------------

BROKEN = {
    "on hand": ("UPDATE krafte_stocked SET on_hand = on_hand + 7 WHERE tenant = {tenant} AND code = 'O-1'", "O-1"),
    "allocated": ("UPDATE krafte_stocked SET allocated = 7 WHERE tenant = {tenant} AND code = 'O-1'", "O-1"),
    "a move": ("UPDATE krafte_moves SET steps = steps - 7 WHERE tenant = {tenant} AND lot = 'O-2'", "O-2"),
    "a link": ("UPDATE krafte_allocations SET takes = takes + 7 WHERE tenant = {tenant} AND source = 'lot'", "oil"),
    "a lot's row": ("DELETE FROM krafte_stocked WHERE tenant = {tenant} AND code = 'O-3'", "O-3"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_verify_names_a_row_that_was_changed_by_hand(store, what):
    statement, name = BROKEN[what]
    shop = furnished(store)
    shop.orders.confirm(shop.orders.place(customer="web", lines=[OrderLine("bar", "3 each")]))
    shop.verify()
    set_by_hand(store, statement)
    with pytest.raises(BrokenLaw) as caught:
        shop.verify()

    assert any(name in finding for finding in caught.value.findings)


# what breaks outside ----------------------------------------------------------------------------------------------------


def test_a_full_disk_is_an_error_that_leaves_the_books_as_they_were(tmp_path):
    store = SqlStore(f"sqlite:///{tmp_path / 'shop.db'}")
    shop = furnished(store)
    before = told(store)

    def receive_many(count):
        for n in range(count):
            shop.stock.receive("oil", "1 kg", lot=f"X-{n}", attributes={"note": "x" * 150})

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = max(path.stat().st_size for path in tmp_path.iterdir())
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))  # no file can grow
        with pytest.raises(StoreFailed):
            receive_many(500)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    assert told(store)["stamps"] == before["stamps"]
    shop.verify()
    shop.stock.receive("oil", "1 kg", lot="after")
    shop.verify()
    store.close()


def test_a_file_that_may_only_be_read_is_read_and_not_written(tmp_path):
    path = tmp_path / "shop.db"
    store = SqlStore(f"sqlite:///{path}")
    furnished(store)
    before = told(store)
    store.close()
    store = SqlStore(f"sqlite:///file:{path}?mode=ro&uri=true")

    assert told(store) == before
    with pytest.raises(StoreFailed) as caught:
        shop_on(store).stock.receive("oil", "1 kg", lot="X-1")
    assert "readonly" in caught.value.problem
    assert told(store) == before
    store.close()


def test_a_connection_that_is_lost_in_mid_command_is_named_and_the_next_one_works(postgres, tmp_path):
    store = SqlStore(f"{postgres}?tenant={tmp_path.name}")
    shop = furnished(store)
    before = told(store)

    def cut(connection, cursor, statement, parameters, context, many):
        if statement.lstrip().startswith("WITH"):
            other = create_engine(postgres)
            with other.begin() as killer:
                pid = cursor.connection.info.backend_pid
                killer.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            other.dispose()

    event.listen(store.engine, "before_cursor_execute", cut)
    with pytest.raises(StoreFailed) as caught:
        shop.stock.receive("oil", "5 kg", lot="X-1", key="delivery")
    event.remove(store.engine, "before_cursor_execute", cut)

    assert caught.value.lost
    assert told(store) == before
    assert shop.stock.receive("oil", "5 kg", lot="X-1", key="delivery").code == "X-1"
    shop.verify()
    store.close()


def test_a_server_that_was_away_between_two_commands_is_found_again(postgres, tmp_path):
    """Connections that lay ready are dead after that; nothing was asked of them yet, so nobody hears of it."""
    store = SqlStore(f"{postgres}?tenant={tmp_path.name}")
    with Workshop(store) as shop:
        shop.register(Item("oil", unit="kg"))
        for session in store.connections._idle:
            other = create_engine(postgres)
            with other.begin() as killer:
                pid = session.connection.connection.driver_connection.info.backend_pid
                killer.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            other.dispose()

        assert shop.stock.receive("oil", "5 kg", lot="X-1").code == "X-1"
        shop.verify()


# the host's transaction -------------------------------------------------------------------------------------------------


@pytest.fixture
def host(url, tmp_path):
    """The host's engine, with a table of its own."""
    plain = url.partition("?")[0]
    engine = create_engine(plain)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS invoices")
        connection.exec_driver_sql("CREATE TABLE invoices (number TEXT)")
    yield engine
    engine.dispose()


@pytest.fixture
def tenant(tmp_path):
    return {"tenant": tmp_path.name}


def test_a_command_and_the_host_s_own_rows_are_one_transaction(host, tenant):
    own = SqlStore(host, **tenant)
    furnished(own)
    before = told(own)
    for end in ("rollback", "commit"):
        with host.connect() as connection:
            shop = shop_on(JoinedStore(connection, **tenant))
            order = shop.orders.place(customer="web", lines=[OrderLine("bar", "3 each")])
            connection.exec_driver_sql(f"INSERT INTO invoices VALUES ('{order.number}')")
            shop.orders.confirm(order)
            assert shop.orders.status(order).value == "materials reserved"
            getattr(connection, end)()
        with host.connect() as connection:
            invoices = connection.exec_driver_sql("SELECT number FROM invoices").fetchall()
        if end == "rollback":
            assert told(own) == before
            assert invoices == []
    # The number of the first went back with it.
    assert [row[0] for row in invoices] == [order.number] == ["CO-2026-11-001"]
    assert len(shop_on(own).orders.find()) == 1
    shop_on(own).verify()


def test_a_refused_command_leaves_the_host_s_transaction_usable(host, tenant):
    furnished(SqlStore(host, **tenant))
    with host.begin() as connection:
        connection.exec_driver_sql("INSERT INTO invoices VALUES ('before')")
        store = JoinedStore(connection, **tenant)
        shop = shop_on(store)
        order = shop.orders.place(customer="web", lines=[OrderLine("bar", "99999 each")])
        with pytest.raises(Short):
            shop.orders.confirm(order, when_short="refuse")
        with pytest.raises(Conflict):
            store.commit(Changes(stamps={order.number: 99}))
        connection.exec_driver_sql("INSERT INTO invoices VALUES ('after')")
        shop.stock.receive("oil", "5 kg", lot="X-1")
    with host.connect() as connection:
        assert len(connection.exec_driver_sql("SELECT number FROM invoices").fetchall()) == 2
    shop = shop_on(SqlStore(host, **tenant))
    assert shop.stock.lot("oil", "X-1").item == "oil"
    shop.verify()


def test_a_failed_guard_is_the_host_s_at_once(host, tenant, monkeypatch):
    own = SqlStore(host, **tenant)
    furnished(own)
    tried = []
    with host.begin() as connection:
        store = JoinedStore(connection, **tenant)
        commit = store.commit

        def stale(changes):
            tried.append(changes)
            changes.stamps = dict.fromkeys(changes.stamps, 99)
            commit(changes)

        monkeypatch.setattr(store, "commit", stale)
        with pytest.raises(Conflict) as caught:
            shop_on(store).orders.place(customer="web", lines=[OrderLine("bar", "3 each")])

    assert (len(tried), caught.value.tries) == (1, 1)


def test_events_of_a_joined_command_come_with_the_host_s_commit(host, tenant):
    own = SqlStore(host, **tenant)
    shop = furnished(own)
    heard = []
    shop.subscribe("box", heard.append, since="now")
    for end in ("rollback", "commit"):
        with host.connect() as connection:
            shop_on(JoinedStore(connection, **tenant)).stock.receive("oil", "5 kg", lot="X-1")
            getattr(connection, end)()
        shop.deliver_events()
        assert len(heard) == (end == "commit")


def test_tables_can_be_made_inside_the_host_s_transaction(url, tmp_path):
    engine = create_engine(url.partition("?")[0])
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with engine.connect() as connection:
        JoinedStore(connection, prefix="trial_")
        connection.rollback()
    with engine.connect() as connection:
        shop = shop_on(JoinedStore(connection, prefix="trial_"))
        shop.register(Item("lye", unit="kg"))
        connection.rollback()  # so that the server is as it was
    engine.dispose()


# the outbox -------------------------------------------------------------------------------------------------------------


def test_an_event_whose_transaction_ends_late_is_not_passed_over(host, tenant):
    if host.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing ends late")
    own = SqlStore(host, **tenant)
    own.outbox.subscribe("box", "beginning")
    with host.connect() as late:
        JoinedStore(late, **tenant).commit(telling("CO-1"))
        own.commit(telling("CO-2"))
        first = own.outbox.lease("box", 10, DAY)
        own.outbox.settle("box", [row.id for row in first])
        late.commit()
    second = own.outbox.lease("box", 10, DAY)

    assert [row.event.document for row in (*first, *second)] == ["CO-2", "CO-1"]


def test_a_box_that_is_opened_while_somebody_writes_misses_nothing(host, tenant):
    if host.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    own = SqlStore(host, **tenant)
    with host.connect() as late:
        JoinedStore(late, **tenant).commit(telling("CO-1"))

        def finish():
            import time

            time.sleep(0.3)  # the subscriber waits by then; if it does not, the test is easier, not wrong
            late.commit()

        at_once(finish, partial(own.outbox.subscribe, "box", "beginning"))

    assert [row.event.document for row in own.outbox.lease("box", 10, DAY)] == ["CO-1"]


# one workshop, many threads ---------------------------------------------------------------------------------------------


def test_one_workshop_serves_threads(store):
    shop = furnished(store)

    def work(n):
        for m in range(3):
            order = shop.orders.place(customer=f"thread {n}", lines=[OrderLine("bar", "2 each")])
            run = shop.orders.confirm(order).productions[0]
            shop.production.start(run)
            shop.stock.receive("oil", "1 kg", lot=f"T-{n}-{m}")
        return n

    assert at_once(*(partial(work, n) for n in range(6))) == [*range(6)]
    assert len({order.number for order in shop.orders.find(limit=1000)}) == 18
    shop.verify()


def test_one_workshop_serves_async_code_through_to_thread(store):
    shop = furnished(store)

    async def one(n):
        order = await asyncio.to_thread(shop.orders.place, customer=f"task {n}", lines=[OrderLine("bar", "1 each")])
        return await asyncio.to_thread(shop.orders.confirm, order)

    async def main():
        return await asyncio.gather(*(one(n) for n in range(12)))

    assert len(asyncio.run(main())) == 12
    shop.verify()


# moments ----------------------------------------------------------------------------------------------------------------


def test_a_fork_lets_go_of_its_connection(store):
    shop = furnished(store)
    for _ in range(3):
        shop.preview(lambda trial: trial.orders.place(customer="x", lines=[OrderLine("bar", "1 each")]))
    import gc

    gc.collect()

    assert len(store.connections) == store.engine.pool.checkedout(), "every connection lies ready"


def test_a_fork_that_is_closed_and_one_that_is_forgotten_leave_no_connection_behind(tmp_path):
    shop = furnished(SqlStore(f"sqlite:///{tmp_path / 'shop.db'}"))
    with shop.fork() as closed:
        assert closed.orders.place(customer="x", lines=[OrderLine("bar", "1 each")]).number == "CO-draft-001"
    with pytest.raises(StoreFailed):
        closed.stock.level("oil")
    kept = shop.fork()
    shop.close()
    with pytest.raises(StoreFailed):
        kept.stock.level("oil")
    assert not [one.name for one in tmp_path.iterdir() if one.name.endswith("-wal")], "the last connection takes the log along"


def test_verify_and_rebuild_need_no_more_memory_for_a_longer_history(tmp_path):
    """Ten times the movements of the same lots: the peak stays where it is."""

    def peaks(movements):
        store = SqlStore(f"sqlite:///{tmp_path / str(movements)}.db")
        shop, at = shop_on(store), DAY - timedelta(days=1)
        shop.register(Item("oil", unit="g", step="1 g"))
        codes = [f"O-{n}" for n in range(100)]
        shop.bulk.receive([{"item": "oil", "amount": f"{movements} g", "lot": code} for code in codes], happened_at=at)
        for part in range(0, movements, 500):
            rows = [
                Posting("scrap", "", DAY, DAY, (Move("oil", codes[n % 100], 1, "stock", "scrap"),)) for n in range(part, part + 500)
            ]
            store.commit(Changes(postings=rows, balances={("oil", code, "stock"): (-5, 0) for code in codes}))
        found = []
        for command in (shop.verify, shop.rebuild):
            command()
            gc.collect()
            gc.freeze()  # or the collector waits the longer the more other tests have left behind
            tracemalloc.start()
            command()
            found.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            gc.unfreeze()
        shop.close()
        return found

    for short, long in zip(peaks(2_000), peaks(20_000), strict=True):
        assert long < 1.3 * short, (short, long)


def test_a_copy_of_the_file_is_a_backup(tmp_path):
    store = SqlStore(f"sqlite:///{tmp_path / 'shop.db'}")
    furnished(store)
    with sqlite3.connect(tmp_path / "shop.db") as source, sqlite3.connect(tmp_path / "backup.db") as target:
        source.backup(target)
    source.close()
    target.close()
    copy = SqlStore(f"sqlite:///{tmp_path / 'backup.db'}")

    assert told(copy) == told(store)
    for one in (store, copy):
        one.close()


def test_importing_the_library_loads_no_database():
    names = "'sqlalchemy', 'alembic', 'psycopg'"
    code = f"import sys, krafte_core; krafte_core.Workshop.in_memory(); sys.exit(any(name in sys.modules for name in ({names})))"

    assert subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ}).returncode == 0
