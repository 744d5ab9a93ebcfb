"""Run one benchmark: `python -m benchmarks NAME [ARGUMENTS]`; the last line printed is its result as JSON."""

from __future__ import annotations

import json
import sys
from importlib import import_module

# Each module has `main(argv) -> dict`, and says in its docstring what it compares with what.
NAMES = {
    "import": "benchmarks.imports",  # the name of the thing measured is a keyword, so the module has another
    "channels": "benchmarks.channels",
    "flow": "benchmarks.flow",
    "life": "benchmarks.life",
    "stores": "benchmarks.stores",
    "recipes": "benchmarks.recipes",
    "trace": "benchmarks.trace",
    "plan": "benchmarks.plan",
}


def run(argv: list[str]) -> int:
    """Find the benchmark, run it, print its result."""
    if not argv or argv[0] not in NAMES:
        print(f"usage: python -m benchmarks NAME [ARGUMENTS]; NAME is one of: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    name, *rest = argv
    result = import_module(NAMES[name]).main(rest)
    print(json.dumps({"benchmark": name, **result}))
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
