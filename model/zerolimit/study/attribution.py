"""Whose zero limits are they? Every world in which some mechanisms are on is run with the same draws; shares are exact.

w(S) is the run with the players in S on from month `since` after a common past. Games are whole numbers, so k! x a share is
whole, and shares sum to the difference between all and none to the last event. Feedbacks through totals act in every world:
this is the total effect on everybody's world, not one borrower's path with the others held (model.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.engine.base import Array
from zerolimit.errors import BadInput, nearest
from zerolimit.names import LEFT, MECHANISMS, SEGMENTS
from zerolimit.results.outcomes import RATES
from zerolimit.results.record import CELLS_PER_SEGMENT
from zerolimit.scenario import Scenario, load_scenario
from zerolimit.simulation import Simulation
from zerolimit.study.shapley import alone, but_for, interactions, owen, owen_scale, shapley

if TYPE_CHECKING:
    import pandas as pd

PLAYERS: dict[str, dict[str, Any]] = {
    **{name: {} for name in MECHANISMS},
    "fear": {"fear_gain": 0.0, "notice_rush": 0.0},
    "reasons": {"reasons_sent": False},
    "warning": {"early_warning": False},
    "notice": {"notice_months": 0},
    "adaptation": {"adaptation_months": 0},
    "appeals": {"appeals_capacity": 0.0},
}
"""Who can be a player, and the parameters that take it out; the mechanisms go by `off`."""

GROUPS = (("rescoring", "trigger"), ("positioning", "scarcity"), ("tightening",), ("contagion",))
"""Players that belong together, for Owen values (model.md)."""
BY = ("month", "segment", "decile")
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#999999", "#000000", "#004D40")
"""Okabe and Ito 2008, told apart by colour-blind readers."""
MOST = 10
"""Players at most: twice the worlds for each."""


@dataclass(frozen=True)
class Attribution:
    """What every world left. `counts[outcome]` has the shape (worlds, months, segments, deciles)."""

    players: tuple[str, ...]
    since: int
    months: int
    counts: dict[str, Array]
    unusable: Array
    """Months current and without a usable line, by world and borrower of the first population."""
    state: Array
    """Last month's state by world and borrower: 0 open, 1 unusable and current, 2 in arrears, 3 left."""

    def game(self, outcome: str, by: Iterable[str] = ()) -> Array:
        """An outcome in every world: whole numbers, by some of month, segment, decile."""
        if outcome not in self.counts:
            raise BadInput(f"outcome: {outcome!r} is none{nearest(outcome, self.counts)}")
        wanted = tuple(by)
        for name in wanted:
            if name not in BY:
                raise BadInput(f"by: {name!r} is not one of {', '.join(BY)}{nearest(name, BY)}")
        axes = tuple(k + 1 for k, name in enumerate(BY) if name not in wanted)
        return self.counts[outcome].sum(axis=axes)

    def shares(self, outcome: str = "zero_limit", by: Iterable[str] = ()) -> pd.DataFrame:
        """Shapley shares of an outcome's difference between all players on and none, as floats, with what else is due.

        Columns: the groups asked for, player, shapley, owen (for the six mechanisms), but_for, alone, and none and all,
        the outcome without and with all players.
        """
        game = self.game(outcome, by)
        return self._table(game, [name for name in BY if name in tuple(by)])

    def _table(self, game: Array, by: list[str]) -> pd.DataFrame:
        import pandas as pd

        k = len(self.players)
        labels: dict[str, list[Any]] = {"month": list(range(self.since, self.since + self.months))}
        labels |= {"segment": list(SEGMENTS), "decile": list(range(CELLS_PER_SEGMENT))}
        levels: list[list[Any]] = [list(self.players), *(labels[name] for name in by)]
        index = pd.MultiIndex.from_product(levels, names=["player", *by])
        table = pd.DataFrame({"shapley": shapley(game).reshape(-1) / factorial(k)}, index=index)
        if set(self.players) == {name for group in GROUPS for name in group}:
            groups = [[self.players.index(name) for name in group] for group in GROUPS]
            table["owen"] = owen(game, groups).reshape(-1) / owen_scale(groups)
        table["but_for"] = but_for(game).reshape(-1)
        table["alone"] = alone(game).reshape(-1)
        table["none"] = np.broadcast_to(game[0], (k, *game.shape[1:])).reshape(-1)
        table["all"] = np.broadcast_to(game[-1], (k, *game.shape[1:])).reshape(-1)
        return table.reset_index()

    def exact(self, outcome: str = "zero_limit") -> dict[str, Fraction]:
        """Shapley shares of an outcome's total as fractions; they sum to all less none exactly."""
        values = shapley(self.game(outcome))
        return {name: Fraction(int(values[p]), factorial(len(self.players))) for p, name in enumerate(self.players)}

    def rate(self, name: str = "zero_limit") -> dict[str, Fraction]:
        """Shapley shares of a rate: its own game, in exact fractions (a rate of sums, not a sum of rates)."""
        if name not in RATES:
            raise BadInput(f"rate: {name!r} is none{nearest(name, RATES)}")
        above, below, _ = RATES[name]
        over = [sum(int(self.game(one)[c]) for one in above) for c in range(2 ** len(self.players))]
        under = [sum(int(self.game(one)[c]) for one in below) for c in range(2 ** len(self.players))]
        value = [Fraction(a, b) if b else Fraction(0) for a, b in zip(over, under, strict=True)]
        k = len(self.players)
        found: dict[str, Fraction] = {}
        for p, player in enumerate(self.players):
            found[player] = sum(
                (
                    Fraction(factorial(c.bit_count()) * factorial(k - c.bit_count() - 1), factorial(k))
                    * (value[c | 1 << p] - value[c])
                    for c in range(2**k)
                    if not c >> p & 1
                ),
                Fraction(0),
            )
        return found

    def pairs(self, outcome: str = "zero_limit") -> pd.DataFrame:
        """Shapley interactions of an outcome's total between each pair of players."""
        import pandas as pd

        values = interactions(self.game(outcome)) / factorial(max(0, len(self.players) - 1))
        return pd.DataFrame(values, index=list(self.players), columns=list(self.players))

    def borrower(self, number: int) -> pd.DataFrame:
        """One borrower's shares: months unusable though current, and the last month's state (each indicator).

        Components lie in [-1, 1] for states and hold for this borrower's draws; negative ones have protected it.
        """
        import pandas as pd

        if not 0 <= number < self.unusable.shape[1]:
            raise BadInput(f"borrower: {number} is not from 0 to {self.unusable.shape[1] - 1}")
        scale = factorial(len(self.players))
        games = {"months_unusable": self.unusable[:, number].astype(np.int64)}
        for code, name in enumerate(STATES):
            games[f"state_{name}"] = (self.state[:, number] == code).astype(np.int64)
        found = {name: shapley(game) / scale for name, game in games.items()}
        table = pd.DataFrame(found, index=list(self.players))
        table.loc["none"] = {name: float(game[0]) for name, game in games.items()}
        table.loc["all"] = {name: float(game[-1]) for name, game in games.items()}
        return table

    def draw(self, file: Any, outcome: str = "zero_limit") -> None:
        """A stacked area chart of the shares by month, as PNG or SVG; what has protected lies below zero."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        table = self.shares(outcome, ("month",)).pivot(index="month", columns="player", values="shapley")[list(self.players)]
        figure = Figure(figsize=(9.0, 4.5), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for sign in (1.0, -1.0):
            parts = (sign * table).clip(lower=0.0) * sign
            labels = list(self.players) if sign > 0 else None
            axes.stackplot(table.index, parts.T, colors=COLOURS[: len(self.players)], labels=labels or (), step="mid")
        game = self.game(outcome, ("month",))
        axes.plot(table.index, game[-1] - game[0], color="black", linewidth=1.2, label="all less none")
        axes.axhline(0.0, color="black", linewidth=0.6)
        axes.set(xlabel="month", ylabel=f"{outcome}, borrowers a month", title=f"Shares of {outcome} by player (Shapley)")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(file)

    def save(self, folder: Any) -> None:
        """Tidy Parquet files: shares of the zero-limit events by month, segment and decile; the totals of all outcomes."""
        from pathlib import Path

        import pandas as pd

        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        self.shares("zero_limit", BY).to_parquet(path / "zero_limit.parquet", index=False)
        totals = [self.shares(name).assign(outcome=name) for name in self.counts]
        pd.concat(totals).to_parquet(path / "totals.parquet", index=False)


STATES = ("open", "unusable", "arrears", "left")


def checked_players(players: Iterable[str], base: Scenario) -> tuple[str, ...]:
    """The players of a scenario, known, different, few enough and on; BadInput otherwise."""
    chosen = tuple(players)
    for name in chosen:
        if name not in PLAYERS:
            raise BadInput(f"players: {name!r} is none of {', '.join(PLAYERS)}{nearest(name, PLAYERS)}")
        if name in base.off:
            raise BadInput(f"players: {name} is off in {base.name}, so it has no share; take it out of `off`")
    if len(set(chosen)) < len(chosen) or not 1 <= len(chosen) <= MOST:
        raise BadInput(f"players: 1 to {MOST} different ones are needed, not {', '.join(chosen) or 'none'}")
    return chosen


def attribute(
    scenario: str | Scenario = "baseline",
    *,
    months: int = 36,
    seed: int = 1,
    players: Iterable[str] = MECHANISMS,
    since: int = 0,
    portfolio: Any = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
    **parameters: Any,
) -> Attribution:
    """Run all 2^k worlds of k players for `months` months after `since` and keep what shares are made of.

    `progress` is called with the worlds done and all worlds. BadInput on unknown or repeated players, or too many.
    """
    base = load_scenario(scenario, **parameters) if isinstance(scenario, str) else scenario.change(**parameters)
    chosen = checked_players(players, base)
    past = Simulation(base, seed, engine="compiled", portfolio=portfolio, threads=1, say=say).run(since)
    past.history.clear()
    count = 2 ** len(chosen)
    first = past.column("generation").copy()

    def world(coalition: int) -> tuple[dict[str, Array], Array, Array]:
        out = [name for p, name in enumerate(chosen) if not coalition >> p & 1]
        simulation = past.copy()
        changed = {key: value for name in out for key, value in PLAYERS[name].items()}
        off = tuple(name for name in out if name in MECHANISMS)
        if out:
            simulation.change(**changed, **({"off": (*base.off, *off)} if off else {}))
        unusable = np.zeros(simulation.size, np.int16)
        for _ in range(months):
            simulation.step()
            stuck = (simulation.column("without_line") > 0) & (simulation.column("late") == 0)
            unusable += stuck & (simulation.column("status") != LEFT) & (simulation.column("generation") == first)
        names = simulation.history[0].counts if simulation.history else {}
        counts = {name: np.stack([month.counts[name] for month in simulation.history]) for name in names}
        gone = (simulation.column("status") == LEFT) | (simulation.column("generation") != first)
        late = simulation.column("late") > 0
        state = np.where(gone, 3, np.where(late, 2, np.where(simulation.column("without_line") > 0, 1, 0)))
        simulation.close()
        return counts, unusable, state.astype(np.int8)

    done: list[Any] = [None] * count
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        futures = {pool.submit(world, coalition): coalition for coalition in range(count)}
        from concurrent.futures import as_completed

        try:
            for number, future in enumerate(as_completed(futures), 1):
                done[futures[future]] = future.result()
                if progress is not None:
                    progress(number, count)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    shape = (count, months, len(SEGMENTS), CELLS_PER_SEGMENT)
    counts = {name: np.stack([one[0][name] for one in done]).reshape(shape) for name in done[0][0]}
    return Attribution(chosen, since, months, counts, np.stack([one[1] for one in done]), np.stack([one[2] for one in done]))
