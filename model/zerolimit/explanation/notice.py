"""An adverse-action notice: the principal reasons for one decision, and which single changes would have been enough.

`zerolimit explain RUN --borrower ID --month M`, and `zerolimit.explain(run_or_market, borrower, month)`. The run is
repeated (replay.py); sufficient changes are found by replaying this borrower alone (borrower_path.py) with one thing
changed at a time, the platform and all other borrowers as recorded. Texts give money in yuan; fields hold fen.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import factorial, inf, isinf
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, Cancelled
from zerolimit.basics.progress import Progress, reporting
from zerolimit.basics.shown import Shown
from zerolimit.basics.terminal import console, teller
from zerolimit.basics.wording import FEN, adding_up, amount, distinguished, in_yuan, number_of
from zerolimit.engine.base import as_stored
from zerolimit.explanation.borrower_path import BorrowerPath, Change, Edit, Recorder, Values, in_prospect, is_usable
from zerolimit.explanation.reasons import (
    NOT_THE_SAME,
    Threshold,
    in_words,
    lines_left,
    lowering,
    principal_reasons,
    thresholds,
    usable_line,
)
from zerolimit.explanation.replay import Origin, Seen, origin_of
from zerolimit.explanation.story import Event, the_line, whom
from zerolimit.parameters.terms import without
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.constants import INCOME_MOST, SCORE_HIGH, SHARE_MOST
from zerolimit.vocabulary.fields import FIELDS
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import LEFT, NO_REVIEW, ON_TIME

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console, ConsoleOptions, RenderResult

FOR_ME = (
    "For this borrower alone, with all others unchanged: one path replayed, with tightness, expected use, the pool's level,"
    " the queues and the neighbours' reports as recorded."
)
"""The counterfactual of a notice; `attribute` has the population's."""

LOSSES = ("zero limit", "blocked", "line lost", "refused", "closed", "frozen")
LESS = (*LOSSES, "cut", "announced")
"""Events of a story that a notice explains."""


@dataclass(frozen=True)
class Enough:
    """The smallest change of one kind that would have been enough."""

    kind: str
    """A name of KINDS."""
    amount: float
    """How large it is, or the value that is needed; money in fen."""
    own: float
    """What it was."""
    required: float
    """What it would have had to be."""
    unit: str
    line: float
    """The line that it would have given, fen."""
    text: str


@dataclass(frozen=True)
class Share:
    """A mechanism's part in what happened, over all subsets of mechanisms off for this borrower alone."""

    mechanism: str
    shapley: float
    but_for: int
    alone: int


@dataclass(frozen=True, repr=False)
class Explanation(Shown):
    """Why one borrower's line was cut, lost or refused in one month. Money in fen. `str()` is the notice."""

    name: str
    borrower: str
    slot: int
    generation: int
    month: int
    decided: int
    """The month of the decision: earlier than `month` where the cut was announced."""
    kind: str
    """What happened (story.KINDS)."""
    headline: str
    before: float
    after: float
    balance: float
    target: float
    """The line that counts as enough: one that is usable, or, where the line was cut only, the line as it was."""
    reasons: tuple[str, ...]
    """At most four caps (names.CAPS): the decisive one, then those that alone would have closed the line too."""
    reason_texts: tuple[str, ...]
    lowering: tuple[str, ...]
    """Caps that alone would have lowered the line and left at least the minimum loan."""
    lowering_texts: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    enough: tuple[Enough, ...]
    not_enough: tuple[str, ...]
    """Kinds of change of which none would have been enough alone, however large."""
    shares: tuple[Share, ...]
    without: int
    """1 where it would have happened with every mechanism off for this borrower alone."""

    def _in_short(self) -> str:
        return f"explanation of borrower {self.borrower} of {self.name}, month {self.month}: {self.headline}"

    def to_frame(self) -> pd.DataFrame:
        """A row for each threshold: cap, says, unit, own, threshold, distance, line."""
        import pandas as pd

        return pd.DataFrame([vars(one) for one in self.thresholds])

    def changes(self) -> pd.DataFrame:
        """A row for each change that would have been enough: kind, amount, own, required, unit, line, text."""
        import pandas as pd

        return pd.DataFrame([vars(one) for one in self.enough], columns=list(Enough.__dataclass_fields__))

    def __str__(self) -> str:
        paper = io.StringIO()
        console(file=paper, width=100, color_system=None, force_jupyter=False).print(self)
        return "\n".join(line.rstrip() for line in paper.getvalue().splitlines())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        def heading(text: str) -> Text:
            return Text(f"\n{text}", style="bold")

        yield Text(f"Borrower {self.borrower} of {self.name}, month {self.month}", style="bold")
        ahead = f" This was decided and announced in month {self.decided}." if self.decided < self.month else ""
        yield Text(f"{self.headline}{ahead}")
        yield heading("Principal reasons")
        listed = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
        for number, text in enumerate(self.reason_texts, 1):
            listed.add_row(f"{number}.", text)
        yield listed
        if self.lowering:
            yield heading("Would have lowered the line, not closed it")
            others = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
            for text in self.lowering_texts:
                others.add_row("-", text)
            yield others
        yield heading("Distance to every threshold: + inside, - beyond it")
        table = Table("", "unit", box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for column in ("yours", "threshold", "distance", "line left, yuan"):
            table.add_column(column, justify="right")
        for one in self.thresholds:
            style = "bold" if one.distance < 0.0 or one.line < self.target else ""
            table.add_row(one.says, *in_columns(one), style=style)
        yield table
        line = in_yuan(self.target)
        wanted = f"keeping the line of {line}" if self.target == self.before else f"a usable line ({line} or more)"
        yield heading(f"What alone would have been enough for {wanted}")
        if self.enough:
            found = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
            found.add_column("smallest sufficient change of each kind")
            found.add_column("line, yuan", justify="right")
            for change in self.enough:
                found.add_row(change.text, amount(change.line))
            yield found
        else:
            yield Text("No single change.")
        if self.not_enough:
            yield Padding(Text(f"Not enough alone, however large: {'; '.join(self.not_enough)}.", style="dim"), 0)
        yield heading("Mechanisms")
        shares = zip(self.shares, adding_up((one.shapley for one in self.shares), 2), strict=True)
        parts = [f"{share:.2f} {one.mechanism}" for one, share in shares if one.shapley != 0.0]
        rest = " It would have happened with all of them off, too (baseline)." if self.without else ""
        yield Text(f"{', '.join(parts) if parts else 'None of those that can be switched off'}.{rest}")
        yield Text(NOT_THE_SAME, style="dim")
        yield Text(f"\n{FOR_ME} `zerolimit attribute` gives shares for the whole population.", style="dim")


TOLD_IN = {"fen": "yuan", "share": "%", "share of income": "%", "distance": "0 to 1", "loans a month": "loans"}
"""The unit in which a threshold is shown, where it is not its own unit."""


def in_columns(one: Threshold) -> tuple[str, str, str, str, str]:
    """A threshold as text: unit, own number, threshold, distance, and the line that is left."""
    unit, line = TOLD_IN.get(one.unit, one.unit), "no cap" if isinf(one.line) else amount(one.line)
    if one.unit == "fen":
        distance = f"{'+' if one.distance > 0 else ''}{amount(one.distance)}"
        return unit, amount(one.own), amount(one.threshold), distance, line
    if one.unit == "months":
        return unit, f"{one.own:.0f}", f"{one.threshold:.0f}", f"{one.distance:+.0f}" if one.distance else "0", line
    scale = 100.0 if unit == "%" else 1.0
    own, threshold = distinguished(scale * one.own, scale * one.threshold, {"%": 0, "points": 1}.get(unit, 2))
    digits = len(own.partition(".")[2])
    return unit, own, threshold, f"{scale * one.distance:+,.{digits}f}", line


@public
def explain(
    run: Any,
    borrower: Any,
    month: int,
    *,
    rules: Iterable[Any] = (),
    progress: Progress = True,
    cancel: Callable[[], bool] | None = None,
) -> Explanation:
    """Why a borrower's line was cut, lost or refused in a month, and what would have been enough.

    `run` is a run folder, the result of `zerolimit.load`, or a CreditMarket; it is repeated up to that month. `borrower` is
    the name in the portfolio's column id where there is one, else the slot's number; `rules` the user-defined rules of a
    folder's run. `progress` shows a bar where it takes long, or is called with the months done and all of them; `cancel` is
    asked after each, and Cancelled raised where it returns true. BadInput where nothing was cut that month.
    """
    origin = origin_of(run, tuple(rules))
    slot, name = whom(origin, borrower)
    if isinstance(month, bool) or not hasattr(month, "__index__") or not 0 <= month < origin.months:
        raise BadInput(f"month: {month!r} is not one of 0 to {origin.months - 1}, the months of {origin.name}")
    recorders: list[Recorder] = []

    def beside(world: Simulation) -> Recorder:
        recorders.append(Recorder(world, slot))
        return recorders[0]

    past = replace(origin, months=int(month) + 1)
    with reporting(progress, f"{origin.name} again", "month") as update:

        def done(months: int) -> None:
            update(months, past.months)
            if cancel is not None and cancel():
                raise Cancelled("stopped before the month was reached")

        seen = past.watched(slot, beside=beside, progress=done, say=teller(progress))[0]
    return notice_of(origin, slot, name, recorders[0], seen)


def notice_of(origin: Origin, slot: int, name: str, recorder: Recorder, seen: Sequence[Seen]) -> Explanation:
    """The notice of the last month seen."""
    last = seen[-1]
    if last.before["generation"] > 0 and recorder.world.client(slot) == name:
        name = f"{slot:,} (an entrant in the slot of {name})"
    life = [now for now in seen if now.before["generation"] == last.before["generation"]]
    event = what_was_cut(last)
    if last.before["status"] == LEFT and "enter" not in last.stages:
        raise BadInput(f"month {last.month}: slot {slot:,} of {origin.name} is vacant")
    if event is None:
        months = [str(now.month) for now in life if what_was_cut(now) is not None]
        others = f"earlier adverse actions: month {', '.join(months[-5:])}" if months else "nor in any month before"
        raise BadInput(f"month {last.month}: no line of borrower {name} was cut, lost or refused; {others}")
    now = last
    if event.kind != "announced" and last.decided["review"] == NO_REVIEW:
        now = next(one for one in reversed(life) if one.decided["review"] > NO_REVIEW and one.decided["notice_left"] > 0.0)
    path = BorrowerPath(recorder.world, slot, recorder.held, life)
    first = next(one.month for one in life if "account" in one.stages)
    path.check(first, now.month)
    return Notice(path, life, now, first).written(origin, slot, name, last, event)


def what_was_cut(now: Seen) -> Event | None:
    """The month's first event that is a cut, a loss or a refusal."""

    def event(kind: str, text: str, **values: float | str) -> Event:
        return Event(now.month, int(now.after["generation"]), kind, text, values)

    if "decision" not in now.stages:
        return None
    found = [one for one in the_line(now, event, lambda now: "") if one.kind in LESS]
    return found[0] if found else None


@dataclass(frozen=True)
class Kind:
    """One kind of single change: its words, and how it is tried."""

    name: str
    says: str
    try_it: Callable[[Notice], Enough | None]
    possible: Callable[[Notice], bool]


class Notice:
    """One decision on one borrower's own path, and the search for what would have been enough."""

    def __init__(self, path: BorrowerPath, life: Sequence[Seen], now: Seen, first: int) -> None:
        self.path, self.now, self.first = path, now, first
        self.month, self.held = now.month, path.held[now.month]
        self.values, self.terms = now.decided, now.terms
        self.loans = [one.month for one in life if first <= one.month < now.month and one.after["drawn"] > 0.0]
        m = self.terms["minimum_loan"]
        self.loses = not is_usable(self.values, m)
        self.target = usable_line(self.values, m) if self.loses else self.values["limit_before"]

    def kept(self, values: Values) -> bool:
        """Whether a path ends well enough: in a usable line, or, where it was cut only, in a line as large as before."""
        usable = is_usable(values, self.terms["minimum_loan"])
        return usable and (self.loses or in_prospect(values) >= self.target)

    def lived(self, first: int | None = None, **changes: Any) -> Values:
        """The decision on a path with something changed; by default the month alone."""
        return self.path.run(self.month if first is None else first, self.month, Change(**changes))

    def smallest(self, steps: int, change: Callable[[int], dict[str, Any]]) -> tuple[int, float] | None:
        """The fewest steps of a change that are enough, and the line then; None where all of them are not."""
        if steps < 1 or not self.kept(self.lived(**change(steps))):
            return None
        low, high = 0, steps
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.kept(self.lived(**change(middle))) else (middle, high)
        return high, in_prospect(self.lived(**change(high)))

    def toward(
        self, name: str, bound: float, step: float, change: Callable[[float], dict[str, Any]]
    ) -> tuple[float, float] | None:
        """The nearest value of a number on the way to `bound`, on a grid, that is enough, and the line then."""
        own = self.now.before[name] if name in self.now.before else self.values[name]
        own = self.values[name] if name in ("risk", "zhima_seen", "early", "distance") else own
        up = bound > own
        # the grid is of whole steps from 0, so that a value reads well
        base = int(np.floor(own / step + 1e-9)) if up else int(np.ceil(own / step - 1e-9))
        count = int(abs(round(bound / step) - base))

        def value(k: int) -> float:
            return round((base + k if up else base - k) * step, 6)

        found = self.smallest(count, lambda k: change(value(k)))
        return None if found is None else (value(found[0]), found[1])

    # kinds of change

    def fewer_loans(self) -> Enough | None:
        """The last k loans not taken."""
        for k, month in enumerate(reversed(self.loans), 1):
            values = self.lived(month, no_loans_from=month)
            if self.kept(values):
                own = len(self.loans)
                text = f"{number_of(own - k, 'loan')} (yours {own}): {k} fewer, none borrowed from month {month} on"
                return Enough("loans", float(k), float(own), float(own - k), "loans", in_prospect(values), text)
        return None

    def set_at_start(self, kind: str, field: str, bound: float, step: float, says: Callable[[float, float], str]) -> Any:
        """A field that the month begins with."""
        found = self.toward(field, bound, step, lambda value: {"begins": {field: value}})
        return self.found_enough(kind, field, found, self.now.before[field], says)

    def set_after(
        self, kind: str, field: str, rule: str, bound: float, step: float, says: Callable[[float, float], str]
    ) -> Any:
        """A field that a rule of the month writes."""
        found = self.toward(field, bound, step, lambda value: {"after": self.edit_after(rule, field, value)})
        return self.found_enough(kind, field, found, self.values[field], says)

    def edit_after(self, rule: str, field: str, value: float) -> dict[tuple[int, str], Edit]:
        def edit(values: Values) -> None:
            values[field] = as_stored(field, value)

        return {(self.month, rule): edit}

    def found_enough(
        self, kind: str, field: str, found: Any, own: float, says: Callable[[float, float], str]
    ) -> Enough | None:
        if found is None:
            return None
        return Enough(kind, found[0], own, found[0], FIELDS[field].unit, found[1], says(found[0], own))

    def less_owed(self) -> Enough | None:
        """More repaid this month."""

        balance = self.values["scheduled"] + self.values["overdue"]
        found = self.smallest(int(-(-balance // FEN)), lambda yuan: {"repaid": {self.month: yuan * FEN}})
        if found is None:
            return None
        fen = min(float(found[0] * FEN), balance)
        text = f"{in_yuan(balance - fen)} owed (yours {amount(balance)}): {amount(fen)} less"
        return Enough("owed", fen, balance, balance - fen, "fen", found[1], text)

    def nothing_overdue(self) -> Enough | None:
        """All arrears paid this month."""

        def edit(values: Values) -> None:
            values.update(late=0.0, overdue=0.0, overdue_interest=0.0, standing=ON_TIME)

        values = self.lived(after={(self.month, "charge_off"): edit})
        if not self.kept(values):
            return None
        due = self.values["overdue"] + self.values["overdue_interest"]
        text = f"0 yuan overdue (yours {amount(due)}): all of it paid"
        return Enough("arrears", due, due, 0.0, "fen", in_prospect(values), text)

    def looser(self) -> Enough | None:
        """The month's tightness lower, or all its tightening absent. The review is called as it was."""
        tightness, gain = self.terms["tightness"], self.terms["cutoff_gain"]

        def change(value: float) -> dict[str, Any]:
            shift = max(0.0, self.terms["cutoff_shift"] - gain * (tightness - value))
            return {"terms": {self.month: {"tightness": value, "cutoff_shift": shift}}}

        steps = int(np.ceil(tightness * 1_000.0))
        found = self.smallest(steps, lambda k: change(round((steps - k) / 1_000.0, 3)))
        if found is not None and found[0] < steps:
            value = round((steps - found[0]) / 1_000.0, 3)
            text = f"tightness of {value:.3f} at most in month {self.month} (it was {tightness:.3f})"
            return Enough("tightness", value, tightness, value, "share", found[1], text)
        values = self.lived(terms={self.month: without("tightening")})
        if not self.kept(values):
            return None
        text = f"no tightening in month {self.month}: tightness 0 (it was {tightness:.3f}), no cutoff raised, no ceiling"
        return Enough("tightness", 0.0, tightness, 0.0, "share", in_prospect(values), text)

    def larger_pool(self) -> Enough | None:
        """A larger pool this month, all claims as recorded."""
        pool = self.held.pool
        if self.held.claims is None or pool <= 0:
            return None
        high = 1
        while not self.kept(self.in_pool(high)):
            high *= 2
            if high > 1_000 * pool:
                return None
        low = high // 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.kept(self.in_pool(middle)) else (middle, high)
        more = f"{percent_up(high / pool)} or {amount(high)} more"
        text = f"a pool of {in_yuan(pool + high)} in month {self.month} (it was {amount(pool)}): {more}"
        return Enough("pool", float(high), float(pool), float(pool + high), "fen", in_prospect(self.in_pool(high)), text)

    def in_pool(self, more: int) -> Values:
        """The decision with `more` fen added to the month's pool."""
        claims = self.held.claims
        assert claims is not None
        own = int(np.flatnonzero(claims.rows == self.path.slot)[0])
        return self.lived(granted=int(claims.shared(self.held.pool + more)[0][own]))

    def shares(self) -> tuple[tuple[Share, ...], int]:
        """Shapley shares of the mechanisms on this path, over all subsets switched off for this borrower alone."""
        from zerolimit.explanation.shapley import alone, but_for, shapley

        already = [name for name in MECHANISMS if name in self.path.held[self.first].off]
        players = [name for name in MECHANISMS if name not in already]
        subsets = [[name for p, name in enumerate(players) if not on >> p & 1] for on in range(2 ** len(players))]
        ends = self.path.run_each(self.first, self.month, [Change(off=tuple(off)) for off in subsets])
        game = np.array([not self.kept(values) for values in ends], np.int64)
        if not players:
            return (), int(game[0])
        values = shapley(game) / factorial(len(players))
        rows = zip(players, values.tolist(), but_for(game).tolist(), alone(game).tolist(), strict=True)
        return tuple(Share(*row) for row in rows), int(game[0])

    def written(self, origin: Origin, slot: int, name: str, last: Seen, event: Event) -> Explanation:
        """The notice."""
        level = float(self.now.platform.get("rank_cutoff", inf))
        u_menu = float(self.path.engine.uniforms("u_menu", np.zeros(1), self.month)[0])
        left = lines_left(self.values, self.now.measured, u_menu, self.terms)
        caps, others = principal_reasons(self.values, left), lowering(self.values, left)

        def texts_of(some: Iterable[str]) -> tuple[str, ...]:
            return tuple(in_words(cap, self.values, self.now.measured, self.terms, level) for cap in some)

        enough, failed = [], []
        for kind in KINDS:
            if not kind.possible(self):
                continue
            found = kind.try_it(self)
            if found is None:
                failed.append(kind.says)
            else:
                enough.append(found)
        shares, without = self.shares()
        size = number_of(origin.scenario.borrowers, "borrower")
        return Explanation(
            name=f"{origin.name} ({origin.scenario.name}, {size}, seed {origin.seed})",
            borrower=name,
            slot=slot,
            generation=int(last.before["generation"]),
            month=last.month,
            decided=self.month,
            kind=event.kind,
            headline=event.text,
            before=float(event.values["before"]),
            after=float(event.values["after"]),
            balance=float(event.values["balance"]),
            target=self.target,
            reasons=tuple(caps),
            reason_texts=texts_of(caps),
            lowering=tuple(others),
            lowering_texts=texts_of(others),
            thresholds=tuple(thresholds(self.values, self.now.measured, self.terms, level)),
            enough=tuple(enough),
            not_enough=tuple(failed),
            shares=shares,
            without=without,
        )


def percent_up(share: float) -> str:
    """A share as percent with two digits that count, rounded up."""
    percent, digits = 100.0 * share, 0
    while digits < 6 and percent * 10**digits < 10.0:
        digits += 1
    return f"{np.ceil(percent * 10**digits) / 10**digits:,.{digits}f} %"


def money(word: str) -> Callable[[float, float], str]:
    return lambda value, own: f"{word} of {in_yuan(value)} a month (yours {amount(own)})"


def points(word: str, digits: int) -> Callable[[float, float], str]:
    return lambda value, own: f"{word} of {value:,.{digits}f} (yours {own:,.{digits}f})"


def share(before: str, behind: str) -> Callable[[float, float], str]:
    return lambda value, own: f"{before} {100.0 * value:.1f} % {behind} (yours {100.0 * own:.1f} %)"


KINDS = (
    Kind("loans", "fewer loans", Notice.fewer_loans, lambda one: bool(one.loans)),
    Kind(
        "loan_size",
        "larger loans",
        lambda one: one.set_at_start("loan_size", "loan_size", SHARE_MOST, 0.001, share("loans of", "of income on average")),
        lambda one: one.now.before["loan_size"] < SHARE_MOST,
    ),
    Kind("owed", "less owed", Notice.less_owed, lambda one: one.values["scheduled"] + one.values["overdue"] > 0.0),
    Kind("arrears", "no arrears", Notice.nothing_overdue, lambda one: one.values["late"] > 0.0),
    Kind(
        "idle",
        "the line used",
        lambda one: one.set_at_start(
            "idle", "idle", 0.0, 1.0, lambda value, own: f"at most {value:.0f} months without use (yours {own:.0f})"
        ),
        lambda one: one.now.before["idle"] > 0.0,
    ),
    Kind(
        "early",
        "fewer loans repaid early",
        lambda one: one.set_after("early", "early", "remember", 0.0, 0.001, share("at most", "of loans repaid early")),
        lambda one: one.values["early"] > 0.0,
    ),
    Kind(
        "income",
        "a higher recorded income",
        lambda one: one.set_at_start("income", "income_seen", INCOME_MOST, float(FEN), money("a recorded income")),
        lambda one: True,
    ),
    Kind(
        "score",
        "a higher score",
        lambda one: one.set_after("score", "risk", "score", SCORE_HIGH, 0.1, points("a score", 1)),
        lambda one: one.values["risk"] < SCORE_HIGH,
    ),
    Kind(
        "general_score",
        "a higher general score",
        lambda one: one.set_after("general_score", "zhima_seen", "score", SCORE_HIGH, 1.0, points("a general score", 0)),
        lambda one: one.values["zhima_seen"] < one.terms["admission_zhima"],
    ),
    Kind(
        "distance",
        "nearer to the target customer",
        lambda one: one.set_after("distance", "distance", "position", 0.0, 0.001, points("a distance to the target", 3)),
        lambda one: one.values["distance"] > 0.0,
    ),
    Kind(
        "tightness",
        "no tightening that month",
        Notice.looser,
        lambda one: any(one.terms[name] != value for name, value in without("tightening").items()),
    ),
    Kind("pool", "a larger pool", Notice.larger_pool, lambda one: one.held.claims is not None and not one.held.endless),
)
"""Kinds of single change, what is in the borrower's hands first."""
