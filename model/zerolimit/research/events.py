"""Event study: what happens to people after an event, beside matched people to whom it did not happen.

Each event is matched with controls of the same month and kind who stay without the event for the whole window: clean, not
yet treated controls, an episode for each event (Cengiz, Dube, Lindner, Zipperer 2019; Callaway and Sant'Anna 2021). With y
the outcome, r the month relative to the event and the month before it as the base, of N events i with controls c in C_i,

    effect(r) = 1/N sum_i { y_i(r) - y_i(-1) - 1/|C_i| sum_c [ y_c(r) - y_c(-1) ] }.

A person may be in several episodes, so intervals are clustered by person (Liang and Zeger 1986): effect(r) is a sum of
differences d_j with weights w_j, its variance G/(G - 1) sum over the G persons of the square of the sum of
w_j (d_j - mean of its side), and the interval is Student's with G - 1 degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, nearest
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import number_of
from zerolimit.results.drawing import BLACK, GREY, month_axis, on_axes
from zerolimit.results.panel import keyed
from zerolimit.results.panel_columns import kept_meanings
from zerolimit.study.intervals import CONFIDENCE
from zerolimit.vocabulary.draws import as_seed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BASE = -1
"""The month before the event, from which changes are taken."""


@public
@dataclass(frozen=True, repr=False, eq=False)
class EventStudy(Shown):
    """An event study: `to_frame()` has the effects, `sample` who was compared with whom, `plot()` draws."""

    event: str
    outcome: str
    window: tuple[int, int]
    effects: pd.DataFrame
    """A row a relative month: `treated` and `control` (mean outcomes), `effect` with `low` and `high`, events, persons."""
    sample: pd.DataFrame
    """A row a person and relative month of each episode: episode (the event's number), person, treated, relative, month,
    the outcome, and its `change` since the base."""
    unmatched: int
    """Events without a control, left out."""

    def _in_short(self) -> str:
        events = number_of(self.sample.episode.nunique(), "event")
        people = number_of(self.sample.person.nunique(), "person")
        first, last = self.window
        return f"event study of {self.outcome} around {self.event}: {events}, {people}, months {first} to {last}"

    def to_frame(self) -> pd.DataFrame:
        """The effects, a row a month relative to the event."""
        return self.effects

    def plot(self, ax: Axes | None = None) -> Axes:
        """The effect by month relative to the event, with its interval. On `ax`, or new axes."""
        table = self.effects
        with on_axes(ax) as axes:
            axes.axhline(0.0, color=BLACK, linewidth=0.6)
            axes.axvline(-0.5, color=GREY, linestyle=":", linewidth=1.0)
            ends = np.array([table.effect - table.low, table.high - table.effect])
            axes.errorbar(table.index, table.effect, yerr=ends, fmt="o", markersize=4, capsize=2, elinewidth=1.0)
            unit, _ = kept_meanings().get(self.outcome, ("", ""))
            what = f"{self.outcome}, {unit}" if unit else self.outcome
            told = self.event.replace("_", " ")
            month_axis(axes, f"month relative to {told}")
            axes.set(ylabel=f"{what}: change since\nmonth {BASE}, less the controls'")
            axes.set_title(f"After {told}: {number_of(int(table.events.max()), 'event')}")
            return axes


@public
def event_study(
    source: Any,
    outcome: str,
    *,
    event: str = "zero_limit",
    window: tuple[int, int] = (-6, 12),
    controls: int = 5,
    match: Iterable[str] = ("segment", "decile"),
    risk: str = "line_on_time",
    seed: int = 1,
    confidence: float = CONFIDENCE,
) -> EventStudy:
    """An outcome before and after each person's first event, less that of matched controls (the equations: research.events).

    `source` is a panel (`market.panel`), or a market or run that has one. `event` and `risk` are columns that say true or
    false: the event, and who could have had it in a month. Controls are at risk in the event's month, equal to the treated
    in the columns `match` at the end of the month before, and without the event up to the window's end; of more than
    `controls` those are taken whose number, keyed by `seed`, event and person, is least. Outcomes are numbers, or true and
    false. BadInput where a column is missing, or nobody has the event with a control.
    """
    import pandas as pd

    first, last = window
    if not first <= BASE < 0 <= last:
        raise BadInput(f"window: months from {BASE} or earlier to 0 or later are needed, not {first} to {last}")
    if controls < 1:
        raise BadInput(f"controls: at least 1 is needed, not {controls}")
    panel, keys = panel_of(source), list(match)
    if {"person", "month"} & set(keys):
        raise BadInput("match: controls are of the same month and other persons anyway; name columns that say who is alike")
    columns = dict.fromkeys(["person", "month", outcome, event, risk, *keys])
    for name in columns:
        if name not in panel.columns:
            raise BadInput(f"event_study: the panel has no column {name!r}{nearest(name, panel.columns)}")
    if outcome in ("person", "month") or not pd.api.types.is_numeric_dtype(panel[outcome]):
        raise BadInput(f"outcome: a column of numbers, or of true and false, is needed, not {outcome!r}")
    for argument, name in (("event", event), ("risk", risk)):
        if not pd.api.types.is_bool_dtype(panel[name]):
            raise BadInput(f"{argument}: a column of true and false is needed, not {name!r}")
    some = panel[list(columns)].sort_values(["person", "month"], kind="stable")
    happens = some[some[event].astype(bool)].groupby("person").month.min()
    treated = happens.rename("at").reset_index()
    before = some[["person", "month", *keys]].assign(month=some.month - BASE)
    ready = some.loc[some[risk].astype(bool), ["person", "month"]].merge(before, on=["person", "month"])
    treated = treated.merge(before, left_on=["person", "at"], right_on=["person", "month"]).drop(columns="month")
    treated["episode"] = np.arange(len(treated))
    ready["until"] = ready.person.map(happens).fillna(np.inf)
    pairs = treated.merge(ready, left_on=["at", *keys], right_on=["month", *keys], suffixes=("_treated", ""))
    pairs = pairs[(pairs.until > pairs["at"] + last) & (pairs.person != pairs.person_treated)]
    if pairs.empty:
        told = f"{len(happens):,} persons have the event" if len(happens) else f"nobody has {event!r}"
        raise BadInput(
            f"event_study: {told}, none with a control; take panel='all', fewer columns in match, or a shorter window"
        )
    number = keyed(as_seed(seed), (pairs.episode.to_numpy(np.int64) << 40) + pairs.person.to_numpy(np.int64))
    chosen = pairs.assign(number=number).sort_values(["episode", "number"]).groupby("episode").head(controls)
    sides = [
        chosen[["episode", "at", "person"]].assign(treated=False),
        treated.loc[treated.episode.isin(chosen.episode), ["episode", "at", "person"]].assign(treated=True),
    ]
    members = pd.concat(sides, ignore_index=True)
    values = some[["person", "month"]].assign(**{outcome: some[outcome].astype(np.float64)})
    sample = members.merge(values, on="person")
    sample = sample.assign(relative=sample.month - sample["at"])
    sample = sample[sample.relative.between(first, last)].drop(columns="at")
    base = sample[sample.relative == BASE].set_index(["episode", "person"])[outcome].rename("base")
    sample = sample.join(base, on=["episode", "person"])
    sample = sample.assign(change=sample[outcome] - sample.base).dropna(subset="change")
    effects = {month: effect(rows, outcome, confidence) for month, rows in sample.groupby("relative")}
    frame = pd.DataFrame.from_dict(effects, orient="index").rename_axis("relative")
    sample = sample.sort_values(["episode", "treated", "person", "relative"], ascending=[True, False, True, True])
    found = sample[["episode", "person", "treated", "relative", "month", outcome, "change"]].reset_index(drop=True)
    return EventStudy(event, outcome, (first, last), frame, found, len(happens) - chosen.episode.nunique())


def panel_of(source: Any) -> pd.DataFrame:
    """The panel of a market or run, or the one given."""
    import pandas as pd

    found: Any = source if isinstance(source, pd.DataFrame) else getattr(source, "panel", None)
    if found is None:
        raise BadInput(f"event_study: a panel, or a market or run with one, is needed, not {type(source).__name__}")
    return found if isinstance(found, pd.DataFrame) else found.frame()


def effect(rows: pd.DataFrame, outcome: str, confidence: float) -> dict[str, float]:
    """The effect in one relative month: each event's change less the mean of its controls', over events with both."""
    from scipy.special import stdtrit

    both = rows.groupby("episode").treated.nunique()
    rows = rows[rows.episode.isin(both.index[both == 2])]
    events = rows.episode.nunique()
    if not events:
        return dict.fromkeys(("treated", "control", "effect", "low", "high"), np.nan) | {"events": 0, "persons": 0}
    side = rows.treated.to_numpy()
    of_episode = rows.groupby(["episode", "treated"]).change.transform("size").to_numpy()
    share = 1.0 / (events * of_episode)
    change, level = rows.change.to_numpy(), rows[outcome].to_numpy()
    means = {one: float((share * change)[side == one].sum()) for one in (True, False)}
    levels = {one: float((share * level)[side == one].sum()) for one in (True, False)}
    off = np.where(side, share, -share) * (change - np.where(side, means[True], means[False]))
    _, person = np.unique(rows.person.to_numpy(), return_inverse=True)
    clusters = np.bincount(person, off)
    count, value = len(clusters), means[True] - means[False]
    half = float(stdtrit(count - 1, 0.5 + confidence / 2)) * float(np.sqrt(count / (count - 1) * (clusters**2).sum()))
    ends = {"effect": value, "low": value - half, "high": value + half}
    return {"treated": levels[True], "control": levels[False], **ends, "events": events, "persons": count}
