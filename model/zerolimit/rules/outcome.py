"""Steps 6 to 8: the line takes effect, cuts are announced, and what happened is recorded (docs/ODD.md, 7.15)."""

from zerolimit.rules.caps import CAP
from zerolimit.rules.decision import ARREARS, is_announced, is_frozen_by_arrears, route_after
from zerolimit.rules.flags import flag, outcomes
from zerolimit.rules.rule import rule, whole
from zerolimit.vocabulary.constants import CUT_BELOW, FREED_BELOW, HALVED_AT, MONTHS_MOST, SPELL_MOST, ZEROS_MOST
from zerolimit.vocabulary.names import (
    APPEAL_FILED,
    APPEAL_WON,
    APPEALING,
    APPLY,
    BLOCKED,
    CENSORED,
    CHARGED_OFF,
    CLOSED,
    END_APPEAL,
    END_CHARGEOFF,
    END_REAPPLY,
    END_REPAID,
    FOUND_BY_NOTICE,
    FOUND_LOOKING,
    FROZEN,
    LATE,
    LEFT,
    MONITORING,
    NO_EVENT,
    NO_REVIEW,
    NOT_APPEALED,
    NOT_FOUND,
    NOT_PAID_OFF,
    NOT_QUEUED,
    NOT_WARNED,
    NOTHING_DUE,
    ON_TIME,
    OPEN,
    PAID_OFF,
    PAID_OFF_EARLY,
    QUEUED_BEFORE,
    QUEUED_NOW,
    REAPPLY,
    REVIEW,
    ZERO_LIMIT,
)

BARRED = CAP["barred"].code
GRANT_REASON, GRANT_BIT, line_granted = CAP["grant"].code, CAP["grant"].bit, CAP["grant"].function


@rule("limit", "status", "reason", "mask", "announced", "notice_left", "idle")
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
    idle,
    terms,
):
    """The new line: B + granted for who contended, else the wanted line.

    A policy's cut may be announced: after notice_months it takes effect, at once or in adaptation_months equal steps,
    line - (line - announced) / steps left. What the pool refuses, and arrears, take effect at once.

    Who gets nothing of the pool and still owes the minimum loan is frozen, below the minimum loan closed, and so is, with
    run_off, whom policy leaves nothing: an open line falls to what is owed, min(L, B), and is frozen; a frozen one stays on
    record; at a review at which less than the minimum loan is owed it is closed. A refused first application leaves. A line
    with something in it that arrears leave nothing of to draw is frozen too. The reason is the lowest cap below the line,
    the grant included; ties go to the earlier cap. A line that stays as it was on record and is frozen has arrears as its
    reason. A line that comes back keeps the reason why it was gone, and so does one that only its bar keeps closed; its
    months without use are counted from then.
    """
    m = terms.minimum_loan
    balance = scheduled + overdue
    before = limit_before
    on_record = min(limit, balance) if status == OPEN else limit
    runs_off = on_record if terms.run_off > 0.0 and balance >= m and status != CLOSED else 0.0
    if status == LEFT:
        return 0.0, LEFT, reason, mask, 0.0, 0.0, idle
    if review == NO_REVIEW:
        steps = notice_left > 0.0 and notice_left <= max(1.0, terms.adaptation_months)
        after = min(limit, limit - whole((limit - announced) / max(notice_left, 1.0))) if steps else limit
        shut = status == OPEN and after < m
        kept = runs_off if shut else after
        return (
            kept,
            (FROZEN if kept > 0.0 else CLOSED) if shut else status,
            reason,
            mask,
            announced if notice_left > 1.0 else 0.0,
            max(0.0, notice_left - 1.0),
            idle,
        )
    by_pool = line_granted(balance, granted)
    decided = by_pool if contends > 0.0 else wanted
    rationed = contends > 0.0 and by_pool < wanted and by_pool < lowest
    refused = contends > 0.0 and granted < m
    stays_shut = status != OPEN and (refused or decided < m)
    in_arrears = is_frozen_by_arrears(late, terms)
    held = terms.arrears_steps > 0.0 and in_arrears and status == OPEN and decided >= before
    lower = (decided < before or stays_shut or held) and (rationed or cap_reason != BARRED)
    why = (GRANT_REASON if rationed else (ARREARS if held else cap_reason)) if lower else reason
    bits = (cap_mask + (GRANT_BIT if rationed and by_pool < m else 0.0)) if lower else mask
    if is_announced(status, before, late, wanted, terms):
        return limit, status, why, bits, wanted, max(1.0, terms.notice_months + terms.adaptation_months), idle
    line = decided if decided >= m else runs_off
    state = CLOSED if line == 0.0 else (FROZEN if refused or in_arrears or decided < m else OPEN)
    gone = LEFT if review == APPLY and state != OPEN else state
    return line, gone, why, bits, 0.0, 0.0, 0.0 if status == CLOSED and gone == OPEN else idle


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
    on_time = standing == ON_TIME
    zero = on_time and limit_before >= m and (limit < m or status == LEFT)
    blocked = on_time and limit_before - balance >= m and limit >= m and limit - balance < m
    happens = ZERO_LIMIT if zero else (BLOCKED if blocked else NO_EVENT)
    usable = status == OPEN and limit >= m and (limit - balance >= m or event == NO_EVENT)
    starts = happens > NO_EVENT or status != OPEN or limit < m
    lasting = without_line > 0.0 and not usable
    gone = status == LEFT and without_line > 0.0
    ends = (without_line > 0.0 and usable) or gone
    by_review = END_APPEAL if appealed == APPEAL_WON else (END_REAPPLY if review == REAPPLY else route_after(reason))
    route = END_CHARGEOFF if gone else (END_REPAID if review == NO_REVIEW else by_review)
    months = min(SPELL_MOST, without_line + 1.0) if lasting else (1.0 if starts and not ends else 0.0)
    began = happens if happens > NO_EVENT else (NO_EVENT if ends else event)
    return (
        happens,
        route if ends and event > NO_EVENT else CENSORED,
        without_line if ends else 0.0,
        0.0 if status == LEFT else months,
        NO_EVENT if status == LEFT else began,
        min(ZEROS_MOST, zeros + (1.0 if zero else 0.0)),
        (1.0 if review == NO_REVIEW else 0.0) if happens > NO_EVENT else (0.0 if ends else known),
        NOT_APPEALED if happens > NO_EVENT or ends else appealed,
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
    in_spell = event > NO_EVENT and without_line > 0.0 and status != LEFT
    finds = in_spell and known == 0.0 and (u_look < habit or terms.reasons_sent > 0.0)
    knows = 1.0 if known > 0.0 or finds else 0.0
    chance = (
        terms.appeal_appealing
        if strategy == APPEALING
        else terms.appeal_rate * (terms.reasons_appeals if terms.reasons_sent > 0.0 else 1.0)
    )
    files = in_spell and knows > 0.0 and appealed == NOT_APPEALED and terms.appeals_capacity > 0.0 and u_appeal < chance
    waits = in_spell and appealed == APPEAL_FILED and terms.appeals_capacity > 0.0
    told = happened > NO_EVENT and known > 0.0
    return (
        knows,
        FOUND_LOOKING if finds else (FOUND_BY_NOTICE if told else NOT_FOUND),
        APPEAL_FILED if files else appealed,
        min(MONTHS_MOST, waited + 1.0) if waits else 0.0,
    )


@rule("appeals")
def stand_in_queue(status, event, without_line, appealed, waited, terms):
    """Whose appeal is before the desk, while it hears any: 1 filed this month, 2 waiting from before."""
    pending = (
        appealed == APPEAL_FILED
        and event > NO_EVENT
        and without_line > 0.0
        and status != LEFT
        and terms.appeals_capacity > 0.0
    )
    return (QUEUED_NOW if waited == 0.0 else QUEUED_BEFORE) if pending else NOT_QUEUED


@rule("cut")
def measure_cut(limit, limit_before, terms):
    """What a line lost (fen), if it is cut by more than 5 %."""
    return limit_before - limit if limit_before >= terms.minimum_loan and limit < CUT_BELOW * limit_before else 0.0


@outcomes
def count_decided(
    status,
    standing,
    settled,
    limit,
    limit_before,
    cut,
    scheduled,
    overdue,
    happened,
    zeros,
    review,
    appeals,
    notice_left,
    terms,
):
    """Outcomes of who was touched by the decision."""
    m = terms.minimum_loan
    had_line = limit_before >= m
    lost = had_line and (limit < m or status == LEFT)
    zero = happened == ZERO_LIMIT
    return (
        flag("zero_limit", zero, "zero-limit events: on-time payers whose line fell below the minimum loan"),
        flag("blocked", happened == BLOCKED, "blocked after repayment: on-time payers with a line and nothing available"),
        flag("zero_inactive", standing == NOTHING_DUE and lost, "with nothing due, line lost"),
        flag("zero_arrears", standing >= LATE and lost, "in arrears or charged off, line lost"),
        flag("repeated", zero and zeros > 1.0, "zero-limit events that are not the first of their borrower"),
        flag("decreases", cut > 0.0, "lines cut by more than 5 %"),
        flag("large_decreases", cut > 0.0 and limit <= HALVED_AT * limit_before, "lines cut by half or more"),
        flag("increases", limit > limit_before and had_line, "lines raised"),
        flag("reviewed", review > NO_REVIEW, "lines decided"),
        flag("zero_paid_off", settled == PAID_OFF and zero, "zero-limit events in the month of paying off as scheduled"),
        flag(
            "zero_paid_off_early", settled == PAID_OFF_EARLY and zero, "zero-limit events in the month of paying off early"
        ),
        flag("zero_running", settled == NOT_PAID_OFF and zero, "zero-limit events in the middle of a loan"),
        flag("appeals", appeals == QUEUED_NOW, "appeals filed"),
        flag("noticed", review == REVIEW and notice_left > 0.0, "cuts announced"),
        flag("admitted", review == APPLY and status == OPEN, "first lines opened"),
        flag("readmitted", review == REAPPLY and status == OPEN, "lines opened again after a re-application"),
        flag("applied", review >= REAPPLY, "first applications and re-applications"),
        flag("applied_first", review == APPLY, "first applications"),
        flag("refused_first", review == APPLY and status != OPEN, "first applications refused"),
        flag("charged_off", standing == CHARGED_OFF, "loans written off"),
        flag("frozen", status == FROZEN, "frozen lines"),
        flag("appeals_pending", appeals > NOT_QUEUED, "appeals before the desk, this month's included"),
        flag(
            "zero_at_risk",
            zero and limit_before - (scheduled + overdue) >= m,
            "zero-limit events of those at risk (the others had less than the minimum loan available before)",
        ),
    )


@outcomes
def count(status, standing, settled, limit, limit_before, scheduled, overdue, principal_paid, warned, out_of_work, terms):
    """Outcomes of everybody after the decision."""
    m = terms.minimum_loan
    balance = scheduled + overdue
    on_time = standing == ON_TIME
    had_line = limit_before >= m
    at_risk = limit_before - balance >= m
    restored = principal_paid + max(0.0, limit_before - balance - principal_paid)
    room = max(0.0, limit - balance) if status == OPEN else 0.0
    short = at_risk and room < FREED_BELOW * restored
    return (
        flag("accounts", status != LEFT, "slots with a borrower"),
        flag("at_risk", on_time and at_risk, "on-time payers at risk: line less principal at least the minimum loan"),
        flag("at_risk_inactive", standing == NOTHING_DUE and at_risk, "with nothing due, at risk"),
        flag("at_risk_arrears", standing >= LATE and at_risk, "in arrears, at risk"),
        flag("on_time", on_time, "on-time payers: all due was paid, and something was paid"),
        flag(
            "line_on_time",
            on_time and had_line,
            "on-time payers who began the month with a line (less those at risk: own use)",
        ),
        flag("line_inactive", standing == NOTHING_DUE and had_line, "with nothing due, who began the month with a line"),
        flag(
            "not_restored",
            on_time and short,
            "on-time payers at risk who have less than 90 % of what repayment should restore",
        ),
        flag("paid_off", settled == PAID_OFF, "loans paid off as scheduled"),
        flag("paid_off_early", settled == PAID_OFF_EARLY, "loans paid off early"),
        flag("warned", warned > NOT_WARNED, "early warnings sent"),
        flag("out_of_work", out_of_work > 0.0, "in a spell without work"),
    )
