"""The month, in order. Read this first.

A phase is either for every borrower (rules, one borrower at a time), for some of them (the same rules, on a list), or
for the platform (totals in, announcements out). Consecutive phases for every borrower form a *stage*: one fused pass
over the columns. This table is what the engines run, what `zerolimit phases` prints and what the documentation shows.
It knows the order and no arithmetic.
"""

from dataclasses import dataclass

from zerolimit.basics.errors import refuse_unknown
from zerolimit.rules.appeal import forget, hear, restore, support
from zerolimit.rules.birth import apply_first, be_born, have_history, rank_income, schedule, settle_in
from zerolimit.rules.borrowing import ask, bill, book, fall_short, owe, receive
from zerolimit.rules.coping import cope
from zerolimit.rules.decision import (
    call_for_review,
    commit,
    contend,
    decide,
    measure,
    position,
    stand_in_campaign,
    stand_in_order,
    weigh,
)
from zerolimit.rules.flags import FLAGS
from zerolimit.rules.income import earn, pay_bills, spend
from zerolimit.rules.outcome import count, count_decided, look, measure_cut, record, set_line, stand_in_queue, wait
from zerolimit.rules.repayment import apply_payment, charge_off, count_arrears, fall_due, note_arrears, repay, slide
from zerolimit.rules.rule import Rule
from zerolimit.rules.scoring import remember, score
from zerolimit.rules.trust import count_at_end, count_stirred, feel, leave
from zerolimit.vocabulary.fields import FIELDS
from zerolimit.vocabulary.outcomes import DESK, RATES


@dataclass(frozen=True)
class Phase:
    """One step of the month. `stage` is the fused pass that it belongs to, or the platform's own name for it."""

    name: str
    step: str
    stage: str
    says: str
    rules: tuple[Rule, ...] = ()
    listed: bool = False
    """For the borrowers on a list only."""
    where: str | None = None
    """For the borrowers of whom this flow is not 0; for the others the flows that it writes are 0."""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    """For platform phases: the borrowers' columns that it touches."""

    @property
    def kind(self) -> str:
        return ("some borrowers" if self.listed else "all borrowers") if self.rules else "platform"


@dataclass(frozen=True)
class Roll:
    """A list that a stage makes: the borrowers of whom a quantity in `when` is not 0, with some of their values.

    What `when` names is the quantity that the list is about, never a flag beside it: who changes the one has changed
    the other.
    """

    name: str
    when: tuple[str, ...]
    values: tuple[str, ...] = ()
    often: bool = False
    """Set when most borrowers qualify: append unconditionally, because the branch would be mispredicted."""


@dataclass(frozen=True)
class RareSum:
    """The sum of `field`, recorded as `name`, over the borrowers of whom `when` is not 0."""

    name: str
    field: str
    when: str


BIRTH = (
    Phase("birth", "set-up", "be_born", "traits are drawn for life", (be_born,), listed=True),
    Phase("income deciles", "set-up", "rank", "decile of income in the first population", (rank_income,), listed=True),
    Phase("history", "set-up", "history", "accounts in the middle of their life", (have_history,), listed=True),
    Phase(
        "first book",
        "set-up",
        "first_book",
        "the schedule, the first scores, the anchor",
        (schedule, position, score, settle_in),
        listed=True,
    ),
)
"""How the first population comes about; a portfolio's columns replace what is drawn between history and first book."""

MONTH = (
    Phase("world", "1", "world", "macro index, sectors, calendar, the pool's size, tightness, campaigns"),
    Phase(
        "campaign order",
        "5",
        "campaign",
        "in a campaign, the order in which lines are reviewed",
        (position, stand_in_campaign),
        listed=True,
        reads=("closeness",),
    ),
    Phase(
        "entry",
        "entry",
        "enter",
        "applicants take the slots of those who left",
        (be_born, rank_income, apply_first),
        listed=True,
        reads=("status",),
    ),
    Phase("income and spending", "2", "account", "earn, and the spending wanted", (earn, spend)),
    Phase(
        "repayment",
        "3",
        "account",
        "what falls due, what is paid, arrears, charge-off",
        (note_arrears, fall_due, repay, apply_payment, charge_off, slide, pay_bills),
    ),
    Phase("scoring", "4", "account", "factors with memory, two scores", (remember, position, score)),
    Phase(
        "review",
        "5",
        "account",
        "whose line is decided this month: calendar, campaign, arrears, applications",
        (call_for_review, commit),
    ),
    Phase(
        "decision",
        "5",
        "account",
        "the lowest of the named caps, its argmin kept; the cut menu",
        (weigh, stand_in_order, decide, contend),
        where="review",
    ),
    Phase("arrears flags", "8", "account", "moves in and out of arrears as bits", (count_arrears,), where="slid"),
    Phase(
        "allocation",
        "6",
        "allocate",
        "admissions budget, then the pool by rank under the planning constraint",
        writes=("granted",),
    ),
    Phase("line and notice", "7", "decision", "the line takes effect or is announced", (set_line,), where="touched"),
    Phase("outcome", "8", "decision", "events and spells without a line", (record,), where="touched"),
    Phase(
        "monitoring",
        "9",
        "decision",
        "who looks, finds and appeals",
        (look, stand_in_queue, measure_cut, count_decided),
        where="touched",
    ),
    Phase("requests", "10", "decision", "loans asked for within the line", (wait, ask)),
    Phase("outcome flags", "8", "decision", "the decision's outcomes as bits", (count,)),
    Phase(
        "distances",
        "8",
        "measure",
        "for each event, every cap and the distance to every threshold",
        (position, measure),
        listed=True,
    ),
    Phase("appeals desk", "9", "desk", "queue, capacity, set-aside", reads=("asked",), writes=("granted",)),
    Phase(
        "appeals heard",
        "9",
        "hear",
        "documents show true income and lift the trigger",
        (position, support, hear, forget),
        listed=True,
        reads=("appealed_line",),
    ),
    Phase(
        "appeals granted",
        "9",
        "restore",
        "the line opens at once, and a loan may be asked for",
        (restore, ask),
        listed=True,
        reads=("asked",),
    ),
    Phase("accounts", "9", "accounts", "income, losses, costs, distributions: the cash that is left to lend"),
    Phase(
        "hard constraint",
        "10",
        "serve",
        "requests in keyed order of arrival until the first that does not fit",
        reads=("asked",),
        writes=("refused",),
    ),
    Phase("word of mouth", "12", "gossip", "what acquaintances reported last month", reads=("told",), writes=("heard",)),
    Phase("payout", "10", "living", "served loans are paid out", (receive, fall_short)),
    Phase("booking", "10", "living", "a card's interest is billed; a loan becomes a schedule", (bill, book, owe)),
    Phase("coping", "11", "living", "other lenders, shortfall, slipped projects", (cope,), where="lacks"),
    Phase("closing flags", "8", "living", "where everybody stands at the month's end, as bits", (count_at_end,)),
    Phase("trust", "12", "living", "trust, leaving", (feel, leave)),
    Phase(
        "complaints",
        "12",
        "living",
        "complaints; the outcomes of who was stirred as bits",
        (count_stirred,),
        where="stirred",
    ),
    Phase("ledger", "12", "close", "the books are closed and checked, to the fen"),
)

SUMS = {
    "account": ("income", "interest_paid", "principal_paid", "principal_after", "committed"),
    "decision": ("limit",),
    "living": ("drawn", "principal", "cash", "other_debt", "trust"),
}
"""What a stage sums over the borrowers, by segment and income decile, in whole numbers."""

RARE_SUMS = {
    "account": (
        RareSum("written_off", "written_off", "written_off"),
        RareSum("recovered", "recovered", "written_off"),
        RareSum("on_notice", "on_notice", "on_notice"),
    ),
    "decision": (RareSum("cut", "cut", "cut"), RareSum("cut_from", "limit_before", "cut")),
    "living": (
        RareSum("months_to_finding", "since_paid", "found"),
        RareSum("refused_amount", "asked", "refused"),
        RareSum("elsewhere", "elsewhere", "lacks"),
        RareSum("shortfall", "shortfall", "lacks"),
        RareSum("slip_cost", "slip_cost", "lacks"),
        RareSum("overdue", "overdue", "overdue"),
    ),
}
"""Sums over the few borrowers of whom another field is not 0."""


def words_of(stage: str) -> tuple[tuple[str, str | None], ...]:
    """Words of outcome flags that a stage counts, by segment and income decile, and over whom; first those of everybody."""
    words = [
        (word, phase.where)
        for phase in MONTH
        if phase.stage == stage
        for rule in phase.rules
        for word in rule.writes
        if word in COUNTED
    ]
    return tuple(sorted(words, key=lambda one: one[1] is not None))


COUNTED = {one.word for one in FLAGS.values()}
WORDS = {stage: words for stage in dict.fromkeys(phase.stage for phase in MONTH) if (words := words_of(stage))}
"""Stage -> words of outcome flags that it counts, and over whom (None: everybody)."""

OUTCOMES = {word: tuple(one for one in FLAGS.values() if one.word == word) for words in WORDS.values() for word, _ in words}
"""Word -> its outcomes, bit by bit."""

ROLLS = {
    "account": (Roll("contenders", ("contends",), ("rank", "wanted", "principal_after", "review")),),
    "decision": (
        Roll("events", ("happened", "ended"), ("happened", "ended", "spell")),
        Roll("appellants", ("appeals",), ("waited", "risk")),
        Roll("askers", ("asked",), ("asked",), often=True),
    ),
    "living": (Roll("leavers", ("leaves",), ("leaves", "event", "without_line")),),
}
"""Lists that a stage makes."""


def kept_of(stage: str) -> tuple[str, ...]:
    """What a panel takes from a stage as it ends: its words, and what its sums add of a borrower. A state that nothing
    writes later in the month can be read when the month is over."""
    rare = [name for one in RARE_SUMS.get(stage, ()) for name in (one.field, one.when)]
    named = dict.fromkeys([word for word, _ in WORDS.get(stage, ())] + [*SUMS.get(stage, ()), *rare])
    last = max(place for place, phase in enumerate(MONTH) if phase.stage == stage)
    written = {name for phase in MONTH[last + 1 :] for rule in phase.rules for name in rule.writes}
    return tuple(name for name in named if FIELDS[name].flow or name in written)


KEPT = {stage: kept_of(stage) for stage in WORDS}
"""Stage -> fields that a panel takes from it."""


def refuse_what_nothing_has() -> None:
    """BadDeclaration where a table above names a field, or a rate a count or sum, that does not exist."""
    named = {f"phase {one.name}": (*one.reads, *one.writes, *([one.where] if one.where else [])) for one in (*BIRTH, *MONTH)}
    named |= {f"sums of {stage}": names for stage, names in SUMS.items()}
    rare = {one.name: one for some in RARE_SUMS.values() for one in some}
    named |= {f"sum {one.name}": (one.field, one.when) for one in rare.values()}
    named |= {f"list {one.name}": (*one.when, *one.values) for some in ROLLS.values() for one in some}
    for where, names in named.items():
        for name in names:
            refuse_unknown(where, "field", name, FIELDS)
    counts = [*FLAGS, *DESK, *(name for names in SUMS.values() for name in names), *rare]
    for rate, (over, under, _) in RATES.items():
        for name in (*over, *under):
            refuse_unknown(f"rate {rate}", "count or sum", name, counts)


refuse_what_nothing_has()


def all_rules() -> tuple[Rule, ...]:
    """Every built-in rule once, in the order of its first use."""
    found: dict[str, Rule] = {}
    for phase in (*BIRTH, *MONTH):
        for rule in phase.rules:
            found.setdefault(rule.name, rule)
    return tuple(found.values())
