"""Who a borrower is: traits drawn for life, the first account, the anchor. First population and entrants alike."""

from zerolimit.rules.caps.multiplier import tight_factor
from zerolimit.rules.caps.positioning import position_factor
from zerolimit.rules.formula import income_line, score_line
from zerolimit.rules.rule import by_segment, clip, exponential, normal, rule, whole
from zerolimit.vocabulary.constants import (
    DOUBLE,
    ESTABLISHED,
    EXPONENT_MOST,
    FIVEFOLD,
    HALF,
    INCOME_LEAST,
    INCOME_MOST,
    LARGEST,
    LONG_TERM,
    MONTHS_MOST,
    MOST_OVERDUE,
    NEARLY_ONE,
    ONE_YUAN,
    SIGNAL_MOST,
    TWO_MONTHS,
)
from zerolimit.vocabulary.names import (
    APPEALING,
    CARD,
    CLOSED,
    DIVERSIFYING,
    GIG,
    INACTIVE,
    INSTALMENT_LOANS,
    LEFT,
    MAXED_OUT,
    MIXED,
    MONITORING,
    NO_STRATEGY,
    OPEN,
    OWNER,
    PLANNING,
    PROJECT,
    RESTRAINT,
    REVOLVER,
    SALARIED,
    SECTOR_COUNT,
    TRANSACTOR,
)


@rule(
    "segment",
    "sector",
    "age",
    "strategy",
    "use_type",
    "product",
    "wished_use",
    "income_true",
    "income_seen",
    "propensity",
    "signal",
    "cash",
    "review_in",
)
def be_born(
    u_born_segment,
    u_born_sector,
    u_born_age,
    u_born_strategy,
    u_born_use_type,
    u_born_product,
    u_born_wish,
    u_born_income,
    u_born_recorded,
    u_born_propensity,
    u_born_signal,
    u_born_cash,
    u_born_review,
    terms,
):
    """Traits that do not change. Income = median x e^(spread z), recorded income = income x e^(noise z - noise^2 / 2).

    The monthly propensity to miss a payment is its segment's mean x a mean-one skewed factor, 1 + miss_spread (5 v^4 - 1)
    with v uniform, and of a lower one with income by miss_income: x e^(-c z - c^2 / 2), c = miss_income x spread. The
    score's signal is -signal_slope x (factor - 1) + noise z, larger noise for thin files. All follow one strategy
    where `adopt` names it. share_transactor, share_revolver, share_maxed and share_inactive are of a type of use for life;
    the others' use is mixed, but of the owners among them share_project borrow for projects only. With use_income more of
    those with high incomes pay all, and fewer carry a balance or are near the limit: the first share x e^(k z - k^2 / 2),
    the next two x e^(-k z - k^2 / 2), k = use_income x spread. Where shares add up to more than 1, those named later give
    way. share_card have a card, the others instalment loans. A revolver's use of the line is
    revolver_level + revolver_spread x (2 v - 1), v uniform, from 0 to 1.
    """
    owner_from = 1.0 - terms.share_owner
    segment = (
        OWNER if u_born_segment >= owner_from else (GIG if u_born_segment >= owner_from - terms.share_gig else SALARIED)
    )
    sector = min(SECTOR_COUNT - 1.0, whole(SECTOR_COUNT * u_born_sector))
    youngest = by_segment(segment, terms.age_salaried, terms.age_gig, terms.age_owner)
    age = whole(youngest + terms.age_span * u_born_age)
    s = u_born_strategy
    a = terms.follow_restraint
    b = a + terms.follow_planning
    c = b + terms.follow_monitoring
    d = c + terms.follow_appealing
    e = d + terms.follow_diversifying
    first = RESTRAINT if s < a else PLANNING
    second = MONITORING if s < c else APPEALING
    chosen = first if s < b else (second if s < d else (DIVERSIFYING if s < e else NO_STRATEGY))
    median = by_segment(segment, terms.income_salaried, terms.income_gig, terms.income_owner)
    spread = by_segment(segment, terms.spread_salaried, terms.spread_gig, terms.spread_owner)
    noise = by_segment(segment, terms.noise_salaried, terms.noise_gig, terms.noise_owner)
    t = u_born_use_type
    k = terms.use_income * spread
    lean = clip(k * normal(u_born_income), -EXPONENT_MOST, EXPONENT_MOST)
    pays = terms.share_transactor * exponential(lean - HALF * k * k)
    in_need = exponential(-lean - HALF * k * k)
    carries = pays + terms.share_revolver * in_need
    fills = carries + terms.share_maxed * in_need
    rarely = fills + terms.share_inactive
    steady = TRANSACTOR if t < pays else REVOLVER
    use_type = steady if t < carries else (MAXED_OUT if t < fills else (INACTIVE if t < rarely else MIXED))
    for_projects = segment == OWNER and t >= rarely and t - rarely < terms.share_project * (1.0 - rarely)
    income = clip(whole(median * exponential(spread * normal(u_born_income))), INCOME_LEAST, INCOME_MOST)
    recorded = whole(income * exponential(noise * normal(u_born_recorded) - HALF * noise * noise))
    mean = by_segment(segment, terms.miss_salaried, terms.miss_gig, terms.miss_owner)
    v = u_born_propensity * u_born_propensity
    c = terms.miss_income * spread
    poorer = exponential(clip(-c * normal(u_born_income) - HALF * c * c, -EXPONENT_MOST, EXPONENT_MOST))
    factor = (1.0 - terms.miss_spread + terms.miss_spread * FIVEFOLD * v * v) * poorer
    signal = -terms.signal_slope * (factor - 1.0) + terms.signal_noise * noise * normal(u_born_signal)
    return (
        segment,
        sector,
        age,
        chosen if terms.adopt == 0.0 else terms.adopt - 1.0,
        PROJECT if for_projects else use_type,
        CARD if u_born_product < terms.share_card else INSTALMENT_LOANS,
        clip(terms.revolver_level + terms.revolver_spread * (DOUBLE * u_born_wish - 1.0), 0.0, 1.0),
        income,
        clip(recorded, INCOME_LEAST, INCOME_MOST),
        clip(mean * factor, 0.0, 1.0),
        whole(clip(signal, -SIGNAL_MOST, SIGNAL_MOST)),
        min(LARGEST, whole(terms.first_savings * income * DOUBLE * u_born_cash)),
        1.0 + min(terms.review_months - 1.0, whole(u_born_review * terms.review_months)),
    )


@rule("decile")
def rank_income(income_true, terms):
    """Decile of income at birth, 0 to 9, by the first population's thresholds."""
    return (
        (1.0 if income_true >= terms.decile_1 else 0.0)
        + (1.0 if income_true >= terms.decile_2 else 0.0)
        + (1.0 if income_true >= terms.decile_3 else 0.0)
        + (1.0 if income_true >= terms.decile_4 else 0.0)
        + (1.0 if income_true >= terms.decile_5 else 0.0)
        + (1.0 if income_true >= terms.decile_6 else 0.0)
        + (1.0 if income_true >= terms.decile_7 else 0.0)
        + (1.0 if income_true >= terms.decile_8 else 0.0)
        + (1.0 if income_true >= terms.decile_9 else 0.0)
    )


@rule(
    "status",
    "limit",
    "owed",
    "months_left",
    "late",
    "tenure",
    "punctuality",
    "frequency",
    "loan_size",
    "early",
    "usage",
    "inquiries",
    "idle",
    "other_debt",
    "trust",
    "without_line",
)
def have_history(
    segment,
    use_type,
    wished_use,
    signal,
    income_true,
    income_seen,
    u_born_tenure,
    u_born_limit,
    u_born_use,
    u_born_balance,
    u_born_months,
    u_born_late,
    u_born_frequency,
    u_born_idle,
    u_born_other,
    u_born_vacant,
    terms,
):
    """An account of the first population, in the middle of its life.

    Line = income_multiple x recorded income x (line_low + (line_high - line_low) v) x e^(line_score x signal): a
    line set by a score is higher for who is safer. A share of accounts is unused (facts
    A29); the others' utilisation is bimodal (facts B2): low_use_span u^2, or 1 - high_use_span u^2. A type
    of use settles which it is, and a revolver's is wished_use; who borrows for projects only starts like mixed use, with no
    project under way. vacant_share of the slots are vacant; first_closed of the accounts have no line and owe nothing, for
    up to twice first_closed_months.
    """
    if u_born_vacant < terms.vacant_share:
        return LEFT, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if u_born_vacant < terms.vacant_share + (1.0 - terms.vacant_share) * terms.first_closed:
        since = 1.0 + whole(DOUBLE * terms.first_closed_months * u_born_months)
        tenure = ESTABLISHED + whole(terms.first_tenure * u_born_tenure)
        size, early, trust = terms.first_loan_size, terms.first_early, terms.first_trust
        return (
            CLOSED,
            0.0,
            0.0,
            0.0,
            0.0,
            tenure,
            1.0,
            0.0,
            size,
            early,
            0.0,
            0.0,
            min(MONTHS_MOST, since),
            0.0,
            trust,
            since,
        )
    by_score = exponential(terms.line_score * signal)
    wish = (
        terms.income_multiple * income_seen * (terms.line_low + (terms.line_high - terms.line_low) * u_born_limit) * by_score
    )
    line = min(terms.first_largest, max(terms.first_smallest, whole(whole(wish) / ONE_YUAN) * ONE_YUAN))
    mixed = use_type == MIXED or use_type == PROJECT
    unused = use_type == INACTIVE or (mixed and u_born_use < terms.unused_share)
    high = use_type == MAXED_OUT or (mixed and u_born_use >= 1.0 - terms.high_use_share)
    u = u_born_balance
    low = wished_use if use_type == REVOLVER else terms.low_use_span * u * u
    share = 0.0 if unused else (1.0 - terms.high_use_span * u * u if high else low)
    owed = min(line, whole(share * line))
    months = 1.0 if u_born_late >= terms.first_late_2 * terms.first_late else TWO_MONTHS
    late = 0.0 if owed == 0.0 or u_born_late >= terms.first_late else months
    rate = by_segment(segment, terms.habit_salaried, terms.habit_gig, terms.habit_owner)
    taken = 0.0 if unused else clip(rate + terms.first_frequency * u_born_frequency * u_born_frequency, 0.0, 1.0)
    return (
        OPEN,
        line,
        owed,
        1.0 + min(LONG_TERM - 1.0, whole(LONG_TERM * u_born_months)),
        late,
        ESTABLISHED + whole(terms.first_tenure * u_born_tenure),
        1.0 if late == 0.0 else terms.first_punctuality,
        taken,
        terms.first_loan_size,
        terms.first_early,
        share,
        0.0,
        whole(1.0 + terms.first_idle * u_born_idle) if unused else 0.0,
        whole(income_true * terms.first_other_debt * u_born_other * (1.0 / terms.other_share))
        if u_born_other < terms.other_share
        else 0.0,
        terms.first_trust,
        0.0,
    )


@rule(
    "scheduled",
    "overdue",
    "due_0",
    "due_1",
    "due_2",
    "due_3",
    "due_4",
    "due_5",
    "due_6",
    "due_7",
    "due_8",
    "due_9",
    "due_10",
    "due_11",
)
def schedule(product, owed, months_left, late, terms):
    """What is owed, as equal instalments over the months left, odd fen first; in arrears, `late` of them are overdue.

    A card has none; in arrears the same part of it is overdue.
    """
    late_share = whole(owed * min(late, MOST_OVERDUE) / max(months_left + min(late, MOST_OVERDUE), 1.0))
    rest = owed - late_share
    count = months_left if terms.term_open < 1.0 and product != CARD else 0.0
    part = whole(rest / max(count, 1.0)) if count > 0.0 else 0.0
    odd = rest - part * count if count > 0.0 else 0.0
    return (
        rest,
        late_share,
        (part if count > 0.0 else 0.0) + odd,
        part if count > 1.0 else 0.0,
        part if count > 2.0 else 0.0,
        part if count > 3.0 else 0.0,
        part if count > 4.0 else 0.0,
        part if count > 5.0 else 0.0,
        part if count > 6.0 else 0.0,
        part if count > 7.0 else 0.0,
        part if count > 8.0 else 0.0,
        part if count > 9.0 else 0.0,
        part if count > 10.0 else 0.0,
        part if count > 11.0 else 0.0,
    )


@rule("risk", "zhima_seen", "signal", "anchor")
def settle_in(status, limit, risk, zhima, signal, income_seen, distance, terms):
    """Who was admitted had passed: a first score below cutoff + first_margin is lifted to it, for life, by the signal.

    anchor = first line / formula at the start (income and score line, positioning, tightness), so that a portfolio
    brought in meets no artificial wave in month 1. The formula's last two factors count as at least anchor_floor each.
    """
    least = terms.cutoff + terms.first_margin
    lift = max(0.0, least - risk) if status == OPEN else 0.0
    shown = risk + lift
    plain = min(income_line(income_seen, terms), score_line(income_seen, shown, terms))
    fit, ease = max(terms.anchor_floor, position_factor(distance, terms)), max(terms.anchor_floor, tight_factor(0.0, terms))
    anchor = limit / max(ONE_YUAN, plain * fit * ease) if limit > 0.0 else 1.0
    return shown, max(zhima, terms.admission_zhima), signal + whole(lift + NEARLY_ONE), anchor


@rule("status", "tenure", "trust", "punctuality", "anchor", "loan_size")
def apply_first(terms):
    """An entrant: no account, no history, applying this month."""
    return CLOSED, 0.0, terms.first_trust, 1.0, 1.0, terms.first_loan_size
