"""Step 12: trust, complaints, leaving, and what acquaintances will hear."""

from zerolimit.rules.rule import clip, rule
from zerolimit.vocabulary.names import CLOSED, LEFT


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
    terms,
    u_leave,
):
    """trust' = trust + mend (1 - trust) - own_hit [found this month] - neighbour_weight x heard.

    Reasons sent, or a notice before, reduce own_hit by reasons_relief. Who owes nothing leaves with probability
    leave_rate (1 - trust).
    """
    here = status != LEFT
    softened = terms.reasons_sent > 0.0 or found == 3.0
    hit = terms.own_hit * (1.0 - (terms.reasons_relief if softened else 0.0)) if found > 0.0 else 0.0
    felt = trust + terms.mend * (1.0 - trust) - hit - terms.neighbour_weight * heard
    now = clip(felt, 0.0, 1.0) if here else 0.0
    in_spell = here and event > 0.0 and without_line > 0.0
    current = late == 0.0
    told = 1.0 if in_spell and known > 0.0 and current else 0.0
    leaves = here and principal == 0.0 and current and u_leave < terms.leave_rate * (1.0 - now)
    return now, told, 1.0 if leaves else 0.0


@rule("status", "limit", "stirred", "outcomes_5")
def leave(
    status,
    limit,
    limit_before,
    leaves,
    event,
    without_line,
    found,
    standing,
    asked,
    refused,
    bridged,
    lacks,
    late,
    principal,
    terms,
):
    """Who leaves has no account any more. Outcome flags of all at the month's end, as bits (vocabulary/outcomes.py)."""
    here = status != LEFT
    in_spell = here and event > 0.0 and without_line > 0.0
    current = late == 0.0
    gone = leaves > 0.0
    stirred = refused > 0.0 or found > 0.0 or lacks > 0.0 or bridged > 0.0 or gone
    word_5 = (
        (1.0 if here and late == 1.0 else 0.0)
        + (2.0 if here and late == 2.0 else 0.0)
        + (4.0 if here and late >= 3.0 else 0.0)
        + (8.0 if here and without_line > 0.0 and current else 0.0)
        + (16.0 if in_spell else 0.0)
        + (32.0 if here and without_line == 0.0 and current else 0.0)
        + (64.0 if principal > 0.0 else 0.0)
        + (128.0 if here and current else 0.0)
        + (256.0 if standing >= 2.0 and limit_before >= terms.minimum_loan else 0.0)
        + (512.0 if asked > 0.0 else 0.0)
        + (1024.0 if status == CLOSED else 0.0)
        + (2048.0 if standing == 1.0 and limit_before < terms.minimum_loan else 0.0)
    )
    return LEFT if gone else status, 0.0 if gone else limit, 1.0 if stirred else 0.0, word_5


@rule("outcomes_4")
def count_stirred(status, standing, principal, refused, found, bridged, elsewhere, shortfall, project, u_complain, terms):
    """Outcome flags of who was refused, found a cut, lacked money, bridged or left, as bits (vocabulary/outcomes.py)."""
    return (
        (1.0 if refused > 0.0 else 0.0)
        + (2.0 if bridged > 0.0 and refused > 0.0 else 0.0)
        + (4.0 if found == 2.0 else 0.0)
        + (8.0 if found == 1.0 else 0.0)
        + (16.0 if elsewhere > 0.0 else 0.0)
        + (32.0 if elsewhere > 0.0 or shortfall > 0.0 else 0.0)
        + (64.0 if shortfall > 0.0 else 0.0)
        + (128.0 if shortfall > 0.0 and project > 0.0 else 0.0)
        + (256.0 if found > 0.0 and u_complain < terms.complaint_rate else 0.0)
        + (512.0 if status == LEFT and standing < 3.0 and principal == 0.0 else 0.0)
        + (1024.0 if bridged > 0.0 else 0.0)
        + (2048.0 if found == 3.0 else 0.0)
    )
