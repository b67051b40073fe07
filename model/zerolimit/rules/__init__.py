"""The rules, one borrower at a time.

What a rule counts is declared where it stands, so the order of outcomes, and of all columns and documents that follow from
them, would be the order of import; it is this one, whichever rule is imported first.
"""

from zerolimit.rules import outcome, repayment, trust

__all__ = ["outcome", "repayment", "trust"]
