"""Step 9, what the month costs the platform."""

from typing import Any

from zerolimit.basics.wording import FEN
from zerolimit.platform.declared import on_one_world
from zerolimit.platform.pool import share_of
from zerolimit.vocabulary.constants import MONTHS_A_YEAR


@on_one_world("funding_costs", "review_costs", "reason_costs", "warning_costs", "notice_costs", "appeal_costs")
def charge(
    pool_limit: int | None,
    principal: int,
    reviewed: int,
    decreases: int,
    warned: int,
    noticed: int,
    appeals_heard: int,
    scenario: Any,
) -> tuple[int, ...]:
    """funding = max(pool, principal) x funding_rate / 12; a review, a letter and an appeal cost so much each (fen)."""
    letter = round(scenario.notice_cost * FEN)
    return (
        share_of(max(pool_limit or 0, principal), scenario.funding_rate / MONTHS_A_YEAR),
        reviewed * round(scenario.review_cost * FEN),
        decreases * letter if scenario.reasons_sent else 0,
        warned * letter,
        noticed * letter,
        appeals_heard * round(scenario.appeal_cost * FEN),
    )
