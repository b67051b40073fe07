"""Step 2: income and spending."""

from zerolimit.rules.rule import by_segment, clip, helper, normal, rule, whole
from zerolimit.vocabulary.constants import HALF, LARGEST, MONTHS_MOST, ONE_YUAN
from zerolimit.vocabulary.names import LEFT, MANUFACTURING, OWNER, PLANNING, RESTRAINT, SERVICES


@helper
def sector_trend(sector, terms):
    """The trend of the borrower's sector, from -1 to 1."""
    first = terms.trend_0 if sector == MANUFACTURING else terms.trend_1
    return first if sector < SERVICES else (terms.trend_2 if sector == SERVICES else terms.trend_3)


@rule("income", "cash", "out_of_work")
def earn(status, segment, sector, income_true, cash, out_of_work, u_income, u_work, terms):
    """Income of the month, in fen, is added to savings.

    income = mean x max(0, 1 + exposure x macro + sector_exposure x trend) x max(0, 1 + volatility x z), at most
    income_peak times the mean, times the replacement share during a spell without work. A spell starts with probability
    jobloss x (1 + slump) and ends with probability spell_end.
    """
    if status == LEFT:
        return 0.0, cash, 0.0
    started = u_work < by_segment(segment, terms.jobloss_salaried, terms.jobloss_gig, terms.jobloss_owner) * (
        1.0 + terms.slump
    )
    ended = u_work < terms.spell_end
    spell = (0.0 if ended else min(out_of_work + 1.0, MONTHS_MOST)) if out_of_work > 0.0 else (1.0 if started else 0.0)
    trend = sector_trend(sector, terms)
    exposure = by_segment(segment, terms.exposure_salaried, terms.exposure_gig, terms.exposure_owner)
    level = 1.0 + exposure * terms.macro + terms.sector_exposure * trend
    volatility = by_segment(segment, terms.volatility_salaried, terms.volatility_gig, terms.volatility_owner)
    working = 1.0 if spell == 0.0 else terms.replacement
    relative = clip(max(0.0, level) * (1.0 + volatility * normal(u_income)), 0.0, terms.income_peak)
    income = whole(income_true * relative * working)
    return income, min(cash + income, LARGEST), spell


@rule("outlay", "project", "other_debt")
def spend(status, segment, strategy, income_true, out_of_work, project, other_debt, u_bill, u_project, terms):
    """Spending wanted this month, in fen: ordinary + rare bill + project tranche + service of other lenders' loans.

    ordinary = spend_share x mean income x demand (x spell_spending without work; restraint and planning save
    saving_share of it), demand = max(0, 1 - slump_demand x slump): in a slump less is spent, and less borrowed (facts D9,
    D10). A bill comes with probability bill_rate and is bill_size x mean income x (1/2 + v), v uniform. An owner's
    project starts with probability project_rate and needs project_months tranches of tranche_share x mean income, one a
    month; `project` counts those still to pay, this month's included. Other debt is repaid by 1 / other_months a
    month plus 1 yuan, and interest.
    """
    if status == LEFT:
        return 0.0, 0.0, 0.0
    share = by_segment(segment, terms.spend_salaried, terms.spend_gig, terms.spend_owner)
    careful = 1.0 - (terms.saving_share if strategy == RESTRAINT or strategy == PLANNING else 0.0)
    ordinary = whole(share * careful * income_true * terms.demand * (terms.spell_spending if out_of_work > 0.0 else 1.0))
    bill = (
        whole(terms.bill_size * income_true * (HALF + u_bill * (1.0 / terms.bill_rate))) if u_bill < terms.bill_rate else 0.0
    )
    left = max(0.0, project - 1.0)
    begins = segment == OWNER and left == 0.0 and u_project < terms.project_rate
    ahead = terms.project_months if begins else left
    tranche = whole(terms.tranche_share * income_true) if ahead > 0.0 else 0.0
    service = min(other_debt, whole(other_debt * (1.0 / terms.other_months)) + ONE_YUAN)
    interest = whole(other_debt * terms.other_rate)
    return min(ordinary + bill + tranche + service + interest, LARGEST), ahead, other_debt - service


@rule("cash")
def pay_bills(cash, outlay, income_true, terms):
    """Spending leaves savings after repayment; below 0 it is what must be found by borrowing or coping.

    Savings above savings_cap months of income are consumed; what is lacking below -1.9e9 fen is not spent.
    """
    return max(-LARGEST, min(cash - outlay, whole(terms.savings_cap * income_true)))
