"""What all channels have in common: the account, the secrets, the mapping to our goods, and the doors of every message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, InvalidOperation, localcontext
from typing import Any, ClassVar

from krafte_core.channels.matching import Match, Matching
from krafte_core.channels.reading import Node, Sheet, bad, each, loaded
from krafte_core.channels.signing import secrets_of
from krafte_core.errors import BadPayload, ChannelError, WrongAccount
from krafte_core.incoming import Notice, OrderMessage, Problem
from krafte_core.items import code

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])
_NO_PATH = frozenset("/?#\\ \t\n")
Body = bytes | str | Mapping[str, Any]


class Reading:
    """A sales channel of one account: reads what comes in.

    Args:
        account: the shop's domain, id or URL, as the channel's messages name it.
        secret: the webhook secret, or several while it is being changed.
        skus: our goods by SKU: an item's code, or a mapping of item codes and amounts for a bundle.
        matches: rows for lines that a SKU does not tell apart.
    """

    name: ClassVar[str] = ""

    def __init__(
        self, account: str, *, secret: str | Iterable[str] = (), skus: Mapping[str, Any] | None = None, matches: Iterable[Match] = ()
    ) -> None:
        """Nothing is asked of anybody yet."""
        self.account = code(account, "account")
        self._secrets = secrets_of(secret) if secret else ()
        self.matching = Matching(skus, matches)

    def read_order(self, body: Body, *, asked_at: datetime | None = None, **parts: Body) -> OrderMessage:
        """One order, from the answer to a single read or a row of a page; `parts` are the answers of further calls that belong to it.

        Args:
            body: bytes, text, or data that is loaded already.
            asked_at: when it was fetched: stands in for the version where the channel gives none.

        Raises:
            BadPayload: (`bad_payload`) every problem with its path. WrongAccount: (`wrong_account`)
        """
        sheet = Sheet(self.name)
        data = loaded(self.name, body)
        with localcontext(EXACT):  # whatever the host's own context would round
            found = self._order(data, {key: loaded(self.name, part) for key, part in parts.items()}, sheet, asked_at)
        if set(found.order_id) & _NO_PATH:
            sheet.problems.append(Problem("$", found.order_id, "an order id that can stand in a path: without / ? # \\ and blanks"))
        sheet.done(f"order {found.order_id}" if found.order_id else "an order")
        return self.matching.applied(found)

    def read_orders(self, body: Body, *, asked_at: datetime | None = None) -> tuple[OrderMessage | BadPayload, ...]:
        """The orders of a page; one that cannot be read is given as its error and hides no other."""
        rows = self._rows(loaded(self.name, body))
        return tuple(each(self.name, rows, lambda row: self.read_order(row, asked_at=asked_at)))

    def match(self, message: OrderMessage) -> OrderMessage:
        """The message with the goods of today's mapping."""
        return self.matching.applied(message)

    def _order(self, data: Any, parts: Mapping[str, Any], sheet: Sheet, asked_at: datetime | None) -> OrderMessage:
        raise NotImplementedError

    def _rows(self, data: Any) -> list[Any]:
        raise NotImplementedError

    def _listed(self, rows: Any, path: str) -> list[Any]:
        if not isinstance(rows, list):
            raise bad(self.name, "a page", [Problem(path, type(rows).__name__, "a list of orders")])
        return rows

    def _secret(self) -> tuple[str, ...]:
        if not self._secrets:
            raise ChannelError(self.name, "no secret", "Channel(..., secret=...) before a webhook can be read")
        return self._secrets

    def _same_account(self, given: str) -> None:
        if given.casefold().rstrip("/") != self.account.casefold().rstrip("/"):
            raise WrongAccount(self.name, given, self.account)

    def _notice(self, kind: str, **told: Any) -> Notice:
        return Notice(channel=self.name, account=self.account, kind=kind, **told)


def inner(data: Any, *names: str) -> Any:
    """What stands under the first of these names that is there, else the data itself."""
    if isinstance(data, Mapping):
        for name in names:
            if isinstance(data.get(name), Mapping):
                return data[name]
    return data


def top(data: Any, sheet: Sheet, path: str = "$") -> Node:
    """The whole payload as a node."""
    return Node(data, path, sheet)
