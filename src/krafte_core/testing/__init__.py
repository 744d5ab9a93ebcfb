"""Helpers for the tests of those who build on the library; each loads when it is first used, so that a clock needs no pytest.

- `FakeClock`: a clock that stands still until it is told.
- `a_workshop`, `an_item`, `a_recipe`, `an_order`, `a_delivery`: a soap maker's workshop with sane defaults.
- `StoreContract`: the suite that every store must pass; `ChannelContract`: that of a sales channel; both need pytest.
- `strategies`: Hypothesis strategies for the library's values; `from_type` finds most of them without an import.

>>> from krafte_core.testing import a_workshop, an_order
>>> an_order(a_workshop()).number
'CO-2026-11-001'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from krafte_core.testing.builders import a_catalogue as a_catalogue
    from krafte_core.testing.builders import a_delivery as a_delivery
    from krafte_core.testing.builders import a_recipe as a_recipe
    from krafte_core.testing.builders import a_workshop as a_workshop
    from krafte_core.testing.builders import an_item as an_item
    from krafte_core.testing.builders import an_order as an_order
    from krafte_core.testing.channel_contract import ChannelContract as ChannelContract
    from krafte_core.testing.clock import FakeClock as FakeClock
    from krafte_core.testing.contract import StoreContract as StoreContract

_HOME = {
    "ChannelContract": "channel_contract",
    "FakeClock": "clock",
    "StoreContract": "contract",
    **dict.fromkeys(("a_catalogue", "a_delivery", "a_recipe", "a_workshop", "an_item", "an_order"), "builders"),
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - one list, not two


def __getattr__(name: str) -> Any:
    """Load a name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'krafte_core.testing' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"krafte_core.testing.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    """Every name, loaded or not."""
    return sorted({*globals(), *_HOME})
