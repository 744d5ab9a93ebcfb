"""The README tells the truth: its program prints what it says."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.support import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert found, f"README.md has no {language} block"
    return found[1]


def test_the_program_prints_the_result_shown_below_it(tmp_path):
    program = tmp_path / "main_job.py"
    program.write_text(block("python"), encoding="utf-8")

    ran = subprocess.run([sys.executable, program], capture_output=True, encoding="utf-8", check=False, env=None)

    assert ran.stderr == ""
    assert ran.stdout == block("text")


def test_the_two_commands_are_the_same_in_the_guide_for_contributors():
    commands = block("sh").splitlines()

    assert len(commands) == 2
    assert set(commands) <= set((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines())
