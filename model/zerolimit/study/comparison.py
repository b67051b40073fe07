"""Two scenarios on the same borrowers and draws: who was zeroed in one and not in the other, and how sure is the mean.

Each seed runs both worlds; differences are taken seed by seed, so what both share drops out. The interval is Student's over
the differences, and beside it stands how many unpaired runs it would have taken for the same precision (intervals.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.progress import Progress, reporting
from zerolimit.basics.shown import Shown
from zerolimit.basics.terminal import teller
from zerolimit.basics.wording import FEN, number_of
from zerolimit.engine.base import Array
from zerolimit.engine.registry import compiling
from zerolimit.parameters.scenario import Scenario, load_scenario, takes_parameters
from zerolimit.portfolio.options import split_options
from zerolimit.portfolio.portfolio import as_portfolio
from zerolimit.results.columns import divided, monthly_meanings, parts_of
from zerolimit.results.drawing import BLUE, GREY, RED, draw_if_possible, month_axis, on_axes, on_paper
from zerolimit.results.episodes import HORIZONS
from zerolimit.rules.rule import Rule
from zerolimit.run.simulation import Simulation, user_rules
from zerolimit.study.accounts import LAST_HALF, OF_CUTS, STATES, Cuts, delays_differ, last_half, longest_delay, over_run
from zerolimit.study.intervals import FEWEST, Interval, as_seeds, fieller, interval, last_trend, unpaired_runs, within
from zerolimit.study.lived import Lived, Passed, Stop, live, side_by_side
from zerolimit.vocabulary.fields import STATE
from zerolimit.vocabulary.names import LEFT, SEGMENTS
from zerolimit.vocabulary.outcomes import IN_MONTHS, RATES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SIDES = ("a", "b")
PICTURES = ("difference", "sides")
"""What `plot` can show of an outcome by month."""
MONEY: dict[str, tuple[tuple[str, ...], tuple[str, ...], str, str]] = {
    "lent": (("sum_drawn",), (), "yuan a month", "loans paid out"),
    "losses": (("sum_written_off",), ("sum_recovered",), "yuan a month", "written off less recovered"),
    "net_income": (("net_income",), (), "yuan a month", "the platform's net income"),
    "idle_cash": (("cash",), (), "yuan", "cash not lent, mean of the months"),
    "exposure": (("planned",), (), "yuan", "principal plus expected use of open lines, mean of the months"),
}
"""Money (fen) a month: columns of monthly counts or of the platform that are added, and taken off; unit as told, meaning."""
ZEROED = ("neither", "only in a", "only in b", "in both")
"""Who had a zero-limit event from month `since` on, by side: position 2 x [in b] + [in a]."""
HEADLINE = (*OF_CUTS, LAST_HALF)
"""What no window hides, as far as the run goes: months without a usable line, decisions by month, the last half."""
PER_ACCOUNT = tuple(name for name, one in OF_CUTS.items() if one.unit == "months")
RECOVERED = {f"recovered_{horizon}": k for k, horizon in enumerate(HORIZONS)}
"""Share of zero limits with a usable line again within a horizon of months (episodes.usable_again), each seed's own."""
FORMULA = "unpaired runs a side = pairs x (var a + var b) / var(b - a), rounded up"
INTERVALS = (
    "95 %: Student's t over the paired differences, for one row, without what rates cannot be (below 0, above 100 %);"
    f" {FORMULA}. A dash: no such case (for months: nobody waited), or too few seeds."
)
MOVES = "least squares over the last quarter of the months, Student's t over seeds; at 95 % it is not 0"
"""The rule by which a monthly difference still moves (intervals.last_trend)."""


@public
@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Two scenarios, seed by seed. Arrays of borrowers are of the first population, by seed and slot."""

    a: Scenario
    b: Scenario
    rules: tuple[tuple[Rule, ...], tuple[Rule, ...]]
    """User-defined rules, by side."""
    seeds: tuple[int, ...]
    months: int
    since: int
    """Months from the start that rates, sums, money and who was zeroed leave out; counts by month keep them."""
    counts: dict[str, Array]
    """Monthly counts and sums, (seeds, sides, months, segments, deciles)."""
    platform: dict[str, Array]
    """The platform's row of each month (results.columns.PLATFORM), (seeds, sides, months)."""
    first_event: Array
    """Month of the first zero-limit event, -1 without one: (seeds, sides, borrowers)."""
    last_event: Array
    """Month of the last one, -1 without one: (seeds, sides, borrowers)."""
    state: Array
    """State at the end, a position in lived.STATES: (seeds, sides, borrowers)."""
    unusable: Array
    """Months current and without a usable line: (seeds, sides, borrowers)."""
    segment: Array
    """(seeds, borrowers)."""
    here: Array
    """Whether there was a borrower at the start, on both sides: (seeds, borrowers)."""
    single: int
    """Borrowers who were there at the start on one side only, over all seeds: no pair."""
    cuts: dict[str, Array]
    """Cuts to zero from the decision to the effect (accounts.Cuts), (seeds, sides, months)."""
    recovered: Array
    """Shares of zero limits with a usable line again, (seeds, sides, episodes.HORIZONS)."""
    unlike: int
    """Pairs whose traits at birth differ, over all seeds: the scenarios draw them otherwise."""

    def _in_short(self) -> str:
        seeds, months = number_of(len(self.seeds), "seed"), number_of(self.months, "month")
        told = "; ".join(self.differing()) or "no difference"
        return f"comparison {self.a.name}, {self.b.name}: {self.a.borrowers:,} borrowers, {months}, {seeds}; {told}"

    def to_frame(self) -> pd.DataFrame:
        """The paired differences of all rates, a row a rate: `differences()`."""
        return self.differences()

    def differing(self) -> list[str]:
        """The parameters in which the scenarios differ, in words."""
        one, other = self.a.model_dump(mode="json"), self.b.model_dump(mode="json")
        names = [name for name in one if one[name] != other[name] and name not in ("name", "description")]

        told = [f"{name}: {brief(one[name])} in a, {brief(other[name])} in b" for name in names]
        mine, theirs = (", ".join(rule.name for rule in own) or "none" for own in self.rules)
        return told if mine == theirs else [*told, f"user-defined rules: {mine} in a, {theirs} in b"]

    def paired(self) -> str:
        """What the two worlds of a seed have in common."""
        if not self.single and not self.unlike:
            return "Both worlds of a seed have the same borrowers and draws; feedbacks through totals included."
        pairs = int(self.here.sum())
        other = f", {self.unlike:,} of them with other traits at birth" if self.unlike else ""
        alone = f"; {number_of(self.single, 'slot')} taken on one side only, and no pair" if self.single else ""
        return (
            "Both worlds of a seed have the same draws, but not the same borrowers: over all seeds"
            f" {number_of(pairs, 'borrower')} there at the start on both sides{other}{alone}. Who and states are of those on"
            " both sides, all else of everybody on its side; feedbacks through totals included."
        )

    # values by seed

    def values(self, outcome: str, by: Iterable[str] = ()) -> Array:
        """A rate, a count or a sum over the months from `since`, or money a month (fen): (seeds, sides, then some of `by`).

        `by` is some of month, segment; by month it is all months, those before `since` too. Months without a usable line
        (accounts.OF_CUTS) are always from month 0 on; decisions not followed to their end in the longest notice of both
        worlds are left out of `zero_withdrawn`.
        """
        wanted = tuple(by)
        for name in wanted:
            if name not in ("month", "segment"):
                raise BadInput(f"by: {name!r} is not one of month, segment")
        if outcome in MONEY:
            if "segment" in wanted:
                raise BadInput(f"by: {outcome} is the platform's, by month and not by segment")
            monthly = self._money(outcome)
            return monthly if wanted else monthly[:, :, self.since :].mean(axis=2)
        if outcome in OF_CUTS or outcome in RECOVERED or outcome == LAST_HALF:
            if outcome not in OF_CUTS and wanted:
                raise BadInput(f"by: {outcome} is one number a run")
            if "segment" in wanted:
                raise BadInput(f"by: {outcome} is counted by month and not by segment")
            return self._of_cuts(outcome, bool(wanted)) if outcome in OF_CUTS else self._of_a_run(outcome)
        return self._counted(outcome, wanted, 0 if "month" in wanted else self.since)

    def _counted(self, outcome: str, wanted: tuple[str, ...], start: int) -> Array:
        """A rate, a count or a sum from month `start` on."""
        axes = tuple(axis for axis, name in ((2, "month"), (3, "segment"), (4, "decile")) if name not in wanted)
        if outcome in RATES:
            over, under = parts_of(outcome)
            top, below = (sum(self.counts[one][:, :, start:].sum(axis=axes) for one in some) for some in (over, under))
            return divided(np.asarray(top), np.asarray(below))
        if outcome not in self.counts:
            known = (*RATES, *MONEY, *HEADLINE, *RECOVERED, *self.counts)
            raise BadInput(f"outcome: {outcome!r} is neither a rate nor money nor a monthly count{nearest(outcome, known)}")
        return np.asarray(self.counts[outcome][:, :, start:].sum(axis=axes))

    def _of_cuts(self, outcome: str, monthly: bool) -> Array:
        """An outcome of accounts.OF_CUTS by seed and side, by month or over the run."""
        if monthly:
            return np.asarray(OF_CUTS[outcome].of(self.cuts.__getitem__), np.float64)
        return over_run(outcome, self.cuts, self.since, max(map(longest_delay, (self.a, self.b))))

    def _of_a_run(self, outcome: str) -> Array:
        """LAST_HALF or one of RECOVERED by seed and side."""
        if outcome in RECOVERED:
            return self.recovered[:, :, RECOVERED[outcome]]
        return self._counted("zero_limit", (), self.last_half)

    @property
    def last_half(self) -> int:
        """The first month of the last half."""
        return max(self.since, last_half(self.months))

    @property
    def delays(self) -> bool:
        """Whether the worlds put off cuts otherwise, so that a window of months hides something."""
        return delays_differ(self.a, self.b, self.rules)

    def headline(self) -> pd.DataFrame:
        """Differences of what no window hides (HEADLINE), a row each: the columns of `differences`."""
        return self.differences(HEADLINE)

    def still_moves(self) -> dict[str, Interval]:
        """Months without a usable line, and those with no line: the last trend of the monthly difference where it is not 0.

        In accounts of the first population, a share, over the last quarter of the run (intervals.last_trend). What cannot be
        told, for too few months or seeds, is in the answer too, with ends that are not numbers.
        """
        trends = {name: last_trend(np.diff(self.values(name, ["month"]), axis=1)[:, 0]) for name in HEADLINE[:2]}
        return {name: one for name, one in trends.items() if not one.low <= 0.0 <= one.high}

    def _money(self, name: str) -> Array:
        """Money by seed, side and month."""
        added, taken, _, _ = MONEY[name]

        def total(columns: tuple[str, ...]) -> Any:
            known = [self.counts[one].sum(axis=(3, 4)) if one in self.counts else self.platform[one] for one in columns]
            return sum(known, np.zeros(()))

        return np.asarray(total(added) - total(taken), np.float64)

    def differences(self, outcomes: Iterable[str] = tuple(RATES), by: Iterable[str] = ()) -> pd.DataFrame:
        """Mean difference b - a of rates, counts or money with its 95 % interval, a row an outcome (and month, segment).

        Columns: outcome, the groups asked for, a, b, difference, low, high (for the row alone), band_low, band_high (for all
        `rows` of this table together, Bonferroni's t; none below ten seeds), rows, ratio (of the means, b / a), ratio_low,
        ratio_high (Fieller; not numbers where no interval is finite), variance_ratio, unpaired_runs, seeds. A rate is
        no number where there is nothing to divide by; a seed in which it is none on a side is left out. No interval has
        an end at which a rate would be below 0 or a share above 1 (intervals.within).
        """
        import pandas as pd

        wanted = [name for name in ("month", "segment") if name in tuple(by)]
        labels = {"month": range(self.months), "segment": SEGMENTS}
        listed, pairs, tables = tuple(outcomes), [], []
        for outcome in listed:
            values = self.values(outcome, wanted).astype(np.float64)
            one, other = (values[:, side].reshape(len(self.seeds), -1).T for side in (0, 1))
            ends = possible(outcome, values)
            pairs += [(a, b, *ends) for a, b in zip(one, other, strict=True)]
            tables.append(pd.MultiIndex.from_product([[outcome], *(labels[name] for name in wanted)]))
        rows = sum(int((np.isfinite(a) & np.isfinite(b)).sum()) >= FEWEST for a, b, _, _ in pairs)
        index = pd.MultiIndex.from_tuples([key for some in tables for key in some], names=["outcome", *wanted])
        return pd.DataFrame([difference(*pair, rows=rows) for pair in pairs], index=index).reset_index()

    # who

    @property
    def zeroed(self) -> Array:
        """Who had a zero-limit event from month `since` on, a position in ZEROED: (seeds, borrowers)."""
        had = self.last_event >= self.since
        return had[:, 0] + 2 * had[:, 1]

    def who(self) -> pd.DataFrame:
        """How many of the first population were zeroed in neither, one or both, by segment and in all, over all seeds."""
        import pandas as pd

        zeroed = self.zeroed
        rows = {}
        for k, name in enumerate(SEGMENTS):
            inside = self.here & (self.segment == k)
            rows[name] = [int((zeroed[inside] == code).sum()) for code in range(len(ZEROED))]
        table = pd.DataFrame.from_dict(rows, orient="index", columns=list(ZEROED))
        table.loc["all"] = table.sum()
        return table.rename_axis("segment")

    def transitions(self) -> pd.DataFrame:
        """How many ended in each state in a (rows) and in b (columns), over all seeds."""
        import pandas as pd

        code = self.state[:, 0].astype(np.int64) * len(STATES) + self.state[:, 1]
        found = np.bincount(code[self.here], minlength=len(STATES) ** 2).reshape(len(STATES), len(STATES))
        return pd.DataFrame(found, index=pd.Index(STATES, name="a"), columns=pd.Index(STATES, name="b"))

    def borrowers(self) -> pd.DataFrame:
        """A row for each seed and borrower: segment, and by side first and last event, months unusable, state at the end."""
        import pandas as pd

        at, slot = np.nonzero(self.here)
        found: dict[str, Any] = {
            "seed": np.array(self.seeds, np.uint64)[at],
            "borrower": slot,
            "segment": pd.Categorical.from_codes(self.segment[at, slot].astype(np.int8), pd.Index(SEGMENTS)),
            "zeroed": pd.Categorical.from_codes(self.zeroed[at, slot].astype(np.int8), pd.Index(ZEROED)),
        }
        for side, name in enumerate(SIDES):
            found[f"first_event_{name}"] = self.first_event[at, side, slot]
            found[f"last_event_{name}"] = self.last_event[at, side, slot]
            found[f"months_unusable_{name}"] = self.unusable[at, side, slot]
            codes = self.state[at, side, slot].astype(np.int8)
            found[f"state_{name}"] = pd.Categorical.from_codes(codes, pd.Index(STATES))
        return pd.DataFrame(found)

    # on paper and on disk

    def draw(self, file: Any, outcome: str = "zero_limit") -> None:
        """Both pictures of `plot`, one over the other, as PNG or SVG."""
        with on_paper(file, rows=len(PICTURES), figsize=(9.0, 5.5)) as both:
            for axes, what in zip(both, reversed(PICTURES), strict=True):
                self.plot(outcome, axes, what)
            both[0].set(xlabel="")
            both[1].set(title="")

    def plot(self, outcome: str = "zero_limit", ax: Axes | None = None, what: str = "difference") -> Axes:
        """The paired difference by month with its interval, or `what="sides"`: both worlds. On `ax`, or new axes."""
        if what not in PICTURES:
            raise BadInput(f"what: {quoted(what)} is not one of {', '.join(PICTURES)}{nearest(what, PICTURES)}")
        table = self.differences([outcome], ["month"])
        scale, unit = unit_of(outcome)
        meaning = outcome.replace("_", " ")
        changes = self.differing()
        change = changes[0] if len(changes) == 1 else f"{self.b.name} against {self.a.name}"
        title = f"{meaning[:1].upper()}{meaning[1:]}, mean of {number_of(len(self.seeds), 'seed')} ({change})"
        with on_axes(ax) as axes:
            if what == "sides":
                for name, colour, scenario in zip(SIDES, (BLUE, RED), (self.a, self.b), strict=True):
                    axes.plot(table.month, scale * table[name], color=colour, label=f"{name}: {scenario.name}")
                axes.set(ylabel=f"{meaning}, {unit}", title=title)
            else:
                axes.axhline(0.0, color="black", linewidth=0.6)
                axes.plot(table.month, scale * table.difference, color="black", label="mean of paired differences")
                if len(self.seeds) > 1:
                    low, high = scale * table.low, scale * table.high
                    axes.fill_between(table.month, low, high, color=GREY, alpha=0.4, linewidth=0, label="95 % interval")
                axes.set(ylabel=f"b less a, {'percentage points' if unit == '%' else unit}", title=title)
            axes.margins(x=0.0)
            month_axis(axes)
            if self.since:
                axes.axvline(self.since - 0.5, color=GREY, linestyle=":", linewidth=1.0)
            axes.legend(frameon=False)
            return axes

    def save(self, folder: Any, outcome: str = "zero_limit") -> None:
        """Tidy Parquet files and a figure, made whole or not at all.

        differences.parquet: rates, money and what a window hides over the run; months.parquet and segments.parquet: by
        month (without what is one number a run), by segment (rates and counts);
        borrowers.parquet: who; transitions.parquet: states at the end; comparison.png; a.toml, b.toml, provenance.json.
        """
        from zerolimit.results.store import rule_hash, write_study
        from zerolimit.results.whole import whole_folder

        listed = tuple(dict.fromkeys((*RATES, *MONEY, *HEADLINE, *RECOVERED, outcome)))
        monthly = [name for name in listed if name != LAST_HALF and name not in RECOVERED]
        parted = [name for name in monthly if name not in MONEY and name not in OF_CUTS]
        with whole_folder(folder) as path:
            scenarios = {"a": self.a, "b": self.b}
            own = {name: {one.name: rule_hash(one) for one in some} for name, some in zip(SIDES, self.rules, strict=True)}
            write_study(
                path, scenarios, study="comparison", seeds=self.seeds, months=self.months, since=self.since, rules=own
            )
            self.differences(listed).to_parquet(path / "differences.parquet", index=False)
            self.differences(monthly, ["month"]).to_parquet(path / "months.parquet", index=False)
            self.differences(parted, ["segment"]).to_parquet(path / "segments.parquet", index=False)
            self.borrowers().to_parquet(path / "borrowers.parquet", index=False)
            long = self.transitions().reset_index().melt("a", var_name="b", value_name="borrowers")
            long.to_parquet(path / "transitions.parquet", index=False)
            draw_if_possible(lambda file: self.draw(file, outcome), path / "comparison.png")


def brief(value: Any) -> str:
    """A parameter's value in words."""
    if value is None or value == []:
        return "not set" if value is None else "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if not isinstance(value, list):
        return str(value)
    return ", ".join(value) if all(isinstance(one, str) for one in value) else number_of(len(value), "entry")


def unit_of(outcome: str) -> tuple[float, str]:
    """By how much an outcome is multiplied to be told, and its unit then."""
    if outcome in IN_MONTHS or outcome in PER_ACCOUNT:
        return 1.0, "months"
    if outcome in HEADLINE or outcome in RECOVERED:
        return 100.0, "%"
    if outcome in MONEY:
        return 1.0 / FEN, MONEY[outcome][2]
    return (100.0, "%") if outcome in RATES else (1.0, monthly_meanings()[outcome][0])


def possible(outcome: str, values: Array) -> tuple[float, float]:
    """The least and the most that an outcome can be; a share of people or money not above 1, unless it is in some seed."""
    if outcome in MONEY or outcome in PER_ACCOUNT:
        return -inf, inf
    if outcome in RECOVERED or outcome in OF_CUTS:
        return 0.0, 1.0
    share = outcome in RATES and outcome not in IN_MONTHS and not (values > 1.0).any()
    return 0.0, 1.0 if share else inf


def difference(a: Array, b: Array, least: float = -inf, most: float = inf, rows: int = 1) -> dict[str, float]:
    """Means, mean paired difference with its interval alone and as one of `rows`, the ratio, and what pairing has saved.

    Over the seeds with two numbers; of fewer than intervals.FEWEST there is no band.
    """
    both = np.isfinite(a) & np.isfinite(b)
    one, other = a[both], b[both]
    found = dict.fromkeys(DIFFERENCE, np.nan) | {"rows": rows, "seeds": len(one)}
    if not len(one):
        return found
    apart = within(interval(other - one), interval(one), interval(other), least, most)
    found |= {"a": float(one.mean()), "b": float(other.mean())}
    found |= {"difference": apart.mean, "low": apart.low, "high": apart.high}
    if len(one) >= FEWEST:
        band = within(interval(other - one, rows=rows), interval(one, rows=rows), interval(other, rows=rows), least, most)
        found |= {"band_low": band.low, "band_high": band.high}
    ratio = fieller(other, one)
    found |= {"ratio": ratio.mean, "ratio_low": ratio.low, "ratio_high": ratio.high}
    found["variance_ratio"], found["unpaired_runs"] = unpaired_runs(one, other)
    return found


DIFFERENCE = (
    *("a", "b", "difference", "low", "high", "band_low", "band_high", "rows", "ratio", "ratio_low", "ratio_high"),
    *("variance_ratio", "unpaired_runs", "seeds"),
)
"""The columns of a difference, in their order."""


@takes_parameters
@public
def compare(
    a: str | Path | dict[str, Any] | Scenario,
    b: str | Path | dict[str, Any] | Scenario | None = None,
    *,
    months: int = 36,
    since: int = 0,
    seed: int = 1,
    seeds: int | Iterable[int] = 10,
    only_a: Mapping[str, Any] | None = None,
    only_b: Mapping[str, Any] | None = None,
    rules_a: Iterable[Rule] = (),
    rules_b: Iterable[Rule] = (),
    portfolio: Any = None,
    workers: int | None = None,
    progress: Progress = True,
    cancel: Stop | None = None,
    **parameters: Any,
) -> Comparison:
    """Run two scenarios on the same borrowers and draws, seed by seed.

    Without `b`, `a` is taken twice; `only_a` and `only_b` set parameters of one side, `rules_a` and `rules_b` are
    user-defined rules, other parameters (as `borrowers=`) go by name and to both, and options of reading a portfolio by
    name. `seeds` is a number, counted from
    `seed`, or a list. Months before `since` are run and kept by month, and left out of what is over the run: the wave with
    which a pool fills does not count. `progress` shows a bar where it takes long, or is called with the worlds done and all
    worlds; `cancel` is asked before each month of a world, and Cancelled raised where it returns true.
    """
    reading, parameters = split_options(parameters)
    portfolio = as_portfolio(portfolio, reading, {**parameters, **(only_a or {}), **(only_b or {})})
    sides = [
        load_scenario(one, **{**parameters, **(own or {})}) for one, own in ((a, only_a), (a if b is None else b, only_b))
    ]
    check_months(months, since)
    rules = [user_rules(rules_a), user_rules(rules_b)]
    same_people(sides[0], sides[1], same_rules=rules[0] == rules[1])
    all_seeds = as_seeds(seeds, seed)

    def some(numbers: range, stop: Stop, passed: Passed) -> list[tuple[dict[str, Array], Lived]]:
        worlds = []
        for number in numbers:
            seed, side = all_seeds[number // 2], number % 2
            options: dict[str, Any] = {"portfolio": portfolio, "rules": rules[side], "threads": 1, "say": teller(progress)}
            worlds.append(Simulation(sides[side], seed, engine=compiling(), **options))
        born = [{name: np.asarray(one.column(name)).copy() for name in BORN} for one in worlds]
        return list(zip(born, live(worlds, months, cuts=True, stop=stop, passed=passed), strict=True))

    size = sides[0].borrowers if portfolio is None else portfolio.size
    with reporting(progress, "worlds", "world") as update:
        done: list[tuple[dict[str, Array], Lived]] = side_by_side(2 * len(all_seeds), size, some, workers, update, cancel)
    pairs = [done[k : k + 2] for k in range(0, len(done), 2)]
    lived = [[one for _, one in pair] for pair in pairs]
    here = np.stack([(x["status"] != LEFT) & (y["status"] != LEFT) for (x, _), (y, _) in pairs])
    single = sum(int(((x["status"] != LEFT) != (y["status"] != LEFT)).sum()) for (x, _), (y, _) in pairs)
    unlike = np.stack(
        [np.any([x[name] != y[name] for name in BORN if name != "status"], axis=0) for (x, _), (y, _) in pairs]
    )

    def stacked(what: str, name: str = "") -> Array:
        found = [[getattr(one, what) for one in pair] for pair in lived]
        return np.stack([np.stack([one[name] if name else one for one in pair]) for pair in found])

    return Comparison(
        sides[0],
        sides[1],
        (user_rules(rules[0]), user_rules(rules[1])),
        all_seeds,
        months,
        since,
        {name: stacked("counts", name) for name in lived[0][0].counts},
        {name: stacked("platform", name) for name in lived[0][0].platform},
        stacked("first_event"),
        stacked("last_event"),
        stacked("state"),
        stacked("unusable"),
        np.stack([born["segment"] for (born, _), _ in pairs]),
        here,
        single,
        {one.name: np.stack([[getattr(world.cuts, one.name) for world in pair] for pair in lived]) for one in fields(Cuts)},
        stacked("recovered"),
        int((unlike & here).sum()),
    )


def check_months(months: int, since: int, word: str = "since") -> None:
    """BadInput where there is no month to count; `word` is what the months left out are called."""
    if months < 1:
        raise BadInput(f"months: at least 1 is needed, not {months}")
    if not 0 <= since < months:
        raise BadInput(f"{word}: {since} is not one of 0 to {months - 1}, the months of the run")


def same_people(a: Scenario, b: Scenario, *, same_rules: bool = True) -> None:
    """BadInput where two scenarios cannot be compared: other numbers of borrowers, or nothing that differs."""
    if a.borrowers != b.borrowers:
        both = f"{a.borrowers:,} and {b.borrowers:,}"
        raise BadInput(f"borrowers: the same number is needed on both sides, not {both}; give it for both")
    if same_rules and a == b.change(name=a.name, description=a.description):
        raise BadInput(f"{a.name}: both sides are the same scenario; change a parameter of one of them")


BORN = (*(one.name for one in STATE if one.birth and one.name != "strategy"), "status")
"""Traits by which borrowers of both sides are the same; a strategy is a choice."""
