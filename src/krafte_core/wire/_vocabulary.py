"""The vocabulary: the name of every class on the wire, and its home."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ROWS = """
    addresses Address; allocation Key=AllocationKey Allocation Loss; availability Need Shortage Availability
    balances Balance MassBalance; calendars Calendar; content Mixing; diary Entry=DiaryEntry; durations Duration
    events Event OrderPlaced OrderConfirmed OrderQuoted QuoteWithdrawn OrderCancelled OrderShipped OrderDelivered
        CoverLost ProductionPlanned ProductionChanged ProductionReleased ProductionRescheduled ProductionStarted
        ProductionReported ProductionCompleted UseDeviated ProductionReversed ProductionCancelled PurchaseOrdered PurchaseCancelled
        LotReceived LotDecided StockChanged LotConverted OrderReturned OrderLate
        PurchaseChanged PurchaseRescheduled SentBack
    items Item; ledger Entry=LedgerEntry; money Money UnroundedMoney; netting OpenNeed Displaced
    orders OrderStatus OrderPart OrderNeed OrderLine CustomerOrder Quote Stages; production Need=ProductionNeed ProductionOrder
    promise Step Slack ToBuy ToMake LinePromise Promise; terms Totals; purchasing PurchaseLine PurchaseOrder; quantities Quantity Scale
    recall Shipped Standing=RecallStanding OpenLine Undecided Content Recall
    recipes Ingredient Operation BatchSize Recipe Line Formula; resources WorkCenter Offer Supplier ShippingMethod
    scheduling Booking; shipping ShipmentLine Shipment; stock Place Lot Move Posting Stocked Taken Refused Picked
    store Filed Stored Changes Leased; trace Edge Reach Genealogy; workshop Preview Delivery
    desks.orders Confirmed Cancelled Link; desks.replanning Planned Replanned; desks.running Started
    desks.completion Deviation Completed; desks.handling Handled Stepped; desks.reversing Reversed
    desks.purchasing Received; desks.suppliers LineChanged Rescheduled SentOff; desks.lateness Late
    desks.shipping Delivered; desks.stock Level Standing; desks.lots Decided
    desks.facts Changed; desks.conversions Converted; desks.returns Returned; history Since
    allergens Undeclared; audit Gap Found Exercise; balances PeriodBalance; causes Cause Siblings Dispersion; drawing Box Arrow
    content Assumed; ledger Use; recall Consignee; records Weighed LineRecord BatchRecord; desks.trace Lifted
    errors InvalidInput UnreadableText TextTooLong FloatRefused OutOfRange NotPositive NotWholeSteps UnknownUnit UnitMismatch
        UnknownCurrency CurrencyMismatch NaiveDatetime RoundsToNothing Unknown AlreadyExists Immutable RecipeCycle NotAllowed
        Short TooMuch BeyondTolerance LotNotUsable LotUnknown NoSource BeyondHorizon NeverFits ClockWentBack StaleVersion KeyReused
        Conflict BrokenLaw WireError UnknownVersion
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
OPEN = frozenset({"Event"})
"""Classes that others inherit from: a field of such a type says which one it holds."""
