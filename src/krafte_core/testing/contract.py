"""The contract of the store: a suite for pytest that proves every promise the library relies on.

A host that brings its own storage subclasses `StoreContract` in its tests::

    class TestMyStore(StoreContract):
        processes = True

        def make_store(self):
            return MyStore(tempfile.mkdtemp() + "/books")

        def opener(self, store):
            return functools.partial(MyStore, store.path)

Every test has its promise as docstring. A store that passes serves the whole library; one that fails loses orders sooner or later.
"""

from __future__ import annotations

import pytest

_PARTS = ("_hooks", "_committing", "_reading", "_delivering", "_working")
# Before they are imported, so that a failed promise shows what was compared, as in a test of the host's own.
pytest.register_assert_rewrite(*(f"krafte_core.testing.{part}" for part in _PARTS))

# ruff: noqa: E402 - see above
from krafte_core.testing._committing import Committing
from krafte_core.testing._delivering import Delivering
from krafte_core.testing._reading import Reading
from krafte_core.testing._working import Working


class StoreContract(Committing, Reading, Delivering, Working):
    """Every promise that the library relies on, as a test; a host's subclass says which store is to keep them.

    - `make_store()` gives a new and empty store; it must be overridden.
    - `opener(store)` gives what opens the same data again and can be pickled: then restarts are tried. (Or `reopen(store)` does it.)
    - `processes = True`: several processes may have the same data open; they are tried, too.

    Without the last two, the tests that need them are skipped and say so.

    >>> StoreContract.processes
    False
    """
