"""How hard Hypothesis tries, and the databases that tests ask for."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import databases

# No deadlines: a shared machine pauses when it likes. Speed is measured in benchmarks/, as a ratio.
settings.register_profile("dev", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=15, derandomize=True, database=None)
settings.register_profile("deep", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])

# With CI set Hypothesis has chosen its own profile `ci` already: the same examples every time, no database.
if profile := os.environ.get("KRAFTE_PROFILE"):
    settings.load_profile(profile)
elif not os.environ.get("CI"):
    settings.load_profile("dev")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server, started when the first test asks; without one the test is skipped, which CI forbids."""
    with databases.server() as url:
        if url is None:
            pytest.skip("this machine has no PostgreSQL (`initdb`), and KRAFTE_POSTGRES_URL names none")
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty workshop in a SQLite file, and one of its own on the PostgreSQL server."""
    return new_url(request.param, tmp_path, request)


def new_url(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """The URL of an empty workshop: a file of its own, or a tenant of its own."""
    if kind == "sqlite":
        return f"sqlite:///{folder / f'{uuid.uuid4().hex}.db'}"
    return f"{request.getfixturevalue('postgres')}?tenant={uuid.uuid4().hex}"
