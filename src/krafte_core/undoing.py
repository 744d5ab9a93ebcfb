"""Which command takes a step back: a table, read by `preview` and by people.

Undo is never a step backwards in the books: it is another command, which posts what compensates (law 9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

UNDO: Mapping[str, Mapping[str, str]] = {
    "order": {
        "place": "shop.orders.cancel",
        "confirm": "shop.orders.free, shop.orders.cancel",
        "change": "shop.orders.change",
        "split": "shop.orders.merge",
        "absorb": "shop.orders.split",
        "merge": "shop.orders.split",
        "cancel": "shop.orders.reopen",
        "allocate": "shop.orders.free",
        "free": "shop.orders.allocate",
        "swap": "shop.orders.free, shop.orders.allocate",
        "pick": "shop.orders.unpick",
        "unpick": "shop.orders.pick",
        "ship": "shop.shipping.receive_return",
        "return": "shop.shipping.ship",
        "close": "shop.orders.reopen",
        "reopen": "shop.orders.close, shop.orders.cancel",
        "hold": "shop.orders.release",
        "release": "shop.orders.hold",
    },
    "quote": {"quote": "shop.orders.withdraw", "accept": "shop.orders.cancel", "withdraw": "shop.orders.quote", "expire": ""},
    "production": {
        "propose": "shop.orders.withdraw",
        "plan": "shop.production.cancel",
        "withdraw": "shop.orders.quote",
        "change": "shop.production.change",
        "split": "shop.production.merge",
        "merge": "shop.production.split",
        "reschedule": "shop.production.reschedule",
        "allocate": "shop.production.free",
        "free": "shop.production.allocate",
        "release": "shop.production.replan",
        "replan": "shop.production.release",
        "start": "shop.production.stop",
        "cancel": "shop.production.plan",
        "issue": "shop.production.give_back",
        "give_back": "shop.production.issue",
        "scrap": "shop.stock.count",
        "report": "shop.production.reverse",
        "operate": "shop.production.operate",
        "complete": "shop.production.reverse",
        "stop": "shop.production.plan",
        "reverse": "shop.production.plan",
        "reverse a part": "shop.production.plan",
        "use": "shop.production.reverse",
        "close": "shop.production.reopen",
        "reopen": "shop.production.close",
    },
    "purchase": {
        "order": "shop.purchasing.cancel",
        "receive": "shop.purchasing.send_back",
        "change": "shop.purchasing.change",
        "reschedule": "shop.purchasing.reschedule",
        "close": "shop.purchasing.send_back",
        "cancel": "shop.purchasing.order",
    },
    "shipment": {"ship": "shop.shipping.receive_return", "pack": "shop.shipping.pack", "track": "", "deliver": ""},
    "lot": {
        "wait": "shop.stock.release",
        "hold": "shop.stock.release",
        "release": "shop.stock.hold",
        "reject": "",
        "extend": "shop.stock.extend",
        "declare": "shop.stock.declare",
        "count": "shop.stock.count",
    },
    "ledger": {
        "receive": "shop.purchasing.send_back, shop.stock.scrap",
        "open": "shop.stock.count",
        "find": "shop.stock.count",
        "scrap": "shop.stock.count",
        "sample": "shop.stock.count",
        "transfer": "shop.stock.transfer",
        "split": "shop.stock.blend",
        "blend": "",
        "regrade": "shop.stock.regrade",
        "send_back": "shop.stock.receive",
    },
}
"""Per kind of document (and for entries of the ledger without one) the command that takes each step back; empty: nothing can."""


def hints(steps: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The commands that would take these steps (kind and step) back, the last step first, each once.

    >>> hints([("order", "place"), ("order", "confirm")])
    ('shop.orders.free, shop.orders.cancel', 'shop.orders.cancel')
    """
    found = [UNDO[kind].get(step, "") for kind, step in steps if kind in UNDO]
    return tuple(dict.fromkeys(hint for hint in reversed(found) if hint))
