"""The page of the working day names commands and stories that exist."""

from __future__ import annotations

import re

import pytest

from krafte_core import Workshop
from tests.support import ROOT

ROWS = re.findall(
    r"^\| (.+) \| `(.+)` \| `(\w+)::(\w+)` \|$", (ROOT / "docs" / "working-day.md").read_text(encoding="utf-8"), re.MULTILINE
)


def test_the_page_is_read():
    assert len(ROWS) > 80


@pytest.mark.parametrize(("what", "command", "module", "story"), ROWS)
def test_every_command_and_every_story_exists(what: str, command: str, module: str, story: str):
    found = Workshop.in_memory()
    for name in command.split(".")[1:]:
        found = getattr(found, name)
    assert callable(found), what
    text = (ROOT / "tests" / "scenarios" / f"{module}.py").read_text(encoding="utf-8")
    assert re.search(rf"^def {story}\(", text, re.MULTILINE), story
