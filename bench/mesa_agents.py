"""The same month as ordinary Mesa agents: the yardstick of bench/run.py, declared as the engine "mesa agents".

An agent has a field in an attribute and a method for each stage, which calls the rules one after the other with attributes
as arguments; `agents.do` takes all through a stage, and draws come from the model's generator, as they would in a model
written for Mesa. Rules and platform are ours: so it is the same model, with other draws. Nothing is keyed, compiled,
vectorised or rounded to columns.

Agents written by hand for this month alone, a second model of a thousand lines, took a third of this time (BY_HAND).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import mesa
import numpy as np

from zerolimit.engine.base import Array, Options, Result, unreal
from zerolimit.engine.objects import Objects
from zerolimit.engine.plan import FLOW_NAMES, Plan, Stage
from zerolimit.engine.registry import engine
from zerolimit.engine.rows import Rows
from zerolimit.vocabulary.cells import CELLS, CELLS_PER_SEGMENT
from zerolimit.vocabulary.fields import DTYPES, FIELDS, SCHEDULE, slot

NAME = "mesa agents"
BY_HAND = 3.0
"""How much quicker hand-written agents were, measured side by side before they were cut (38 to 59 us beside 114 to 138)."""


class Borrower(mesa.Agent):  # type: ignore[misc]
    """One borrower."""

    model: Market

    def __init__(self, model: Market) -> None:
        super().__init__(model)
        self.__dict__.update(dict.fromkeys(FIELDS, 0.0))


class Market(mesa.Model):  # type: ignore[misc]
    """The agents, and what the platform has announced."""

    terms: SimpleNamespace


def method(stage: Stage, month: int) -> Any:
    """A stage as a method of an agent: a line a rule, those that depend on a flow only where it is not 0."""

    def attribute(name: str) -> str:
        return f"self.{slot(name, month)}"

    lines = ["def stage(self):", "    terms, draw = self.model.terms, self.random.random"]
    gate = None
    for rule, where in stage.wheres():
        if where != gate:
            gate = where
            skipped = [name for one, other in stage.wheres() if other == where for name in one.writes if name in FLOW_NAMES]
            lines += [f"    if {attribute(where)} == 0.0: {' = '.join(map(attribute, skipped))} = 0.0"] if where else []
            lines += ["    else:"] if where else []
        known = {"terms": "terms", **dict.fromkeys(rule.draws, "draw()")}
        given = ", ".join(known.get(name) or attribute(name) for name in rule.reads)
        lines.append(f"{' ' * (8 if where else 4)}{', '.join(map(attribute, rule.writes))} = {rule.name}({given})")
    scope: dict[str, Any] = {rule.name: rule.function for rule in stage.rules}
    exec("\n".join(lines), scope)
    return scope["stage"]


@engine(NAME)
class MesaAgents(Objects):
    """Rows are the agents' attributes."""

    several = False

    def __init__(
        self, plan: Plan, terms: tuple[str, ...], seeds: Sequence[int], sizes: Sequence[int], options: Options | None = None
    ) -> None:
        super().__init__(plan, terms, seeds, [0], options)
        [self.size] = sizes
        self.bases = np.array([0, self.size])
        self.model = Market(rng=seeds[0])
        self.rows = [vars(Borrower(self.model)) for _ in range(self.size)]
        self.methods: dict[tuple[str, int], Any] = {}

    def words(self, purpose: str, rows: Rows | Array, month: int) -> Array:
        """Draws of the model's generator."""
        return np.array([self.model.random.getrandbits(32) for _ in range(len(rows))], np.uint32)

    def read_raw(self, name: str, rows: Rows, month: int) -> Array:
        """Of those who are asked for alone."""
        at, scale = slot(name, month), unreal(name, 1.0)
        return np.array([self.rows[row][at] * scale for row in rows.at.tolist()], DTYPES[FIELDS[name].storage])

    def stage(self, name: str, month: int, terms: Array) -> Result:
        key = (name, month % len(SCHEDULE))
        if key not in self.methods:
            self.methods[key] = method(self.plan.stages[name], month)
        self.model.terms = self.named_terms(terms[0])
        self.model.agents.do(self.methods[key])
        return self.tally(self.plan.stages[name])

    def tally(self, stage: Stage) -> Result:
        """What the platform reads of a stage: sums and counts of flags by cell, and lists."""
        sums = [[0] * len(stage.sum_names) for _ in range(CELLS)]
        counts = np.zeros((CELLS, len(stage.words), 12), np.int64)
        chosen: list[list[int]] = [[] for _ in stage.rolls]
        for at, row in enumerate(self.rows):
            cell = int(row["segment"]) * CELLS_PER_SEGMENT + int(row["decile"])
            mine = sums[cell]
            for k, name in enumerate(stage.sums):
                mine[k] += int(row[name])
            for k, one in enumerate(stage.rare, len(stage.sums)):
                if row[one.when]:
                    mine[k] += int(row[one.field])
            for k, (word, where) in enumerate(stage.words):
                flags = int(row[word]) if where is None or row[where] else 0
                while flags:
                    counts[cell, k, (flags & -flags).bit_length() - 1] += 1
                    flags &= flags - 1
            for roll, rows in zip(stage.rolls, chosen, strict=True):
                for name in roll.when:
                    if row[name]:
                        rows.append(at)
                        break
        rolls: dict[str, dict[str, Any]] = {}
        for roll, rows in zip(stage.rolls, chosen, strict=True):
            rolls[roll.name] = {"rows": Rows.alone(np.array(rows, np.int64))}
            for value in roll.values:
                taken = [unreal(value, self.rows[at][value]) for at in rows]
                rolls[roll.name][value] = np.array(taken, DTYPES[FIELDS[value].storage])
        return Result(np.array([sums], np.int64), counts[None], rolls)
