"""The table of lessons names tests that exist, and leaves no lesson out."""

from __future__ import annotations

import re

from tests.support import ROOT, needs_shared

ROWS = re.findall(r"^\| (\d+) \| (.+) \| (.+) \|$", (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_lesson_has_its_row():
    lessons = re.findall(r"^(\d+)\. ", needs_shared("LESSONS.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [number for number, *_ in ROWS] == lessons


def test_every_test_that_holds_a_lesson_exists():
    missing = []
    for number, _, held_by in ROWS:
        if held_by.startswith("later: "):
            continue
        path, *names = held_by.strip("`").split("::")
        text = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""
        if not all(re.search(rf"^ *(def |class )?{name}\b", text, re.MULTILINE) for name in names):
            missing.append((number, held_by))
    assert missing == []
