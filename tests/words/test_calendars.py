"""Working calendars: grammar, compiling, and every question against a minute-by-minute reference.

Cases of other systems are told in our words and named by their id (WCT-...); "lesson" numbers are those of the team's list.
"""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from krafte_core.calendars import Calendar, Timeline, compile_calendar, duration, epoch, instant, moment
from krafte_core.errors import (
    BeyondHorizon,
    InvalidInput,
    KrafteError,
    NeverFits,
    NotPositive,
    OutOfRange,
    TextTooLong,
    Unknown,
    UnreadableText,
)

BERLIN, BRUSSELS = "Europe/Berlin", "Europe/Brussels"
HOUR = 3600


def error_of(call, *arguments, **named):
    """The error that the call raises."""
    with pytest.raises(KrafteError) as caught:
        call(*arguments, **named)
    return caught.value


def at(text, zone=BERLIN):
    """Seconds since 1970 of a text."""
    return epoch(instant(text, zone))


def wall(seconds, zone=BERLIN):
    """The time on the wall, for reading."""
    return moment(seconds).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def year(hours, number=2026, zone=BERLIN, **fields):
    """A calendar compiled for a year."""
    return compile_calendar(Calendar("bench", hours, zone, **fields), date(number, 1, 1), date(number, 12, 31))


# ------------------------------------------------------------------------------------------------------ the grammar


class TestHours:
    """What the hours text means, and what it refuses."""

    @pytest.mark.parametrize(
        ("text", "hours"),
        [
            ("Mon-Fri 08:00-16:00", [8, 8, 8, 8, 8, 0, 0]),
            ("mon-fri 8:00 - 16:00", [8, 8, 8, 8, 8, 0, 0]),
            ("Monday-Friday 08:00\u201316:00", [8, 8, 8, 8, 8, 0, 0]),
            ("Mon-Thu 06:00-14:00, 14:30-22:00; Fri 06:00-12:00", [15.5, 15.5, 15.5, 15.5, 6, 0, 0]),
            ("Mon, Wed 08:00-12:00, 13:00-14:00, Fri 08:00-09:00", [5, 0, 5, 0, 1, 0, 0]),
            ("Mon 08:00-16:00, Tue 09:00-17:00; Mon 18:00-19:00", [9, 8, 0, 0, 0, 0, 0]),
            ("Sun-Tue 08:00-09:00", [1, 1, 0, 0, 0, 0, 1]),
            ("daily 10:00-20:00", [10] * 7),
            ("Sat 00:00-24:00", [0, 0, 0, 0, 0, 24, 0]),
            ("24/7", [24] * 7),
            ("always", [24] * 7),
            ("Mon 06:00-14:00, 13:30-22:00", [16, 0, 0, 0, 0, 0, 0]),  # a handover is worked once
        ],
    )
    def test_a_week_of_hours(self, text, hours):
        """Each spelling gives the hours that a person would read in it."""
        week = compile_calendar(Calendar("bench", text), date(2026, 11, 23), date(2026, 11, 29))
        days = [at(f"2026-11-{number}T00:00Z") for number in range(23, 31)]

        assert [week.between(start, end) / HOUR for start, end in pairwise(days)] == hours

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("", ""),
            ("   ", "   "),
            ("Mo-Fr 08:00-16:00", "mo"),
            ("Mon-Fry 08:00-16:00", "fry"),
            ("Mon- 08:00-16:00", "mon-"),
            ("08:00-16:00", "08:00-16:00"),
            ("Mon", "mon"),
            ("Mon-Fri 08:00-16:00; Sat", "sat"),
            ("Mon 08:00-16:00; 17:00-18:00", "17:00-18:00"),
            ("Mon 08:00", "08:00"),
            ("Mon 08-16", "08-16"),
            ("Mon 08:00-16:60", "08:00-16:60"),
            ("Mon 08:00-25:00", "08:00-25:00"),
            ("Mon 24:00-02:00", "24:00-02:00"),
            ("Mon 08:00-08:00", "08:00-08:00"),
            ("Mon 00:00-00:00", "00:00-00:00"),
            ("Mon 08:00-16:00;", ""),
            ("Mon 08:00-16:00,,Tue 08:00-16:00", ""),
            ("Mon \u0660\u0668:00-16:00", "mon \u0660\u0668:"),
        ],
    )
    def test_bad_hours_are_refused_with_the_part(self, text, part):
        """Lesson 77: a calendar that is never open is no calendar; every other mistake is named by its part."""
        found = error_of(Calendar, "bench", text)

        assert isinstance(found, UnreadableText)
        assert (found.field, found.given) == ("hours", part)

    @given(st.text(alphabet="MonTueFri 0123456789:-,;/", max_size=40))
    def test_any_text_makes_a_calendar_or_a_coded_error(self, text):
        """No hours text gets another answer than a calendar that is open at some time, or an error of the tree."""
        try:
            found = Calendar("bench", text)
        except InvalidInput:
            return

        assert compile_calendar(found, date(2026, 11, 23), date(2026, 11, 29)).total > 0

    def test_long_texts_are_refused_at_once(self):
        """Ten megabytes of hours, names, extra openings or rules are not read."""
        long = "Mon 08:00-16:00;" * 600_000
        began = time.perf_counter()

        assert isinstance(error_of(Calendar, "bench", long), TextTooLong)
        assert isinstance(error_of(Calendar, "b" * 10_000_000, "24/7"), TextTooLong)
        assert isinstance(error_of(Calendar, "bench", "24/7", extra=[("2026-01-01", long)]), TextTooLong)
        assert isinstance(error_of(Calendar, "bench", "24/7", rules=[long]), TextTooLong)
        assert time.perf_counter() - began < 2


class TestCalendar:
    """The other fields of a calendar, and that it is a value."""

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"name": ""}, InvalidInput),
            ({"name": None}, InvalidInput),
            ({"hours": None}, InvalidInput),
            ({"zone": 1}, InvalidInput),
            ({"zone": "Mars/Olympus"}, Unknown),
            ({"closures": "2026-12-24"}, InvalidInput),
            ({"closures": 5}, InvalidInput),
            ({"closures": [5]}, InvalidInput),
            ({"closures": [("2026-12-24",)]}, InvalidInput),
            ({"closures": [("2026-12-27", "2026-12-24")]}, InvalidInput),
            ({"closures": ["24.12.2026"]}, UnreadableText),
            ({"closures": [datetime(2026, 12, 24, tzinfo=UTC)]}, InvalidInput),
            ({"closures": ["2026-12-24"] * 10_001}, OutOfRange),
            ({"extra": ["2026-12-19"]}, InvalidInput),
            ({"extra": [("2026-12-19", None)]}, InvalidInput),
            ({"extra": [("2026-12-19", "")]}, UnreadableText),
            ({"extra": [("2026-12-19", "Sat 08:00-12:00")]}, UnreadableText),
            ({"extra": [("soon", "08:00-12:00")]}, UnreadableText),
            ({"holidays": None}, InvalidInput),
            ({"holidays": "Germany"}, InvalidInput),
            ({"rules": "FREQ=DAILY"}, InvalidInput),
            ({"rules": [5]}, InvalidInput),
        ],
    )
    def test_bad_fields_are_refused(self, fields, error):
        """Every field is checked when the calendar is made, a closure that ends before it begins included (lesson 70)."""
        assert type(error_of(Calendar, **{"name": "bench", "hours": "Mon 08:00-16:00", **fields})) is error

    def test_equal_calendars_are_equal(self):
        """Dates or texts, lists or tuples, any order: the same closures make the same value, which hashes, pickles and copies."""
        one = Calendar("bench", "24/7", closures=["2026-12-24", (date(2026, 8, 1), "2026-08-14")])
        two = Calendar("bench", "24/7", closures=((date(2026, 8, 1), date(2026, 8, 14)), date(2026, 12, 24)))

        assert one == two
        assert hash(one) == hash(two)
        assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one

    def test_a_compiled_calendar_is_kept_and_is_a_value(self):
        """The same question compiles once; timelines pickle for other processes and answer the same there."""
        calendar = Calendar("bench", "Mon-Fri 08:00-16:00", BERLIN)
        found = compile_calendar(calendar, date(2026, 1, 1), date(2026, 12, 31))
        there = pickle.loads(pickle.dumps(found))

        assert compile_calendar(calendar, date(2026, 1, 1), date(2026, 12, 31)) is found
        assert there == found
        assert hash(there) == hash(found)
        assert there.add(at("2026-11-23 08:00"), 60 * HOUR) == found.add(at("2026-11-23 08:00"), 60 * HOUR)
        assert len(repr(found)) < 200

    def test_the_workshops_zone_is_used_where_a_calendar_has_none(self):
        """Without a zone the calendar is compiled in the one given, with its own zone it stays there."""
        ours, own = Calendar("ours", "Mon 08:00-16:00"), Calendar("own", "Mon 08:00-16:00", "Asia/Tokyo")
        days = date(2026, 11, 23), date(2026, 11, 23)

        assert compile_calendar(ours, *days).starts == (at("2026-11-23T08:00Z"),)
        assert compile_calendar(ours, *days, BERLIN).starts == (at("2026-11-23T07:00Z"),)
        assert compile_calendar(own, *days, BERLIN).starts == (at("2026-11-22T23:00Z"),)

    def test_bad_spans_are_refused(self):
        """A span has a first and a last day, in that order, and at most a hundred years."""
        calendar = Calendar("bench", "Mon 08:00-16:00")

        assert type(error_of(compile_calendar, calendar, date(2026, 1, 2), date(2026, 1, 1))) is InvalidInput
        assert type(error_of(compile_calendar, "24/7", date(2026, 1, 1), date(2026, 1, 2))) is InvalidInput
        assert type(error_of(compile_calendar, calendar, 2026, date(2026, 1, 2))) is InvalidInput
        assert isinstance(error_of(compile_calendar, calendar, date(2026, 1, 1), date(2200, 1, 1)), OutOfRange)
        assert isinstance(error_of(compile_calendar, calendar, date(9990, 1, 1), date(9991, 1, 1)), OutOfRange)
        assert isinstance(error_of(compile_calendar, calendar, date(2026, 1, 1), date(2026, 1, 2), "Nowhere"), Unknown)
        assert isinstance(error_of(Timeline.of, "x", (10, 5), []), InvalidInput)


class TestClosures:
    """Closed days, short days, holidays, rules."""

    def test_no_shift_begins_on_a_closed_day(self):
        """The night shift of Wednesday still ends on the closed Thursday morning; Thursday's own shift is left out."""
        shifts = year("Mon-Fri 22:00-06:00", closures=["2026-12-24"])

        assert [shifts.is_open(at(f"2026-12-{text}")) for text in ("24 05:59", "24 06:00", "24 23:00")] == [True, False, False]
        assert [shifts.is_open(at(f"2026-12-{text}")) for text in ("25 05:00", "25 23:00")] == [False, True]

    def test_an_extra_opening_wins_over_a_closure(self):
        """A short Christmas Eve is a closure with an extra opening; an extra Saturday just opens."""
        bench = year("Mon-Fri 08:00-16:00", closures=[("2026-12-24", "2027-01-03")], extra=[("2026-12-24", "08:00-12:00")])

        assert wall(bench.add(at("2026-12-23 15:00"), 5 * HOUR)) == "2026-12-24 12:00"
        assert isinstance(error_of(bench.add, at("2026-12-24 08:00"), 5 * HOUR), BeyondHorizon)
        saturday = year("Mon-Fri 08:00-16:00", extra=[("2026-11-28", "08:00-09:00"), ("2026-11-28", "08:30-10:00")])
        assert wall(saturday.add(at("2026-11-27 16:00"), 2 * HOUR)) == "2026-11-28 10:00"

    def test_a_night_shift_before_the_span_is_known(self):
        """The first morning belongs to the night shift of the evening before, also where that day is outside the span."""
        monday = compile_calendar(Calendar("oven", "Sun 22:00-06:00"), date(2026, 11, 23), date(2026, 11, 23))

        assert monday.total == 6 * HOUR
        assert monday.days == ()

    def test_public_holidays_are_closures(self):
        """8 March is a holiday in Berlin, not in the rest of Germany; Christmas is one in both."""
        pytest.importorskip("holidays")
        berlin, germany = (year("daily 08:00-16:00", 2027, holidays=where) for where in ("DE-BE", "DE"))

        assert [berlin.is_open(at(f"2027-{day} 09:00")) for day in ("03-08", "12-25", "12-27")] == [False, False, True]
        assert [germany.is_open(at(f"2027-{day} 09:00")) for day in ("03-08", "12-25", "12-27")] == [True, False, True]

    def test_holidays_of_unknown_places_and_years_are_errors(self):
        """Lesson 81: a year whose holidays nobody knows is an error, never a year without holidays."""
        pytest.importorskip("holidays")

        assert isinstance(error_of(year, "daily 08:00-16:00", holidays="XX"), Unknown)
        assert isinstance(error_of(year, "daily 08:00-16:00", holidays="DE-XX"), Unknown)
        assert isinstance(error_of(year, "daily 08:00-16:00", 2150, holidays="DE"), BeyondHorizon)
        assert isinstance(error_of(year, "daily 08:00-16:00", 1850, holidays="DE"), BeyondHorizon)

    def test_without_the_extra_the_error_says_what_to_install(self, monkeypatch):
        """The package `holidays` is optional, and its absence has a clear answer."""
        monkeypatch.setitem(sys.modules, "holidays", None)
        found = error_of(year, "daily 08:00-16:30", holidays="DE")

        assert type(found) is InvalidInput
        assert "krafte-core[calendars]" in str(found)

    @pytest.mark.parametrize(
        ("rule", "closed"),
        [
            ("FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=24", [24]),
            ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE", [23, 25, 30]),
            ("freq=monthly;byday=-1mo", [30]),
            ("DTSTART:20260105 RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", [23]),
            ("DTSTART:20260112\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", [30]),
            ("DTSTART;VALUE=DATE:20261124 FREQ=DAILY;COUNT=2", [24, 25]),
            ("FREQ=DAILY;UNTIL=20261124", [23, 24]),
            ("FREQ=DAILY;UNTIL=20261124T235959Z", [23, 24]),
            ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", [30]),
            ("FREQ=YEARLY;BYWEEKNO=48", [23, 24, 25, 26, 27, 28, 29]),
            ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", []),
            ("DTSTART:20270101 FREQ=DAILY", []),
        ],
    )
    def test_rules_close_days(self, rule, closed):
        """RFC 5545 rules close whole days; where the compiled span starts does not change which."""
        calendar = Calendar("bench", "daily 08:00-16:00", BERLIN, rules=(rule,))
        for first in (date(2026, 11, 23), date(2026, 11, 2), date(2026, 1, 1)):
            found = compile_calendar(calendar, first, date(2026, 11, 30))

            assert [number for number in range(23, 31) if not found.is_open(at(f"2026-11-{number} 09:00"))] == closed

    @pytest.mark.parametrize(
        "rule",
        [
            "",
            "every monday",
            "FREQ=HOURLY",
            "FREQ=DAILY;BYHOUR=3",
            "FREQ=DAILY;FREQ=DAILY",
            "FREQ=WEEKLY",
            "FREQ=YEARLY;BYMONTH=12",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
            "FREQ=DAILY;COUNT=3",
            "DTSTART:20260101 FREQ=WEEKLY;INTERVAL=0;BYDAY=SU",
            "DTSTART:20260101 FREQ=DAILY;COUNT=-1",
            "FREQ=DAILY;UNTIL=20261399",
            "DTSTART:20260230 FREQ=DAILY",
            "EXRULE:FREQ=DAILY",
        ],
    )
    def test_bad_rules_are_refused_at_once(self, rule):
        """What is no rule for whole days, or would count from whatever day is compiled first, is refused."""
        found = error_of(Calendar, "bench", "24/7", rules=[rule])

        assert isinstance(found, UnreadableText)
        assert found.field == "rules"

    @pytest.mark.parametrize("rule", ["FREQ=WEEKLY;BYDAY=XX", "FREQ=YEARLY;BYMONTHDAY=A"])
    def test_rules_that_dateutil_refuses_are_unreadable(self, rule):
        """What only the expansion can see is told when the calendar is compiled."""
        assert isinstance(error_of(year, "24/7", rules=(rule,)), UnreadableText)

    def test_rules_cost_bounded_time(self):
        """A rule that never matches ends soon, and one with too many days is refused."""
        began = time.perf_counter()
        never = year("daily 08:00-16:00", rules=("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=3"))

        assert never.total > 0
        assert isinstance(error_of(year, "24/7", rules=("DTSTART:18000101 FREQ=DAILY",)), OutOfRange)
        assert time.perf_counter() - began < 5

    def test_all_closed_is_an_answer(self):
        """A year of closures compiles; every question about work in it lies beyond what is known."""
        closed = year("Mon-Fri 08:00-16:00", closures=[("2026-01-01", "2026-12-31")])
        start = at("2026-06-01 08:00")

        assert (closed.total, closed.between(closed.first, closed.last), closed.is_open(start)) == (0, 0, False)
        assert isinstance(error_of(closed.next_open, start), BeyondHorizon)
        for call in (closed.add, closed.subtract, closed.fit, closed.fit_before, closed.add_days, closed.subtract_days):
            assert isinstance(error_of(call, start, 1), BeyondHorizon)
            assert call(start, 0) == start


# --------------------------------------------------------------------------------------- cases of other systems


class TestCases:
    """The same numbers as other systems, where their rule is ours."""

    def test_wct_002_partial_closures_and_utc(self):
        """WCT-002: 35 hours a week at UTC+6; a closed morning leaves 32; whole zones of UTC hours are counted by `between`.

        Ours are whole days (with extra openings), and a range that ends before it starts is an error instead of zero hours.
        """
        hours = "Mon-Fri 09:00-12:00, 13:00-17:00"
        full = year(hours, 2018, "Asia/Dhaka")
        morning = year(hours, 2018, "Asia/Dhaka", closures=["2018-04-03"], extra=[("2018-04-03", "13:00-17:00")])
        monday, saturday = at("2018-04-02 00:00", "Asia/Dhaka"), at("2018-04-07 00:00", "Asia/Dhaka")
        leave = at("2018-04-03T04:00Z"), at("2018-04-04T04:00Z")

        assert full.between(monday, saturday) == 35 * HOUR
        assert morning.between(monday, saturday) == 32 * HOUR
        assert full.between(monday, saturday) - full.between(*leave) == 28 * HOUR
        assert type(error_of(full.between, saturday, monday)) is InvalidInput

    def test_wct_003_forwards_backwards_zero_and_far(self):
        """WCT-003: hours added forwards, over a closed day, backwards and far ahead.

        One rule differs on purpose: zero hours end where they start instead of at the next opening.
        """
        hours = "Mon-Fri 08:00-16:00"
        days = date(2018, 1, 1), date(2019, 12, 31)
        plain = compile_calendar(Calendar("plain", hours, BRUSSELS), *days)
        closed = compile_calendar(Calendar("closed", hours, BRUSSELS, closures=["2018-04-11"]), *days)
        tuesday = at("2018-04-10 00:00")

        assert wall(plain.add(tuesday, 2 * HOUR)) == "2018-04-10 10:00"
        assert wall(plain.add(tuesday, 20 * HOUR)) == "2018-04-12 12:00"
        assert wall(closed.add(at("2018-04-10 15:00"), 5 * HOUR)) == "2018-04-12 12:00"
        assert wall(closed.subtract(tuesday, 10 * HOUR)) == "2018-04-06 14:00"
        assert wall(closed.add(at("2018-04-11 00:00"), 0)) == "2018-04-11 00:00"
        assert wall(closed.next_open(at("2018-04-11 00:00"))) == "2018-04-12 08:00"
        assert wall(plain.add(tuesday, 3000 * HOUR)) == "2019-09-16 16:00"

    def test_wct_005_a_week_of_other_hours(self):
        """WCT-005: weeks of 30 hours, and one week of 16 written as closures with extra openings; a day off stays one."""
        week_a = {"closures": [("2018-04-11", "2018-04-13")], "extra": [("2018-04-10", "09:00-17:00")]}
        hours = "Mon 08:00-16:00; Wed 07:00-15:00; Thu 08:00-16:00; Fri 10:00-16:00"
        bench = year(hours, 2018, BRUSSELS, **week_a)
        without_monday = year(hours, 2018, BRUSSELS, **{**week_a, "closures": ["2018-04-09", ("2018-04-11", "2018-04-13")]})

        def in_week(timeline, monday):
            return timeline.between(at(f"2018-04-{monday:02d} 00:00"), at(f"2018-04-{monday + 6:02d} 23:59")) / HOUR

        assert [in_week(bench, monday) for monday in (2, 9, 16)] == [30, 16, 30]
        assert in_week(without_monday, 9) == 8

    def test_wct_006_another_zone_and_a_lunch_break(self):
        """WCT-006: four hours from 13:00 in Bangkok end at 17:00 there; the next hour is tomorrow's first."""
        center = year("Mon-Fri 08:00-12:00, 13:00-17:00", 2026, "Asia/Bangkok")
        start = center.fit(at("2026-03-09T06:00Z"), 4 * HOUR)
        second = center.fit(start + 4 * HOUR, HOUR)

        assert (start, start + 4 * HOUR) == (at("2026-03-09T06:00Z"), at("2026-03-09T10:00Z"))
        assert (second, second + HOUR) == (at("2026-03-10T01:00Z"), at("2026-03-10T02:00Z"))

    def test_wct_007_a_start_in_another_zone(self):
        """WCT-007: the calendar's zone rules, wherever the start comes from."""
        bench = year("Mon-Fri 08:00-16:00", 2018, BRUSSELS)

        assert bench.add(at("2018-04-10T08:00Z"), 10 * HOUR) == at("2018-04-11T10:00Z")
        assert bench.add(at("2018-04-10T08:00-10:00"), 10 * HOUR) == at("2018-04-11T22:00-10:00")

    def test_wct_020_work_outside_the_hours_is_seen(self):
        """WCT-020: a booking is inside the hours when all of it is working time; too early or over a holiday it is not."""
        machine = year("daily 10:00-20:00", 2013, "UTC", closures=["2013-02-01"])

        def inside(start, end):
            found = machine.opening(at(start, "UTC"))
            return found is not None and at(end, "UTC") <= found[1]

        assert inside("2013-02-02 11:00", "2013-02-02 19:00")
        assert inside("2013-02-02 10:00", "2013-02-02 20:00")
        assert not inside("2013-02-02 05:00", "2013-02-02 20:00")
        assert not inside("2013-02-01 10:00", "2013-02-02 20:00")

    def test_lesson_68_lead_times_say_their_time(self):
        """Three working days from Friday noon are Wednesday noon; three days are Monday noon."""
        bench, friday = year("Mon-Fri 08:00-16:00"), at("2026-11-20 12:00")

        assert wall(bench.add_days(friday, duration("3 working days").days)) == "2026-11-25 12:00"
        assert wall(friday + duration("3 days").seconds) == "2026-11-23 12:00"

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ("2026-11-20 15:59", "2026-11-23 08:59"),
            ("2026-11-20 16:00", "2026-11-23 09:00"),
            ("2026-11-21 00:00", "2026-11-23 09:00"),
            ("2026-11-22 23:59", "2026-11-23 09:00"),
            ("2026-11-23 08:00", "2026-11-23 09:00"),
            ("2026-11-23 15:00", "2026-11-23 16:00"),
        ],
    )
    def test_lesson_78_edges_of_the_week(self, start, end):
        """An hour begun at closing time, on the weekend or at opening time is done after Monday's first hour, without delay."""
        assert wall(year("Mon-Fri 08:00-16:00").add(at(start), HOUR)) == end


# --------------------------------------------------------------------------------------------- changes of the clocks


class TestClockChanges:
    """Hours are those of the wall; shifts have their real length."""

    def test_a_night_shift_over_the_change_has_its_real_length(self):
        """22:00-06:00 is seven hours in the night of the spring change and nine in that of the autumn change."""
        oven = year("Sat 22:00-06:00")

        assert oven.between(at("2026-03-28 22:00"), at("2026-03-29 06:00")) == 7 * HOUR
        assert oven.between(at("2026-10-24 22:00"), at("2026-10-25 06:00")) == 9 * HOUR
        assert wall(oven.add(at("2026-10-24 22:00"), 9 * HOUR)) == "2026-10-25 06:00"

    @pytest.mark.parametrize(
        ("hours", "minutes"),
        [
            ("02:00-03:00", 0),
            ("02:15-02:45", 0),
            ("02:30-03:15", 15),
            ("01:30-02:30", 30),
            ("01:30-03:30", 60),
            ("02:00-04:00", 60),
        ],
    )
    def test_skipped_hours_are_not_worked(self, hours, minutes):
        """What the wall never shows on the night of the spring change is no opening (fold=0; the gap moves to the jump)."""
        night = compile_calendar(Calendar("oven", f"Sun {hours}", BERLIN), date(2026, 3, 29), date(2026, 3, 29))

        assert night.total == minutes * 60
        assert len(night.days) == (1 if minutes else 0)

    @pytest.mark.parametrize(
        ("hours", "minutes"),
        [("02:00-03:00", 120), ("02:15-02:45", 30), ("02:30-03:15", 105), ("01:30-02:30", 60), ("01:30-03:30", 180)],
    )
    def test_times_shown_twice_are_their_first_showing(self, hours, minutes):
        """On the night of the autumn change start and end are the first moments at which the wall shows them or later."""
        night = compile_calendar(Calendar("oven", f"Sun {hours}", BERLIN), date(2026, 10, 25), date(2026, 10, 25))

        assert night.total == minutes * 60

    def test_working_days_keep_the_time_on_the_wall(self):
        """One working day after Friday 12:00 is Monday 12:00, though the clocks changed between; a skipped time is the jump."""
        bench, daily = year("Mon-Fri 08:00-16:00"), year("daily 08:00-16:00")

        assert wall(bench.add_days(at("2026-03-27 12:00"), 1)) == "2026-03-30 12:00"
        assert wall(bench.subtract_days(at("2026-10-26 12:00"), 1)) == "2026-10-23 12:00"
        assert wall(daily.add_days(at("2026-03-28 02:30"), 1)) == "2026-03-29 03:00"

    def test_a_day_that_never_was(self):
        """Samoa left out 2011-12-30: nothing is open on it, and the day after starts where the day before ended."""
        days = date(2011, 12, 26), date(2011, 12, 31)
        shop = compile_calendar(Calendar("shop", "daily 08:00-16:00", "Pacific/Apia"), *days)

        assert (shop.total, len(shop.days)) == (5 * 8 * HOUR, 5)
        assert compile_calendar(Calendar("post", "24/7", "Pacific/Apia"), *days).total == 5 * 24 * HOUR


# ------------------------------------------------------------------------------------------------------- questions


class TestTimeline:
    """Single questions; the reference below asks them all."""

    def test_always_is_one_opening(self):
        """24/7 is cheap: one opening, no list by day, and a job of any length up to the horizon fits."""
        post = compile_calendar(Calendar("post", "24/7", BERLIN), date(2026, 1, 1), date(2075, 12, 31))

        assert (len(post.starts), type(post.days)) == (1, range)
        assert post.fit(at("2026-01-01 00:00"), 10_000 * HOUR) == at("2026-01-01 00:00")
        assert wall(post.add(at("2026-03-28 12:00"), 24 * HOUR)) == "2026-03-29 13:00"
        assert wall(post.add_days(at("2026-03-28 12:00"), 1)) == "2026-03-29 12:00"

    def test_touching_openings_are_one(self):
        """Three shifts without a break between them are one opening, over midnight too."""
        plant = year("Mon-Fri 06:00-14:00, 14:00-22:00, 22:00-06:00")

        assert plant.opening(at("2026-11-25 12:00")) == (at("2026-11-23 06:00"), at("2026-11-28 06:00"))
        assert plant.fit(at("2026-11-24 06:00"), 100 * HOUR) == at("2026-11-30 06:00")

    def test_openings_are_half_open(self):
        """The second at which a shift ends is closed, the second at which it begins is open."""
        bench = year("Mon-Fri 08:00-16:00")

        assert [bench.is_open(at(f"2026-11-23 {clock}")) for clock in ("07:59", "08:00", "15:59", "16:00")] == [
            False, True, True, False,
        ]  # fmt: skip
        assert bench.opening(at("2026-11-23 16:00")) is None
        assert bench.next_open(at("2026-11-23 16:00")) == at("2026-11-24 08:00")

    def test_a_job_must_fit_into_one_opening(self):
        """Five hours do not pause for lunch: they wait for the afternoon that has them."""
        bench = year("Mon-Thu 08:00-12:00, 13:00-16:00; Fri 08:00-13:00")

        assert wall(bench.fit(at("2026-11-23 08:00"), 5 * HOUR)) == "2026-11-27 08:00"
        assert wall(bench.fit(at("2026-11-23 09:00"), 4 * HOUR)) == "2026-11-24 08:00"
        assert wall(bench.fit_before(at("2026-11-27 12:59"), 5 * HOUR)) == "2026-11-20 08:00"
        assert wall(bench.fit_before(at("2026-11-26 16:00"), 4 * HOUR)) == "2026-11-26 08:00"

    def test_a_job_that_never_fits_is_an_error(self):
        """Longer than every opening is NeverFits, with the longest one named."""
        bench = year("Mon-Fri 22:00-06:00", closures=["2026-10-24"])

        for call in (bench.fit, bench.fit_before):
            found = error_of(call, at("2026-11-23 08:00"), 12 * HOUR)
            assert isinstance(found, NeverFits)
            assert (found.calendar, found.needed, found.longest) == ("bench", "12 h", "8 h")

    def test_what_only_the_horizon_cuts_off_is_beyond_it(self):
        """An opening that the span cuts off, or that lies after it, is unknown: no NeverFits, which would be a guess."""
        post = compile_calendar(Calendar("post", "24/7"), date(2026, 11, 23), date(2026, 11, 24))
        monday = compile_calendar(Calendar("bench", "Mon 08:00-12:00; Tue 08:00-16:00"), date(2026, 11, 23), date(2026, 11, 23))

        assert isinstance(error_of(post.fit, post.first, 49 * HOUR), BeyondHorizon)
        assert isinstance(error_of(monday.fit, monday.first, 6 * HOUR), BeyondHorizon)
        assert isinstance(error_of(monday.fit_before, monday.last, 6 * HOUR), BeyondHorizon)
        assert isinstance(error_of(monday.fit, monday.first, 9 * HOUR), NeverFits)

    def test_lesson_81_beyond_the_horizon_is_an_error(self):
        """Every question about a moment outside the compiled days raises, on both sides, and says which days are known."""
        bench = year("Mon-Fri 08:00-16:00")
        for outside in (bench.first - 1, bench.last + 1, -(10**18), 10**18):
            for call in (bench.working, bench.next_open, bench.opening, bench.is_open):
                assert isinstance(error_of(call, outside), BeyondHorizon)
            for call in (bench.add, bench.subtract, bench.fit, bench.fit_before, bench.add_days, bench.subtract_days):
                assert isinstance(error_of(call, outside, 1), BeyondHorizon)
                assert isinstance(error_of(call, outside, 0), BeyondHorizon)
        assert isinstance(error_of(bench.between, bench.first, bench.last + 1), BeyondHorizon)
        assert isinstance(error_of(bench.is_open, bench.last), BeyondHorizon)
        assert isinstance(error_of(bench.next_open, bench.last), BeyondHorizon)
        assert isinstance(error_of(bench.add, at("2026-12-31 15:00"), 2 * HOUR), BeyondHorizon)
        assert isinstance(error_of(bench.subtract, at("2026-01-01 09:00"), 2 * HOUR), BeyondHorizon)
        assert isinstance(error_of(bench.add_days, at("2026-12-31 15:00"), 1), BeyondHorizon)
        assert isinstance(error_of(bench.subtract_days, at("2026-01-01 09:00"), 1), BeyondHorizon)
        assert isinstance(error_of(bench.instant, bench.total + 1), BeyondHorizon)
        assert isinstance(error_of(bench.latest, bench.total), BeyondHorizon)
        for call in (bench.instant, bench.latest):
            assert isinstance(error_of(call, -1), BeyondHorizon)

        found = error_of(bench.add, at("2027-01-04 08:00"), 60)
        assert (found.calendar, f"{found.first:%Y-%m-%d}", f"{found.last:%Y-%m-%d}") == ("bench", "2026-01-01", "2026-12-31")
        assert found.wanted == instant("2027-01-04 08:00", BERLIN)
        assert pickle.loads(pickle.dumps(found)) == found

    def test_negative_lengths_are_refused(self):
        """Backwards has its own methods."""
        bench = year("Mon-Fri 08:00-16:00")
        for call in (bench.add, bench.subtract, bench.fit, bench.fit_before, bench.add_days, bench.subtract_days):
            assert isinstance(error_of(call, at("2026-11-23 08:00"), -1), NotPositive)

    def test_nothing_takes_no_time(self):
        """Zero seconds and zero days leave the moment alone, also in a closed hour (a recipe without setup does not wait)."""
        bench, sunday = year("Mon-Fri 08:00-16:00"), at("2026-11-22 03:00")

        for call in (bench.add, bench.subtract, bench.fit, bench.fit_before, bench.add_days, bench.subtract_days):
            assert call(sunday, 0) == sunday

    @pytest.mark.parametrize(
        ("start", "days", "end"),
        [
            ("2026-11-23 10:00", 1, "2026-11-24 10:00"),
            ("2026-11-23 23:00", 1, "2026-11-24 23:00"),
            ("2026-11-20 10:00", 1, "2026-11-23 10:00"),
            ("2026-11-21 10:00", 1, "2026-11-23 10:00"),
            ("2026-11-22 10:00", 5, "2026-11-27 10:00"),
            ("2026-11-23 10:00", 5, "2026-11-30 10:00"),
        ],
    )
    def test_working_days_do_not_count_the_first_day(self, start, days, end):
        """The day of the start never counts, whether it is a working day or not."""
        assert wall(year("Mon-Fri 08:00-16:00").add_days(at(start), days)) == end

    def test_the_way_back_in_working_days(self):
        """From a working day the way back mirrors the way there."""
        bench = year("Mon-Fri 08:00-16:00")

        assert wall(bench.subtract_days(at("2026-11-23 10:00"), 1)) == "2026-11-20 10:00"
        assert wall(bench.subtract_days(at("2026-11-22 10:00"), 1)) == "2026-11-20 10:00"

    def test_importing_calendars_loads_nothing_heavy(self):
        """dateutil and holidays load when a rule or a country is compiled, not before."""
        program = (
            "import sys, krafte_core.calendars as c; from datetime import date;"
            "c.compile_calendar(c.Calendar('x', 'Mon 08:00-16:00'), date(2026, 1, 1), date(2026, 12, 31));"
            "print([m for m in ('dateutil', 'holidays', 'pint', 'networkx') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------------------------------ minute by minute


MINUTE = 60


@lru_cache(maxsize=64)
def minutes_of(zone, first, days):
    """Every minute of some days: its second, what the wall shows, and which minute shows that first."""
    info, begin = ZoneInfo(zone), datetime(first.year, first.month, first.day, tzinfo=UTC)
    utc = [begin + timedelta(minutes=index) for index in range(days * 1440)]
    walls = [one.astimezone(info).replace(tzinfo=None) for one in utc]
    showing: dict[datetime, int] = {}
    for index, shown in enumerate(walls):
        showing.setdefault(shown, index)
    return [int(one.timestamp()) for one in utc], walls, showing


class Reference:
    """The same calendar, answered by looking at every minute of the span on the wall, with nothing of ours but the input."""

    def __init__(self, shifts, closed, zone, first, last):
        """`shifts`: per weekday (start, end) in minutes after midnight."""
        self.seconds, self.walls, self.showing = minutes_of(zone, first - timedelta(days=2), (last - first).days + 6)
        count = len(self.seconds)

        def index_of(local):
            known = self.showing.get(local)
            return known if known is not None else next(index for index, shown in enumerate(self.walls) if shown >= local)

        self.open = [False] * count
        self.first = index_of(datetime(first.year, first.month, first.day))  # noqa: DTZ001 - a wall
        after = last + timedelta(days=1)
        self.last = index_of(datetime(after.year, after.month, after.day))  # noqa: DTZ001
        self.days = set()
        local = first - timedelta(days=1)
        while local <= last:
            midnight = datetime(local.year, local.month, local.day)  # noqa: DTZ001
            for start, end in () if local in closed else shifts[local.weekday()]:
                opens = index_of(midnight + timedelta(minutes=start))
                closes = index_of(midnight + timedelta(minutes=end))
                for index in range(opens, closes):
                    self.open[index] = self.first <= index < self.last or self.open[index]
                if opens < closes and local >= first:
                    self.days.add(local)
            local += timedelta(days=1)
        self.open = [state and self.first <= index < self.last for index, state in enumerate(self.open)]

    def add(self, index, minutes):
        """Walk on until so many open minutes have passed."""
        while minutes:
            if index >= self.last:
                return None
            minutes -= self.open[index]
            index += 1
        return index

    def subtract(self, index, minutes):
        """Walk back until so many open minutes have passed."""
        while minutes:
            if index <= self.first:
                return None
            index -= 1
            minutes -= self.open[index]
        return index

    def fit(self, index, minutes):
        """Try every start."""
        for start in range(index, self.last - minutes + 1):
            if all(self.open[start : start + minutes]):
                return start
        return None

    def fit_before(self, index, minutes):
        """Try every start, backwards."""
        for start in range(index - minutes, self.first - 1, -1):
            if all(self.open[start : start + minutes]):
                return start
        return None


def clock_text(minutes):
    """Minutes after midnight as HH:MM."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@st.composite
def shift(draw):
    """A shift of the day or over midnight, on quarters of an hour."""
    start, length = draw(st.integers(0, 95)) * 15, draw(st.integers(1, 95)) * 15
    end = start + length
    return start, end, f"{clock_text(start)}-{clock_text(end if end <= 1440 else end - 1440)}"


WEEKS = [(date(2026, 3, 26), "spring"), (date(2026, 10, 22), "autumn"), (date(2026, 6, 4), "summer")]


@lru_cache(maxsize=64)
def built(shifts, closed, zone, first):
    """Timeline and reference for one calendar of a week; kept, because the reference is slow to build."""
    last = first + timedelta(days=6)
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    text = "; ".join(f"{names[number]} {one[2]}" for number, day in enumerate(shifts) for one in day)
    calendar = Calendar("reference", text, zone, closures=tuple(closed))
    week = [[(start, end) for start, end, _ in day] for day in shifts]
    return compile_calendar(calendar, first, last), Reference(week, closed, zone, first, last)


@st.composite
def weeks(draw):
    """A small calendar, with its reference."""
    shifts = draw(st.tuples(*[st.lists(shift(), max_size=2).map(tuple)] * 7))
    assume(any(shifts))
    first, _ = draw(st.sampled_from(WEEKS))
    zone = draw(st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]))
    closed = draw(st.frozensets(st.integers(0, 6).map(lambda number: first + timedelta(days=number)), max_size=2))
    return built(shifts, closed, zone, first)


def answer(call, *arguments):
    """The answer of a timeline, or None where it knows none."""
    try:
        return call(*arguments)
    except (BeyondHorizon, NeverFits):
        return None


class TestAgainstTheReference:
    """Every question gets the answer that looking at every minute gives."""

    @given(weeks(), st.data())
    def test_questions(self, pair, data):
        """Openings, sums, ways forward and back, fitting: minute by minute the same."""
        timeline, reference = pair
        assert (timeline.first, timeline.last) == (reference.seconds[reference.first], reference.seconds[reference.last])
        assert timeline.total == sum(reference.open) * MINUTE
        assert [date(1970, 1, 1) + timedelta(days=number) for number in timeline.days] == sorted(reference.days)
        index = data.draw(st.integers(reference.first, reference.last), label="minute")
        minutes = data.draw(st.integers(1, 2_000), label="minutes")

        def moment_of(found):
            return None if found is None else reference.seconds[found]

        now = reference.seconds[index]

        assert timeline.working(now) == sum(reference.open[:index]) * MINUTE
        assert answer(timeline.add, now, minutes * MINUTE) == moment_of(reference.add(index, minutes))
        assert answer(timeline.subtract, now, minutes * MINUTE) == moment_of(reference.subtract(index, minutes))
        assert answer(timeline.fit, now, minutes * MINUTE) == moment_of(reference.fit(index, minutes))
        assert answer(timeline.fit_before, now, minutes * MINUTE) == moment_of(reference.fit_before(index, minutes))
        following = next((later for later in range(index, reference.last) if reference.open[later]), None)
        assert answer(timeline.next_open, now) == moment_of(following)
        if index < reference.last:
            assert timeline.is_open(now) == reference.open[index]

    @given(weeks(), st.data())
    def test_add_and_subtract_are_inverse(self, pair, data):
        """Work added and taken away again starts where it could first start; the other way it ends where it last ended."""
        timeline, _ = pair
        start = data.draw(st.integers(timeline.first, timeline.last), label="start")
        seconds = data.draw(st.integers(1, max(1, timeline.total)), label="seconds")
        end = answer(timeline.add, start, seconds)
        if end is not None:
            assert timeline.subtract(end, seconds) == timeline.next_open(start)
            assert timeline.between(start, end) == seconds
        back = answer(timeline.subtract, start, seconds)
        if back is not None:
            assert timeline.add(back, seconds) == timeline.instant(timeline.working(start))
            assert timeline.between(back, start) == seconds

    @given(weeks(), st.data())
    def test_between_is_additive(self, pair, data):
        """Working time over two spans is the sum of both, and never negative."""
        timeline, _ = pair
        moments = st.integers(timeline.first, timeline.last)
        one, two, three = sorted((data.draw(moments), data.draw(moments), data.draw(moments)))

        assert timeline.between(one, three) == timeline.between(one, two) + timeline.between(two, three)
        assert 0 <= timeline.between(one, two) <= two - one

    @given(weeks(), st.data())
    def test_a_fitted_job_crosses_no_closing(self, pair, data):
        """A job that fits works all the time it takes, in one opening, and not before it was asked for."""
        timeline, _ = pair
        asked = data.draw(st.integers(timeline.first, timeline.last), label="asked")
        seconds = data.draw(st.integers(1, 20 * HOUR), label="seconds")
        start, before = answer(timeline.fit, asked, seconds), answer(timeline.fit_before, asked, seconds)
        for found in (start, before):
            if found is not None:
                opening = timeline.opening(found)
                assert opening is not None
                assert opening[0] <= found < found + seconds <= opening[1]
                assert timeline.between(found, found + seconds) == seconds
        assert start is None or start >= asked
        assert before is None or before + seconds <= asked

    @given(weeks(), st.data())
    def test_cumulative_time_goes_round(self, pair, data):
        """`instant` is the earliest and `latest` the latest moment of a sum of working time."""
        timeline, _ = pair
        assume(timeline.total)
        sum_of = data.draw(st.integers(0, timeline.total - 1), label="working")
        early, late = timeline.instant(sum_of), timeline.latest(sum_of)

        assert early <= late
        assert timeline.working(early) == timeline.working(late) == sum_of
        assert timeline.working(late + 1) == sum_of + 1
        assert early == timeline.first or timeline.working(early - 1) == sum_of - 1

    @given(weeks(), st.data())
    def test_working_days_go_round(self, pair, data):
        """On another working day, and back again to the same time on the wall unless a change of the clocks swallowed it."""
        timeline, _ = pair
        start = data.draw(st.integers(timeline.first, timeline.last - 1), label="start")
        count = data.draw(st.integers(1, 6), label="days")
        later = answer(timeline.add_days, start, count)
        if later is not None:
            number, clock = divmod(timeline.clock.local(start), 86_400)
            reached, shown = divmod(timeline.clock.local(later), 86_400)
            assert reached in timeline.days
            assert sum(number < one <= reached for one in timeline.days) == count
            assert shown >= clock
            if shown == clock and number in timeline.days:
                back = timeline.subtract_days(later, count)
                assert timeline.clock.local(back) == timeline.clock.local(start)
