"""Step 11: what is not lent comes from other lenders; what remains is a shortfall."""

from zerolimit.rules.rule import clip, rule, whole
from zerolimit.vocabulary.constants import LARGEST, MONTHS_MOST, ONE_YUAN, SCORE_GOOD, SCORE_HIGH, SHARE_MOST
from zerolimit.vocabulary.names import DIVERSIFYING, OWNER


@rule("cash", "other_debt", "elsewhere", "shortfall", "inquiries", "project", "slip_cost")
def cope(
    strategy,
    segment,
    cash,
    other_debt,
    inquiries,
    project,
    zhima,
    late,
    limit,
    principal,
    zeros,
    income_true,
    u_other,
    terms,
):
    """Who lacks money: another lender may lend what is missing, else spending is cut and a project slips a month.

    Approved with probability other_base + other_score x (zhima - 600) / 350 - other_usage x utilisation -
    other_inquiries x inquiries - other_record x min(zeros, record_counted) (+ diversified), not in arrears, while other
    debt stays within other_cap months of income. Other lenders see balances, limits, arrears and inquiries; whether they
    see the record of zero limits is other_record. A project that slips loses slip_loss x mean income in sales, which next
    month's income must make good (facts F3).
    """
    missing = max(0.0, -cash)
    used = min(1.0, principal / max(limit, ONE_YUAN)) if principal > 0.0 else 0.0
    chance = clip(
        terms.other_base
        + terms.other_score * (zhima - SCORE_GOOD) / (SCORE_HIGH - SCORE_GOOD)
        - terms.other_usage * used
        - terms.other_inquiries * inquiries
        - terms.other_record * min(zeros, terms.record_counted)
        + (terms.diversified if strategy == DIVERSIFYING else 0.0),
        0.0,
        1.0,
    )
    fits = other_debt + missing <= min(terms.other_cap * income_true, LARGEST)
    lent = missing if late == 0.0 and fits and u_other < chance else 0.0
    lacking = missing - lent
    slips = lacking > 0.0 and segment == OWNER and project > 0.0
    lost = whole(terms.slip_loss * income_true) if slips else 0.0
    return (
        max(0.0, cash + lent) - lost,
        other_debt + lent,
        lent,
        lacking,
        min(SHARE_MOST, inquiries + 1.0 / terms.memory_inquiries),
        min(project + 1.0, MONTHS_MOST) if slips else project,
        lost,
    )
