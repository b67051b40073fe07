"""Whose zero limits are they? Every world in which some mechanisms are on is run with the same draws; shares are exact.

w(S) is the run with the players in S on from month `since` after a common past. Games are whole numbers, so k! x a share is
whole, and shares sum to the difference between all and none to the last event. Feedbacks through totals act in every world:
this is the total effect on everybody's world, not one borrower's path with the others held (notice.py has that one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from math import factorial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, nearest
from zerolimit.basics.progress import Progress, reporting
from zerolimit.basics.shown import Shown
from zerolimit.basics.terminal import teller
from zerolimit.basics.wording import number_of
from zerolimit.engine.base import Array
from zerolimit.engine.registry import compiling
from zerolimit.explanation.shapley import alone, but_for, interactions, owen, owen_scale, shapley
from zerolimit.parameters.scenario import Scenario, load_scenario, takes_parameters
from zerolimit.portfolio.options import split_options
from zerolimit.portfolio.portfolio import as_portfolio
from zerolimit.results.columns import monthly_meanings, parts_of
from zerolimit.results.drawing import BLACK, GREY, SERIES, TEAL, YELLOW, draw_if_possible, month_axis, on_axes, on_paper
from zerolimit.rules.rule import Rule
from zerolimit.run.simulation import Simulation, user_rules
from zerolimit.study.accounts import STATES
from zerolimit.study.intervals import FEWEST, as_seeds, over_seeds
from zerolimit.study.lived import Lived, Middle, Passed, Stop, live, side_by_side
from zerolimit.vocabulary.cells import CELLS_PER_SEGMENT
from zerolimit.vocabulary.mechanisms import MECHANISMS, PLAYERS, groups
from zerolimit.vocabulary.names import MOST_MONTHS, SEGMENTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

EVERYBODY = (
    "Everybody's world: each mechanism is off for all, the same draws in all worlds, feedbacks through totals included."
    " One borrower's shares hold for its draws."
)
"""Which counterfactual this is; `explain` has the other one."""

BY = ("month", "segment", "decile")
COLOURS = (*SERIES, YELLOW, GREY, BLACK, TEAL)
MOST = 10
"""Players at most: twice the worlds for each."""


@public
@dataclass(frozen=True, repr=False)
class Attribution(Shown):
    """What every world left. `counts[outcome]` has the shape (worlds, months, segments, deciles).

    World c has player p on where bit p of c is set: world 0 has none, the last one all.
    """

    scenario: Scenario
    rules: tuple[Rule, ...]
    """User-defined rules."""
    players: tuple[str, ...]
    since: int
    months: int
    seed: int
    counts: dict[str, Array]
    unusable: Array
    """Months current and without a usable line, by world and borrower of the first population."""
    first_event: Array
    """Month of the first zero-limit event by world and borrower; -1 without one."""
    state: Array
    """Last month's state by world and borrower, a position in STATES."""
    followed: dict[int, Array]
    """States by world and month of the borrowers who were to be followed."""
    replications: tuple[Attribution, ...] = field(default=(), repr=False)
    """The same with other seeds, without what is kept for each borrower."""

    def _in_short(self) -> str:
        zeros = self.game("zero_limit")
        size = ", ".join(map(number_of, (self.months, len(self.seeds)), ("month", "seed")))
        players = ", ".join(self.players)
        return (
            f"attribution {self.scenario.name}: {int(zeros[-1]):,} zero limits with all of {players} on,"
            f" {int(zeros[0]):,} with none; {size}"
        )

    def to_frame(self) -> pd.DataFrame:
        """The shares of zero limits, a row a player: `shares()`."""
        return self.shares()

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, this one first."""
        return (self.seed, *(other.seed for other in self.replications))

    @property
    def groups(self) -> list[list[int]]:
        """The players' groups, for Owen values."""
        known = [[self.players.index(name) for name in group if name in self.players] for group in groups()]
        single = [[p] for p, name in enumerate(self.players) if not any(name in group for group in groups())]
        return [group for group in (*known, *single) if group]

    # games: a whole number for each world

    def game(self, outcome: str, by: Iterable[str] = ()) -> Array:
        """An outcome in every world: whole numbers, by some of month, segment, decile."""
        if outcome not in self.counts:
            raise BadInput(f"outcome: {outcome!r} is none{nearest(outcome, self.counts)}")
        axes = tuple(k + 1 for k, name in enumerate(BY) if name not in checked_by(by))
        return self.counts[outcome].sum(axis=axes)

    def reached(self) -> Array:
        """How many of the first population had a zero-limit event by the end of each month, by world and month."""
        months = np.arange(self.since, self.since + self.months)
        had = [(some[some >= 0][:, None] <= months).sum(axis=0) for some in self.first_event]
        return np.stack(had).astype(np.int64)

    # shares

    def shares(self, outcome: str = "zero_limit", by: Iterable[str] = ()) -> pd.DataFrame:
        """Shapley shares of an outcome's difference between all players on and none, as floats, with what else is due.

        Columns: player, the groups asked for, shapley, owen (where some players belong together), but_for, alone, and none
        and all, the outcome without and with all players. A negative share has protected.
        """
        return self._table(self.game(outcome, by), checked_by(by))

    def first_events(self) -> pd.DataFrame:
        """The same for the first population's first zero-limit event by month, one row a player and month."""
        return self._table(self.reached(), ["month"])

    def intervals(self, outcome: str = "zero_limit", by: Iterable[str] = (), *, rate: bool = False) -> pd.DataFrame:
        """Shapley shares as means over the seeds with 95 % intervals (Student's t), and how many seeds there were.

        `low` and `high` are for one row, `band_low` and `band_high` for all `rows` of this table together (Bonferroni's t;
        not numbers below ten seeds). With `rate`, those of the rate of that name. With one seed the ends are not numbers.
        """
        tables = [one.rates(outcome, by) if rate else one.shares(outcome, by) for one in (self, *self.replications)]
        keys = ["player", *checked_by(by)]
        found = tables[0][keys].copy()
        values, rows = [table.shapley.to_numpy() for table in tables], len(found)
        found["shapley"], found["low"], found["high"] = over_seeds(values)
        enough = len(tables) >= FEWEST
        _, found["band_low"], found["band_high"] = over_seeds(values if enough else values[:1], rows=rows)
        return found.assign(rows=rows if enough else 0, seeds=len(tables))

    def _table(self, game: Array, by: list[str]) -> pd.DataFrame:
        k = len(self.players)
        table = self._labelled(shapley(game) / factorial(k), by)
        if len(self.groups) < k:
            table["owen"] = owen(game, self.groups).reshape(-1) / owen_scale(self.groups)
        table["but_for"] = but_for(game).reshape(-1)
        table["alone"] = alone(game).reshape(-1)
        table["none"] = np.broadcast_to(game[0], (k, *game.shape[1:])).reshape(-1)
        table["all"] = np.broadcast_to(game[-1], (k, *game.shape[1:])).reshape(-1)
        return table

    def _labelled(self, values: Array, by: list[str]) -> pd.DataFrame:
        """Shapley values of players, by some of BY, as rows."""
        import pandas as pd

        labels: dict[str, list[Any]] = {"month": list(range(self.since, self.since + self.months))}
        labels |= {"segment": list(SEGMENTS), "decile": list(range(CELLS_PER_SEGMENT))}
        levels: list[list[Any]] = [list(self.players), *(labels[name] for name in by)]
        index = pd.MultiIndex.from_product(levels, names=["player", *by])
        return pd.DataFrame({"shapley": values.reshape(-1)}, index=index).reset_index()

    def exact(self, outcome: str = "zero_limit") -> dict[str, Fraction]:
        """Shapley shares of an outcome's total as fractions; they sum to all less none exactly."""
        values = shapley(self.game(outcome))
        return {name: Fraction(int(values[p]), factorial(len(self.players))) for p, name in enumerate(self.players)}

    def rate(self, name: str = "zero_limit") -> dict[str, Fraction]:
        """Shapley shares of a rate: its own game, in exact fractions (a rate of sums, not a sum of rates)."""
        over, under = self._parts(name, ())
        return dict(zip(self.players, self._fractions(over.ravel(), under.ravel()), strict=True))

    def rates(self, name: str = "zero_limit", by: Iterable[str] = ()) -> pd.DataFrame:
        """Shapley shares of a rate by some of month, segment, decile: player, the groups, shapley, none, all."""
        wanted = checked_by(by)
        over, under = self._parts(name, wanted)
        cells = over.shape[1:]
        flat, below = over.reshape(len(over), -1), under.reshape(len(under), -1)
        values = [[float(one) for one in self._fractions(flat[:, k], below[:, k])] for k in range(flat.shape[1])]
        table = self._labelled(np.array(values).T.reshape(len(self.players), *cells), wanted)
        value = np.divide(over, under, out=np.zeros(over.shape), where=under != 0)
        for label, world in (("none", 0), ("all", -1)):
            table[label] = np.broadcast_to(value[world], (len(self.players), *cells)).reshape(-1)
        return table

    def _parts(self, name: str, by: Iterable[str]) -> tuple[Array, Array]:
        """What a rate divides, in every world."""
        over, under = parts_of(name)
        return np.sum([self.game(one, by) for one in over], axis=0), np.sum([self.game(one, by) for one in under], axis=0)

    def _fractions(self, over: Array, under: Array) -> list[Fraction]:
        """Shapley values of a game of fractions; where nobody is counted below, the rate is 0."""
        value = [Fraction(int(a), int(b)) if b else Fraction(0) for a, b in zip(over, under, strict=True)]
        k = len(self.players)
        found = []
        for p in range(k):
            without = [c for c in range(2**k) if not c >> p & 1]
            weights = [Fraction(factorial(c.bit_count()) * factorial(k - c.bit_count() - 1), factorial(k)) for c in without]
            gains = (value[c | 1 << p] - value[c] for c in without)
            found.append(sum((w * gain for w, gain in zip(weights, gains, strict=True)), Fraction(0)))
        return found

    def pairs(self, outcome: str = "zero_limit") -> pd.DataFrame:
        """Shapley interactions of an outcome's total between each pair of players."""
        import pandas as pd

        values = interactions(self.game(outcome)) / factorial(max(0, len(self.players) - 1))
        return pd.DataFrame(values, index=list(self.players), columns=list(self.players))

    # one borrower

    def borrower(self, number: int, month: int | None = None) -> pd.DataFrame:
        """One borrower's shares: months unusable though current, and the state (each an indicator) at the end.

        With `month`, the state at the end of that month; the borrower must have been followed (`attribute(follow=...)`).
        Components lie in [-1, 1] for states, sum to zero over the states, and hold for this borrower's draws; negative ones
        have protected it. Rows: the players, and none and all, the values without and with all of them.
        """
        import pandas as pd

        if not 0 <= number < self.unusable.shape[1]:
            raise BadInput(f"borrower: {number} is not from 0 to {self.unusable.shape[1] - 1}")
        state = self.state[:, number] if month is None else self._state_in(number, month)
        scale = factorial(len(self.players))
        games = {"months_unusable": self.unusable[:, number].astype(np.int64)} if month is None else {}
        for code, name in enumerate(STATES):
            games[f"state_{name.replace(' ', '_')}"] = (state == code).astype(np.int64)
        found = {name: shapley(game) / scale for name, game in games.items()}
        table = pd.DataFrame(found, index=list(self.players))
        table.loc["none"] = {name: float(game[0]) for name, game in games.items()}
        table.loc["all"] = {name: float(game[-1]) for name, game in games.items()}
        return table

    def _state_in(self, number: int, month: int) -> Array:
        """A followed borrower's state in every world."""
        if number not in self.followed:
            raise BadInput(f"borrower: {number} was not followed month by month; attribute(..., follow=[{number}])")
        if not self.since <= month < self.since + self.months:
            raise BadInput(f"month: {month} is not from {self.since} to {self.since + self.months - 1}")
        return np.asarray(self.followed[number][:, month - self.since])

    def borrowers(self) -> pd.DataFrame:
        """Every borrower of the first population: shares of the months unusable though current, player by player.

        Columns: borrower, none, all, the players, and state, the last one with all players on.
        """
        import pandas as pd

        values = shapley(self.unusable.astype(np.int64)) / factorial(len(self.players))
        table = pd.DataFrame({"borrower": np.arange(self.unusable.shape[1])})
        table["none"], table["all"] = self.unusable[0], self.unusable[-1]
        for p, name in enumerate(self.players):
            table[name] = values[p].astype(np.float32)
        table["state"] = pd.Categorical.from_codes(self.state[-1], pd.Index(STATES))
        return table

    # on paper and on disk

    def draw(self, file: Any, outcome: str = "zero_limit") -> None:
        """The figure of `plot`, as PNG or SVG."""
        with on_paper(file, figsize=(9.0, 4.5)) as axes:
            self.plot(outcome, axes)

    def plot(self, outcome: str = "zero_limit", ax: Axes | None = None) -> Axes:
        """The first seed's shares by month, stacked; what has protected lies below zero. On `ax`, or new axes."""
        with on_axes(ax) as axes:
            self._plot(axes, outcome)
            return axes

    def _plot(self, axes: Axes, outcome: str) -> None:
        table = self.shares(outcome, ("month",)).pivot(index="month", columns="player", values="shapley")[list(self.players)]
        edges = self.since - 0.5 + np.arange(self.months + 1)
        for sign in (1.0, -1.0):
            parts = ((sign * table).clip(lower=0.0) * sign).to_numpy().T
            labels = list(self.players) if sign > 0 else None
            colours = COLOURS[: len(self.players)]
            axes.stackplot(edges, np.c_[parts, parts[:, -1]], colors=colours, labels=labels or (), step="post")
        game = self.game(outcome, ("month",))
        axes.stairs(game[-1] - game[0], edges, baseline=None, color="black", linewidth=1.2, label="all less none")
        axes.axhline(0.0, color="black", linewidth=0.6)
        meaning, unit = outcome.replace("_", " "), monthly_meanings()[outcome][0]
        title = f"Whose {meaning}? Shapley shares by month ({self.scenario.name}, seed {self.seed})"
        axes.set(ylabel=f"{meaning}, {unit} a month", title=title)
        axes.margins(x=0.0)
        month_axis(axes)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)

    def save(self, folder: Any, outcome: str = "zero_limit") -> None:
        """Tidy Parquet files and a figure, made whole or not at all.

        cells.parquet: shares of the outcome by month, segment and decile; months.parquet: those of every outcome by month;
        totals.parquet: of every outcome over all months, with the intervals over seeds; pairs.parquet: interactions;
        borrowers.parquet: each borrower's months without a usable line; shares.png; scenario.toml, provenance.json.
        """
        import pandas as pd

        from zerolimit.results.store import rule_hash, write_study
        from zerolimit.results.whole import whole_folder

        with whole_folder(folder) as path:
            facts = {"players": self.players, "since": self.since, "months": self.months, "seeds": self.seeds}
            facts["rules"] = {rule.name: rule_hash(rule) for rule in self.rules}
            write_study(path, {"scenario": self.scenario}, study="attribution", **facts)
            self.shares(outcome, BY).to_parquet(path / "cells.parquet", index=False)
            months = [self.shares(name, ("month",)).assign(outcome=name) for name in self.counts]
            pd.concat(months).to_parquet(path / "months.parquet", index=False)
            totals = []
            for name in self.counts:
                ends = self.intervals(name).rename(columns={"shapley": "mean_over_seeds"})
                totals.append(self.shares(name).merge(ends, on="player").assign(outcome=name))
            pd.concat(totals).to_parquet(path / "totals.parquet", index=False)
            pairs = self.pairs(outcome).rename_axis("player").reset_index()
            pairs.melt("player", var_name="other", value_name="interaction").to_parquet(path / "pairs.parquet", index=False)
            self.borrowers().to_parquet(path / "borrowers.parquet", index=False)
            draw_if_possible(lambda file: self.draw(file, outcome), path / "shares.png")


def checked_by(by: Iterable[str]) -> list[str]:
    """Some of month, segment, decile, in this order."""
    wanted = (by,) if isinstance(by, str) else tuple(by)
    for name in wanted:
        if name not in BY:
            raise BadInput(f"by: {name!r} is not one of {', '.join(BY)}{nearest(name, BY)}")
    return [name for name in BY if name in wanted]


def checked_players(players: Iterable[str], base: Scenario) -> tuple[str, ...]:
    """The players of a scenario, known, different, few enough and on; BadInput otherwise."""
    chosen = tuple(players)
    for name in chosen:
        if name not in PLAYERS:
            raise BadInput(f"players: {name!r} is none of {', '.join(PLAYERS)}{nearest(name, PLAYERS)}")
        if name in base.off:
            raise BadInput(f"players: {name} is off in {base.name}, so it has no share; take it out of `off`")
        without = PLAYERS[name].without
        if without and all(getattr(base, one) == value for one, value in without.items()):
            told = ", ".join(f"{one} = {str(value).lower()}" for one, value in without.items())
            raise BadInput(f"players: {name} is off in {base.name} ({told}), so it has no share; set it first")
    if len(set(chosen)) < len(chosen) or not 1 <= len(chosen) <= MOST:
        raise BadInput(f"players: 1 to {MOST} different ones are needed, not {', '.join(chosen) or 'none'}")
    return chosen


@takes_parameters
@public
def attribute(
    scenario: str | Path | dict[str, Any] | Scenario = "baseline",
    *,
    months: int = 36,
    seed: int = 1,
    seeds: int | Iterable[int] | None = None,
    players: Iterable[str] = tuple(MECHANISMS),
    since: int = 0,
    portfolio: Any = None,
    rules: Iterable[Rule] = (),
    follow: Iterable[int] = (),
    workers: int | None = None,
    progress: Progress = True,
    cancel: Stop | None = None,
    **parameters: Any,
) -> Attribution:
    """Run all 2^k worlds of k players for `months` months after `since` and keep what shares are made of.

    `seeds` (how many, counted from `seed`, or a list) repeats it, for intervals over seeds: what is kept for each borrower
    is the first seed's. `rules` are user-defined, in every world; `follow` are slots whose state is kept month by month.
    Parameters go by name, as `borrowers=`, and so do options of reading a portfolio.
    `progress` shows a bar where it takes long, or is called with the worlds done and all worlds; `cancel` is asked before
    each month of a world, and Cancelled raised where it returns true. BadInput on unknown or repeated players, or too many.
    """
    reading, parameters = split_options(parameters)
    base = load_scenario(scenario, **parameters)
    if not 1 <= months <= MOST_MONTHS or not 0 <= since <= MOST_MONTHS:
        raise BadInput(
            f"months: 1 to {MOST_MONTHS:,} after a past of 0 to {MOST_MONTHS:,} are needed, not {months} after {since}"
        )
    portfolio = as_portfolio(portfolio, reading, parameters)
    chosen, rows, own = checked_players(players, base), tuple(follow), user_rules(rules)
    size = base.borrowers if portfolio is None else portfolio.size
    for row in rows:
        if not 0 <= row < size:
            raise BadInput(f"follow: {row} is not from 0 to {size - 1}")
    all_seeds = as_seeds(seeds, seed)
    every = len(all_seeds) * 2 ** len(chosen)
    found = []
    with reporting(progress, "worlds", "world") as update:
        for number, one in enumerate(all_seeds):
            told = partial(told_from, update, number * 2 ** len(chosen), every)
            options: dict[str, Any] = {"portfolio": portfolio, "rules": own, "threads": 1, "say": teller(progress)}
            past = Simulation(base, one, engine=compiling(), **options).run(since)
            kept = () if number else rows
            found.append(all_worlds(past, chosen, months, kept, workers, told, cancel, everybody=number == 0))
    first = found[0]
    return Attribution(**{**vars(first), "replications": tuple(found[1:])})


def told_from(progress: Callable[[int, int], None], start: int, every: int, done: int, some: int) -> None:
    """Progress over some of all worlds."""
    progress(start + done, every)


def all_worlds(
    past: Simulation,
    players: tuple[str, ...],
    months: int,
    follow: Sequence[int],
    workers: int | None,
    progress: Callable[[int, int], None] | None,
    cancel: Stop | None,
    *,
    everybody: bool,
) -> Attribution:
    """Every coalition's world after a common past; of one that stands for itself only, also what is kept of everybody."""
    middles = {name: Middle.of(past, columns) for name in players if (columns := PLAYERS[name].held)}

    def world(coalition: int) -> tuple[Simulation, Middle | None]:
        out = [name for p, name in enumerate(players) if not coalition >> p & 1]
        simulation = past.copy()
        changed = {key: value for name in out for key, value in PLAYERS[name].without.items()}
        off = [name for name in out if name in MECHANISMS]
        if off:
            changed["off"] = (*past.scenario.off, *off)
        if changed:
            simulation.change(**changed)
        held = [middles[name] for name in out if name in middles]
        return simulation, held[0] if held else None

    def some(coalitions: range, stop: Stop, passed: Passed) -> list[Lived]:
        worlds, held = zip(*map(world, coalitions), strict=True)
        return live(worlds, months, middles=held, follow=follow, stop=stop, passed=passed)

    done: list[Lived] = side_by_side(2 ** len(players), past.size, some, workers, progress, cancel)
    empty = np.zeros((len(done), 0), np.int8)
    return Attribution(
        past.first_scenario,
        past.user_rules,
        players,
        past.month,
        months,
        past.seed,
        {name: np.stack([one.counts[name] for one in done]) for name in done[0].counts},
        np.stack([one.unusable for one in done]) if everybody else empty,
        np.stack([one.first_event for one in done]) if everybody else empty,
        np.stack([one.state for one in done]) if everybody else empty,
        {row: np.stack([one.followed[:, k] for one in done]) for k, row in enumerate(follow)},
    )
