"""Measures that targets name: a moment (results/ready_moments.py), or a function here of the months of a run.

Each is declared once, with its unit; definitions are those of the fact sheet, and where it leaves open what a number is of,
what is said here. Due dates lie at a month's start and arrears are read at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from zerolimit.engine.base import Array
from zerolimit.results.moments import Moment
from zerolimit.results.ready_moments import MOMENTS
from zerolimit.rules.flags import FLAGS
from zerolimit.validation.experiment import FOLLOWED, Rise
from zerolimit.validation.seen import View, over
from zerolimit.vocabulary.names import CHARGED_OFF, OPEN, OWNER

Of = Callable[[View], float]
Tried = Callable[[Rise], float]
CUT_TO = 0.95
"""A decrease leaves less than this of a line."""
CLEAN = 6
"""Months without arrears that make a cut one without arrears."""
SMALL_INTEREST = 10_000
"""Fen of interest that a loan costs at most, of facts F2."""
HAND_FULL = 300
"""Accounts of which a mean after eight years is told, at least."""


@dataclass(frozen=True)
class Measure:
    """A quantity of a run, in a unit."""

    name: str
    unit: str
    says: str
    of: Of | None = None
    moment: Moment | None = None
    tried: Callable[[Rise], float] | None = None
    """Of an experiment beside the run."""

    def value(self, view: View) -> float:
        """It over the months seen; not a number where nothing can be measured."""
        if self.moment is not None:
            return view.value(self.moment)
        if self.tried is not None:
            found = view.seen.rises.get(month) if (month := self.rise_in(view.first, view.last)) is not None else None
            return float("nan") if found is None else self.tried(found)
        assert self.of is not None
        with np.errstate(all="ignore"):
            return float(self.of(view)) if view.last > view.first else float("nan")

    def rise_in(self, first: int, last: int) -> int | None:
        """After which of some months lines rise in its experiment, whose end is the last of them; None if it has none."""
        month = last - 1 - FOLLOWED
        return month if self.tried is not None and month >= first else None


MEASURES: dict[str, Measure] = {
    name: Measure(name, unit, MOMENTS[name].says, moment=MOMENTS[name])
    for unit, names in {
        "share": """zero_line zero_line_current zero_line_unused utilisation_mean utilisation_below_200 over_limit
            utilisation_from_900 utilisation_200_to_600 utilisation_600_to_900 utilisation_aggregate zero_bill
            balance_late_30 balance_late_90 borrowers_with_others debt_and_savings good_record owners_late_90
            newly_late_cured""",
        "a month": "line_lost line_regained",
        "correlation": "utilisation_autocorrelation",
        "yuan": "balance_of_users balance_of_owners",
    }.items()
    for name in names.split()
}
"""All of them, by name."""


def measure(unit: str) -> Callable[[Of], Of]:
    """Declare a function of a run's months as a measure; its docstring says what it is."""

    def declared(function: Of) -> Of:
        name, says = function.__name__, (function.__doc__ or "").strip().rstrip(".")
        MEASURES[name] = Measure(name, unit, says[:1].lower() + says[1:], function)
        return function

    return declared


def family(unit: str, says: str, of: Callable[..., float], **members: object) -> None:
    """Declare measures that differ by one argument."""
    for name, argument in members.items():
        MEASURES[name] = Measure(name, unit, says.format(argument), partial(of, argument))


def mean(some: Array) -> float:
    """The mean; not a number of nothing."""
    return float(some.mean()) if some.size else float("nan")


def median(some: Array) -> float:
    """The median; not a number of nothing."""
    return float(np.median(some)) if some.size else float("nan")


def divided(a: float, b: float) -> float:
    """A quotient; not a number where there is nothing to divide by."""
    return a / b if b > 0.0 else float("nan")


# lines


def quantile_over_median(share: float, view: View) -> float:
    """A quantile of lines above zero over their median."""
    lines = view["limit"][view["limit"] > 0]
    if not lines.size:
        return float("nan")
    low, middle = np.quantile(lines, [share, 0.5])
    return divided(float(low), float(middle))


family(
    "ratio",
    "quantile {} of lines over their median, zero lines left out",
    quantile_over_median,
    limit_q10_over_median=0.1,
    limit_q25_over_median=0.25,
    limit_q75_over_median=0.75,
    limit_q90_over_median=0.9,
)


def once_used(view: View) -> Array:
    """Who has ever used the account; who has not has been idle for its whole life. Life before the run counts as use."""
    return (view["idle"] < view["tenure"]) | (view["principal"] > 0)


@measure("share")
def zero_line_once_used(view: View) -> float:
    """Zero lines of accounts that were used once."""
    return mean(once_used(view)[view.here & (view["limit"] == 0)])


@measure("share")
def ever_drew(view: View) -> float:
    """People who had a line and used it once, closed accounts included."""
    lasts = view.here.copy()
    lasts[:-1] &= ~(view.here[1:] & (view["generation"][1:] == view["generation"][:-1]))
    return mean(once_used(view)[lasts])


@measure("share")
def paid_at_zero(view: View) -> float:
    """Account-months with a payment whose recorded line is zero at the month's end."""
    return mean((view["limit"] == 0)[view.here & (view["paid"] > 0)])


def raised(view: View) -> Array:
    """Lines raised within a month, of who had one."""
    return view.same(1) & (view.ago("limit", 1) > 0) & (view["limit"] > view.ago("limit", 1))


def opened(view: View) -> Array:
    """Accounts opened within the month, with a line."""
    return view.here & ~view.slot_of(1) & (view["limit"] > 0)


@measure("ratio")
def increases_over_originations(view: View) -> float:
    """Volume of increases over that of first lines."""
    view = view.since(1)
    more = view["limit"].astype(np.int64) - view.ago("limit", 1)
    return divided(float(more[raised(view)].sum()), float(view["limit"][opened(view)].astype(np.int64).sum()))


@measure("ratio")
def raised_over_new(view: View) -> float:
    """Lines raised over accounts opened."""
    view = view.since(1)
    return divided(float(raised(view).sum()), float(opened(view).sum()))


def growth(years: int, least: int, view: View) -> float:
    """Of the lowest fifth by score at opening who stay: the mean line years later over the first."""
    view = view.since(12 * years)
    if view.last <= view.first:
        return float("nan")
    then = View(view.seen, max(1, view.first - 12 * years), view.last - 12 * years)
    new = opened(then)
    later = View(view.seen, then.first + 12 * years, view.last)
    if not new.any():
        return float("nan")
    low = new & (then["risk"] <= np.quantile(then["risk"][new], 0.2)) & later.same(12 * years)
    return divided(mean(later["limit"][low]), mean(then["limit"][low])) if low.sum() >= least else float("nan")


MEASURES["growth_five_years"] = Measure(
    "growth_five_years",
    "ratio",
    "lowest fifth by score at opening, survivors: line after 5 years over first",
    partial(growth, 5, 1),
)
MEASURES["growth_eight_years"] = Measure(
    "growth_eight_years", "ratio", "the same after 8 years", partial(growth, 8, HAND_FULL // 20)
)


# use


def used(view: View) -> Array:
    """Utilisation of lines above zero."""
    return view["utilisation"][view["limit"] > 0]


@measure("share")
def utilisation_median(view: View) -> float:
    """Median utilisation of lines above zero."""
    return median(used(view))


@measure("share")
def utilisation_q75(view: View) -> float:
    """Upper quartile of utilisation of lines above zero."""
    return float(np.quantile(some, 0.75)) if (some := used(view)).size else float("nan")


@measure("share")
def inactive(view: View) -> float:
    """Accounts that owe nothing and drew nothing in the month."""
    return mean(((view["principal"] == 0) & (view["drawn"] == 0))[view.here])


def bills(view: View) -> tuple[Array, Array]:
    """Of accounts with a line for six months: whether each month's bill was zero; and who they are."""
    view = view.since(CLEAN - 1)
    zero = np.array([view.ago("principal", lag) == 0 for lag in range(CLEAN)])
    lined = np.all([view.ago("limit", lag) > 0 for lag in range(CLEAN)], axis=0)
    return zero, lined & view.same(CLEAN - 1)


@measure("share")
def zero_bill_six_months(view: View) -> float:
    """Accounts with lines that owed nothing in six months running."""
    zero, who = bills(view)
    return mean(zero.all(axis=0)[who])


@measure("share")
def zero_bill_once_in_six(view: View) -> float:
    """Accounts with lines that owed nothing at least once in six months."""
    zero, who = bills(view)
    return mean(zero.any(axis=0)[who])


CLEAR, REVOLVING, LATE_1_2, LATE_3 = range(4)
"""States of facts B5: no use or paid in full, part carried on, late."""


def state(view: View, lag: int) -> Array:
    """How an account stands: late, else with all paid that was owed a month before (or nothing owed), or part carried on."""
    late, owed = view.ago("late", lag), view.ago("principal", lag + 1)
    found = np.where(view.ago("principal_paid", lag) >= owed, CLEAR, REVOLVING)
    return np.where(late >= 3, LATE_3, np.where(late >= 1, LATE_1_2, found))


def moved(which: tuple[int, int], view: View) -> float:
    """Accounts that go from a state to another within a month, of those that stay."""
    view = view.since(2)
    before, after = which
    who = view.same(2) & (state(view, 1) == before)
    return mean((state(view, 0) == after)[who])


family(
    "a month",
    "accounts that go from a state to another within a month",
    moved,
    clear_stays_clear=(CLEAR, CLEAR),
    clear_to_revolving=(CLEAR, REVOLVING),
    revolving_to_clear=(REVOLVING, CLEAR),
    revolving_to_late=(REVOLVING, LATE_1_2),
)


# arrears and payments


def slow(view: View) -> Array:
    """Who was one or two months late a month before."""
    return view.slot_of(1) & (view.ago("late", 1) >= 1) & (view.ago("late", 1) <= 2)


@measure("a month")
def late_to_three_or_out(view: View) -> float:
    """One or two months late: three or more a month later, or written off."""
    view = view.since(1)
    return mean(((view["late"] >= 3) | (view["standing"] == int(CHARGED_OFF)))[slow(view)])


@measure("a month")
def late_cured(view: View) -> float:
    """One or two months late: current a month later, on the books still."""
    view = view.since(1)
    return mean(((view["late"] == 0) & view.here)[slow(view)])


def payments(view: View) -> Array:
    """What was paid over what was owed a month before, at most all of it."""
    view = view.since(1)
    billed = view.slot_of(1) & (view.ago("principal", 1) > 0)
    return np.minimum(1.0, over(view["principal_paid"], view.ago("principal", 1)))[billed]


@measure("share")
def pays_nothing(view: View) -> float:
    """Accounts that owed and pay nothing in the month, interest included."""
    view = view.since(1)
    return mean((view["paid"] == 0)[view.slot_of(1) & (view.ago("principal", 1) > 0)])


@measure("share")
def pays_in_full(view: View) -> float:
    """Accounts that owed and pay all of it in the month."""
    return mean(payments(view) >= 1.0)


@measure("share")
def payment_ratio_median(view: View) -> float:
    """Median of what was paid over what was owed a month before."""
    return median(payments(view))


@measure("share")
def payment_ratio_mean(view: View) -> float:
    """Mean of what was paid over what was owed a month before, at most all of it."""
    return mean(payments(view))


def dues(view: View) -> tuple[int, int, int]:
    """Principal that was paid before its month, that fell due, and of this what was not paid in its month; fen."""
    view = view.since(1)
    who = view.slot_of(1)
    due = np.where(who, view.ago("due_next", 1), 0).astype(np.int64)
    paid = np.where(who, view["principal_paid"], 0).astype(np.int64)
    to_due = np.maximum(0, paid - np.where(who, view.ago("overdue", 1), 0))
    return int(np.maximum(0, to_due - due).sum()), int(due.sum()), int(np.maximum(0, due - to_due).sum())


@measure("share")
def paid_before_due(view: View) -> float:
    """Of money due, what was paid before its month."""
    early, due, _ = dues(view)
    return divided(early, early + due)


@measure("share")
def due_paid_late(view: View) -> float:
    """Of money due, what was not paid in its month."""
    early, due, late = dues(view)
    return divided(late, early + due)


@measure("share")
def owners_small_interest(view: View) -> float:
    """Owners' loans that cost at most 100 yuan of interest: of a time in debt, each draw its part."""
    owner, n = int(OWNER), view["status"].shape[1]
    interest, draws, whole = np.zeros(n), np.zeros(n), np.zeros(n, np.bool_)
    small = all_draws = 0.0
    for month in range(view.first, view.last):
        now = view.month(month)
        fresh = (now["drawn"][0] > 0) & (draws == 0)
        before = now.ago("principal", 1)[0] > 0 if month else np.ones(n, np.bool_)
        whole = np.where(draws == 0, fresh & ~before, whole)
        draws += now["drawn"][0] > 0
        interest += np.where(draws > 0, now["interest_paid"][0], 0)
        ended = now["principal"][0] == 0
        count = ended & whole & (now["segment"][0] == owner) & (now["standing"][0] != int(CHARGED_OFF)) & (draws > 0)
        all_draws += draws[count].sum()
        small += draws[count & (interest <= SMALL_INTEREST * draws)].sum()
        interest[ended], draws[ended] = 0.0, 0.0
    return divided(small, all_draws)


# risk


def bad(view: View) -> Array:
    """Three or more months late, or written off in the month."""
    found: Array = (view["late"] >= 3) | (view["standing"] == int(CHARGED_OFF))
    return found


@measure("ratio")
def bad_low_over_high_lines(view: View) -> float:
    """Bad a month later, all accounts, lowest over highest fifth of lines."""
    view = view.since(1)
    line, lost, who = view.ago("limit", 1), bad(view), view.slot_of(1) & (view.ago("limit", 1) > 0)
    if not who.any():
        return float("nan")
    low, high = np.quantile(line[who], [0.2, 0.8])
    return divided(mean(lost[who & (line <= low)]), mean(lost[who & (line >= high)]))


@measure("ratio")
def bad_high_over_low_use(view: View) -> float:
    """Bad a month later, all accounts, utilisation .7 to .9 over above 0 to .3."""
    view = view.since(1)
    use, lost, who = view.ago("utilisation", 1), bad(view), view.slot_of(1)
    return divided(mean(lost[who & (use >= 0.7) & (use <= 0.9)]), mean(lost[who & (use > 0.0) & (use <= 0.3)]))


@measure("correlation")
def limit_utilisation_rank_correlation(view: View) -> float:
    """Spearman's correlation of line and utilisation, every sixth month together."""
    from scipy.stats import rankdata

    months = slice(None, None, CLEAN)
    who = view["limit"][months] > 0
    line, use = view["limit"][months][who], view["utilisation"][months][who]
    return float(np.corrcoef(rankdata(line), rankdata(use))[0, 1]) if line.size > 1 else float("nan")


def counted(name: str, view: View) -> Array:
    """Who has an outcome in a month."""
    one = FLAGS[name]
    found: Array = (view[one.word] >> one.bit & 1) == 1
    return found


def asked_elsewhere(view: View, lag: int) -> Array:
    """Who applied to another lender."""
    found: Array = (view.ago("elsewhere", lag) > 0) | (view.ago("shortfall", lag) > 0)
    return found


def bad_by_inquiries(least: int, most: int, view: View) -> float:
    """Bad within the next year, by months with an application elsewhere of the six before; of who was current and owed."""
    found = all_of = 0
    for month in range(max(view.first, CLEAN), view.last - 12, CLEAN):
        now = view.month(month)
        asked = sum(asked_elsewhere(now, lag)[0].astype(int) for lag in range(CLEAN))
        who = (now["late"][0] == 0) & (now["principal"][0] > 0) & (asked >= least) & (asked <= most)
        who &= now.same(CLEAN)[0]
        year = View(view.seen, month + 1, month + 13)
        lost = (bad(year) & (year["generation"] == now["generation"][0])).any(axis=0)
        found, all_of = found + int(lost[who].sum()), all_of + int(who.sum())
    return divided(found, all_of)


@measure("ratio")
def bad_one_inquiry_over_none(view: View) -> float:
    """Bad within a year, one month with an application elsewhere of the last six over none."""
    return divided(bad_by_inquiries(1, 1, view), bad_by_inquiries(0, 0, view))


@measure("ratio")
def bad_three_inquiries_over_none(view: View) -> float:
    """Bad within a year, three or more months with an application elsewhere of the last six over none."""
    return divided(bad_by_inquiries(3, CLEAN, view), bad_by_inquiries(0, 0, view))


# cuts


class Cuts:
    """Lines a month before and now, who was cut, and who of them had been late in the six months before."""

    def __init__(self, view: View, ahead: int = 0, clean: int = CLEAN) -> None:
        self.view = view = View(view.seen, max(view.first, clean), view.last - ahead, view.at)
        self.before, self.now = view.ago("limit", 1).astype(np.float64), view["limit"].astype(np.float64)
        self.lines = view.same(1) & (self.before > 0)
        self.cut = self.lines & (self.now < CUT_TO * self.before)
        self.stays = self.cut & (self.now > 0)
        self.late = np.any(
            [
                (view.ago("late", lag) > 0) & (view["generation"] == view.ago("generation", lag))
                for lag in range(1, clean + 1)
            ],
            axis=0,
        )
        self.score = view.ago("risk", 1)

    def cutoff(self, share: float) -> float:
        """The score below which a share of all lines lies."""
        return float(np.quantile(self.score[self.lines], share)) if self.lines.any() else float("nan")


@measure("share")
def cut_without_arrears(view: View) -> float:
    """Of lines cut by more than 5 %, those not late in any of the six months before the month of the cut."""
    cuts = Cuts(view)
    return mean(~cuts.late[cuts.cut])


@measure("ratio")
def cut_late_over_others(view: View) -> float:
    """Rate of cuts of those late in the six months before over that of the others."""
    cuts = Cuts(view)
    return divided(mean(cuts.cut[cuts.lines & cuts.late]), mean(cuts.cut[cuts.lines & ~cuts.late]))


@measure("share")
def cut_size(view: View) -> float:
    """Median share that a decrease takes of a line that stays."""
    cuts = Cuts(view)
    return median(1.0 - cuts.now[cuts.stays] / cuts.before[cuts.stays])


@measure("share")
def cut_use_after_low(view: View) -> float:
    """Lower two fifths by score: median utilisation after a decrease."""
    cuts = Cuts(view)
    return median(cuts.view["utilisation"][cuts.stays & (cuts.score <= cuts.cutoff(0.4))])


@measure("share")
def cut_use_before_high(view: View) -> float:
    """Upper three fifths by score: median utilisation before a decrease."""
    cuts = Cuts(view)
    return median(cuts.view.ago("utilisation", 1)[cuts.stays & (cuts.score > cuts.cutoff(0.4))])


@measure("share")
def cut_use_after_high(view: View) -> float:
    """Upper three fifths by score: median utilisation after a decrease."""
    cuts = Cuts(view)
    return median(cuts.view["utilisation"][cuts.stays & (cuts.score > cuts.cutoff(0.4))])


@measure("ratio")
def debt_after_cut_by_score(view: View) -> float:
    """All debt 9 months after a cut over the month before, relative to uncut, highest over lowest third by score."""
    cuts = Cuts(view, 9)
    now = cuts.view
    if now.last <= now.first:
        return float("nan")
    ahead = View(now.seen, now.first + 9, now.last + 9)
    stay = cuts.lines & ahead.same(9)
    debt_before = now.ago("principal", 1) + now.ago("other_debt", 1)
    debt_after = ahead["principal"] + ahead["other_debt"]

    def relative(who: Array) -> float:
        ratios = [
            divided(float(debt_after[some].sum()), float(debt_before[some].sum()))
            for some in (who & cuts.cut, who & ~cuts.cut)
        ]
        return divided(*ratios)

    low, high = cuts.cutoff(1 / 3), cuts.cutoff(2 / 3)
    return divided(relative(stay & (cuts.score > high)), relative(stay & (cuts.score <= low)))


@measure("ratio")
def cut_little_used_over_others(view: View) -> float:
    """Rate of cuts at utilisation below 0.1 over that of the rest."""
    cuts = Cuts(view)
    little = cuts.view.ago("utilisation", 1) < 0.1
    return divided(mean(cuts.cut[cuts.lines & little]), mean(cuts.cut[cuts.lines & ~little]))


@measure("points")
def cut_score_gap(view: View) -> float:
    """Median score of those cut without arrears less that of all with a line."""
    cuts = Cuts(view)
    return median(cuts.score[cuts.cut & ~cuts.late]) - median(cuts.score[cuts.lines])


def years_old(view: View) -> Array:
    """Age now, years."""
    found: Array = view["age"].astype(np.int64) + view["tenure"] // 12
    return found


@measure("ratio")
def young_cut_over_older(view: View) -> float:
    """Rate of cuts in the month of the event, under 30 over 35 and more."""
    assert view.at is not None
    cuts = Cuts(view.month(view.at), clean=1)
    age = years_old(cuts.view)
    return divided(mean(cuts.cut[cuts.lines & (age < 30)]), mean(cuts.cut[cuts.lines & (age >= 35)]))


@measure("share")
def cut_size_of_young(view: View) -> float:
    """Median share that a decrease takes of a line that stays, in the month of the event, under 30."""
    assert view.at is not None
    cuts = Cuts(view.month(view.at), clean=1)
    some = cuts.stays & (years_old(cuts.view) < 30)
    return median(1.0 - cuts.now[some] / cuts.before[some])


# loans, admission, work


@measure("yuan")
def drawdown_mean(view: View) -> float:
    """Mean of what is drawn in a month in which anything is."""
    drawn = view["drawn"]
    return mean(drawn[drawn > 0]) / 100.0


@measure("ratio")
def draws_out_of_work_over_others(view: View) -> float:
    """Months with a draw of those in a spell without work over the others', of open lines."""
    drew, idle = view["drawn"] > 0, view["out_of_work"] > 0
    open_lines = view["status"] == int(OPEN)
    return divided(mean(drew[open_lines & idle]), mean(drew[open_lines & ~idle]))


@measure("share")
def first_rejected(view: View) -> float:
    """First applications refused; requests of closed accounts are not among them."""
    return divided(float(counted("refused_first", view).sum()), float(counted("applied_first", view).sum()))


# paths


def by_month(view: View, name: str) -> Array:
    """A sum over those who have an account, by month."""
    found: Array = np.where(view.here, view[name], 0).sum(axis=1, dtype=np.float64)
    return found


def deepest(path: Array) -> float:
    """The largest fall from a peak before it, as a share of that."""
    return float(np.min(path / np.maximum.accumulate(path)) - 1.0) if path.size else float("nan")


@measure("change")
def limits_peak_to_trough(view: View) -> float:
    """All lines together: the deepest fall from a peak before it."""
    return deepest(by_month(view, "limit"))


@measure("change")
def limits_worst_quarter(view: View) -> float:
    """All lines together: the largest fall within three months."""
    lines = by_month(view, "limit")
    return float(np.min(lines[3:] / lines[:-3]) - 1.0) if len(lines) > 3 else float("nan")


@measure("change")
def accounts_peak_to_trough(view: View) -> float:
    """Accounts with a line: the deepest fall from a peak before it."""
    return deepest((view.here & (view["limit"] > 0)).sum(axis=1).astype(np.float64))


def late_share(view: View) -> float:
    """Of balances, 30 or more days past due."""
    return divided(float(view["principal"][view["late"] >= 1].sum()), float(view["principal"].sum()))


@measure("ratio")
def late_30_highest_quarter_over_2007(view: View) -> float:
    """Balances 30 days late: the highest quarter of 2009 over the mean of 2007."""
    ends = [("01", "03"), ("04", "06"), ("07", "09"), ("10", "12")]
    highest = max(late_share(view.between(f"2009-{a}", f"2009-{b}")) for a, b in ends)
    return divided(highest, late_share(view.between("2007-01", "2007-12")))


def around(view: View, before: int, after: int) -> bool:
    """Whether so many months before and after the event were run."""
    return view.at is not None and view.at - before >= 0 and view.at + after < view.seen.months


@measure("change")
def limits_after_shock(view: View) -> float:
    """All lines together: the lowest of the three quarters' ends after the shock over the quarter's end before."""
    if not around(view, 1, 8):
        return float("nan")
    at = view.at or 0
    levels = [by_month(view.month(at + k), "limit")[0] for k in (-1, 2, 5, 8)]
    return divided(min(levels[1:]), levels[0]) - 1.0


@measure("ratio")
def late_30_after_shock(view: View) -> float:
    """Balances 30 days late: four months after the shock over the month before it."""
    if not around(view, 1, 4):
        return float("nan")
    at = view.at or 0
    return divided(late_share(view.month(at + 4)), late_share(view.month(at - 1)))


def quarters(view: View, total: Callable[[View], float], *starts: int) -> list[float]:
    """Sums over three months from each start on, in months from the event."""
    at = view.at or 0
    return [total(View(view.seen, at + k, at + k + 3)) for k in starts]


@measure("change")
def draws_after_shock(view: View) -> float:
    """Draws in the three months after the shock over the three before, less the growth of the three before over theirs."""
    if not around(view, 6, 2):
        return float("nan")
    after, before, earlier = quarters(view, lambda some: float(some["drawn"].sum(dtype=np.float64)), 0, -3, -6)
    return divided(after * earlier, before * before) - 1.0


@measure("change")
def elsewhere_after_halt(view: View) -> float:
    """Applications elsewhere, three months after the event over three before."""
    if not around(view, 3, 2):
        return float("nan")
    after, before = quarters(view, lambda some: float(asked_elsewhere(some, 0).sum()), 0, -3)
    return divided(after, before) - 1.0


@measure("ratio")
def lending_growth(view: View) -> float:
    """What is lent 14 months after the window's first month over what is lent then."""
    if view.last - view.first < 15:
        return float("nan")
    lent = [float(view.month(view.first + k)["principal"].sum()) for k in (0, 14)]
    return divided(lent[1], lent[0])


# lines that rise from outside


def tried(name: str) -> Callable[[Tried], Tried]:
    """Declare a function of the experiment as a measure; its docstring says what it is."""

    def declared(function: Tried) -> Tried:
        says = (function.__doc__ or "").strip().rstrip(".")
        MEASURES[name] = Measure(name, "ratio", says[:1].lower() + says[1:], tried=function)
        return function

    return declared


def per_line(found: Rise, who: Array) -> float:
    """Debt per yuan of line, of some."""
    return divided(float(found.more_debt[who].sum()), float(found.more_line[who].sum()))


@tried("debt_per_line")
def per_line_of_all(found: Rise) -> float:
    """Debt per yuan of line, 12 months after lines rise by a tenth."""
    return per_line(found, np.ones_like(found.near))


@tried("debt_per_line_far")
def per_line_far(found: Rise) -> float:
    """The same, far from the limit."""
    return per_line(found, ~found.near)


@tried("debt_per_line_near_over_far")
def per_line_near_over_far(found: Rise) -> float:
    """The same, less than a tenth free, less far from the limit."""
    return per_line(found, found.near) - per_line(found, ~found.near)
