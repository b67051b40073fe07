"""What must hold of one borrower's account, whatever rules a user brings: the laws, checked at the end of each stage.

Where a month has only built-in rules these hold by construction (tests show it), and totals alone are checked
(balance.py); with user-defined rules or overridden methods they are checked of every borrower, every month.
"""

from zerolimit.rules.rule import Rule, rule
from zerolimit.vocabulary.names import OPEN, STAYS

BROKEN = "broken"
"""The field that holds the number of the first law that is broken, 0 where all hold."""


@rule(BROKEN)
def keep_account(
    principal_before,
    principal_after,
    scheduled,
    overdue,
    overdue_interest,
    other_debt,
    paid,
    interest_paid,
    principal_paid,
    written_off,
):
    """After repayment and review, in fen.

    1: B before - principal repaid - written off = B after = scheduled + overdue. 2: interest paid + principal repaid =
    paid. 3: nothing owed, paid or written off is below 0.
    """
    least = min(scheduled, overdue, overdue_interest, other_debt, paid, interest_paid, principal_paid, written_off)
    owed = principal_before - principal_paid - written_off
    if owed != principal_after or scheduled + overdue != principal_after:
        return 1.0
    return 2.0 if interest_paid + principal_paid != paid else (3.0 if least < 0.0 else 0.0)


@rule(BROKEN)
def keep_within_line(status, limit, scheduled, overdue, asked):
    """After the decision, in fen. 1: a line is 0 or more. 2: a loan asked for is 0 to max(0, L - B), of an open line."""
    available = max(0.0, limit - scheduled - overdue) if status == OPEN else 0.0
    return 1.0 if limit < 0.0 else (2.0 if asked < 0.0 or asked > available else 0.0)


@rule(BROKEN)
def keep_served(asked, refused, drawn, principal, scheduled, overdue, overdue_interest, other_debt, leaves):
    """At the month's end, in fen.

    1: lent = asked where it was served, else 0. 2: B = scheduled + overdue. 3: nothing owed is below 0. 4: an account that
    ends owes nothing.
    """
    served = asked if refused == 0.0 else 0.0
    if drawn != served or scheduled + overdue != principal:
        return 1.0 if drawn != served else 2.0
    least = min(scheduled, overdue, overdue_interest, other_debt)
    return 3.0 if least < 0.0 else (4.0 if leaves > STAYS and principal > 0.0 else 0.0)


LAWS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "account": (
        keep_account,
        (
            "owes other than what was owed less what was repaid and written off",
            "pays other than the interest and the principal that are booked",
            "has an amount owed, paid or written off below 0",
        ),
    ),
    "decision": (
        keep_within_line,
        (
            "has a line below 0",
            "asks for {asked}, which the line does not hold ({limit}, of which {scheduled} and {overdue} are owed)",
        ),
    ),
    "living": (
        keep_served,
        (
            "is lent other than the loan that was served ({asked} asked for)",
            "owes other than what is scheduled and overdue",
            "owes less than 0",
            "leaves while owing {scheduled} and {overdue}",
        ),
    ),
}
"""Stage -> the rule that holds its laws, and what is said of a borrower who breaks the first, the second, ..."""
