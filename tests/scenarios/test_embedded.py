"""A host application keeps its workshop in a database: the example on both, the host's transaction, tenants, threads, async code."""

from __future__ import annotations

import subprocess
import sys

from tests.support import ROOT


def test_the_example_of_a_host_runs_in_both_databases(url):
    command = [sys.executable, ROOT / "examples" / "embedded_in_a_host.py", url]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120)

    assert ran.stderr == ""
    assert ran.returncode == 0
