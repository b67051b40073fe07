"""Wrongful zeros: who lost the line and would not have defaulted within a year, had the line been kept.

Beside the world runs a shadow of it. A borrower with a zero-limit event keeps the line there and lives on by the same
rules and draws, with the platform's announcements, the hard constraint and the neighbours' reports as recorded: for this
borrower, the others as they were (docs/ODD.md, 7.18). Default is three or more months past due, or charge-off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput
from zerolimit.basics.progress import Progress, reporting
from zerolimit.basics.shown import Shown
from zerolimit.basics.terminal import teller
from zerolimit.basics.wording import number_of
from zerolimit.engine.base import Array
from zerolimit.engine.registry import compiling
from zerolimit.parameters.scenario import Scenario, load_scenario, takes_parameters
from zerolimit.portfolio.options import split_options
from zerolimit.portfolio.portfolio import as_portfolio
from zerolimit.results.drawing import GREY, RED, on_axes
from zerolimit.rules.caps import CAP, REASONS
from zerolimit.rules.rule import Rule
from zerolimit.run.month import Platform
from zerolimit.run.phases import Live
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import STATE
from zerolimit.vocabulary.names import CHARGED_OFF, LEFT, MOST_MONTHS, REVIEW, SEGMENTS, ZERO_LIMIT

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WITHIN = 12
"""Months in which a default would have shown that the cut was right."""
DEFAULT_AT = 3
"""Months past due that are a default."""


@dataclass(frozen=True, repr=False)
class Followed(Shown):
    """One row for each zero-limit event; `wrongful` is 1, 0, or -1 where the run ended within the year."""

    month: Array
    borrower: Array
    generation: Array
    segment: Array
    reason: Array
    wrongful: Array

    def _in_short(self) -> str:
        known = int((self.wrongful >= 0).sum())
        share = f", {100.0 * self.share():.1f} % of them wrongful" if known else ""
        return f"wrongful: {number_of(len(self.month), 'zero limit')}, {known:,} followed to the end{share}"

    def to_frame(self) -> pd.DataFrame:
        """A row an event: month, borrower, generation, segment, reason, wrongful (True, False, or missing)."""
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

    def plot(self, ax: Axes | None = None) -> Axes:
        """Zero limits that were followed, by reason: wrongful and right ones. On `ax`, or new axes."""
        known = self.to_frame().dropna(subset="wrongful")
        wrong = known.wrongful.astype(int).groupby(known.reason)
        counts = wrong.agg(["sum", "size"]).sort_values("size")
        names = [CAP[name].short if name in CAP else "none" for name in counts.index]
        with on_axes(ax) as axes:
            axes.barh(names, counts["sum"], color=RED, label="wrongful")
            axes.barh(names, counts["size"] - counts["sum"], left=counts["sum"], color=GREY, label="a default followed")
            axes.set(xlabel="zero limits", title="Zero limits, had the line been kept")
            axes.legend(frameon=False)
            return axes

    def share(self) -> float:
        """Wrongful zeros over the events that could be followed for a year; NaN without any."""
        told = self.wrongful >= 0
        return float(self.wrongful[told].mean()) if told.any() else float("nan")


class Announcing(Live):
    """The real month's platform, which leaves what it announced and what neighbours reported."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation.alone())
        self.announced: dict[str, float] = {}
        self.heard = np.zeros(0)

    def world(self) -> None:
        super().world()
        self.announced = self.worlds[0].terms.copied()

    def gossip(self) -> None:
        super().gossip()
        self.heard = self.engine.raw("heard", self.month).copy()


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
        self.s.terms.update(self.real.announced)

    def allocate(self) -> None:
        """The line that one has is the one decided."""
        limit = self.s.engine.raw("limit", self.s.month)[self.followed]
        kept = {"wanted": limit, "announced": limit, "contends": 0, "granted": 0, "review": int(REVIEW), "touched": 1}
        for name, value in kept.items():
            self.put(name, value)

    def serve(self) -> None:
        """Whose request comes no earlier than the first that was refused is refused."""
        [turned_away] = self.real.turned_away
        if turned_away is not None:
            asked = self.s.engine.raw("asked", self.s.month)[self.followed]
            arrival = self.s.engine.long_words("u_arrival", self.followed, self.s.month)
            self.put("refused", ((asked > 0) & (arrival >= np.uint64(turned_away))).astype(np.int8))

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
        rows = events["rows"].at[events["happened"] == int(ZERO_LIMIT)].astype(np.int64)
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


def follow(
    simulation: Simulation,
    months: int,
    within: int = WITHIN,
    changes: Mapping[int, Mapping[str, Any]] = MappingProxyType({}),
    progress: Progress = False,
) -> Followed:
    """Run a fresh simulation for `months` and follow its zero-limit events; `changes` are parameters from some month on."""
    shadow = Shadow(simulation, within)
    with reporting(progress, "months", "month") as update:
        for month in range(months):
            if month in changes:
                simulation.change(**changes[month])
            shadow.step()
            update(month + 1, months)
    return shadow.followed()


@takes_parameters
@public
def wrongful(
    scenario: str | Path | dict[str, Any] | Scenario = "baseline",
    *,
    months: int = 36,
    seed: int = 1,
    within: int = WITHIN,
    portfolio: Any = None,
    rules: Iterable[Rule] = (),
    changes: Mapping[int, Mapping[str, Any]] | None = None,
    progress: Progress = True,
    **parameters: Any,
) -> Followed:
    """Who lost the line and would not have defaulted within `within` months had it been kept (docs/ODD.md, 7.18).

    Two worlds run side by side: the scenario's, and its shadow in which whoever loses the line keeps it. `changes` are
    parameters from some month of the run on; other parameters (as `borrowers=`) and options of reading a portfolio go by
    name. `progress` shows a bar where it takes long, or is called with the months done and all months. BadInput where there
    is no month to follow.
    """
    reading, parameters = split_options(parameters)
    for name, value in (("months", months), ("within", within)):
        if not 1 <= value <= MOST_MONTHS:
            raise BadInput(f"{name}: a whole number from 1 to {MOST_MONTHS:,} is needed, not {value}")
    clients = as_portfolio(portfolio, reading, parameters)
    options: dict[str, Any] = {"portfolio": clients, "rules": rules, "threads": 1, "say": teller(progress)}
    simulation = Simulation(load_scenario(scenario, **parameters), seed, engine=compiling(), **options)
    return follow(simulation, months, within, changes or {}, progress)
