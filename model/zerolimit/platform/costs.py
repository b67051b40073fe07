"""Step 9, what the month costs the platform."""

from typing import Any

from zerolimit.platform.declared import on_one_world
from zerolimit.platform.shares import Exact, part_of


@on_one_world(
    *("funding_costs", "review_costs", "reason_costs", "warning_costs", "notice_costs", "appeal_costs"),
    *("acquisition_costs", "servicing_costs", "collection_costs", "costs"),
)
def charge(
    pool: int,
    principal: int,
    funding_price: Exact,
    reviewed: int,
    decreases: int,
    warned: int,
    noticed: int,
    appeals_heard: int,
    opened: int,
    serviced: int,
    chased: int,
    terms: Any,
) -> tuple[int, ...]:
    """funding = max(pool, principal) x funding_rate / 12; a review, a letter and an appeal cost so much each (fen).

    So does a line opened (acquisition_cost), and each month an account (servicing_cost) and one past due (collection_cost).
    """
    letter = int(terms.notice_cost)
    funding = part_of(max(pool, principal), funding_price)
    review, appeal = reviewed * int(terms.review_cost), appeals_heard * int(terms.appeal_cost)
    reasons = decreases * letter if terms.reasons_sent > 0.0 else 0
    acquisition, servicing = opened * int(terms.acquisition_cost), serviced * int(terms.servicing_cost)
    collection = chased * int(terms.collection_cost)
    return (
        funding,
        review,
        reasons,
        warned * letter,
        noticed * letter,
        appeal,
        acquisition,
        servicing,
        collection,
        funding + review + reasons + warned * letter + noticed * letter + appeal + acquisition + servicing + collection,
    )
