"""Step 12: trust, complaints, leaving, and what acquaintances will hear."""

from zerolimit.rules.flags import flag, outcomes
from zerolimit.rules.rule import clip, rule
from zerolimit.vocabulary.names import (
    CHARGED_OFF,
    CLOSED,
    DORMANT,
    FOUND_AT_NEED,
    FOUND_BY_NOTICE,
    FOUND_LOOKING,
    LATE,
    LEFT,
    NO_EVENT,
    NOT_FOUND,
    ON_TIME,
    OWN_WISH,
    STAYS,
    TRANSFERRED,
    TRUST_LOST,
    WITHOUT_LINE,
)


@rule("trust", "told", "leaves")
def feel(
    status,
    trust,
    heard,
    event,
    known,
    without_line,
    found,
    late,
    principal,
    moved,
    idle,
    terms,
    u_leave,
):
    """trust' = trust + mend (1 - trust) - own_hit [found this month] - neighbour_weight x heard.

    Reasons sent, or a notice before, reduce own_hit by reasons_relief. Where nothing is owed, the account may end: with
    probability leave_rate (1 - trust) for lost trust; if closed, with closed_end_rate more; if not, with quit_rate more by
    its owner's wish, and with dormant_rate more where it was not used for dormant_months. One draw decides, in this order.
    Whose debt another lender has repaid this month (`repay`) leaves in any case.
    """
    here = status != LEFT
    softened = terms.reasons_sent > 0.0 or found == FOUND_BY_NOTICE
    hit = terms.own_hit * (1.0 - (terms.reasons_relief if softened else 0.0)) if found > NOT_FOUND else 0.0
    felt = trust + terms.mend * (1.0 - trust) - hit - terms.neighbour_weight * heard
    now = clip(felt, 0.0, 1.0) if here else 0.0
    in_spell = here and event > NO_EVENT and without_line > 0.0
    current = late == 0.0
    told = 1.0 if in_spell and known > 0.0 and current else 0.0
    sulks = terms.leave_rate * (1.0 - now)
    wishes = sulks + terms.quit_rate
    lapses = wishes + (terms.dormant_rate if idle >= terms.dormant_months else 0.0)
    by_owner = OWN_WISH if u_leave < wishes else (DORMANT if u_leave < lapses else STAYS)
    closes = WITHOUT_LINE if u_leave < sulks + terms.closed_end_rate else STAYS
    why = TRUST_LOST if u_leave < sulks else (closes if status == CLOSED else by_owner)
    ends = TRANSFERRED if moved > 0.0 else why
    return now, told, ends if here and principal == 0.0 and current else STAYS


@outcomes
def count_at_end(status, limit_before, event, without_line, standing, asked, late, principal, terms):
    """Outcomes of everybody at the month's end, before those leave who do."""
    here = status != LEFT
    in_spell = here and event > NO_EVENT and without_line > 0.0
    current = late == 0.0
    return (
        flag("late_1", here and late == 1.0, "one month past due"),
        flag("late_2", here and late == 2.0, "two months past due"),
        flag("late_3", here and late >= 3.0, "three or more months past due"),
        flag("unusable_current", here and without_line > 0.0 and current, "current and without a usable line"),
        flag("in_spell", in_spell, "in a spell that began with a zero limit or a block"),
        flag("usable_current", here and without_line == 0.0 and current, "current with a usable line"),
        flag("indebted", principal > 0.0, "with principal owed"),
        flag("current", here and current, "not past due"),
        flag(
            "line_arrears",
            standing >= LATE and limit_before >= terms.minimum_loan,
            "in arrears or charged off, who began the month with a line",
        ),
        flag("asked_count", asked > 0.0, "loans asked for"),
        flag("closed", status == CLOSED, "closed lines"),
        flag(
            "paid_at_zero",
            standing == ON_TIME and limit_before < terms.minimum_loan,
            "on-time payers who began the month without a line (a stock, facts A5)",
        ),
    )


@rule("status", "limit", "stirred")
def leave(status, limit, leaves, found, refused, bridged, lacks):
    """Whose account ends has none any more. Stirred is who was refused, found a cut, lacked money, bridged or leaves."""
    gone = leaves > STAYS
    stirred = refused > 0.0 or found > NOT_FOUND or lacks > 0.0 or bridged > 0.0 or gone
    return LEFT if gone else status, 0.0 if gone else limit, 1.0 if stirred else 0.0


@outcomes
def count_stirred(
    status, standing, leaves, principal, refused, found, bridged, elsewhere, shortfall, project, u_complain, terms
):
    """Outcomes of who was refused, found a cut, lacked money, bridged or left."""
    return (
        flag("used_up", refused > 0.0, "used up at draw: refused within the line because the pool was empty"),
        flag(
            "rollover_refused",
            bridged > 0.0 and refused > 0.0,
            "used up at draw for one who had counted on a new loan to bridge a payment",
        ),
        flag("found_at_need", found == FOUND_AT_NEED, "found the cut when needing the line"),
        flag("found_looking", found == FOUND_LOOKING, "found the cut by looking"),
        flag("other_loans", elsewhere > 0.0, "loans by other lenders"),
        flag("other_applications", elsewhere > 0.0 or shortfall > 0.0, "applications to other lenders"),
        flag("shortfalls", shortfall > 0.0, "with spending that could not be paid"),
        flag("projects_slipped", shortfall > 0.0 and project > 0.0, "projects that slipped a month"),
        flag("complaints", found > NOT_FOUND and u_complain < terms.complaint_rate, "complaints"),
        flag("left", status == LEFT and standing < CHARGED_OFF and principal == 0.0, "left the platform"),
        flag("bridged_count", bridged > 0.0, "bridged a payment counting on a new loan"),
        flag("found_by_notice", found == FOUND_BY_NOTICE, "knew the cut before it took effect"),
        flag("left_by_wish", leaves == OWN_WISH, "of those who left, by their own wish"),
        flag("left_dormant", leaves == DORMANT, "of those who left, accounts not used for long"),
        flag("left_transferred", leaves == TRANSFERRED, "of those who left, whose debt another lender had repaid"),
        flag("left_closed", leaves == WITHOUT_LINE, "of those who left, accounts that ended without a line"),
    )
