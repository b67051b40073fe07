"""What the platform computes with in a month, each once: numbers of one world, as fields are numbers of one borrower."""

from dataclasses import dataclass
from typing import Literal

from zerolimit.vocabulary.names import SECTORS
from zerolimit.vocabulary.outcomes import DESK

Kind = Literal["whole", "real", "exact", "term"]


@dataclass(frozen=True)
class WorldField:
    """A number of one world.

    How it is kept: whole (64 bits), real (float64), exact (a decimal number, as two whole ones), or as a term that rules of
    borrowers read (parameters.terms.ANNOUNCED).
    """

    name: str
    kind: Kind
    unit: str
    says: str


NO_END = -1
"""Of a pool, or of what may be granted: without end."""

DRAWS = ("u_macro", "u_regime", *(f"u_sector_{k}" for k in range(len(SECTORS))))
"""Draws of the economy, one of each a month."""
TRENDS = tuple(f"trend_{k}" for k in range(len(SECTORS)))
EVENTS = (
    WorldField("event_tightness", "real", "0 to 1", "added to the tightness by the calendar"),
    WorldField("event_funding_stress", "real", "0 to 1", "how hard the lender's own funding is"),
    WorldField("event_cutoff_shift", "real", "points", "added to the cutoff by the calendar"),
    WorldField("event_person_cap", "real", "yuan", "legal ceiling per person by the calendar; 0: none"),
    WorldField("event_person_cap_income", "real", "years of income", "the same in years of income; 0: none"),
    WorldField("event_target_age", "real", "years", "age of the target customer by the calendar; 0: the parameter's"),
    WorldField("event_target_income", "real", "yuan a month", "the same of income"),
)
"""What the calendar has set, and holds until it sets it anew."""

WORLD = (
    WorldField("month", "whole", "months", "months since the set-up, from 0"),
    WorldField("slots", "whole", "borrowers", "places for borrowers"),
    # the economy and the calendar
    *(WorldField(name, "real", "0 to 1", "draw of the economy") for name in DRAWS),
    WorldField("macro", "real", "index", "macro index, 0 in normal times"),
    WorldField("slumping", "whole", "flag", "a slump lasts (regimes)"),
    *(
        WorldField(name, "real", "index", f"trend of the sector {sector}")
        for name, sector in zip(TRENDS, SECTORS, strict=True)
    ),
    *EVENTS,
    # how the pool is funded, as the scenario and the calendar have it
    WorldField("funded", "whole", "flag", "the pool is as large as capital, own funds and partners allow (pool_rule)"),
    WorldField("leverage", "exact", "times capital", "leverage cap in force"),
    WorldField("own_share", "exact", "share", "own share of new joint loans in force"),
    WorldField(
        "own_part", "exact", "share", "own share of all new loans: of joint ones, and none of what partners lend alone"
    ),
    WorldField("partner_share", "exact", "share", "of loans, what partners lend alone"),
    WorldField("growth", "exact", "times", "what a fixed pool grows by in a month"),
    WorldField("pool", "whole", "fen", "the pool K; NO_END: without end"),
    WorldField("pool_before", "whole", "fen", "the pool before this month's calendar; NO_END: without end"),
    WorldField("too_large", "whole", "flag", "the pool, or what funds it, is beyond what can be counted exactly"),
    WorldField("pool_peak", "whole", "fen", "the largest pool since the last campaign"),
    WorldField("first_pool", "whole", "fen", "the pool at the start"),
    WorldField("capital", "whole", "fen", "capital"),
    WorldField("first_capital", "whole", "fen", "capital at the start"),
    WorldField("own_funds", "whole", "fen", "own funds for joint loans"),
    WorldField("first_own", "whole", "fen", "own funds at the start"),
    WorldField("own_used", "whole", "fen", "own funds that loans take"),
    WorldField("partner_lines", "whole", "fen", "what partners lend alone, at most"),
    WorldField("first_partners", "whole", "fen", "the same at the start"),
    # the accounts, since the start
    WorldField("cash", "whole", "fen", "not lent"),
    WorldField("deficit", "whole", "fen", "past losses not yet made good"),
    WorldField("funding_change", "whole", "fen", "funding that came since the start, less what went"),
    WorldField("all_interest", "whole", "fen", "interest received since the start"),
    WorldField("all_recovered", "whole", "fen", "recovered since the start"),
    WorldField("all_written_off", "whole", "fen", "written off since the start"),
    WorldField("all_costs", "whole", "fen", "costs since the start"),
    WorldField("distributed", "whole", "fen", "paid out since the start"),
    # what past months tell
    WorldField("losses_in_year", "whole", "fen", "written off less recovered, in the last 12 months"),
    WorldField("principal_in_year", "whole", "fen", "principal at the end of the last 12 months, added up"),
    WorldField("months_in_year", "whole", "months", "those months, fewer at the start"),
    WorldField("drawn_in_window", "whole", "fen", "lent in the last planned_use_months"),
    WorldField("open_in_window", "whole", "fen", "undrawn lines of those months, added up"),
    WorldField("loss_rate", "real", "share", "losses of the last 12 months over the mean principal of those months"),
    # announcements
    WorldField("slump", "term", "index", "how far the macro index is below 0"),
    WorldField("stress", "term", "times", "what a slump makes of the chance to miss a payment"),
    WorldField("demand", "term", "times", "what a slump makes of spending and of habitual borrowing"),
    WorldField("tightness", "term", "0 to 1", "the platform's tightness in force"),
    WorldField("cutoff_shift", "term", "points", "added to the cutoff"),
    WorldField("person_cap", "term", "fen", "legal ceiling per person"),
    WorldField("person_cap_income", "term", "years of income", "the same in years of income"),
    WorldField("cutoff", "real", "points", "risk score that admission asks for, with the shift"),
    WorldField("tightness_low", "real", "0 to 1", "the lowest tightness since the last campaign"),
    WorldField("fall_share", "exact", "share", "fall of the pool that calls a campaign (campaign_fall)"),
    WorldField("campaign", "real", "flag", "a campaign reviews a share of lines this month"),
    # allocation
    WorldField("admission_budget", "whole", "borrowers", "first applications and re-applications admitted this month"),
    WorldField("hearings", "whole", "borrowers", "appeals that the desk hears this month, at most"),
    WorldField("least_grant", "whole", "fen", "no grant is smaller"),
    WorldField("owed", "whole", "fen", "owed by borrowers: when the month begins, then after repayment"),
    WorldField("kept", "whole", "fen", "what was owed less what was repaid and written off"),
    WorldField("principal", "whole", "fen", "lent and not repaid: after repayment, then at the month's end"),
    WorldField("principal_paid", "whole", "fen", "principal repaid this month"),
    WorldField("interest_paid", "whole", "fen", "interest paid this month"),
    WorldField("written_off", "whole", "fen", "written off this month"),
    WorldField("recovered", "whole", "fen", "recovered this month"),
    WorldField("committed", "whole", "fen", "undrawn parts of lines that are not decided"),
    WorldField("planned_use_set", "whole", "per 10,000", "expected use of open lines by the scenario; NO_END: none is set"),
    WorldField("planned_use_least", "whole", "per 10,000", "its lower bound where none is set"),
    WorldField("planned_use_most", "whole", "per 10,000", "its upper bound where none is set"),
    WorldField("phi", "whole", "per 10,000", "expected use of open lines in force"),
    WorldField("aside_share", "exact", "share", "of the pool, kept for appeals"),
    WorldField("need", "whole", "fen", "undrawn parts wanted of those who contend"),
    WorldField("contended", "whole", "fen", "the same before the admissions budget"),
    WorldField("overrun", "whole", "flag", "more was promised than the pool could plan for"),
    WorldField("capacity", "whole", "fen", "what may be granted"),
    WorldField("granted", "whole", "fen", "what was granted"),
    WorldField("open_lines", "whole", "fen", "undrawn lines after allocation"),
    WorldField("planned", "whole", "fen", "planned exposure: principal plus expected use of open lines"),
    WorldField("planned_use", "real", "share", "expected use of open lines"),
    WorldField("rank_cutoff", "real", "by allocation", "level that uses up the pool"),
    # the desk
    WorldField("aside", "whole", "fen", "what may be granted on appeal; NO_END: without end"),
    WorldField("granted_on_appeal", "whole", "fen", "what was"),
    *(WorldField(name, "whole", unit, says) for name, (unit, says) in DESK.items()),
    # costs of the month
    WorldField("funding_price", "exact", "share", "cost of funding, a month"),
    WorldField("reviewed", "whole", "borrowers", "lines reviewed"),
    WorldField("decreases", "whole", "borrowers", "lines cut"),
    WorldField("warned", "whole", "borrowers", "warned early"),
    WorldField("noticed", "whole", "borrowers", "told of a cut before it takes effect"),
    WorldField("opened", "whole", "borrowers", "lines opened to first applicants and to those who came back"),
    WorldField("serviced", "whole", "borrowers", "with an account"),
    WorldField("chased", "whole", "borrowers", "past due when the month began"),
    WorldField("funding_costs", "whole", "fen", "interest on the pool, or on what is lent where that is more"),
    WorldField("review_costs", "whole", "fen", "reviews of lines"),
    WorldField("reason_costs", "whole", "fen", "letters with reasons"),
    WorldField("warning_costs", "whole", "fen", "letters that warn early"),
    WorldField("notice_costs", "whole", "fen", "letters that announce a cut"),
    WorldField("appeal_costs", "whole", "fen", "appeals heard"),
    WorldField("acquisition_costs", "whole", "fen", "winning those whose lines were opened"),
    WorldField("servicing_costs", "whole", "fen", "keeping accounts"),
    WorldField("collection_costs", "whole", "fen", "collecting from those past due"),
    WorldField("costs", "whole", "fen", "all costs of the month"),
    WorldField("distributed_share", "exact", "share", "of net income, paid out after past losses are made good"),
    WorldField("net_income", "whole", "fen", "net income of the month"),
    # lending, and the books
    WorldField("requested", "whole", "fen", "loans asked for"),
    WorldField("room", "whole", "fen", "what may be lent of them"),
    WorldField("served", "whole", "fen", "what is lent of them"),
    WorldField("lent", "whole", "fen", "what borrowers drew"),
    WorldField("overhang", "whole", "fen", "principal above the pool"),
    WorldField("gini", "real", "share", "Gini coefficient of the lines"),
)
"""All of them, in the order in which a month computes them."""

WORLD_FIELDS = {field.name: field for field in WORLD}

RECORDED = (
    *("macro", "tightness", "cutoff", "campaign", "planned_use", "contended", "granted", "planned", "rank_cutoff"),
    *(*DESK, "funding_costs", "review_costs", "reason_costs", "warning_costs", "notice_costs", "appeal_costs"),
    *("acquisition_costs", "servicing_costs", "collection_costs", "costs"),
    *("net_income", "pool", "principal", "cash", "overhang", "funding_change", "distributed", "capital", "deficit", "gini"),
)
"""What a month leaves of the platform (results.columns.PLATFORM), in this order."""
