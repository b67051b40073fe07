"""Wrongful zeros: who lost the line and would not have defaulted within a year, had the line been kept.

Beside the world runs a shadow of it. A borrower with a zero-limit event keeps the line there and lives on by the same
rules and draws, with the platform's announcements, the hard constraint and the neighbours' reports as recorded: one's own
path, the others as they were (model.md). Default is three or more months past due, or charge-off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zerolimit.engine.base import Array
from zerolimit.parameters.terms import NO_CAMPAIGN
from zerolimit.rules.caps import REASONS
from zerolimit.run.phases import Month
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import STATE
from zerolimit.vocabulary.names import CHARGED_OFF, LEFT, REVIEW, SEGMENTS, ZERO_LIMIT

WITHIN = 12
"""Months in which a default would have shown that the cut was right."""
DEFAULT_AT = 3
"""Months past due that are a default."""


@dataclass(frozen=True)
class Followed:
    """One row for each zero-limit event; `wrongful` is 1, 0, or -1 where the run ended within the year."""

    month: Array
    borrower: Array
    generation: Array
    segment: Array
    reason: Array
    wrongful: Array

    def frame(self) -> Any:
        """A pandas frame of the events."""
        import pandas as pd

        return pd.DataFrame(
            {
                "month": self.month,
                "borrower": self.borrower,
                "generation": self.generation,
                "segment": [SEGMENTS[int(code)] for code in self.segment],
                "reason": [REASONS[int(code) - 1] if code > 0 else "" for code in self.reason],
                "wrongful": pd.array([None if code < 0 else bool(code) for code in self.wrongful], dtype="boolean"),
            }
        )

    def share(self) -> float:
        """Wrongful zeros over the events that could be followed for a year; NaN without any."""
        told = self.wrongful >= 0
        return float(self.wrongful[told].mean()) if told.any() else float("nan")


class Shadow:
    """The world in which lines are kept, one month behind the real one at most."""

    def __init__(self, real: Simulation, within: int = WITHIN) -> None:
        self.real, self.within = real, within
        self.twin = real.copy()
        self.since = np.full(real.size, -1, np.int64)
        self.row_of = np.full(real.size, -1, np.int64)
        self.events: list[dict[str, Array]] = []
        self.verdicts: list[Array] = []
        self.count = 0

    def step(self) -> None:
        """One month of the real world, then the same month of the shadow."""
        real, twin = self.real, self.twin
        before = {field.name: real.engine.raw(field.name, real.month).copy() for field in STATE}
        month = Month(real)
        terms: dict[str, float] = {}
        for name, phase in month.order():
            phase()
            terms = terms or dict(real.terms)
            if name == "gossip":
                heard = real.engine.raw("heard", real.month).copy()
        recorded = month.recorded()
        free = self.since < 0
        for name, values in before.items():
            twin.engine.put_raw(name, np.flatnonzero(free), values[free], twin.month)
        self._keep(month, before)
        self._live(month, terms, heard)
        self._judge()
        real.history.append(recorded)
        for world in (real, twin):
            world.month += 1
            world.terms["campaign_cut"] = NO_CAMPAIGN

    def _keep(self, month: Month, before: dict[str, Array]) -> None:
        """New zero-limit events of borrowers who are not followed already."""
        events = month.results["decision"].rolls["events"]
        rows = events["rows"][events["happened"] == int(ZERO_LIMIT)].astype(np.int64)
        self.since[rows[self.since[rows] < 0]] = 0
        rows = rows[self.since[rows] == 0]
        self.row_of[rows] = self.count + np.arange(len(rows))
        self.count += len(rows)
        self.events.append(
            {
                "month": np.full(len(rows), self.real.month),
                "borrower": rows,
                "generation": before["generation"][rows],
                "segment": before["segment"][rows],
                "reason": self.real.engine.raw("reason", self.real.month)[rows],
            }
        )
        self.verdicts.append(np.full(len(rows), -1, np.int8))

    def _live(self, month: Month, terms: dict[str, float], heard: Array) -> None:
        """The shadow's month: the same phases for borrowers, the platform's as recorded."""
        twin = self.twin
        twin.terms = dict(terms)
        engine, when = twin.engine, twin.month
        twin._stage("account")
        rows = np.flatnonzero(self.since >= 0)
        limit = engine.raw("limit", when)[rows]
        kept = {"wanted": limit, "announced": limit, "contends": 0, "granted": 0, "review": int(REVIEW), "touched": 1}
        for name, value in kept.items():
            engine.put_raw(name, rows, value, when)
        twin._stage("decision")
        asked = engine.raw("asked", when)[rows]
        if month.turned_away is not None:
            late = twin.engine.long_words("u_arrival", rows, when) >= np.uint64(month.turned_away)
            engine.put_raw("refused", rows, ((asked > 0) & late).astype(np.int8), when)
        engine.put_raw("heard", slice(None), heard, when)
        twin._stage("living")
        engine.put_raw("refused", rows, 0, when)

    def _judge(self) -> None:
        """Who has defaulted, who has not within the time, who has left."""
        engine, when = self.twin.engine, self.twin.month
        rows = np.flatnonzero(self.since >= 0)
        standing = engine.raw("standing", when)[rows]
        defaulted = (engine.raw("late", when)[rows] >= DEFAULT_AT) | (standing == CHARGED_OFF)
        gone = engine.raw("status", when)[rows] == int(LEFT)
        self.since[rows] += 1
        done = defaulted | gone | (self.since[rows] >= self.within)
        verdict = np.concatenate(self.verdicts) if self.verdicts else np.zeros(0, np.int8)
        verdict[self.row_of[rows[done]]] = (~defaulted[done]).astype(np.int8)
        self.verdicts = [verdict]
        self.since[rows[done]] = -1

    def followed(self) -> Followed:
        """All events so far. Those too late to be followed to the end have no verdict, even where one has come early."""
        joined = {name: np.concatenate([some[name] for some in self.events]) for name in self.events[0]}
        in_time = joined["month"] + self.within <= self.real.month
        return Followed(**joined, wrongful=np.where(in_time, np.concatenate(self.verdicts), -1).astype(np.int8))


def follow(simulation: Simulation, months: int, within: int = WITHIN) -> Followed:
    """Run a fresh simulation for so many months and follow its zero-limit events."""
    shadow = Shadow(simulation, within)
    for _ in range(months):
        shadow.step()
    return shadow.followed()
