"""Addresses: where goods go."""

from __future__ import annotations

import attrs


@attrs.frozen
class Address:
    """Where goods go. Every field is plain text as the customer gave it.

    >>> Address("K. Kundin", city="Hamburg").city
    'Hamburg'
    """

    name: str
    street: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""
