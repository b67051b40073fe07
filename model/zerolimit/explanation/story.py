"""One borrower of a run, month by month in plain sentences: what happened, why, and what was done about it.

`zerolimit tell RUN --borrower ID`, and `zerolimit.tell(run_or_market, borrower)`. The run is repeated (replay.py), so a
story needs nothing but the run's folder. Sentences give money in yuan; frames hold fen.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, nearest
from zerolimit.basics.progress import Progress, reporting
from zerolimit.basics.shown import Shown
from zerolimit.basics.terminal import console, teller
from zerolimit.basics.wording import FEN, amount, distinguished, in_percent, in_yuan, listed, number_of, say, sentence
from zerolimit.explanation.reasons import SAYS, caps_in, in_words, numbers, reason_named
from zerolimit.explanation.replay import Origin, Seen, origin_of
from zerolimit.results.drawing import BLUE, ORANGE, PALE, month_axis, on_axes
from zerolimit.rules.flags import FLAGS
from zerolimit.vocabulary.names import (
    APPEAL_WON,
    APPLY,
    BLOCKED,
    CHARGED_OFF,
    CLOSED,
    ENDS,
    FOUND_BY_NOTICE,
    FROZEN,
    LATE,
    LEFT,
    NO_REVIEW,
    NOT_FOUND,
    NOT_QUEUED,
    NOT_WARNED,
    NOTHING_DUE,
    ON_TIME,
    OPEN,
    OWNER,
    PAID_OFF_EARLY,
    QUEUED_NOW,
    REAPPLY,
    SECTORS,
    SEGMENTS,
    STATUSES,
    STRATEGIES,
    ZERO_LIMIT,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from rich.console import Console, ConsoleOptions, RenderResult

KINDS: dict[str, str] = {
    "enters": "a new borrower takes the slot",
    "loses work": "a spell without work begins",
    "works again": "a spell without work ends",
    "project": "an owner's project begins",
    "pays": "everything due is paid",
    "repays early": "all of a loan is repaid before its time",
    "bridges": "a payment is made with money from elsewhere, counting on a new loan",
    "late": "less than what is due is paid",
    "current again": "all arrears are paid",
    "written off": "the loan is written off and the account ends",
    "over the trigger": "frequent small loans: the trigger would apply at a review",
    "under the trigger": "the trigger no longer applies",
    "warned": "an early warning",
    "announced": "a cut is announced",
    "zero limit": "an on-time payer's line falls below the minimum loan",
    "blocked": "an on-time payer keeps a line, of which nothing can be drawn",
    "line lost": "a line is lost with nothing due, or in arrears",
    "frozen": "the line is frozen",
    "closed": "a frozen line is closed",
    "cut": "the line is cut",
    "raised": "the line is raised",
    "refused": "an application is refused",
    "line back": "a usable line again",
    "found": "the borrower finds out about the cut",
    "appeals": "an appeal is filed",
    "appeal waits": "an appeal is pending",
    "appeal won": "an appeal is heard and upheld",
    "appeal rejected": "an appeal is heard and rejected",
    "borrows": "a loan is paid out",
    "rushes": "the whole available line is drawn after a cut is announced",
    "used up": "a loan within the line is refused: the pool is used up",
    "borrows elsewhere": "another lender lends",
    "goes without": "spending that cannot be paid",
    "project slips": "a project slips a month",
    "hears": "acquaintances report a zero limit",
    "complains": "a complaint",
    "moves": "another lender repays all that is owed",
    "leaves": "the borrower leaves the platform",
}
"""What can happen to a borrower in a month."""

QUIET = (
    *("pays", "repays early", "borrows", "borrows elsewhere", "goes without", "project slips", "hears", "appeal waits"),
    "used up",
)
"""Kinds of events; consecutive months with no other kind share one paragraph."""

STYLES = {
    **dict.fromkeys(("zero limit", "line lost", "written off"), "bold red"),
    **dict.fromkeys(("blocked", "frozen", "cut", "announced", "late", "over the trigger", "refused"), "yellow"),
    **dict.fromkeys(("closed", "appeal rejected", "leaves"), "yellow"),
    **dict.fromkeys(("line back", "appeal won", "raised", "current again"), "green"),
}

FRAME = (
    *("status", "limit_before", "limit", "scheduled", "overdue", "owing", "paid", "standing", "late", "settled", "bridged"),
    *("risk", "zhima", "frequency", "loan_size", "early", "idle", "distance", "review", "wanted", "rank", "granted"),
    *("reason", "mask", "warned", "announced", "notice_left", "happened", "ended", "without_line", "found", "known"),
    *("appeals", "appealed", "waited", "asked", "refused", "drawn", "elsewhere", "other_debt", "shortfall", "project"),
    *("slip_cost", "moved", "heard", "trust", "cash", "income", "outlay", "out_of_work", "income_seen"),
)
"""Fields of a story's frame (fields.py); those that a later step changes again are as they were when the month ended."""


@dataclass(frozen=True, repr=False)
class Event(Shown):
    """Something that happened in a month. Money in `values` is in fen."""

    month: int
    generation: int
    kind: str
    text: str
    values: Mapping[str, float | str] = field(default_factory=dict)

    def _in_short(self) -> str:
        return f"event, month {self.month}, {self.kind}: {self.text}"


@dataclass(frozen=True, repr=False)
class Life(Shown):
    """One borrower: the months that a generation spent in the slot."""

    generation: int
    months: tuple[Seen, ...]
    events: tuple[Event, ...]

    def _in_short(self) -> str:
        return f"life {self.generation}: months {self.months[0].month} to {self.months[-1].month}, {len(self.events)} events"


@dataclass(frozen=True, repr=False)
class Paragraph(Shown):
    """Consecutive months in one paragraph."""

    first: int
    last: int
    limit: str
    owed: float
    sentences: tuple[tuple[str, str], ...]
    """Kind of event and its sentence."""

    def _in_short(self) -> str:
        return f"months {self.first} to {self.last}: {' '.join(text for _, text in self.sentences)}"


@dataclass(frozen=True, repr=False)
class Story(Shown):
    """What happened in one slot of a run. `str()` tells it; `events` lists it; `to_frame()` has it month by month."""

    name: str
    borrower: str
    slot: int
    lives: tuple[Life, ...]
    first: int
    last: int
    """First and last month of the story, both included."""

    @property
    def events(self) -> list[Event]:
        """Everything that happened, in order."""
        return [event for life in self.lives for event in life.events if self.first <= event.month <= self.last]

    def _in_short(self) -> str:
        return f"story of borrower {self.borrower} of {self.name}: {number_of(len(self.events), 'event')}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """The credit line and what is owed by month; months with no line are shaded. On `ax`, or new axes."""
        frame = self.to_frame()
        with on_axes(ax) as axes:
            for month in frame.month[frame.limit == 0]:
                axes.axvspan(month - 0.5, month + 0.5, color=PALE, linewidth=0)
            axes.step(frame.month, frame.limit / FEN, where="mid", color=BLUE, label="credit line")
            owed = (frame.scheduled + frame.overdue) / FEN
            axes.step(frame.month, owed, where="mid", color=ORANGE, linewidth=1.4, label="owed")
            axes.set(title=f"Borrower {self.borrower}", ylabel="yuan", ylim=(0, None))
            axes.yaxis.set_major_formatter("{x:,.0f}")
            month_axis(axes)
            axes.legend(frameon=False)
            return axes

    def to_frame(self) -> pd.DataFrame:
        """A row a month: the fields in FRAME as rules see them (fen, shares, codes), the cutoff, the caps and distances."""
        import pandas as pd

        rows = []
        for life in self.lives:
            for now in life.months:
                if self.first <= now.month <= self.last:
                    limits = {"cutoff": now.platform["cutoff"], "rank_cutoff": now.platform["rank_cutoff"]}
                    place = {"month": now.month, "borrower": self.slot, "generation": life.generation}
                    rows.append({**place, **{name: now.after[name] for name in FRAME}, **limits, **now.measured})
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        paper = io.StringIO()
        console(file=paper, width=100, color_system=None, force_jupyter=False).print(self)
        return "\n".join(line.rstrip() for line in paper.getvalue().splitlines())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table
        from rich.text import Text

        yield Text(f"Borrower {self.borrower} of {self.name}", style="bold")
        lives = [life for life in self.lives if life.months[0].month <= self.last and life.months[-1].month >= self.first]
        if not lives:
            yield Text(f"The slot is vacant in months {self.first} to {self.last}.")
        for life in lives:
            yield Text()
            yield Text(introduced(life, alone=len(self.lives) == 1))
            yield Text()
            table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
            for heading in ("month", "line", "owes"):
                table.add_column(heading, justify="right", no_wrap=True)
            table.add_column("what happened (yuan)", overflow="fold")
            for one in paragraphs(life, self.first, self.last):
                months = f"{one.first}" if one.first == one.last else f"{one.first}–{one.last}"
                told = Text(" ").join(Text(text, style=STYLES.get(kind, "")) for kind, text in one.sentences)
                table.add_row(months, one.limit, f"{amount(one.owed)}", told)
            yield table
            yield Text()
            for line in summed_up(life):
                yield Text(line)


@public
def tell(
    run: Any,
    borrower: Any,
    *,
    months: tuple[int, int] | None = None,
    rules: Iterable[Any] = (),
    progress: Progress = True,
) -> Story:
    """The story of one borrower: `tell("runs/baseline", 12)`, `tell(market, market.borrower(12))`.

    `run` is a run folder, the result of `zerolimit.load`, or a CreditMarket; it is repeated from month 0. `borrower` is
    the name in the portfolio's column id where there is one, else the slot's number; a slot that was used again has more
    than one borrower, all included. `months` are the first and the last month; `rules` the user-defined rules of a
    folder's run.
    """
    origin = origin_of(run, tuple(rules))
    slot, name = whom(origin, borrower)
    first, last = (0, origin.months - 1) if months is None else months
    if not 0 <= first <= last < origin.months:
        raise BadInput(f"months: {first}:{last} is not within 0:{origin.months - 1}, the months of {origin.name}")
    with reporting(progress, f"{origin.name} again", "month") as update:
        seen = origin.watched(slot, progress=lambda done: update(done, origin.months), say=teller(progress))[0]
    return story_of(origin, slot, name, seen, first, last)


def story_of(origin: Origin, slot: int, borrower: str, seen: Sequence[Seen], first: int, last: int) -> Story:
    """The story in what was seen of a slot."""
    lives = []
    for generation, months in groupby(seen, key=lambda now: int(now.before["generation"])):
        here = tuple(now for now in months if "enter" in now.stages or now.before["status"] != LEFT)
        if here:
            told = tuple(event for k, now in enumerate(here) for event in happened(now, here[k - 1] if k else None))
            lives.append(Life(generation, here, told))
    size = number_of(origin.scenario.borrowers, "borrower")
    name = f"{origin.name} ({origin.scenario.name}, {size}, {number_of(origin.months, 'month')}, seed {origin.seed})"
    return Story(name, borrower, slot, tuple(lives), first, last)


def parse_months(text: str | None, months: int) -> tuple[int, int]:
    """`A:B`, `A:`, `:B` or `A` as the first and the last month, both included."""
    first, colon, last = (text or ":").partition(":")
    try:
        low = int(first or 0)
        return low, int(last or months - 1) if colon else low
    except ValueError:
        raise BadInput(f"months: write them as A:B, two numbers from 0 to {months - 1}, not {text!r}") from None


WITH_COMMAS = r"\d{1,3}(,\d{3})+"
"""A number of a slot as it is printed: 2,848."""


def whom(origin: Origin, borrower: Any) -> tuple[int, str]:
    """A borrower's slot and name; BadInput where there is none."""
    ids = None if origin.portfolio is None else origin.portfolio.ids
    if hasattr(borrower, "slot"):
        return int(borrower.slot), getattr(borrower, "client_id", None) or str(borrower.unique_id)
    if ids is not None:
        names = ids.tolist()
        if str(borrower) not in names:
            raise BadInput(f"borrower {str(borrower)!r}: no such id in the portfolio{nearest(str(borrower), names)}")
        return names.index(str(borrower)), str(borrower)
    given = str(borrower)
    try:
        slot = int(given.replace(",", "") if re.fullmatch(WITH_COMMAS, given) else given)
    except ValueError:
        raise BadInput(f"borrower: the number of a slot is needed, not {given!r}") from None
    if not 0 <= slot < origin.scenario.borrowers:
        raise BadInput(f"borrower {slot:,}: slots are numbered 0 to {origin.scenario.borrowers - 1:,}")
    return slot, f"{slot:,}"


# what happened in a month


def happened(now: Seen, past: Seen | None) -> Iterator[Event]:
    """The events of one month, in order; `past` is the same borrower's month before."""

    def event(kind: str, text: str, **values: float | str) -> Event:
        return Event(now.month, int(now.after["generation"]), kind, text, values)

    yield from on_their_side(now, event)
    yield from debts(now, event)
    yield from nearness(now, past, event)
    yield from the_line(now, event)
    yield from noticed(now, event)
    yield from at_the_desk(now, event)
    yield from loans(now, event)
    yield from feelings(now, event)


Make = Callable[..., Event]


def on_their_side(now: Seen, event: Make) -> Iterator[Event]:
    """Entry, work, projects."""
    before, after = now.before, now.after
    if "enter" in now.stages:
        yield event("enters", say("Applies for a first line."))
    if after["out_of_work"] > 0.0 and before["out_of_work"] == 0.0:
        income = in_yuan(after["income"])
        stands = say("Business stops: income of {income} this month.", income=income)
        says = stands if before["segment"] == OWNER else say("Loses work: income of {income} this month.", income=income)
        yield event("loses work", says, income=after["income"])
    if after["out_of_work"] == 0.0 and before["out_of_work"] > 0.0:
        says = say("Works again: income of {income} this month.", income=in_yuan(after["income"]))
        yield event("works again", says, income=after["income"])
    ahead = now.decided["project"]
    if ahead > max(0.0, before["project"] - 1.0):
        tranche = now.terms["tranche_share"] * before["income_true"]
        parts = number_of(int(ahead), "monthly tranche")
        says = say("Begins a project: {parts} of {tranche}.", parts=parts, tranche=in_yuan(tranche))
        yield event("project", says, tranches=ahead)


def debts(now: Seen, event: Make) -> Iterator[Event]:
    """What was due and what was paid."""
    standing, paid, owing = now.decided["standing"], now.decided["paid"], now.decided["owing"]
    late, was = now.decided["late"], now.before["late"]
    values = {"paid": paid, "owing": owing}
    if standing == CHARGED_OFF:
        lost, back = now.decided["written_off"], now.decided["recovered"]
        says = say(
            "After {late} months past due {lost} is charged off, {back} recovered; the account is closed.",
            late=f"{late:.0f}",
            lost=in_yuan(lost),
            back=in_yuan(back),
        )
        yield event("written off", says, written_off=lost, recovered=back)
    elif standing == LATE:
        behind = number_of(int(late), "month")
        says = say("Pays {paid} of {owing} due: {behind} past due.", paid=amount(paid), owing=in_yuan(owing), behind=behind)
        yield event("late", says, **values)
    elif standing == ON_TIME and was > 0.0:
        yield event("current again", say("Pays all arrears, {paid}.", paid=in_yuan(paid)), **values)
    elif now.decided["moved"] > 0.0:
        yield event("moves", say("Another lender repays all that is owed, {paid}.", paid=in_yuan(paid)), **values)
    elif standing == ON_TIME:
        yield event("pays", say("Pays {paid} on time.", paid=in_yuan(paid)), **values)
        if now.decided["settled"] == PAID_OFF_EARLY:
            yield event("repays early", say("Repays all of it early."), principal=now.decided["principal_paid"])
        if now.decided["bridged"] > 0.0:
            yield event("bridges", say("Borrows elsewhere to make the payment, counting on a new loan."))


def nearness(now: Seen, past: Seen | None, event: Make) -> Iterator[Event]:
    """Crossing the trigger, and early warnings."""
    d, terms = now.decided, now.terms
    if d["status"] == LEFT:
        return
    over, was = triggers(now), past is not None and triggers(past)
    if over != was and d["limit_before"] > 0.0 and d["review"] == NO_REVIEW:
        values = {"frequency": d["frequency"], "loan_size": d["loan_size"], "trigger": terms["trigger_frequency"]}
        measured = numbers("trigger", d, now.measured, terms, 0.0)
        if over:
            says = say("At a review now the trigger would apply: {measured}.", measured=measured)
            yield event("over the trigger", says, **values)
        elif past is not None and "hear" not in past.stages:
            yield event("under the trigger", say("The trigger no longer applies: {measured}.", measured=measured), **values)
    if d["warned"] > NOT_WARNED and not (past is not None and past.decided["warned"] > NOT_WARNED):
        score, cutoff = distinguished(d["risk"], terms["cutoff"] + terms["cutoff_shift"])
        given = {"score": score, "cutoff": cutoff, "often": f"{d['frequency']:.2f}"}
        says = say("Early warning: score {score}, cutoff {cutoff}; {often} loans a month.", **given)
        if terms["trigger_frequency"] < 2.0:
            most = f"{terms['trigger_frequency']:.2f}"
            says = say(
                "Early warning: score {score}, cutoff {cutoff}; {often} loans a month, trigger {most}.", **given, most=most
            )
        yield event("warned", says, risk=d["risk"], cutoff=terms["cutoff"] + terms["cutoff_shift"])


def triggers(now: Seen) -> bool:
    """Whether frequent small loans would be a trigger at a review this month."""
    d, terms = now.decided, now.terms
    return d["frequency"] > terms["trigger_frequency"] and d["loan_size"] < terms["trigger_size"]


def because(now: Seen) -> str:
    """The reason for a decision, and the other caps that alone would have led to it."""
    d = now.decided
    name = reason_named(d["reason"])
    if name == "none":
        return ""
    others = listed((SAYS[cap] for cap in caps_in(d["mask"]) if cap != name), "; ")
    below = d["limit_before"] > 0.0 and d["wanted"] < now.measured.get(f"cap_{name}", 0.0) - FEN
    reason = in_words(name, d, now.measured, now.terms, now.platform["rank_cutoff"])
    alone = say("Each of these alone would have closed the line: {others}.", others=others)
    if d["review"] >= REAPPLY:
        alone = say("Each of these alone would have led to a refusal: {others}.", others=others)
    return joined(
        say("Reason: {reason}.", reason=reason),
        say("The cut chosen went below that.") if below else "",
        alone if others else "",
    )


def joined(*sentences: str) -> str:
    """Sentences one behind the other."""
    return listed(sentences, " ")


ROUTES = {
    "censored": "no longer frozen",
    "score": "a review",
    "loosening": "looser policy",
    "re-application": "a new application",
    "appeal": "an appeal upheld, at the next allocation",
    "pool": "room in the pool",
    "repayment": "repayment",
}
"""How a line came back: an end of an episode (names.ENDS) in plain words."""


def the_line(now: Seen, event: Make, because: Callable[[Seen], str] = because) -> Iterator[Event]:
    """The decision on the line, and its reason."""
    d, was = now.decided, now.before["status"]
    before, after, balance = d["limit_before"], d["limit"], d["scheduled"] + d["overdue"]
    m = now.terms["minimum_loan"]
    values: dict[str, float | str] = {
        "before": before,
        "after": after,
        "balance": balance,
        "reason": reason_named(d["reason"]),
        "mask": d["mask"],
    }
    lost = before >= m and (after < m or d["status"] == LEFT)
    line, why = in_yuan(before), because(now)
    if d["happened"] == ZERO_LIMIT:
        says = say("The line of {line} goes to zero, though all was paid.", line=line)
        yield event("zero limit", joined(says, why), **values)
    elif d["happened"] == BLOCKED:
        room = say("{room} of it", room=in_yuan(after - balance)) if after - balance >= FEN else say("none of it")
        given = {"after": in_yuan(after), "room": room}
        says = say("The line stays at {after} and {room} can be drawn, though all was paid.", **given)
        if after < before:
            says = say(
                "The line is cut from {before} to {after} and {room} can be drawn, though all was paid.",
                before=amount(before),
                **given,
            )
        yield event("blocked", joined(says, why), **values)
    elif lost and d["standing"] == CHARGED_OFF:
        return
    elif lost:
        nothing_due = say("The line of {line} goes to zero, with nothing due.", line=line)
        says = (
            nothing_due if d["standing"] == NOTHING_DUE else say("The line of {line} goes to zero, in arrears.", line=line)
        )
        yield event("line lost", joined(says, why), **values)
    elif d["review"] >= REAPPLY and d["status"] != OPEN:
        again = "" if d["review"] == APPLY else say("Applies again.")
        yield event("refused", joined(again, say("The application is refused."), why), **values)
    elif d["status"] == CLOSED and was == FROZEN:
        yield event("closed", joined(say("The frozen line is closed."), why), **values)
    elif d["status"] == FROZEN and was == OPEN:
        yield event("frozen", joined(say("The line is frozen: nothing can be drawn."), why), **values)
    elif d["status"] == OPEN and was in (CLOSED, FROZEN):
        how = "a first application" if d["review"] == APPLY else ROUTES[ENDS[int(d["ended"])]]
        yield event(
            "line back", say("A line of {after} is open ({how}).", after=in_yuan(after), how=how), **values, route=how
        )
    elif before >= m and after < before:
        cut = {"before": amount(before), "after": in_yuan(after), "share": in_percent(1.0 - after / before)}
        ahead = say("The line is cut from {before} to {after} (by {share}), as announced.", **cut)
        now_cut = joined(say("The line is cut from {before} to {after} (by {share}).", **cut), why)
        yield event("cut", ahead if d["review"] == NO_REVIEW else now_cut, **values)
    elif before >= m and after > before:
        says = say("The line is raised from {before} to {after}.", before=amount(before), after=in_yuan(after))
        yield event("raised", says, **values)
    elif d["ended"] > 0.0 and d["status"] == OPEN:
        how = ROUTES[ENDS[int(d["ended"])]]
        says = say("{room} can be drawn again ({how}).", room=in_yuan(after - balance), how=how)
        yield event("line back", says, **values, route=how)
    if d["review"] > NO_REVIEW and d["notice_left"] > 0.0:
        says = say(
            "A cut from {before} to {after} in {ahead} is announced.",
            before=amount(before),
            after=in_yuan(d["announced"]),
            ahead=number_of(int(d["notice_left"]), "month"),
        )
        yield event("announced", joined(says, why), **values, announced=d["announced"], months=d["notice_left"])


FINDS = (
    "Looks at the limit and finds the cut",
    "Finds the cut only when a loan is needed",
    "Knew of the cut from its notice",
)
"""How a borrower learns of a cut: by looking, at need, by a notice."""


def noticed(now: Seen, event: Make) -> Iterator[Event]:
    """Who learns of a cut, and how."""
    found, gone = now.after["found"], int(now.after["without_line"]) - 1
    if found == NOT_FOUND:
        return
    says = FINDS[int(found) - 1]
    if gone > 0 and found < FOUND_BY_NOTICE:
        says = say("{found}, {later} later", found=says, later=number_of(gone, "month"))
    how = ("looking", "need", "notice")
    before, after = now.before["trust"], now.after["trust"]
    values = {"how": how[int(found) - 1], "months": float(max(0, gone)), "trust_before": before, "trust": after}
    fell = {"before": f"{before:.2f}", "after": f"{after:.2f}"}
    told = say("{found}; trust falls from {before} to {after}.", found=says, **fell)
    yield event("found", told if after < before else say("{found}.", found=says), **values)


def at_the_desk(now: Seen, event: Make) -> Iterator[Event]:
    """Appeals: filed, waiting, heard."""
    if now.decided["appeals"] == QUEUED_NOW:
        yield event("appeals", say("Appeals, with documents."))
    if "hear" not in now.stages:
        if now.decided["appeals"] > NOT_QUEUED:
            yield event("appeal waits", say("The appeal is pending."))
        return
    after, seen, true = now.after, now.before["income_seen"], now.after["income_seen"]
    shown = say("income {true} a month documented ({seen} recorded), trigger waived", true=in_yuan(true), seen=amount(seen))
    values = {"recorded": seen, "true": true}
    if "restore" in now.stages:
        says = say("Appeal upheld: {shown}; a line of {line} is open.", shown=shown, line=in_yuan(after["limit"]))
        yield event("appeal won", says, **values, after=after["limit"])
    elif after["appealed"] == APPEAL_WON:
        says = say(
            "Appeal upheld: {shown}; the funds set aside for appeals are used up, so the next allocation decides.",
            shown=shown,
        )
        yield event("appeal won", says, **values)
    else:
        owed = in_yuan(after["scheduled"] + after["overdue"])
        says = say("Appeal rejected: {shown}, and still no line above the {owed} owed.", shown=shown, owed=owed)
        yield event("appeal rejected", says, **values)


def loans(now: Seen, event: Make) -> Iterator[Event]:
    """Loans asked for, refused, taken elsewhere; what remains unpaid."""
    after = now.after
    asked, drawn = after["asked"], after["drawn"]
    if drawn > 0.0 and now.decided["notice_left"] > 0.0 and after["limit"] - after["principal"] < now.terms["minimum_loan"]:
        yield event(
            "rushes", say("Draws the whole available line before the cut, {drawn}.", drawn=in_yuan(drawn)), drawn=drawn
        )
    elif drawn > 0.0:
        yield event("borrows", say("Borrows {drawn}.", drawn=in_yuan(drawn)), drawn=drawn)
    elif asked > 0.0:
        says = say("A request of {asked} within the line is refused: the pool is used up.", asked=in_yuan(asked))
        yield event("used up", says, asked=asked)
    if after["elsewhere"] > 0.0:
        says = say("Another lender lends {lent}.", lent=in_yuan(after["elsewhere"]))
        yield event("borrows elsewhere", says, elsewhere=after["elsewhere"])
    if after["shortfall"] > 0.0:
        lacks = in_yuan(after["shortfall"])
        if after["slip_cost"] > 0.0:
            cost = in_yuan(after["slip_cost"])
            says = say(
                "Bills of {lacks} cannot be paid: the project slips a month, at a cost of {cost} in sales.",
                lacks=lacks,
                cost=cost,
            )
            yield event("project slips", says, shortfall=after["shortfall"], slip_cost=after["slip_cost"])
        else:
            yield event("goes without", say("Bills of {lacks} cannot be paid.", lacks=lacks), shortfall=after["shortfall"])


def feelings(now: Seen, event: Make) -> Iterator[Event]:
    """Word of mouth, complaints, leaving."""
    after = now.after
    if after["heard"] > 0.0:
        yield event("hears", say("Acquaintances report a zero limit."), heard=after["heard"])
    if FLAGS["complaints"].of(after):
        yield event("complains", say("Complains."))
    if after["status"] == LEFT and now.decided["status"] != LEFT:
        yield event("leaves", say("Leaves the platform."))


# the text


BEFORE = ("pays", "repays early", "hears")
"""Quiet events that come before the decision; the others come after."""


def paragraphs(life: Life, first: int, last: int) -> list[Paragraph]:
    """The months from first to last; consecutive months with only QUIET events share a paragraph."""
    of = {month: tuple(events) for month, events in groupby(life.events, key=lambda event: event.month)}
    months = [(now, of.get(now.month, ())) for now in life.months if first <= now.month <= last]

    def is_quiet(month: tuple[Seen, tuple[Event, ...]]) -> bool:
        return all(event.kind in QUIET for event in month[1])

    found = []
    for quiet, together in groupby(months, key=is_quiet):
        some = list(together)
        for part in [some] if quiet else [[one] for one in some]:
            start, end = part[0][0].month, part[-1][0]
            events = [event for _, events in part for event in events]
            rest = [event for event in events if event.kind not in QUIET]
            first_told = quietly([event for event in events if event.kind in BEFORE], len(part), quiet)
            then = quietly([event for event in events if event.kind in QUIET and event.kind not in BEFORE], len(part), False)
            sentences = [
                ("", sentence([*first_told, *then] if quiet else first_told)),
                *((event.kind, event.text) for event in rest),
                ("", sentence([] if quiet else then)),
            ]
            sentences = [(kind, text) for kind, text in sentences if text]
            line, owed = standing_of(end.after), end.after["principal"]
            found.append(Paragraph(start, end.month, line, owed, tuple(sentences)))
    return found


def standing_of(values: Mapping[str, float]) -> str:
    """The line, or why nothing can be drawn."""
    if values["status"] in (FROZEN, LEFT):
        return STATUSES[int(values["status"])]
    return f"{amount(values['limit'])}"


def quietly(events: Sequence[Event], months: int, all_told: bool) -> list[str]:
    """Quiet events of some months, as parts of a sentence."""

    def total(kind: str, name: str) -> tuple[int, str]:
        of_kind = [float(event.values[name]) for event in events if event.kind == kind]
        return len(of_kind), amount(sum(of_kind))

    def within(says: str, number: int, noun: str) -> str:
        return say("{what} in {times}", what=says, times=number_of(number, noun)) if months > 1 else says

    says: list[str] = []
    paid, money = total("pays", "paid")
    if paid:
        on_time = say("pays {money} on time", money=money)
        says.append(on_time if paid == months else within(on_time, paid, "month"))
    elif all_told:
        says.append(say("nothing due"))
    if early := total("repays early", "principal")[0]:
        says.append(say("repays {loans} early", loans=number_of(early, "loan")) if months > 1 else say("repays early"))
    loans, money = total("borrows", "drawn")
    if loans:
        says.append(within(say("borrows {money}", money=money), loans, "loan"))
    refused, money = total("used up", "asked")
    if refused:
        asked = within(say("is refused {money}", money=money), refused, "request")
        says.append(say("{refused} (pool used up)", refused=asked))
    if total("borrows elsewhere", "elsewhere")[0]:
        says.append(say("borrows {money} elsewhere", money=total("borrows elsewhere", "elsewhere")[1]))
    if lacks := [float(event.values["shortfall"]) for event in events if "shortfall" in event.values]:
        says.append(say("cannot pay {money} of bills", money=amount(sum(lacks))))
    slips, money = total("project slips", "slip_cost")
    if slips:
        says.append(say("{months} lost ({money} in sales)", months=number_of(slips, "project month"), money=money))
    if any(event.kind == "appeal waits" for event in events):
        says.append(say("the appeal is pending"))
    return says


WHO = {"owner": "Owner of a small business", "gig": "Gig worker", "salaried": "Salaried"}


def introduced(life: Life, alone: bool) -> str:
    """Who it is."""
    now = life.months[0]
    born = now.after if "enter" in now.stages else now.before
    told = say(
        "{who}, {sector}, {age} years old; earns {income} a month, {seen} recorded; strategy: {strategy}.",
        who=WHO[SEGMENTS[int(born["segment"])]],
        sector=SECTORS[int(born["sector"])],
        age=f"{born['age']:.0f}",
        income=in_yuan(born["income_true"]),
        seen=amount(born["income_seen"]),
        strategy=STRATEGIES[int(born["strategy"])],
    )
    began = "" if alone else say("From month {month}.", month=f"{now.month}")
    if "enter" in now.stages:
        return joined(began, told)
    account = say(
        "At the start: a line of {line}, {owed} owed, {tenure} months of history.",
        line=in_yuan(born["limit"]),
        owed=amount(born["scheduled"] + born["overdue"]),
        tenure=f"{born['tenure']:.0f}",
    )
    return joined(began, told, account)


ZEROS = {
    "zero limit": "zero limit in month {month} ({reason})",
    "blocked": "blocked in month {month} ({reason})",
    "line lost": "line lost in month {month} ({reason})",
}


def summed_up(life: Life) -> Iterator[str]:
    """Totals over the whole life in the slot."""
    months, last = life.months, life.months[-1]

    def total(name: str) -> str:
        return f"{amount(sum(now.after[name] for now in months))}"

    gone = months_without(life)
    zeros = [event for event in life.events if event.kind in ZEROS]
    told = listed((say(ZEROS[event.kind], month=f"{event.month}", reason=says_of(event)) for event in zeros[:4]), "; ")
    if len(zeros) > 4:
        told = say("{some} and {n} more", some=told, n=f"{len(zeros) - 4}")
    counts = {"months": number_of(len(months), "month"), "line": f"{len(months) - gone}", "gone": f"{gone}"}
    if told:
        yield say("{months}: {line} with a usable line, {gone} without: {zeros}.", **counts, zeros=told)
    else:
        yield say("{months}: {line} with a usable line, {gone} without.", **counts)
    due = [now for now in months if now.decided["standing"] > NOTHING_DUE]
    punctual = sum(now.decided["standing"] == ON_TIME for now in due)
    worst = max((now.after["late"] for now in months), default=0.0)
    if due:
        paid = {"paid": f"{punctual}", "due": number_of(len(due), "month")}
        on_time = say("Paid on time in {paid} of {due} with a payment due", **paid)
        late = say("{paid}; at worst {late} past due.", paid=on_time, late=number_of(int(worst), "month"))
        yield late if worst else say("{paid}.", paid=on_time)
    slips = sum(event.kind == "project slips" for event in life.events)
    lost = {"months": number_of(slips, "project month"), "money": total("slip_cost")}
    parts = [
        say("borrowed {money} here", money=total("drawn")) if total("drawn") != "0" else "",
        say("borrowed {money} elsewhere", money=total("elsewhere")) if total("elsewhere") != "0" else "",
        say("could not pay {money} of bills", money=total("shortfall")) if total("shortfall") != "0" else "",
        say("lost {months} ({money} in sales)", **lost) if slips else "",
    ]
    if spent := sentence(parts):
        yield spent
    end = last.after
    if end["status"] == LEFT:
        yield say("Left in month {month}.", month=f"{last.month}")
    else:
        yield say(
            "At the end: {status}, line {line}, {owed} owed, trust {trust}.",
            status=STATUSES[int(end["status"])],
            line=standing_of(end),
            owed=in_yuan(end["principal"]),
            trust=f"{end['trust']:.2f}",
        )


def says_of(event: Event) -> str:
    """The reason of a cut in words."""
    return SAYS.get(str(event.values["reason"]), "no reason")


def months_without(life: Life) -> int:
    """Months at whose end there was no usable line."""
    return sum(now.after["status"] == LEFT or now.after["without_line"] > 0.0 for now in life.months)
