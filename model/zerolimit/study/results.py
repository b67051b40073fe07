"""Reading a study: lazily, as one tidy table, with rates divided from sums."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.files import path_of
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import number_of
from zerolimit.results.columns import BY, parts_of
from zerolimit.results.lazy import by_duckdb
from zerolimit.results.store import Run, load_run
from zerolimit.study.definition import rates_kept
from zerolimit.study.design import cautions, neat
from zerolimit.study.folder import MERGED, STUDY, Folder
from zerolimit.study.intervals import FEWEST, fieller, half_width
from zerolimit.study.tables import PLACE, a_month
from zerolimit.vocabulary.outcomes import RATES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds
    from matplotlib.axes import Axes

RUN = ("run", *PLACE)
"""What says which run a row is of."""


def is_study(folder: Path) -> bool:
    """Whether a folder is a study's."""
    return (folder / STUDY).is_file()


def load(folder: Path | str) -> Results | Run:
    """A run's folder or its zip (Run), or a study's folder (Results), opened. Frames are read when they are asked for."""
    home = path_of(folder)
    return Results(home) if is_study(home) else load_run(folder)


def load_results(folder: Path | str) -> Results:
    """A study's folder, opened; complete or not. Nothing is read before it is asked for."""
    path = path_of(folder)
    if not is_study(path):
        raise BadInput(f"{folder}: is not a study's folder: {STUDY} is missing")
    return Results(path)


@public
class Results(Shown):
    """What a study left: `table()` in pandas, `arrow()`, `dataset`, `sql()`. Money in fen; rates carry `_rate`.

    A column of one name holds one number in all of them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = Folder(path)

    def _in_short(self) -> str:
        return f"results {self.path}: {self.name}, {self.done:,} of {number_of(self.total, 'run')}"

    def to_frame(self) -> pd.DataFrame:
        """The tidy table: `table()`."""
        return self.table()

    def plot(
        self, outcome: str = "zero_limit", x: str | None = None, per: str | None = None, ax: Axes | None = None
    ) -> Axes:
        """An outcome against a varied parameter, a line for each value of another, over the replications; rates in %.

        `x` is the first varied parameter unless said, `per` the second where there are two. A band is Student's 95 %
        interval over replications (`by`). On `ax`, or new axes.
        """
        from zerolimit.results.drawing import on_axes
        from zerolimit.study.figures import plot_lines

        if x is None and not self.factors:
            raise BadInput(f"plot: {self.name} varies nothing; name a column of its table by x=")
        across = x or self.factors[0]
        rest = [name for name in self.factors if name != across]
        apart = per if per is not None or len(self.factors) != 2 else rest[0]
        name = self._column(outcome)
        frame = self.by([across, *([apart] if apart else [])], [outcome])
        scale, unit = (100.0, ", %") if name.endswith("_rate") else (1.0, "")
        units = f", {self.units[across]}" if self.units.get(across) else ""
        labels = {value: f"{apart} = {value}" for value in frame[apart].unique()} if apart else {}
        with on_axes(ax) as axes:
            plot_lines(axes, frame, across, name, apart, scale, labels, xlabel=f"{across}{units}", ylabel=f"{outcome}{unit}")
            return axes

    @cached_property
    def declared(self) -> dict[str, Any]:
        """What the folder is held to."""
        return self.folder.must_be_declared()

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self.declared["name"])

    @property
    def total(self) -> int:
        """Runs of the whole study."""
        return int(self.declared["runs"])

    @property
    def done(self) -> int:
        """Runs that are finished."""
        return self.folder.count()

    @property
    def factors(self) -> tuple[str, ...]:
        """The varied parameters."""
        return tuple(self.declared["declared"]["factors"])

    @property
    def units(self) -> dict[str, str]:
        """Units of the varied parameters."""
        return dict(self.declared["units"])

    @property
    def kept_apart(self) -> tuple[str, ...]:
        """Which of month, segment, decile have rows of their own."""
        return tuple(self.declared["declared"]["by"])

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What was counted, as `table` has it."""
        return tuple(self._kept)

    @property
    def _kept(self) -> dict[str, str]:
        """Outcome -> its column among the raw sums."""
        not_counted = {*RUN, *self.factors, *BY, "months"}
        return {a_month(name): name for name in self.declared["columns"] if name not in not_counted}

    @property
    def rates(self) -> tuple[str, ...]:
        """Rates whose sums were kept."""
        return tuple(rates_kept(self.outcomes))

    @cached_property
    def design(self) -> pd.DataFrame:
        """The points in order; `u:NAME` are their places in the unit cube where they were sampled."""
        return self.folder.points().to_pandas()

    def failures(self) -> pd.DataFrame:
        """The runs that failed: error, seed, point."""
        import pandas as pd

        return pd.DataFrame(self.folder.failures())

    # reading

    @property
    def dataset(self) -> ds.Dataset:
        """An Arrow dataset of the raw sums: the merged file of a complete study, read lazily; else its parts, in memory.

        BadInput where what is read is damaged. Warns where it cannot be verified.
        """
        import pyarrow as pa
        import pyarrow.dataset as ds

        schema, whole = self.folder.schema(), self.path / MERGED
        if (said := self.folder.unverified()) is not None:
            warnings.warn(said, stacklevel=2)
        if self.folder.merged() is not None:
            with readable(whole):
                return ds.dataset(whole, schema=schema)
        if whole.exists() and self.done == self.total:
            again = "sweep the study with --resume, which makes it anew"
            warnings.warn(f"{whole}: is damaged, and not used; {again}", stacklevel=2)
        return ds.dataset(pa.concat_tables([schema.empty_table(), *self.folder.batches()]))

    def arrow(self, columns: Sequence[str] | None = None, where: Any = None) -> pa.Table:
        """Raw sums as an Arrow table in hash order: some columns, some rows (a pyarrow.dataset expression)."""
        import pyarrow.compute as pc

        if where is not None and not isinstance(where, pc.Expression):
            raise BadInput(f"where: an expression of pyarrow.dataset is needed, not {quoted(where)}")
        dataset = self.dataset
        with readable(self.path):
            return dataset.to_table(columns=None if columns is None else list(columns), filter=where)

    def sql(self, query: str) -> pd.DataFrame:
        """A DuckDB query; the raw sums are the table `runs`. Needs duckdb."""
        return by_duckdb(query, {"runs": self.dataset})

    def table(self, columns: Iterable[str] | None = None) -> pd.DataFrame:
        """The tidy table: a row for each run (and month, segment, decile kept apart), in the order of the design.

        Columns: run, point, replication, seed, the varied parameters, counts summed over `months` months, platform
        columns as means a month (of the raw sums NAME_over_months), measures, and NAME_rate for each rate whose sums were
        kept. `columns`: these outcomes only.
        """
        wanted = None if columns is None else self._sums_behind(columns)
        keys = [*RUN, *self.factors, *self.kept_apart, "months"]
        frame = self.arrow(None if wanted is None else [*keys, *wanted]).to_pandas()
        frame = frame.sort_values(["replication", "point", *self.kept_apart], kind="stable", ignore_index=True)
        rates = {f"{name}_rate": divided_sums(frame, name) for name in rates_kept(frame.columns)}
        means = {name: outcome for outcome, name in self._kept.items() if name != outcome and name in frame}
        for name in means:
            frame[name] = frame[name] / frame["months"]
        return frame.rename(columns=means).assign(**rates)

    def by(self, names: str | Iterable[str], outcomes: Iterable[str] | None = None) -> pd.DataFrame:
        """Sums over all runs with the same values of some columns, then rates from those sums; means of the other outcomes.

        `NAME_low` and `NAME_high` enclose a rate by Student's 95 % interval over replications where there are several (each
        replication's own rate, from its own sums).
        """
        import pandas as pd

        keys = [names] if isinstance(names, str) else list(names)
        known = [*self.factors, *self.kept_apart, "point", "replication", "seed"]
        for key in keys:
            if key not in known:
                raise BadInput(f"by: {key!r} is not one of {', '.join(known)}{nearest(str(key), known)}")
        frame = self.table(outcomes)
        counts = [name for name in frame.columns if str(self.declared["columns"].get(name)) == "int64"]
        counts = [name for name in counts if name in self.outcomes]
        means = [name for name in self.outcomes if name in frame.columns and name not in counts]
        grouped = frame.groupby(keys, dropna=False, sort=True)
        found = pd.concat([grouped[counts].sum(), grouped[means].mean()], axis=1)
        seeds = frame.groupby([*keys, "replication"], dropna=False, sort=True)[counts].sum()
        several = "replication" not in keys and frame["replication"].nunique() > 1
        for name in rates_kept(frame.columns):
            found[f"{name}_rate"] = divided_sums(found, name)
            if several:
                each = divided_sums(seeds, name).groupby(level=list(range(len(keys))), dropna=False)
                half = half_of(each)
                found[f"{name}_low"] = found[f"{name}_rate"] - half
                found[f"{name}_high"] = found[f"{name}_rate"] + half
        return found.reset_index()

    def effect(self, outcome: str, of: str, base: Any, per: Iterable[str] = ()) -> pd.DataFrame:
        """What a parameter does to an outcome, beside its value `base`, with the same draws: `effect`, `low`, `high`.

        A replication's own difference (rates from its sums), then the mean over replications with Student's 95 % interval,
        each for its own row. `band_low` and `band_high` hold for all `rows` of this answer at once (Bonferroni's t; a row of
        `base` itself is none); they are not numbers below ten replications. In a paired study both share all draws, so that
        this is far narrower than the intervals of `by`. `per` keeps other parameters, months, segments or deciles apart.
        """
        keys = [*per, "replication"]
        base = neat(base)
        apart = self._apart(outcome, of, base, keys).melt(var_name=of, value_name="effect", ignore_index=False).reset_index()
        grouped = apart.groupby([*per, of], sort=True)["effect"]
        mean, half = grouped.mean(), half_of(grouped)
        found = mean.to_frame().assign(low=mean - half, high=mean + half).reset_index()
        rows = int(((grouped.count() >= FEWEST).to_numpy() & (found[of] != base).to_numpy()).sum())
        band = half_of(grouped, rows).where(grouped.count() >= FEWEST).to_numpy()
        return found.assign(band_low=found["effect"] - band, band_high=found["effect"] + band, rows=rows)

    def ratio(self, outcome: str, over: str, of: str, base: Any, per: Iterable[str] = ()) -> pd.DataFrame:
        """The effect on one outcome over that on another: `ratio`, `low`, `high`, with Fieller's 95 % interval.

        As shortfall avoided per yuan that a remedy costs. Ends are not numbers where no interval is finite: where the effect
        below does not differ from 0 (intervals.fieller).
        """
        import pandas as pd

        keys, base = [*per, "replication"], neat(base)
        top, below = (self._apart(name, of, base, keys) for name in (outcome, over))
        rows = []
        for level in (name for name in top.columns if name != base):
            both = pd.DataFrame({"over": top[level], "under": below[level]}).dropna().reset_index()
            for key, some in both.groupby(list(per)) if per else [((), both)]:
                found = fieller(some["over"], some["under"])
                rows.append(
                    {**dict(zip(per, key, strict=True)), of: level}
                    | {"ratio": found.mean, "low": found.low, "high": found.high}
                )
        return pd.DataFrame(rows)

    def _apart(self, outcome: str, of: str, base: Any, keys: list[str]) -> pd.DataFrame:
        """Each replication's difference from where a parameter has its `base`, a column a value of it."""
        if of not in self.factors:
            swapped = (
                f"; {outcome!r} is one: are they swapped?" if outcome in self.factors else nearest(str(of), self.factors)
            )
            raise BadInput(
                f"of: a varied parameter ({', '.join(self.factors) or 'none here'}) is needed, not {of!r}{swapped}"
            )
        found = self.by([*keys, of], [outcome]).pivot(index=keys, columns=of, values=self._column(outcome))
        if base not in found.columns:
            raise BadInput(f"effect: {of} is never {base!r}, but {', '.join(map(str, found.columns))}")
        return found.sub(found[base], axis=0)

    def _column(self, outcome: str) -> str:
        """The table's column of an outcome: the rate where there is one."""
        return f"{outcome}_rate" if outcome in self.rates else outcome

    def _sums_behind(self, outcomes: Iterable[str]) -> list[str]:
        """The stored columns that some outcomes need."""
        found: dict[str, None] = {}
        for name in outcomes:
            rate = str(name).removesuffix("_rate")
            if rate in RATES and rate in self.rates:
                over, under = parts_of(rate)
                found.update(dict.fromkeys([*over, *under]))
            elif name in self._kept:
                found[self._kept[name]] = None
            else:
                known = [*self.outcomes, *(f"{one}_rate" for one in self.rates)]
                raise BadInput(f"outcome: {name!r} was not kept ({', '.join(known)}){nearest(str(name), known)}")
        return list(found)

    def per_point(self, outcome: str) -> pd.Series[float]:
        """An outcome at each point of the design, in its order: a rate from the sums of its replications, else their mean.

        Points that the design repeats share their runs. BadInput where a point has no finished run.
        """
        name = self._column(outcome)
        found = self.by("point", [outcome]).set_index("point")[name]
        first = self.design.groupby([*self.factors], dropna=False)["point"].transform("min")
        values = first.map(found)
        if values.isna().any():
            lacking = int(values.isna().sum())
            raise BadInput(
                f"{self.path}: {outcome} is not known at {lacking:,} of {len(values):,} points:"
                " the study is not finished, or there is nothing to divide by"
            )
        return values.rename(name)

    # sensitivity

    def sobol(self, outcome: str = "zero_limit_rate", *, confidence: float = 0.95) -> pd.DataFrame:
        """First-order and total Sobol indices of an outcome with their intervals (study/sensitivity.py).

        Warns where the samples are too few for them.
        """
        from zerolimit.study.sensitivity import sobol_indices

        self._needs("sobol")
        for text in cautions("sobol", self.declared["samples"]):
            warnings.warn(text, stacklevel=2)
        return sobol_indices(self.factors, self.per_point(outcome).to_numpy(), confidence=confidence)

    def morris(self, outcome: str = "zero_limit_rate", *, confidence: float = 0.95) -> pd.DataFrame:
        """Morris screening of an outcome: mean, mean absolute value and spread of the elementary effects."""
        from zerolimit.study.sensitivity import morris_effects

        self._needs("morris")
        places = self.design[[f"u:{name}" for name in self.factors]].to_numpy()
        return morris_effects(self.factors, places, self.per_point(outcome).to_numpy(), confidence=confidence)

    def _needs(self, design: str) -> None:
        made = self.declared["declared"]["design"]
        if made != design:
            raise BadInput(f"{self.path}: the design is {made}; this needs a study with design = {design!r}")
        if self.kept_apart:
            raise BadInput(f"{self.path}: keeps {', '.join(self.kept_apart)} apart; a sensitivity study keeps whole runs")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What Arrow says of a file that it cannot read, in one line."""
    import pyarrow as pa

    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        raise BadInput(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None


def half_of(grouped: Any, rows: int = 1) -> pd.Series[float]:
    """Half of Student's interval of each group's mean, as one of `rows`; not a number where a group has one value."""
    return grouped.std() * grouped.count().map(lambda n: half_width(n, rows=max(1, rows)) if n > 1 else float("nan"))


def divided_sums(frame: pd.DataFrame, rate: str) -> pd.Series[float]:
    """A rate from a frame's sums; not a number where there is nothing to divide by."""
    over, under = parts_of(rate)
    below = frame[under].sum(axis=1)
    return frame[over].sum(axis=1) / below.where(below != 0)
