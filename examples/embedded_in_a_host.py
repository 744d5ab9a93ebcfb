"""A host application keeps its workshop in a database, hears events, and survives restarts and many writers."""

import multiprocessing
import pathlib
import sys
import tempfile

from krafte_core import Item, OrderLine, Short, Workshop
from krafte_core.events import Event, OrderConfirmed


def order_one(url: str) -> str:
    """One of twenty writers wants one of ten units."""
    with Workshop.open(url) as shop:
        order = shop.orders.place(customer="web", lines=[OrderLine("candle", "1 each")])
        try:
            shop.orders.confirm(order, when_short="refuse")
        except Short as refusal:
            return refusal.code
    return "confirmed"


def main(url: str) -> None:
    """A delivery, twenty writers, and a restart, in the database at this URL."""
    with Workshop.open(url) as shop:
        shop.register(Item("candle", unit="each"))
        shop.stock.receive("candle", "10 each", lot="C-1")
        lot = shop.stock.receive("candle", "5 each", lot="C-2", key="delivery-4711")
        same = shop.stock.receive("candle", "5 each", lot="C-2", key="delivery-4711")  # a retry: nothing happens twice
        assert lot == same and str(shop.stock.level("candle").on_hand) == "15 each"
        shop.stock.scrap("candle", "5 each", lot="C-2", reason="bent")

    with multiprocessing.get_context("spawn").Pool(4) as pool:
        answers = pool.map(order_one, [url] * 20)
    assert sorted(set(answers)) == ["confirmed", "short"] and answers.count("confirmed") == 10

    heard: list[Event] = []
    with Workshop.open(url) as shop:  # a new process of the host
        shop.subscribe("mailer", heard.append, since="beginning")
        shop.deliver_events()  # from the outbox: nothing that happened before this line is lost
        assert sum(isinstance(event, OrderConfirmed) for event in heard) == 10
        assert shop.stock.level("candle").available.is_zero
        shop.verify()


if __name__ == "__main__":
    if len(sys.argv) > 1:  # any database that the store speaks, e.g. postgresql+psycopg://...
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(f"sqlite:///{pathlib.Path(folder, 'shop.db')}")
