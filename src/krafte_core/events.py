"""Events: what a customer, a supplier or a host wants to hear about. Past tense; papers by their number; amounts as quantities.

Every event says when it happened (`at`, recording time) and about which document it is; events of one document are delivered in order.
"""

from __future__ import annotations

from datetime import date, datetime

import attrs

from krafte_core.quantities import Quantity


@attrs.frozen
class Event:
    """Something happened to a document: a paper's number, or a lot (`"lot lye NA-1"`)."""

    at: datetime
    document: str


@attrs.frozen
class OrderPlaced(Event):
    """A customer order came in."""

    customer: str


@attrs.frozen
class OrderConfirmed(Event):
    """Stock and production were reserved for an order; `promised` is the date given to the customer, if one could be given."""

    customer: str
    promised: date | None


@attrs.frozen
class OrderQuoted(Event):
    """Material and capacity are held for an order until `until`."""

    customer: str
    promised: date | None
    until: datetime


@attrs.frozen
class QuoteWithdrawn(Event):
    """A quote ended before its time; what it held is free again."""


@attrs.frozen
class OrderCancelled(Event):
    """An order was cancelled; what was allocated to it is free again."""

    customer: str


@attrs.frozen
class OrderChanged(Event):
    """The content of an order changed: what, from which words to which; `promised` is the date that holds from now on."""

    customer: str
    promised: date | None
    changes: tuple[tuple[str, str], ...]


@attrs.frozen
class OrderSplit(Event):
    """A part of an order became an order of its own, `part`."""

    customer: str
    part: str


@attrs.frozen
class OrderMerged(Event):
    """An order was taken into another, `into`, and goes on there."""

    customer: str
    into: str


@attrs.frozen
class OrderClosed(Event):
    """What is open of an order is not wanted any more: per item how much will not be delivered."""

    customer: str
    waived: tuple[tuple[str, Quantity], ...]


@attrs.frozen
class OrderReopened(Event):
    """A cancelled or closed order is wanted again."""

    customer: str


@attrs.frozen
class OrderHeld(Event):
    """Nothing more of an order is made or sent until somebody decides: why."""

    customer: str
    reason: str


@attrs.frozen
class OrderReleased(Event):
    """A hold of an order has ended."""

    customer: str
    reason: str


@attrs.frozen
class OrderPicked(Event):
    """Goods of an order were taken from the shelf; `unpicked`: they were put back."""

    customer: str
    unpicked: bool


@attrs.frozen
class OrderShipped(Event):
    """Goods of an order left the house."""

    customer: str
    shipment: str
    carrier: str
    tracking: str


@attrs.frozen
class OrderDelivered(Event):
    """Goods of an order arrived."""

    customer: str
    shipment: str


@attrs.frozen
class OrderReturned(Event):
    """Goods of an order came back."""

    customer: str
    item: str
    lot: str
    amount: Quantity
    reason: str


@attrs.frozen
class OrderLate(Event):
    """A supply moved, and an order will be later than promised; `expected` is None where nobody can tell."""

    customer: str
    promised: date | None
    expected: date | None


@attrs.frozen
class CoverLost(Event):
    """A promise lost supply because of a fact: the order or production, its line, the item, and how much is open again."""

    line: str
    item: str
    amount: Quantity
    reason: str


@attrs.frozen
class ProductionPlanned(Event):
    """A production order was written."""

    item: str
    amount: Quantity


@attrs.frozen
class ProductionChanged(Event):
    """A planned production makes another amount now: it was resized, split or merged."""

    item: str
    amount: Quantity


@attrs.frozen
class ProductionReleased(Event):
    """A production shall be made as it is planned."""

    item: str


@attrs.frozen
class ProductionRescheduled(Event):
    """A production will be made at another time."""

    item: str
    start: datetime | None
    end: datetime | None


@attrs.frozen
class ProductionStarted(Event):
    """The materials are on the line."""

    item: str


@attrs.frozen
class ProductionReported(Event):
    """A part of a production was made, into which lot; the rest is still coming."""

    item: str
    lot: str
    made: Quantity


@attrs.frozen
class UseDeviated(Event):
    """A material was used beyond its tolerance, or a product made beyond it: planned, what really happened, and why."""

    item: str
    planned: Quantity
    used: Quantity
    reason: str


@attrs.frozen
class ProductionCompleted(Event):
    """A production ended: what was made, into which lot."""

    item: str
    lot: str
    made: Quantity


@attrs.frozen
class ProductionReversed(Event):
    """What a production made was taken back, wholly or in part; the materials are there again."""

    item: str
    amount: Quantity
    reason: str


@attrs.frozen
class ProductionCancelled(Event):
    """A production that had not started was cancelled."""

    item: str


@attrs.frozen
class PurchaseOrdered(Event):
    """A purchase order was written."""

    supplier: str


@attrs.frozen
class PurchaseChanged(Event):
    """A line of a purchase order has another amount or price."""

    supplier: str
    item: str
    amount: Quantity


@attrs.frozen
class PurchaseRescheduled(Event):
    """A delivery is expected at another time."""

    supplier: str
    item: str
    expected: datetime


@attrs.frozen
class PurchaseCancelled(Event):
    """A purchase order, or a line of it, was cancelled; what counted on it is open again."""

    supplier: str


@attrs.frozen
class LotReceived(Event):
    """A lot came in."""

    item: str
    lot: str
    amount: Quantity


@attrs.frozen
class SentBack(Event):
    """Goods went back to their supplier."""

    supplier: str
    item: str
    lot: str
    amount: Quantity
    reason: str


@attrs.frozen
class LotDecided(Event):
    """A lot was held, released or rejected, or its date was moved."""

    item: str
    lot: str
    step: str
    reason: str


@attrs.frozen
class StockChanged(Event):
    """A lot was scrapped, found or counted: the difference to what the books said."""

    item: str
    lot: str
    kind: str
    difference: Quantity
    reason: str


@attrs.frozen
class LotConverted(Event):
    """A lot was split off, blended or regraded: the new lot, the lots that it came of, and how much of it there is."""

    item: str
    lot: str
    kind: str
    sources: tuple[str, ...]
    amount: Quantity
    reason: str
