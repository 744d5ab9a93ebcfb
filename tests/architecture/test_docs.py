"""The docs tell the truth: drawings, status words, commands, results and links are compared with what there is."""

from __future__ import annotations

import contextlib
import io
import re
import runpy

import pytest

from krafte_core import Workshop
from krafte_core.orders import STATUS_WORDS, OrderStatus
from krafte_core.work import STEPS
from tests.support import ROOT

DRAWING = runpy.run_path(str(ROOT / "docs" / "draw_steps.py"))
CHAPTERS = {chapter.title: chapter for chapter in DRAWING["CHAPTERS"]}
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=CHAPTERS)


def test_the_page_of_steps_is_fresh():
    assert DRAWING["PAGE"].read_text(encoding="utf-8") == DRAWING["page"](), "run `python docs/draw_steps.py`"


def test_every_kind_of_paper_has_its_chapter():
    assert [table for table in STEPS.values() if not any(table is chapter.table for chapter in CHAPTERS.values())] == []


@every_chapter
def test_every_state_of_a_table_is_reached(chapter):
    reached, queue = {chapter.start}, [chapter.start]
    while queue:
        for after in chapter.table[queue.pop()].values():
            if after not in reached:
                reached.add(after)
                queue.append(after)

    assert reached == set(chapter.table)


@every_chapter
def test_no_step_leads_to_an_unknown_state(chapter):
    targets = {after for steps in chapter.table.values() for after in steps.values()}

    assert targets <= set(chapter.table)


@every_chapter
def test_every_step_is_taken_by_a_command_that_exists(chapter):
    shop = Workshop.in_memory()
    steps = {step for steps in chapter.table.values() for step in steps}
    commands = re.findall(r"`shop\.(\w+)\.(\w+)`", " ".join(chapter.takes.values()))

    assert set(chapter.takes) == steps
    assert [f"{desk}.{name}" for desk, name in commands if not callable(getattr(getattr(shop, desk), name, None))] == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_status_has_one_word_of_its_own(language):
    words = STATUS_WORDS[language]

    assert set(words) == set(OrderStatus)
    assert len({*words.values(), ""}) == len(OrderStatus) + 1


def test_the_tutorial_prints_what_it_shows():
    names: dict[str, object] = {"__name__": "tutorial"}
    shown, printed = [], []
    for code, result in re.findall(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", TUTORIAL, re.DOTALL | re.MULTILINE):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, names)
        shown.append(result)
        printed.append(out.getvalue())

    assert shown == printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
