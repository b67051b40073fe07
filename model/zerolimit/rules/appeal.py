"""Step 9, at the desk: documents replace recorded by true income and lift the trigger."""

from zerolimit.rules.caps import CAPS
from zerolimit.rules.decision import is_frozen_by_arrears
from zerolimit.rules.rule import rule, whole
from zerolimit.rules.unrolled import forgetting, over_caps
from zerolimit.vocabulary.names import APPEAL_REJECTED, APPEAL_WON, NO_EVENT, NOT_APPEALED, OPEN, REVIEW


@rule("appealed_line")
@over_caps({"income_seen": "income_true", "review": REVIEW}, lifted=False)
def support(base_line, lowest, terms):
    """The line (fen) that the decision gives with true income and without the caps that an appeal lifts (the trigger)."""
    return min(whole(lowest), whole(terms.restart_share * base_line))


@rule("income_seen", "appealed_line", "appealed")
def hear(income_true, scheduled, overdue, late, appealed_line, terms):
    """Below the minimum loan, or where arrears leave nothing to draw, is 0: rejected.

    What succeeds and is not granted now waits with priority.
    """
    room = 0.0 if is_frozen_by_arrears(late, terms) else appealed_line - (scheduled + overdue)
    won = room >= terms.minimum_loan
    return income_true, appealed_line if won else 0.0, APPEAL_WON if won else APPEAL_REJECTED


@rule(*(name for cap in CAPS for name in cap.forgotten))
@forgetting
def forget(memory, appealed):
    """An appeal won lets the memories begin anew that would close the line again."""
    return 0.0 if appealed == APPEAL_WON else memory


@rule("limit", "status", "without_line", "event", "known", "appealed")
def restore(scheduled, overdue, granted):
    """An appeal won and granted from the set-aside opens the line at once, at the balance plus the grant."""
    return scheduled + overdue + granted, OPEN, 0.0, NO_EVENT, 0.0, NOT_APPEALED
