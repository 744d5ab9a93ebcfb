"""Descent: what runs hand on from all that they used to all that they made. Costs come down this way, and kilograms of an ingredient.

Every lot has a worth per step. A received lot's is known; a made one's is its share of what its run used. Chains of any length are
worked out without recursion, and circles (rework within the parts of a run) as linear equations, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from krafte_core.growth import ONCE, Sum
from krafte_core.ledger import REVERSE, Key
from krafte_core.solving import eliminated
from krafte_core.stock import PRODUCTION, SCRAP, Posting

Worth = dict[Key, Fraction | None]
"""Per lot the worth of one step; None where nobody knows."""
_NOTHING: Mapping[str, Fraction] = {}


class Runs:
    """What every run used and made, from the ledger.

    Args:
        postings: all of the ledger behind the lots in question.
        scrap_counts: whether output that its run scrapped was made; a cost goes to the good output alone, an ingredient to all.

    >>> from datetime import datetime
    >>> from krafte_core.stock import Move
    >>> day, moves = datetime(2026, 1, 1), (Move("oil", "O", 8, "stock", "production"), Move("soap", "S", 4, "production", "stock"))
    >>> runs, worth = Runs([Posting("make", "R", day, day, moves)]), {("oil", "O"): Fraction(3)}
    >>> _ = runs.hand_on(worth, {"R": {("soap", "S"): Fraction(1, 4)}})
    >>> worth["soap", "S"]
    Fraction(6, 1)
    """

    def __init__(self, postings: Iterable[Posting], *, scrap_counts: bool = False) -> None:
        self.used: dict[str, dict[Key, int]] = {}
        self.made: dict[str, dict[Key, int]] = {}
        self.lots: dict[Key, None] = {}
        self.scrap_counts = scrap_counts
        for posting in postings:
            for move in posting.moves:
                self._add(posting, (move.item, move.lot), move.steps, move.source, move.target)
        self.origin = {key: run for run, made in self.made.items() for key in made}

    def _add(self, posting: Posting, key: Key, steps: int, source: str, target: str) -> None:
        self.lots[key] = None
        used, made = self.used.setdefault(posting.paper, {}), self.made.setdefault(posting.paper, {})
        undone = posting.kind == REVERSE
        if target == PRODUCTION and undone and key in made:
            made[key] -= steps
        elif target == PRODUCTION:
            used[key] = used.get(key, 0) + steps
        elif source == PRODUCTION and undone and key in used:
            used[key] -= steps
        elif source == PRODUCTION:
            made[key] = made.get(key, 0) + steps
        elif target == SCRAP and key in made and not self.scrap_counts:
            made[key] -= steps

    def hand_on(
        self, known: Worth, factors: Mapping[str, Mapping[Key, Fraction]], extra: Mapping[str, Fraction] = _NOTHING
    ) -> Mapping[str, Fraction]:
        """Write the worth of every made lot into `known`; the answer is what runs used up without making anything.

        Args:
            known: the worth of every lot that no run made.
            factors: per run and output lot the share of the run's worth that one step of it carries.
            extra: per run what comes to its worth besides (work).
        """
        waiting = {run: sum(key in self.origin for key in used) for run, used in self.used.items() if self.made[run] or used}
        users: dict[Key, list[str]] = {}
        for run, used in self.used.items():
            for key in used:
                users.setdefault(key, []).append(run)
        lost: dict[str, Fraction] = {}
        ready = [run for run, count in waiting.items() if not count]
        for run in ready:  # grows while it is read
            total = self._total(run, self.used[run], known, extra)
            if total and not any(factors[run].values()):
                lost[run] = total
            for key, factor in factors[run].items():
                known[key] = None if total is None else total * factor
                for user in users.get(key, ()):
                    waiting[user] -= 1
                    if not waiting[user]:
                        ready.append(user)
        left = [run for run in waiting if waiting[run] > 0]
        if left:
            self._circles(left, known, factors, extra)
        return lost

    def _total(self, run: str, keys: Iterable[Key], known: Worth, extra: Mapping[str, Fraction]) -> Fraction | None:
        """What the run used of these lots is worth, with what comes besides."""
        total = extra.get(run, Fraction(0))
        for key in keys:
            steps, each = self.used[run][key], known[key]
            if steps and each is None:
                return None
            total += steps * (each or 0)
        return total

    def _circles(
        self, runs: Sequence[str], known: Worth, factors: Mapping[str, Mapping[Key, Fraction]], extra: Mapping[str, Fraction]
    ) -> None:
        names = [key for run in runs for key in factors[run]]
        equations: list[tuple[dict[Key, Fraction], Sum]] = []
        for run in runs:
            total = self._total(run, [key for key in self.used[run] if key in known], known, extra)
            if total is None:
                known.update(dict.fromkeys(names))
                return
            for key, factor in factors[run].items():
                row = {key: Fraction(1)}
                for other, steps in self.used[run].items():
                    if steps and other not in known:
                        row[other] = row.get(other, Fraction(0)) - steps * factor
                equations.append((row, {ONCE: total * factor} if total * factor else {}))
        found, _ = eliminated(equations, names)
        known.update({key: found[key].get(ONCE, Fraction(0)) if key in found else None for key in names})
