"""Step 10: what is asked for, and how a loan becomes a schedule."""

from zerolimit.rules.rule import by_segment, ema, rule, whole
from zerolimit.vocabulary.constants import (
    HALF,
    LARGEST,
    LONG_TERM,
    MEDIUM_TERM,
    MONTHS_MOST,
    ONE_YUAN,
    SHARE_MOST,
    SHORT_TERM,
)
from zerolimit.vocabulary.names import (
    CARD,
    FOUND_AT_NEED,
    INACTIVE,
    LEFT,
    MAXED_OUT,
    NO_EVENT,
    NOT_WARNED,
    OPEN,
    PLANNING,
    PROJECT,
    RESTRAINT,
    REVOLVER,
    TRANSACTOR,
    WARNED_OF_TRIGGER,
)


@rule("asked", "known", "found")
def ask(
    status,
    strategy,
    product,
    use_type,
    wished_use,
    segment,
    limit,
    scheduled,
    overdue,
    overdue_interest,
    cash,
    income_true,
    project,
    trust,
    event,
    known,
    found,
    notice_left,
    warned,
    moved,
    u_need,
    u_habit,
    u_size,
    u_fear,
    terms,
):
    """A loan asked for, in fen, within the available line max(0, min(L, 1.9e9 - overdue interest) - B) of an open line.

    Need: what is missing after repayment and spending, and the buffer target, with probability need_rate. Habit: a small
    loan of about habit_size x income with probability habit_rate x demand (as in `spend`; with restraint or a warning
    x habit_restrained). Who is warned of the trigger and lacks money fills up the buffer in one loan: fewer habitual
    loans alone would leave the small ones, which the trigger counts. Fear: all that is available, with probability
    fear_gain x (fear_level - trust), or after an announced cut notice_rush. A revolver fills the balance up to
    wished_use of the line, or of revolver_income months' income where that is less; who is always near the limit asks for
    all that is available with probability maxed_rate; who hardly ever uses credit does so with inactive_use of the
    probabilities of need and habit. A card's habit is a month's purchases of about card_size x income, with probability
    card_habit (a transactor: 1) in place of habit_rate. An owner who borrows for projects only has no habit, not by card
    either, and fills up no buffer: where a project begins (project = project_months, above 0) all that it costs is asked for
    in one loan, project x tranche_share x income. What slips in its first month has project_months to go again, and is asked
    for again: money is lacking. Requests are at least the minimum loan, by card 1 yuan. Who wants a loan and finds none has
    found the cut at need. Whose debt has moved to another lender asks for nothing any more.
    """
    if status == LEFT or moved > 0.0:
        return 0.0, known, found
    m = terms.minimum_loan
    room = min(limit, LARGEST - overdue_interest)
    available = max(0.0, room - scheduled - overdue) if status == OPEN else 0.0
    months = terms.buffer_planning if strategy == PLANNING else terms.buffer_months
    active = terms.inactive_use if use_type == INACTIVE else 1.0
    missing = max(0.0, -cash) if u_need < active else 0.0
    finances = use_type == PROJECT
    fills = not finances and (u_need < terms.need_rate * active or (warned == WARNED_OF_TRIGGER and missing > 0.0))
    refill = max(0.0, whole(months * income_true) - cash) if fills else 0.0
    by_card = product == CARD
    buys = 1.0 if use_type == TRANSACTOR else terms.card_habit
    rate = buys if by_card else by_segment(segment, terms.habit_salaried, terms.habit_gig, terms.habit_owner)
    size = terms.card_size if by_card else terms.habit_size
    least = ONE_YUAN if by_card else m
    calm = terms.habit_restrained if strategy == RESTRAINT or warned > NOT_WARNED else 1.0
    habit = 0.0 if finances else rate * active * calm * terms.demand
    small = max(least, whole(size * income_true * (HALF + u_size))) if u_habit < habit else 0.0
    begins = finances and project > 0.0 and project == terms.project_months
    cost = whole(project * terms.tranche_share * income_true) if begins else 0.0
    worry = terms.fear_gain * max(0.0, terms.fear_level - trust) + (terms.notice_rush if notice_left > 0.0 else 0.0)
    rush = available if u_fear < worry + (terms.maxed_rate if use_type == MAXED_OUT else 0.0) else 0.0
    used = min(limit, terms.revolver_income * income_true)
    carried = max(0.0, whole(wished_use * used) - scheduled - overdue) if use_type == REVOLVER else 0.0
    desired = max(missing, refill, small, cost, rush, carried if carried >= m else 0.0)
    asked = min(available, max(desired, least)) if desired > 0.0 and available >= m else 0.0
    needs = desired > 0.0 and asked < desired
    at_need = needs and event > NO_EVENT and known == 0.0 and available < m
    return asked, 1.0 if at_need else known, FOUND_AT_NEED if at_need else found


@rule("overdue_interest")
def bill(status, product, scheduled, overdue, overdue_interest, drawn, terms):
    """A card's interest, billed when the month ends: floor(principal carried x card_monthly_rate), in fen.

    Carried is what this month's payment left; this month's purchases bear interest once they are carried, so who pays all
    each month pays none. Less where what is owed and drawn would exceed 1.9e9 fen. It falls due, whole, with the next
    minimum payment, and takes the balance above a line that is used up.
    """
    carried = scheduled + overdue
    room = max(0.0, LARGEST - overdue_interest - carried - drawn)
    billed = min(whole(carried * terms.card_monthly_rate), room) if product == CARD and status != LEFT else 0.0
    return overdue_interest + billed


@rule(
    "scheduled",
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
    "due_12",
)
def book(
    product,
    drawn,
    scheduled,
    due_1,
    due_2,
    due_3,
    due_4,
    due_5,
    due_6,
    due_7,
    due_8,
    due_9,
    due_10,
    due_11,
    due_12,
    u_term,
    terms,
):
    """A loan of term k adds k equal instalments from next month on, the odd fen in the first.

    An `open` loan adds none, nor does what is bought by card. k is 3, 6 or 12 months with the shares term_3, term_6 and
    the rest, or open with share term_open. A void schedule (nothing scheduled) starts from zero. floor(drawn / k) is
    floor((drawn + 1/2) x 1/k), which no rounding can reach and no division slows.
    """
    is_open = u_term < terms.term_open or product == CARD
    u = u_term - terms.term_open
    fixed = 1.0 - terms.term_open
    short, medium = u < terms.term_3 * fixed, u < (terms.term_3 + terms.term_6) * fixed
    months = SHORT_TERM if short else (MEDIUM_TERM if medium else LONG_TERM)
    one = 1.0 / SHORT_TERM if short else (1.0 / MEDIUM_TERM if medium else 1.0 / LONG_TERM)
    part = 0.0 if is_open else whole((drawn + HALF) * one)
    odd = 0.0 if is_open else drawn - part * months
    kept = 1.0 if scheduled > 0.0 else 0.0
    to_3 = part
    to_6 = part if months > SHORT_TERM else 0.0
    to_12 = part if months > MEDIUM_TERM else 0.0
    return (
        scheduled + drawn,
        kept * due_1 + to_3 + odd,
        kept * due_2 + to_3,
        kept * due_3 + to_3,
        kept * due_4 + to_6,
        kept * due_5 + to_6,
        kept * due_6 + to_6,
        kept * due_7 + to_12,
        kept * due_8 + to_12,
        kept * due_9 + to_12,
        kept * due_10 + to_12,
        kept * due_11 + to_12,
        kept * due_12 + to_12,
    )


@rule("cash", "drawn", "frequency", "loan_size", "idle", "inquiries")
def receive(
    status, product, asked, refused, cash, frequency, loan_size, idle, inquiries, scheduled, overdue, income_seen, terms
):
    """The loan is paid out, or refused because the pool is used up; the scorecard remembers habits, inquiries fade.

    A card's purchases are no loans taken: frequency and size of loans are of instalment loans only.
    """
    here = status != LEFT
    drawn = asked if refused == 0.0 else 0.0
    took = drawn > 0.0
    lent = took and product != CARD
    relative = min(SHARE_MOST, drawn / max(income_seen, ONE_YUAN))
    in_use = took or scheduled + overdue > 0.0
    return (
        min(cash + drawn, LARGEST) if here else 0.0,
        drawn,
        ema(frequency, 1.0 if lent else 0.0, 1.0 / terms.memory_frequency),
        ema(loan_size, relative, 1.0 / terms.memory_size) if lent else loan_size,
        0.0 if in_use else min(MONTHS_MOST, idle + 1.0),
        ema(inquiries, 0.0, 1.0 / terms.memory_inquiries),
    )


@rule("principal")
def owe(scheduled, overdue):
    """All that is owed when the month ends, in fen."""
    return scheduled + overdue


@rule("lacks")
def fall_short(status, cash):
    """Who still has spending to pay lacks money, and must cope."""
    return 1.0 if status != LEFT and cash < 0.0 else 0.0
