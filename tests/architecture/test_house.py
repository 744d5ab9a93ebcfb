"""The house: what import-linter cannot see. (Which row may import which is in `pyproject.toml`, checked by `lint-imports`.)"""

from __future__ import annotations

import ast
import hashlib
import re
import runpy
import tomllib

import pytest

from tests.support import ROOT, SHARED, modules, needs_shared

MODULES = modules()
LONGEST_MODULE, LONGEST_FUNCTION = 700, 60


@pytest.mark.parametrize("name", MODULES)
def test_no_module_is_longer_than_a_person_can_hold(name):
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("name", MODULES)
def test_no_function_is_longer_than_a_screen(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    lengths = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions}

    assert {function: length for function, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_every_module_has_its_page_in_the_docs():
    pages = runpy.run_path(str(ROOT / "docs" / "conf.py"))
    shown = [name for page in (ROOT / "docs" / "api").glob("*.md") for name in pages["modules_of"](page.read_text(encoding="utf-8"))]

    assert sorted(shown) == sorted(name for name in MODULES if "._" not in name and not name.endswith("__main__"))


def test_nothing_is_copied_from_the_shared_folder():
    def digest(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()

    theirs = {digest(path): path for path in needs_shared().rglob("*") if path.is_file()}
    # `examples/` grows out of the shared sketches: there a program may stay as it was.
    places = [ROOT / name for name in ("src", "tests", "docs", "benchmarks")]
    ours = [path for place in places for path in place.rglob("*") if path.is_file() and path.stat().st_size]

    assert [(str(path), str(theirs[digest(path)].relative_to(SHARED))) for path in ours if digest(path) in theirs] == []


def test_the_drawing_of_the_house_is_the_one_that_the_machine_checks():
    (contract,) = [
        row
        for row in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
        if row["type"] == "layers"
    ]
    checked = [re.findall(r"\w+", line) for line in contract["layers"]]
    drawing = (ROOT / "docs" / "house.md").read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    lines = [line for line in drawing.splitlines()[:-1] if not line.lstrip().startswith("|")]

    assert [[name for name in line.split() if not name.isupper()] for line in lines] == checked


def test_the_drawing_has_a_line_for_whoever_asks_what_a_module_is_for():
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    drawing, rest = page.split("```text\n")[1].split("```", 1)
    above = drawing.split("WORDS")[0]
    named = set(re.findall(r"`(\w+)`", rest))

    assert [
        name for line in above.splitlines() for name in line.split() if name.islower() and "|" not in line and name not in named
    ] == []
