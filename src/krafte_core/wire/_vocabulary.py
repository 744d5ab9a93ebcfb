"""The vocabulary: the name of every class on the wire, and its home."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ROWS = """
    addresses Address
    allergens Undeclared
    allocation Key=AllocationKey Allocation Loss
    audit Gap Found Exercise
    availability Need Reason Shortage Availability
    balances Balance MassBalance PeriodBalance
    batches BatchSize Split
    calendars Calendar
    causes Cause Siblings Dispersion
    channels.calls Request Answer
    channels.carriers Consignment Rate CarrierLabel Buying
    channels.matching Match Finding
    channels.polling Part=PollPart Awaited Poll Polled
    channels.wholesale Layout Table
    channels.writing OnSale Parcel Call Outcome Plan
    choices Chosen Change Difference Taking Substituted
    content Mixing Assumed
    costing Material Work=WorkCost OutputCost Cost LotCosts
    coverage Booking
    declarations Composition Share Good
    delivery Delivery
    desks.accepting Accepted
    desks.advancing Earlier Advanced
    desks.allocating Reserved Allocated
    desks.baskets Basket
    desks.board BoardRow Board
    desks.changing Cancelled ChangedOrder ClosedOrder
    desks.closing ClosedPeriod
    desks.completion Deviation Completed
    desks.confirming Confirmed Netted
    desks.conversions Converted
    desks.costs LotCost
    desks.dividing Merged
    desks.facts Changed
    desks.handling Handled Stepped
    desks.holding Held
    desks.imports ImportedOrder
    desks.lateness Late
    desks.lots Decided
    desks.mending MovedRun Stuck Mended
    desks.operating Operated
    desks.orders Link
    desks.parcels Tracked
    desks.production Part
    desks.purchasing Received
    desks.releasing Freed
    desks.replanning Planned Replanned
    desks.returns Returned
    desks.reserving KeptLot RunLots
    desks.reversing Reversed
    desks.running Started
    desks.sheets FromLot BatchSheet
    desks.shipping Delivered
    desks.stock Level Standing
    desks.suppliers LineChanged Rescheduled SentOff
    desks.timeline TimelineEntry OrderTimeline
    desks.trace Lifted
    diary Entry=DiaryEntry
    differences Difference=PreviewDifference
    drafts Opening OrderRow Draft
    drawing Box Arrow
    durations Duration
    errors InvalidInput UnreadableText TextTooLong FloatRefused OutOfRange NotPositive NotWholeSteps UnknownUnit UnitMismatch
        UnknownCurrency CurrencyMismatch NaiveDatetime RoundsToNothing Unknown AlreadyExists Immutable RecipeCycle Unsolvable
        NotAllowed Short TooMuch BeyondTolerance LotNotUsable LotUnknown NoSource BeyondHorizon NeverFits ClockWentBack
        StaleVersion KeyReused Conflict BrokenLaw WireError UnknownVersion ChannelError BadSignature Replayed WrongAccount
        BadPayload ChannelRefused StoreFailed WrongSchema TooFarBack EntryRefused
    events Event OrderPlaced OrderConfirmed OrderQuoted QuoteWithdrawn OrderCancelled OrderChanged OrderSplit OrderMerged
        OrderClosed OrderReopened OrderHeld OrderReleased OrderPicked OrderShipped OrderDelivered CoverLost ProductionPlanned
        ProductionChanged
        ProductionReleased ProductionRescheduled ProductionStarted ProductionReported ProductionCompleted UseDeviated
        ProductionReversed ProductionCancelled PurchaseOrdered PurchaseCancelled LotReceived LotDecided StockChanged
        LotConverted OrderReturned OrderLate PurchaseChanged PurchaseRescheduled SentBack
    forecasts Forecast
    growth Growth
    history Since
    holds Hold
    incoming Problem Goods MessageLine Sent Refund OrderMessage Notice
    ingredients Ingredient Substitute Output
    intake Imported Intake Change=IntakeChange
    items Item
    ledger Entry=LedgerEntry Use=LotUse
    lines Rule Stand Line Coming
    money Money UnroundedMoney
    netting OpenNeed Displaced
    operations Operation
    orders OrderStatus OrderPart OrderNeed OrderLine CustomerOrder Quote Stages
    packing Box=ParcelBox
    pegging Peg
    plan Delivery=PlannedDelivery PlannedMake PlannedBuy Message
    potency Drawn Content=PotencyContent Balanced
    prices Customer Price PriceList Verdict
    production Need=ProductionNeed ProductionOrder
    proposals Proposal Low=LowStock
    promise Step Slack ToBuy ToMake LinePromise Promise Borrowed
    purchasing PurchaseLine PurchaseOrder
    quality Check Measured
    quantities Quantity Scale
    recall Shipped Standing=RecallStanding OpenLine Undecided Content Recall Consignee
    recipes Recipe Formula
    records Weighed LineRecord BatchRecord
    resources WorkCenter Offer Supplier ShippingMethod
    sheets Scaled Sheet Compared Comparison
    shipping Package ShipmentLine Shipment
    stock Place Lot Move Posting Stocked Taken Refused Picked
    store Filed Stored Changes Leased DeadLetter
    structure Required Use Explosion Buildable
    terms Totals
    trace Edge Reach Genealogy
    tracking TrackingEvent
    views Load StockLevel
    workshop Preview
    yields OperationYield
"""
"""A home in small letters, then its classes; `Need=ProductionNeed` where the name on the wire is another."""


def _read() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    home = ""
    for word in _ROWS.replace(";", " ").split():
        if word.islower():
            home = f"krafte_core.{word}"
            continue
        own, _, other = word.partition("=")
        if (other or own) in found:
            raise ValueError(f"{other or own} stands twice in the vocabulary")
        found[other or own] = (home, own)
    return found


TYPES: Mapping[str, tuple[str, str]] = MappingProxyType(_read())
NAMES = {home: name for name, home in TYPES.items()}
SPARSE = frozenset({"Ingredient", "BatchSize", "Recipe", "Line", "Operation"})
"""Classes that say a lot only now and then: their fields are left out where they hold the default, which therefore never changes."""
OPEN = frozenset({"Event"})
"""Classes that others inherit from: a field of such a type says which one it holds."""
