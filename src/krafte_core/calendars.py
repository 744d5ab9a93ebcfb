"""Working calendars: when a place works, as a person would write it, and compiled to a `Timeline` for a span of days.

A `Calendar` is plain text and dates, so it travels. Rules, holidays and closures are only its source: `compile_calendar`
writes them out once, and every question is then a bisection.

>>> bench = Calendar("bench", "Mon-Fri 08:00-12:00, 13:00-16:00", "Europe/Berlin", closures=("2026-12-24",))
>>> year = compile_calendar(bench, date(2026, 1, 1), date(2026, 12, 31))
>>> moment(year.add(epoch(instant("2026-12-23 15:00", "Europe/Berlin")), 2 * 3600)).isoformat()  # 24th closed, 25th a Friday
'2026-12-25T08:00:00+00:00'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import attrs

from krafte_core.durations import MAX_DAYS, Duration, duration
from krafte_core.errors import BeyondHorizon, InvalidInput, OutOfRange, TextTooLong, Unknown, UnreadableText
from krafte_core.timelines import Timeline, merged
from krafte_core.times import (
    DAY,
    EPOCH_DAY,
    WallClock,
    checked_text,
    day,
    end_of_day,
    epoch,
    instant,
    local_date,
    moment,
    time_zone,
    wall_clock,
)

__all__ = [
    "Calendar",
    "Duration",
    "Timeline",
    "compile_calendar",
    "day",
    "duration",
    "end_of_day",
    "epoch",
    "instant",
    "local_date",
    "moment",
]

MAX_HOURS = 500  # characters of an hours text
MAX_ENTRIES = 10_000  # closures, extras or rules of one calendar
MAX_OCCURRENCES = 50_000  # of one rule up to the end of the span: 137 years of every day
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAMED_DAYS = {name: number for number, full in enumerate(WEEKDAYS) for name in (full, full[:3])}
HOURS = "days, then hours, such as 'Mon-Thu 06:00-14:00, 14:30-22:00; Fri 06:00-12:00', or '24/7'"
RANGE = re.compile(r"([0-9]{1,2}):([0-9]{2}) ?- ?([0-9]{1,2}):([0-9]{2})")
RULE = re.compile(r"(?:DTSTART(?:;VALUE=DATE)?:([0-9]{8})\s+)?(?:RRULE:)?([A-Z]+=[A-Z0-9,+-]+(?:;[A-Z]+=[A-Z0-9,+-]+)*)")
RULE_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYSETPOS"}
RULE_WANTED = "a rule of RFC 5545 for whole days, such as 'FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24'"

Shifts = tuple[tuple[int, int], ...]  # seconds after the local midnight; a shift over midnight ends beyond 86,400
Week = tuple[Shifts, ...]  # seven of them, Monday first


# --------------------------------------------------------------------------------------------------- the grammars


def _shift(text: str, field: str) -> tuple[int, int]:
    """One "08:00-16:00"; an end before its start lies on the next day, equal ones would say nothing."""
    form = RANGE.fullmatch(text)
    if form is None:
        raise UnreadableText(field, text, HOURS)
    from_hour, from_minute, to_hour, to_minute = map(int, form.groups())
    start, end = from_hour * 3600 + from_minute * 60, to_hour * 3600 + to_minute * 60
    if from_minute > 59 or to_minute > 59 or start >= DAY or end > DAY:
        raise UnreadableText(field, text, "times from 00:00 to 24:00")
    if start == end:
        raise UnreadableText(field, text, "an end that differs from its start; a whole day is '00:00-24:00'")
    return start, end if end > start else end + DAY


def _week_days(text: str) -> list[int]:
    """The numbers of "Mon", "Mon-Fri", "Sun-Thu" (round the week's end) or "daily"."""
    if text == "daily":
        return list(range(7))
    first, dash, last = (part.strip() for part in text.partition("-"))
    for name in (first, last) if dash else (first,):
        if name not in NAMED_DAYS:
            raise UnreadableText("hours", name or text, "a weekday: Mon, Tue, Wed, Thu, Fri, Sat, Sun, or daily")
    begin = NAMED_DAYS[first]
    length = (NAMED_DAYS[last] - begin) % 7 if dash else 0
    return [(begin + step) % 7 for step in range(length + 1)]


@lru_cache(maxsize=512)
def _week(hours: str) -> Week:
    """The hours text as seven days of shifts; overlapping shifts (a handover) are one."""
    text = checked_text("hours", hours, MAX_HOURS).lower().replace("\u2013", "-")  # an en dash, as word processors write it
    if text in ("24/7", "always"):
        return (((0, DAY),),) * 7
    if not text:
        raise UnreadableText("hours", hours, f"when it is open, a calendar that is never open is none: {HOURS}")
    found: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for group in text.split(";"):
        for number, shift in _group(group):
            found[number].append(shift)
    return tuple(tuple(merged(shifts)) for shifts in found)


def _group(group: str) -> list[tuple[int, tuple[int, int]]]:
    """(weekday, shift) pairs of one group: "Mon, Wed 08:00-12:00, 13:00-16:00, Fri 08:00-12:00"."""
    result = []
    days: list[int] = []
    waiting: list[int] = []  # days that still wait for their hours
    for part in group.split(","):
        names, clock = _split(part.strip())
        if names:
            waiting += _week_days(names)
        if clock:
            days, waiting = waiting or days, []
            if not days:
                raise UnreadableText("hours", part.strip(), HOURS)
            result += [(number, _shift(clock, "hours")) for number in days]
    if waiting:
        raise UnreadableText("hours", group.strip(), HOURS)
    return result


def _split(part: str) -> tuple[str, str]:
    """Days and hours of one part: what comes before the first digit, and the rest."""
    digit = re.search("[0-9]", part)
    cut = digit.start() if digit else len(part)
    if not part:
        raise UnreadableText("hours", part, HOURS)
    return part[:cut].strip(), part[cut:].strip()


@lru_cache(maxsize=512)
def _extra_shifts(hours: str) -> Shifts:
    """The hours of an extra opening: "08:00-12:00, 13:00-15:00", without a weekday."""
    text = checked_text("extra", hours, MAX_HOURS).replace("\u2013", "-")
    return tuple(merged(_shift(part.strip(), "extra") for part in text.split(",")))


@lru_cache(maxsize=512)
def _rule(text: str) -> tuple[date | None, date | None, str]:
    """First day, last day and the parts of a rule; refused where the days would depend on the span it is compiled for."""
    form = RULE.fullmatch(checked_text("rules", text, MAX_HOURS).upper())
    if form is None:
        raise UnreadableText("rules", text, RULE_WANTED)
    parts = [part.split("=") for part in form[2].split(";")]
    named = dict(parts)
    unknown = set(named) - RULE_PARTS
    if unknown or len(named) != len(parts):
        raise UnreadableText("rules", text, f"{RULE_WANTED}, each part once (not {', '.join(sorted(unknown)) or 'twice'})")
    if named.get("FREQ") not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        raise UnreadableText("rules", text, "FREQ=DAILY, WEEKLY, MONTHLY or YEARLY: a closure lasts whole days")
    if not all(re.fullmatch("[1-9][0-9]{0,4}", named.get(name, "1")) for name in ("INTERVAL", "COUNT")):
        raise UnreadableText("rules", text, "INTERVAL and COUNT from 1 on")  # dateutil would never come back from INTERVAL=0
    counted = "COUNT" in named or named.get("INTERVAL", "1") != "1"
    says_day = named["FREQ"] == "DAILY" or not named.keys().isdisjoint(("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY"))
    if form[1] is None and (counted or not says_day):
        raise UnreadableText("rules", text, "the day that it counts from, such as 'DTSTART:20260105 RRULE:FREQ=...'")
    start = _rule_day(form[1], text) if form[1] else None
    until = _rule_day(named.pop("UNTIL")[:8], text) if "UNTIL" in named else None
    return start, until, ";".join(f"{name}={value}" for name, value in named.items())


def _rule_day(digits: str, text: str) -> date:
    try:
        return date.fromisoformat(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    except ValueError as problem:
        raise UnreadableText("rules", text, "days such as 20261224") from problem


# --------------------------------------------------------------------------------------------------- the calendar


def _entries(field: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidInput(field, value, "a tuple")
    entries = tuple(value)
    if len(entries) > MAX_ENTRIES:
        raise OutOfRange(field, len(entries), f"at most {MAX_ENTRIES} entries")
    return entries


def _closures(value: Any) -> tuple[tuple[date, date], ...]:
    """Days and ranges of days, each as (first, last), in order."""
    result = []
    for entry in _entries("closures", value):
        pair = (entry, entry) if isinstance(entry, str | date) else tuple(entry) if isinstance(entry, tuple | list) else ()
        if len(pair) != 2:
            raise InvalidInput("closures", entry, "a day, or (first day, last day)")
        first, last = day(pair[0]), day(pair[1])
        if last < first:
            raise InvalidInput("closures", (first.isoformat(), last.isoformat()), "a last day that is not before the first")
        result.append((first, last))
    return tuple(sorted(result))


def _extra(value: Any) -> tuple[tuple[date, str], ...]:
    """Extra openings, each as (day, hours), in order."""
    result = []
    for entry in _entries("extra", value):
        if not isinstance(entry, tuple | list) or len(entry) != 2 or not isinstance(entry[1], str):
            raise InvalidInput("extra", entry, "(day, hours) such as ('2026-12-19', '08:00-12:00')")
        _extra_shifts(entry[1])
        result.append((day(entry[0]), entry[1]))
    return tuple(sorted(result))


def _texts(value: Any) -> tuple[str, ...]:
    entries = _entries("rules", value)
    for entry in entries:
        if not isinstance(entry, str):
            raise InvalidInput("rules", entry, RULE_WANTED)
        _rule(entry)
    return entries


def _check_name(_self: object, _attribute: object, name: Any) -> None:
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput("name", name, "a name")
    checked_text("name", name)


def _check_hours(_self: object, _attribute: object, hours: Any) -> None:
    if not isinstance(hours, str):
        raise InvalidInput("hours", hours, HOURS)
    if len(hours) > MAX_HOURS:  # here, because the cache would keep a text of any length
        raise TextTooLong("hours", hours[:MAX_HOURS], f"at most {MAX_HOURS} characters")
    _week(hours)


def _check_zone(_self: object, _attribute: object, zone: Any) -> None:
    if zone is not None:
        time_zone(zone)


def _check_holidays(_self: object, _attribute: object, holidays: Any) -> None:
    if not isinstance(holidays, str) or not re.fullmatch(r"(?:[A-Z]{2}(?:-[A-Z0-9]{1,4})?)?", holidays):
        raise InvalidInput("holidays", holidays, "a country or a part of it, such as 'DE' or 'DE-BE' (ISO 3166)")


@attrs.frozen(cache_hash=True)
class Calendar:
    """When a place works.

    - `hours`: "Mon-Thu 06:00-14:00, 14:30-22:00; Fri 06:00-12:00; Sat 22:00-06:00", times of the wall clock, or "24/7"
      ("always"). A shift whose end is not after its start ends on the next day and belongs to the day on which it begins.
      "Sun-Thu" goes round the end of the week, "Mon, Wed 08:00-12:00" lists, "daily" is all seven. Overlapping shifts are one.
      A text without any opening is refused.
    - `zone`: of the time-zone database; None is the workshop's, given when the calendar is compiled.
    - `closures`: days, or (first, last) with both closed. No shift *begins* on a closed day; one from the evening before
      still ends in the morning.
    - `holidays`: public holidays of a country ("DE") or a part of it ("DE-BE") are closures; needs the extra `calendars`.
    - `rules`: closures by rule (RFC 5545 RRULE for whole days). A rule that counts (INTERVAL, COUNT) or leaves its day open says
      where it starts: "DTSTART:20260105 RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", so that it never depends on the compiled span.
    - `extra`: openings on one day, (day, "08:00-12:00, 13:00-15:00"), besides the hours and also on a closed day. So a short
      day is a closure with an extra opening.

    Raises:
        InvalidInput: (invalid_input) a field of the wrong type, a closure that ends before it begins.
        UnreadableText: (unreadable_text) hours, a day or a rule that the grammar does not know; the part is named.
        TextTooLong: (text_too_long) a name of more than 64 or hours of more than 500 characters.
        Unknown: (unknown) no such time zone.
        OutOfRange: (out_of_range) more than 10,000 closures, extras or rules.

    >>> Calendar("kettle", "Mon-Fri 08:00-16:00", closures=["2026-12-24"]).closures
    ((datetime.date(2026, 12, 24), datetime.date(2026, 12, 24)),)
    >>> Calendar("kettle", "Mo-Fr 08:00-16:00")
    Traceback (most recent call last):
        ...
    krafte_core.errors.UnreadableText: hours: got 'mo', expected a weekday: Mon, Tue, Wed, Thu, Fri, Sat, Sun, or daily
    """

    name: str = attrs.field(validator=_check_name)
    hours: str = attrs.field(validator=_check_hours)
    zone: str | None = attrs.field(default=None, validator=_check_zone)
    closures: tuple[tuple[date, date], ...] = attrs.field(default=(), converter=_closures)
    extra: tuple[tuple[date, str], ...] = attrs.field(default=(), converter=_extra)
    holidays: str = attrs.field(default="", validator=_check_holidays)
    rules: tuple[str, ...] = attrs.field(default=(), converter=_texts)

    @property
    def always_open(self) -> bool:
        """Whether no moment is ever closed.

        >>> Calendar("post", "24/7").always_open
        True
        """
        return not (self.closures or self.holidays or self.rules) and _longest(_week(self.hours)) is None


def _longest(week: Week) -> int | None:
    """Seconds of the longest opening of an ordinary week, None where it never closes; three weeks show every chain whole."""
    span = [(number * DAY + start, number * DAY + end) for number in range(21) for start, end in week[number % 7]]
    longest = max(end - start for start, end in merged(span))
    return None if longest >= 7 * DAY else longest


# ------------------------------------------------------------------------------------------------------ compiling


def compile_calendar(calendar: Calendar, first: date, last: date, zone: str = "UTC") -> Timeline:
    """The calendar written out from the first day to the last one, both included, in its own zone or else in `zone`.

    The wall clock rules: a shift over a change of the clocks has its real length, a time shown twice is its first showing, a
    skipped one is the moment of the jump (see `krafte_core.times`). The result is kept (256 of them), so ask with spans that stay
    the same for a while, such as whole years, rather than with today's date.

    Raises:
        InvalidInput: (invalid_input) no calendar, a span that ends before it begins; holidays without the extra `calendars`.
        OutOfRange: (out_of_range) more than a hundred years, or a rule of more than 50,000 days.
        Unknown: (unknown) no such time zone; no such country or part of it in `holidays`.
        BeyondHorizon: (beyond_horizon) years whose holidays the package `holidays` does not know.
        UnreadableText: (unreadable_text) a rule that dateutil does not take.

    >>> week = compile_calendar(Calendar("oven", "Mon-Fri 22:00-06:00"), date(2026, 11, 23), date(2026, 11, 29))
    >>> week.total // 3600, len(week.starts), len(week.days)
    (40, 5, 5)
    """
    if not isinstance(calendar, Calendar):
        raise InvalidInput("calendar", calendar, "a Calendar")
    begin, end = day(first), day(last)
    if end < begin:
        raise InvalidInput("last", end.isoformat(), f"a day that is not before the first, {begin.isoformat()}")
    if (end - begin).days > MAX_DAYS or end.year > 9990 or begin.year < 10:  # room for the day before and after
        raise OutOfRange("last", end.isoformat(), f"at most {MAX_DAYS} days, within the years 10 to 9990")
    return _compiled(calendar, begin, end, zone if calendar.zone is None else calendar.zone)


@lru_cache(maxsize=256)
def _compiled(calendar: Calendar, first: date, last: date, zone: str) -> Timeline:
    clock = wall_clock(zone, first, last)
    days = range(first.toordinal() - EPOCH_DAY, last.toordinal() - EPOCH_DAY + 1)
    span = clock.utc(days.start * DAY), clock.utc(days.stop * DAY)
    week = _week(calendar.hours)
    if calendar.always_open:
        return Timeline.of(calendar.name, span, [span], days=days, clock=clock)
    before = date.fromordinal(first.toordinal() - 1)  # its night shift reaches into the first day
    openings = _openings(calendar, clock, _closed(calendar, before, last), range(days.start - 1, days.stop))
    working = tuple(number for number in sorted({number for number, _, _ in openings}) if number >= days.start)
    shifts = [(start, end) for _, start, end in openings]
    return Timeline.of(calendar.name, span, shifts, days=working, bound=_longest(week), clock=clock)


def _openings(calendar: Calendar, clock: WallClock, closed: set[int], days: range) -> list[tuple[int, int, int]]:
    """(day number, start, end) of each shift that begins on one of the days; what a jump of the clocks swallows is left out."""
    week = _week(calendar.hours)
    extra: dict[int, Shifts] = {}
    for local, hours in calendar.extra:
        number = local.toordinal() - EPOCH_DAY
        extra[number] = extra.get(number, ()) + _extra_shifts(hours)
    result = []
    for number in days:
        shifts = () if number in closed else week[(number + 3) % 7]  # day 0, 1970-01-01, was a Thursday
        for start, end in shifts + extra.get(number, ()):
            opens, closes = clock.utc(number * DAY + start), clock.utc(number * DAY + end)
            if opens < closes:
                result.append((number, opens, closes))
    return result


def _closed(calendar: Calendar, first: date, last: date) -> set[int]:
    """The numbers of the closed days from the first to the last one: closures, holidays, rules."""
    found: set[int] = set()
    for begin, end in calendar.closures:
        found.update(range(max(begin, first).toordinal(), min(end, last).toordinal() + 1))
    if calendar.holidays:
        found.update(_holidays(calendar, first, last))
    for rule in calendar.rules:
        found.update(_expanded(rule, first, last))
    return {number - EPOCH_DAY for number in found}


def _holidays(calendar: Calendar, first: date, last: date) -> set[int]:
    """The public holidays of the package `holidays`; a year that it does not know is an error, never a year without."""
    try:
        import holidays  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as problem:
        how = "the extra 'calendars' (pip install 'krafte-core[calendars]'), or the days themselves as closures"
        raise InvalidInput("holidays", calendar.holidays, how) from problem
    country, _, part = calendar.holidays.partition("-")
    try:
        known = holidays.country_holidays(country, subdiv=part or None, years=range(first.year, last.year + 1))
    except NotImplementedError as problem:
        raise Unknown("public holidays", calendar.holidays) from problem
    begin, end = known.start_year, known.end_year
    if first.year < begin or last.year > end:
        wanted = first if first.year < begin else last
        raise BeyondHorizon(
            f"public holidays of {calendar.holidays}",
            instant(f"{wanted.isoformat()} 00:00"),
            instant(f"{begin:04d}-01-01 00:00"),
            instant(f"{end:04d}-12-31 00:00"),
        )
    return {local.toordinal() for local in known if first <= local <= last}


def _expanded(text: str, first: date, last: date) -> set[int]:
    """The days of a rule within the span.

    dateutil gives up on a rule that never matches (30 February) only in the year 9999, after seconds. The Gregorian calendar
    repeats every 400 years to the weekday, so the rule is expanded as many cycles later as there is room, 20 times faster.
    """
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - only where there is a rule

    start, until, parts = _rule(text)
    shift = (9999 - max(last.year, start.year if start else 0)) // 400 * 146_097  # days of 400 years
    begin = start or first
    try:
        rule = rrulestr(parts, dtstart=datetime.fromordinal(begin.toordinal() + shift), ignoretz=True)
        found: set[int] = set()
        for count, at in enumerate(rule):
            number = at.toordinal() - shift
            if number > min(until or last, last).toordinal():
                break
            if count >= MAX_OCCURRENCES:
                raise OutOfRange("rules", text, f"at most {MAX_OCCURRENCES} days; let it start later")
            found.add(number)
    except (ValueError, TypeError, ArithmeticError, LookupError) as problem:
        raise UnreadableText("rules", text, RULE_WANTED) from problem
    return {number for number in found if number >= first.toordinal()}
