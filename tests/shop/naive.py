"""A workshop as a child would keep it: plain dicts of who has what where.

The machine compares the library with it after every step.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from fractions import Fraction
from typing import Any

import attrs

from krafte_core import (
    BatchSize,
    Customer,
    Ingredient,
    Item,
    Offer,
    Operation,
    OrderStatus,
    Place,
    Recipe,
    ShippingMethod,
    Supplier,
    WorkCenter,
)
from krafte_core.recipes import Output, Substitute
from krafte_core.store import TABLES

BOUGHT = ("oil", "lye", "jar", "fat", "rose", "block")
MADE = ("base", "soap", "balm", "salve")
CUT = ("bar", "glycerin")  # what a block is cut into
ITEMS = (*BOUGHT, *MADE, *CUT)
ORDERED = ("soap", "soap", "balm", "oil", "base", "gift", "salve", *CUT)
PLACES = ("stock", "shelf", "quarantine")
GRAM10 = "10 g"
PER_UNIT = {item: 1 if item in ("jar", "soap", "gift", "block", "bar") else 100 for item in (*ITEMS, "gift")}
UNIT = {item: "each" if steps == 1 else "kg" for item, steps in PER_UNIT.items()}
KITS = {"gift": {"soap": 2, "balm": 25}}  # steps of each part: two soaps and 250 g of balm
LIMIT = 100  # Cara may owe so many euros
NEEDS = {  # steps per step of the product, worked out by hand from the recipes below
    "base": {"oil": Fraction(8, 9), "lye": Fraction(1, 5)},  # 0.8 kg / 0.9 and 0.2 kg per kg
    "soap": {"base": Fraction(30), "jar": Fraction(1), "oil": Fraction(5)},  # 300 g, 1 jar and 50 g per piece
    "balm": {"oil": Fraction(1, 2), "oil/2": Fraction(2, 5)},  # 500 g, and 400 g stirred in at the end, per kg
    "block": {"block": Fraction(1)},
    "salve": {"oil": Fraction(1), "rose": Fraction(1, 10)},  # 1 kg, or 1.1 kg of fat; 100 g of rose oil of 50 %
}
BESIDES = {  # 150 g come out with every kg of salve; a block is four bars, and 70 g drip off
    "salve": {"glycerin": Fraction(3, 20)},
    "block": {"bar": Fraction(4), "glycerin": Fraction(7)},
}
APART = ("block",)
"""What is not made, but taken apart."""
STANDS_IN = {("salve", "oil"): {"fat": Fraction(10, 11)}}  # what a step of it is worth on that line
BY_CHOICE = ("salve",)
"""What goes in depends on the lots that are there."""
OUTPUT_LINES = {"jar"}  # go on each good or scrapped piece; every other line goes into the charge
CATALOGUE: tuple[Any, ...] = (
    *(Item(code, unit=UNIT[code], step=GRAM10 if UNIT[code] == "kg" else None) for code in ITEMS if code != "balm"),
    Item("balm", unit="kg", step=GRAM10, release="by decision"),
    Item("gift", unit="each", kit={"soap": "2 each", "balm": "250 g"}),
    Customer("Cara", credit_limit=f"{LIMIT} EUR"),
    Place("shelf", within="stock"),
    WorkCenter("kettle", hours="Mon-Fri 08:00-16:00"),
    WorkCenter("bench", hours="Mon-Fri 08:00-16:00", capacity=2),
    Supplier("mill", offers=[Offer("oil", lead_time="4 days", minimum="5 kg"), Offer("jar", lead_time="2 days")]),
    ShippingMethod("road", transit="2 days"),
    Recipe(
        "base",
        makes="10 kg",
        ingredients=[Ingredient("oil", "8 kg", loss="10 %"), Ingredient("lye", "2 kg")],
        operations=[Operation("cook", at="kettle", run="1 h")],
    ),
    Recipe(
        "soap",
        makes="20 each",
        ingredients=[Ingredient("base", "6 kg"), Ingredient("jar", "20 each", follows="output"), Ingredient("oil", "1 kg")],
        operations=[Operation("pour", at="bench", run="1 h"), Operation("cure", wait="1 day")],
        batch=BatchSize(min="20 each", max="60 each", splits="freely"),
    ),
    Recipe("balm", makes="10 kg", ingredients=[Ingredient("oil", "5 kg"), Ingredient("oil", "4 kg")], lead_time="1 day"),
    Recipe(
        "salve",
        makes="10 kg",
        ingredients=[
            Ingredient("oil", "10 kg", substitutes=[Substitute("fat", ratio="1.1")]),
            Ingredient("rose", "1 kg", potency="50 %"),
        ],
        outputs=[Output("glycerin", "1.5 kg")],
        lead_time="1 day",
    ),
    Recipe(
        "block",
        makes="1 each",
        code="cutting",
        apart=True,
        outputs=[Output("bar", "4 each", cost="100 %"), Output("glycerin", "70 g")],
    ),
)


def amount(item: str, steps: int) -> str:
    """So many steps, as a maker would write them."""
    return f"{steps} each" if UNIT[item] == "each" else f"{steps * 10} g"


def some(item: str, steps: int) -> str | None:
    """So many steps, or nothing said of none."""
    return amount(item, steps) if steps else None


def content(potency: int | None) -> dict[str, str]:
    """What a lot says of its content."""
    return {} if potency is None else {"potency": f"{potency} %"}


def steps_of(item: str, quantity: Any) -> int:
    """Whole steps of a quantity that the library answered."""
    own = quantity if quantity.unit == UNIT[item] else quantity.to(UNIT[item])
    steps = int(exact := own.value * PER_UNIT[item])
    assert steps == exact
    return steps


def besides(item: str, steps: int) -> dict[str, int]:
    """What comes out with so much of an item: rounded down."""
    return {name: int(each * steps) for name, each in BESIDES.get(item, {}).items()}


def needed(item: str, line: str, steps: int) -> int:
    """Requirements round up, once."""
    exact = NEEDS[item][line] * steps
    return -(-exact.numerator // exact.denominator)


def books(shop: Any) -> dict[str, list[Any]]:
    """Every row of every table: what a refusal must leave alone."""
    with shop._store.reading() as reader:
        return {table: [*reader.rows(table)] for table in TABLES}


@attrs.define
class NaiveLot:
    """What became of a lot, in steps."""

    item: str
    code: str
    origin: str
    expires: date | None = None
    disposition: str = "released"
    flow: Counter[str] = attrs.field(factory=Counter)
    born: Any = None
    potency: Fraction | int | None = None

    def worth(self, run: str, line: str) -> Fraction:
        """How much of a line of a recipe one step of the lot is."""
        if (run, line) == ("salve", "rose"):
            return Fraction(self.potency or 0) / 50 if self.item == line else Fraction(0)
        return STANDS_IN.get((run, line), {}).get(self.item, Fraction(self.item == line.partition("/")[0]))


@attrs.define
class NaiveOrder:
    """What was ordered and what has left."""

    number: str
    customer: str
    lines: dict[str, tuple[str, int]]
    shipping: str | None
    requested: date | None
    state: str = "placed"
    gone: Counter[str] = attrs.field(factory=Counter)
    there: Counter[str] = attrs.field(factory=Counter)
    back: Counter[str] = attrs.field(factory=Counter)
    held: set[str] = attrs.field(factory=set)
    price: int | None = None
    """What the customer pays per step, in euros, where that was said."""

    @property
    def owes(self) -> int:
        """What all of it comes to."""
        return sum(steps for _, steps in self.lines.values()) * (self.price or 0)

    @property
    def needs(self) -> dict[str, tuple[str, int]]:
        """What the lines need: a gift set needs what is in it, everything else itself."""
        found = {}
        for line, (item, steps) in self.lines.items():
            if item in KITS:
                found |= {f"{line}+{part}": (part, steps * each) for part, each in KITS[item].items()}
            else:
                found[line] = (item, steps)
        return found

    def parts(self, line: str) -> dict[str, int]:
        """The needs of a line, and how much of each goes into one step of it."""
        kit = KITS.get(self.lines[line][0])
        return {line: 1} if kit is None else {f"{line}+{part}": each for part, each in kit.items()}

    def open(self, need: str) -> int:
        return self.needs[need][1] - self.gone[need] - self.there[need] + self.back[need]

    def open_line(self, line: str) -> int:
        """Steps of a line that can still be given away: whole gift sets."""
        return min(self.open(need) // each for need, each in self.parts(line).items())

    def began(self) -> bool:
        """Whether the customer has any of it that he keeps."""
        return any(sum(self.has(need)) for need in self.needs)

    def has(self, need: str) -> tuple[int, int]:
        """Steps on the road and steps at the customer's; what came back to be sent again came from there first."""
        there, back = self.there[need], self.back[need]
        return self.gone[need] - max(0, back - there), max(0, there - back)

    def line_has(self, line: str) -> tuple[int, int]:
        """The same of a line: whole gift sets that arrived, then those of which everything has left."""
        there = min(self.has(need)[1] // each for need, each in self.parts(line).items())
        return min(sum(self.has(need)) // each for need, each in self.parts(line).items()) - there, there


@attrs.define
class NaiveRun:
    """A run and its state."""

    number: str
    item: str
    steps: int
    state: str = "planned"
    output: int = 0
    extra: Counter[str] = attrs.field(factory=Counter)
    """What came out besides."""
    handled: set[str] = attrs.field(factory=set)

    def coming(self, item: str) -> int:
        """Steps of an item that it will still bring."""
        if item == self.item:
            return 0 if item in APART else max(0, self.steps - self.output)
        return max(0, besides(self.item, self.steps).get(item, 0) - self.extra[item])


@attrs.define
class NaivePurchase:
    """A purchase of one item."""

    number: str
    item: str
    steps: int
    came: int = 0
    state: str = "ordered"


@attrs.define
class NaiveShop:
    """All of it."""

    on_hand: Counter[tuple[str, str, str]] = attrs.field(factory=Counter)
    lots: dict[tuple[str, str], NaiveLot] = attrs.field(factory=dict)
    orders: dict[str, NaiveOrder] = attrs.field(factory=dict)
    runs: dict[str, NaiveRun] = attrs.field(factory=dict)
    purchases: dict[str, NaivePurchase] = attrs.field(factory=dict)
    quotes: dict[str, Any] = attrs.field(factory=dict)
    shipments: dict[str, Any] = attrs.field(factory=dict)
    delivered: set[str] = attrs.field(factory=set)
    quoted_runs: dict[str, list[str]] = attrs.field(factory=dict)
    came: dict[tuple[str, str, str], Counter[str]] = attrs.field(factory=lambda: defaultdict(Counter))
    returned: Counter[tuple[str, str, str]] = attrs.field(factory=Counter)
    slips: dict[tuple[str, str, str], list[tuple[Any, int, bool, int]]] = attrs.field(factory=lambda: defaultdict(list))
    """Per lot and place everything that was ever written down: when it happened, in which order, a count or a change, how much."""
    clock: Any = None
    closed: Any = None
    """Until when the books are closed."""

    # what stands where ------------------------------------------------------------------------------------------------

    def put(self, item: str, lot: str, place: str, steps: int) -> None:
        slips = self.slips[item, lot, place]
        slips.append((self.clock.now(), len(slips), False, steps))
        self.set((item, lot, place), self.on_hand[item, lot, place] + steps)

    def set(self, key: tuple[str, str, str], steps: int) -> None:
        item, lot, place = key
        self.on_hand[key] = steps
        assert self.on_hand[item, lot, place] >= 0, f"{item} {lot} in {place} would be negative"
        if not self.on_hand[item, lot, place]:
            del self.on_hand[item, lot, place]

    def new_lot(
        self, item: str, lot: str, place: str, steps: int, how: str, expires: date | None = None, potency: int | None = None
    ) -> None:
        waits = "waiting" if item == "balm" else "released"
        self.lots[item, lot] = NaiveLot(item, lot, how, expires, waits, Counter({how: steps}), self.clock.now(), potency)
        self.put(item, lot, place, steps)

    def replayed(self, slips: list[tuple[Any, int, bool, int]]) -> int | None:
        """What the slips come to, sorted by time; None where there would have been less than nothing when an instant was over."""
        there = 0
        for n, (at, _, counted, steps) in enumerate(rows := sorted(slips, key=lambda row: row[:2])):
            there = steps if counted else there + steps
            if there < 0 and (n + 1 == len(rows) or rows[n + 1][0] != at):
                return None
        return there

    def stood(self, slips: list[tuple[Any, int, bool, int]], at: Any) -> int:
        """What the slips up to an instant come to."""
        there = 0
        for when, _, counted, steps in sorted(slips, key=lambda row: row[:2]):
            if when <= at:
                there = steps if counted else there + steps
        return there

    def out(self) -> Counter[tuple[str, str, str]]:
        """Steps per order, line and lot that customers have."""
        sums = Counter[tuple[str, str, str]]()
        for sent in self.shipments.values():
            for line in sent.lines:
                sums[line.order, line.line, line.lot] += line.steps
        sums.subtract(self.returned)
        return +sums

    def standing(self) -> list[tuple[str, str, str]]:
        return sorted(self.on_hand)

    def reason(self, lot: NaiveLot, place: str, on: date) -> str:
        """Why it may not be used on that day: the lot, its date, or the place."""
        if lot.disposition != "released":
            return lot.disposition
        if lot.expires is not None and lot.expires < on:
            return "expired"
        return "" if place in ("stock", "shelf") else "place"

    # promises ---------------------------------------------------------------------------------------------------------

    def counted(self, links: list[Any], now: Any) -> list[Any]:
        """The links that count: not those of a quote that ran out."""
        late = [quote for quote, state in self.quotes.values() if state == "open" and quote.until <= now]
        out = {quote.order for quote in late} | {run for quote in late for run in self.quoted_runs[quote.number]}
        return [link for link in links if not (link.firmness == "quoted" and link.demand in out)]

    def status(self, order: NaiveOrder, links: list[Any], today: date, arrives: date) -> OrderStatus:
        """What DESIGN section 6 says, read aloud."""
        if order.state == "cancelled":
            return OrderStatus.CANCELLED
        if order.state == "merged":
            return OrderStatus.MERGED
        needs = order.needs
        ordered = sum(steps for _, steps in needs.values())
        has = [order.has(need) for need in needs]
        gone, there = sum(row[0] for row in has), sum(row[1] for row in has)
        if order.state == "closed":
            ordered = there + gone  # it wants no more than it got
        if there == ordered:
            return OrderStatus.DELIVERED
        if there + gone == ordered:
            return OrderStatus.SHIPPED
        if there + gone:
            return OrderStatus.PARTLY_SHIPPED
        if order.state == "placed":
            return OrderStatus.RECEIVED
        mine = [link for link in links if link.demand == order.number]
        stages = {link: self.stage(link, links, today, arrives) for link in mine}
        covered = Counter[tuple[str, str]]()
        for link, stage in stages.items():
            covered[link.line, stage] += link.covers
        if all(covered[line, "ready"] == steps for line, (_, steps) in needs.items()):
            return OrderStatus.READY_TO_SHIP
        if "making" in stages.values():
            return OrderStatus.IN_PRODUCTION
        safe = all(covered[line, "ready"] + covered[line, "reserved"] == steps for line, (_, steps) in needs.items())
        return OrderStatus.MATERIALS_RESERVED if safe else OrderStatus.WAITING_FOR_MATERIAL

    def stage(self, link: Any, links: list[Any], today: date, arrives: date) -> str:
        if link.source == "lot":
            lot = self.lots[link.item, link.ref]
            if not self.reason(lot, link.place, arrives):
                return "ready"
            return "making" if lot.disposition == "waiting" and lot.origin == "made" else "blocked"
        if link.source == "purchase":
            return "waiting"
        if self.begun(link.ref, links):
            return "making"
        return "reserved" if self.supplied(link.ref, links, today) else "waiting"

    def begun(self, run: str, links: list[Any]) -> bool:
        own = [link.ref for link in links if link.demand == run and link.source == "run"]
        return self.runs[run].state == "started" or any(self.begun(ref, links) for ref in own)

    def supplied(self, run: str, links: list[Any], today: date) -> bool:
        """All that the run needs is there, or comes from runs that have all they need."""
        sums = Counter[str]()
        for link in links:
            if link.demand != run:
                continue
            if link.source == "lot":
                good = not self.reason(self.lots[link.item, link.ref], link.place, today)
            else:
                good = link.source == "run" and self.supplied(link.ref, links, today)
            sums[link.line] += link.covers if good else 0
        item, steps = self.runs[run].item, self.runs[run].steps
        return all(sums[line] >= needed(item, line, steps) for line in NEEDS[item])
