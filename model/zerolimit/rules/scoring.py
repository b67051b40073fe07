"""Step 4: what the platform remembers of a borrower, and the two scores."""

from zerolimit.rules.income import sector_trend
from zerolimit.rules.rule import clip, ema, rule, whole
from zerolimit.vocabulary.names import LEFT, NOT_PAID_OFF, NOTHING_DUE, ON_TIME, PAID_OFF_EARLY


@rule("punctuality", "early", "usage", "tenure")
def remember(status, punctuality, early, usage, tenure, standing, settled, scheduled, overdue, limit, terms):
    """Each factor is a moving average with its own memory: mean + (value - mean) / months.

    Punctuality moves when something was due, early repayment when a loan ended, utilisation every month.
    """
    if status == LEFT:
        return punctuality, early, usage, tenure
    on_time = 1.0 if standing == ON_TIME else 0.0
    used = min(1.5, (scheduled + overdue) / max(limit, 100.0))
    return (
        ema(punctuality, on_time, 1.0 / terms.memory_punctuality) if standing > NOTHING_DUE else punctuality,
        ema(early, 1.0 if settled == PAID_OFF_EARLY else 0.0, 1.0 / terms.memory_early) if settled > NOT_PAID_OFF else early,
        ema(usage, used, 1.0 / terms.memory_usage),
        min(tenure + 1.0, 30_000.0),
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
    - weight_debt min(other debt / monthly income, 6) - weight_arrears min(late, 3) + weight_tenure min(tenure / 60, 1)
    + weight_early early + weight_idle min(idle / 24, 1) + weight_sector min(trend of the sector, 0).

    zhima = 350 + 600 (w_history h + w_identity i + w_connections c + w_behaviour b + w_capacity k), each part in [0, 1]:
    h punctuality less arrears, i length of history and age, c one half, b low utilisation and few inquiries, k income.
    """
    if status == LEFT:
        return risk, 350.0, zhima_seen
    points = (
        terms.score_base
        + signal
        - terms.weight_punctuality * (1.0 - punctuality)
        - terms.weight_usage * usage
        - terms.weight_frequency * frequency
        - terms.weight_debt * min(other_debt / max(income_seen, 100.0), 6.0)
        - terms.weight_arrears * min(late, 3.0)
        + terms.weight_tenure * min(tenure * (1.0 / 60.0), 1.0)
        + terms.weight_early * early
        + terms.weight_idle * min(idle * (1.0 / 24.0), 1.0)
        + terms.weight_sector * min(sector_trend(sector, terms), 0.0)
    )
    history = clip(punctuality - 0.25 * late, 0.0, 1.0)
    identity = 0.5 * min(tenure * (1.0 / 60.0), 1.0) + 0.5 * clip((age - 18.0) * 0.05, 0.0, 1.0)
    behaviour = clip(1.0 - 0.5 * usage - 0.5 * inquiries, 0.0, 1.0)
    capacity = income_seen / (income_seen + terms.capacity_half)
    general = 350.0 + 600.0 * (
        terms.zhima_history * history
        + terms.zhima_identity * identity
        + terms.zhima_connections * 0.5
        + terms.zhima_behaviour * behaviour
        + terms.zhima_capacity * capacity
    )
    shown = clip(general, 350.0, 950.0)
    if terms.rescoring == 0.0 and tenure > 1.0:
        return risk, whole(shown), zhima_seen
    return clip(points, 350.0, 950.0), whole(shown), whole(shown)
