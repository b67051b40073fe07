"""A user-defined rule for sharing the pool: what one borrower is granted at a level, growing with the level.

    @zerolimit.rule("granted")
    def by_standing(level, need, tenure, terms):
        return need * level if tenure < 12.0 else need * min(1.0, 2.0 * level)

`level` runs from 0 to 1 and `need` is the undrawn part wanted (fen); other parameters are fields or `terms`, as in any
rule. The platform finds the largest level, in steps of 2^-30, at which all grants fit. What a rule returns is kept within
[0, need] and rounded down to whole fen; what is below the minimum loan is 0.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from numbers import Real
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import BadInput, OutOfRange
from zerolimit.engine.base import Engine
from zerolimit.rules.allocations import WHOLE
from zerolimit.rules.rule import Rule

LEVEL, NEED = "level", "need"
NO_NUMBER = "returned no number, or an infinite one"
GRID = 64
"""Levels at which a rule is tried before it is used."""
Function = Callable[..., Any]


def takes_level(rule: Rule) -> bool:
    """Whether a rule says what one is granted at a level."""
    return LEVEL in rule.reads


def checked(rule: Rule, columns: Sequence[str], check: Callable[[Rule], None]) -> Rule:
    """The rule, if it can run: TypeError as for any rule, BadInput where it reads what is not known yet."""
    if rule.writes != ("granted",) or rule.draws or rule.after is not None:
        raise BadInput(f"rule {rule.name}: one that reads `level` writes `granted` alone, and reads no draws; no `after`")
    check(replace(rule, reads=tuple(name for name in rule.reads if name not in (LEVEL, NEED))))
    for name in fields_of(rule):
        if name not in columns:
            raise BadInput(f"rule {rule.name}: {name} is not kept until the pool is shared; read a state or rank, wanted")
    return rule


def fields_of(rule: Rule) -> tuple[str, ...]:
    """The columns that a rule reads."""
    return tuple(name for name in rule.fields if name not in (LEVEL, NEED))


def within(given: Any, need: float, least: int) -> int:
    """What a rule's answer comes to, in whole fen: within [0, need], and 0 below `least`. ValueError: it is not finite."""
    if not isinstance(given, Real) or not given - given == 0.0:
        raise ValueError(NO_NUMBER)
    fen = int(min(need, max(0.0, float(given))))
    return fen if fen >= least else 0


def one_at(rule: Rule, level: int, need: int, least: int, values: Mapping[str, float], terms: SimpleNamespace) -> int:
    """Fen for one borrower at a whole level. OutOfRange: the rule returned no number, or fails."""
    known = {LEVEL: level / WHOLE, NEED: float(need), "terms": terms}
    try:
        return within(rule.function(*(known.get(name, values.get(name)) for name in rule.reads)), float(need), least)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise OutOfRange(f"rule {rule.name}: {error}") from None


@dataclass(frozen=True)
class UserRule:
    """A user-defined rule over everybody who contends."""

    rule: Rule
    need: NDArray[Any]
    columns: tuple[NDArray[np.float64], ...]
    """What the rule reads of each, in the order of `fields_of`."""
    terms: dict[str, float]
    least: int
    loop: Function | None
    """The rule over everybody, compiled (`loop_over`); None: it is called for one after the other."""
    totals: dict[int, int] = field(default_factory=dict)
    """Fen for all at the levels that were tried."""

    highest = WHOLE

    def grants(self, level: int) -> NDArray[np.int64]:
        """Fen for each at a level; OutOfRange where the last step to it took something away."""
        return self._risen(self._at(level - 1), level) if level > 0 else self._at(level)

    def verify(self) -> None:
        """OutOfRange where on a grid of levels a higher one gives somebody less."""
        before = self._at(0)
        for level in range(WHOLE // GRID, WHOLE + 1, WHOLE // GRID):
            before = self._risen(before, level)

    def _risen(self, before: NDArray[np.int64], level: int) -> NDArray[np.int64]:
        found = self._at(level)
        if fallen := int((found < before).sum()):
            raise self._falls(level, f"for {fallen:,} borrowers ")
        return found

    def total(self, level: int) -> int:
        """Fen for all at a level; OutOfRange where it is less than at a lower one."""
        found = int(self._at(level).sum())
        if any(
            (other < level and total > found) or (other > level and total < found) for other, total in self.totals.items()
        ):
            raise self._falls(level, "")
        self.totals[level] = found
        return found

    def _falls(self, level: int, whom: str) -> OutOfRange:
        near = f"{level / WHOLE:.9f}".rstrip("0")
        return OutOfRange(
            f"rule {self.rule.name}: grants {whom}fall as the level rises (near {near}); they must grow with it"
        )

    def _at(self, level: int) -> NDArray[np.int64]:
        out = np.empty(len(self.need), np.int64)
        if self.loop is not None:
            used = tuple(self.terms[name] for name in self.rule.terms)
            if self.loop(level / WHOLE, self.need, self.least, used, out, *self.columns):
                raise OutOfRange(f"rule {self.rule.name}: {NO_NUMBER}")
            return out
        terms, names = SimpleNamespace(**self.terms), fields_of(self.rule)
        for k in range(len(out)):
            values = {name: float(column[k]) for name, column in zip(names, self.columns, strict=True)}
            out[k] = one_at(self.rule, level, int(self.need[k]), self.least, values, terms)
        return out


def loop_over(rule: Rule, engine: Engine) -> Function | None:
    """The rule in a loop over those who contend, where the engine compiles it."""
    names = fields_of(rule)
    known = {LEVEL: LEVEL, NEED: "float64(need_[k])", "terms": "terms", **{name: f"{name}_[k]" for name in names}}
    lines = [
        f"def loop({', '.join(['level', 'need_', 'least', 'used', 'out', *(f'{name}_' for name in names)])}):",
        f"    terms = Terms({', '.join(f'used[{k}]' for k in range(len(rule.terms)))})",
        "    bad = 0",
        "    for k in range(len(need_)):",
        f"        given = float64(rule({', '.join(known[name] for name in rule.reads)}))",
        "        bad += 0 if given - given == 0.0 else 1",
        "        fen = int64(min(float64(need_[k]), max(0.0, given)))",
        "        out[k] = fen if fen >= least else 0",
        "    return bad",
    ]
    scope = {"rule": rule.function, "Terms": terms_of(rule.terms), "float64": np.float64, "int64": np.int64}
    return engine.fused(rule, "\n".join(lines), scope)


@cache
def terms_of(names: tuple[str, ...]) -> Any:
    """A class that holds these terms."""
    return namedtuple("Terms", names)
