"""What a user gets who installs the package."""

from __future__ import annotations

import importlib
import tomllib
from importlib.metadata import distribution, entry_points
from importlib.resources import files
from types import ModuleType

import krafte_core
from tests.support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_the_same_wherever_one_asks():
    assert PROJECT["version"] == distribution("krafte-core").version == krafte_core.__version__


def test_type_checkers_are_told_that_the_package_is_typed():
    assert files("krafte_core").joinpath("py.typed").is_file()


def test_the_licence_is_named():
    assert distribution("krafte-core").metadata["License-Expression"] == "MIT"


def test_every_name_of_the_package_is_the_thing_itself_and_no_module():
    for name in krafte_core.__all__:  # `krafte_core.money` the function would hide behind `krafte_core.money` the module
        importlib.import_module(f"krafte_core.{krafte_core._HOME[name]}")
        assert not isinstance(getattr(krafte_core, name), ModuleType), name


def test_every_entry_point_leads_somewhere():
    for group, names in PROJECT["entry-points"].items():
        installed = {point.name: point for point in entry_points(group=group)}
        for name, target in names.items():
            assert installed[name].value == target
            assert callable(installed[name].load())


def test_what_tests_need_is_in_one_extra():
    testing = " ".join(PROJECT["optional-dependencies"]["testing"])

    for needed in ("hypothesis", "pytest", "sybil", "calendars"):
        assert needed in testing
