"""Shares and factors as people write them: `"10 %"`, `"1.1"`, `"1/3"`; exact."""

from __future__ import annotations

from fractions import Fraction

from krafte_core.errors import InvalidInput
from krafte_core.quantities import exactly, number

MOST_SHARE = 1000


def percent(given: object, field: str = "loss") -> Fraction:
    """A share from a text such as `"10 %"`, or from an exact number (`Decimal("0.1")`).

    Raises:
        InvalidInput: (`invalid_input`, `float_refused`, `unreadable_text`)

    >>> percent("2.5 %")
    Fraction(1, 40)
    """
    if isinstance(given, str):
        value, sign = exactly(given, field)
        if sign != "%":
            raise InvalidInput(field, given, "a percentage such as '10 %'")
        return value / 100
    return given if type(given) is Fraction else Fraction(number(given, field))


def loss(given: object) -> Fraction:
    """A share that is lost: at least nothing, less than all.

    >>> loss("10 %")
    Fraction(1, 10)
    """
    share = percent(given, "loss")
    if not 0 <= share < 1:
        raise InvalidInput("loss", str(given), "at least 0 % and below 100 %")
    return share


def overage(given: object) -> Fraction:
    """A share that is added on purpose.

    >>> overage("110 %")
    Fraction(11, 10)
    """
    share = percent(given, "overage")
    if not 0 <= share <= MOST_SHARE:
        raise InvalidInput("overage", str(given), f"from 0 % to {MOST_SHARE * 100} %")
    return share


def process_yield(given: object) -> Fraction:
    """What comes out of what should, as a share above nothing.

    >>> process_yield("95 %")
    Fraction(19, 20)
    """
    share = percent(given, "process_yield")
    if not 1 / Fraction(MOST_SHARE) <= share <= MOST_SHARE:
        raise InvalidInput("process_yield", str(given), f"more than 0 %, at most {MOST_SHARE * 100} %")
    return share


def factor(given: object) -> Fraction:
    """An exact number above zero, as text, a number or a ratio.

    >>> factor("1.1"), factor("1/3")
    (Fraction(11, 10), Fraction(1, 3))
    """
    if isinstance(given, str):
        try:
            found = Fraction(given) if len(given) <= 64 and "_" not in given else Fraction(0)
        except (ValueError, ZeroDivisionError):
            found = Fraction(0)
    else:
        found = given if isinstance(given, Fraction) else Fraction(number(given, "factor"))
    if not 1 / Fraction(MOST_SHARE) <= found <= MOST_SHARE:
        raise InvalidInput("factor", given, f"a number above zero such as '1.1', at most {MOST_SHARE}")
    return found
