"""How long: Kaplan and Meier's curve of episodes, Aalen and Johansen's incidence of each end, with intervals.

With n(d) episodes at risk in month d since the event, e(d) that end then and e_k(d) that end by k, S the curve and I_k the
incidence,

    S(d) = prod over j <= d of (1 - e(j) / n(j))                                  (Kaplan and Meier 1958; scipy.stats.ecdf)
    I_k(d) = sum over j <= d of S(j - 1) e_k(j) / n(j)                            (Aalen and Johansen 1978)
    var I_k(d) = sum over j <= d of [I_k(d) - I_k(j)]^2 e(j) / {n(j) [n(j) - e(j)]}
                 + S(j - 1)^2 e_k(j) [n(j) - e_k(j)] / n(j)^3
                 - 2 [I_k(d) - I_k(j)] S(j - 1) e_k(j) / n(j)^2                   (Marubini and Valsecchi 1995, 10.2)

Intervals are taken on the scale of log(-log): they stay between 0 and 1. Who is censored in month d was seen for d - 1
months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import documented, public
from zerolimit.basics.errors import BadInput, nearest
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import number_of
from zerolimit.results.drawing import SERIES, month_axis, on_axes
from zerolimit.results.episodes import Array, cumulative_incidence
from zerolimit.results.frames import episodes_chosen
from zerolimit.study.intervals import CONFIDENCE
from zerolimit.vocabulary.names import ENDS, EVENTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CURVES = ("curve", "month", "at_risk", "estimate", "low", "high")
"""Columns of curves."""
LASTING = "lasting"
"""The curve of those who are still without a usable line; the others are ends."""


@public
@dataclass(frozen=True, repr=False, eq=False)
class Survival(Shown):
    """Survival curves: `to_frame()` has them, `plot()` draws them."""

    kind: str
    by: str | None
    curves: pd.DataFrame
    """A row a curve and month: the group (`by`), curve (lasting, or the end), month, at_risk, estimate, low, high."""
    episodes: int

    def _in_short(self) -> str:
        return f"survival after {self.kind}: {number_of(self.episodes, 'episode')}{f' by {self.by}' if self.by else ''}"

    def to_frame(self) -> pd.DataFrame:
        """The curves, a row a group, curve and month."""
        return self.curves

    def plot(self, curve: str = LASTING, ax: Axes | None = None) -> Axes:
        """One curve for each group, with its interval: lasting, or the incidence of an end. On `ax`, or new axes."""
        if curve not in (LASTING, *ENDS[1:]):
            raise BadInput(f"curve: {curve!r} is not one of {LASTING}, {', '.join(ENDS[1:])}{nearest(curve, ENDS)}")
        rows = self.curves[self.curves.curve == curve]
        groups = [("", rows)] if self.by is None else list(rows.groupby(self.by, observed=True))
        with on_axes(ax) as axes:
            for k, (name, some) in enumerate(groups):
                colour = SERIES[k % len(SERIES)]
                axes.step(some.month, some.estimate, where="post", color=colour, label=str(name))
                axes.fill_between(some.month, some.low, some.high, step="post", color=colour, alpha=0.18, linewidth=0)
            what = "still without a usable line" if curve == LASTING else f"ended by: {curve}"
            month_axis(axes, f"months since {self.kind}")
            axes.set(ylabel="share of episodes", title=f"{what[:1].upper()}{what[1:]}")
            axes.set_ylim(0.0, 1.02 if curve == LASTING else None)
            if self.by is not None:
                axes.legend(title=self.by)
            return axes


@documented(kinds=EVENTS[1:], ends=ENDS[1:])
@public
def survival(
    source: Any,
    kind: str = "zero limit",
    *,
    by: str | None = None,
    repeated: bool | None = None,
    confidence: float = CONFIDENCE,
) -> Survival:
    """How long episodes last (Kaplan and Meier), and by what they end (Aalen and Johansen), with intervals for one month.

    `source` is a market, a run or a frame of episodes; `by` a column of episodes, each value with curves of its own;
    `repeated` takes only first events (False) or only later ones (True) of their borrower. Equations: research.survival.
    `kind` is one of:

    {kinds}

    The ends:

    {ends}
    """
    import pandas as pd

    episodes = episodes_chosen(getattr(source, "episodes", source), kind, repeated)
    if by is not None and by not in episodes.columns:
        raise BadInput(f"by: the episodes have no column {by!r}{nearest(by, episodes.columns)}")
    if by in CURVES:
        raise BadInput(f"by: the curves have a column {by!r} of their own; give the episodes' another name first")
    groups: list[tuple[Any, pd.DataFrame]] = [(None, episodes)] if by is None else list(episodes.groupby(by, observed=True))
    tables = []
    for name, some in groups:
        ended = np.array([ENDS.index(str(end)) for end in some["ended"]], np.int64)
        table = curves(some["duration"].to_numpy(np.int64), ended, confidence)
        tables.append(table if by is None else table.assign(**{by: name}))
    if not len(episodes):
        raise BadInput(f"survival: no episode of kind {kind!r} in these months")
    found = pd.concat(tables, ignore_index=True)
    return Survival(kind, by, found[[*([by] if by else []), *(name for name in found if name != by)]], len(episodes))


def curves(duration: Array, ended: Array, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """The curves of one group: curve, month, at_risk, estimate, low, high."""
    import pandas as pd

    found = cumulative_incidence(duration, ended)
    months, at_risk = found["month"], found["at_risk"]
    ends = [(name, np.bincount(duration[ended == k], minlength=len(months))) for k, name in enumerate(ENDS) if k > 0]
    low, high = kaplan_meier(duration, ended, months, confidence)
    rows = {LASTING: (found[LASTING], low, high)}
    all_ended = np.sum([number for _, number in ends], axis=0)
    for name, number in ends:
        share = found[f"incidence {name}"]
        variance = aalen_johansen_variance(share, found[LASTING], number, all_ended, at_risk)
        rows[name] = (share, *log_log(share, variance, confidence))
    tables = [
        pd.DataFrame(dict(zip(CURVES, (name, months, at_risk, share, low, high), strict=True)))
        for name, (share, low, high) in rows.items()
    ]
    return pd.concat(tables, ignore_index=True)


def kaplan_meier(duration: Array, ended: Array, months: Array, confidence: float) -> tuple[Array, Array]:
    """The ends of the interval of the curve of those without an end so far, in some months: Greenwood's, by log(-log)."""
    import warnings

    from scipy.stats import CensoredData, ecdf

    seen = np.where(ended == 0, duration - 1, duration)
    some = CensoredData(uncensored=seen[ended > 0], right=seen[(ended == 0) & (seen >= 0)])
    if not len(months):
        return months, months
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no interval where nobody, or everybody, has ended
        both = ecdf(some).sf.confidence_interval(confidence, method="log-log")
    return both.low.evaluate(months), both.high.evaluate(months)


def aalen_johansen_variance(share: Array, lasting: Array, number: Array, all_ended: Array, at_risk: Array) -> Array:
    """The variance of an end's incidence, month by month (the module's equation)."""
    before = np.concatenate([[1.0], lasting[:-1]]) if len(lasting) else lasting
    left = at_risk - all_ended
    hazard = np.divide(all_ended, at_risk * left, out=np.zeros(len(share)), where=left > 0)
    own, both = before**2 * number * (at_risk - number) / at_risk**3, before * number / at_risk**2
    gap = share[:, None] - share[None, :]
    terms = gap**2 * hazard + own - 2.0 * gap * both
    return np.asarray(np.where(np.tri(len(share), dtype=bool), terms, 0.0).sum(axis=1))


def log_log(share: Array, variance: Array, confidence: float) -> tuple[Array, Array]:
    """An interval of a share on the scale of log(-log); not a number where the share is 0 or 1."""
    from scipy.special import ndtri

    with np.errstate(divide="ignore", invalid="ignore"):
        half = ndtri(0.5 + confidence / 2) * np.sqrt(variance) / (share * np.log(share))
        low, high = share ** np.exp(-half), share ** np.exp(half)
    inside = (share > 0.0) & (share < 1.0)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)
