"""A customer orders soap that does not exist yet: promised, made, shipped, and traced back to the oil."""

from datetime import date

from krafte_core import (
    BatchSize,
    Ingredient,
    Item,
    Operation,
    OrderLine,
    OrderStatus,
    Recipe,
    ShippingMethod,
    WorkCenter,
    Workshop,
    qty,
)
from krafte_core.testing import FakeClock

clock = FakeClock("2026-11-23 08:00", zone="Europe/Berlin")  # a Monday
shop = Workshop.in_memory(clock=clock)

# What we buy, make and sell. Olive oil is stocked in kilograms, the recipe speaks litres.
shop.register(
    Item("olive-oil", unit="kg", density="0.915 kg/L"),
    Item("lye", unit="kg"),
    Item("lavender-oil", unit="mL"),
    Item("carton", unit="each"),
    Item("soap-bar", unit="each"),
    WorkCenter("kettle", hours="Mon-Fri 08:00-16:00"),
    WorkCenter("bench", hours="Mon-Fri 08:00-16:00"),
    ShippingMethod("parcel", transit="2 days"),
    Recipe(
        "soap-bar",
        makes="100 each",
        ingredients=[
            Ingredient("olive-oil", "8 L"),
            Ingredient("lye", "1.05 kg"),
            Ingredient("lavender-oil", "200 mL"),
            Ingredient("carton", "100 each"),
        ],
        operations=[
            Operation("saponify", at="kettle", run="6 h"),
            Operation("cure", wait="28 days"),
            Operation("pack", at="bench", run="2 h"),
        ],
        batch=BatchSize(exactly="100 each"),
    ),
)

# Deliveries become lots.
shop.stock.receive("olive-oil", "30 kg", lot="OO-1", supplier="Frantoio", expires=date(2027, 9, 30))
shop.stock.receive("lye", "5 kg", lot="NA-1")
shop.stock.receive("lavender-oil", "150 mL", lot="LA-1", expires=date(2027, 3, 31))
shop.stock.receive("lavender-oil", "350 mL", lot="LA-2", expires=date(2027, 8, 31))
shop.stock.receive("carton", "500 each", lot="CA-1")
shop.stock.receive("soap-bar", "40 each", lot="SB-0")

# 1. A customer orders.
order = shop.orders.place(
    customer="Bio Markt",
    lines=[OrderLine("soap-bar", "240 each", price="3.20 EUR")],
    requested=date(2026, 12, 24),
    shipping="parcel",
)
assert shop.orders.status(order) is OrderStatus.RECEIVED

# 2. and 3. Do we have it? Do we have what it takes?
check = shop.orders.check(order)
print(check)
assert check.ok and not check.shortages
assert check.need("olive-oil").required == qty("14.64 kg")  # 16 L at 0.915 kg/L

# When, and why then? Two batches, one kettle (the second does not fit on Monday), 28 days of curing, two days on the road.
promise = shop.orders.promise(order)
print(promise)
assert promise.date == date(2026, 12, 24)
assert [step.name for step in promise.critical_path][-3:] == ["cure", "pack", "parcel"]

# 4. Confirm: the 40 bars are allocated, two productions are planned and linked, materials are reserved by lot.
shop.orders.confirm(order)
assert shop.orders.status(order) is OrderStatus.MATERIALS_RESERVED
first, second = shop.production.covering(order)
assert first.number == "PB-2026-11-001"
assert [link.order for link in shop.orders.covered_by(first)] == [order.number]

# 5. Produce. Starting puts the materials on the line; completing uses them and adds the finished lot, in one step.
shop.production.start(first)
assert shop.orders.status(order) is OrderStatus.IN_PRODUCTION
clock.set("2026-11-24 08:00")
shop.production.start(second)
clock.set("2026-12-21 16:00")
shop.production.complete(first, made="100 each", lot="SB-1")
clock.set("2026-12-22 16:00")
shop.production.complete(second, made="100 each", lot="SB-2")
assert shop.stock.level("olive-oil").on_hand == qty("15.36 kg")
assert shop.stock.level("lavender-oil").on_hand == qty("100 mL")

# 6. The finished bars are already allocated to the order that they were made for.
assert shop.orders.status(order) is OrderStatus.READY_TO_SHIP

# 7. Ship, deliver.
shipment = shop.shipping.ship(order, tracking="00340434161094042557")
assert shop.orders.status(order) is OrderStatus.SHIPPED
shop.shipping.deliver(shipment)
assert shop.orders.status(order) is OrderStatus.DELIVERED

# A complaint: which ingredients are in it, and where else did they go?
back = shop.trace.back("soap-bar", "SB-1")
assert {(lot.item, lot.code) for lot in back.lots} >= {("olive-oil", "OO-1"), ("lavender-oil", "LA-1"), ("lavender-oil", "LA-2")}
recall = shop.trace.recall("lavender-oil", "LA-1")
print(recall)
assert [lot.code for lot in recall.finished_lots] == ["SB-1"]  # the second batch never saw LA-1
assert recall.shipped_to("Bio Markt") == {"soap-bar": qty("100 each")}
shop.verify()  # every law of the books holds
