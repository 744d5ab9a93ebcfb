"""`import krafte_core` in a new interpreter against an interpreter that does nothing: the budget is 1.5 times.

    python -m benchmarks import [PAIRS]

Both programs start in turns, so that a busy moment of the machine meets both. `ratio` compares the medians of CPU time (user and
system), `wall_ratio` those of the clock on the wall, which other programs disturb more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import median

NOTHING, IMPORT = "pass", "import krafte_core"
PAIRS, WARM_UP = 40, 3


def start(program: str) -> tuple[float, float]:
    """Run a program in a new interpreter; CPU seconds and wall seconds."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", program])
    _, status, usage = os.wait4(child.pid, 0)
    spent = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{program!r} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, spent


def main(argv: list[str]) -> dict[str, float]:
    """Measure; the first runs only fill the caches."""
    pairs = int(argv[0]) if argv else PAIRS
    for _ in range(WARM_UP):
        start(NOTHING), start(IMPORT)
    runs = [(start(NOTHING), start(IMPORT)) for _ in range(pairs)]
    nothing_cpu, nothing_wall = (median(nothing[i] for nothing, _ in runs) for i in (0, 1))
    import_cpu, import_wall = (median(imported[i] for _, imported in runs) for i in (0, 1))
    return {
        "ratio": round(import_cpu / nothing_cpu, 3),
        "wall_ratio": round(import_wall / nothing_wall, 3),
        "nothing_ms": round(nothing_cpu * 1000, 2),
        "import_ms": round(import_cpu * 1000, 2),
        "pairs": pairs,
    }
