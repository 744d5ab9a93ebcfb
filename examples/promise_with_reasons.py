"""When can we deliver, why not earlier, and what would help?"""

from datetime import date

from krafte_core import Ingredient, Item, Offer, OrderLine, Recipe, ShippingMethod, Supplier, Workshop
from krafte_core.testing import FakeClock

shop = Workshop.in_memory(clock=FakeClock("2026-03-02 00:00", zone="Europe/Berlin"))
shop.register(
    Item("beeswax", unit="kg"),
    Item("cream", unit="kg"),
    Supplier("Imkerei Lang", offers=[Offer("beeswax", lead_time="4 days", minimum="5 kg", multiple="5 kg")]),
    ShippingMethod("road", transit="2 days"),
    Recipe("cream", makes="10 kg", ingredients=[Ingredient("beeswax", "2 kg")], lead_time="3 days"),
)
order = shop.orders.place(customer="Spa", lines=[OrderLine("cream", "10 kg")], requested=date(2026, 3, 9), shipping="road")

# Nothing in the house: 4 days to buy + 3 to make + 2 on the road.
late = shop.orders.promise(order)
assert late.date == date(2026, 3, 11) and late.days_late == 2
assert [(step.kind, step.name) for step in late.critical_path] == [
    ("purchase", "beeswax"),
    ("production", "cream"),
    ("transit", "road"),
]
print(late.explain())  # each step, from when to when, and what it waited for
assert shop.orders.promise(order, relaxing=late.binding).date == date(2026, 3, 7)  # with the beeswax at hand

# The seed's sum: production 3 days + shipping 2 days = delivered in 5 days.
shop.stock.receive("beeswax", "2 kg", lot="BW-7")
assert shop.orders.promise(order).date == date(2026, 3, 7)

# A what-if branch costs nothing and touches nothing.
trial = shop.fork()
trial.stock.hold("beeswax", lot="BW-7", reason="colour")
assert trial.orders.promise(order).date == date(2026, 3, 11)
assert shop.orders.promise(order).date == date(2026, 3, 7)

# An offer to the customer that holds material and capacity until Friday.
quote = shop.orders.quote(order, until="2026-03-06 18:00")
other = shop.orders.place(customer="Hotel", lines=[OrderLine("cream", "10 kg")], shipping="road")
assert shop.orders.promise(other).date == date(2026, 3, 11)  # the wax is taken
shop.orders.withdraw(quote)
assert shop.orders.promise(other).date == date(2026, 3, 7)
