"""Step 1, what the platform announces: how tight it is, and whether a campaign reviews a share of lines."""

from typing import Any

from zerolimit.basics.wording import FEN
from zerolimit.platform.declared import on_one_world
from zerolimit.platform.shares import Exact, part_of
from zerolimit.vocabulary.constants import NEVER, NO_CAP
from zerolimit.vocabulary.world_fields import NO_END


@on_one_world("loss_rate")
def rate_losses(losses_in_year: int, principal_in_year: int, months_in_year: int) -> float:
    """Losses of the last 12 months over the mean principal of those months."""
    return float(losses_in_year * months_in_year) / float(principal_in_year) if principal_in_year > 0 else 0.0


@on_one_world("slump", "stress", "demand", "tightness", "cutoff_shift", "person_cap", "person_cap_income")
def announce(
    macro: float,
    loss_rate: float,
    event_tightness: float,
    event_funding_stress: float,
    event_cutoff_shift: float,
    event_person_cap: float,
    event_person_cap_income: float,
    terms: Any,
) -> tuple[float, ...]:
    """tightness, in [0, 1], is the sum of what the two drivers of a slump bring and of what the calendar asks for:

    base_tightness + event + macro_tightness x slump + funding_tightness x funding stress + loss_tightness x excess losses.

    How borrowers fare is the slump, how the lender is funded the funding stress; each has its own calendar.
    slump = max(0, -macro), excess losses = max(0, loss_rate / loss_norm - 1), stress = 1 + stress_gain x slump,
    demand = max(0, 1 - slump_demand x slump), cutoff_shift = event + cutoff_gain x tightness.
    """
    slump = max(0.0, -macro)
    losses = max(0.0, loss_rate / terms.loss_norm - 1.0)
    drivers = terms.macro_tightness * slump + terms.funding_tightness * event_funding_stress
    wished = terms.base_tightness + event_tightness + drivers + terms.loss_tightness * losses
    tightness = min(1.0, max(0.0, wished))
    return (
        slump,
        1.0 + terms.stress_gain * slump,
        max(0.0, 1.0 - terms.slump_demand * slump),
        tightness,
        event_cutoff_shift + terms.cutoff_gain * tightness,
        float(round(event_person_cap * FEN)) if event_person_cap > 0.0 else NO_CAP,
        event_person_cap_income if event_person_cap_income > 0.0 else NEVER,
    )


@on_one_world("campaign", "tightness_low", "pool_peak")
def call_campaign(
    month: int,
    tightness: float,
    tightness_low: float,
    pool: int,
    pool_before: int,
    pool_peak: int,
    overrun: int,
    fall_share: Exact,
    terms: Any,
) -> tuple[float, float, int]:
    """A campaign is called when tightness rose by campaign_rise since its last low, when the pool fell by campaign_fall
    from its peak, or when it was overcommitted; then low and peak begin anew. Never in month 0.
    """
    low = min(tightness_low, tightness)
    rise = tightness - low >= terms.campaign_rise
    peak = pool_peak if pool == NO_END or pool_before == NO_END else max(pool_peak, pool_before, pool)
    fall = pool != NO_END and pool < peak - part_of(peak, fall_share)
    over = overrun != 0 and pool != NO_END
    if (rise or fall or over) and month > 0 and terms.campaign_share > 0.0:
        return 1.0, tightness, max(0, pool)
    return 0.0, low, peak
