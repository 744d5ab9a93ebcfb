"""Durations: how long, and of which time. "6 h" of a wait and "6 h" of work are two things, and the value says which it is.

>>> str(duration("90 min"))
'1 h 30 min'
>>> duration("3 working days").kind
'working days'
"""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction
from typing import Any, Literal, get_args

import attrs

from krafte_core.errors import FloatRefused, InvalidInput, NotPositive, OutOfRange, UnknownUnit, UnreadableText
from krafte_core.times import DAY, checked_text

Kind = Literal["elapsed", "working time", "working days"]

KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_DAYS = 36_525  # a hundred years: longer is a slip of the pen, not a lead time

UNITS: dict[str, int] = {
    **dict.fromkeys(("w", "week", "weeks"), 7 * DAY),
    **dict.fromkeys(("d", "day", "days"), DAY),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
}
PART = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]+)(?: |$)")
DURATION = "a duration such as '6 h', '90 min', '1 h 30 min', '28 days', '2 working hours' or '3 working days'"


def _check_kind(_self: object, _attribute: object, kind: Any) -> None:
    if kind not in KINDS:
        raise InvalidInput("kind", kind, "'elapsed', 'working time' or 'working days'")


def _check_count(self: Any, _attribute: object, count: Any) -> None:
    whole = "whole days" if self.kind == "working days" else "whole seconds"
    if isinstance(count, float):
        raise FloatRefused("duration", count, whole)
    if not isinstance(count, int) or isinstance(count, bool):
        raise InvalidInput("duration", count, whole)
    if count < 0:
        raise NotPositive("duration", count, "zero or more")
    if count > (MAX_DAYS if self.kind == "working days" else MAX_DAYS * DAY):
        raise OutOfRange("duration", count, f"at most {MAX_DAYS} days")


@attrs.frozen
class Duration:
    """How long, and of which time: elapsed (the wall clock), working time (open hours only) or working days.

    `count` is in seconds, for working days in days. Read it through `seconds` or `days`: working days have no length before a
    calendar gives them one, so asking them for seconds is an error and never zero.

    Raises:
        InvalidInput: (invalid_input) no whole number, or an unknown kind.
        FloatRefused: (float_refused) a binary float.
        NotPositive: (not_positive) less than zero.
        OutOfRange: (out_of_range) more than 36,525 days, a hundred years.

    >>> Duration(5400)
    Duration(count=5400, kind='elapsed')
    >>> str(Duration(3, "working days"))
    '3 working days'
    """

    count: int = attrs.field(validator=_check_count)
    kind: Kind = attrs.field(default="elapsed", validator=_check_kind)

    @property
    def seconds(self) -> int:
        """The seconds of an elapsed duration or of working time.

        Raises:
            InvalidInput: (invalid_input) working days: only a calendar knows how long they are.

        >>> duration("1.5 h").seconds
        5400
        """
        if self.kind == "working days":
            raise InvalidInput("seconds", str(self), "elapsed or working time; working days need a calendar")
        return self.count

    @property
    def days(self) -> int:
        """The number of working days.

        Raises:
            InvalidInput: (invalid_input) a duration of another kind.

        >>> duration("3 working days").days
        3
        """
        if self.kind != "working days":
            raise InvalidInput("days", str(self), "working days such as '3 working days'")
        return self.count

    def __str__(self) -> str:
        """The readable form; `duration` reads it back.

        >>> str(duration("6.5 working hours")), str(duration("2 weeks"))
        ('6 h 30 min working time', '14 days')
        """
        if self.kind == "working days":
            return f"{self.count} working day{'' if self.count == 1 else 's'}"
        if self.kind == "working time":
            return f"{_clock_text(self.count)} working time"
        return spelled(self.count)


def _clock_text(seconds: int) -> str:
    """Hours, minutes and seconds, without those that are zero."""
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 h"


def spelled(seconds: int) -> str:
    """A number of elapsed seconds for a reader: whole days as days, the rest as hours, minutes and seconds.

    >>> spelled(86_400), spelled(100_000)
    ('1 day', '27 h 46 min 40 s')
    """
    days, rest = divmod(seconds, DAY)
    return _clock_text(seconds) if rest or not days else f"{days} day{'' if days == 1 else 's'}"


def duration(value: Duration | timedelta | str, kind: Kind | None = None, field: str = "duration") -> Duration:
    """A duration from text, from a `timedelta` or from itself.

    "6 h" and a `timedelta` are elapsed time unless `kind` says what the place wants; "2 working hours", "6 h 30 min working time"
    and "3 working days" say it themselves. Where `kind` is given, the result is of that kind or refused. Working time in days
    or weeks is refused: a day of work is eight hours here and sixteen there.

    Args:
        value: text of at most 64 characters, a `timedelta` of whole seconds, or a `Duration`.
        kind: the only kind wanted here; None takes every kind.
        field: the name that an error shall show.

    Raises:
        InvalidInput: (invalid_input) another type, another kind than wanted, or a part of a second or of a working day.
        FloatRefused: (float_refused) a float, because 1.1 is not 1.1.
        OutOfRange: (out_of_range) NaN, infinity, or more than a hundred years.
        NotPositive: (not_positive) less than zero.
        TextTooLong: (text_too_long) more than 64 characters.
        UnknownUnit: (unknown_unit) "5 m", "1 month", "2 days working time".
        UnreadableText: (unreadable_text) any other text.

    >>> duration("1 h 30 min").seconds
    5400
    >>> duration("6 h", kind="working time")
    Duration(count=21600, kind='working time')
    >>> duration("1,5 h")
    Traceback (most recent call last):
        ...
    krafte_core.errors.UnreadableText: duration: got '1,5 h', expected '1.5 h': a point, not a comma
    """
    if kind is not None and kind not in KINDS:
        raise InvalidInput("kind", kind, "'elapsed', 'working time' or 'working days'")
    if isinstance(value, str):
        found = _duration_of_text(value, kind, field)
    elif isinstance(value, Duration):
        found = value
    elif isinstance(value, timedelta):
        found = Duration(_whole(field, value, Fraction(value // timedelta(microseconds=1), 1_000_000)), kind or "elapsed")
    elif isinstance(value, float):
        if value - value != 0:  # NaN and the infinities
            raise OutOfRange(field, value, DURATION)
        raise FloatRefused(field, value, f"a text with its unit, such as '{value!r} h'")
    else:
        raise InvalidInput(field, value, DURATION)
    if kind is not None and found.kind != kind:
        raise InvalidInput(field, str(found), {"elapsed": "elapsed time"}.get(kind, kind))
    return found


def _whole(field: str, given: object, amount: Fraction) -> int:
    """The amount as an `int`; a rest is refused, because rounding it would change what was typed."""
    if amount.denominator != 1:
        raise InvalidInput(field, given, "whole seconds, or whole working days")
    return amount.numerator


def _duration_of_text(value: str, kind: Kind | None, field: str) -> Duration:
    """The grammar: `[-] number unit [number unit ...] [working time]`, `number working unit`."""
    text = " ".join(checked_text(field, value).casefold().split())
    if re.match("- ?[0-9]", text):
        _duration_of_text(text[1:], kind, field)  # what is no duration at all gets its own error
        raise NotPositive(field, value, "zero or more")
    bare = text.removesuffix(" working time")
    said: Kind | None = "working time" if bare != text else None
    if said is None:
        bare = re.sub(r"(?<=[0-9]) working (?=[a-z]+$)", " ", text)
        if bare != text:
            said = "working days" if bare.endswith((" d", " day", " days")) else "working time"
    parts = PART.findall(bare)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != bare.replace(" ", ""):
        comma = re.fullmatch(r"[0-9]+,[0-9]+ ?[a-z ]+", text)
        raise UnreadableText(field, value, f"'{text.replace(',', '.')}': a point, not a comma" if comma else DURATION)
    if said == "working days" and len(parts) == 1:
        return Duration(_whole(field, value, Fraction(parts[0][0])), said)
    wanted: Kind = said or ("elapsed" if kind is None or kind == "working days" else kind)
    return Duration(_whole(field, value, _seconds(parts, wanted, value, field)), wanted)


def _seconds(parts: list[tuple[str, str]], kind: Kind, value: str, field: str) -> Fraction:
    """The sum of the parts; each unit once, the longer first, so that "30 min 1 h" is asked about rather than guessed."""
    total, before = Fraction(0), 8 * DAY  # longer than a week
    for number, unit in parts:
        size = UNITS.get(unit)
        if size is None or (kind == "working time" and size >= DAY):
            near = {"m": ("min",), "month": ("days", "weeks"), "months": ("days", "weeks")}
            raise UnknownUnit(field, unit, DURATION, near.get(unit, ("h", "min", "s")))
        if size >= before:
            raise UnreadableText(field, value, "each unit once, the longest first, such as '1 h 30 min'")
        total, before = total + Fraction(number) * size, size
    return total
