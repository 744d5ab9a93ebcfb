"""Declarations: what is in a product, for its label. Allergens, nutrients, the order of ingredients, and until when it is good.

What an item contains is told in its attributes: `attributes={"allergens": "milk, nuts"}`; or given here as a mapping. What is lost on
the way (peel) is not in the product; what a recipe's own yield leaves in the kettle is a share of the whole mixture.

>>> good_until(date(2026, 3, 2), duration("90 days"), [("milk", date(2026, 4, 1)), ("salt", None)])
Good(until=datetime.date(2026, 4, 1), because='milk')
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import attrs

from krafte_core.descent import Runs, Worth
from krafte_core.durations import Duration, duration
from krafte_core.errors import InvalidInput
from krafte_core.items import Item, words
from krafte_core.ledger import Key
from krafte_core.recipes import known
from krafte_core.shares import percent
from krafte_core.stock import Posting
from krafte_core.structure import Structure, back, reach

DAY = 86_400


def declared(items: Iterable[Item], attribute: str) -> Mapping[str, frozenset[str]]:
    """What items say of themselves in one attribute, as sets of words; items that say nothing are left out.

    >>> dict(declared([Item("butter", unit="kg", attributes={"allergens": "milk"})], "allergens"))
    {'butter': frozenset({'milk'})}
    """
    found: dict[str, frozenset[str]] = {}
    for item in items:
        told = dict(item.attributes).get(attribute)
        if told is not None:
            found[item.code] = words(told)
    return found


def contained(structure: Structure, item: str, has: Mapping[str, Collection[str]]) -> Mapping[str, tuple[str, ...]]:
    """What a product contains over all its levels, substitutes included, and from which items it comes.

    What a real lot contains tells `allergens.carriers`, from the lots that went into it.

    >>> dict(contained(Structure({}), "butter", {"butter": {"milk"}}))
    {'milk': ('butter',)}
    """
    found: dict[str, list[str]] = {}
    for one in reach(structure.formulas, item):
        for word in has.get(one, ()):
            found.setdefault(word, []).append(one)
    return {word: tuple(found[word]) for word in sorted(found)}


@attrs.frozen
class Composition:
    """What is in a product or a lot: kilograms of every bought item, and of the whole where its mass is known."""

    item: str
    mass: Fraction | None
    weights: Mapping[str, Fraction]


def composition(structure: Structure, item: str, items: Mapping[str, Item]) -> Composition:
    """What is in what the recipe makes, exactly; packaging and what is lost left out.

    Raises:
        InvalidInput: (`invalid_input`) items whose mass nobody declared, with all their names.
    """
    formula = structure.formulas.get(item)
    if formula is None:
        return Composition(item, Fraction(1), {item: Fraction(1)})
    needs: dict[str, Fraction] = {item: Fraction(formula.makes)}
    weights: dict[str, Fraction] = {}
    unweighed = []
    done: set[str] = set()
    for name in structure.levels:
        made = needs.get(name)
        if not made:
            continue
        recipe = structure.formulas.get(name)
        if recipe is None:
            weight = known(items, name).mass(1)
            if weight is None:
                unweighed.append(name)
            else:
                weights[name] = made * weight
            continue
        done.add(name)
        grown = made / (1 - back(recipe, made))
        for line in recipe.lines:
            if line.item == name or line.follows == "output" or known(items, line.item).kind == "packaging":
                continue
            inside = line.exact(grown) * line.kept / recipe.recipe.enlarged
            if line.item in done:  # taken from stock, and made of this: told as itself
                weights[line.item] = weights.get(line.item, Fraction(0)) + inside * (known(items, line.item).mass(1) or 0)
            else:
                needs[line.item] = needs.get(line.item, Fraction(0)) + inside
    if unweighed:
        raise InvalidInput("items", tuple(unweighed), "a density, or what one piece weighs, for each of these")
    return Composition(item, known(items, item).mass(formula.makes), weights)


def lot_compositions(postings: Iterable[Posting], items: Mapping[str, Item]) -> Mapping[Key, Composition]:
    """What really is in one step of every lot, by the lots that really went into it, in whatever amounts were used.

    What a run used is in its outputs, by their mass; what evaporated took nothing along. Packaging is left out.

    Args:
        postings: all of the ledger behind the lots (what `Ledger.read` or a genealogy reached).
        items: all items.

    Raises:
        InvalidInput: (`invalid_input`) items whose mass nobody declared, with all their names.
    """
    runs = Runs(postings, scrap_counts=True)
    codes = [item for item in dict.fromkeys(item for item, _ in runs.lots) if known(items, item).kind != "packaging"]
    weights = {item: known(items, item).mass(1) for item in codes}
    unweighed = tuple(item for item, weight in weights.items() if weight is None)
    if unweighed:
        raise InvalidInput("items", unweighed, "a density, or what one piece weighs, for each of these")
    mass = {item: weight or Fraction(0) for item, weight in weights.items()}
    factors = {}
    for run, made in runs.made.items():
        total = sum([mass.get(item, Fraction(0)) * steps for (item, _), steps in made.items()], Fraction(0))
        factors[run] = {key: mass.get(key[0], Fraction(0)) / total if total else Fraction(0) for key in made}
    bought = {key for key in runs.lots if key not in runs.origin}
    found: dict[Key, dict[str, Fraction]] = {key: {} for key in runs.lots if key[0] in mass}
    for item in dict.fromkeys(item for item, _ in runs.lots if item in mass):
        if not any(key[0] == item for key in bought):
            continue
        worth: Worth = {key: mass[item] if key[0] == item else Fraction(0) for key in bought}
        runs.hand_on(worth, factors)
        for key, each in worth.items():
            if each and key in found:
                found[key][item] = each
    return {key: Composition(key[0], mass[key[0]], inside) for key, inside in found.items()}


class Share(NamedTuple):
    """A name on the label, and its share of the mass."""

    name: str
    share: Fraction


def ingredient_list(made: Composition, items: Mapping[str, Item], names: Mapping[str, str] | None = None) -> tuple[Share, ...]:
    """The ingredients by descending mass, as an INCI list or a food label wants them; equal shares by name.

    Args:
        made: what is in the product (`composition`), or in a lot of it (`lot_compositions`).
        items: all items.
        names: per item what stands on the label, such as `"Aqua"`, or several with their shares, such as `"Aqua 60 %, Glycerin
            40 %"`; default the item's attribute `inci`.

    Raises:
        InvalidInput: (`invalid_input`) items without a name, or shares that are no 100 %.

    >>> ingredient_list(Composition("brine", None, {"salt": Fraction(1), "water": Fraction(9)}), {}, {"salt": "Salt", "water": "Aqua"})
    (Share(name='Aqua', share=Fraction(9, 10)), Share(name='Salt', share=Fraction(1, 10)))
    """
    told = {name: str(dict(known(items, name).attributes).get("inci", "")) for name in made.weights} if names is None else names
    missing = tuple(name for name in made.weights if not told.get(name))
    if missing:
        raise InvalidInput("names", missing, "a name on the label for each of these")
    total = sum(made.weights.values(), Fraction(0))
    sums: dict[str, Fraction] = {}
    for name, weight in made.weights.items():
        for label, share in _parts(name, told[name]):
            sums[label] = sums.get(label, Fraction(0)) + weight * share / total
    return tuple([Share(label, sums[label]) for label in sorted(sums, key=lambda label: (-sums[label], label))])


def _parts(item: str, text: str) -> list[tuple[str, Fraction]]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) == 1 and not parts[0].endswith("%"):
        return [(parts[0], Fraction(1))]
    found = []
    for part in parts:
        label, _, share = part.removesuffix("%").strip().rpartition(" ")
        if not label or not part.endswith("%"):
            raise InvalidInput(f"names[{item!r}]", text, "one name, or names with their shares such as 'Aqua 60 %, Glycerin 40 %'")
        found.append((label, percent(f"{share} %", f"names[{item!r}]")))
    if sum([share for _, share in found], Fraction(0)) != 1:
        raise InvalidInput(f"names[{item!r}]", text, "shares of 100 % in all")
    return found


def nutrients(made: Composition, per_100_g: Mapping[str, Mapping[str, Decimal | int | Fraction]]) -> Mapping[str, Fraction]:
    """Nutrients in 100 g, exactly, from those in 100 g of what went in. Water that evaporates makes them denser.

    Args:
        made: what is in the product (`composition`), or in a lot of it (`lot_compositions`).
        per_100_g: per bought item its nutrients in 100 g, such as `{"sugar": {"energy kJ": 1700, "carbohydrate g": 100}}`.

    Raises:
        InvalidInput: (`invalid_input`) items that nothing is told of, or a product without mass.

    >>> jam = Composition("jam", Fraction(2), {"sugar": Fraction(1), "fruit": Fraction(2)})
    >>> dict(nutrients(jam, {"sugar": {"kJ": 1700}, "fruit": {}}))
    {'kJ': Fraction(850, 1)}
    """
    missing = tuple(name for name in made.weights if name not in per_100_g)
    if missing:
        raise InvalidInput("per_100_g", missing, "the nutrients of each of these (an empty mapping for none)")
    if not made.mass:
        raise InvalidInput("item", made.item, "a product whose mass is known: its density, or what one piece weighs")
    sums: dict[str, Fraction] = {}
    for name, weight in made.weights.items():
        for nutrient, amount in per_100_g[name].items():
            sums[nutrient] = sums.get(nutrient, Fraction(0)) + Fraction(amount) * weight / made.mass
    return sums


class Good(NamedTuple):
    """The last day on which something is good, and what decides it; None for as long as you like."""

    until: date | None
    because: str


def good_until(made_on: date, shelf_life: Duration | str | None, inputs: Iterable[tuple[str, date | None]] = ()) -> Good:
    """Until when an output is good: its own shelf life from the day of the process, and no longer than its shortest-lived input.

    Args:
        made_on: the day of the process.
        shelf_life: elapsed time, or None for one without an end.
        inputs: per ingredient (or its lot) the last day on which it is good; None for ever. Leave out what the process renews.

    Raises:
        InvalidInput: (`invalid_input`) a shelf life in working time.

    >>> good_until(date(2026, 3, 2), "30 days").until
    datetime.date(2026, 4, 1)
    """
    found = Good(None, "")
    if shelf_life is not None:
        time = duration(shelf_life)
        if time.kind != "elapsed":
            raise InvalidInput("shelf_life", str(time), "elapsed time such as '90 days'")
        found = Good(made_on + timedelta(days=time.seconds // DAY), "shelf life")
    for name, day in inputs:
        if day is not None and (found.until is None or day < found.until):
            found = Good(day, name)
    return found
