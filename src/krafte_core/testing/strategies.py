"""Hypothesis strategies for the values of the library: what a host's own property tests draw from.

Whoever has Hypothesis installed finds them through `from_type`, without an import: `from_type(Item)`, `from_type(CustomerOrder)`.
The functions here take wishes besides. What they draw is right in itself: a recipe compiles against its items, the lines of an
order are whole steps.

>>> from hypothesis import find
>>> from krafte_core.testing.strategies import items
>>> find(items(unit="kg"), lambda item: item.density is not None).unit
'kg'
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from importlib import import_module
from typing import Any

import attrs

from krafte_core import events
from krafte_core.addresses import Address
from krafte_core.calendars import Calendar
from krafte_core.durations import KINDS as DURATION_KINDS
from krafte_core.durations import Duration, Kind
from krafte_core.errors import Conflict, Unknown
from krafte_core.forecasts import Forecast
from krafte_core.growth import Growth
from krafte_core.items import KINDS, MOST_STEPS, PICKING_RULES, RELEASES, Item
from krafte_core.money import Money, UnroundedMoney
from krafte_core.orders import DELIVERIES, CustomerOrder, OrderLine
from krafte_core.packing import Box
from krafte_core.prices import Customer, Price, PriceList
from krafte_core.production import ProductionOrder
from krafte_core.purchasing import PurchaseLine, PurchaseOrder
from krafte_core.quality import Check
from krafte_core.quantities import Quantity
from krafte_core.recipes import BatchSize, Formula, Ingredient, Operation, Output, Recipe, Substitute, compiled
from krafte_core.resources import Offer, ShippingMethod, Supplier, WorkCenter
from krafte_core.stock import DISPOSITIONS, ORIGINS, Lot, Move, Place
from krafte_core.tracking import KINDS as TRACKING
from krafte_core.tracking import TrackingEvent
from krafte_core.wire import TYPES


def register() -> None:
    """Tell Hypothesis which strategy belongs to which class; it calls this itself whenever it is imported.

    Words, rules and papers are registered; the shop, pint, networkx and databases are not even loaded for it.

    >>> register()
    """
    from hypothesis import strategies  # noqa: PLC0415 - see below

    for home, own in TYPES.values():
        if home.removeprefix("krafte_core.") in _REGISTERED:
            kind = getattr(import_module(home), own)
            strategies.register_type_strategy(kind, partial(_of, kind))


def _of(kind: type, _asked: type) -> Any:  # Hypothesis may ask with a base class
    return values(kind)


_REGISTERED = frozenset({
    "addresses", "allocation", "availability", "batches", "calendars", "coverage", "diary", "durations", "errors", "events", "growth",
    "ingredients", "items", "lines", "money", "operations", "orders", "production", "purchasing", "quantities", "recipes",
    "resources", "shipping", "stock",
})  # fmt: skip

# Hypothesis calls `register` while it is being imported, so this module may be half loaded then: what it needs stands above.
from hypothesis import strategies as st  # noqa: E402
from hypothesis.strategies import SearchStrategy  # noqa: E402

UNITS = ("kg", "g", "L", "mL", "m", "each")
CURRENCIES = ("EUR", "USD", "CHF", "JPY", "KWD")
_STEPS = {"kg": ("1 g", "0.5 kg", None), "g": ("1 mg", None), "L": ("1 mL", None), "mL": ("0.01 mL", None), "m": ("1 mm", None)}
_HOURS = ("Mon-Fri 08:00-16:00", "Mon-Thu 06:00-14:00, 14:30-22:00; Fri 06:00-12:00", "daily 22:00-06:00", "24/7")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABC0123456789-_/.äöß漢é"
_DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))

# --------------------------------------------------------------------------------------------------------------- words


def codes() -> SearchStrategy[str]:
    """Names of things: short, on one line, also with letters beyond ASCII."""
    return st.text(_LETTERS, min_size=1, max_size=12)


def instants() -> SearchStrategy[datetime]:
    """Moments of this century in UTC."""
    return st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds have no zone


def days() -> SearchStrategy[date]:
    """Days of this century."""
    return _DAYS


def quantities(unit: str | None = None) -> SearchStrategy[Quantity]:
    """Amounts, also negative ones and zero, in one unit or in any."""
    numbers = st.decimals(-(10**9), 10**9, places=6, allow_nan=False, allow_infinity=False)
    return st.builds(Quantity, numbers, st.sampled_from(UNITS) if unit is None else st.just(unit))


def moneys(currency: str | None = None) -> SearchStrategy[Money]:
    """Money, also finer than a cent, in one currency or in any."""
    numbers = st.decimals(-(10**9), 10**9, places=4, allow_nan=False, allow_infinity=False)
    return st.builds(Money, numbers, st.sampled_from(CURRENCIES) if currency is None else st.just(currency))


def durations(kind: Kind | None = None) -> SearchStrategy[Duration]:
    """Durations of one kind or of any: up to a hundred days."""
    return st.sampled_from(DURATION_KINDS if kind is None else (kind,)).flatmap(
        lambda one: st.builds(Duration, st.integers(1, 100 if one == "working days" else 100 * 86_400), st.just(one))
    )


def passing() -> SearchStrategy[Duration]:
    """Durations that pass by themselves: elapsed time and working days, for waits, lead times and transit."""
    return durations("elapsed") | durations("working days")


def host_attributes() -> SearchStrategy[tuple[tuple[str, Any], ...]]:
    """The host's own attributes of a thing, sorted as the library keeps them."""
    plain = st.none() | st.booleans() | st.integers(-MOST_STEPS, MOST_STEPS) | st.text("aä ,\n'\"\\{}", max_size=8)
    return st.dictionaries(codes(), plain, max_size=3).map(lambda found: tuple(sorted(found.items())))


def calendars() -> SearchStrategy[Calendar]:
    """Working calendars with closures and extra openings; without public holidays, which need an extra of the library."""
    return st.builds(
        Calendar,
        codes(),
        st.sampled_from(_HOURS),
        st.sampled_from((None, "UTC", "Europe/Berlin", "Asia/Kolkata")),
        st.lists(_DAYS | st.tuples(_DAYS, _DAYS).map(lambda pair: (min(pair), max(pair))), max_size=3),
        st.lists(st.tuples(_DAYS, st.just("08:00-12:00")), max_size=2),
        rules=st.sampled_from(((), ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24",))),
    )


def quality_checks() -> SearchStrategy[Check]:
    """Quality checks with limits, one of them, or none."""
    limits = st.lists(st.decimals(-100, 100, places=2), min_size=2, max_size=2).map(sorted)
    return st.tuples(codes(), limits, st.booleans(), st.booleans(), st.sampled_from(("", "%", "mPa s"))).map(
        lambda row: Check(row[0], least=row[1][0] if row[2] else None, most=row[1][1] if row[3] else None, unit=row[4])
    )


@st.composite
def items(draw: st.DrawFn, unit: str | None = None, code: str | None = None) -> Item:
    """Items with their own steps, densities and packs."""
    own = draw(st.sampled_from(UNITS)) if unit is None else unit
    contents = st.integers(1, 48) | st.just("250 g" if own in ("kg", "g") else f"5 {own}")
    packs = draw(st.dictionaries(st.sampled_from(("case", "tray", "drum")), contents, max_size=2))
    if own == "each" and draw(st.booleans()):
        packs |= {"each": "58 g", "sack": "29 kg"}  # what one piece weighs, and a pack by weight
    return Item(
        draw(codes()) if code is None else code,
        unit=own,
        step=draw(st.sampled_from(_STEPS.get(own, (None,)))),
        density=draw(st.sampled_from((None, "0.915 kg/L", "1200 g/L"))) if own in ("kg", "g", "L", "mL") else None,
        packs=packs,
        kind=draw(st.sampled_from(KINDS)),
        pick=draw(st.sampled_from(PICKING_RULES)),
        release=draw(st.sampled_from(RELEASES)),
        checks=draw(st.lists(quality_checks(), max_size=2, unique_by=lambda check: check.name)),
        name=draw(st.sampled_from(("", "Olive oil", "Olivenöl"))),
        attributes=draw(host_attributes()),
    )


def _item_lists() -> SearchStrategy[list[Item]]:
    return st.lists(items(), min_size=2, max_size=5, unique_by=lambda item: item.code)


def places() -> SearchStrategy[Place]:
    """Places in the house."""
    return st.builds(Place, codes().map("at {}".format), within=st.none() | st.just("stock"), usable=st.booleans())


def work_centers() -> SearchStrategy[WorkCenter]:
    """Work centers with hours, with a calendar, or always open."""
    by_hours = st.builds(WorkCenter, codes(), hours=st.none() | st.sampled_from(_HOURS), capacity=st.integers(1, 3))
    return by_hours | st.builds(WorkCenter, codes(), calendar=calendars(), attributes=host_attributes())


# --------------------------------------------------------------------------------------------------------------- rules


def operations() -> SearchStrategy[Operation]:
    """Work at a work center, a wait, or work followed by a wait."""
    work = durations("working time")
    busy = st.builds(Operation, codes(), at=codes(), setup=st.none() | work, run=work, per=st.sampled_from(("amount", "batch")),
                     wait=st.none() | durations("elapsed"), pausable=st.booleans())  # fmt: skip
    return busy | st.builds(Operation, codes(), wait=passing())


@st.composite
def _ingredients(draw: st.DrawFn, among: Sequence[Item]) -> Ingredient:
    """At least a thousand steps of an item, so that no rounding is refused."""
    item = draw(st.sampled_from(among))
    others = [Substitute(other.code) for other in among if other.unit == item.unit and other is not item]
    return Ingredient(
        item.code,
        str(item.quantity(draw(st.integers(1000, 10**7)))),
        loss=draw(st.sampled_from((Fraction(0), "10 %", Fraction(1, 3)))),
        overage=draw(st.sampled_from((Fraction(0), "2.5 %"))),
        follows=draw(st.sampled_from(("charge", "output"))),
        from_stock=draw(st.booleans()),
        per=draw(st.sampled_from(("amount", "amount", "amount", "batch"))),
        multiple=draw(st.sampled_from((None, None, str(item.quantity(7))))),
        substitutes=others[:1] if draw(st.booleans()) else (),
        note=draw(st.sampled_from(("", "grated"))),
    )


def growths() -> SearchStrategy[Growth]:
    """The ways in which a line grows otherwise than evenly."""
    points = ((Fraction(10), Fraction(4)), (Fraction(20), Fraction(6)))
    every = st.fractions(min_value=Fraction(1, 10), max_value=100, max_denominator=100)
    started = st.builds(Growth, st.just("started"), every)
    return started | st.sampled_from((Growth("batch"), Growth("table", points=points), Growth("formula", Fraction(5), name="host@1")))


@st.composite
def recipes_with_items(draw: st.DrawFn) -> tuple[Recipe, dict[str, Item]]:
    """A recipe together with items that it compiles against."""
    product, *others = draw(_item_lists())
    makes = draw(st.integers(1, 10**6))
    size = str(product.quantity(makes * draw(st.integers(1, 3))))
    timed = draw(st.booleans())
    recipe = Recipe(
        product.code,
        makes=str(product.quantity(makes)),
        ingredients=draw(st.lists(_ingredients(others), min_size=1, max_size=4)),
        operations=draw(st.lists(operations(), max_size=3, unique_by=lambda one: one.name)) if timed else (),
        lead_time=None if timed else draw(st.none() | passing()),
        batch=draw(st.sampled_from((None, BatchSize(exactly=size), BatchSize(min=size, multiple=size)))),
        process_yield=draw(st.sampled_from((Fraction(1), Fraction(95, 100)))),
        calendar=draw(st.none() | calendars()),
        attributes=draw(host_attributes()),
    )
    return recipe, {item.code: item for item in (product, *others)}


def recipes() -> SearchStrategy[Recipe]:
    """Recipes without their items; see `recipes_with_items`."""
    return recipes_with_items().map(lambda found: found[0])


def formulas() -> SearchStrategy[Formula]:
    """Recipes in whole steps, with the items that they make."""
    return recipes_with_items().map(lambda found: compiled(*found))


def lots(item: str | None = None) -> SearchStrategy[Lot]:
    """Lots of one item or of any."""
    return st.builds(
        Lot,
        codes() if item is None else st.just(item),
        codes(),
        origin=st.sampled_from(ORIGINS),
        paper=st.just("") | codes(),
        received_at=instants(),
        supplier=st.none() | codes(),
        supplier_lot=st.none() | codes(),
        owner=st.none() | codes(),
        expires=st.none() | days(),
        disposition=st.sampled_from(DISPOSITIONS),
        unit_cost=st.none() | moneys(),
        attributes=host_attributes(),
        revision=st.integers(1, 9),
    )


# -------------------------------------------------------------------------------------------------------------- papers


def _lines(line: Any, among: Sequence[Item]) -> SearchStrategy[Any]:
    def make(item: Item, steps: int, price: Money | None, ref: int) -> Any:
        amount = item.quantity(steps)
        return line(item.code, amount, price=price, ref=str(ref), given=str(amount), steps=steps)

    one = st.builds(make, st.sampled_from(among), st.integers(1, 10**9), st.none() | moneys("EUR"), st.integers(1, 99))
    return st.lists(one, min_size=1, max_size=3, unique_by=lambda made: made.ref).map(tuple)


@st.composite
def orders(draw: st.DrawFn, among: Sequence[Item] | None = None) -> CustomerOrder:
    """Customer orders as `place` writes them, about these items or any."""
    listed = among or draw(_item_lists())
    return CustomerOrder(
        f"CO-2026-11-{draw(st.integers(1, 9999)):03d}",
        draw(codes()),
        draw(_lines(OrderLine, listed)),
        placed_at=draw(instants()),
        requested=draw(st.none() | days()),
        shipping=draw(st.none() | codes()),
        ship_to=draw(st.none() | values(Address)),
        priority=draw(st.integers(-9, 9)),
        notes=draw(st.sampled_from(("", "Bitte klingeln!\n"))),
        attributes=draw(host_attributes()),
        delivery=draw(st.sampled_from(DELIVERIES)),
        discount=draw(st.none() | st.fractions(0, 1) | moneys("EUR")),
        shipping_price=draw(st.none() | moneys("EUR")),
        tax_included=draw(st.booleans()),
    )


@st.composite
def productions(draw: st.DrawFn) -> ProductionOrder:
    """Production orders with their own copy of a recipe."""
    recipe, known = draw(recipes_with_items())
    steps = draw(st.integers(1, 10**6))
    start, end = sorted(draw(st.tuples(instants(), instants())))
    return ProductionOrder(
        f"PB-2026-11-{draw(st.integers(1, 9999)):03d}",
        recipe.item,
        known[recipe.item].quantity(steps),
        steps,
        recipe,
        compiled(recipe, known).lines,
        planned_at=start,
        planned_start=draw(st.sampled_from((None, start))),
        planned_end=draw(st.sampled_from((None, end))),
    )


def purchases() -> SearchStrategy[PurchaseOrder]:
    """Purchase orders as `order` writes them."""
    lines = _item_lists().flatmap(lambda among: _lines(PurchaseLine, among))
    return st.builds(PurchaseOrder, st.just("PO-2026-11-001"), codes(), lines, ordered_at=instants(), expected=instants())


# ---------------------------------------------------------------------------------------------------- every other value


def _prices() -> SearchStrategy[Price]:
    days_or_always = st.none() | _DAYS
    return st.builds(
        Price, codes(), moneys("EUR"), per=st.sampled_from(("", "case")), since=st.sampled_from(("", "10 each")), first=days_or_always,
        last=days_or_always,
    )  # fmt: skip


def _is_more(amount: Money) -> bool:
    return amount.amount >= 0


_LEAVES: dict[Any, Any] = {
    str: lambda: st.text(_LETTERS + " ,'\"\\\n", max_size=12),
    int: lambda: st.integers(-MOST_STEPS, MOST_STEPS),
    bool: st.booleans,
    type(None): st.none,
    Decimal: lambda: st.decimals(-(10**9), 10**9, places=3),
    Fraction: lambda: st.fractions(max_denominator=10**6),
    datetime: instants,
    date: days,
    Quantity: quantities,
    Money: moneys,
    UnroundedMoney: lambda: st.builds(UnroundedMoney, st.fractions(max_denominator=10**6), st.sampled_from(CURRENCIES)),
    Duration: durations,
    Calendar: calendars,
    Item: items,
    Place: places,
    Check: quality_checks,
    WorkCenter: work_centers,
    Supplier: lambda: st.builds(Supplier, codes(), offers=st.lists(values(Offer), max_size=2), attributes=host_attributes()),
    Forecast: lambda: st.lists(_DAYS, min_size=2, max_size=2).flatmap(
        lambda two: st.builds(Forecast, codes(), quantities("each"), st.just(min(two)), st.just(max(two)))
    ),
    Offer: lambda: st.builds(Offer, codes(), lead_time=passing(), minimum=st.none() | st.just("5 kg"), price=st.none() | moneys()),
    ShippingMethod: lambda: st.builds(ShippingMethod, codes(), transit=passing(), calendar=st.none() | calendars()),
    Ingredient: lambda: _item_lists().flatmap(_ingredients),
    Operation: operations,
    Substitute: lambda: st.builds(Substitute, codes(), ratio=st.sampled_from(("1.05", Fraction(1, 3)))),
    Output: lambda: st.builds(Output, codes(), st.sampled_from(("8 L", "2 kg")), cost=st.sampled_from(("0 %", "30 %"))),
    Growth: growths,
    BatchSize: lambda: st.sampled_from((BatchSize(exactly="100 each"), BatchSize(min="5 kg", max="20 kg", multiple="1 kg"))),
    Recipe: recipes,
    Formula: formulas,
    Lot: lots,
    Move: lambda: st.builds(Move, codes(), codes(), st.integers(1, MOST_STEPS), codes(), codes(), codes()),
    Price: _prices,
    PriceList: lambda: st.builds(
        PriceList,
        codes(),
        st.lists(_prices(), max_size=3),
        discount=st.none() | st.fractions(0, 1) | moneys("EUR").filter(_is_more),
        smallest_order=st.none() | moneys("EUR"),
        credit_limit=st.none() | moneys("EUR"),
    ),
    Box: lambda: st.builds(
        Box,
        st.none() | st.dictionaries(codes(), st.sampled_from(["2 each", "250 g"]), max_size=2),
        packaging=st.dictionaries(codes(), st.just("1 each"), max_size=1),
        weight=st.none() | st.builds(Quantity, st.decimals(1, 10**6, places=3), st.sampled_from(["kg", "g"])),
        sscc=codes(),
        tracking=codes(),
    ),
    TrackingEvent: lambda: st.builds(
        TrackingEvent,
        codes(),
        codes(),
        instants(),
        kind=st.sampled_from(["", *TRACKING]),
        place=codes(),
        text=codes(),
    ),
    Customer: lambda: st.builds(
        Customer,
        codes(),
        name=codes(),
        prices=codes(),
        discount=st.none() | st.fractions(0, 1) | moneys("EUR").filter(_is_more),
        smallest_order=st.none() | moneys("EUR"),
        credit_limit=st.none() | moneys("EUR"),
    ),
    OrderLine: lambda: _item_lists().flatmap(lambda among: _lines(OrderLine, among)).map(lambda lines: lines[0]),
    PurchaseLine: lambda: _item_lists().flatmap(lambda among: _lines(PurchaseLine, among)).map(lambda lines: lines[0]),
    CustomerOrder: orders,
    ProductionOrder: productions,
    PurchaseOrder: purchases,
    Exception: lambda: st.builds(Conflict, codes()) | st.builds(Unknown, st.just("item"), codes()),
    Any: lambda: st.none() | st.booleans() | st.integers() | codes() | quantities() | days() | st.tuples(codes(), lots()),
}


def values(kind: Any) -> SearchStrategy[Any]:
    """Values of any class of the library that has a wire form (`krafte_core.wire.TYPES`), or of an annotation such as `Lot | None`.

    Raises:
        TypeError: there is no strategy for it.

    >>> from hypothesis import find
    >>> find(values(Quantity | None), lambda value: value is None) is None
    True
    """
    if kind in _LEAVES:
        return typing.cast("SearchStrategy[Any]", _LEAVES[kind]())
    if kind is events.Event:
        return st.sampled_from(kind.__subclasses__()).flatmap(_built)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, typing.TypeVar):
        return values(Any)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values, arguments))
    if origin is not None:
        return _gathered(origin, arguments)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    if isinstance(kind, type) and (attrs.has(kind) or issubclass(kind, tuple)):
        return _built(kind)
    raise TypeError(f"no strategy for {kind!r}")


def _gathered(origin: Any, arguments: tuple[Any, ...]) -> SearchStrategy[Any]:
    if origin is tuple and arguments[-1:] != (...,):
        return st.tuples(*map(values, arguments))
    if origin in (dict, Mapping):
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    rows = st.lists(values(arguments[0]), max_size=2)
    if origin in (list, tuple, set, frozenset):
        return rows.map(origin)
    if origin is Sequence:
        return rows | rows.map(tuple)
    raise TypeError(f"no strategy for {origin!r}")


def _built(kind: Any) -> SearchStrategy[Any]:
    hints = typing.get_type_hints(kind, localns={"datetime": datetime})
    names = kind._fields if issubclass(kind, tuple) else [one.alias for one in attrs.fields(kind) if one.init]
    return st.builds(kind, **{name: host_attributes() if name == "attributes" else values(hints[name]) for name in names})
