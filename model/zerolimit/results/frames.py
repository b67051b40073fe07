"""A run as pandas frames, rates from them, and the borrower panel. pandas is imported when a frame is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.errors import BadInput, nearest
from zerolimit.results.columns import BY, Array, Coded, Columns, column_of, monthly_columns, parts_of, platform_columns
from zerolimit.results.episodes import cumulative_incidence, episode_columns, unit_and_meaning
from zerolimit.rules.caps import MEASURED
from zerolimit.vocabulary.fields import BYTES, DTYPES, FIELDS, Q2, STATE
from zerolimit.vocabulary.names import ENDS, EVENTS
from zerolimit.vocabulary.outcomes import RATES

if TYPE_CHECKING:
    import pandas as pd

    from zerolimit.run.phases import Recorded
    from zerolimit.run.simulation import Simulation

DISTANCES = tuple(name for name in MEASURED if not name.startswith("cap_"))
"""What a panel keeps beside the state: how far one is from the thresholds when the month ends."""
SAMPLE = "sample=1000"
"""The panel kept when nothing else is said."""
PIECE = 1_000_000


def as_frame(columns: Columns) -> pd.DataFrame:
    """Columns as a pandas frame; names become categories."""
    import pandas as pd

    def series(column: Array | Coded) -> Any:
        if isinstance(column, Coded):
            return pd.Categorical.from_codes(np.asarray(column.codes, np.int8), pd.Index(column.labels))
        return column

    return pd.DataFrame({name: series(column) for name, column in columns.items()})


def monthly_frame(history: Iterable[Recorded]) -> pd.DataFrame:
    """Counts and sums (fen), one row per month, segment and first income decile."""
    return as_frame(monthly_columns(history))


def platform_frame(history: Iterable[Recorded]) -> pd.DataFrame:
    """The platform's row of every month (fen)."""
    return as_frame(platform_columns(history))


def episodes_frame(simulation: Simulation) -> pd.DataFrame:
    """One row per event of a run so far, with its end or censored."""
    return as_frame(episode_columns(simulation.episodes.starts, simulation.episodes.ends, simulation.month))


def rate(frame: pd.DataFrame, name: str, by: str | Sequence[str] = "month") -> pd.Series[Any]:
    """A rate of results.outcomes.RATES from monthly counts: sums are taken by `by`, then divided.

    `by` is month, segment or decile, or several of them. Where there is nothing to divide by, the rate is not a number.
    """
    over, under = parts_of(name)
    keys = [by] if isinstance(by, str) else list(by)
    for key in keys or [""]:
        if not isinstance(key, str) or key not in BY:
            raise BadInput(f"by: {key!r} is not one of {', '.join(BY)}{nearest(str(key), BY)}")
    missing = [column for column in (*keys, *over, *under) if column not in frame.columns]
    if missing:
        raise BadInput(f"rate {name!r}: the frame has no column {missing[0]!r}; it needs a run's monthly counts")
    sums = frame.groupby(keys, observed=False)[list(dict.fromkeys([*over, *under]))].sum()
    result: pd.Series[Any] = sums[over].sum(axis=1) / sums[under].sum(axis=1).replace(0, np.nan)
    return result.rename(name)


def all_rates(monthly: pd.DataFrame) -> pd.DataFrame:
    """Every rate whose counts were kept, a row a month."""
    import pandas as pd

    known = [name for name, (over, under, _) in RATES.items() if {*map(column_of, (*over, *under))} <= {*monthly.columns}]
    return pd.DataFrame({name: rate(monthly, name) for name in known})


def incidence(episodes: pd.DataFrame, kind: str = "zero limit", repeated: bool | None = None) -> pd.DataFrame:
    """Cumulative incidence of the ends of episodes, by months since the event (episodes.cumulative_incidence).

    Columns: at_risk (episodes watched so long), lasting (share without a usable line still), and for each route of
    names.ENDS `hazard ...` (a month) and `incidence ...` (share so far); competing ends are kept apart. `kind` is the
    event; `repeated` takes only first events (False) or only later ones (True) of their borrower.
    """
    needed = ("kind", "ended", "duration", "zeros_before", "borrower", "generation", "month")
    missing = [name for name in needed if name not in episodes.columns]
    if missing:
        raise BadInput(f"incidence: the frame has no column {missing[0]!r}; it needs a run's episodes")
    if kind not in EVENTS[1:]:
        raise BadInput(f"kind: {kind!r} is not one of {', '.join(EVENTS[1:])}{nearest(str(kind), EVENTS[1:])}")
    chosen = episodes[episodes["kind"].astype(str) == kind]
    if repeated is not None:
        earlier = chosen.sort_values("month", kind="stable").groupby(["borrower", "generation"]).cumcount()
        chosen = chosen[((earlier > 0) | (kind == EVENTS[1]) & (chosen["zeros_before"] > 0)) == repeated]
    ended = np.array([ENDS.index(str(name)) for name in chosen["ended"]], np.int64)
    return as_frame(cumulative_incidence(chosen["duration"].to_numpy(np.int64), ended)).set_index("month")


def parse_panel(what: str) -> int | None:
    """How many borrowers a panel keeps, from `all` (None), `sample=N` or `none`."""
    text = str(what).strip()
    if text in ("all", "none"):
        return None if text == "all" else 0
    word, equals, number = text.partition("=")
    if word == "sample" and equals and number.isascii() and number.isdigit() and int(number) > 0:
        return int(number)
    raise BadInput(f"panel: {what!r} is not all, none or sample=N with N at least 1, as in {SAMPLE}")


def sampled(seed: int, size: int, count: int | None) -> Array:
    """The `count` slots with the smallest keyed number, in order: they depend on the seed and on nothing else."""
    if count is None or count >= size:
        return np.arange(size)
    kept = np.zeros(0, np.int64)
    numbers = np.zeros(0, np.uint64)
    for start in range(0, size if count else 0, PIECE):
        rows = np.arange(start, min(start + PIECE, size))
        numbers = np.concatenate([numbers, keyed(seed, rows)])
        kept = np.concatenate([kept, rows])
        if len(kept) > count:
            least = np.argpartition(numbers, count - 1)[:count]
            numbers, kept = numbers[least], kept[least]
    return np.sort(kept)


def keyed(seed: int, rows: Array) -> Array:
    """A 64-bit number for each row and seed (SplitMix64, Steele et al. 2014)."""
    z = rows.astype(np.uint64) + np.uint64(1)
    for key in (seed & 0xFFFF_FFFF_FFFF_FFFF, 0x9E37_79B9_7F4A_7C15):
        z = (z + np.uint64(key)) * np.uint64(0x9E37_79B9_7F4A_7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        z = z ^ (z >> np.uint64(31))
    return z


class Panel:
    """Every stored field of some borrowers, month by month: call `record()` after each month."""

    def __init__(self, simulation: Simulation, what: str = SAMPLE, months: int = 0) -> None:
        self.simulation = simulation
        self.what = what
        self.rows = sampled(simulation.seed, simulation.size, parse_panel(what))
        self.months: list[int] = []
        self.kept: dict[str, list[Array]] = {name: [] for name in (*(field.name for field in STATE), *DISTANCES)}
        self._refuse_too_large(months)

    def _refuse_too_large(self, months: int) -> None:
        from zerolimit.run.simulation import available_memory

        a_borrower = sum(BYTES[field.storage] for field in STATE) + 4 * len(DISTANCES)
        needed = 3 * len(self.rows) * months * a_borrower
        free = available_memory()
        if free is not None and needed > free:
            raise BadInput(
                f"panel: {self.what} over {months} months needs about {needed / 1e9:,.1f} GB of memory,"
                f" {free / 1e9:,.1f} GB are free; take sample=N"
            )

    def record(self) -> None:
        """Keep the state at the end of the month that has just been run."""
        simulation = self.simulation
        if not len(self.rows):
            return
        self.months.append(simulation.month - 1)
        nothing_due = np.asarray(simulation.engine.raw("scheduled", simulation.month))[self.rows] == 0
        for field in STATE:
            raw = np.asarray(simulation.engine.raw(field.name, simulation.month))[self.rows].astype(DTYPES[field.storage])
            if field.name.startswith("due_"):
                raw[nothing_due] = 0
            self.kept[field.name].append(raw)
        measured = simulation.measured(self.rows)
        for name in DISTANCES:
            self.kept[name].append(measured[name].astype(np.float32))

    def columns(self) -> dict[str, Array]:
        """Borrower-months in order of month and borrower; money in fen, shares as fractions."""
        found: dict[str, Array] = {
            "month": np.repeat(np.array(self.months, np.int32), len(self.rows)),
            "borrower": np.tile(self.rows.astype(np.int64), len(self.months)),
        }
        for field in STATE:
            parts = self.kept[field.name]
            raw = np.concatenate(parts) if parts else np.zeros(0, DTYPES[field.storage])
            found[field.name] = raw.astype(np.float32) / np.float32(Q2) if field.storage == "q2" else raw
        for name in DISTANCES:
            found[name] = np.concatenate(self.kept[name]) if self.kept[name] else np.zeros(0, np.float32)
        return found

    def frame(self) -> pd.DataFrame:
        """The panel as a pandas frame."""
        return as_frame(self.columns())


def panel_meanings() -> dict[str, tuple[str, str]]:
    """Unit and meaning of the panel's columns. `due_k` falls due k months after the month that follows."""
    found = {"month": ("month", "counts from 0; state at its end"), "borrower": ("id", "slot")}
    for field in STATE:
        words = FIELDS[field.name].meaning
        if field.name.startswith("due_"):
            words = f"principal falling due {int(field.name[4:]) + 1} months later"
        found[field.name] = (field.unit, words)
    found.update({name: unit_and_meaning(MEASURED[name]) for name in DISTANCES})
    return found
