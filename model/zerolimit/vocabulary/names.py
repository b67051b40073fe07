"""The words of the model, each declared once: segments, sectors, statuses, strategies.

Rules compare floats, so codes are floats here. Whatever lists, labels, stores or colours these reads it here.
"""

SEGMENTS = ("salaried", "gig", "owner")
SALARIED, GIG, OWNER = 0.0, 1.0, 2.0

SECTORS = ("manufacturing", "retail", "services", "construction")
SECTOR_COUNT = float(len(SECTORS))
SERVICES = float(SECTORS.index("services"))

STATUSES = ("open", "frozen", "closed", "left")
OPEN, FROZEN, CLOSED, LEFT = 0.0, 1.0, 2.0, 3.0

STRATEGIES = ("none", "restraint", "planning", "monitoring", "appealing", "diversifying")
RESTRAINT, PLANNING, MONITORING, APPEALING, DIVERSIFYING = 1.0, 2.0, 3.0, 4.0, 5.0

NO_REVIEW, REVIEW, REAPPLY, APPLY = 0.0, 1.0, 2.0, 3.0

WARNED_OF_SCORE, WARNED_OF_TRIGGER = 1.0, 2.0
"""What an early warning is about; the trigger where it is both."""


ENDS = ("censored", "score", "loosening", "re-application", "appeal", "pool", "charge-off", "left", "repayment")
"""How an episode without a usable line ended; 0 is not yet (censored at the horizon)."""
END_SCORE, END_LOOSENING, END_REAPPLY, END_APPEAL, END_POOL, END_CHARGEOFF, END_LEFT, END_REPAID = (
    float(k) for k in range(1, 9)
)

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
"""A user-defined rule shares the pool."""

EVENTS = ("none", "zero limit", "blocked after repayment")
ZERO_LIMIT, BLOCKED = 1.0, 2.0

MOST_MONTHS = 10_000
"""Months of a run, at most."""
