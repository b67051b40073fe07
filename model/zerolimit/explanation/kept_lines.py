"""Wrongful zeros: who lost the line and would not have defaulted within a year, had the line been kept.

Beside the world runs a shadow of it. A borrower with a zero-limit event keeps the line there and lives on by the same
rules and draws, with the platform's announcements, the hard constraint and the neighbours' reports as recorded: for this
borrower, the others as they were (docs/ODD.md, 7.18). Default is three or more months past due, or charge-off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zerolimit.engine.base import Array
from zerolimit.rules.caps import REASONS
from zerolimit.run.month import Platform
from zerolimit.run.phases import Live
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


class Announcing(Live):
    """The real month's platform, which leaves what it announced and what neighbours reported."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.announced: dict[str, float] = {}
        self.heard = np.zeros(0)

    def world(self) -> None:
        super().world()
        self.announced = dict(self.s.terms)

    def gossip(self) -> None:
        super().gossip()
        self.heard = self.s.engine.raw("heard", self.s.month).copy()


class KeepsLines(Platform):
    """The platform of the shadow's month: as the real one was, but who is followed keeps the line."""

    silent = frozenset({"enter", "measure", "desk", "accounts"})

    def __init__(self, shadow: Simulation, real: Announcing, followed: Array) -> None:
        super().__init__()
        self.s, self.real, self.followed = shadow, real, followed

    def put(self, name: str, values: Any) -> None:
        """Of those who are followed."""
        self.s.engine.put_raw(name, self.followed, values, self.s.month)

    def world(self) -> None:
        self.s.terms = dict(self.real.announced)

    def allocate(self) -> None:
        """The line that one has is the one decided."""
        limit = self.s.engine.raw("limit", self.s.month)[self.followed]
        kept = {"wanted": limit, "announced": limit, "contends": 0, "granted": 0, "review": int(REVIEW), "touched": 1}
        for name, value in kept.items():
            self.put(name, value)

    def serve(self) -> None:
        """Whose request comes no earlier than the first that was refused is refused."""
        if self.real.turned_away is not None:
            asked = self.s.engine.raw("asked", self.s.month)[self.followed]
            arrival = self.s.engine.long_words("u_arrival", self.followed, self.s.month)
            self.put("refused", ((asked > 0) & (arrival >= np.uint64(self.real.turned_away))).astype(np.int8))

    def gossip(self) -> None:
        self.s.engine.put_raw("heard", slice(None), self.real.heard, self.s.month)

    def close(self) -> None:
        self.put("refused", 0)


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
        live = Announcing(real)
        real.step_with(live)
        free = np.flatnonzero(self.since < 0)
        for name, values in before.items():
            twin.engine.put_raw(name, free, values[free], twin.month)
        self._follow(live, before)
        twin.step_with(KeepsLines(twin, live, np.flatnonzero(self.since >= 0)))
        self._judge(twin.month - 1)

    def _follow(self, live: Live, before: dict[str, Array]) -> None:
        """New zero-limit events of borrowers who are not followed already."""
        events = live.results["decision"].rolls["events"]
        rows = events["rows"][events["happened"] == int(ZERO_LIMIT)].astype(np.int64)
        self.since[rows[self.since[rows] < 0]] = 0
        rows = rows[self.since[rows] == 0]
        self.row_of[rows] = self.count + np.arange(len(rows))
        self.count += len(rows)
        self.events.append(
            {
                "month": np.full(len(rows), self.twin.month),
                "borrower": rows,
                "generation": before["generation"][rows],
                "segment": before["segment"][rows],
                "reason": self.real.engine.raw("reason", self.twin.month)[rows],
            }
        )
        self.verdicts.append(np.full(len(rows), -1, np.int8))

    def _judge(self, when: int) -> None:
        """Who has defaulted, who has not within the time, who has left."""
        engine = self.twin.engine
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
    """Run a fresh simulation for `months` and follow its zero-limit events."""
    shadow = Shadow(simulation, within)
    for _ in range(months):
        shadow.step()
    return shadow.followed()
