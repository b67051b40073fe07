"""Which parameters matter: Sobol indices and Morris screening by SALib, with figures.

Sobol: S1 = V[E(Y | X_i)] / V[Y] and ST = E[V(Y | X_~i)] / V[Y], by Saltelli et al. 2010 and Jansen 1999, intervals by
bootstrap. Morris: mu_star is the mean absolute elementary effect over the whole span of a factor, in the outcome's unit;
sigma above mu_star says that the effect depends on the other factors, or is not linear (Campolongo et al. 2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.errors import BadInput
from zerolimit.engine.base import Array
from zerolimit.study.design import MORRIS_LEVELS, unit_problem

if TYPE_CHECKING:
    import pandas as pd

BOOTSTRAPS = 1_000
SEED = 1
"""Of the bootstrap: the same results give the same intervals."""


def checked_outcome(values: Array) -> Array:
    """Outcomes at the points of a design; BadInput where they do not vary."""
    found = np.asarray(values, np.float64)
    if not np.ptp(found) > 0.0:
        raise BadInput("sensitivity: the outcome is the same at every point, so there is nothing to share out")
    return found


def sobol_indices(factors: Sequence[str], values: Array, *, confidence: float = 0.95) -> pd.DataFrame:
    """`first`, `total` and half their intervals, a row a factor, the largest total first."""
    import pandas as pd
    from SALib.analyze import sobol

    y = checked_outcome(values)
    found = sobol.analyze(
        unit_problem(factors), y, calc_second_order=False, num_resamples=BOOTSTRAPS, conf_level=confidence, seed=SEED
    )
    columns = {"first": "S1", "first_conf": "S1_conf", "total": "ST", "total_conf": "ST_conf"}
    table = pd.DataFrame({name: np.asarray(found[theirs], np.float64) for name, theirs in columns.items()})
    table.insert(0, "parameter", list(factors))
    return table.sort_values("total", ascending=False, kind="stable", ignore_index=True)


def morris_effects(factors: Sequence[str], places: Array, values: Array, *, confidence: float = 0.95) -> pd.DataFrame:
    """`mu`, `mu_star` with half its interval, and `sigma`, a row a factor, the largest mu_star first."""
    import pandas as pd
    from SALib.analyze import morris

    found = morris.analyze(
        unit_problem(factors),
        np.asarray(places, np.float64),
        checked_outcome(values),
        num_resamples=BOOTSTRAPS,
        conf_level=confidence,
        num_levels=MORRIS_LEVELS,
        seed=SEED,
    )
    columns = {"mu": "mu", "mu_star": "mu_star", "mu_star_conf": "mu_star_conf", "sigma": "sigma"}
    table = pd.DataFrame({name: np.asarray(found[theirs], np.float64) for name, theirs in columns.items()})
    table.insert(0, "parameter", list(factors))
    return table.sort_values("mu_star", ascending=False, kind="stable", ignore_index=True)


def draw_sobol(table: pd.DataFrame, file: Path | str, *, outcome: str, most: int = 20) -> None:
    """First-order and total indices as bars with intervals, the largest on top."""
    from zerolimit.results.drawing import BLUE, ORANGE, on_paper

    some = table.head(most)[::-1]
    with on_paper(file, figsize=(8.0, 1.2 + 0.32 * len(some)), math=True) as axes:
        place = np.arange(len(some))
        look: dict[str, Any] = {"height": 0.38, "error_kw": {"elinewidth": 0.9, "capsize": 2, "ecolor": "0.25"}}
        axes.barh(place + 0.2, some["total"], xerr=some["total_conf"], color=BLUE, label="total, with interactions", **look)
        axes.barh(place - 0.2, some["first"], xerr=some["first_conf"], color=ORANGE, label="first order, alone", **look)
        axes.set_yticks(place, some["parameter"])
        axes.axvline(0.0, color="black", linewidth=0.6)
        axes.set(xlabel=f"share of the variance of {outcome} (Sobol index, 95 % interval)")
        axes.set_ylim(-0.7, len(some) - 0.3)
        axes.legend(frameon=False, loc="lower right")


def draw_morris(table: pd.DataFrame, file: Path | str, *, outcome: str, unit: str = "", most: int = 10) -> None:
    """mu_star against sigma; the names of the parameters that matter most stand at their points."""
    from zerolimit.results.drawing import BLUE, on_paper
    from zerolimit.study.figures import spread_labels

    with on_paper(file, figsize=(8.0, 4.8), math=True) as axes:
        high = 1.05 * float(max(table["mu_star"].max() + table["mu_star_conf"].max(), table["sigma"].max()))
        axes.plot([0, high], [0, high], color="0.6", linewidth=0.8, linestyle="--")
        axes.text(0.97 * high, 0.99 * high, "sigma = mu*", color="0.4", ha="right", va="bottom", fontsize=8)
        points = {"fmt": "o", "color": BLUE, "ecolor": "#9cc6e3", "elinewidth": 0.9, "markersize": 5, "zorder": 3}
        axes.errorbar(table["mu_star"], table["sigma"], xerr=table["mu_star_conf"], **points)
        suffix = f", {unit}" if unit else ""
        axes.set(
            xlabel=f"mu*: mean absolute effect on {outcome} over the whole span{suffix}",
            ylabel=f"sigma: spread of the effect{suffix}",
            xlim=(0, high),
            ylim=(0, 1.04 * high),
        )
        spread_labels(axes, table.head(most), "mu_star", "sigma", "parameter")
