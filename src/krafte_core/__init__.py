"""Order management for makers: what is in stock, what must be made, by when it can be delivered, and where every lot came from.

>>> from krafte_core import Item, Workshop
>>> shop = Workshop.in_memory()
>>> shop.register(Item("soap-bar", unit="each"))

Names load when they are first used, so that importing the package costs next to nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krafte_core.addresses import Address as Address
    from krafte_core.availability import Availability as Availability
    from krafte_core.availability import Shortage as Shortage
    from krafte_core.calendars import Calendar as Calendar
    from krafte_core.errors import KrafteError as KrafteError
    from krafte_core.errors import Short as Short
    from krafte_core.forecasts import Forecast as Forecast
    from krafte_core.items import Item as Item
    from krafte_core.money import Money as Money
    from krafte_core.orders import CustomerOrder as CustomerOrder
    from krafte_core.orders import OrderLine as OrderLine
    from krafte_core.orders import OrderStatus as OrderStatus
    from krafte_core.prices import Customer as Customer
    from krafte_core.prices import Price as Price
    from krafte_core.prices import PriceList as PriceList
    from krafte_core.production import ProductionOrder as ProductionOrder
    from krafte_core.promise import Promise as Promise
    from krafte_core.purchasing import PurchaseLine as PurchaseLine
    from krafte_core.quantities import Quantity as Quantity
    from krafte_core.quantities import qty as qty
    from krafte_core.recipes import BatchSize as BatchSize
    from krafte_core.recipes import Ingredient as Ingredient
    from krafte_core.recipes import Operation as Operation
    from krafte_core.recipes import Recipe as Recipe
    from krafte_core.resources import Offer as Offer
    from krafte_core.resources import ShippingMethod as ShippingMethod
    from krafte_core.resources import Supplier as Supplier
    from krafte_core.resources import WorkCenter as WorkCenter
    from krafte_core.stock import Lot as Lot
    from krafte_core.stock import Place as Place
    from krafte_core.workshop import Workshop as Workshop

_HOMES = {
    "addresses": ("Address",),
    "availability": ("Availability", "Shortage"),
    "calendars": ("Calendar",),
    "errors": ("KrafteError", "Short"),
    "forecasts": ("Forecast",),
    "items": ("Item",),
    "money": ("Money",),
    "orders": ("CustomerOrder", "OrderLine", "OrderStatus"),
    "prices": ("Customer", "Price", "PriceList"),
    "production": ("ProductionOrder",),
    "promise": ("Promise",),
    "purchasing": ("PurchaseLine",),
    "quantities": ("Quantity", "qty"),
    "recipes": ("BatchSize", "Ingredient", "Operation", "Recipe"),
    "resources": ("Offer", "ShippingMethod", "Supplier", "WorkCenter"),
    "stock": ("Lot", "Place"),
    "workshop": ("Workshop",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605 - one list, not two
__version__ = "0.1.0"


def __getattr__(name):  # type: ignore[no-untyped-def]
    """Load a name when it is first used."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'krafte_core' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    value = globals()[name] = getattr(import_module(f"krafte_core.{home}"), name)
    return value


def __dir__():  # type: ignore[no-untyped-def]
    """Every name, loaded or not."""
    return sorted({*globals(), *_HOME})
