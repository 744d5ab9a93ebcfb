"""Shipments: which lots left the house for which orders, and whether they arrived."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from krafte_core.addresses import Address
from krafte_core.diary import Steps
from krafte_core.quantities import Quantity

SHIPMENT_STEPS: Steps = {
    "": {"ship": "shipped"},
    "shipped": {"pack": "shipped", "track": "shipped", "deliver": "delivered"},
    "delivered": {"track": "delivered"},
}
"""The steps of a shipment."""


@attrs.frozen
class ShipmentLine:
    """What of a lot left for which line of which order."""

    order: str
    line: str
    item: str
    lot: str
    amount: Quantity
    steps: int


@attrs.frozen
class Package:
    """A parcel of a shipment: what lies in it by lot, what it weighs with its packaging, and its own numbers."""

    lines: tuple[ShipmentLine, ...]
    weight: Quantity | None = attrs.field(default=None, kw_only=True)
    sscc: str = attrs.field(default="", kw_only=True)
    tracking: str = attrs.field(default="", kw_only=True)
    packaging: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True)


@attrs.frozen
class Shipment:
    """A delivery note: what left the house together; written by `shop.shipping.ship`."""

    number: str
    customer: str
    lines: tuple[ShipmentLine, ...]
    shipped_at: datetime = attrs.field(kw_only=True)
    method: str | None = attrs.field(default=None, kw_only=True)
    carrier: str = attrs.field(default="", kw_only=True)
    tracking: str = attrs.field(default="", kw_only=True)
    ship_to: Address | None = attrs.field(default=None, kw_only=True)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True)
    packages: tuple[Package, ...] = attrs.field(default=(), kw_only=True)
    version: int = attrs.field(default=1, kw_only=True)

    @property
    def items(self) -> tuple[str, ...]:
        """The codes of the items in it, each once."""
        return tuple(dict.fromkeys(line.item for line in self.lines))

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders that it serves, each once."""
        return tuple(dict.fromkeys([line.order for line in self.lines]))

    @property
    def numbers(self) -> tuple[str, ...]:
        """The tracking numbers of its parcels, each once; its own one where the parcels have none."""
        own = dict.fromkeys(package.tracking for package in self.packages if package.tracking)
        return tuple(own) or ((self.tracking,) if self.tracking else ())
