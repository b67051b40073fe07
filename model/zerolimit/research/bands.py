"""Bands over seeds: the mean of the same series in several runs, Student's interval of the mean, and quantiles of the runs.

The interval says where the mean over all seeds lies; the quantiles, how far single runs lie apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import number_of
from zerolimit.results.drawing import BLUE, GREY, month_axis, on_axes
from zerolimit.study.intervals import CONFIDENCE, over_seeds

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@public
@dataclass(frozen=True, repr=False, eq=False)
class Bands(Shown):
    """A series over several runs: `to_frame()` has mean, interval and quantiles, `plot()` draws them."""

    outcome: str
    runs: int
    confidence: float
    table: pd.DataFrame
    """A row a month (or what the series are by): mean, low, high, and a column for each quantile, `q0.05`."""

    def _in_short(self) -> str:
        return f"{self.outcome} over {number_of(self.runs, 'run')}: mean, {100 * self.confidence:g} % interval, quantiles"

    def to_frame(self) -> pd.DataFrame:
        """Mean, interval and quantiles, a row a month."""
        return self.table

    def plot(self, ax: Axes | None = None) -> Axes:
        """The mean with its interval, and the band between the outermost quantiles. On `ax`, or new axes."""
        at, names = self.table.index, [name for name in self.table if str(name).startswith("q")]
        with on_axes(ax) as axes:
            low, high = (self.table[name] for name in (names[0], names[-1]))
            axes.fill_between(at, low, high, color=GREY, alpha=0.25, linewidth=0, label=f"runs, {names[0]} to {names[-1]}")
            axes.plot(at, self.table["mean"], color=BLUE, label=f"mean of {self.runs}")
            label = f"its {100 * self.confidence:g} % interval"
            axes.fill_between(at, self.table.low, self.table.high, color=BLUE, alpha=0.25, linewidth=0, label=label)
            month_axis(axes, str(at.name or ""))
            axes.set(ylabel=self.outcome)
            axes.margins(x=0.0)
            axes.legend()
            return axes


@public
def bands(
    runs: Iterable[Any],
    outcome: str = "zero_limit",
    *,
    by: str = "month",
    quantiles: Sequence[float] = (0.05, 0.5, 0.95),
    confidence: float = CONFIDENCE,
) -> Bands:
    """One series over runs that differ in their seed.

    `runs` are markets or runs, of which the rate `outcome` by `by` is taken, or series with the same index. The interval of
    the mean is Student's over the runs (study.intervals); of one run it is not a number. `quantiles` are those of the runs
    at each place (linear between runs). BadInput where there is no run, two have the same seed or other scenarios, or series
    lie over other months.
    """
    import pandas as pd

    given = list(runs)
    refuse_alike(given)
    series = [one if isinstance(one, pd.Series) else one.rate(outcome, by) for one in given]
    if not series:
        raise BadInput("runs: at least one is needed")
    if not len(quantiles):
        raise BadInput("quantiles: at least one is needed")
    for number, one in enumerate(series):
        if not one.index.equals(series[0].index):
            raise BadInput(f"runs: number {number} is not over the same {one.index.name or 'index'} as number 0")
    for share in quantiles:
        if not 0.0 <= share <= 1.0:
            raise BadInput(f"quantiles: shares from 0 to 1 are needed, not {share}")
    values = np.array([one.to_numpy(np.float64) for one in series])
    mean, low, high = over_seeds(values, confidence)
    found = {f"q{share:g}": np.quantile(values, share, axis=0) for share in sorted(quantiles)}
    table = pd.DataFrame({"mean": mean, "low": low, "high": high, **found}, index=series[0].index)
    return Bands(outcome, len(series), confidence, table)


def refuse_alike(runs: Sequence[Any]) -> None:
    """BadInput where two runs have the same seed, and so are one, or are of scenarios that differ."""
    known = [(number, *found) for number, one in enumerate(runs) if (found := seed_and_scenario(one)) is not None]
    first: dict[int, int] = {}
    for number, seed, scenario in known:
        if seed in first:
            raise BadInput(f"runs: number {number} has the seed {seed} of number {first[seed]}; each needs its own")
        first[seed] = number
        if scenario != known[0][2]:
            raise BadInput(f"runs: number {number} is of another scenario than number {known[0][0]}; bands are over seeds")


def seed_and_scenario(run: Any) -> tuple[int, str] | None:
    """A market's or run's seed and the hash of the scenario that it began with; none of a series."""
    if (simulation := getattr(run, "simulation", None)) is not None:
        return simulation.seed, simulation.first_scenario.digest()
    told = getattr(run, "provenance", None)
    return None if told is None else (told["seed"], told["scenario_hash"])
