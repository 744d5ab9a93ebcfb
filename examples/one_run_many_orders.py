"""One production covers three orders; an order changes, another is cancelled, less comes out than planned, some jars break."""

from krafte_core import Ingredient, Item, OrderLine, OrderStatus, Recipe, Short, Workshop, qty

shop = Workshop.in_memory()
shop.register(
    Item("tomato", unit="kg"),
    Item("jar", unit="each", packs={"tray": 12}),
    Item("sauce", unit="each"),
    Recipe(
        "sauce",
        makes="1 each",
        ingredients=[
            Ingredient("tomato", "0.6 kg", loss="10 %"),
            Ingredient("jar", "1 each", follows="output"),  # goes on each piece, not into the charge
        ],
    ),
)
shop.stock.receive("tomato", "200 kg", lot="T-1")
shop.stock.receive("jar", "25 tray", lot="J-1")  # 300 jars
a, b, c = (
    shop.orders.place(customer=name, lines=[OrderLine("sauce", amount)])
    for name, amount in [("Anna", "60 each"), ("Ben", "30 each"), ("Cem", "90 each")]
)

run = shop.production.plan_for([a, b, c])  # confirms the orders with one run of 180, linked to all three
assert run.planned == qty("180 each")
assert run.need("tomato").required == qty("120 kg")  # 180 x 0.6 / (1 - 0.10)
assert {(link.order, str(link.amount)) for link in shop.orders.covered_by(run)} == {
    (a.number, "60 each"),
    (b.number, "30 each"),
    (c.number, "90 each"),
}

# Ben wants 50 instead of 30: netted again from his whole need; the run is still only planned, so it grows.
shop.orders.change(b, lines=[OrderLine("sauce", "50 each")])
assert shop.production.get(run).planned == qty("200 each")

# Anna cancels: her 60 become free output of the run; the others keep theirs.
shop.orders.cancel(a)
assert shop.orders.status(a) is OrderStatus.CANCELLED
assert shop.stock.level("sauce").incoming_free == qty("60 each")

# 190 good jars, 4 broken, 6 never became sauce; the tomatoes were weighed, the jars follow what was filled.
shop.production.start(run)
done = shop.production.complete(run, made="190 each", scrapped="4 each", used={"tomato": "131.5 kg"}, lot="S-1")
assert done.lost == qty("6 each")
assert done.deviations["tomato"].under  # planned 133.333334 kg
assert shop.stock.level("jar").on_hand == qty("106 each")
assert shop.orders.status(b) is OrderStatus.READY_TO_SHIP and shop.orders.status(c) is OrderStatus.READY_TO_SHIP
assert shop.stock.level("sauce").available == qty("50 each")  # 190 - 50 - 90

# Part of an order may leave; what is reserved for Cem is not for anyone else.
shop.shipping.ship(c, amounts={"sauce": "40 each"})
assert shop.orders.status(c) is OrderStatus.PARTLY_SHIPPED
late = shop.orders.place(customer="Dora", lines=[OrderLine("sauce", "51 each")])
try:
    shop.orders.confirm(late, make=False, when_short="refuse")  # from stock only
except Short as refusal:
    (shortage,) = refusal.shortages
    assert (shortage.item, shortage.available, shortage.missing) == ("sauce", qty("50 each"), qty("1 each"))
else:
    raise AssertionError("reserved stock was given away")

# A fact is never refused because of a promise: 60 jars fall from the shelf, 10 of them were Cem's.
broken = shop.stock.scrap("sauce", "60 each", lot="S-1", reason="fell")
assert [(loss.order, str(loss.amount)) for loss in broken.displaced] == [(c.number, "10 each")]

# A jar comes back from Cem, closed: into quarantine, same lot, and the trace knows.
shop.shipping.receive_return(c, amounts={"sauce": "1 each"}, lot="S-1", to="quarantine")
assert shop.stock.level("sauce").quarantined == qty("1 each")
shop.verify()
