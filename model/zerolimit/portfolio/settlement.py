"""How given clients take the place of drawn borrowers: which values they bring, column by column.

Nothing is written here: these are functions of the clients' values and of what was drawn, and the simulation writes what
they give (`Simulation._begin`). Money in fen, as rules see it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.wording import FEN
from zerolimit.portfolio.columns import COLUMNS, NO_USE, NOT_RECORDED, PAID_IN_FULL, REVOLVING
from zerolimit.rules.borrowing import receive
from zerolimit.rules.rule import Rule, exponential
from zerolimit.rules.scoring import remember
from zerolimit.vocabulary.constants import ESTABLISHED
from zerolimit.vocabulary.names import CLOSED, OPEN, SEGMENTS

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]
Columns = Mapping[str, Array]
"""Field -> a value for each borrower, as rules see it."""


@dataclass(frozen=True)
class Drawn:
    """A first population as it was drawn, to read."""

    size: int
    terms: Mapping[str, float]
    column: Callable[[str], Array]
    """A field's column, as rules see it."""
    uniforms: Callable[[str], Array]
    """A purpose's keyed draws in (0, 1), one a borrower."""


class FirstPopulation(ABC):
    """Who lives in a world at its start in place of those drawn: clients of a file, the scripted borrower of a case."""

    size: int
    table: pa.Table | None = None
    """The columns of a file, if they come from one."""
    ids: Array | None = None
    """The clients' names in the file, (size,), texts, where it has a column of them."""
    keys: Array | None = None
    """What their draws are keyed by, (size,), uint64 (portfolio/keys.py); None: the rows."""
    terms: ClassVar[Mapping[str, float]] = {}
    """Terms that hold while the world is populated."""

    def births(self) -> Iterable[tuple[Array, Mapping[str, float]]]:
        """Borrowers to be born again, each time with the terms under which this happens."""
        return ()

    @abstractmethod
    def traits(self, drawn: Drawn) -> Columns:
        """Columns in place of what birth drew, before histories are drawn."""

    @abstractmethod
    def accounts(self, drawn: Drawn) -> Columns:
        """Columns in place of what the drawn histories left, before the first book."""


def births(values: Columns, blanks: Columns) -> Iterable[tuple[Array, Mapping[str, float]]]:
    """Traits that depend on the segment are drawn again for the segment given."""
    given = ~blanks["segment"] if "segment" in blanks else True
    for code, name in enumerate(SEGMENTS):
        shares = {f"share_{other}": float(other == name) for other in SEGMENTS[1:]}
        yield np.flatnonzero((values["segment"] == code) & given), shares


def filled(name: str, values: Columns, blanks: Columns, otherwise: Callable[[], Array]) -> Array:
    """A column given, with other values in its blank cells, or in place of all where there is none."""
    if name not in values:
        return otherwise()
    return np.where(blanks[name], otherwise(), values[name]) if name in blanks else values[name]


def traits(values: Columns, blanks: Columns, drawn: Drawn) -> Columns:
    """Age and income.

    The given income is the recorded one, or, where it is missing, the one behind the limit; the true income keeps the drawn
    ratio to it, and savings their ratio to the true income.
    """
    income = filled("income", values, blanks, lambda: income_behind_limits(values["limit"], drawn))
    old = drawn.column("income_true").astype(np.float64)
    ratio = old / drawn.column("income_seen")
    true = np.minimum(np.floor(income * ratio), COLUMNS["income"].high * FEN)
    cash = np.floor(drawn.column("cash") * (true / old))
    ages = {"age": filled("age", values, blanks, lambda: drawn.column("age"))} if "age" in values else {}
    return {**ages, "income_seen": income, "income_true": true, "cash": cash}


def income_behind_limits(limit: Array, drawn: Drawn) -> Array:
    """Recorded incomes (fen a month) for which `have_history` would have drawn the limits given; drawn where 0.

    income = limit / (income_multiple x (line_low + (line_high - line_low) u) x e^(line_score x signal)), with the
    borrower's own draw u and signal; at least income_floor, below which there is no line: nobody loses a line to an income
    that the file does not say.
    """
    terms = drawn.terms
    u = drawn.uniforms("u_born_limit")
    months = terms["income_multiple"] * (terms["line_low"] + (terms["line_high"] - terms["line_low"]) * u)
    months = months * exponential(terms["line_score"] * drawn.column("signal").astype(np.float64))
    behind = np.clip(np.floor(limit / np.maximum(months, 0.01)), terms["income_floor"], COLUMNS["income"].high * FEN)
    return np.where(limit > 0, behind, drawn.column("income_seen"))


def accounts(values: Columns, blanks: Columns, drawn: Drawn) -> Columns:
    """Lines, debts and what the platform remembers; drawn values stay where the clients' are not given.

    A missing balance is the drawn utilisation times the limit given, or the whole limit where the client is given as past
    due and nothing was drawn. A line below the minimum loan is closed from the start. Months late without a history are a
    history of as many months past due.
    """

    def before(name: str) -> Array:
        return drawn.column(name).astype(np.float64)

    def has(name: str) -> Array:
        if name not in values:
            return np.zeros(drawn.size, bool)
        return ~blanks[name] if name in blanks else np.ones(drawn.size, bool)

    lines = filled("limit", values, blanks, lambda: before("limit"))
    is_open = lines >= drawn.terms["minimum_loan"]
    limit = np.where(is_open, lines, 0.0)
    history = values.get("history")
    newest = np.zeros(drawn.size, bool) if history is None else history[:, 0] != NOT_RECORDED
    late = before("late") if history is None else np.where(newest, np.maximum(history[:, 0], 0), before("late"))
    late = np.where(has("late"), values["late"], late) if "late" in values else late
    late_given = has("late") | newest
    use = np.floor(before("owed") / np.maximum(before("limit"), 1.0) * limit)
    use = np.where(late_given & (late > 0) & (use == 0), limit, use)
    owed = np.where(has("balance"), np.maximum(values["balance"], 0), use) if "balance" in values else use
    late = np.where(owed > 0, late, 0)
    used = np.minimum(drawn.terms["scored_usage"], owed / np.maximum(limit, FEN))
    idle = np.where(has("balance"), np.maximum(1.0, before("idle")), before("idle"))
    memory = {"usage": used, "idle": np.where(owed > 0, 0.0, idle), "tenure": np.maximum(ESTABLISHED, before("tenure"))}
    account = {"status": np.where(is_open, OPEN, CLOSED), "limit": limit, "owed": owed, "late": late}
    lived = has("history")
    if lived.any():
        assert history is not None
        memory |= {
            name: np.where(lived, column, memory.get(name, before(name)))
            for name, column in remembered(history, account, used, before, drawn.terms).items()
        }
    if (only := late_given & ~lived).any():
        months_late = np.where(np.arange(int(late.max(initial=0))) < late[:, None], 1, NOT_RECORDED)
        known = memory.get("punctuality", before("punctuality"))
        found = factors(months_late, account, used, before("tenure"), drawn.terms)["punctuality"]
        memory["punctuality"] = np.where(only, found, known)
    if "term" in values:
        account["months_left"] = filled("term", values, blanks, lambda: before("months_left"))
    return {**account, **memory}


def remembered(
    history: Array, account: dict[str, Array], used: Array, before: Callable[[str], Array], terms: Mapping[str, float]
) -> dict[str, Array]:
    """What the platform remembers after a payment history, with the scenario's memories.

    Where nothing is owed today, a newest month past due is one of no use.
    """
    owed = account["owed"]
    history = history.copy()
    history[:, 0] = np.where((owed == 0) & (history[:, 0] > 0), NO_USE, history[:, 0])
    months = np.count_nonzero(history != NOT_RECORDED, axis=1)
    tenure = np.maximum(before("tenure"), months + 1.0)
    found = factors(history, account, used, tenure - months, terms) | habits(
        history, before("frequency"), before("idle"), terms
    )
    return {**found, "idle": np.where(owed > 0, 0.0, found["idle"])}


def habits(history: Array, frequency: Array, idle: Array, terms: Mapping[str, float]) -> dict[str, Array]:
    """Loans a month and months without use after the rule `receive` in each month of a history, the oldest first.

    A month paid in full has a new loan, one of no use none, any other one with the drawn frequency as its chance: the mean
    of the two. What was idle before the history is what is drawn for today, as far as the history leaves room for it.
    """
    rule, named = on_columns(receive), SimpleNamespace(**terms)
    recorded = history != NOT_RECORDED
    found = {"frequency": frequency.copy(), "idle": np.maximum(0.0, idle - np.count_nonzero(recorded, axis=1))}
    for month, known in zip(history.T[::-1], recorded.T[::-1], strict=True):
        for owed, chance, whose in (
            (1.0, np.ones_like(frequency), month == PAID_IN_FULL),
            (0.0, np.zeros_like(frequency), month == NO_USE),
            (1.0, frequency, month >= REVOLVING),
        ):
            rows = np.flatnonzero(whose & known)
            given = dict.fromkeys(receive.reads, 0.0) | {name: column[rows] for name, column in found.items()}
            given |= {"status": OPEN, "scheduled": owed, "terms": named}
            without, taken = (
                dict(zip(receive.writes, rule(*({**given, "asked": asked}[name] for name in receive.reads)), strict=True))
                for asked in (0.0, float(FEN))
            )
            found["frequency"][rows] = without["frequency"] + chance[rows] * (taken["frequency"] - without["frequency"])
            found["idle"][rows] = without["idle"]
    return found


NOTHING_DUE, ON_TIME, LATE = 0.0, 1.0, 2.0
"""The field `standing` in a month of a payment history."""


def factors(
    history: Array, account: dict[str, Array], usage: Array, tenure: Array, terms: Mapping[str, float]
) -> dict[str, Array]:
    """Punctuality, utilisation and tenure after the rule `remember` in each month of a history, the oldest first.

    From a spotless start. Something was due in each month but those of no use. Utilisation is today's in months of use (it
    is persistent, facts B4), and in the newest; 0 in the others.
    """
    rule, named = on_columns(remember), SimpleNamespace(**terms)
    found = {"punctuality": np.ones(len(history)), "usage": usage.copy(), "tenure": tenure.astype(np.float64)}
    for k in reversed(range(history.shape[1])):
        month = history[:, k]
        idle = month == NO_USE
        for standing, whose in ((NOTHING_DUE, idle), (ON_TIME, ~idle & (month <= REVOLVING)), (LATE, month > REVOLVING)):
            rows = np.flatnonzero(whose & (month != NOT_RECORDED))
            given = {
                **{name: column[rows] for name, column in (account | found).items()},
                "status": OPEN,
                "standing": standing,
                "settled": 0.0,
                "early": 0.0,
                "anchor": 1.0,
                "overdue": 0.0,
                "terms": named,
                "scheduled": 0.0 if standing == NOTHING_DUE and k > 0 else account["owed"][rows],
            }
            written = dict(zip(remember.writes, rule(*(given[name] for name in remember.reads)), strict=True))
            for name, column in found.items():
                column[rows] = written[name]
    return found


def on_columns(rule: Rule) -> Callable[..., Any]:
    """A rule for whole columns at once, bit for bit as for each borrower.

    What it branches on must be one number for all, as a code is; a branch on a column is numpy's ValueError.
    """
    one_by_one = {"min": lambda *values: reduce(np.minimum, values), "max": lambda *values: reduce(np.maximum, values)}
    return FunctionType(rule.function.__code__, rule.function.__globals__ | one_by_one)
