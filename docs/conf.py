"""Sphinx: MyST for the pages, autodoc for the API, furo for the looks. Warnings are errors (`sphinx-build -W`)."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src"
sys.path.insert(0, str(SOURCE))

project = "krafte-core"
author = "The krafte-core developers"
copyright = "2026, the krafte-core developers"
version = release = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"krafte-core {version}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]

default_role = "code"  # single backticks are code, in docstrings as in Markdown
autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True, "ignore-module-all": True}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# A page of api/ names its modules in a comment, `% modules: errors desks.*`; each that exists gets its section there.
MODULES = re.compile(r"^% modules: *(.*)$", re.MULTILINE)


def module_names(words: str) -> list[str]:
    """The dotted names of those modules of the list that exist; `desks.*` means the package and all in it."""
    names = []
    for word in words.split():
        head, star, _ = word.partition(".*")
        path = SOURCE / "krafte_core" / head.replace(".", "/")
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            names.append(f"krafte_core.{head}")
        if star:
            own = (p for p in path.rglob("*.py") if not any(part.startswith("_") for part in p.relative_to(path).parts))
            inside = sorted(p.with_suffix("") for p in own)
            names += [".".join(p.relative_to(SOURCE).parts) for p in inside]
    return names


def modules_of(page: str) -> list[str]:
    """Every module that a page of api/ shows."""
    own = ["krafte_core"] if "automodule:: krafte_core\n" in page else []
    return own + [name for words in MODULES.findall(page) for name in module_names(words)]


def _sections(match: re.Match[str]) -> str:
    names = module_names(match[1])
    return "\n".join(f"## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n```\n" for name in names) or "Nothing yet."


def _expand(_app: Any, docname: str, source: list[str]) -> None:
    if docname.startswith("api/"):
        source[0] = MODULES.sub(_sections, source[0])


def setup(app: Any) -> None:
    """Let Sphinx call us for every page, and show Mermaid as the text that it is."""
    app.connect("source-read", _expand)
    app.add_lexer("mermaid", TextLexer)
