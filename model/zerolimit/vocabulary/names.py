"""The words of the model, each declared once: segments, sectors, statuses, caps, strategies.

Rules compare floats, so codes are floats here. Whatever lists, labels, stores or colours these reads it here.
"""

from dataclasses import dataclass

from zerolimit.vocabulary.mechanisms import BASELINE


def codes(meanings: tuple[str, ...]) -> tuple[float, ...]:
    """0, 1, 2, ...: what a field holds in place of each meaning."""
    return tuple(float(code) for code in range(len(meanings)))


SEGMENTS = ("salaried", "gig", "owner")
SALARIED, GIG, OWNER = codes(SEGMENTS)

SECTORS = ("manufacturing", "retail", "services", "construction")

STATUSES = ("open", "frozen", "closed", "left")
OPEN, FROZEN, CLOSED, LEFT = codes(STATUSES)

STRATEGIES = ("none", "restraint", "planning", "monitoring", "appealing", "diversifying")
NO_STRATEGY, RESTRAINT, PLANNING, MONITORING, APPEALING, DIVERSIFYING = codes(STRATEGIES)

REVIEWS = ("not decided", "review", "re-application", "first application")
NO_REVIEW, REVIEW, REAPPLY, APPLY = codes(REVIEWS)

STANDINGS = ("nothing due", "on-time payer", "late", "charged off")
NOTHING_DUE, ON_TIME, LATE, CHARGED_OFF = codes(STANDINGS)

SETTLEMENTS = ("no loan ended", "paid off as scheduled", "paid off early")
NOT_PAID_OFF, PAID_OFF, PAID_OFF_EARLY = codes(SETTLEMENTS)

WARNINGS = ("none", "of a score near the cutoff", "of the trigger near")
NOT_WARNED, WARNED_OF_SCORE, WARNED_OF_TRIGGER = codes(WARNINGS)
"""What an early warning is about; the trigger where it is both."""

FINDINGS = ("not noticed", "by looking", "at need", "told before by a notice")
NOT_FOUND, FOUND_LOOKING, FOUND_AT_NEED, FOUND_BY_NOTICE = codes(FINDINGS)

APPEALS = ("no appeal in this spell", "filed and waiting", "won and waiting for the next allocation", "rejected")
NOT_APPEALED, APPEAL_FILED, APPEAL_WON, APPEAL_REJECTED = codes(APPEALS)

QUEUED = ("none", "filed this month", "waiting from before")
NOT_QUEUED, QUEUED_NOW, QUEUED_BEFORE = codes(QUEUED)
"""Whose appeal is before the desk."""


@dataclass(frozen=True, slots=True)
class Cap:
    """One named upper bound on a line; the lowest is the reason for a cut. Order decides ties."""

    name: str
    mechanism: str
    says: str


CAPS = (
    Cap("income", BASELINE, "recorded income supports no higher line"),
    Cap("cutoff", BASELINE, "risk score below the cutoff"),
    Cap("arrears", BASELINE, "a payment is past due"),
    Cap("score", "rescoring", "risk score supports no higher line"),
    Cap("trigger", "trigger", "frequent small loans"),
    Cap("idle", "trigger", "line not used for long"),
    Cap("early", "trigger", "loans often repaid early"),
    Cap("positioning", "positioning", "away from the target customer"),
    Cap("multiplier", "tightening", "all lines scaled down"),
    Cap("cutoff_shift", "tightening", "cutoff raised"),
    Cap("per_person", "tightening", "legal ceiling per person"),
    Cap("grant", "scarcity", "pool used up before this rank"),
)
REASONS = tuple(cap.name for cap in CAPS)
"""A stored reason is the cap's position + 1; 0 is no reason."""
GRANT_BIT = float(2 ** REASONS.index("grant"))
GRANT_REASON = float(REASONS.index("grant") + 1)

ENDS = ("censored", "score", "loosening", "re-application", "appeal", "pool", "charge-off", "left", "repayment")
"""How an episode without a usable line ended; 0 is not yet (censored at the horizon)."""
(
    CENSORED,
    END_SCORE,
    END_LOOSENING,
    END_REAPPLY,
    END_APPEAL,
    END_POOL,
    END_CHARGEOFF,
    END_LEFT,
    END_REPAID,
) = codes(ENDS)

ALLOCATIONS: dict[str, str] = {
    "score": "by risk score, incumbents and those near the target customer first",
    "profit": "by expected profit per yuan lent, none where it is negative",
    "age": "first come, first served: by months since the account was opened",
    "lottery": "by lottery alone",
    "target": "the target segment first, then by risk score",
    "pro_rata": "each the same share of what policy would give",
    "water_filling": "each the same amount, or all that policy would give where that is less",
    "equal_floor": "each a floor, then by score",
}
"""How the pool is shared among those who contend for it."""
BY_SCORE, BY_PROFIT, BY_AGE, BY_LOTTERY, BY_TARGET = (float(k) for k in range(5))
"""Rules that serve an order; for the others the order only breaks ties."""
BY_OWN = -1.0
"""A rule of one's own shares the pool."""

EVENTS = ("none", "zero limit", "blocked after repayment")
NO_EVENT, ZERO_LIMIT, BLOCKED = codes(EVENTS)

CODES: dict[str, tuple[str, ...]] = {
    "segment": SEGMENTS,
    "sector": SECTORS,
    "strategy": STRATEGIES,
    "status": STATUSES,
    "review": REVIEWS,
    "standing": STANDINGS,
    "settled": SETTLEMENTS,
    "event": EVENTS,
    "happened": EVENTS,
    "ended": ENDS,
    "warned": WARNINGS,
    "found": FINDINGS,
    "appealed": APPEALS,
    "appeals": QUEUED,
}
"""Fields that are codes, and what 0, 1, 2, ... mean. Rules compare them with names; a test refuses bare numbers."""


def coded(field: str, *, first: int = 0) -> str:
    """The codes of a field in words, from the first on."""
    return ", ".join(f"{code} {says}" for code, says in enumerate(CODES[field]) if code >= first)


MOST_MONTHS = 10_000
"""Months of a run, at most."""
