"""Instants, days, the clock on the wall, and durations."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from krafte_core.durations import KINDS, Duration, duration, spelled
from krafte_core.errors import (
    FloatRefused,
    InvalidInput,
    KrafteError,
    NaiveDatetime,
    NotPositive,
    OutOfRange,
    TextTooLong,
    Unknown,
    UnknownUnit,
    UnreadableText,
)
from krafte_core.times import DAY, EPOCH, day, end_of_day, epoch, instant, local_date, moment, time_zone, wall_clock

BERLIN = "Europe/Berlin"


def error_of(call, *arguments):
    """The error that the call raises."""
    with pytest.raises(KrafteError) as caught:
        call(*arguments)
    return caught.value


class TestDuration:
    """How long, and of which time."""

    @pytest.mark.parametrize(
        ("text", "count", "kind"),
        [
            ("6 h", 21_600, "elapsed"),
            ("90 min", 5_400, "elapsed"),
            ("1.5 h", 5_400, "elapsed"),
            ("1 h 30 min", 5_400, "elapsed"),
            ("1h 30min", 5_400, "elapsed"),
            ("  28   DAYS ", 28 * DAY, "elapsed"),
            ("2 weeks", 14 * DAY, "elapsed"),
            ("45 s", 45, "elapsed"),
            ("0 h", 0, "elapsed"),
            ("2 working hours", 7_200, "working time"),
            ("90 working min", 5_400, "working time"),
            ("6 h 30 min working time", 23_400, "working time"),
            ("3 working days", 3, "working days"),
            ("1 working day", 1, "working days"),
        ],
    )
    def test_text_is_read_with_its_kind(self, text, count, kind):
        """Everyday spellings give whole seconds or working days, and the kind that the text says."""
        assert duration(text) == Duration(count, kind)

    def test_the_place_decides_what_a_bare_text_means(self):
        """Lesson 68: "6 h" is elapsed time, and working time only where the caller says so."""
        assert duration("6 h").kind == "elapsed"
        assert duration("6 h", "working time").kind == "working time"
        assert duration(timedelta(hours=6), "working time") == Duration(21_600, "working time")
        assert duration(timedelta(hours=6)) == Duration(21_600)

    def test_a_duration_passes_through(self):
        """A duration is its own duration."""
        given_one = Duration(60, "working time")

        assert duration(given_one) is given_one

    def test_another_kind_than_wanted_is_refused(self):
        """Elapsed time never turns into working time on the way, nor the other way round."""
        assert type(error_of(duration, Duration(60), "working time")) is InvalidInput
        assert type(error_of(duration, "2 working hours", "elapsed", "wait")) is InvalidInput
        assert type(error_of(duration, "2 h", "working days")) is InvalidInput
        assert type(error_of(duration, "2 h", "lunar")) is InvalidInput

    def test_working_time_in_days_is_refused(self):
        """A run of "2 days" would be six shifts here and two there, so working time has no days."""
        found = error_of(duration, "2 days", "working time", "run")

        assert isinstance(found, UnknownUnit)
        assert (found.field, found.given, found.choices) == ("run", "days", ("h", "min", "s"))
        assert isinstance(error_of(duration, "2 working weeks"), UnknownUnit)

    def test_working_days_have_no_seconds(self):
        """Only a calendar knows how long three working days are; elapsed time has no working days."""
        assert duration("3 working days").days == 3
        assert type(error_of(lambda: duration("3 working days").seconds)) is InvalidInput
        assert type(error_of(lambda: duration("3 days").days)) is InvalidInput

    @pytest.mark.parametrize("value", [1.5, 0.0, -2.0])
    def test_floats_are_refused_with_the_spelling(self, value):
        """A float is refused, and the error shows it as a text."""
        found = error_of(duration, value)

        assert isinstance(found, FloatRefused)
        assert f"'{value} h'" in found.expected

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_no_numbers_are_out_of_range(self, value):
        """NaN and the infinities have no spelling."""
        assert isinstance(error_of(duration, value), OutOfRange)

    @pytest.mark.parametrize("value", [6, True, None, b"6 h", date(2026, 1, 1)])
    def test_other_types_are_refused(self, value):
        """A bare number has no unit, and nothing is guessed."""
        assert type(error_of(duration, value)) is InvalidInput

    @pytest.mark.parametrize("value", ["-1 h", "- 3 working days", timedelta(seconds=-1)])
    def test_negative_durations_are_refused(self, value):
        """Nothing takes less than no time."""
        assert isinstance(error_of(duration, value), NotPositive)

    @pytest.mark.parametrize(
        ("text", "unit"), [("5 m", "m"), ("1 month", "month"), ("2 years", "years"), ("3 std", "std"), ("6 working", "working")]
    )
    def test_unknown_units_are_named(self, text, unit):
        """A month has no length, "m" is minutes or months: the unit is named and others are offered."""
        found = error_of(duration, text)

        assert isinstance(found, UnknownUnit)
        assert found.given == unit
        assert found.choices

    @pytest.mark.parametrize(
        "text",
        ["", "6", "h", "h 6", "6 h,", "1,5 h", "1.5.5 h", "1e3 h", "nan h", "6 h later", "-", "--1 h", "P3D", "PT6H",
         "30 min 1 h", "1 h 1 h", "\u0663 h", "6 h\n6 min\x00"],
    )  # fmt: skip
    def test_other_texts_are_unreadable(self, text):
        """Whatever the grammar does not know is refused, never half read."""
        assert isinstance(error_of(duration, text), UnreadableText)

    def test_a_comma_is_answered_with_the_right_spelling(self):
        """The German comma is refused, with the text that would be read."""
        assert error_of(duration, "1,5 h").expected.startswith("'1.5 h'")

    @pytest.mark.parametrize("value", ["0.0001 s", "1.5 working days", timedelta(microseconds=1)])
    def test_parts_of_a_second_or_working_day_are_refused(self, value):
        """What is no whole second or working day is refused, not rounded."""
        assert type(error_of(duration, value)) is InvalidInput

    @pytest.mark.parametrize("value", ["36526 days", "99999999999999999999 h", "36526 working days", timedelta(days=999_999_999)])
    def test_more_than_a_hundred_years_is_a_slip(self, value):
        """Longer than a hundred years is out of range."""
        assert isinstance(error_of(duration, value), OutOfRange)

    def test_a_long_text_is_refused_at_once(self):
        """Ten megabytes cost no more than a look at the length, and the error keeps only the beginning."""
        for text in ("9" * 10_000_000, "1 h " * 2_500_000, " " * 10_000_000):
            began = time.perf_counter()
            found = error_of(duration, text)

            assert isinstance(found, TextTooLong)
            assert len(found.given) == 64
            assert time.perf_counter() - began < 1

    @given(st.text(alphabet="0123456789.,- hdminsworkgtea", max_size=64))
    @example("1 " * 32)
    def test_any_text_is_a_duration_or_a_coded_error(self, text):
        """No text gets another answer than a duration or an error of the tree."""
        try:
            found = duration(text)
        except InvalidInput:
            return

        assert duration(str(found)) == found

    @given(st.integers(0, 36_525), st.sampled_from(KINDS))
    def test_the_readable_form_is_read_back(self, count, kind):
        """`str` and `duration` go round."""
        assert duration(str(Duration(count, kind))) == Duration(count, kind)
        assert duration(str(Duration(count * DAY))) == Duration(count * DAY)

    def test_the_constructor_checks_too(self):
        """A duration built by hand obeys the same rules."""
        assert isinstance(error_of(Duration, 1.5), FloatRefused)
        assert type(error_of(Duration, True)) is InvalidInput
        assert type(error_of(Duration, "6 h")) is InvalidInput
        assert type(error_of(Duration, 1, "lunar")) is InvalidInput
        assert isinstance(error_of(Duration, -1), NotPositive)
        assert isinstance(error_of(Duration, 36_526, "working days"), OutOfRange)

    def test_spelled(self):
        """Seconds for a reader: days where they are whole, else hours, minutes and seconds."""
        assert [spelled(count) for count in (0, 59, 3600, DAY, 2 * DAY, DAY + 60)] == [
            "0 h", "59 s", "1 h", "1 day", "2 days", "24 h 1 min",
        ]  # fmt: skip


class TestInstant:
    """Aware datetimes, in UTC."""

    def test_text_without_a_zone_means_the_zone_given(self):
        """Eight o'clock in Berlin is seven in UTC in winter and six in summer."""
        assert instant("2026-11-23 08:00", BERLIN) == datetime(2026, 11, 23, 7, tzinfo=UTC)
        assert instant("2026-07-01T08:00:30.5", BERLIN) == datetime(2026, 7, 1, 6, 0, 30, 500_000, tzinfo=UTC)

    def test_text_with_an_offset_means_its_offset(self):
        """An offset in the text wins over the zone."""
        assert instant("2026-11-23T08:00Z", BERLIN) == datetime(2026, 11, 23, 8, tzinfo=UTC)
        assert instant("2026-11-23T08:00-10:00", BERLIN) == datetime(2026, 11, 23, 18, tzinfo=UTC)

    def test_aware_datetimes_come_back_in_utc(self):
        """The instant stays, the zone becomes UTC."""
        found = instant(datetime(2026, 11, 23, 8, tzinfo=timezone(timedelta(hours=1))))

        assert found == datetime(2026, 11, 23, 7, tzinfo=UTC)
        assert found.tzinfo is UTC

    def test_naive_datetimes_are_refused(self):
        """Lesson 69: a datetime without a zone means no instant."""
        naive = datetime(2026, 11, 23, 8)  # noqa: DTZ001 - on purpose

        assert isinstance(error_of(instant, naive, BERLIN), NaiveDatetime)
        assert isinstance(error_of(epoch, naive), NaiveDatetime)
        assert isinstance(error_of(local_date, naive, BERLIN), NaiveDatetime)

    @pytest.mark.parametrize("value", [date(2026, 11, 23), 0, None, 1.5])
    def test_other_types_are_refused(self, value):
        """A day is no instant, a number even less."""
        assert type(error_of(instant, value)) is InvalidInput

    @pytest.mark.parametrize(
        "text",
        ["", "2026-11-23", "08:00", "23.11.2026 08:00", "2026-11-23 8:00", "2026-11-23 24:01", "2026-02-30 08:00",
         "20261123T0800", "2026-W48-1T08:00", "2026-11-23 08:00+99:00", "2026-11-23 08:00 Europe/Berlin", "now"],
    )  # fmt: skip
    def test_other_texts_are_unreadable(self, text):
        """Only a date and a time of ISO 8601 that exist."""
        assert isinstance(error_of(instant, text, BERLIN), UnreadableText)

    def test_long_texts_are_refused(self):
        """More than 64 characters are refused, whichever function reads them."""
        for call in (instant, day, end_of_day):
            assert isinstance(error_of(call, "2" * 65), TextTooLong)
        assert isinstance(error_of(time_zone, "E" * 10_000_000), TextTooLong)

    @pytest.mark.parametrize("zone", ["Europe/Bärlin", "Europe/Berlim", "", "../etc/passwd", "Europe", "a\0b", "/etc"])
    def test_unknown_zones_are_refused(self, zone):
        """A zone that the database does not have is an error, however odd its name."""
        found = error_of(instant, "2026-11-23 08:00", zone)

        assert isinstance(found, Unknown)
        assert (found.kind, found.name) == ("time zone", zone)

    def test_an_unknown_zone_names_the_nearest(self):
        """A slip of the pen gets the right name."""
        assert BERLIN in error_of(time_zone, "Europe/Berlim").choices
        assert type(error_of(time_zone, None)) is InvalidInput

    def test_a_skipped_time_is_the_moment_of_the_jump(self):
        """On 2026-03-29 Berlin jumps from 02:00 to 03:00: every time between is 01:00 UTC."""
        jump = datetime(2026, 3, 29, 1, tzinfo=UTC)

        assert [instant(f"2026-03-29 {clock}", BERLIN) for clock in ("02:00", "02:30", "02:59", "03:00")] == [jump] * 4

    def test_a_time_shown_twice_is_its_first_showing(self):
        """On 2026-10-25 Berlin shows 02:30 twice; RFC 5545, 3.3.5 takes the first."""
        assert instant("2026-10-25 02:30", BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert instant("2026-10-25 03:00", BERLIN) == datetime(2026, 10, 25, 2, 0, tzinfo=UTC)

    def test_instants_outside_the_calendar_are_out_of_range(self):
        """The first and last hours that `datetime` knows may lie outside it in UTC."""
        assert isinstance(error_of(instant, "9999-12-31 23:00", "America/New_York"), OutOfRange)
        assert isinstance(error_of(instant, "0001-01-01T00:00+14:00"), OutOfRange)
        assert isinstance(error_of(instant, datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))), OutOfRange)
        assert isinstance(error_of(local_date, datetime.max.replace(tzinfo=UTC), "Asia/Tokyo"), OutOfRange)
        assert isinstance(error_of(moment, 10**20), OutOfRange)

    @given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - the strategy's bounds
    def test_seconds_and_instants_go_round(self, at):
        """`epoch` and `moment` are inverse for whole seconds, before 1970 too."""
        assert moment(epoch(at)) == at.replace(microsecond=0)
        assert type(error_of(epoch, "2026")) is InvalidInput


class TestDays:
    """Local days have 23 to 25 hours, and one had none."""

    def test_a_day_is_a_date_or_its_text(self):
        """A date passes through, ISO text is read."""
        assert day(date(2026, 11, 23)) == day(" 2026-11-23 ") == date(2026, 11, 23)

    @pytest.mark.parametrize("value", [datetime(2026, 11, 23, tzinfo=UTC), 20261123, None])
    def test_other_types_are_refused(self, value):
        """A datetime is an instant: its day depends on the zone."""
        assert type(error_of(day, value)) is InvalidInput

    @pytest.mark.parametrize("text", ["", "23.11.2026", "2026-02-29", "20261123", "2026-W48-1", "2026-11-23T00:00"])
    def test_other_texts_are_unreadable(self, text):
        """Only YYYY-MM-DD, and only days that exist."""
        assert isinstance(error_of(day, text), UnreadableText)

    @pytest.mark.parametrize(
        ("local", "zone", "hours"),
        [
            ("2026-11-23", BERLIN, 24),
            ("2026-03-29", BERLIN, 23),
            ("2026-10-25", BERLIN, 25),
            ("2024-04-26", "Africa/Cairo", 23),  # no midnight: the day begins at 01:00
            ("2026-11-01", "America/Havana", 25),  # midnight twice
            ("2011-12-30", "Pacific/Apia", 0),  # the day that Samoa left out
            ("2026-04-05", "Australia/Lord_Howe", 24.5),
        ],
    )
    def test_a_day_ends_where_the_next_one_begins(self, local, zone, hours):
        """The end of a day is the first moment of the next one, so a day has the length that it has on the wall."""
        before = (date.fromisoformat(local) - timedelta(days=1)).isoformat()

        assert (end_of_day(local, zone) - end_of_day(before, zone)) == timedelta(hours=hours)

    def test_the_last_day_of_all_has_no_end(self):
        """9999-12-31 stands for "never" in many books; it has no next midnight."""
        assert isinstance(error_of(end_of_day, "9999-12-31"), OutOfRange)

    def test_the_local_date_depends_on_the_zone(self):
        """Half past eleven in London is tomorrow in Berlin."""
        at = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)

        assert local_date(at, "Europe/London") == date(2026, 11, 23)
        assert local_date(at, BERLIN) == date(2026, 11, 24)

    @given(
        st.dates(date(1980, 1, 1), date(2040, 1, 1)),
        st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia", "UTC"]),
    )
    def test_a_day_ends_just_after_its_last_second(self, local, zone):
        """The end belongs to a later day, the second before it to this one or, for a day left out, to an earlier one."""
        end = end_of_day(local, zone)

        assert local_date(end, zone) > local
        assert local_date(end - timedelta(seconds=1), zone) <= local


class TestWallClock:
    """The table of offsets agrees with `zoneinfo`."""

    @given(
        st.integers(epoch(datetime(2019, 12, 31, tzinfo=UTC)), epoch(datetime(2031, 1, 1, tzinfo=UTC))),
        st.sampled_from([BERLIN, "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    )
    def test_local_time_is_that_of_zoneinfo(self, at, zone):
        """At every second the wall shows what `zoneinfo` says, and the way back finds its first showing."""
        clock = wall_clock(zone, date(2020, 1, 1), date(2030, 12, 31))
        shown = (EPOCH + timedelta(seconds=at)).astimezone(ZoneInfo(zone))
        local = clock.local(at)

        assert EPOCH + timedelta(seconds=local) == shown.replace(tzinfo=UTC)
        assert clock.utc(local) == (at if not shown.fold else epoch(shown.replace(fold=0)))

    def test_all_turns_are_found(self):
        """Berlin turns twice a year, Casablanca round each Ramadan."""
        assert len(wall_clock(BERLIN, date(2020, 1, 1), date(2029, 12, 31)).turns) == 20
        assert len(wall_clock("Africa/Casablanca", date(2024, 1, 1), date(2024, 12, 31)).turns) == 2
