"""How Etsy is told: a tracking number for the whole receipt, form encoded, under a carrier name that Etsy lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from krafte_core.channels.calls import FORM, Answer, Request
from krafte_core.channels.reading import Node, Sheet
from krafte_core.channels.writing import Call, Parcel, Plan
from krafte_core.channels.writing import Rules as Common
from krafte_core.errors import ChannelError

CARRIERS = {name: name for name in (
    "dhl", "dhl-germany", "dpd", "hermes-de", "gls", "deutsche-post", "ups", "usps", "fedex", "royal-mail", "austrian-post",
    "swiss-post",
    "poste-italiane", "colissimo", "postnl", "postnord", "canada-post", "australia-post",
)}  # fmt: skip
"""Names of carriers at Etsy; give `carriers` for others."""


class Rules(Common):
    """One call; after a time-out the receipt's shipments tell whether it arrived."""

    @staticmethod
    def calls(channel: Any, parcel: Parcel) -> tuple[Call, ...]:
        """The one call."""
        return (Call(key="receipt", request=tracking(channel.account, parcel, channel.carriers)),)

    @staticmethod
    def read(plan: Plan) -> Request:
        """The receipt."""
        return Request("GET", f"/v3/application/shops/{plan.account}/receipts/{plan.parcel.order_id}")

    @staticmethod
    def known(plan: Plan, answer: Answer) -> Plan:
        """Whether a shipment with our number is there."""
        sheet = Sheet("etsy")
        node = Node(answer.data("etsy"), "$", sheet)
        numbers = {row.text("tracking_code") for row in node.rows("shipments")}
        shipped = node.flag("is_shipped") is True
        sheet.done("a receipt")
        return plan.looked((), found=plan.parcel.tracking in numbers if plan.parcel.tracking else shipped)


def tracking(shop: str, parcel: Parcel, carriers: Mapping[str, str]) -> Request:
    """`POST receipts/{id}/tracking`.

    Raises:
        ChannelError: (`channel_error`) a carrier that is not listed.
    """
    told = {}
    if parcel.tracking:
        known = {ours.casefold(): theirs for ours, theirs in carriers.items()}
        theirs = known.get(parcel.carrier.casefold())
        if theirs is None:
            raise ChannelError(
                "etsy", f"the carrier {parcel.carrier!r}", "one of " + ", ".join(sorted(carriers)) + "; give `carriers` for more"
            )
        told = {"tracking_code": parcel.tracking, "carrier_name": theirs}
    if parcel.note:
        told["note_to_buyer"] = parcel.note
    return Request("POST", f"/v3/application/shops/{shop}/receipts/{parcel.order_id}/tracking", headers=FORM, body=urlencode(told))
