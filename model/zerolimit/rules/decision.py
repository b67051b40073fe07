"""Step 5: who is reviewed, and the line that policy would give: a minimum over named caps, with its argmin kept."""

from zerolimit.rules.allocations import expected_profit
from zerolimit.rules.caps import CAP, MEASURED
from zerolimit.rules.rule import by_segment, clip, helper, rule, whole
from zerolimit.rules.unrolled import over_caps, place_unrolled, route_unrolled
from zerolimit.vocabulary.constants import MONTHS_A_YEAR, ONE_YUAN, SCORE_HIGH, SCORE_SPAN
from zerolimit.vocabulary.names import (
    APPEAL_WON,
    APPLY,
    BY_PROFIT,
    BY_RISK,
    CHARGED_OFF,
    CLOSED,
    END_LOOSENING,
    END_POOL,
    FROZEN,
    LEFT,
    NO_EVENT,
    NO_REVIEW,
    NOT_WARNED,
    OPEN,
    REAPPLY,
    REVIEW,
    WARNED_OF_SCORE,
    WARNED_OF_TRIGGER,
)

ARREARS, line_in_arrears = CAP["arrears"].code, CAP["arrears"].function
GRANT = CAP["grant"].code


@rule("distance")
def position(segment, age, income_seen, terms):
    """Distance from the target customer, 0 to 1: weighted segment mismatch, age beyond target_age_span, relative income.

    Age counts in full from target_age_reach years beyond the span.
    """
    wrong = 1.0 - by_segment(segment, terms.target_salaried, terms.target_gig, terms.target_owner)
    years = clip((abs(age - terms.target_age) - terms.target_age_span) * (1.0 / terms.target_age_reach), 0.0, 1.0)
    income = clip((terms.target_income - income_seen) * (1.0 / terms.target_income), 0.0, 1.0)
    return terms.position_segment * wrong + terms.position_age * years + terms.position_income * income


@helper
def profit_kept(limit, usage, risk, product, terms):
    """What the platform expects to earn in a year by keeping a line open (yuan): line x mean use x profit per yuan lent.

    A line that is not used earns nothing, so in this order the dormant and those with small balances come first, behind
    only those on whom a loss is expected. What an account costs to keep is taken off.
    """
    return (usage * limit * expected_profit(risk, product, terms) - MONTHS_A_YEAR * terms.servicing_cost) * (1.0 / ONE_YUAN)


@helper
def campaign_standing(limit, usage, risk, product, distance, u, terms):
    """Place in a campaign's order, lowest first: the risk score, closeness to the target, or the expected profit kept.

    All lines that are not used earn the same, so in the order of profit less than a yuan is drawn by lot, with u.
    """
    place = risk if terms.campaign_order == BY_RISK else SCORE_HIGH - SCORE_SPAN * distance
    return profit_kept(limit, usage, risk, product, terms) + u if terms.campaign_order == BY_PROFIT else place


@rule("closeness")
def stand_in_campaign(limit, usage, risk, product, distance, u_apply, terms):
    """The place in a campaign's order, for the platform to find whom its share reaches.

    Its lot is the draw of re-application, which an open line has no other use for.
    """
    return campaign_standing(limit, usage, risk, product, distance, u_apply, terms)


@helper
@route_unrolled
def route_after(reason):
    """How an episode ends when policy or the pool gives a line again: the route that the reason declares."""


@helper
def bar_after(reason, terms):
    """Months from a closure until the lender readmits: bar_pool, bar_tightening or bar_score, by what the reason was."""
    route = route_after(reason)
    return terms.bar_pool if route == END_POOL else (terms.bar_tightening if route == END_LOOSENING else terms.bar_score)


@rule("review", "review_in", "warned", "barred", "reached")
def call_for_review(
    status,
    review_in,
    late,
    tenure,
    reason,
    without_line,
    notice_left,
    appealed,
    limit,
    usage,
    risk,
    product,
    frequency,
    distance,
    u_apply,
    terms,
):
    """Why a line is decided this month: its review month, a campaign, arrears, a re-application or a first application.

    A campaign reaches all whose place in its order (`campaign_standing`) is at most campaign_cut. A closed
    account applies again with probability reapply_rate after cooling_months; the lender remembers why and when it was
    closed, and does not readmit before the reason's bar has passed (`bar_after`). An appeal won and not granted is decided
    next. Lines under an announced cut wait for it, unless arrears come first. With arrears_steps a frozen line is decided
    when it is arrears_close months past due, and, with cure_at_once, when arrears had frozen it and are paid. An early
    warning goes to a score within warning_points of the cutoff or to a frequency above warning_frequency x
    trigger_frequency, and says which. reached is 1 for whom a campaign reaches.
    """
    is_open = status == OPEN
    left = review_in - 1.0
    again = without_line >= terms.cooling_months and u_apply < terms.reapply_rate
    applies = APPLY if tenure == 1.0 else (REAPPLY if again else NO_REVIEW)
    campaign = campaign_standing(limit, usage, risk, product, distance, u_apply, terms) <= terms.campaign_cut
    frozen = status == FROZEN and terms.arrears_steps > 0.0
    cured = frozen and late == 0.0 and reason != GRANT and terms.cure_at_once > 0.0
    by_arrears = (late > 0.0 and is_open) or (frozen and late >= terms.arrears_close) or cured
    called = REVIEW if left <= 0.0 or campaign or by_arrears else NO_REVIEW
    why = REVIEW if appealed == APPEAL_WON else (applies if status == CLOSED else called)
    review = NO_REVIEW if status == LEFT or (notice_left > 0.0 and late == 0.0) else why
    barred = max(0.0, bar_after(reason, terms) - without_line) if review == REAPPLY else 0.0
    counts_on = is_open or status == FROZEN
    due = terms.review_months if left <= 0.0 else left
    low = WARNED_OF_SCORE if risk < terms.cutoff + terms.cutoff_shift + terms.warning_points else NOT_WARNED
    near = WARNED_OF_TRIGGER if frequency > terms.warning_frequency * terms.trigger_frequency else low
    return (
        review,
        due if counts_on else review_in,
        near if terms.early_warning > 0.0 and is_open else NOT_WARNED,
        barred,
        1.0 if campaign else 0.0,
    )


@rule("touched", "principal_after", "committed")
def commit(status, limit, scheduled, overdue, review, without_line, event, known, standing, notice_left, appealed):
    """Who is `touched` goes through the decision and its outcome; where none is due the undrawn part is committed.

    Touched is who is reviewed, on notice, frozen, charged off, at the start of a spell, or in one that is not settled.
    """
    balance = scheduled + overdue
    is_open = status == OPEN
    unsettled = event > NO_EVENT and (is_open or known == 0.0 or appealed < APPEAL_WON)
    new_spell = not is_open and without_line == 0.0
    in_question = review > NO_REVIEW or notice_left > 0.0 or status == FROZEN or unsettled or new_spell
    touched = (status != LEFT and in_question) or standing == CHARGED_OFF
    undrawn = max(0.0, limit - balance) if is_open and review == NO_REVIEW else 0.0
    return 1.0 if touched else 0.0, balance, undrawn


@rule("base_line", "lowest", "cap_reason", "cap_mask")
@over_caps()
def weigh(base_line, lowest, cap_reason, cap_mask):
    """The formula's line, the lowest cap (fen), its argmin (the reason), and the mask of all caps below the minimum loan."""
    return base_line, whole(lowest), cap_reason, cap_mask


@helper
def cut_from_menu(line, cap, balance, u_menu, terms):
    """A cut from the menu, in fen: to the balance plus a margin, by a step, closed, or to the cap; never above the cap.

    Each is monotone in the cap, so a tighter policy never leaves a larger line.
    """
    to_balance = min(cap, balance + terms.menu_margin)
    by_step = min(cap, whole(terms.menu_step_keep * line))
    closed = 0.0 if cap < terms.menu_close_below * line else cap
    a = terms.menu_balance
    b = a + terms.menu_step
    c = b + terms.menu_close
    return to_balance if u_menu < a else (by_step if u_menu < b else (closed if u_menu < c else cap))


@helper
def is_announced(status, limit, late, wanted, terms):
    """Whether a policy's cut is announced, to take effect after notice_months, stepped down over adaptation_months."""
    ahead = terms.notice_months > 0.0 or terms.adaptation_months > 0.0
    return ahead and status == OPEN and late == 0.0 and wanted < limit


@helper
def is_frozen_by_arrears(late, terms):
    """Whether arrears leave nothing to draw: any do, with arrears_steps from arrears_freeze months past due on."""
    return late >= (terms.arrears_freeze if terms.arrears_steps > 0.0 else 1.0)


@rule("rank")
@place_unrolled
def stand_in_order():
    """The place in the pool's order, the highest first, by the allocation rule in force (rules/allocations.py).

    Under most orders an appeal won goes before all; where a level is shared the place is the first order's.
    """


@rule("wanted")
def decide(status, limit, scheduled, overdue, late, review, reason, base_line, lowest, cap_reason, u_menu, terms):
    """The line wanted by policy (fen), before the pool.

    Within min_change of the line nothing changes. A raise is at most growth of the line, and none is made while tightness is
    above raise_tightness; a first line is first_share of the formula (facts A27), a restored one restart_share. A cut comes
    from the menu, and goes to the lowest cap at most where late. Below the minimum loan is 0.

    With arrears_steps a frozen line that is late is decided as an open one, cuts that arrears make are to their cap and
    others from the menu, and a line that arrears had frozen (whose reason is not the pool) comes back after cure as line
    - (1 - cure_restores) x undrawn part, under the lowest cap.
    """
    in_steps = terms.arrears_steps > 0.0
    m = terms.minimum_loan
    balance = scheduled + overdue
    raised = min(lowest, whole(limit * (1.0 + terms.growth)))
    raises = lowest >= limit * (1.0 + terms.min_change) and terms.tightness <= terms.raise_tightness
    grown = raised if raises else limit
    kept = grown if lowest > limit * (1.0 - terms.min_change) else cut_from_menu(limit, lowest, balance, u_menu, terms)
    share = terms.first_share if review == APPLY else terms.restart_share
    fresh = min(lowest, whole(share * base_line))
    in_step = lowest if cap_reason == ARREARS else min(kept, whole(line_in_arrears(late, limit, balance, terms)))
    lowered = in_step if in_steps else min(kept, lowest)
    back = min(lowest, whole(limit - (1.0 - terms.cure_restores) * max(0.0, limit - balance)))
    frozen = in_steps and status == FROZEN
    anew = back if frozen and reason != GRANT else fresh
    has_line = status == OPEN or (frozen and late > 0.0)
    line = (kept if late == 0.0 else lowered) if has_line else anew
    return line if line >= m else 0.0


@rule("contends", "on_notice")
def contend(status, limit, scheduled, overdue, late, wanted, terms):
    """Who wants an undrawn part of at least the minimum loan contends for it.

    Not who has a place below the lowest that the rule serves, nor whom arrears leave nothing to draw. Where a cut is
    announced ahead, the line stays in force and its undrawn part frees no pool until it takes effect.
    """
    balance = scheduled + overdue
    announces = is_announced(status, limit, late, wanted, terms)
    nothing = is_frozen_by_arrears(late, terms) or wanted - balance < terms.minimum_loan
    contends = 0.0 if announces or nothing else 1.0
    return contends, max(0.0, limit - balance) if announces else 0.0


@rule(*MEASURED)
@over_caps()
def measure(measured):
    """Every cap on the line (fen), and how far one is from the thresholds: what an adverse-action notice would say."""
    return measured
