"""How a value stands in the sentence of an error: readable, short, and never the cause of a second error."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN, TOLD = 80, 300  # how much of a bad value an error repeats; how long a readable text may be to stand in a sentence


def shown(value: object) -> str:
    """The value as an error message shows it: `repr`, cut to a readable length.

    >>> shown("a" * 1000)[-16:]
    '... (1000 chars)'
    """
    if isinstance(value, str) and len(value) > SHOWN:
        return f"{value[:SHOWN]!r}... ({len(value)} chars)"
    if isinstance(value, bytes | bytearray | list | tuple) and len(value) > SHOWN:
        return f"{shown(value[:8])}... ({len(value)} of them)"
    if isinstance(value, int) and value.bit_length() > 4 * SHOWN:
        return f"a {value.bit_length()}-bit integer"  # Python refuses to write out very long ones
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - whatever a host's object does when it is shown, the error must come through
        text = f"<{type(value).__name__}>"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def told(value: object) -> str:
    r"""The value as a part of the sentence: readable text as it is, everything else as `shown`.

    >>> told("2.5 kg"), told("a\nb")
    ('2.5 kg', "'a\\nb'")
    """
    if isinstance(value, str):
        return value if len(value) <= TOLD and value.isprintable() else shown(value)
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 - as in `shown`
        return shown(value)
    return text if len(text) <= TOLD else shown(text)


def same(one: object, other: object) -> bool:
    """Equal, or both not even equal to themselves (NaN), as they are after `pickle`."""
    try:
        return bool(one == other) or bool(one != one and other != other and repr(one) == repr(other))  # noqa: PLR0124
    except (ArithmeticError, TypeError, ValueError):  # a signalling NaN, an array
        return shown(one) == shown(other)


def sentence(value: object) -> str:
    """A value with a sentence of its own: a shortage, a finding."""
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 - as in `shown`
        return shown(value)
    return text if len(text) <= 10 * TOLD else shown(text)


def listed(choices: Sequence[object], limit: int = 8) -> str:
    """The choices as a sentence part: the first few, then how many more.

    >>> listed(["kg", "g"])
    'kg, g'
    """
    text = ", ".join(told(choice) for choice in choices[:limit])
    return text if len(choices) <= limit else f"{text} and {len(choices) - limit} more"
