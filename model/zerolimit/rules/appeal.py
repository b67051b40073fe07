"""Step 9, at the desk: documents replace recorded by true income and lift the trigger."""

from zerolimit.rules.decision import cap_values
from zerolimit.rules.rule import rule, whole
from zerolimit.vocabulary.names import APPEAL_REJECTED, APPEAL_WON, NO_EVENT, NOT_APPEALED, OPEN, REVIEW


@rule("income_seen", "appealed_line", "frequency", "idle", "early", "appealed")
def hear(
    income_true, risk, zhima_seen, anchor, frequency, idle, early, loan_size, late, scheduled, overdue, distance, terms
):
    """The line (fen) that the decision gives with true income and without trigger; below the minimum loan is 0: rejected.

    What succeeds and is not granted now waits for the next allocation with priority.
    """
    balance = scheduled + overdue
    c = cap_values(income_true, risk, zhima_seen, anchor, distance, 0.0, loan_size, 0.0, 0.0, late, balance, REVIEW, terms)
    least = min(c[0], c[1], c[2], c[3], c[7], c[8], c[9], c[10])
    line = min(whole(least), whole(terms.restart_share * min(c[0], c[3])))
    won = line - balance >= terms.minimum_loan
    kept = 0.0 if won else 1.0
    ended = APPEAL_WON if won else APPEAL_REJECTED
    return income_true, line if won else 0.0, kept * frequency, kept * idle, kept * early, ended


@rule("limit", "status", "without_line", "event", "known", "appealed")
def restore(scheduled, overdue, granted):
    """An appeal won and granted from the set-aside opens the line at once, at the balance plus the grant."""
    return scheduled + overdue + granted, OPEN, 0.0, NO_EVENT, 0.0, NOT_APPEALED
