"""What the platform computes with in a month, each once: numbers of one world, as fields are numbers of one borrower."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WorldField:
    """A number of one world."""

    name: str
    unit: str
    says: str


WORLD = (
    WorldField("month", "months", "the month, from 0"),
    # the economy and the calendar
    WorldField("macro", "index", "macro index, 0 in normal times"),
    WorldField("event_tightness", "0 to 1", "added to the tightness by the calendar"),
    WorldField("event_cutoff_shift", "points", "added to the cutoff by the calendar"),
    WorldField("event_person_cap", "yuan", "legal ceiling per person by the calendar; 0: none"),
    WorldField("event_person_cap_income", "years of income", "the same in years of income; 0: none"),
    # the pool and its accounts
    WorldField("pool_limit", "fen", "the pool; None: without end"),
    WorldField("pool_limit_before", "fen", "the pool before this month's calendar; None: without end"),
    WorldField("pool_peak", "fen", "the largest pool since the last campaign"),
    WorldField("loss_rate", "share", "losses of the last 12 months over the mean principal of those months"),
    WorldField("principal", "fen", "lent and not repaid"),
    WorldField("overrun", "flag", "last month more was promised than the pool could plan for"),
    WorldField("reviewed", "borrowers", "lines reviewed"),
    WorldField("decreases", "borrowers", "lines cut"),
    WorldField("warned", "borrowers", "warned early"),
    WorldField("noticed", "borrowers", "told of a cut before it takes effect"),
    WorldField("appeals_heard", "borrowers", "appeals heard by the desk"),
    # announcements
    WorldField("slump", "index", "how far the macro index is below 0"),
    WorldField("stress", "times", "what a slump makes of the chance to miss a payment"),
    WorldField("demand", "times", "what a slump makes of spending and of habitual borrowing"),
    WorldField("tightness", "0 to 1", "the platform's tightness in force"),
    WorldField("tightness_low", "0 to 1", "the lowest tightness since the last campaign"),
    WorldField("cutoff_shift", "points", "added to the cutoff"),
    WorldField("person_cap", "fen", "legal ceiling per person"),
    WorldField("person_cap_income", "years of income", "the same in years of income"),
    WorldField("called", "flag", "a campaign reviews a share of lines this month"),
    # costs of the month
    WorldField("funding_costs", "fen", "interest on the pool, or on what is lent where that is more"),
    WorldField("review_costs", "fen", "reviews of lines"),
    WorldField("reason_costs", "fen", "letters with reasons"),
    WorldField("warning_costs", "fen", "letters that warn early"),
    WorldField("notice_costs", "fen", "letters that announce a cut"),
    WorldField("appeal_costs", "fen", "appeals heard"),
)
"""All of them, in the order in which a month computes them."""

WORLD_FIELDS = {field.name: field for field in WORLD}
