"""A supplier recalls a lot of pepper: what is affected, where is it, who must be told, does the sum add up?"""

from krafte_core import Ingredient, Item, OrderLine, Recipe, Workshop, qty

shop = Workshop.in_memory()
shop.register(
    Item("pepper", unit="kg", step="1 g"),
    Item("salt", unit="kg"),
    Item("meat", unit="kg"),
    Item("spice-mix", unit="kg"),
    Item("sausage", unit="kg"),
    Recipe("spice-mix", makes="10 kg", ingredients=[Ingredient("pepper", "2 kg"), Ingredient("salt", "8 kg")]),
    Recipe("sausage", makes="100 kg", ingredients=[Ingredient("meat", "98 kg"), Ingredient("spice-mix", "2 kg")]),
)
for item, amount, lot in [
    ("pepper", "2 kg", "P-1"),
    ("pepper", "4 kg", "P-2"),
    ("salt", "50 kg", "SA-1"),
    ("meat", "500 kg", "M-1"),
]:
    shop.stock.receive(item, amount, lot=lot, supplier="Gewürz Meyer" if item == "pepper" else None)

shop.production.make("spice-mix", "10 kg", lot="MIX-1")  # plan, start and complete in one call: all of P-1
shop.production.make("spice-mix", "10 kg", lot="MIX-2")  # P-2
shop.production.make("sausage", "200 kg", lot="W-1")  # 4 kg of MIX-1
shop.production.make("sausage", "300 kg", lot="W-2", used={"spice-mix": {"MIX-1": "3 kg", "MIX-2": "3 kg"}})
order = shop.orders.place(customer="Kantine", lines=[OrderLine("sausage", "250 kg")])
shop.orders.confirm(order)  # oldest first: 200 kg of W-1, 50 kg of W-2
shop.shipping.ship(order)

recall = shop.trace.recall("pepper", "P-1")
assert {(lot.item, lot.code) for lot in recall.lots} == {
    ("pepper", "P-1"),
    ("spice-mix", "MIX-1"),
    ("sausage", "W-1"),
    ("sausage", "W-2"),
}
assert recall.shipped_to("Kantine") == {"sausage": qty("250 kg")}
assert recall.on_hand == {("spice-mix", "MIX-1"): qty("3 kg"), ("sausage", "W-2"): qty("250 kg")}

# W-2 holds 3 kg of MIX-1, a fifth of it pepper: 0.6 kg of P-1 in 300 kg.
assert recall.content("sausage", "W-2") == qty("600 g")
balance = shop.trace.balance("pepper", "P-1")
assert balance.received == balance.used and balance.unaccounted.is_zero
assert not recall.undecided  # an empty list is a statement, too
assert recall.graph.has_node(("lot", "pepper", "P-1"))  # a networkx.DiGraph: lot -> run -> lot -> shipment

# Block everything that is still in the house, in one command; a query alone never writes.
shop.stock.hold(recall.lots, reason="supplier recall")
assert shop.stock.level("sausage").available.is_zero
print(recall)
print(recall.to_csv())
