"""Examples in README and docs are run; what CI must not skip, it does not skip."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).parent

# Modules whose top imports an optional dependency: their docstrings are run only where it is installed.
OPTIONAL = {"src/krafte_core/stores/sql": "sqlalchemy"}

# Migrations run inside Alembic only.
MIGRATIONS = "src/krafte_core/stores/sql/_migrations"

collect_ignore = ["docs/conf.py", MIGRATIONS, *(path for path, needed in OPTIONAL.items() if find_spec(needed) is None)]
collect_ignore_glob = ["docs/_build/*"]

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    path=str(ROOT),
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    excludes=["docs/_build/**"],
).pytest()

MUST_NOT_SKIP = re.compile(r"shared folder|postgres", re.IGNORECASE)


def _no_excuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI a skip for want of the shared folder or of PostgreSQL is a failure: there they must be present."""
    if not os.environ.get("KRAFTE_CI") or report.outcome != "skipped" or not isinstance(report.longrepr, tuple):
        return
    path, line, reason = report.longrepr
    if MUST_NOT_SKIP.search(reason):
        report.outcome = "failed"
        report.longrepr = f"{path}:{line}: must not be skipped in CI: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A single test that skips itself."""
    report = yield
    _no_excuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole module that skips itself."""
    report = yield
    _no_excuse(report)
    return report
