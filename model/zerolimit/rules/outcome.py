"""Steps 6 to 8: the line takes effect, cuts are announced, and what happened is recorded (docs/ODD.md, 7.15)."""

from zerolimit.rules.caps import CAP
from zerolimit.rules.decision import is_announced
from zerolimit.rules.rule import helper, rule, whole
from zerolimit.rules.unrolled import route_unrolled
from zerolimit.vocabulary.constants import CUT_BELOW, FREED_BELOW, HALVED_AT, MONTHS_MOST, SPELL_MOST, ZEROS_MOST
from zerolimit.vocabulary.names import (
    APPEALING,
    APPLY,
    BLOCKED,
    CLOSED,
    END_APPEAL,
    END_CHARGEOFF,
    END_REAPPLY,
    END_REPAID,
    FROZEN,
    LEFT,
    MONITORING,
    NO_REVIEW,
    OPEN,
    REAPPLY,
    REVIEW,
    ZERO_LIMIT,
)

GRANT_REASON, GRANT_BIT, line_granted = CAP["grant"].code, CAP["grant"].bit, CAP["grant"].function


@helper
@route_unrolled
def route_after(reason):
    """How an episode ends when policy or the pool gives a line again: the route that the reason declares."""


@rule("limit", "status", "reason", "mask", "announced", "notice_left")
def set_line(
    limit,
    limit_before,
    status,
    scheduled,
    overdue,
    late,
    review,
    wanted,
    contends,
    granted,
    lowest,
    cap_reason,
    cap_mask,
    reason,
    mask,
    announced,
    notice_left,
    terms,
):
    """The new line: B + granted for who contended, else the wanted line.

    A policy's cut may be announced: after notice_months it takes effect, at once or in adaptation_months equal steps,
    line - (line - announced) / steps left. What the pool refuses, and arrears, take effect at once.

    Who gets nothing and still owes the minimum loan is frozen, below the minimum loan closed; a refused first
    application leaves. The reason is the lowest cap below the line, the grant included; ties go to the earlier cap. A line
    that comes back keeps the reason why it was gone.
    """
    m = terms.minimum_loan
    balance = scheduled + overdue
    before = limit_before
    if status == LEFT:
        return 0.0, LEFT, reason, mask, 0.0, 0.0
    if review == NO_REVIEW:
        steps = notice_left > 0.0 and notice_left <= max(1.0, terms.adaptation_months)
        after = min(limit, limit - whole((limit - announced) / max(notice_left, 1.0))) if steps else limit
        shut = status == OPEN and after < m
        return (
            0.0 if shut else after,
            CLOSED if shut else status,
            reason,
            mask,
            announced if notice_left > 1.0 else 0.0,
            max(0.0, notice_left - 1.0),
        )
    by_pool = line_granted(balance, granted)
    decided = by_pool if contends > 0.0 else wanted
    rationed = contends > 0.0 and by_pool < wanted and by_pool < lowest
    refused = contends > 0.0 and granted < m
    stays_shut = status != OPEN and (refused or decided < m)
    lower = decided < before or stays_shut
    why = (GRANT_REASON if rationed else cap_reason) if lower else reason
    bits = (cap_mask + (GRANT_BIT if rationed and by_pool < m else 0.0)) if lower else mask
    if is_announced(status, before, late, wanted, terms):
        return limit, status, why, bits, wanted, max(1.0, terms.notice_months + terms.adaptation_months)
    state = CLOSED if decided < m else (FROZEN if refused or late > 0.0 else OPEN)
    gone = LEFT if review == APPLY and state != OPEN else state
    return (decided if decided >= m else 0.0), gone, why, bits, 0.0, 0.0


@rule("happened", "ended", "spell", "without_line", "event", "zeros", "known", "appealed")
def record(
    status,
    limit,
    limit_before,
    scheduled,
    overdue,
    standing,
    review,
    reason,
    without_line,
    event,
    zeros,
    known,
    appealed,
    terms,
):
    """Events and spells.

    Zero limit: on-time payer with L- >= m and L+ < m. Blocked after repayment: on-time payer, L- - B >= m, L+ >= m and
    L+ - B < m. A spell lasts from the first month without a usable line to the first with one. A cut that was announced
    is known when it takes effect.
    """
    m = terms.minimum_loan
    balance = scheduled + overdue
    on_time = standing == 1.0
    zero = on_time and limit_before >= m and (limit < m or status == LEFT)
    blocked = on_time and limit_before - balance >= m and limit >= m and limit - balance < m
    happens = ZERO_LIMIT if zero else (BLOCKED if blocked else 0.0)
    usable = status == OPEN and limit >= m and (limit - balance >= m or event == 0.0)
    starts = happens > 0.0 or status != OPEN or limit < m
    lasting = without_line > 0.0 and not usable
    gone = status == LEFT and without_line > 0.0
    ends = (without_line > 0.0 and usable) or gone
    by_review = END_APPEAL if appealed == 2.0 else (END_REAPPLY if review == REAPPLY else route_after(reason))
    route = END_CHARGEOFF if gone else (END_REPAID if review == NO_REVIEW else by_review)
    months = min(SPELL_MOST, without_line + 1.0) if lasting else (1.0 if starts and not ends else 0.0)
    began = happens if happens > 0.0 else (0.0 if ends else event)
    return (
        happens,
        route if ends and event > 0.0 else 0.0,
        without_line if ends else 0.0,
        0.0 if status == LEFT else months,
        0.0 if status == LEFT else began,
        min(ZEROS_MOST, zeros + (1.0 if zero else 0.0)),
        (1.0 if review == NO_REVIEW else 0.0) if happens > 0.0 else (0.0 if ends else known),
        0.0 if happens > 0.0 or ends else appealed,
    )


@rule("without_line")
def wait(status, touched, without_line):
    """A spell without a line goes on for those whom nothing touched this month."""
    goes_on = touched == 0.0 and without_line > 0.0 and status != LEFT
    return min(SPELL_MOST, without_line + 1.0) if goes_on else without_line


@rule("known", "found", "appealed", "waited")
def look(status, strategy, event, happened, known, appealed, waited, without_line, u_look, u_appeal, terms):
    """Step 9: who looks at the limit finds the cut; who finds one unexplained may appeal once a spell, and waits.

    Looks with probability look_rate (monitoring: look_monitoring). With reasons sent, a cut is known at once, and
    appeal_rate is multiplied by reasons_appeals.
    """
    habit = terms.look_monitoring if strategy == MONITORING else terms.look_rate
    in_spell = event > 0.0 and without_line > 0.0 and status != LEFT
    finds = in_spell and known == 0.0 and (u_look < habit or terms.reasons_sent > 0.0)
    knows = 1.0 if known > 0.0 or finds else 0.0
    chance = (
        terms.appeal_appealing
        if strategy == APPEALING
        else terms.appeal_rate * (terms.reasons_appeals if terms.reasons_sent > 0.0 else 1.0)
    )
    files = in_spell and knows > 0.0 and appealed == 0.0 and terms.appeals_capacity > 0.0 and u_appeal < chance
    waits = in_spell and appealed == 1.0 and terms.appeals_capacity > 0.0
    told = happened > 0.0 and known > 0.0
    return (
        knows,
        1.0 if finds else (3.0 if told else 0.0),
        1.0 if files else appealed,
        min(MONTHS_MOST, waited + 1.0) if waits else 0.0,
    )


@rule("appeals")
def stand_in_queue(status, event, without_line, appealed, waited, terms):
    """Whose appeal is before the desk, while it hears any: 1 filed this month, 2 waiting from before."""
    pending = appealed == 1.0 and event > 0.0 and without_line > 0.0 and status != LEFT and terms.appeals_capacity > 0.0
    return (1.0 if waited == 0.0 else 2.0) if pending else 0.0


@rule("outcomes_2", "outcomes_3", "cut")
def count_decided(
    status,
    standing,
    settled,
    limit,
    limit_before,
    scheduled,
    overdue,
    happened,
    zeros,
    review,
    appeals,
    notice_left,
    terms,
):
    """Outcome flags of who was touched by the decision, as bits in the order of vocabulary/outcomes.py."""
    m = terms.minimum_loan
    had_line = limit_before >= m
    lost = had_line and (limit < m or status == LEFT)
    zero = happened == ZERO_LIMIT
    down = had_line and limit < CUT_BELOW * limit_before
    word_2 = (
        (1.0 if zero else 0.0)
        + (2.0 if happened == BLOCKED else 0.0)
        + (4.0 if standing == 0.0 and lost else 0.0)
        + (8.0 if standing >= 2.0 and lost else 0.0)
        + (16.0 if zero and zeros > 1.0 else 0.0)
        + (32.0 if down else 0.0)
        + (64.0 if down and limit <= HALVED_AT * limit_before else 0.0)
        + (128.0 if limit > limit_before and had_line else 0.0)
        + (256.0 if review > 0.0 else 0.0)
        + (512.0 if settled == 1.0 and zero else 0.0)
        + (1024.0 if settled == 2.0 and zero else 0.0)
        + (2048.0 if settled == 0.0 and zero else 0.0)
    )
    word_3 = (
        (1.0 if appeals == 1.0 else 0.0)
        + (2.0 if review == REVIEW and notice_left > 0.0 else 0.0)
        + (4.0 if review == APPLY and status == OPEN else 0.0)
        + (8.0 if review == REAPPLY and status == OPEN else 0.0)
        + (16.0 if review >= REAPPLY else 0.0)
        + (32.0 if standing == 3.0 else 0.0)
        + (64.0 if status == FROZEN else 0.0)
        + (128.0 if appeals > 0.0 else 0.0)
        + (256.0 if zero and limit_before - (scheduled + overdue) >= m else 0.0)
    )
    return word_2, word_3, limit_before - limit if down else 0.0


@rule("outcomes_1")
def count(status, standing, settled, limit, limit_before, scheduled, overdue, principal_paid, warned, out_of_work, terms):
    """Outcome flags of everybody after the decision, as bits in the order of vocabulary/outcomes.py."""
    m = terms.minimum_loan
    balance = scheduled + overdue
    on_time = standing == 1.0
    had_line = limit_before >= m
    at_risk = limit_before - balance >= m
    restored = principal_paid + max(0.0, limit_before - balance - principal_paid)
    room = max(0.0, limit - balance) if status == OPEN else 0.0
    return (
        (1.0 if status != LEFT else 0.0)
        + (2.0 if on_time and at_risk else 0.0)
        + (4.0 if standing == 0.0 and at_risk else 0.0)
        + (8.0 if standing >= 2.0 and at_risk else 0.0)
        + (16.0 if on_time else 0.0)
        + (32.0 if on_time and had_line else 0.0)
        + (64.0 if standing == 0.0 and had_line else 0.0)
        + (128.0 if on_time and at_risk and room < FREED_BELOW * restored else 0.0)
        + (256.0 if settled == 1.0 else 0.0)
        + (512.0 if settled == 2.0 else 0.0)
        + (1024.0 if warned > 0.0 else 0.0)
        + (2048.0 if out_of_work > 0.0 else 0.0)
    )
