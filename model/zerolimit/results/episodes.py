"""Episodes without a usable line: each event joined with its end, or censored at the horizon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.results.columns import Coded, Columns, Dates, values
from zerolimit.results.keys import MEANINGS as KEYS
from zerolimit.results.keys import Keys
from zerolimit.rules.caps import MEASURED, REASONS
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.fields import FIELDS
from zerolimit.vocabulary.names import (
    END_APPEAL,
    END_LOOSENING,
    END_POOL,
    END_REAPPLY,
    END_REPAID,
    END_SCORE,
    ENDS,
    EVENTS,
    SEGMENTS,
    ZERO_LIMIT,
)

if TYPE_CHECKING:
    from zerolimit.run.simulation import Episodes

Array = NDArray[Any]
HORIZONS = (3, 12, 24)
"""Months within which a line is usable again, as tables tell it."""
AGAIN = (END_SCORE, END_LOOSENING, END_REAPPLY, END_APPEAL, END_POOL, END_REPAID)
"""Ends by which there is a usable line again."""
Log = list[dict[str, Any]]


def unit_and_meaning(says: str) -> tuple[str, str]:
    """fields.MEASURED holds "unit; meaning", or a meaning that begins with its unit."""
    unit, _, meaning = says.partition("; ")
    return (unit, meaning) if meaning else (says.partition(" ")[0], says)


MEANINGS: dict[str, tuple[str, str]] = {
    "month": ("month", "of the event, from 0"),
    "borrower": ("id", "slot"),
    "generation": ("count", FIELDS["generation"].meaning),
    "kind": ("name", "what happened"),
    "reason": ("name", "the lowest cap that fell below the line"),
    "mask": ("bits", "all caps below the minimum loan; bit k is the k-th reason, from 0"),
    "limit": ("fen", "line after the event"),
    "segment": ("name", "segment"),
    "decile": ("0 to 9", "decile of income in the first population, 0 the lowest"),
    "zeros_before": ("count", "zero-limit events of this borrower before, at most 100"),
    "since_paid": ("months", FIELDS["since_paid"].meaning),
    "ended": ("name", "how the episode ended; censored: it lasts beyond the run"),
    "end_month": ("month", "first month with a usable line again, or of the competing end; missing: censored"),
    "duration": ("months", "from the event to its end; censored: to the end of the run, so at least"),
    **{
        name: unit_and_meaning(f"{says}; missing: none") if name.startswith("cap_") else unit_and_meaning(says)
        for name, says in MEASURED.items()
    },
    **KEYS,
}
"""Unit and meaning of the columns of episodes."""

_STARTS = {"month": np.int64, "borrower": np.int64, "generation": np.int16, "kind": np.int8, "reason": np.int8}
_STARTS |= {"mask": np.int32, "limit": np.int64, "segment": np.int8, "decile": np.int8, "zeros": np.int8}
_STARTS |= {"since_paid": np.int16}
_ENDS = {"month": np.int64, "borrower": np.int64, "generation": np.int16, "ended": np.int8}


def joined(log: Log, wanted: dict[str, Any]) -> dict[str, Array]:
    """A log of monthly columns as whole columns."""
    return {
        name: np.concatenate([np.asarray(part[name]) for part in log]).astype(kind) if log else np.zeros(0, kind)
        for name, kind in wanted.items()
    }


def first_end(starts: dict[str, Array], ends: dict[str, Array]) -> Array:
    """For each start the row of the first end of the same borrower and generation in its month or later; -1 for none.

    Within a month events come before ends, so an end in the month of a start is that start's own: an appeal granted at
    once, or a borrower who leaves. Of episodes that overlap, each later one shares the end of the first.
    """
    if not len(ends["month"]):
        return np.full(len(starts["month"]), -1)
    span = int(max(starts["month"].max(initial=0), ends["month"].max(initial=0))) + 1

    def who(rows: dict[str, Array]) -> Array:
        return rows["borrower"].astype(np.int64) << 15 | rows["generation"].astype(np.int64)

    order = np.argsort(who(ends) * span + ends["month"], kind="stable")
    keys = (who(ends) * span + ends["month"])[order]
    at = np.searchsorted(keys, who(starts) * span + starts["month"], side="left")
    found = order[np.minimum(at, len(order) - 1)]
    same = (at < len(order)) & (who(ends)[found] == who(starts))
    return np.where(same, found, -1)


def episode_columns(starts: Log, ends: Log, months: int, keys: Keys | None = None) -> dict[str, Array | Coded | Dates]:
    """One row per event, in order of month and borrower. `months` is how many were run; `keys` add dates and persons."""
    begun, over = joined(starts, _STARTS), joined(ends, _ENDS)
    end = first_end(begun, over)
    censored = end < 0
    how = np.zeros(len(end), np.int8)
    end_month = np.full(len(end), np.nan)
    how[~censored] = over["ended"][end[~censored]]
    end_month[~censored] = over["month"][end[~censored]]
    parts = [part["measured"] for part in starts] or [[np.zeros(0)] * len(MEASURED)]
    measured = [np.concatenate(months).astype(np.float64) for months in zip(*parts, strict=True)]
    for name, numbers in zip(MEASURED, measured, strict=True):
        if name.startswith("cap_"):
            numbers[numbers >= NO_CAP] = np.nan
    return {
        "month": begun["month"],
        **(keys.dates(begun["month"]) if keys else {}),
        "borrower": begun["borrower"],
        "generation": begun["generation"],
        **(keys.people(begun["borrower"], begun["generation"]) if keys else {}),
        "kind": Coded(begun["kind"], EVENTS),
        "reason": Coded(begun["reason"], ("none", *REASONS)),
        "mask": begun["mask"],
        "limit": begun["limit"],
        "segment": Coded(begun["segment"], SEGMENTS),
        "decile": begun["decile"],
        "zeros_before": begun["zeros"] - (begun["kind"] == int(ZERO_LIMIT)),
        "since_paid": begun["since_paid"],
        "ended": Coded(how, ENDS),
        "end_month": end_month,
        "duration": np.where(censored, months, end_month).astype(np.int64) - begun["month"],
        **dict(zip(MEASURED, measured, strict=True)),
    }


def zero_limits(episodes: Columns) -> Array:
    """Which rows are zero-limit events."""
    return values(episodes, "kind") == int(ZERO_LIMIT)


def cumulative_incidence(duration: Array, ended: Array) -> dict[str, Array]:
    """By months since the event, how many are watched on and which share has ended by each route (Aalen and Johansen 1978).

    With n(d) episodes that last d months at least and are seen to, and e_k(d) that end by route k then: hazard_k(d) =
    e_k(d) / n(d), incidence_k(d) = sum over j <= d of lasting(j - 1) hazard_k(j), lasting(d) = lasting(d - 1) (1 - sum of
    hazards). Who is censored (`ended` 0) was seen for duration - 1 months. Routes are those of names.ENDS.
    """
    seen_for = np.where(ended == 0, duration - 1, duration)
    months = np.arange(int(seen_for.max(initial=-1)) + 1)
    at_risk = len(seen_for) - np.searchsorted(np.sort(seen_for), months, side="left")
    found: dict[str, Array] = {"month": months, "at_risk": at_risk}
    hazards = {
        name: np.bincount(duration[ended == code], minlength=len(months))[: len(months)] / at_risk
        for code, name in enumerate(ENDS)
        if code > 0
    }
    lasting = np.cumprod(1.0 - sum(hazards.values()))
    before = np.concatenate([[1.0], lasting[:-1]]) if len(months) else lasting
    found["lasting"] = lasting
    for name, hazard in hazards.items():
        found[f"hazard {name}"] = hazard
        found[f"incidence {name}"] = np.cumsum(before * hazard)
    return found


def usable_again(duration: Array, ended: Array, horizons: Sequence[int] = HORIZONS) -> list[tuple[float, int]]:
    """For each horizon (months), the share of episodes with a usable line again by then, and how many are watched so long.

    By Aalen and Johansen, so that each episode counts for as long as it was seen; charge-off and leaving are competing ends.
    Arrears end no episode: a line that comes back after some is a recovery. The share is not a number beyond the last month
    in which an episode was watched, unless none was left to watch because all had ended.
    """
    found = cumulative_incidence(duration, ended)
    by_month = np.sum([found[f"incidence {ENDS[int(code)]}"] for code in AGAIN], axis=0)
    last = len(found["month"]) - 1
    all_ended = last >= 0 and found["lasting"][last] == 0.0
    return [
        (float(by_month[horizon]), int(found["at_risk"][horizon]))
        if horizon <= last
        else (float(by_month[last]) if all_ended else np.nan, 0)
        for horizon in horizons
    ]


def recovered(episodes: Episodes, months: int) -> Array:
    """The shares of `usable_again` of a run's zero-limit events, `months` the month that the run has come to."""
    columns = episode_columns(episodes.starts, episodes.ends, months)
    zeros = zero_limits(columns)
    return np.array(
        [share for share, _ in usable_again(values(columns, "duration")[zeros], values(columns, "ended")[zeros])]
    )
