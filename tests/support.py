"""What several tests need: where the project is, and where the folder of shared cases is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "krafte_core"
SHARED = Path(os.environ.get("KRAFTE_SHARED") or ROOT.parent / "shared").resolve()


def needs_shared(*parts: str) -> Path:
    """The path of a file or folder of the shared cases; without it the test, or the whole module that asks, is skipped."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the shared folder has no {'/'.join(parts) or 'place'} at {SHARED}", allow_module_level=True)
    return path


def modules() -> dict[str, Path]:
    """Every module of the library by its dotted name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found
