"""Every parameter of the model, declared once: unit, bounds, default, plain words, source, mechanism.

Names are flat and the same in TOML, `--set`, keywords and sliders. Documentation, command line, checks and the terms
that rules read derive from here. A source is a row of the project's fact sheet ("facts A5") or "assumption".
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from zerolimit.basics.errors import BadDeclaration, refuse_unknown
from zerolimit.parameters.constraints import constraints_on
from zerolimit.parameters.dated import CALENDAR_MONTH, MEANINGS, limits, names_of
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.rules.caps import CAPS
from zerolimit.vocabulary.mechanisms import BASELINE, MECHANISMS
from zerolimit.vocabulary.names import CAMPAIGN_ORDERS, SECTORS, STRATEGIES

CALENDAR_KINDS: dict[str, tuple[str, str, float, float, str]] = {
    "tightness": ("tightening", "0 to 1", 0.0, 1.0, "tightness that the calendar asks for, from this month on"),
    "funding_stress": ("tightening", "0 to 1", 0.0, 1.0, "how hard the lender's own funding is, from this month on"),
    "cutoff_shift": ("tightening", "points", 0.0, 600.0, "points added to the cutoff, from this month on"),
    "person_cap": ("tightening", "yuan", 0.0, 1e7, "ceiling per person, from this month on (0 lifts it)"),
    "person_cap_income": ("tightening", "years of income", 0.0, 10.0, "ceiling in annual incomes (0 lifts it)"),
    "own_share": ("scarcity", "share", 0.001, 1.0, "own share of new joint loans, from this month on"),
    "leverage": ("scarcity", "times capital", 0.1, 100.0, "leverage cap, from this month on"),
    "capital": ("scarcity", "times first capital", -1.0, 100.0, "capital raised this month"),
    "own_funds": ("scarcity", "times first own funds", -1.0, 100.0, "own funds added this month"),
    "partners": ("scarcity", "times first partner lines", 0.0, 100.0, "partner lines, from this month on"),
    "funding": ("scarcity", "times first pool", 0.0, 100.0, "size of a fixed pool, from this month on"),
    "funding_growth": ("scarcity", "a month", -1.0, 1.0, "monthly growth of a fixed pool, from this month on"),
    "target_age": ("positioning", "years", 18.0, 80.0, "age of the target customer, from this month on"),
    "target_income": ("positioning", "yuan a month", 1.0, 1e7, "income of the target customer, from this month on"),
    "macro": (BASELINE, "index", -1.0, 1.0, "shock added to the macro index this month"),
}
"""Calendar items: mechanism, unit, bounds, meaning."""


def parameter(
    default: Any,
    unit: str,
    low: float | None,
    high: float | None,
    says: str,
    source: str = "assumption",
    mechanism: str = BASELINE,
) -> Any:
    """One declared number. `low` and `high` are allowed."""
    refuse_unknown(f"parameter {says!r}", "mechanism", mechanism, (*MECHANISMS, BASELINE))
    extra: Any = {"unit": unit, "source": source, "mechanism": mechanism}
    return Field(default, description=says, json_schema_extra=extra, ge=low, le=high)


class Dated(BaseModel):
    """What belongs to a month of the run."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    month: int = Field(ge=0, le=10_000, description="month of the run, from 0")


class CalendarItem(Dated):
    """A dated event."""

    kind: Literal[tuple(CALENDAR_KINDS)] = Field(  # type: ignore[valid-type]
        description="what changes", json_schema_extra={MEANINGS: [says for *_, says in CALENDAR_KINDS.values()]}
    )
    value: float = Field(description="new value, in the unit of its kind")

    @model_validator(mode="after")
    def _within(self) -> CalendarItem:
        _, unit, low, high, _ = CALENDAR_KINDS[self.kind]
        if not low <= self.value <= high:
            span = f"{low:g} to {high:g}"
            raise ValueError(f"{self.kind} must lie from {span}{'' if unit == span else f' ({unit})'}, not {self.value:g}")
        return self


def index(default: Any, says: str) -> Any:
    """A column of a macro series."""
    return Field(default, ge=-1, le=1, description=says)


TREND_COLUMNS: dict[str, Any] = {
    sector: (float | None, index(None, f"trend of {sector}; without the column it moves by itself")) for sector in SECTORS
}
FUNDING_COLUMN: dict[str, Any] = {
    "funding_stress": (
        float | None,
        Field(
            None,
            ge=0,
            le=1,
            description="how hard the lender's own funding is; without the column as the calendar says",
        ),
    )
}
MacroMonth = create_model(
    "MacroMonth",
    __base__=Dated,
    __doc__="The economy in a month.",
    macro=(float, index(..., "macro index: 0 is normal, -1 the deepest slump")),
    **TREND_COLUMNS,
    **FUNDING_COLUMN,
)


class Parameters(BaseModel):
    """All parameters of one world, with what each alone may be; `Scenario` adds what they must hold together."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    name: str = Field("defaults", description="name of the scenario", max_length=200)
    description: str = Field("", description="what it is for, in a sentence", max_length=2000)
    borrowers: int = parameter(
        30_000, "count", 1, 1e15, "slots for borrowers, vacant_share of them empty at the start; a portfolio sets its own"
    )
    off: tuple[Literal[tuple(MECHANISMS)], ...] = Field((), description="mechanisms switched off")  # type: ignore[valid-type]
    start: str | None = Field(
        None,
        description="month 0 of the run; needed where a calendar or a macro series has dates",
        pattern=CALENDAR_MONTH,
        json_schema_extra={"unit": "YYYY-MM", "source": "assumption", "mechanism": BASELINE},
    )
    calendar: tuple[CalendarItem, ...] = Field((), description="dated events", max_length=1000)

    # population
    share_gig: float = parameter(0.25, "share", 0, 1, "share of gig workers (young, thin file)")
    share_owner: float = parameter(0.15, "share", 0, 1, "share of micro-business owners")
    income_salaried: float = parameter(7_000, "yuan a month", 100, 1e6, "median income, salaried")
    income_gig: float = parameter(5_000, "yuan a month", 100, 1e6, "median income, gig workers")
    income_owner: float = parameter(9_000, "yuan a month", 100, 1e6, "median income, owners")
    spread_salaried: float = parameter(0.45, "log units", 0, 1.5, "spread of mean incomes, salaried")
    spread_gig: float = parameter(0.45, "log units", 0, 1.5, "spread of mean incomes, gig workers")
    spread_owner: float = parameter(0.7, "log units", 0, 1.5, "spread of mean incomes, owners")
    noise_salaried: float = parameter(0.1, "log units", 0, 1, "noise in recorded income and score, salaried")
    noise_gig: float = parameter(0.35, "log units", 0, 1, "noise in recorded income and score, gig workers (thin file)")
    noise_owner: float = parameter(0.25, "log units", 0, 1, "noise in recorded income and score, owners")
    age_salaried: float = parameter(24, "years", 18, 80, "youngest age, salaried")
    age_gig: float = parameter(18, "years", 18, 80, "youngest age, gig workers")
    age_owner: float = parameter(25, "years", 18, 80, "youngest age, owners")
    age_span: float = parameter(32, "years", 0, 45, "ages are spread evenly over this span from the youngest")
    follow_restraint: float = parameter(0.1, "share", 0, 1, "follow the strategy restraint (fewer habit loans)")
    follow_planning: float = parameter(0.1, "share", 0, 1, "follow the strategy planning (a larger buffer)")
    follow_monitoring: float = parameter(0.1, "share", 0, 1, "follow the strategy monitoring (look often)")
    follow_appealing: float = parameter(0.005, "share", 0, 1, "follow the strategy appealing")
    follow_diversifying: float = parameter(0.1, "share", 0, 1, "follow the strategy diversifying (other lenders)")
    adopt: Literal["own", *STRATEGIES] = Field(  # type: ignore[valid-type]
        "own",
        description="everybody follows this strategy; own: each follows the strategy drawn",
        json_schema_extra={"unit": "name", "source": "assumption", "mechanism": BASELINE},
    )
    share_card: float = parameter(0.0, "share", 0, 1, "have a card; the others have instalment loans")
    share_transactor: float = parameter(0.0, "share", 0, 1, "pay all they owe each month")
    share_revolver: float = parameter(0.0, "share", 0, 1, "always carry a balance")
    share_maxed: float = parameter(0.0, "share", 0, 1, "are always near the limit")
    share_inactive: float = parameter(
        0.0, "share", 0, 1, "hardly ever use credit; who has no such type uses it by need and habit"
    )
    share_project: float = parameter(
        0.0, "share", 0, 1, "of owners whose use is mixed, borrow for projects only", "facts F2"
    )
    use_income: float = parameter(
        0.0, "elasticity", 0, 2, "transactors grow with income by this power; revolvers and those near the limit fall"
    )
    warm_up_months: int = parameter(
        0,
        "months",
        0,
        24,
        "simulated before month 0 as part of the set-up, of which neither results nor calendar tell; none with a portfolio",
    )
    vacant_share: float = parameter(0.12, "share", 0, 0.95, "slots that are empty at the start, room for growth")
    first_closed: float = parameter(0.0, "share", 0, 1, "accounts without a line at the start, owing nothing")
    first_closed_months: float = parameter(29.0, "months", 0, 240, "mean time since these were closed")
    unused_share: float = parameter(0.25, "share", 0, 1, "accounts without use at the start", "facts A29")
    high_use_share: float = parameter(0.28, "share", 0, 1, "accounts used up to near their line at the start", "facts B2")
    high_use_span: float = parameter(0.3, "share", 0, 1, "those near their line have used at least 1 less this", "facts B2")
    low_use_span: float = parameter(
        0.5, "share", 0, 1, "highest utilisation of the other used accounts at the start", "facts B2"
    )
    line_low: float = parameter(0.3, "share", 0, 10, "lowest first line, as a share of the income line")
    line_high: float = parameter(1.0, "share", 0, 10, "highest first line, as a share of the income line")
    line_score: float = parameter(
        0.0, "log units a point", 0, 0.02, "first line higher by this for a point of the score's signal"
    )
    first_smallest: float = parameter(1_000, "yuan", 1, 1e7, "smallest line at the start")
    first_largest: float = parameter(300_000, "yuan", 1, 1.9e7, "largest line at the start", "facts C10")
    first_tenure: float = parameter(60, "months", 0, 600, "longest history at the start")
    first_late: float = parameter(0.02, "share", 0, 1, "of those in debt at the start, share past due", "facts C6")
    first_late_2: float = parameter(
        0.35, "share", 0, 1, "of those past due at the start, share two months past due; the others one", "assumption"
    )
    first_punctuality: float = parameter(0.75, "share", 0, 1, "punctuality at the start of those past due")
    first_frequency: float = parameter(0.3, "loans a month", 0, 1, "at the start, loans above those of habit, at most")
    first_loan_size: float = parameter(
        0.5, "share of income", 0, 1.9, "size of loans on record at the start, and of an entrant"
    )
    first_early: float = parameter(0.1, "share", 0, 1, "loans repaid early at the start")
    first_idle: float = parameter(24, "months", 0, 119, "longest time without use at the start, of accounts without use")
    first_savings: float = parameter(1.0, "months of income", 0, 24, "mean savings at the start")
    first_trust: float = parameter(0.8, "0 to 1", 0, 1, "trust at the start")
    other_share: float = parameter(0.3, "share", 0, 1, "have debt with other lenders at the start", "facts C29")
    first_other_debt: float = parameter(
        3.0, "months of income", 0, 24, "largest debt with other lenders at the start", "facts C29"
    )
    entry_rate: float = parameter(0.1, "a month", 0, 1, "an empty slot receives an applicant with this probability")

    # income and spending
    volatility_salaried: float = parameter(0.05, "share", 0, 1, "monthly income volatility, salaried")
    volatility_gig: float = parameter(0.25, "share", 0, 1, "monthly income volatility, gig workers")
    volatility_owner: float = parameter(0.2, "share", 0, 1, "monthly income volatility, owners")
    exposure_salaried: float = parameter(0.2, "share", 0, 5, "income exposure to the macro index, salaried")
    exposure_gig: float = parameter(0.6, "share", 0, 5, "income exposure to the macro index, gig workers")
    exposure_owner: float = parameter(0.8, "share", 0, 5, "income exposure to the macro index, owners")
    sector_exposure: float = parameter(0.2, "share", 0, 5, "income exposure to the sector's trend")
    income_peak: float = parameter(4.0, "times the mean", 1, 30, "highest income of a month")
    jobloss_salaried: float = parameter(0.006, "a month", 0, 1, "probability of a spell without work, salaried")
    jobloss_gig: float = parameter(0.02, "a month", 0, 1, "probability of a spell without work, gig workers")
    jobloss_owner: float = parameter(0.01, "a month", 0, 1, "probability of a spell without work, owners")
    spell_end: float = parameter(0.3, "a month", 0, 1, "probability that a spell without work ends")
    replacement: float = parameter(0.35, "share", 0, 1, "income during a spell without work")
    spell_spending: float = parameter(0.7, "share", 0, 2, "ordinary spending during a spell without work")
    spend_salaried: float = parameter(0.94, "share of income", 0, 2, "ordinary spending, salaried")
    spend_gig: float = parameter(0.94, "share of income", 0, 2, "ordinary spending, gig workers")
    spend_owner: float = parameter(0.88, "share of income", 0, 2, "ordinary spending, owners")
    slump_demand: float = parameter(
        0.6, "per index", 0, 5, "ordinary spending and habitual loans fall by this x slump", "facts D9"
    )
    saving_share: float = parameter(0.05, "share", 0, 1, "spending saved by restraint and planning")
    savings_cap: float = parameter(2.0, "months of income", 0, 36, "savings above are consumed or invested elsewhere")
    bill_rate: float = parameter(0.04, "a month", 1e-9, 1, "probability of a large bill")
    bill_size: float = parameter(0.8, "months of income", 0, 24, "mean size of a large bill")
    project_rate: float = parameter(0.05, "a month", 0, 1, "probability that an owner begins a project")
    project_months: int = parameter(4, "months", 0, 60, "tranches of a project")
    tranche_share: float = parameter(0.4, "months of income", 0, 24, "size of a project's tranche")
    slip_loss: float = parameter(0.15, "months of income", 0, 24, "sales lost in a month that a project slips", "facts F3")

    # the loan
    minimum_loan: float = parameter(500, "yuan", 0.01, 1e6, "smallest loan and smallest line", "assumption")
    daily_rate: float = parameter(0.0004, "a day", 0, 0.01, "price of a loan; monthly = 365/12 days", "facts C19")
    term_3: float = parameter(0.15, "share", 0, 1, "share of loans over 3 months")
    term_6: float = parameter(0.25, "share", 0, 1, "share of loans over 6 months; the rest over 12", "facts C26")
    term_open: float = parameter(0.0, "share", 0, 1, "share of loans without instalments (loss system)")
    open_repay_rate: float = parameter(0.0, "a month", 0, 1, "full repayment of an open loan")

    # the card
    card_daily_rate: float = parameter(0.0005, "a day", 0, 0.01, "price of a card's balance carried", "assumption")
    card_minimum: float = parameter(0.05, "share", 0, 1, "of a card's balance, falls due each month")
    card_floor: float = parameter(100, "yuan", 0, 1e6, "smallest minimum payment of a card; the balance where it is less")
    card_habit: float = parameter(0.6, "a month", 0, 1, "buys by card; a transactor does each month")
    card_size: float = parameter(0.25, "months of income", 0, 24, "mean of a month's purchases by card")
    card_pays_all: float = parameter(0.2, "a month", 0, 1, "pays all of a card's balance, who neither always nor never does")
    card_extra: float = parameter(0.1, "share", 0, 1, "of a card's balance, paid above the minimum at most by others")

    # repayment
    miss_salaried: float = parameter(0.0045, "a month", 0, 1, "mean propensity to miss a payment, salaried", "facts C6")
    miss_gig: float = parameter(0.009, "a month", 0, 1, "mean propensity to miss a payment, gig workers", "facts C6")
    miss_owner: float = parameter(0.007, "a month", 0, 1, "mean propensity to miss a payment, owners", "facts C6")
    miss_spread: float = parameter(1.0, "share", 0, 1, "spread of the propensity within a segment; 0: all alike")
    miss_income: float = parameter(0.0, "elasticity", 0, 1, "propensity to miss a payment falls with income by this power")
    stress_gain: float = parameter(2.0, "per index", 0, 50, "propensity rises by this x slump", "facts C7")
    gamma: float = parameter(0.0, "probability", 0, 1, "missing a payment because no usable line is expected")
    cure_1: float = parameter(0.45, "a month", 0, 1, "one month late: all is paid", "facts C27")
    hold_1: float = parameter(0.25, "a month", 0, 1, "one month late: one part is paid")
    cure_2: float = parameter(0.25, "a month", 0, 1, "two months late: all is paid", "facts B6")
    step_2: float = parameter(0.1, "a month", 0, 1, "two months late: two parts are paid")
    hold_2: float = parameter(0.45, "a month", 0, 1, "two months late: one part is paid")
    cure_3: float = parameter(0.08, "a month", 0, 1, "three or more months late: all is paid")
    step_3: float = parameter(0.05, "a month", 0, 1, "three or more months late: two parts are paid")
    hold_3: float = parameter(0.1, "a month", 0, 1, "three or more months late: one part is paid")
    chargeoff_months: int = parameter(4, "months", 2, 60, "months past due at which a loan is written off")
    lgd: float = parameter(0.8, "share", 0, 1, "loss given default")
    recovery_months: int = parameter(
        0, "months", 0, 120, "from a write-off until what is recovered of it comes in, on average; 0: at once"
    )
    early_rate: float = parameter(0.02, "a month", 0, 1, "repay all early, at full trust, with savings enough")
    ahead_rate: float = parameter(
        0.0, "a month", 0, 1, "pay the next instalment ahead too, as far as savings allow", "facts C31"
    )
    transactor_pays: float = parameter(0.9, "a month", 0, 1, "a transactor repays all, with savings enough")
    project_pays: float = parameter(
        0.9,
        "a month",
        0,
        1,
        "who borrows for projects repays all once the project is over, with savings enough",
        "facts F2",
    )
    savings_kept: float = parameter(1.0, "payments", 0, 24, "savings kept when repaying early")
    bridge_share: float = parameter(0.5, "share", 0, 1, "of those short, bridge the payment counting on a new loan")

    # scoring
    score_base: float = parameter(700, "points", 350, 950, "risk score of a spotless average borrower")
    signal_slope: float = parameter(12, "points", 0, 200, "points per multiple of the mean propensity")
    signal_noise: float = parameter(60, "points", 0, 300, "noise of the signal, per unit of recorded noise")
    weight_punctuality: float = parameter(260, "points", -600, 600, "lost with no payment on time", "facts E1")
    weight_usage: float = parameter(50, "points", -600, 600, "lost at full utilisation", "facts B9")
    weight_frequency: float = parameter(30, "points", -600, 600, "lost at one loan a month (sign disputed)", "facts B16")
    weight_debt: float = parameter(6, "points", -600, 600, "lost per month of income owed elsewhere", "facts C29")
    weight_arrears: float = parameter(60, "points", -600, 600, "lost per month past due", "facts A8")
    weight_tenure: float = parameter(20, "points", -600, 600, "gained with a long history", "facts E1")
    weight_early: float = parameter(-5, "points", -600, 600, "gained by repaying early (sign disputed)", "facts C18")
    weight_idle: float = parameter(-25, "points", -600, 600, "gained when idle for long (sign disputed)", "facts A14")
    weight_sector: float = parameter(100, "points", -600, 600, "lost per index of a falling sector trend", "assumption")
    scored_usage: float = parameter(1.5, "share", 0.01, 1.9, "utilisation counts up to this")
    scored_debt: float = parameter(6.0, "months of income", 0, 120, "debt elsewhere costs points up to this")
    scored_arrears: float = parameter(3.0, "months", 0, 120, "months past due cost points up to this")
    scored_tenure: float = parameter(60, "months", 1, 600, "history earns weight_tenure in full from this on")
    scored_idle: float = parameter(
        24, "months", 1, 120, "time without use earns weight_idle in full from this on", "facts A14"
    )
    memory_punctuality: float = parameter(12, "months", 1, 120, "memory of punctuality")
    memory_early: float = parameter(6, "loans", 1, 120, "memory of early repayment")
    memory_usage: float = parameter(4, "months", 1, 120, "memory of utilisation", "facts B4")
    memory_frequency: float = parameter(8, "months", 1, 120, "memory of the frequency of loans")
    memory_size: float = parameter(4, "loans", 1, 120, "memory of loan sizes")
    memory_inquiries: float = parameter(6, "months", 1, 120, "memory of applications elsewhere", "facts B16")
    zhima_history: float = parameter(0.35, "share", 0, 1, "weight of credit history in zhima", "facts E3")
    zhima_identity: float = parameter(0.15, "share", 0, 1, "weight of identity in zhima", "facts E3")
    zhima_connections: float = parameter(0.05, "share", 0, 1, "weight of connections in zhima", "facts E3")
    zhima_behaviour: float = parameter(0.25, "share", 0, 1, "weight of behaviour in zhima (25 or 20)", "facts E3")
    zhima_capacity: float = parameter(0.20, "share", 0, 1, "weight of capacity in zhima (20 or 25)", "facts E3")
    capacity_half: float = parameter(6_000, "yuan a month", 1, 1e6, "income at which capacity is one half")
    history_arrears: float = parameter(0.25, "a month", 0, 1, "of the part history in zhima, lost per month past due")
    identity_split: float = parameter(
        0.5, "share", 0, 1, "of the part identity in zhima, for the length of history; the rest is for age"
    )
    identity_tenure: float = parameter(60, "months", 1, 600, "history counts in full in the part identity from this on")
    identity_years: float = parameter(20, "years", 1, 80, "from age 18, after which age counts in full in the part identity")
    connections: float = parameter(0.5, "share", 0, 1, "part connections in zhima, the same for all")
    behaviour_usage: float = parameter(0.5, "share", 0, 1, "of the part behaviour in zhima, lost at full utilisation")
    behaviour_inquiries: float = parameter(
        0.5, "share", 0, 1, "of the part behaviour in zhima, lost at one application a month"
    )

    # review and decision
    review_months: int = parameter(6, "months", 1, 120, "calendar reviews are this far apart")
    income_multiple: float = parameter(4.0, "months of income", 0, 100, "line that an income supports")
    income_floor: float = parameter(500, "yuan a month", 0, 1e6, "recorded income below which there is no line")
    score_multiple: float = parameter(6.5, "months of income", 0, 100, "line at the top score, in months of income")
    score_zero: float = parameter(
        350, "points", 350, 900, "score that supports no line; the line grows with the score from there on"
    )
    cutoff: float = parameter(605, "points", 350, 950, "risk score below which there is no line")
    first_margin: float = parameter(15, "points", 0, 300, "the first population lies this far above the cutoff at least")
    anchor_floor: float = parameter(
        0.1, "share", 0.001, 1, "at the start, positioning and tightening count as leaving this share at least"
    )
    anchor_fade: float = parameter(0.0, "a month", 0, 1, "of what a first line had beyond the formula, lost")
    admission_zhima: int = parameter(550, "points", 350, 950, "general score needed to be admitted", "facts E4")
    readmission_gap: float = parameter(15, "points", 0, 600, "points above the cutoff to be admitted again")
    cooling_months: int = parameter(6, "months", 0, 120, "before a closed account may apply again", "facts A3")
    reapply_rate: float = parameter(0.0005, "a month", 0, 1, "a closed account applies again", "facts A23")
    bar_score: int = parameter(0, "months", 0, 600, "after a closure for score, arrears or habits, before readmission")
    bar_tightening: int = parameter(0, "months", 0, 600, "after a closure by a tightening, before readmission")
    bar_pool: int = parameter(0, "months", 0, 600, "after a closure by a pool used up, before readmission")
    admissions: float = parameter(0.01, "of all slots a month", 0, 1, "admissions and readmissions at most")
    min_change: float = parameter(0.05, "share", 0.001, 1, "smaller changes of a line are not made")
    growth: float = parameter(0.4, "share", 0, 10, "largest raise at a review", "facts A27")
    first_share: float = parameter(0.3, "share", 0, 1, "first line of an entrant, of the formula", "facts A27")
    restart_share: float = parameter(0.5, "share", 0, 1, "line of a restored account, of the formula")
    menu_balance: float = parameter(0.3, "share", 0, 1, "of cuts: to the balance plus a margin", "facts A9")
    menu_step: float = parameter(0.25, "share", 0, 1, "of cuts: by a step", "facts C14")
    menu_close: float = parameter(0.15, "share", 0, 1, "of cuts: closed, when the cap is low enough", "facts A22")
    menu_margin: float = parameter(600, "yuan", 0, 1e6, "margin left above the balance", "facts A9")
    menu_close_below: float = parameter(0.7, "share", 0, 1, "closed only when the cap is below this share of the line")
    menu_step_keep: float = parameter(0.5, "share", 0, 1, "of the line, left by a cut by a step", "facts C14")
    run_off: bool = Field(
        False,
        description="who is to have no line and still owes is not closed at once: the line falls to what is owed, nothing"
        " can be drawn, and a review closes it once that is repaid",
        json_schema_extra={"unit": "switch", "source": "facts A2", "mechanism": BASELINE},
    )
    arrears_steps: bool = Field(
        False,
        description="arrears act on a line in steps, and not through the score: it is trimmed or frozen, closed, and in part"
        " given back after cure",
        json_schema_extra={"unit": "switch", "source": "assumption", "mechanism": BASELINE},
    )
    arrears_trim: float = parameter(
        0.5, "share", 0, 1, "in steps: of the undrawn part of a line, taken each month while late and not frozen"
    )
    arrears_freeze: int = parameter(
        1, "months", 1, 120, "past due, in steps: from which the line stays on record and nothing can be drawn", "facts A2"
    )
    arrears_close: int = parameter(3, "months", 1, 120, "past due, in steps: from which the line is closed")
    cure_restores: float = parameter(
        0.8, "share", 0, 1, "in steps: of the undrawn part of a frozen line, given back after cure"
    )
    cure_at_once: bool = Field(
        True,
        description="in steps: a frozen line is decided in the month of the cure; off: at its next review",
        json_schema_extra={"unit": "switch", "source": "assumption", "mechanism": BASELINE},
    )
    campaign_share: float = parameter(0.35, "share", 0, 1, "of open lines, reviewed in a campaign", "facts A14")
    campaign_rise: float = parameter(0.08, "0 to 1", 0.0001, 1, "rise of tightness that starts a campaign", "facts C1")
    campaign_fall: float = parameter(0.02, "share", 0.0001, 1, "fall of the pool that starts a campaign", "facts C1")
    campaign_order: Literal[tuple(CAMPAIGN_ORDERS)] = Field(  # type: ignore[valid-type]
        "risk",
        description="who is reviewed first in a campaign: the worst risk scores, those furthest from the target customer, or"
        " the lines of the lowest expected profit",
        json_schema_extra={"unit": "name", "source": "assumption", "mechanism": BASELINE},
    )

    # trigger
    trigger_frequency: float = parameter(
        0.77, "loans a month", 0, 2, "more frequent small loans are a trigger", "facts H", "trigger"
    )
    trigger_size: float = parameter(0.35, "share of income", 0, 2, "loans below this size are small", "facts F2", "trigger")
    trigger_keep: float = parameter(0.0, "share", 0, 1, "of the formula line kept after the trigger", "facts H", "trigger")
    trigger_idle: float = parameter(24, "months", 1, 120, "months without use that are a trigger", "facts A14", "trigger")
    idle_keep: float = parameter(0.25, "share", 0, 1, "of the formula line kept when idle", "facts A14", "trigger")
    trigger_early: float = parameter(
        0.7, "share", 0, 1, "loans repaid early above this share are a trigger", "facts C18", "trigger"
    )
    early_keep: float = parameter(
        0.5, "share", 0, 1, "of the formula line kept after early repayments", "facts C18", "trigger"
    )

    # positioning
    target_salaried: float = parameter(1.0, "0 to 1", 0, 1, "salaried fit the target", "assumption", "positioning")
    target_gig: float = parameter(0.5, "0 to 1", 0, 1, "gig workers fit the target", "assumption", "positioning")
    target_owner: float = parameter(1.0, "0 to 1", 0, 1, "owners fit the target", "assumption", "positioning")
    target_age: float = parameter(38, "years", 18, 80, "age of the target customer", "facts C14", "positioning")
    target_age_span: float = parameter(12, "years", 0, 60, "ages this near are on target", "facts C14", "positioning")
    target_age_reach: float = parameter(
        20, "years", 1, 80, "beyond the span, after which age is off target in full", "assumption", "positioning"
    )
    target_income: float = parameter(6_000, "yuan a month", 1, 1e7, "income on target", "assumption", "positioning")
    position_segment: float = parameter(
        0.3, "share", 0, 1, "weight of the segment in the distance", "assumption", "positioning"
    )
    position_age: float = parameter(0.35, "share", 0, 1, "weight of age in the distance", "facts C14", "positioning")
    position_income: float = parameter(0.35, "share", 0, 1, "weight of income in the distance", "assumption", "positioning")
    position_tolerance: float = parameter(0.25, "share", 0, 1, "distance without effect", "assumption", "positioning")
    position_slope: float = parameter(
        1.0, "per distance", 0, 10, "line lost per unit of distance beyond", "assumption", "positioning"
    )
    target_weight: float = parameter(30, "points", 0, 600, "rank lost at full distance", "assumption", "positioning")

    # tightening
    base_tightness: float = parameter(0.05, "0 to 1", 0, 1, "tightness without news", "assumption", "tightening")
    macro_tightness: float = parameter(1.0, "per index", 0, 10, "tightness per unit of slump", "facts A18", "tightening")
    funding_tightness: float = parameter(
        1.0, "per index", 0, 10, "tightness per unit of funding stress", "assumption", "tightening"
    )
    loss_tightness: float = parameter(
        0.03, "0 to 10", 0, 10, "tightness when losses are twice the norm", "assumption", "tightening"
    )
    loss_norm: float = parameter(
        0.015, "a year", 0.0001, 1, "yearly losses over principal that are normal", "facts C6", "tightening"
    )
    multiplier_gain: float = parameter(0.5, "share", 0, 1, "of all lines lost at full tightness", "facts A18", "tightening")
    calendar_tightness: float = parameter(
        1.0, "share", 0, 1, "of tightness, that scales lines which no campaign reaches", "assumption", "tightening"
    )
    raise_tightness: float = parameter(
        1.0, "0 to 1", 0, 1, "lines are raised while tightness is at most this", "assumption", "tightening"
    )
    cutoff_gain: float = parameter(60, "points", 0, 600, "cutoff raised at full tightness", "facts A28", "tightening")

    # pool
    pool_share: float | None = parameter(
        0.312, "of the sum of first lines", 0, 100, "size of the pool", "assumption", "scarcity"
    )
    pool_yuan: float | None = parameter(
        None, "yuan", 0, 1e13, "size of the pool, in place of pool_share", "assumption", "scarcity"
    )
    pool_rule: Literal["fixed", "funded"] = Field(
        "fixed",
        description="fixed pool, or min(leverage x capital, own funds / own share + partner lines)",
        json_schema_extra={"unit": "name", "source": "facts C5", "mechanism": "scarcity"},
    )
    own_share: float = parameter(0.02, "share", 0.001, 1, "own share of joint loans at the start", "facts C5", "scarcity")
    partner_share: float = parameter(
        0.0, "share", 0, 0.99, "of the first pool, lines that partners lend alone", "facts C5", "scarcity"
    )
    leverage: float = parameter(6.0, "times capital", 0.1, 100, "leverage cap at the start", "facts C9", "scarcity")
    leverage_slack: float = parameter(
        0.1, "share", 0, 100, "capital at the start above what the cap needs", "assumption", "scarcity"
    )
    planned_use: float | None = parameter(
        None,
        "share",
        0,
        1,
        "expected use of open lines; none: mean draw rate of the last planned_use_months",
        "assumption",
        "scarcity",
    )
    planned_use_months: int = parameter(
        12, "months", 1, 120, "over which the mean draw rate is taken", "assumption", "scarcity"
    )
    planned_use_low: float = parameter(0.08, "share", 0, 1, "lower bound of the expected use", "assumption", "scarcity")
    planned_use_high: float = parameter(0.6, "share", 0, 1, "upper bound of the expected use", "assumption", "scarcity")
    allocation: Literal[tuple(ALLOCATIONS)] = Field(  # type: ignore[valid-type]
        "score",
        description="how the pool is shared: " + "; ".join(f"{one.name}, {one.says}" for one in ALLOCATIONS.values()),
        json_schema_extra={"unit": "name", "source": "assumption", "mechanism": "scarcity"},
    )
    floor_yuan: float = parameter(
        2_000, "yuan", 0, 1e7, "undrawn part that the rule equal_floor gives each first", "assumption", "scarcity"
    )
    pd_at_cutoff: float = parameter(
        0.15, "a year", 0, 1, "probability of default that the platform expects at the cutoff", "assumption", "scarcity"
    )
    pd_points: float = parameter(60, "points", 1, 600, "points over which it falls to 1/e", "assumption", "scarcity")
    retention_bonus: float = parameter(25, "points", 0, 600, "rank of incumbents over equal newcomers")
    priority_bonus: float = parameter(100, "points", 0, 600, "rank of an appeal won and not yet granted")
    skip_refused: bool = Field(
        False,
        description="requests after the first that does not fit are still tried (loss formulas)",
        json_schema_extra={"unit": "switch", "source": "assumption", "mechanism": "scarcity"},
    )

    # accounts
    funding_rate: float = parameter(0.05, "a year", 0, 1, "cost of funding")
    distributed: float = parameter(1.0, "share", 0, 1, "of net income paid out after past losses are made good")
    review_cost: float = parameter(0.2, "yuan", 0, 1e4, "cost of one review")
    notice_cost: float = parameter(0.1, "yuan", 0, 1e4, "cost of one notice, reason or warning sent")
    acquisition_cost: float = parameter(0.0, "yuan", 0, 1e5, "cost of winning one whose line is opened")
    servicing_cost: float = parameter(0.0, "yuan a month", 0, 1e4, "cost of keeping one account")
    collection_cost: float = parameter(0.0, "yuan a month", 0, 1e5, "cost of collecting from one account past due")
    appeal_cost: float = parameter(30, "yuan", 0, 1e5, "cost of one appeal heard")

    # remedies
    reasons_sent: bool = Field(
        False,
        description="reasons are sent with a cut",
        json_schema_extra={"unit": "switch", "source": "facts A16", "mechanism": BASELINE},
    )
    early_warning: bool = Field(
        False,
        description="borrowers near the cutoff or the trigger are warned",
        json_schema_extra={"unit": "switch", "source": "assumption", "mechanism": BASELINE},
    )
    warning_points: float = parameter(20, "points", 0, 300, "a score this near the cutoff is warned")
    warning_frequency: float = parameter(0.8, "share", 0, 1, "of the trigger, above which a frequency is warned")
    notice_months: int = parameter(0, "months", 0, 24, "a cut is announced this long before", "facts C14")
    adaptation_months: int = parameter(0, "months", 0, 24, "a cut is made in this number of equal monthly steps")
    appeal_order: Literal["waiting", "score", "lottery"] = Field(
        "waiting",
        description="whose appeal is heard first: the longest waiting, the best risk score, or a lottery",
        json_schema_extra={"unit": "name", "source": "assumption", "mechanism": BASELINE},
    )
    appeals_capacity: float = parameter(0.001, "of all slots a month", 0, 1, "appeals heard")
    appeals_share: float = parameter(0.002, "of the pool", 0, 1, "set aside for appeals each month")

    # behaviour
    need_rate: float = parameter(0.3, "a month", 0, 1, "probability of filling up the buffer by a loan", "facts D1")
    buffer_months: float = parameter(0.5, "months of income", 0, 24, "target of savings", "facts D8")
    buffer_planning: float = parameter(1.0, "months of income", 0, 24, "target of savings, strategy planning")
    habit_salaried: float = parameter(0.2, "a month", 0, 1, "habitual small loan, salaried", "facts F2")
    habit_gig: float = parameter(0.25, "a month", 0, 1, "habitual small loan, gig workers", "facts F2")
    habit_owner: float = parameter(0.35, "a month", 0, 1, "habitual small loan, owners", "facts F2")
    habit_size: float = parameter(0.5, "months of income", 0, 24, "size of a habitual loan", "facts F2")
    habit_restrained: float = parameter(0.5, "share", 0, 1, "of habitual loans, taken with restraint or after a warning")
    revolver_level: float = parameter(0.5, "share", 0, 1, "of the line, that a revolver fills up to, the mean")
    revolver_spread: float = parameter(0.0, "share", 0, 1, "the farthest that a revolver's use lies from the mean")
    revolver_income: float = parameter(
        1200, "months of income", 0, 1200, "of a line, what a revolver's use is a share of, at most", "assumption"
    )
    maxed_rate: float = parameter(0.8, "a month", 0, 1, "who is always near the limit asks for all that is available")
    inactive_use: float = parameter(0.05, "share", 0, 1, "of need and habit, with which who hardly ever uses credit does")
    fear_gain: float = parameter(0.3, "probability", 0, 10, "drawing all, per trust below fear_level", "facts D7")
    fear_level: float = parameter(0.4, "0 to 1", 0, 1, "trust below which fear begins", "facts D7")
    notice_rush: float = parameter(0.3, "probability", 0, 1, "drawing all after an announced cut", "facts D6")
    look_rate: float = parameter(0.4, "a month", 0, 1, "looks at the limit")
    look_monitoring: float = parameter(0.95, "a month", 0, 1, "looks at the limit, strategy monitoring")
    appeal_rate: float = parameter(0.0005, "a month", 0, 1, "appeals after finding a cut")
    appeal_appealing: float = parameter(0.9, "a month", 0, 1, "appeals after finding a cut, strategy appealing")
    other_rate: float = parameter(0.02, "a month", 0, 0.2, "price of other lenders' loans", "facts C16")
    other_months: float = parameter(12, "months", 1, 600, "other lenders' loans are repaid by 1 / this a month, and 1 yuan")
    other_base: float = parameter(0.45, "probability", 0, 1, "another lender approves, at zhima 600", "facts A23")
    other_score: float = parameter(0.5, "probability", 0, 5, "approval gained by 350 points of zhima", "facts A23")
    other_usage: float = parameter(0.2, "probability", 0, 5, "approval lost at full utilisation", "facts B17")
    other_inquiries: float = parameter(0.4, "probability", 0, 5, "approval lost at one application a month", "facts B16")
    other_record: float = parameter(0.0, "probability", 0, 1, "approval lost per zero limit on record", "facts E5")
    record_counted: float = parameter(3.0, "count", 0, 100, "zero limits on record that count, at most")
    other_cap: float = parameter(6.0, "months of income", 0, 100, "largest debt with other lenders", "facts C29")
    diversified: float = parameter(0.2, "probability", 0, 1, "approval gained by diversifying", "facts A12")
    mend: float = parameter(0.02, "a month", 0, 1, "trust that mends")
    own_hit: float = parameter(0.3, "0 to 1", 0, 1, "trust lost by an own zero limit")
    reasons_relief: float = parameter(0.5, "share", 0, 1, "of the trust lost by an own zero limit, avoided by reasons")
    reasons_appeals: float = parameter(0.5, "share", 0, 1, "of appeals by habit, made where reasons are sent")
    network: Literal["none", "ring", "small_world", "scale_free", "sector_blocks", "file"] = Field(
        "ring",
        description="who hears of whom: nobody; a ring; Watts-Strogatz; Barabasi-Albert; random by sector; network_file",
        json_schema_extra={"unit": "name", "source": "assumption", "mechanism": "contagion"},
    )
    network_file: str | None = Field(
        None,
        description="ties: CSV or Parquet with columns source, target, or GraphML; a portfolio's ids, else slots from 0",
        json_schema_extra={"unit": "file", "source": "assumption", "mechanism": "contagion"},
    )
    acquaintances: int = parameter(
        6, "count", 0, 64, "mean number of acquaintances; even but in sector_blocks", "assumption", "contagion"
    )
    rewiring: float = parameter(
        0.1, "share", 0, 1, "of ties in small_world, those moved to anybody", "assumption", "contagion"
    )
    sector_ties: float = parameter(
        0.7, "share", 0, 1, "of ties in sector_blocks, those within a sector", "assumption", "contagion"
    )
    neighbour_weight: float = parameter(
        0.1, "0 to 1", 0, 1, "trust lost when all acquaintances report", "assumption", "contagion"
    )
    leave_rate: float = parameter(0.01, "a month", 0, 1, "leaving without debt, at no trust")
    quit_rate: float = parameter(0.0, "a month", 0, 1, "an account with a line that owes nothing ends by its owner's wish")
    transfer_rate: float = parameter(
        0.0, "a month", 0, 1, "an account that owes and is current ends: another lender repays all and takes the balance"
    )
    dormant_months: int = parameter(24, "months", 1, 120, "without use, after which an account is dormant")
    dormant_rate: float = parameter(0.0, "a month", 0, 1, "a dormant account ends")
    closed_end_rate: float = parameter(0.0, "a month", 0, 1, "an account without a line that owes nothing ends")
    complaint_rate: float = parameter(0.05, "probability", 0, 1, "complaining after finding a cut")

    # world
    macro_model: Literal["autoregressive", "regimes", "series"] = Field(
        "autoregressive",
        description="how the macro index moves; series: as macro says",
        json_schema_extra={"unit": "name", "source": "assumption", "mechanism": BASELINE},
    )
    macro: tuple[MacroMonth, ...] = Field(  # type: ignore[valid-type]
        (),
        description="macro series, month by month; after its last month the last values stay",
        max_length=10_000,
        json_schema_extra={"unit": "index", "source": "assumption", "mechanism": BASELINE},
    )
    macro_persistence: float = parameter(0.9, "a month", 0, 1, "persistence of the macro index")
    macro_volatility: float = parameter(0.012, "index", 0, 1, "monthly shocks of the macro index")
    regime_start: float = parameter(0.015, "a month", 0, 1, "probability that a slump begins (regimes)")
    regime_end: float = parameter(0.1, "a month", 0, 1, "probability that a slump ends (regimes)")
    regime_depth: float = parameter(0.3, "index", 0, 1, "depth of a slump (regimes)", "facts C7")
    sector_persistence: float = parameter(0.9, "a month", 0, 1, "persistence of sector trends")
    sector_volatility: float = parameter(0.03, "index", 0, 1, "monthly shocks of sector trends")


def of_caps() -> dict[str, Any]:
    """The parameters that caps declare in their own files."""
    found: dict[str, Any] = {}
    for cap in CAPS:
        for one in cap.parameters:
            if one.name in Parameters.model_fields or one.name in found:
                raise BadDeclaration(f"cap {cap.name}: parameter {one.name}: declared twice")
            declared = parameter(one.default, one.unit, one.low, one.high, one.says, one.source, cap.mechanism)
            found[one.name] = (float, declared)
    return found


if _of_caps := of_caps():
    Parameters = create_model("Parameters", __base__=Parameters, __module__=__name__, **_of_caps)  # type: ignore[misc]

DEFAULTS: dict[str, Any] = {name: field.default for name, field in Parameters.model_fields.items()}
CONSTRAINTS = constraints_on(DEFAULTS)
"""What parameters must hold together."""

DATED: dict[str, Any] = {"calendar": CalendarItem, "macro": MacroMonth}
"""Parameters that are rows with a month or date, from files too, and what a row is."""


def about(name: str) -> dict[str, str]:
    """Unit, source and mechanism of a parameter."""
    extra: Any = Parameters.model_fields[name].json_schema_extra
    return {"unit": "", "source": "", "mechanism": BASELINE, **(extra if isinstance(extra, dict) else {})}


def bounds(name: str) -> tuple[float | None, float | None]:
    """Lowest and highest allowed value, where there are any."""
    return limits(Parameters.model_fields[name])


def choices(name: str) -> tuple[str, ...]:
    """Allowed names of a parameter that is one of several."""
    return names_of(Parameters.model_fields[name])


def allowed(name: str) -> str:
    """The bounds of a parameter and its unit, for a message; nothing where there are none."""
    low, high = bounds(name) if name in Parameters.model_fields else (None, None)
    if low is None:
        return ""
    span = f"{low:g} to {high:g}"
    return f" (allowed: {span} {about(name)['unit'].removeprefix(span)})".replace(" )", ")")
