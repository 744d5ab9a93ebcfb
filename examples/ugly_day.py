"""One bad day: a batch fails its test, a stocktake comes up short, a date moves, a lot is retested, a drum is weighed back."""

from datetime import date

from krafte_core import BatchSize, Ingredient, Item, OrderLine, OrderStatus, Recipe, Workshop, qty
from krafte_core.testing import FakeClock

clock = FakeClock("2026-05-04 08:00", zone="Europe/Berlin")
shop = Workshop.in_memory(clock=clock)
shop.register(
    Item("shea", unit="kg"),
    Item("scent", unit="g"),
    Item("balm", unit="kg", release="by decision"),  # finished lots wait for the laboratory
    Recipe(
        "balm",
        makes="10 kg",
        ingredients=[Ingredient("shea", "9.9 kg"), Ingredient("scent", "100 g")],
        batch=BatchSize(exactly="10 kg"),
    ),
)
shop.stock.receive("shea", "25 kg", lot="SH-1", expires=date(2026, 6, 30))
shop.stock.receive("scent", "300 g", lot="SC-1")
spa = shop.orders.place(customer="Spa", lines=[OrderLine("balm", "9 kg")], requested=date(2026, 5, 8))
shop.orders.confirm(spa)
(run,) = shop.production.covering(spa)
shop.production.start(run)
assert shop.stock.level("shea").in_process == qty("9.9 kg") and shop.stock.level("shea").available == qty("15.1 kg")

# The drum goes back to the shelf, weighed: 9.8 kg were really used.
shop.production.give_back(run, "shea", "0.1 kg", lot="SH-1")
shop.production.complete(run, made="9.9 kg", lot="B-1")
assert shop.orders.status(spa) is OrderStatus.IN_PRODUCTION  # made, but not released

# The laboratory rejects it: the order's need is open again, and says so.
rejected = shop.stock.reject("balm", lot="B-1", reason="microbiology", by="QA")
assert [loss.order for loss in rejected.displaced] == [spa.number]
assert shop.orders.check(spa).shortages == ()  # 15.2 kg of shea and 200 g of scent are left: it can be made again
shop.orders.confirm(spa)  # netted again
(again,) = shop.production.covering(spa, open_only=True)

# The stocktake finds 12 kg of shea where the book says 15.2 kg, 9.9 kg of it reserved: the count is a fact.
counted = shop.stock.count("shea", "12 kg", lot="SH-1", reason="monthly stocktake")
assert counted.difference == -qty("3.2 kg") and counted.displaced == ()
short = shop.stock.count("shea", "9 kg", lot="SH-1", reason="second look")
assert [(loss.production, str(loss.amount)) for loss in short.displaced] == [(again.number, "0.9 kg")]

# More arrives; the old lot is retested and may be used longer; the customer moves the date.
shop.stock.receive("shea", "20 kg", lot="SH-2", expires=date(2027, 1, 31))
shop.stock.extend("shea", lot="SH-1", expires=date(2026, 9, 30), by="QA", reason="retest")
shop.orders.change(spa, requested=date(2026, 5, 20))
shop.orders.confirm(spa)
shop.production.start(again)
shop.production.complete(again, made="10 kg", lot="B-2")
shop.stock.release("balm", lot="B-2", by="QA")
assert shop.orders.status(spa) is OrderStatus.READY_TO_SHIP
shop.shipping.ship(spa)
balance = shop.trace.balance("shea", "SH-1")
assert balance.received == balance.used + balance.count_loss and balance.count_loss == qty("6.2 kg")
shop.stock.scrap("balm", "9.9 kg", lot="B-1", reason="rejected")  # blocked for use, never for scrapping
shop.verify()
