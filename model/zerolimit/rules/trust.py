"""Step 12: trust, complaints, leaving, and what acquaintances will hear."""

from zerolimit.names import LEFT
from zerolimit.rules.rule import clip, rule


@rule("trust", "told", "status", "limit", "outcomes_4", "outcomes_5", "departs")
def feel(status, limit, trust, heard, event, known, without_line, found, standing, asked, refused, unmet, bridged, elsewhere, shortfall, project, late, principal, terms, u_leave, u_complain):
    """trust' = trust + mend (1 - trust) - own_hit [found this month] - neighbour_weight x heard / acquaintances.

    Reasons sent soften one's own hit by reasons_relief. Who owes nothing leaves with probability leave_rate (1 - trust).
    """
    here = status != LEFT
    hit = terms.own_hit * (1.0 - (terms.reasons_relief if terms.reasons_sent > 0.0 else 0.0)) if found > 0.0 else 0.0
    felt = trust + terms.mend * (1.0 - trust) - hit - terms.neighbour_weight * heard / max(terms.acquaintances, 1.0)
    now = clip(felt, 0.0, 1.0) if here else 0.0
    in_spell = here and event > 0.0 and without_line > 0.0
    told = 1.0 if in_spell and known > 0.0 and late == 0.0 else 0.0
    leaves = here and principal == 0.0 and u_leave < terms.leave_rate * (1.0 - now)
    complains = found > 0.0 and u_complain < terms.complaint_rate
    used_up = refused > 0.0
    current = late == 0.0
    word_4 = (
        (1.0 if asked > 0.0 else 0.0)
        + (2.0 if used_up else 0.0)
        + (4.0 if bridged > 0.0 and (used_up or unmet > 0.0) else 0.0)
        + (8.0 if found == 2.0 else 0.0)
        + (16.0 if found == 1.0 else 0.0)
        + (32.0 if elsewhere > 0.0 else 0.0)
        + (64.0 if elsewhere > 0.0 or shortfall > 0.0 else 0.0)
        + (128.0 if shortfall > 0.0 else 0.0)
        + (256.0 if shortfall > 0.0 and project > 0.0 else 0.0)
        + (512.0 if complains else 0.0)
        + (1024.0 if leaves else 0.0)
        + (2048.0 if bridged > 0.0 else 0.0)
    )
    word_5 = (
        (1.0 if late == 1.0 else 0.0)
        + (2.0 if late == 2.0 else 0.0)
        + (4.0 if late >= 3.0 else 0.0)
        + (8.0 if here and without_line > 0.0 and current else 0.0)
        + (16.0 if in_spell else 0.0)
        + (32.0 if here and without_line == 0.0 and current else 0.0)
        + (64.0 if principal > 0.0 else 0.0)
        + (128.0 if standing == 1.0 and without_line > 0.0 else 0.0)
        + (256.0 if here and current else 0.0)
        + (512.0 if standing == 3.0 else 0.0)
    )
    return now, told, LEFT if leaves else status, 0.0 if leaves else limit, word_4, word_5, 1.0 if leaves and in_spell else 0.0
