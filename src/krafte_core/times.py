"""Instants, days and what the clock on the wall shows: text in, exact values out.

Instants are aware datetimes in UTC; the calendars count whole seconds since 1970 (`epoch` and `moment` go both ways).
One rule covers every change of the clocks: **a local time means the first moment at which the clock on the wall shows that
time or a later one.** So a time that is shown twice (autumn) is its first showing, as in RFC 5545, 3.3.5, and a time that is
skipped (spring) is the moment of the jump, which keeps a later time from ever being an earlier instant.

>>> instant("2026-11-23 08:00", "Europe/Berlin").isoformat()
'2026-11-23T07:00:00+00:00'
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from krafte_core.errors import InvalidInput, NaiveDatetime, OutOfRange, TextTooLong, Unknown, UnreadableText
from krafte_core.wording import shown

MAX_TEXT = 64  # characters of a name, a duration, an instant, a day or a zone
DAY = 86_400  # seconds
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1).toordinal()
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d:\d\d)?", re.ASCII)
DAY_TEXT = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def checked_text(field: str, text: str, limit: int = MAX_TEXT) -> str:
    """The text without blanks around it, once its length is known to be harmless.

    Raises:
        TextTooLong: (text_too_long) more than `limit` characters, whatever they are.

    >>> checked_text("day", " 2026-11-23 ")
    '2026-11-23'
    """
    if len(text) > limit:
        raise TextTooLong(field, text[:limit], f"at most {limit} characters")
    return text.strip()


# ------------------------------------------------------------------------------------- zones and the clock on the wall


@lru_cache(maxsize=512)
def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC  # also where no time-zone data is installed
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as problem:  # not found; "../x" or NUL; "Europe" is a directory
        from difflib import get_close_matches  # noqa: PLC0415 - needed for this sentence only
        from zoneinfo import available_timezones  # noqa: PLC0415

        raise Unknown("time zone", name, tuple(get_close_matches(name, sorted(available_timezones())))) from problem


def time_zone(name: str) -> tzinfo:
    """The zone of this name in the time-zone database (IANA).

    Raises:
        InvalidInput: (invalid_input) no text.
        TextTooLong: (text_too_long) more than 64 characters.
        Unknown: (unknown) no zone of this name; `choices` are the nearest.

    >>> str(time_zone("Europe/Berlin"))
    'Europe/Berlin'
    """
    if not isinstance(name, str):
        raise InvalidInput("time zone", name, "a name such as 'Europe/Berlin'")
    if len(name) > MAX_TEXT:
        raise TextTooLong("time zone", name[:MAX_TEXT], f"at most {MAX_TEXT} characters")
    return _zone(name)


def epoch(at: datetime) -> int:
    """Whole seconds since 1970-01-01 00:00 UTC; a part of a second is cut off.

    Raises:
        InvalidInput: (invalid_input) no datetime.
        NaiveDatetime: (naive_datetime) no zone.

    >>> epoch(instant("1970-01-02T00:00Z", "UTC"))
    86400
    """
    return (_aware(at) - EPOCH) // timedelta(seconds=1)


@lru_cache(maxsize=1024)
def moment(seconds: int) -> datetime:
    """The UTC instant of a number of seconds since 1970.

    Raises:
        OutOfRange: (out_of_range) outside the years 1 to 9999.

    >>> moment(86_400).isoformat()
    '1970-01-02T00:00:00+00:00'
    """
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError as problem:
        raise OutOfRange("instant", seconds, "an instant of the years 1 to 9999") from problem


@attrs.frozen
class WallClock:
    """What the clock on the wall shows in one zone, for some years: the offsets from UTC and when each one begins.

    `turns` are the moments (UTC seconds) at which the offset changes, `offsets` the seconds ahead of UTC (one more than turns),
    `ends` what the wall would show at each turn by the offset that ends there. Get one from `wall_clock`.
    """

    zone: str
    turns: tuple[int, ...]
    offsets: tuple[int, ...]
    ends: tuple[int, ...]

    def local(self, at: int) -> int:
        """What the wall shows at this moment, as seconds since 1970-01-01 00:00 on the wall.

        >>> wall_clock("Europe/Berlin", date(2026, 1, 1), date(2026, 12, 31)).local(0)
        3600
        """
        return at + self.offsets[bisect_right(self.turns, at)]

    def utc(self, local: int) -> int:
        """The first moment at which the wall shows this time or a later one.

        >>> wall_clock("Asia/Kolkata", date(2026, 1, 1), date(2026, 12, 31)).utc(0)
        -19800
        """
        piece = bisect_right(self.ends, local)
        at = local - self.offsets[piece]
        return max(at, self.turns[piece - 1]) if piece else at


UTC_WALL = WallClock("UTC", (), (0,), ())


@lru_cache(maxsize=512)
def wall_clock(zone: str, first: date, last: date) -> WallClock:
    """The clock on the wall of a zone from the first day to the last one, both included.

    Raises:
        InvalidInput, TextTooLong, Unknown: as `time_zone`.

    >>> wall_clock("UTC", date(2026, 1, 1), date(2026, 12, 31)).offsets
    (0,)
    """
    info = time_zone(zone)
    if info is UTC:
        return UTC_WALL

    def offset(at: int) -> int:
        shift = (EPOCH + timedelta(seconds=at)).astimezone(info).utcoffset()
        assert shift is not None  # noqa: S101 - an aware datetime always has one
        return shift // timedelta(seconds=1)

    # zoneinfo does not tell its turns. No zone ever changed twice within a day, so one look a day finds each of them.
    begin = max(first.toordinal() - 2, 3) - EPOCH_DAY
    until = min(last.toordinal() + 3, date.max.toordinal() - 2) - EPOCH_DAY
    turns: list[int] = []
    offsets = [offset(begin * DAY)]
    for number in range(begin, until):
        low, high = number * DAY, (number + 1) * DAY
        after = offset(high)
        if after == offsets[-1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if offset(middle) == after else (middle, high)
        turns.append(high)
        offsets.append(after)
    ends = tuple(turn + before for turn, before in zip(turns, offsets, strict=False))
    return WallClock(zone, tuple(turns), tuple(offsets), ends)


# ------------------------------------------------------------------------------------------------ instants and days


def _aware(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise InvalidInput("instant", value, "a datetime with a zone, or a text such as '2026-11-23 08:00'")
    if value.utcoffset() is None:
        raise NaiveDatetime("instant", value, "a datetime with a zone; a text such as '2026-11-23 08:00' takes the zone given")
    return value


def instant(value: datetime | str, zone: str = "UTC") -> datetime:
    """The UTC instant of an aware datetime or of an ISO 8601 text; text without an offset means `zone`.

    Raises:
        InvalidInput: (invalid_input) another type; a date is a day, not an instant (see `end_of_day`).
        NaiveDatetime: (naive_datetime) a datetime without a zone.
        TextTooLong: (text_too_long) more than 64 characters.
        UnreadableText: (unreadable_text) no date and time of ISO 8601.
        Unknown: (unknown) no such zone.
        OutOfRange: (out_of_range) before the year 1 or after 9999 in UTC.

    >>> instant("2026-07-01T08:00", "Europe/Berlin").isoformat()
    '2026-07-01T06:00:00+00:00'
    >>> instant("2026-03-29 02:30", "Europe/Berlin").isoformat()  # skipped: the moment of the jump
    '2026-03-29T01:00:00+00:00'
    """
    if not isinstance(value, str):
        try:
            return _aware(value).astimezone(UTC)
        except OverflowError as problem:
            raise OutOfRange("instant", value, "an instant of the years 1 to 9999") from problem
    text = checked_text("instant", value)
    form = INSTANT.fullmatch(text)
    try:
        stated = datetime.fromisoformat(text) if form else None
        if stated is None:
            raise UnreadableText("instant", value, "a date and a time such as '2026-11-23 08:00' or '2026-11-23T07:00Z'")
        if stated.tzinfo is not None:
            return stated.astimezone(UTC)
        wall = (stated.replace(tzinfo=UTC) - EPOCH) // timedelta(seconds=1)
        at = wall_clock(zone, stated.date(), stated.date()).utc(wall)
        return EPOCH + timedelta(seconds=at, microseconds=stated.microsecond)
    except ValueError as problem:
        raise UnreadableText("instant", value, "a date and a time that exist, such as '2026-11-23 08:00'") from problem
    except OverflowError as problem:
        raise OutOfRange("instant", value, "an instant of the years 1 to 9999") from problem


def day(value: date | str) -> date:
    """The calendar day of a date or of an ISO 8601 text.

    Raises:
        InvalidInput: (invalid_input) another type; a datetime is an instant, its day depends on the zone (see `local_date`).
        TextTooLong: (text_too_long) more than 64 characters.
        UnreadableText: (unreadable_text) no such day.

    >>> day("2026-11-23")
    datetime.date(2026, 11, 23)
    """
    if isinstance(value, str):
        text = checked_text("day", value)
        try:
            if DAY_TEXT.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError as problem:
            raise UnreadableText("day", value, "a day that exists, such as '2026-11-23'") from problem
        raise UnreadableText("day", value, "a day such as '2026-11-23'")
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidInput("day", value, "a date, or a text such as '2026-11-23'")
    return value


def end_of_day(value: date | str, zone: str = "UTC") -> datetime:
    """The UTC instant at which a local day ends: the first moment of the next one. Days have 23 to 25 hours.

    Raises:
        InvalidInput, TextTooLong, UnreadableText: as `day`.
        Unknown: (unknown) no such zone.
        OutOfRange: (out_of_range) the last day of the year 9999.

    >>> end_of_day("2026-11-23", "Europe/Berlin").isoformat()
    '2026-11-23T23:00:00+00:00'
    """
    local = day(value)
    try:
        return moment(wall_clock(zone, local, local).utc((local.toordinal() - EPOCH_DAY + 1) * DAY))
    except OutOfRange as problem:
        raise OutOfRange("day", shown(local), "a day before the last one of the year 9999") from problem


def on_the_clock(at: datetime, zone: str) -> str:
    """The instant as the clock on a wall of the zone shows it, to the minute.

    >>> on_the_clock(datetime(2026, 7, 1, 6, 0, tzinfo=UTC), "Europe/Berlin")
    '2026-07-01 08:00'
    """
    return f"{at.astimezone(time_zone(zone)):%Y-%m-%d %H:%M}"


def local_date(at: datetime, zone: str = "UTC") -> date:
    """The day that the calendar on the wall shows in this zone at this instant.

    Raises:
        InvalidInput: (invalid_input) no datetime.
        NaiveDatetime: (naive_datetime) no zone.
        Unknown: (unknown) no such zone.
        OutOfRange: (out_of_range) the local day lies outside the years 1 to 9999.

    >>> local_date(instant("2026-11-23T23:30Z"), "Europe/Berlin")
    datetime.date(2026, 11, 24)
    """
    try:
        return _aware(at).astimezone(time_zone(zone)).date()
    except OverflowError as problem:
        raise OutOfRange("instant", at, "an instant of the years 1 to 9999") from problem
