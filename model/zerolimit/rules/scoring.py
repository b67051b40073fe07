"""Step 4: what the platform remembers of a borrower, and the two scores."""

from zerolimit.rules.income import sector_trend
from zerolimit.rules.rule import clip, ema, rule, whole
from zerolimit.vocabulary.constants import ADULT, ONE_YUAN, SCORE_HIGH, SCORE_LOW, SCORE_SPAN, TENURE_MOST
from zerolimit.vocabulary.names import LEFT, NOT_PAID_OFF, NOTHING_DUE, ON_TIME, PAID_OFF_EARLY


@rule("punctuality", "early", "usage", "tenure", "anchor")
def remember(status, punctuality, early, usage, tenure, anchor, standing, settled, scheduled, overdue, limit, terms):
    """Each factor is a moving average with its own memory: mean + (value - mean) / months.

    Punctuality moves when something was due, early repayment when a loan ended, utilisation (up to scored_usage) every
    month. The anchor fades: anchor + anchor_fade (1 - anchor).
    """
    if status == LEFT:
        return punctuality, early, usage, tenure, anchor
    on_time = 1.0 if standing == ON_TIME else 0.0
    used = min(terms.scored_usage, (scheduled + overdue) / max(limit, ONE_YUAN))
    return (
        ema(punctuality, on_time, 1.0 / terms.memory_punctuality) if standing > NOTHING_DUE else punctuality,
        ema(early, 1.0 if settled == PAID_OFF_EARLY else 0.0, 1.0 / terms.memory_early) if settled > NOT_PAID_OFF else early,
        ema(usage, used, 1.0 / terms.memory_usage),
        min(tenure + 1.0, TENURE_MOST),
        anchor + terms.anchor_fade * (1.0 - anchor),
    )


@rule("risk", "zhima", "zhima_seen")
def score(
    status,
    sector,
    risk,
    zhima_seen,
    punctuality,
    early,
    usage,
    frequency,
    inquiries,
    idle,
    late,
    tenure,
    age,
    other_debt,
    income_seen,
    signal,
    terms,
):
    """Both scores, in points from 350 to 950, from factors with memory. With rescoring off, the first ones stand still.

    risk = score_base + signal - weight_punctuality (1 - punctuality) - weight_usage usage - weight_frequency frequency
    - weight_debt min(other debt / monthly income, scored_debt) - weight_arrears min(late, scored_arrears)
    + weight_tenure min(tenure / scored_tenure, 1) + weight_early early + weight_idle min(idle / scored_idle, 1)
    + weight_sector min(trend of the sector, 0).

    zhima = 350 + 600 (w_history h + w_identity i + w_connections c + w_behaviour b + w_capacity k), each part in [0, 1]:
    h = punctuality - history_arrears late; i = identity_split min(tenure / identity_tenure, 1) + (1 - identity_split)
    (age - 18) / identity_years; c = connections; b = 1 - behaviour_usage usage - behaviour_inquiries inquiries;
    k = income / (income + capacity_half).
    """
    if status == LEFT:
        return risk, SCORE_LOW, zhima_seen
    points = (
        terms.score_base
        + signal
        - terms.weight_punctuality * (1.0 - punctuality)
        - terms.weight_usage * usage
        - terms.weight_frequency * frequency
        - terms.weight_debt * min(other_debt / max(income_seen, ONE_YUAN), terms.scored_debt)
        - terms.weight_arrears * min(late, terms.scored_arrears)
        + terms.weight_tenure * min(tenure * (1.0 / terms.scored_tenure), 1.0)
        + terms.weight_early * early
        + terms.weight_idle * min(idle * (1.0 / terms.scored_idle), 1.0)
        + terms.weight_sector * min(sector_trend(sector, terms), 0.0)
    )
    history = clip(punctuality - terms.history_arrears * late, 0.0, 1.0)
    known = min(tenure * (1.0 / terms.identity_tenure), 1.0)
    grown = clip((age - ADULT) * (1.0 / terms.identity_years), 0.0, 1.0)
    identity = terms.identity_split * known + (1.0 - terms.identity_split) * grown
    behaviour = clip(1.0 - terms.behaviour_usage * usage - terms.behaviour_inquiries * inquiries, 0.0, 1.0)
    capacity = income_seen / (income_seen + terms.capacity_half)
    general = SCORE_LOW + SCORE_SPAN * (
        terms.zhima_history * history
        + terms.zhima_identity * identity
        + terms.zhima_connections * terms.connections
        + terms.zhima_behaviour * behaviour
        + terms.zhima_capacity * capacity
    )
    shown = clip(general, SCORE_LOW, SCORE_HIGH)
    if terms.rescoring == 0.0 and tenure > 1.0:
        return risk, whole(shown), zhima_seen
    return clip(points, SCORE_LOW, SCORE_HIGH), whole(shown), whole(shown)
