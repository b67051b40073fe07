"""A borrower's columns: every field once, with storage, unit and meaning.

Two kinds: a *state* is carried from month to month; a *flow* is set and used within one month. Flows are kept in
registers or scratch where the month allows, in a column only where a later stage needs them (engine/plan.py decides).
Money is whole fen. Rules see every field as float64.
"""

from dataclasses import dataclass
from functools import cache

from zerolimit.basics.errors import BadDeclaration
from zerolimit.vocabulary.constants import LONG_TERM, MONTHS_MOST, SCORE_HIGH, SCORE_LOW, ZEROS_MOST
from zerolimit.vocabulary.names import coded

DTYPES = {"i1": "int8", "i2": "int16", "i4": "int32", "f4": "float32", "q2": "int16"}
"""Storage types. `q2` is fixed point: a whole number of 1/16,384, for shares and rates from 0 to just under 2."""
BYTES = {"i1": 1, "i2": 2, "i4": 4, "f4": 4, "q2": 2}
Q2 = 16_384.0
STORABLE = {"i1": 127.0, "i2": 32_767.0, "i4": 2_000_000_000.0, "q2": 32_767.0 / Q2}
"""The largest magnitude that a rule may return for a stored number (float32 has no limit that matters)."""

INSTALMENTS = int(LONG_TERM)
"""Months of the repayment schedule; the longest term."""
SCHEDULE = tuple(f"due_{k}" for k in range(INSTALMENTS))
"""What falls due month by month. Void while nothing is scheduled: it is neither read nor cleared then."""


SCORES = f"{SCORE_LOW:g} to {SCORE_HIGH:g}"


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `unit` is what a number in it means; flows are not carried to the next month."""

    name: str
    storage: str
    unit: str
    meaning: str
    flow: bool = False
    signed: bool = False
    """An amount that may lie below 0."""
    void: bool = False
    """May hold anything while nothing is scheduled."""
    birth: bool = False
    """Set at birth and never by the month: an entrant's slot gets a new one."""


def _state(
    name: str, storage: str, unit: str, meaning: str, *, birth: bool = False, signed: bool = False, void: bool = False
) -> Field:
    return Field(name, storage, unit, meaning, birth=birth, signed=signed, void=void)


def _flow(name: str, storage: str, unit: str, meaning: str) -> Field:
    return Field(name, storage, unit, meaning, flow=True)


STATE = (
    _state("segment", "i1", "code", "salaried, gig worker or micro-business owner", birth=True),
    _state("sector", "i1", "code", "sector of work", birth=True),
    _state("age", "i1", "years", "age when the account was opened", birth=True),
    _state("strategy", "i1", "code", "borrower strategy followed", birth=True),
    _state("use_type", "i1", "code", f"how credit is used: {coded('use_type')}", birth=True),
    _state("product", "i1", "code", f"what is lent: {coded('product')}", birth=True),
    _state("wished_use", "q2", "share", "of the line, that a revolver fills up to", birth=True),
    _state("decile", "i1", "0 to 9", "decile of income at birth, in the first population's distribution", birth=True),
    _state("status", "i1", "code", "line status: open, frozen, closed, left"),
    _state("generation", "i2", "count", "borrowers that used this slot before; part of the draws' key"),
    _state("tenure", "i2", "months", "since the account was opened"),
    _state("income_true", "i4", "fen a month", "mean income", birth=True),
    _state("income_seen", "i4", "fen a month", "recorded income, as the platform sees it"),
    _state("cash", "i4", "fen", "savings at hand; below 0, what is lacking", signed=True),
    _state("other_debt", "i4", "fen", "owed to other lenders"),
    _state("out_of_work", "i1", "months", "length of the current spell without work"),
    _state("project", "i1", "months", "monthly tranches still to pay for a project"),
    _state("propensity", "f4", "a month", "true probability to miss a payment while current", birth=True),
    _state("signal", "i2", "points", "noisy view of the propensity in the risk score", birth=True),
    _state("anchor", "f4", "ratio", "first line over what the decision's formula gave at the start"),
    _state("limit", "i4", "fen", "credit line"),
    _state("scheduled", "i4", "fen", "principal not yet due"),
    _state("overdue", "i4", "fen", "principal past due"),
    _state("overdue_interest", "i4", "fen", "interest billed or past due, and not paid"),
    *(
        _state(name, "i4", "fen", f"principal falling due {k} months from now; void while nothing is scheduled", void=True)
        for k, name in enumerate(SCHEDULE)
    ),
    _state("late", "i1", "months", "months past due"),
    _state("punctuality", "q2", "share", "moving average of payments made on time"),
    _state("frequency", "q2", "loans a month", "moving average of loans taken"),
    _state("loan_size", "q2", "share of income", "moving average of loan sizes over recorded monthly income"),
    _state("early", "q2", "share", "moving average of loans repaid early"),
    _state("usage", "q2", "share", "moving average of utilisation"),
    _state("inquiries", "q2", "a month", "moving average of applications to other lenders"),
    _state("idle", "i1", "months", f"since the line was last used or given again, at most {MONTHS_MOST:g}"),
    _state("risk", "f4", "points", f"the platform's own risk score, {SCORES}; stands still when rescoring is off"),
    _state("zhima", "i2", "points", f"general credit score, {SCORES}, seen by outside lenders too"),
    _state("zhima_seen", "i2", "points", "general score that admission uses; stands still when rescoring is off"),
    _state("review_in", "i1", "months", "until the next calendar review"),
    _state("reason", "i1", "code", "number of the cap that decided the last cut"),
    _state("mask", "i4", "bits", "all caps below the minimum loan at the last cut"),
    _state("without_line", "i2", "months", "current spell without a usable line; 0 when there is one"),
    _state("zeros", "i1", "count", f"zero-limit events so far, at most {ZEROS_MOST:g}"),
    _state("event", "i1", "code", "the event that began the current spell"),
    _state("known", "i1", "0/1", "the borrower has noticed the current spell"),
    _state(
        "appealed",
        "i1",
        "code",
        coded("appealed"),
    ),
    _state("waited", "i1", "months", "that an appeal has waited for the desk"),
    _state("since_paid", "i1", "months", f"since the last payment, at most {MONTHS_MOST:g}"),
    _state("notice_left", "i1", "months", "until an announced cut has taken full effect"),
    _state("announced", "i4", "fen", "line when the announced cut has taken full effect"),
    _state("trust", "q2", "share", "trust in the platform, 0 to 1"),
    _state("told", "i1", "0/1", "what acquaintances hear next month: punctual and without a line"),
)

FLOWS = (
    _flow("income", "i4", "fen", "income of this month"),
    _flow("outlay", "i4", "fen", "spending wanted this month"),
    _flow("late_before", "i1", "months", "past due when the month began"),
    _flow("principal_before", "i4", "fen", "principal when the month began"),
    _flow("due_now", "i4", "fen", "instalments due this month"),
    _flow("interest_now", "i4", "fen", "interest that falls due this month; a card's was billed before"),
    _flow("owing", "i4", "fen", "all that is due this month, arrears included"),
    _flow("paid", "i4", "fen", "paid to the platform this month, interest included"),
    _flow("interest_paid", "i4", "fen", "interest paid this month"),
    _flow("principal_paid", "i4", "fen", "principal repaid this month"),
    _flow("written_off", "i4", "fen", "principal written off this month"),
    _flow("recovered", "i4", "fen", "recovered of what was written off"),
    _flow("standing", "i1", "code", coded("standing")),
    _flow("slid", "i1", "months", "of who is or was late: months past due when the month began, + 1"),
    _flow("settled", "i1", "code", coded("settled")),
    _flow("bridged", "i1", "0/1", "paid with money from elsewhere, counting on a new loan"),
    _flow("moved", "i1", "0/1", "another lender has repaid all that was owed; the account ends"),
    _flow("touched", "i1", "0/1", "goes through the decision and its outcome this month"),
    _flow("lacks", "i1", "0/1", "has spending left that is not paid for"),
    _flow("stirred", "i1", "0/1", "was refused, found a cut, lacked money, bridged a payment or left"),
    _flow("distance", "f4", "share", "distance from the target customer"),
    _flow("review", "i1", "code", "why the line is decided this month"),
    _flow("barred", "i2", "months", "of a re-application: until the lender readmits after the closure's reason"),
    _flow("reached", "i1", "0/1", "a campaign reaches the line this month"),
    _flow("closeness", "f4", "points", "place in a campaign's order, lowest first"),
    _flow("base_line", "f4", "fen", "the formula's line: the lower of the income and the score line"),
    _flow("lowest", "f4", "fen", "lowest cap"),
    _flow("cap_reason", "i1", "code", "the lowest cap's number"),
    _flow("cap_mask", "i4", "bits", "all caps below the minimum loan"),
    _flow("wanted", "i4", "fen", "line that the policy would give, before the pool"),
    _flow("rank", "f4", "points", "order in which the pool is served"),
    _flow("principal_after", "i4", "fen", "principal after repayment"),
    _flow("committed", "i4", "fen", "undrawn part of a line that is not decided this month"),
    _flow("on_notice", "i4", "fen", "undrawn part of a line whose cut is announced this month"),
    _flow("contends", "i1", "0/1", "asks the allocation for an undrawn part"),
    _flow("slip_cost", "i4", "fen", "sales lost because a project slipped"),
    _flow("granted", "i4", "fen", "undrawn part that the allocation gives"),
    _flow("limit_before", "i4", "fen", "effective line when the month began"),
    _flow("happened", "i1", "code", "event of this month: zero limit, blocked after repayment"),
    _flow("cut", "i4", "fen", "what a line lost, if more than 5 % of it"),
    _flow("ended", "i1", "code", "how a spell without a line ended this month"),
    _flow("spell", "i2", "months", "length of the spell that ended"),
    _flow("found", "i1", "code", f"noticed the spell this month: {coded('found', first=1)}"),
    _flow("warned", "i1", "code", f"early warning: {coded('warned', first=1)}"),
    _flow("appeals", "i1", "code", f"before the desk: {coded('appeals', first=1)}"),
    _flow("appealed_line", "i4", "fen", "line that an appeal's documents support"),
    _flow("asked", "i4", "fen", "loan asked for, within the available line"),
    _flow("refused", "i1", "0/1", "request refused because the pool was used up"),
    _flow("drawn", "i4", "fen", "lent this month"),
    _flow("elsewhere", "i4", "fen", "borrowed from other lenders this month"),
    _flow("shortfall", "i4", "fen", "spending that could not be paid"),
    _flow("principal", "i4", "fen", "principal when the month ends"),
    _flow("leaves", "i1", "code", f"why the account ends this month, owing nothing: {coded('leaves', first=1)}"),
    _flow("broken", "i1", "code", "the first law of an account that a month with user-defined rules breaks (rules/laws.py)"),
    _flow("heard", "q2", "share", "of a borrower's acquaintances, those who reported a zero limit last month"),
    _flow("owed", "i4", "fen", "at birth: principal owed"),
    _flow("months_left", "i1", "months", "at birth: instalments still to come"),
)

NEW_INSTALMENT = f"due_{INSTALMENTS}"
"""What falls due twelve months from now. It shares the slot of `due_0`, which is void once this month's has fallen due."""

FIELDS = {field.name: field for field in (*STATE, *FLOWS)}
FIELDS[NEW_INSTALMENT] = Field(NEW_INSTALMENT, "i4", "fen", f"principal falling due {INSTALMENTS} months from now")


def declare_flow(name: str, storage: str, unit: str, meaning: str) -> None:
    """A flow that is declared elsewhere: a word of outcome flags, by the rule that counts it."""
    if name in FIELDS:
        raise BadDeclaration(f"field {name}: declared twice")
    FIELDS[name] = _flow(name, storage, unit, meaning)


def slot(name: str, month: int) -> str:
    """The stored column behind a field in a month: the schedule is a ring, so nothing is shifted."""
    if name.startswith("due_") and name != "due_now":
        return f"due_{(month + int(name[4:])) % INSTALMENTS}"
    return name


@cache
def slots(names: tuple[str, ...], turn: int) -> tuple[str, ...]:
    """The stored columns behind several fields in a month that is `turn` modulo INSTALMENTS."""
    return tuple(slot(name, turn) for name in names)
