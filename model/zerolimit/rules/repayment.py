"""Step 3: what falls due, what is paid, arrears and charge-off. Every fen of principal and interest is accounted for."""

from zerolimit.rules.flags import flag, outcomes
from zerolimit.rules.rule import rule, whole
from zerolimit.vocabulary.constants import LARGEST, MONTHS_MOST, TWO_MONTHS, TWO_PARTS
from zerolimit.vocabulary.names import (
    CARD,
    CHARGED_OFF,
    LATE,
    LEFT,
    MAXED_OUT,
    NOT_PAID_OFF,
    NOTHING_DUE,
    ON_TIME,
    OPEN,
    PAID_OFF,
    PAID_OFF_EARLY,
    PROJECT,
    REVOLVER,
    TRANSACTOR,
)


@rule("late_before")
def note_arrears(status, late):
    """Months past due when the month begins; 0 in a vacant slot."""
    return late if status != LEFT else 0.0


@rule("limit_before", "principal_before", "due_now", "interest_now", "owing", "due_0")
def fall_due(status, product, limit, scheduled, overdue, overdue_interest, due_0, terms):
    """This month's instalments and interest, or a card's minimum payment, in fen.

    interest = floor(principal x monthly rate), on all principal, scheduled and overdue; less where principal and interest
    due would exceed 1.9e9 fen, what can be stored. due = due_0, and 0 while nothing is scheduled: the schedule is void
    then. A card's interest was billed when the month before ended (`bill`), so interest is 0, and
    due = min(scheduled, max(card_floor, floor(card_minimum x scheduled))).
    owing = overdue interest + overdue + interest + due. After this due_0 is 0, to become the month a year ahead.
    The effective line when the month begins is the limit of an open line, else 0.
    """
    principal = scheduled + overdue
    minimum = min(scheduled, max(terms.card_floor, whole(terms.card_minimum * scheduled)))
    due = minimum if product == CARD else (due_0 if scheduled > 0.0 else 0.0)
    room = 0.0 if product == CARD else max(0.0, LARGEST - overdue_interest - principal)
    interest = min(whole(principal * terms.monthly_rate), room)
    return limit if status == OPEN else 0.0, principal, due, interest, overdue_interest + overdue + interest + due, 0.0


@rule("cash", "paid", "late", "bridged", "moved", "other_debt", "standing", "since_paid")
def repay(
    status,
    product,
    use_type,
    limit,
    scheduled,
    due_now,
    due_1,
    owing,
    principal_before,
    cash,
    late,
    propensity,
    project,
    trust,
    other_debt,
    since_paid,
    u_pay,
    u_early,
    u_bridge,
    terms,
):
    """How much is paid this month, in fen, and the months past due after it.

    Of d = late months past due and A = owing, all is d + 1 parts. How many are meant to be paid is decided by u_pay.
    d = 0: none with probability propensity x stress + gamma x [no open line of the minimum loan or more], else all.
    d > 0: all with probability cure, two with step (where d > 1), one with hold, else none, in this order; parameters
    _1, _2, _3 for d of 1, 2, more. Meant is A for all, 0 for none, else min(A, floor(A parts / (d + 1)) + 1); paid is
    what of it is in savings.

    Bridging: with d = 0, an open line, and principal less due plus the gap (meant less paid) within the limit, another
    lender fills the gap if u_bridge < bridge_share (and other debt stays within 1.9e9 fen): it becomes other debt.
    The rest: with d = 0, A paid, and R = principal before less due above 0, something scheduled, R is repaid too, early,
    if u_early < early_rate x trust (a transactor: transactor_pays; who borrows for projects only: project_pays where
    project = 0, and 0 while one runs), nothing was lacking, and R + savings_kept x A is left in savings; or, where term_open
    is above 0, if u_early < open_repay_rate and R is left in savings. Who does not repay R, and lacked nothing, pays next
    month's instalment ahead if u_bridge < ahead_rate: of due_1 what savings_kept x A leaves in savings, in whole fen.

    Balance transfer: with d = 0 and something owed, if 1 - u_early <= transfer_rate (and other debt stays within 1.9e9 fen)
    another lender repays all, A and R, which becomes other debt; the account ends this month (`feel`).

    Of a card's R is repaid what is wished and, with savings_kept x A kept, in savings, where nothing was lacking: all with
    probability transactor_pays (a transactor) or card_pays_all, else floor(card_extra x v x R), v uniform (u_bridge); a
    revolver, or who is always near the limit, never all.

    late' = 0 if A is paid, else min(120, d + 1 - floor(P (d + 1) / A)) with P paid. standing: late (2) if A is not paid,
    on-time payer (1) if anything was paid, else 0. since_paid starts at 0 with each payment, else grows, to 120.
    In a vacant slot nothing is paid, and late' and standing are 0.
    """
    if status == LEFT:
        return cash, 0.0, 0.0, 0.0, 0.0, other_debt, NOTHING_DUE, since_paid
    unusable = 1.0 if status != OPEN or limit < terms.minimum_loan else 0.0
    miss = propensity * terms.stress + terms.gamma * unusable
    cure = terms.cure_1 if late == 1.0 else (terms.cure_2 if late == TWO_MONTHS else terms.cure_3)
    step = 0.0 if late == 1.0 else (terms.step_2 if late == TWO_MONTHS else terms.step_3)
    hold = terms.hold_1 if late == 1.0 else (terms.hold_2 if late == TWO_MONTHS else terms.hold_3)
    some = TWO_PARTS if u_pay < cure + step else (1.0 if u_pay < cure + step + hold else 0.0)
    in_arrears = late + 1.0 if u_pay < cure else some
    parts = (0.0 if u_pay < miss else 1.0) if late == 0.0 else in_arrears
    meant = owing if parts >= late + 1.0 else (min(owing, whole(owing * parts / (late + 1.0)) + 1.0) if parts > 0.0 else 0.0)
    rest = principal_before - due_now if late == 0.0 else 0.0
    moves = late == 0.0 and principal_before > 0.0 and 1.0 - u_early <= terms.transfer_rate
    moves = moves and other_debt + owing + rest <= LARGEST
    own = max(0.0, min(cash, meant))
    gap = meant - own
    redraw = limit - (principal_before - due_now)
    bridges = not moves and gap > 0.0 and late == 0.0 and status == OPEN and redraw >= gap and u_bridge < terms.bridge_share
    bridges = bridges and other_debt + gap <= LARGEST
    paid = meant if bridges else own
    in_full = late == 0.0 and paid >= owing and rest > 0.0 and scheduled > 0.0
    by_card = product == CARD
    closes = in_full and not by_card and terms.term_open > 0.0 and cash - paid >= rest and u_early < terms.open_repay_rate
    spare = cash - paid - terms.savings_kept * owing
    carries = use_type == REVOLVER or use_type == MAXED_OUT
    others = (0.0 if carries else terms.card_pays_all) if by_card else terms.early_rate * trust
    over = terms.project_pays if project == 0.0 else 0.0
    willing = terms.transactor_pays if use_type == TRANSACTOR else (over if use_type == PROJECT and not by_card else others)
    early = in_full and not by_card and gap == 0.0 and spare >= rest and u_early < willing
    ahead = u_bridge < terms.ahead_rate
    wish = rest if u_early < willing else whole(terms.card_extra * u_bridge * rest)
    some_more = (wish if by_card else (due_1 if ahead else 0.0)) if in_full and gap == 0.0 else 0.0
    more = min(some_more, max(0.0, whole(spare)))
    total = owing + rest if moves else paid + (rest if closes or early else more)
    borrowed = total if moves else (gap if bridges else 0.0)
    settles = moves or paid >= owing
    behind = 0.0 if settles else late + 1.0 - whole(paid * (late + 1.0) / owing)
    standing = (ON_TIME if total > 0.0 else NOTHING_DUE) if settles else LATE
    since = 0.0 if total > 0.0 else min(MONTHS_MOST, since_paid + 1.0)
    return (
        cash - (total - borrowed),
        total,
        min(behind, MONTHS_MOST),
        1.0 if bridges else 0.0,
        1.0 if moves else 0.0,
        other_debt + borrowed,
        standing,
        since,
    )


@rule("scheduled", "overdue", "overdue_interest", "due_1", "interest_paid", "principal_paid", "settled")
def apply_payment(
    product, scheduled, overdue, overdue_interest, due_now, due_1, interest_now, principal_before, paid, terms
):
    """A payment goes to overdue interest, overdue principal, due interest, due instalments, then the rest of the loan.

    What of the month's dues is not paid becomes overdue. Repaying the rest clears the schedule; less than the rest is taken
    off the next instalment, due_1, which is what is paid ahead. Interest paid is that of
    both kinds, principal paid all else. settled: when nothing is owed any more, of a principal above 0 before, 2 if the
    rest was repaid, term_open is 0 and it is no card, else 1; otherwise 0.
    """
    to_old_interest = min(paid, overdue_interest)
    left = paid - to_old_interest
    to_overdue = min(left, overdue)
    left = left - to_overdue
    to_interest = min(left, interest_now)
    left = left - to_interest
    to_due = min(left, due_now)
    to_rest = left - to_due
    remaining = scheduled - due_now - to_rest
    still_overdue = overdue - to_overdue + due_now - to_due
    ended = principal_before > 0.0 and remaining + still_overdue == 0.0
    off_next = to_rest if remaining > 0.0 and product != CARD else 0.0
    ended_early = to_rest > 0.0 and terms.term_open == 0.0 and product != CARD
    return (
        remaining,
        still_overdue,
        overdue_interest - to_old_interest + interest_now - to_interest,
        due_1 - off_next,
        to_old_interest + to_interest,
        to_overdue + to_due + to_rest,
        (PAID_OFF_EARLY if ended_early else PAID_OFF) if ended else NOT_PAID_OFF,
    )


@rule("status", "limit", "scheduled", "overdue", "overdue_interest", "written_off", "recovered", "standing")
def charge_off(status, limit, scheduled, overdue, overdue_interest, late, standing, terms):
    """A loan chargeoff_months or more past due is written off; recovered = floor(principal x (1 - lgd)). The account ends.

    Written off is all principal, scheduled and overdue. Line and debt are 0 then, the slot is vacant (status left), and the
    standing is charged off (3).
    """
    if status == LEFT or late < terms.chargeoff_months:
        return status, limit, scheduled, overdue, overdue_interest, 0.0, 0.0, standing
    principal = scheduled + overdue
    return LEFT, 0.0, 0.0, 0.0, 0.0, principal, whole(principal * (1.0 - terms.lgd)), CHARGED_OFF


@rule("slid")
def slide(late_before, late):
    """Of who is or was late, d + 1 for the counts of moves, with d months past due when the month began; else 0."""
    return late_before + 1.0 if late_before > 0.0 or late > 0.0 else 0.0


@outcomes
def count_arrears(slid, late, standing):
    """Outcomes of who is or was late: the moves that roll rates are made of."""
    was = slid - 1.0
    now = MONTHS_MOST if standing == CHARGED_OFF else late
    return (
        flag("missed", was == 0.0, "current when the month began, late now"),
        flag("was_late_1", was == 1.0, "one month past due when the month began"),
        flag("was_late_2", was == 2.0, "two months past due when the month began"),
        flag("was_late_3", was >= 3.0, "three or more months past due when the month began"),
        flag("cured_1", was == 1.0 and now == 0.0, "of those one month late, current now"),
        flag("cured_2", was == 2.0 and now == 0.0, "of those two months late, current now"),
        flag("cured_3", was >= 3.0 and now == 0.0, "of those three or more months late, current now"),
        flag("rolled_1", was == 1.0 and now > was, "of those one month late, later now"),
        flag("rolled_2", was == 2.0 and now > was, "of those two months late, later now or written off"),
    )
