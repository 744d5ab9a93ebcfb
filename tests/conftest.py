"""How hard Hypothesis tries."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadlines: a shared machine pauses when it likes. Speed is measured in benchmarks/, as a ratio.
settings.register_profile("dev", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=15, derandomize=True, database=None)
settings.register_profile("deep", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])

# With CI set Hypothesis has chosen its own profile `ci` already: the same examples every time, no database.
if profile := os.environ.get("KRAFTE_PROFILE"):
    settings.load_profile(profile)
elif not os.environ.get("CI"):
    settings.load_profile("dev")
