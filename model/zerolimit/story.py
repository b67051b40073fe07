"""One borrower of any run, told month by month in plain sentences: what happened, why, what was done about it.

`zerolimit tell RUN --borrower ID`, and `zerolimit.tell(run_or_market, borrower)`. The run is run again (replay.py), so a
story needs nothing but the run's folder. Money is told in yuan; frames hold fen.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from zerolimit.errors import BadInput, nearest
from zerolimit.names import (
    APPLY,
    BLOCKED,
    CLOSED,
    ENDS,
    FROZEN,
    LEFT,
    OPEN,
    OWNER,
    REAPPLY,
    SECTORS,
    SEGMENTS,
    STATUSES,
    STRATEGIES,
    ZERO_LIMIT,
)
from zerolimit.reasons import SAYS, amount, apart, caps_in, in_percent, in_words, in_yuan, numbers, reason_named
from zerolimit.replay import Origin, Seen, origin_of
from zerolimit.results.outcomes import OUTCOMES
from zerolimit.terms import FEN
from zerolimit.wording import number_of

if TYPE_CHECKING:
    import pandas as pd
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
    "over the trigger": "frequent small loans: the trigger will act at the next review",
    "under the trigger": "the trigger would not act any more",
    "warned": "an early warning",
    "announced": "a cut is announced",
    "zero limit": "an on-time payer's line falls below the minimum loan",
    "blocked": "an on-time payer keeps a line, of which nothing can be drawn",
    "line lost": "a line is lost with nothing due, or in arrears",
    "frozen": "nothing can be drawn for now",
    "closed": "a frozen line is closed",
    "cut": "the line is cut",
    "raised": "the line is raised",
    "refused": "an application is refused",
    "line back": "a usable line again",
    "found": "the borrower learns of the cut",
    "appeals": "an appeal is filed",
    "appeal waits": "an appeal waits for the desk",
    "appeal won": "an appeal is heard and won",
    "appeal rejected": "an appeal is heard and rejected",
    "borrows": "a loan is paid out",
    "rushes": "all that is left is drawn while a cut is announced",
    "used up": "a loan within the line is refused: the pool is used up",
    "borrows elsewhere": "another lender lends",
    "goes without": "spending that cannot be paid",
    "project slips": "a project slips a month",
    "hears": "acquaintances report a zero limit",
    "complains": "a complaint",
    "leaves": "the borrower leaves the platform",
}
"""What can happen to a borrower in a month."""

QUIET = (
    *("pays", "repays early", "borrows", "borrows elsewhere", "goes without", "project slips", "hears", "appeal waits"),
    "used up",
)
"""Months in which nothing but this happens are told together."""

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
    *("slip_cost", "heard", "trust", "cash", "income", "outlay", "out_of_work", "income_seen"),
)
"""Fields of a story's frame (fields.py); those that a later step changes again are as they were when the month ended."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a month. Money in `values` is in fen."""

    month: int
    generation: int
    kind: str
    text: str
    values: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Life:
    """One borrower: the months that a generation spent in the slot."""

    generation: int
    months: tuple[Seen, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Paragraph:
    """Some months told together."""

    first: int
    last: int
    limit: str
    owed: float
    sentences: tuple[tuple[str, str], ...]
    """Kind of event and its sentence."""


@dataclass(frozen=True)
class Story:
    """What happened in one slot of a run. `str()` tells it; `events` lists it; `frame()` has it month by month."""

    name: str
    borrower: str
    slot: int
    lives: tuple[Life, ...]
    first: int
    last: int
    """The months told, both included."""

    @property
    def events(self) -> list[Event]:
        """Everything that happened, in order."""
        return [event for life in self.lives for event in life.events if self.first <= event.month <= self.last]

    def frame(self) -> pd.DataFrame:
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
        from rich.console import Console

        paper = io.StringIO()
        Console(file=paper, width=100, color_system=None, force_jupyter=False).print(self)
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


def tell(
    run: Any,
    borrower: Any,
    *,
    months: tuple[int, int] | None = None,
    rules: Iterable[Any] = (),
    progress: Callable[[int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Story:
    """The story of one borrower: `tell("runs/baseline", 12)`, `tell(market, market.borrower(12))`.

    `run` is a run folder, what `zerolimit.load` gives, or a CreditMarket; it is run again from its beginning. `borrower` is
    the name in the portfolio's column id where there is one, else the slot's number; a slot that was used again has more
    than one borrower, all told. `months` are the first and the last to tell; `rules` those of one's own that a folder's run
    had.
    """
    origin = origin_of(run, tuple(rules))
    slot, name = whom(origin, borrower)
    first, last = (0, origin.months - 1) if months is None else months
    if not 0 <= first <= last < origin.months:
        raise BadInput(f"months: {first}:{last} is not within 0:{origin.months - 1}, the months of {origin.name}")
    return story_of(origin, slot, name, origin.watched(slot, progress=progress, say=say)[0], first, last)


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


def whom(origin: Origin, borrower: Any) -> tuple[int, str]:
    """A borrower's slot and name; BadInput where there is none."""
    table = getattr(origin.portfolio, "table", None)
    if hasattr(borrower, "slot"):
        return int(borrower.slot), str(borrower.unique_id)
    if table is not None and "id" in table.column_names:
        names = [str(name) for name in table["id"].to_pylist()]
        if str(borrower) not in names:
            raise BadInput(f"borrower {str(borrower)!r}: no such id in the portfolio{nearest(str(borrower), names)}")
        return names.index(str(borrower)), str(borrower)
    try:
        slot = int(str(borrower))
    except ValueError:
        raise BadInput(f"borrower: the number of a slot is needed, not {str(borrower)!r}") from None
    if not 0 <= slot < origin.scenario.borrowers:
        raise BadInput(f"borrower {slot:,}: slots are numbered 0 to {origin.scenario.borrowers - 1:,}")
    return slot, f"{slot:,}"


# what happened in a month


def happened(now: Seen, past: Seen | None) -> Iterator[Event]:
    """The events of one month in the order of the month; `past` is the month before of the same borrower."""

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
        yield event("enters", "Applies for a first line.")
    if after["out_of_work"] > 0.0 and before["out_of_work"] == 0.0:
        what = "Business comes to a standstill" if before["segment"] == OWNER else "Loses work"
        yield event("loses work", f"{what}: {in_yuan(after['income'])} come in.", income=after["income"])
    if after["out_of_work"] == 0.0 and before["out_of_work"] > 0.0:
        yield event("works again", f"Earns again: {in_yuan(after['income'])} come in.", income=after["income"])
    ahead = now.decided["project"]
    if ahead > max(0.0, before["project"] - 1.0):
        tranche = now.terms["tranche_share"] * before["income_true"]
        says = f"Begins a project of {number_of(int(ahead), 'monthly tranche')} of {in_yuan(tranche)}."
        yield event("project", says, tranches=ahead)


def debts(now: Seen, event: Make) -> Iterator[Event]:
    """What was due and what was paid."""
    standing, paid, owing = now.decided["standing"], now.decided["paid"], now.decided["owing"]
    late, was = now.decided["late"], now.before["late"]
    values = {"paid": paid, "owing": owing}
    if standing == 3.0:
        lost, back = now.decided["written_off"], now.decided["recovered"]
        says = f"After {late:.0f} months late {in_yuan(lost)} are written off, {in_yuan(back)} recovered; the account ends."
        yield event("written off", says, written_off=lost, recovered=back)
    elif standing == 2.0:
        says = f"Pays {amount(paid)} of {in_yuan(owing)} due: {number_of(int(late), 'month')} late."
        yield event("late", says, **values)
    elif standing == 1.0 and was > 0.0:
        yield event("current again", f"Pays all arrears, {in_yuan(paid)}.", **values)
    elif standing == 1.0:
        yield event("pays", f"Pays {in_yuan(paid)} on time.", **values)
        if now.decided["settled"] == 2.0:
            yield event("repays early", "Repays all of it early.", principal=now.decided["principal_paid"])
        if now.decided["bridged"] > 0.0:
            yield event("bridges", "Is short and borrows elsewhere to pay, counting on a new loan.")


def nearness(now: Seen, past: Seen | None, event: Make) -> Iterator[Event]:
    """Crossing the trigger, and early warnings."""
    d, terms = now.decided, now.terms
    if d["status"] == LEFT:
        return
    over, was = triggers(now), past is not None and triggers(past)
    if over != was and d["limit_before"] > 0.0 and d["review"] == 0.0:
        values = {"frequency": d["frequency"], "loan_size": d["loan_size"], "trigger": terms["trigger_frequency"]}
        measured = numbers("trigger", d, now.measured, terms, 0.0)
        if over:
            yield event("over the trigger", f"At a review the trigger would act now: {measured}.", **values)
        elif past is not None and "hear" not in past.stages:
            yield event("under the trigger", f"The trigger would act no more: {measured}.", **values)
    if d["warned"] > 0.0 and not (past is not None and past.decided["warned"] > 0.0):
        score, cutoff = apart(d["risk"], terms["cutoff"] + terms["cutoff_shift"])
        says = f"A warning comes: score {score}, cutoff {cutoff}; {d['frequency']:.2f} loans a month"
        most = f", trigger {terms['trigger_frequency']:.2f}" if terms["trigger_frequency"] < 2.0 else ""
        yield event("warned", f"{says}{most}.", risk=d["risk"], cutoff=terms["cutoff"] + terms["cutoff_shift"])


def triggers(now: Seen) -> bool:
    """Whether frequent small loans would be a trigger at a review this month."""
    d, terms = now.decided, now.terms
    return d["frequency"] > terms["trigger_frequency"] and d["loan_size"] < terms["trigger_size"]


def because(now: Seen) -> str:
    """The reason for what was decided, and what else would have sufficed."""
    d = now.decided
    name = reason_named(d["reason"])
    if name == "none":
        return ""
    others = [SAYS[cap] for cap in caps_in(d["mask"]) if cap != name]
    also = f" Enough alone too: {'; '.join(others)}." if others else ""
    below = d["limit_before"] > 0.0 and d["wanted"] < now.measured.get(f"cap_{name}", 0.0) - FEN
    menu = " The menu of cuts went below that." if below else ""
    return f"Reason: {in_words(name, d, now.measured, now.terms, now.platform['rank_cutoff'])}.{menu}{also}"


ROUTES = {
    "censored": "no longer frozen",
    "score": "a review",
    "loosening": "policy is looser",
    "re-application": "a new application",
    "appeal": "the appeal, at the next allocation",
    "pool": "room in the pool",
    "repayment": "what was repaid",
}
"""How a line came back: an end of an episode (names.ENDS) in plain words."""


def the_line(now: Seen, event: Make, because: Callable[[Seen], str] = because) -> Iterator[Event]:
    """What became of the line at the decision, and because of what."""
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
    if d["happened"] == ZERO_LIMIT:
        says = f"The line of {in_yuan(before)} goes to zero, though all was paid."
        yield event("zero limit", f"{says} {because(now)}", **values)
    elif d["happened"] == BLOCKED:
        room = f"{in_yuan(after - balance)} of it" if after - balance >= FEN else "nothing of it"
        line = f"is cut from {amount(before)} to {in_yuan(after)}" if after < before else f"stays at {in_yuan(after)}"
        says = f"The line {line} and {room} can be drawn, though all was paid."
        yield event("blocked", f"{says} {because(now)}", **values)
    elif lost and d["standing"] == 3.0:
        return
    elif lost:
        why = "with nothing due" if d["standing"] == 0.0 else "in arrears"
        yield event("line lost", f"The line of {in_yuan(before)} goes to zero, {why}. {because(now)}", **values)
    elif d["review"] >= REAPPLY and d["status"] != OPEN:
        again = "" if d["review"] == APPLY else "Applies again. "
        yield event("refused", f"{again}The application is refused. {because(now)}", **values)
    elif d["status"] == CLOSED and was == FROZEN:
        yield event("closed", f"The frozen line is closed. {because(now)}", **values)
    elif d["status"] == FROZEN and was == OPEN:
        yield event("frozen", f"Nothing can be drawn for now. {because(now)}", **values)
    elif d["status"] == OPEN and was in (CLOSED, FROZEN):
        how = "a first application" if d["review"] == APPLY else ROUTES[ENDS[int(d["ended"])]]
        yield event("line back", f"A line of {in_yuan(after)} is open ({how}).", **values, route=how)
    elif before >= m and after < before:
        step = "as announced" if d["review"] == 0.0 else because(now)
        share = in_percent(1.0 - after / before)
        yield event("cut", f"The line is cut from {amount(before)} to {in_yuan(after)} (by {share}). {step}", **values)
    elif before >= m and after > before:
        yield event("raised", f"The line is raised from {amount(before)} to {in_yuan(after)}.", **values)
    elif d["ended"] > 0.0 and d["status"] == OPEN:
        how = ROUTES[ENDS[int(d["ended"])]]
        yield event("line back", f"{in_yuan(after - balance)} can be drawn again ({how}).", **values, route=how)
    if d["review"] > 0.0 and d["notice_left"] > 0.0:
        ahead = number_of(int(d["notice_left"]), "month")
        says = f"A cut from {amount(before)} to {in_yuan(d['announced'])} in {ahead} is announced."
        yield event("announced", f"{says} {because(now)}", **values, announced=d["announced"], months=d["notice_left"])


def noticed(now: Seen, event: Make) -> Iterator[Event]:
    """Who learns of a cut, and how."""
    found, gone = now.after["found"], int(now.after["without_line"]) - 1
    if found == 0.0:
        return
    later = "" if gone <= 0 else f", {number_of(gone, 'month')} later"
    says = (
        f"Looks at the limit and finds the cut{later}",
        f"Needs a loan and finds the cut only then{later}",
        "Knew of the cut beforehand",
    )
    how = ("looking", "need", "notice")
    before, after = now.before["trust"], now.after["trust"]
    trust = f"; trust falls from {before:.2f} to {after:.2f}." if after < before else "."
    values = {"how": how[int(found) - 1], "months": float(max(0, gone)), "trust_before": before, "trust": after}
    yield event("found", says[int(found) - 1] + trust, **values)


def at_the_desk(now: Seen, event: Make) -> Iterator[Event]:
    """Appeals: filed, waiting, heard."""
    if now.decided["appeals"] == 1.0:
        yield event("appeals", "Appeals, with documents.")
    if "hear" not in now.stages:
        if now.decided["appeals"] > 0.0:
            yield event("appeal waits", "The appeal waits for the desk.")
        return
    after, seen, true = now.after, now.before["income_seen"], now.after["income_seen"]
    shown = f"income {in_yuan(true)} a month ({amount(seen)} recorded), trigger lifted"
    values = {"recorded": seen, "true": true}
    if "restore" in now.stages:
        says = f"Heard and won: {shown}; a line of {in_yuan(after['limit'])} is open."
        yield event("appeal won", says, **values, after=after["limit"])
    elif after["appealed"] == 2.0:
        says = f"Heard and won: {shown}; the set-aside is used up, the next allocation decides."
        yield event("appeal won", says, **values)
    else:
        owed = after["scheduled"] + after["overdue"]
        says = f"Heard and rejected: {shown}, and still no line above the {in_yuan(owed)} that are owed."
        yield event("appeal rejected", says, **values)


def loans(now: Seen, event: Make) -> Iterator[Event]:
    """Loans asked for, refused, taken elsewhere; what remains unpaid."""
    after = now.after
    asked, drawn = after["asked"], after["drawn"]
    if drawn > 0.0 and now.decided["notice_left"] > 0.0 and after["limit"] - after["principal"] < now.terms["minimum_loan"]:
        yield event("rushes", f"Draws all that is left before the cut, {in_yuan(drawn)}.", drawn=drawn)
    elif drawn > 0.0:
        yield event("borrows", f"Borrows {in_yuan(drawn)}.", drawn=drawn)
    elif asked > 0.0:
        says = f"Asks for {in_yuan(asked)} within the line; the pool is used up."
        yield event("used up", says, asked=asked)
    if after["elsewhere"] > 0.0:
        says = f"Another lender lends {in_yuan(after['elsewhere'])}."
        yield event("borrows elsewhere", says, elsewhere=after["elsewhere"])
    if after["shortfall"] > 0.0:
        says = f"{in_yuan(after['shortfall'])} cannot be paid"
        if after["slip_cost"] > 0.0:
            slips = f"{says}: the project slips a month, which costs {in_yuan(after['slip_cost'])} of sales."
            yield event("project slips", slips, shortfall=after["shortfall"], slip_cost=after["slip_cost"])
        else:
            yield event("goes without", f"{says}.", shortfall=after["shortfall"])


COMPLAINS = 1 << list(OUTCOMES["outcomes_4"]).index("complaints")


def feelings(now: Seen, event: Make) -> Iterator[Event]:
    """Word of mouth, complaints, leaving."""
    after = now.after
    if after["heard"] > 0.0:
        yield event("hears", "Acquaintances report a zero limit.", heard=after["heard"])
    if int(after["outcomes_4"]) & COMPLAINS:
        yield event("complains", "Complains.")
    if after["status"] == LEFT and now.decided["status"] != LEFT:
        yield event("leaves", "Leaves the platform.")


# the telling


BEFORE = ("pays", "repays early", "hears")
"""Quiet events that come before the decision; the others come after."""


def paragraphs(life: Life, first: int, last: int) -> list[Paragraph]:
    """The months from first to last; those in which nothing but QUIET happened are told together."""
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
            sentences = [
                *quietly([event for event in events if event.kind in BEFORE], len(part), quiet),
                *((event.kind, event.text) for event in rest),
                *quietly([event for event in events if event.kind in QUIET and event.kind not in BEFORE], len(part), False),
            ]
            if quiet:
                texts = [text.removesuffix(".") for _, text in sentences]
                sentences = [("", ", ".join([texts[0], *(text[0].lower() + text[1:] for text in texts[1:])]) + ".")]
            line, owed = standing_of(end.after), end.after["principal"]
            found.append(Paragraph(start, end.month, line, owed, tuple(sentences)))
    return found


def standing_of(values: Mapping[str, float]) -> str:
    """The line, or why nothing can be drawn."""
    if values["status"] in (FROZEN, LEFT):
        return STATUSES[int(values["status"])]
    return f"{amount(values['limit'])}"


def quietly(events: Sequence[Event], months: int, all_told: bool) -> list[tuple[str, str]]:
    """Quiet events of some months in one sentence."""

    def total(kind: str, name: str) -> tuple[int, str]:
        of_kind = [float(event.values[name]) for event in events if event.kind == kind]
        return len(of_kind), amount(sum(of_kind))

    def within(number: int, noun: str) -> str:
        return f" in {number_of(number, noun)}" if months > 1 else ""

    says = []
    paid, money = total("pays", "paid")
    if paid:
        says.append(f"pays {money} on time{'' if paid == months else within(paid, 'month')}")
    elif all_told:
        says.append("nothing due")
    if early := total("repays early", "principal")[0]:
        says.append(f"repays {number_of(early, 'loan')} early" if months > 1 else "repays early")
    loans, money = total("borrows", "drawn")
    if loans:
        says.append(f"borrows {money}{within(loans, 'loan')}")
    refused, money = total("used up", "asked")
    if refused:
        says.append(f"is refused {money}{within(refused, 'request')} (pool used up)")
    if total("borrows elsewhere", "elsewhere")[0]:
        says.append(f"borrows {total('borrows elsewhere', 'elsewhere')[1]} elsewhere")
    if lacks := [float(event.values["shortfall"]) for event in events if "shortfall" in event.values]:
        says.append(f"cannot pay {amount(sum(lacks))} of bills")
    slips, money = total("project slips", "slip_cost")
    if slips:
        says.append(f"{number_of(slips, 'project month')} lost ({money} of sales)")
    if any(event.kind == "appeal waits" for event in events):
        says.append("the appeal waits")
    text = ", ".join(says)
    return [("", f"{text[:1].upper()}{text[1:]}.")] if text else []


def introduced(life: Life, alone: bool) -> str:
    """Who it is."""
    now = life.months[0]
    born = now.after if "enter" in now.stages else now.before
    what = SEGMENTS[int(born["segment"])]
    what = {"owner": "owner of a small business", "gig": "gig worker", "salaried": "salaried"}[what]
    income = f"earns {in_yuan(born['income_true'])} a month, {amount(born['income_seen'])} recorded"
    strategy = STRATEGIES[int(born["strategy"])]
    who = f"{what[:1].upper()}{what[1:]}, {SECTORS[int(born['sector'])]}, {born['age']:.0f} years old"
    told = f"{who}; {income}; strategy: {strategy}."
    began = "" if alone else f"From month {now.month}. "
    if "enter" in now.stages:
        return f"{began}{told}"
    owed = born["scheduled"] + born["overdue"]
    account = f"a line of {in_yuan(born['limit'])}, {amount(owed)} owed, {born['tenure']:.0f} months of history"
    return f"{began}{told} At first: {account}."


def summed_up(life: Life) -> Iterator[str]:
    """What it came to, over the whole life in the slot."""
    months, last = life.months, life.months[-1]

    def total(name: str) -> str:
        return f"{amount(sum(now.after[name] for now in months))}"

    gone = months_without(life)
    zeros = [event for event in life.events if event.kind in ("zero limit", "blocked", "line lost")]
    told = "; ".join(f"{event.kind} in month {event.month} ({says_of(event)})" for event in zeros[:4])
    more = f" and {len(zeros) - 4} more" if len(zeros) > 4 else ""
    yield (
        f"{number_of(len(months), 'month')}: {len(months) - gone} with a usable line, {gone} without"
        f"{': ' if told else ''}{told}{more}."
    )
    due = [now for now in months if now.decided["standing"] > 0.0]
    punctual = sum(now.decided["standing"] == 1.0 for now in due)
    worst = max((now.after["late"] for now in months), default=0.0)
    late = f"; at worst {number_of(int(worst), 'month')} late" if worst else ""
    if due:
        yield f"Paid on time in {punctual} of {number_of(len(due), 'month')} with something due{late}."
    slips = sum(event.kind == "project slips" for event in life.events)
    parts = [
        *([f"borrowed {total('drawn')} here"] if total("drawn") != "0" else []),
        *([f"borrowed {total('elsewhere')} elsewhere"] if total("elsewhere") != "0" else []),
        *([f"could not pay {total('shortfall')} of bills"] if total("shortfall") != "0" else []),
        *([f"lost {number_of(slips, 'project month')} ({total('slip_cost')} of sales)"] if slips else []),
    ]
    if parts:
        yield f"{', '.join(parts)}.".capitalize()
    end = last.after
    if end["status"] == LEFT:
        yield f"Gone since month {last.month}."
    else:
        line = f"line {standing_of(end)}, {in_yuan(end['principal'])} owed"
        yield f"At the end: {STATUSES[int(end['status'])]}, {line}, trust {end['trust']:.2f}."


def says_of(event: Event) -> str:
    """The reason of a cut in words."""
    return SAYS.get(str(event.values["reason"]), "no reason")


def months_without(life: Life) -> int:
    """Months at whose end there was no usable line."""
    return sum(now.after["status"] == LEFT or now.after["without_line"] > 0.0 for now in life.months)
