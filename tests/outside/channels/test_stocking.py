"""How much each channel may offer: never more in all than is free, bundles by their scarcest part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Item, OrderLine, Workshop, qty
from krafte_core.channels.matching import Match
from krafte_core.channels.stocking import free_for, offers
from krafte_core.errors import InvalidInput, Unknown

ITEMS = {"soap": Item("soap", unit="each", packs={"case": 12}), "salt": Item("salt", unit="g")}
ROWS = [Match("soap", sku="SOAP"), Match({"soap": "1 case", "salt": "250 g"}, sku="SET")]


@given(st.integers(0, 5_000), st.lists(st.integers(0, 100), min_size=1, max_size=4), st.integers(0, 500))
def test_channels_that_share_what_is_free_never_offer_more_than_there_is(there, shares, spare):
    shares = [share * 100 // max(sum(shares), 100) for share in shares]
    free, safety = {"soap": qty(f"{there} each")}, {"soap": f"{spare} each"}
    offered = [offers(free, ROWS[:1], ITEMS, share=f"{share} %", safety=safety)["SOAP"] for share in shares]

    assert sum(offered) <= max(there - spare, 0)
    assert all(count >= 0 for count in offered)


@given(st.integers(0, 500), st.integers(0, 5_000))
def test_a_bundle_is_offered_as_often_as_all_of_it_is_there(soap, salt):
    found = offers({"soap": qty(f"{soap} each"), "salt": qty(f"{salt} g")}, ROWS, ITEMS)

    assert found == {"SOAP": soap, "SET": min(soap // 12, salt // 250)}


def test_what_is_promised_held_or_expired_is_not_offered():
    shop = Workshop.in_memory()
    shop.register(*ITEMS.values())
    for lot in ("S-1", "S-2"):
        shop.stock.receive("soap", "12 each", lot=lot)
    shop.stock.receive("soap", "12 each", lot="S-3", expires="2020-01-31")
    shop.stock.hold("soap", lot="S-2", reason="smell")
    shop.orders.confirm(shop.orders.place(customer="Anna", lines=[OrderLine("soap", "5 each")]))

    assert offers(free_for(shop, ROWS), ROWS, shop.catalogue.items) == {"SOAP": 7, "SET": 0}


def test_shares_and_goods_that_are_none_are_refused():
    for share in ("120 %", "-1 %", "half", "5 each"):
        with pytest.raises(InvalidInput):
            offers({}, ROWS, ITEMS, share=share)
    with pytest.raises(Unknown):
        offers({}, [Match("saop", sku="A")], ITEMS)
