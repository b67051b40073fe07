"""Step 1, what the platform announces: how tight it is, and whether a campaign reviews a share of lines."""

from typing import Any

from zerolimit.basics.wording import FEN
from zerolimit.platform.declared import on_one_world
from zerolimit.platform.pool import share_of
from zerolimit.vocabulary.constants import NEVER, NO_CAP


@on_one_world("slump", "stress", "demand", "tightness", "cutoff_shift", "person_cap", "person_cap_income")
def announce(
    macro: float,
    loss_rate: float,
    event_tightness: float,
    event_cutoff_shift: float,
    event_person_cap: float,
    event_person_cap_income: float,
    scenario: Any,
) -> tuple[float, ...]:
    """tightness = base_tightness + event + macro_tightness x slump + loss_tightness x excess of losses, in [0, 1].

    slump = max(0, -macro), excess = max(0, loss_rate / loss_norm - 1), stress = 1 + stress_gain x slump,
    demand = max(0, 1 - slump_demand x slump), cutoff_shift = event + cutoff_gain x tightness.
    """
    slump = max(0.0, -macro)
    losses = max(0.0, loss_rate / scenario.loss_norm - 1.0)
    wished = scenario.base_tightness + event_tightness + scenario.macro_tightness * slump + scenario.loss_tightness * losses
    tightness = min(1.0, max(0.0, wished))
    return (
        slump,
        1.0 + scenario.stress_gain * slump,
        max(0.0, 1.0 - scenario.slump_demand * slump),
        tightness,
        event_cutoff_shift + scenario.cutoff_gain * tightness,
        float(round(event_person_cap * FEN)) if event_person_cap > 0.0 else NO_CAP,
        event_person_cap_income if event_person_cap_income > 0.0 else NEVER,
    )


@on_one_world("called", "tightness_low", "pool_peak")
def call_campaign(
    month: int,
    tightness: float,
    tightness_low: float,
    pool_limit: int | None,
    pool_limit_before: int | None,
    pool_peak: int,
    overrun: bool,
    scenario: Any,
) -> tuple[bool, float, int]:
    """A campaign is called when tightness rose by campaign_rise since its last low, when the pool fell by campaign_fall
    from its peak, or when it was overcommitted; then low and peak begin anew. Never in month 0.
    """
    low = min(tightness_low, tightness)
    rise = tightness - low >= scenario.campaign_rise
    peak, fall = pool_peak, False
    if pool_limit is not None:
        peak = max(pool_peak, pool_limit_before, pool_limit) if pool_limit_before is not None else pool_peak
        fall = pool_limit < peak - share_of(peak, scenario.campaign_fall)
    over = overrun and pool_limit is not None
    called = (rise or fall or over) and month > 0 and scenario.campaign_share > 0.0
    return (True, tightness, pool_limit or 0) if called else (False, low, peak)
