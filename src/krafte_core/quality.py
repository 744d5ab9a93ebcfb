"""Quality: what is measured of every lot of an item, between which limits it must lie, and what was measured.

>>> ph = Check("pH", least="9", most="10.5")
>>> ph.admits(measured("9.8")), ph.admits(measured(11))
(True, False)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.quantities import number, plain, split

MAX_NAME, MAX_UNIT = 60, 20


def _limit(given: object) -> Decimal | None:
    return None if given is None else measured(given, "limit")


def measured(given: object, field: str = "value") -> Decimal:
    """A measured value: a number as text, an int or a Decimal; exact, so never a float.

    Raises:
        InvalidInput: (`invalid_input`, `float_refused`, `unreadable_text`, ...) naming the field.

    >>> measured("9.80")
    Decimal('9.80')
    """
    if not isinstance(given, str):
        return number(given, field)
    value, unit = split(given, field)
    if unit:
        raise InvalidInput(field, given, "a number alone: its unit stands at the check")
    return value


def _name(given: str) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= MAX_NAME or given != given.strip() or not given.isprintable():
        raise InvalidInput("check", given, f"1 to {MAX_NAME} printable characters without blanks at the ends")
    return given


@attrs.frozen
class Check:
    """Something that is measured of every lot of an item, with its limits (both included); without limits it is only written down.

    Args:
        name: what is measured (`"pH"`).
        least, most: the limits, as text.
        unit: in which it is measured (`"%"`), for people.

    Raises:
        InvalidInput: (`invalid_input`) limits that no value can keep.

    >>> Check("water", most="12", unit="%").limits
    'at most 12 %'
    """

    name: str = attrs.field(converter=_name)
    least: Decimal | None = attrs.field(default=None, kw_only=True, converter=_limit)
    most: Decimal | None = attrs.field(default=None, kw_only=True, converter=_limit)
    unit: str = attrs.field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Limits in order, and a short unit."""
        if self.least is not None and self.most is not None and self.most < self.least:
            raise InvalidInput("most", plain(self.most), f"at least {plain(self.least)}, the other limit")
        if not isinstance(self.unit, str) or len(self.unit) > MAX_UNIT or not self.unit.isprintable():
            raise InvalidInput("unit", self.unit, f"up to {MAX_UNIT} printable characters")

    def admits(self, value: Decimal) -> bool:
        """Whether a value lies within the limits."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def limits(self) -> str:
        """The limits as text; empty where there are none."""
        low, high = (None if limit is None else plain(limit) for limit in (self.least, self.most))
        told = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}" if high else ""
        return f"{told} {self.unit}".strip() if told else ""


def checks(given: object) -> tuple[Check, ...]:
    """The checks of an item, each name once.

    Raises:
        InvalidInput: (`invalid_input`) something else, or a name twice.

    >>> checks([Check("pH")])[0].name
    'pH'
    """
    rows = tuple(given) if isinstance(given, tuple | list) else (given,)
    if not all(isinstance(one, Check) for one in rows) or len({one.name for one in rows}) < len(rows):
        raise InvalidInput("checks", given, "checks, each name once")
    return rows


class Measured(NamedTuple):
    """A value that was measured of a lot: the limits that held then (as text), whether it kept them, when, by whom."""

    item: str
    lot: str
    check: str
    value: Decimal
    limits: str
    within: bool
    at: datetime
    by: str


def readings(item: str, lot: str, entries: Iterable[Any]) -> tuple[Measured, ...]:
    """What was measured of a lot, read off its diary, in the order in which it was measured.

    >>> readings("soap", "S-1", [])
    ()
    """
    found = []
    for entry in entries:
        if entry.step == MEASURE:
            for name, text in entry.details:
                if name != "happened_at":
                    value, _, rest = text.partition("; ")
                    limits, _, verdict = rest.rpartition("; ")
                    found.append(Measured(item, lot, name, Decimal(value), limits, verdict != OUTSIDE, entry.happened, entry.by))
    return tuple(sorted(found, key=lambda row: row.at))


MEASURE, OUTSIDE, WITHIN = "measure", "outside", "within"
"""The step in the diary of a lot, and the two verdicts."""


def details(values: Mapping[str, Decimal], wanted: Sequence[Check]) -> tuple[tuple[str, str], ...]:
    """Measured values as the diary keeps them, each with its limits and the verdict.

    >>> details({"pH": number(11)}, [Check("pH", most="10.5")])
    (('pH', '11; at most 10.5; outside'),)
    """
    known = {check.name: check for check in wanted}
    rows = []
    for name, value in values.items():
        check = known.get(name)
        verdict = OUTSIDE if check is not None and not check.admits(value) else WITHIN
        rows.append((name, f"{plain(value)}; {check.limits if check else ''}; {verdict}"))
    return tuple(rows)


def open_checks(wanted: Sequence[Check], found: Sequence[Measured]) -> tuple[tuple[str, str], ...]:
    """What speaks against a release: per check its name, and "not measured", or the last value and the limits that it does not keep.

    >>> open_checks([Check("pH", most="10.5")], [])
    (('pH', 'not measured'),)
    """
    last = {row.check: row.value for row in found}
    rows = []
    for check in wanted:
        if check.name not in last:
            rows.append((check.name, "not measured"))
        elif not check.admits(last[check.name]):
            rows.append((check.name, f"{plain(last[check.name])}, wanted {check.limits}"))
    return tuple(rows)
