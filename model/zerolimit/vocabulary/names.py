"""The words of the model, each declared once: segments, sectors, statuses, strategies.

Rules compare floats, so codes are floats here. Whatever lists, labels, stores or colours these reads it here.
"""


def codes(meanings: tuple[str, ...]) -> tuple[float, ...]:
    """0, 1, 2, ...: what a field holds in place of each meaning."""
    return tuple(float(code) for code in range(len(meanings)))


SEGMENTS = ("salaried", "gig", "owner")
SALARIED, GIG, OWNER = codes(SEGMENTS)

SECTORS = ("manufacturing", "retail", "services", "construction")
SECTOR_COUNT = float(len(SECTORS))
MANUFACTURING, RETAIL, SERVICES, CONSTRUCTION = codes(SECTORS)

STATUSES = ("open", "frozen", "closed", "left")
OPEN, FROZEN, CLOSED, LEFT = codes(STATUSES)

STRATEGIES = ("none", "restraint", "planning", "monitoring", "appealing", "diversifying")
NO_STRATEGY, RESTRAINT, PLANNING, MONITORING, APPEALING, DIVERSIFYING = codes(STRATEGIES)

USE_TYPES = ("mixed", "transactor", "revolver", "maxed out", "inactive", "project")
MIXED, TRANSACTOR, REVOLVER, MAXED_OUT, INACTIVE, PROJECT = codes(USE_TYPES)
"""How a borrower uses credit, for life: by needs and habits; paying all each month; carrying a balance; always near the
limit; hardly ever; for an owner's projects and for nothing else."""

PRODUCTS = ("instalments", "card")
INSTALMENT_LOANS, CARD = codes(PRODUCTS)
"""Loans that are repaid in equal instalments, or a card: a balance of which a minimum falls due each month."""

REVIEWS = ("not decided", "review", "re-application", "first application")
NO_REVIEW, REVIEW, REAPPLY, APPLY = codes(REVIEWS)

CAMPAIGN_ORDERS = ("risk", "target", "profit")
BY_RISK, BY_TARGET, BY_PROFIT = codes(CAMPAIGN_ORDERS)

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


PARTINGS = ("stays", "trust lost", "own wish", "dormant", "without a line", "balance transferred")
STAYS, TRUST_LOST, OWN_WISH, DORMANT, WITHOUT_LINE, TRANSFERRED = codes(PARTINGS)
"""Why an account ends, when nothing is owed, or nothing any more."""

ENDS = (
    "censored",
    "score",
    "loosening",
    "re-application",
    "appeal",
    "pool",
    "charge-off",
    "left",
    "repayment",
    "account ended",
)
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
    END_ACCOUNT,
) = codes(ENDS)

EVENTS = ("none", "zero limit", "blocked after repayment")
NO_EVENT, ZERO_LIMIT, BLOCKED = codes(EVENTS)

CODES: dict[str, tuple[str, ...]] = {
    "segment": SEGMENTS,
    "sector": SECTORS,
    "strategy": STRATEGIES,
    "product": PRODUCTS,
    "use_type": USE_TYPES,
    "status": STATUSES,
    "review": REVIEWS,
    "standing": STANDINGS,
    "settled": SETTLEMENTS,
    "event": EVENTS,
    "happened": EVENTS,
    "ended": ENDS,
    "leaves": PARTINGS,
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
BURN_IN = "first months that are run and not counted"
"""What a burn-in is, of a run and of a study."""
