"""The example programs run as a user would run them, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import ROOT

PROGRAMS = sorted((ROOT / "examples").glob("*.py"))


def test_the_programs_of_the_shared_sketches_are_there():
    assert {path.name for path in PROGRAMS} >= {"order_to_shipment.py", "promise_with_reasons.py", "recall_drill.py", "own_store.py"}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_an_example_runs_to_its_end(path, tmp_path):
    ran = subprocess.run([sys.executable, path], capture_output=True, encoding="utf-8", check=False, cwd=tmp_path, timeout=120)

    assert ran.stderr == ""
    assert ran.returncode == 0
