"""The same month as ordinary Mesa agents: plain attributes, methods, loops, and the model's own random generator.

What a good Mesa user would write for this model, as the yardstick of bench/run.py. Equations are those of
zerolimit/rules, parameters come from the same Scenario, and the platform's world and pool are ours; nothing is keyed,
compiled, vectorised or rounded to columns. It records totals (no cells, no caps of events), which is less than we record.
`bench/agreement.py` shows that it is the same model.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

import mesa
import numpy as np

from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import FEN
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.parameters.terms import NO_CAMPAIGN, from_scenario, switched_off
from zerolimit.platform.network import Network, build
from zerolimit.platform.pool import PER, Pool, share_of
from zerolimit.platform.world import World
from zerolimit.rules.appeal import support
from zerolimit.rules.caps import REASONS
from zerolimit.rules.caps.multiplier import tight_factor
from zerolimit.rules.caps.positioning import position_factor
from zerolimit.rules.decision import is_announced, weigh
from zerolimit.rules.formula import income_line, score_line
from zerolimit.rules.outcome import GRANT_BIT, GRANT_REASON, route_after
from zerolimit.rules.rule import LARGEST, Rule, clip
from zerolimit.run.phases import monthly_number
from zerolimit.vocabulary.fields import INSTALMENTS
from zerolimit.vocabulary.mechanisms import NEVER, NO_CAP
from zerolimit.vocabulary.names import (
    APPEALING,
    APPLY,
    BLOCKED,
    CLOSED,
    DIVERSIFYING,
    END_APPEAL,
    END_CHARGEOFF,
    END_REAPPLY,
    END_REPAID,
    FROZEN,
    LEFT,
    MONITORING,
    NO_REVIEW,
    OPEN,
    OWNER,
    PLANNING,
    REAPPLY,
    RESTRAINT,
    REVIEW,
    SECTORS,
    SEGMENTS,
    STRATEGIES,
    WARNED_OF_SCORE,
    WARNED_OF_TRIGGER,
    ZERO_LIMIT,
)

OF_SEGMENT = ("income", "spread", "noise", "age", "miss", "volatility", "exposure", "jobloss", "spend", "habit", "target")
"""Parameters that a segment has its own of: `habit` is habit_salaried, habit_gig or habit_owner."""

RECORDED = (
    *(
        "accounts",
        "on_time",
        "line_on_time",
        "at_risk",
        "at_risk_inactive",
        "at_risk_arrears",
        "not_restored",
        "paid_off",
        "paid_off_early",
    ),
    *(
        "reviewed",
        "zero_limit",
        "zero_at_risk",
        "blocked",
        "zero_inactive",
        "zero_arrears",
        "decreases",
        "large_decreases",
        "increases",
    ),
    *("admitted", "readmitted", "applied", "appeals", "charged_off", "frozen", "closed", "asked_count", "used_up"),
    *(
        "bridged_count",
        "rollover_refused",
        "found_looking",
        "found_at_need",
        "other_loans",
        "shortfalls",
        "projects_slipped",
        "complaints",
        "left",
    ),
    *("noticed", "warned", "appeals_pending", "sum_slip_cost"),
    *(f"{event}_by_{reason}" for event in ("zero", "blocked") for reason in REASONS),
    *("late_1", "late_2", "late_3", "indebted", "in_spell", "sum_income", "sum_interest_paid", "sum_limit", "sum_drawn"),
    *("sum_principal", "sum_cash", "sum_other_debt", "sum_written_off", "sum_shortfall", "paid_at_zero"),
)
"""What the data collector keeps each month, under the names of Recorded.counts."""


class Borrower(mesa.Agent):  # type: ignore[misc]
    """One borrower, with an account or applying for one. Money in fen, whole numbers."""

    model: Market

    def __init__(self, model: Market, place: int) -> None:
        super().__init__(model)
        self.place = place
        self.random_unit = model.random.random
        self.be_born()
        self.limit = self.scheduled = self.overdue = self.overdue_interest = self.other_debt = 0
        self.due = [0] * INSTALMENTS
        self.late = self.idle = self.since_paid = self.out_of_work = self.project = 0
        self.frequency = self.early = self.usage = self.inquiries = 0.0
        self.punctuality, self.loan_size, self.anchor = 1.0, 0.5, 1.0
        self.risk = self.zhima = self.zhima_seen = 0.0
        self.status, self.tenure, self.trust = CLOSED, 0, model.terms.first_trust
        self.reason = self.mask = self.event = 0.0
        self.without_line = self.zeros = self.notice_left = self.announced = 0
        self.known, self.appealed, self.waited = False, 0, 0
        self.granted = self.asked = 0
        self.heard = 0.0
        self.refused = False

    @property
    def balance(self) -> int:
        return self.scheduled + self.overdue

    # who one is

    def be_born(self) -> None:
        """Traits for life."""
        p, chance = self.model.terms, self.model.random
        self.segment = chance.choices(range(len(SEGMENTS)), self.model.segment_shares)[0]
        own = chance.choices(range(len(STRATEGIES)), self.model.strategy_shares)[0]
        self.strategy = int(p.adopt) - 1 if p.adopt else own
        self.sector = chance.randrange(len(SECTORS))
        self.kind = kind = self.model.kinds[self.segment]
        self.age = int(kind.age + p.age_span * chance.random())
        self.income_true = int(clip(kind.income * math.exp(kind.spread * chance.gauss()), 10_000, 5e7))
        noisy = self.income_true * math.exp(kind.noise * chance.gauss() - 0.5 * kind.noise**2)
        self.income_seen = int(clip(noisy, 10_000, 5e7))
        factor = 1.0 - p.miss_spread + p.miss_spread * 5.0 * chance.random() ** 4
        self.propensity = clip(kind.miss * factor, 0.0, 1.0)
        signal = -p.signal_slope * (factor - 1.0) + p.signal_noise * kind.noise * chance.gauss()
        self.signal = math.floor(clip(signal, -300.0, 300.0))
        self.cash = int(min(LARGEST, p.first_savings * self.income_true * 2.0 * chance.random()))
        self.review_in = 1 + min(int(p.review_months) - 1, int(chance.random() * p.review_months))
        self.lottery = chance.random()

    def have_history(self) -> None:
        """An account of the first population, in the middle of its life."""
        p, chance = self.model.terms, self.model.random.random
        wish = p.income_multiple * self.income_seen * (p.line_low + (p.line_high - p.line_low) * chance())
        self.limit = int(clip(wish // FEN * FEN, p.first_smallest, p.first_largest))
        use = chance()
        unused = use < p.unused_share
        if unused:
            self.usage = 0.0
        elif use >= 1.0 - p.high_use_share:
            self.usage = 1.0 - 0.3 * chance() ** 2
        else:
            self.usage = 0.5 * chance() ** 2
        owed = min(self.limit, int(self.usage * self.limit))
        if owed and chance() < p.first_late:
            self.late = 1 if chance() >= 0.35 else 2
        self.status = OPEN
        self.tenure = 2 + int(p.first_tenure * chance())
        self.punctuality = 0.75 if self.late else 1.0
        self.frequency = 0.0 if unused else clip(self.kind.habit + 0.3 * chance() ** 2, 0.0, 1.0)
        self.early = 0.1
        self.idle = int(1.0 + 24.0 * chance()) if unused else 0
        elsewhere = chance()
        self.other_debt = int(self.income_true * 3.0 * elsewhere / p.other_share) if elsewhere < p.other_share else 0
        self.schedule(owed, 1 + int(INSTALMENTS * chance()))
        self.score()
        self.settle_in()

    def schedule(self, owed: int, months: int) -> None:
        """What is owed as equal instalments, odd fen first; in arrears some of them are overdue."""
        self.overdue = owed * self.late // (months + self.late)
        self.scheduled = owed - self.overdue
        if self.model.terms.term_open < 1.0:
            part, odd = divmod(self.scheduled, months)
            self.due = [part] * months + [0] * (INSTALMENTS - months)
            self.due[0] += odd

    def settle_in(self) -> None:
        """The first score passes the cutoff; the anchor makes the formula give the first line."""
        p = self.model.terms
        lift = max(0.0, p.cutoff + p.first_margin - self.risk)
        self.risk += lift
        self.signal += int(lift + 0.999)
        self.zhima_seen = max(self.zhima, p.admission_zhima)
        plain = min(income_line(self.income_seen, p), score_line(self.income_seen, self.risk, p))
        formula = plain * max(0.1, position_factor(self.distance(), p)) * max(0.1, tight_factor(p))
        self.anchor = self.limit / max(100.0, formula) if self.limit else 1.0

    # steps 2 to 5

    def settle_month(self) -> None:
        """Income, spending, repayment, scoring, and the decision on the line where it is due."""
        self.limit_before = self.limit if self.status == OPEN else 0
        self.earn()
        outlay = self.spend()
        self.repay()
        self.charge_off()
        self.cash = min(self.cash - outlay, int(self.model.terms.savings_cap * self.income_true))
        if self.status != LEFT:
            self.remember()
            self.score()
        self.call_for_review()
        if self.review:
            self.decide()

    def earn(self) -> None:
        p, kind = self.model.terms, self.kind
        draw = self.random_unit()
        if self.out_of_work:
            self.out_of_work = 0 if draw < p.spell_end else min(self.out_of_work + 1, 120)
        elif draw < kind.jobloss * (1.0 + p.slump):
            self.out_of_work = 1
        level = 1.0 + kind.exposure * p.macro + p.sector_exposure * self.model.world.trends[self.sector]
        income = self.income_true * clip(max(0.0, level) * (1.0 + kind.volatility * self.random.gauss()), 0.0, 4.0)
        self.income = int(income * p.replacement if self.out_of_work else income)
        self.cash = min(self.cash + self.income, int(LARGEST))
        self.model.seen["sum_income"] += self.income

    def spend(self) -> int:
        """What one wants to spend; the project and other debt move on."""
        p = self.model.terms
        ordinary = self.kind.spend * self.income_true * p.demand
        if self.strategy in (RESTRAINT, PLANNING):
            ordinary *= 1.0 - p.saving_share
        if self.out_of_work:
            ordinary *= p.spell_spending
        outlay = int(ordinary)
        if self.random_unit() < p.bill_rate:
            outlay += int(p.bill_size * self.income_true * (0.5 + self.random_unit()))
        self.project = max(0, self.project - 1)
        if self.segment == OWNER and not self.project and self.random_unit() < p.project_rate:
            self.project = int(p.project_months)
        if self.project:
            outlay += int(p.tranche_share * self.income_true)
        if self.other_debt:
            service = min(self.other_debt, self.other_debt // 12 + 100)
            outlay += service + int(self.other_debt * p.other_rate)
            self.other_debt -= service
        return min(outlay, int(LARGEST))

    def repay(self) -> None:
        """What falls due, what is meant to be paid, what is paid."""
        p, before = self.model.terms, self.balance
        due = self.due.pop(0) if self.scheduled else 0
        if len(self.due) < INSTALMENTS:
            self.due.append(0)
        interest = min(int(before * p.monthly_rate), max(0, int(LARGEST) - self.overdue_interest - before))
        owing = self.overdue_interest + self.overdue + interest + due
        self.bridged = False
        if owing == 0 and not self.scheduled:
            self.standing = self.settled = self.late = self.principal_paid = 0
            self.since_paid = min(120, self.since_paid + 1)
            return
        meant = self.meant_payment(owing)
        paid = max(0, min(self.cash, meant))
        gap, current, rest = meant - paid, self.late == 0, before - due
        redraws = gap > 0 and current and self.status == OPEN and self.limit - rest >= gap
        if redraws and self.other_debt + gap <= LARGEST and self.random_unit() < p.bridge_share:
            self.bridged = True
            self.other_debt += gap
            self.cash += gap
            paid = meant
        total = paid
        if current and paid >= owing and rest > 0 and self.scheduled:
            own = self.cash - paid
            draw = self.random_unit()
            closes = p.term_open > 0.0 and own >= rest and draw < p.open_repay_rate
            spare = gap == 0 and own - p.savings_kept * owing >= rest
            if closes or (spare and draw < p.early_rate * self.trust):
                total += rest
        self.cash -= total
        self.late = 0 if paid >= owing else min(120, self.late + 1 - paid * (self.late + 1) // owing)
        self.standing = (1 if total else 0) if paid >= owing else 2
        self.since_paid = 0 if total else min(120, self.since_paid + 1)
        self.apply_payment(total, due, interest, before)

    def meant_payment(self, owing: int) -> int:
        """Repayment by the month's luck: current borrowers pay or miss, late ones cure, step, hold or roll."""
        p, late, draw = self.model.terms, self.late, self.random_unit()
        if late == 0:
            unusable = self.status != OPEN or self.limit < p.minimum_loan
            return 0 if draw < self.propensity * p.stress + (p.gamma if unusable else 0.0) else owing
        cure, step, hold = self.model.rolls[min(late, 3) - 1]
        if draw < cure:
            return owing
        parts = 2 if draw < cure + step else 1 if draw < cure + step + hold else 0
        if parts >= late + 1:
            return owing
        return min(owing, owing * parts // (late + 1) + 1) if parts else 0

    def apply_payment(self, paid: int, due: int, interest: int, before: int) -> None:
        """To overdue interest, overdue principal, due interest, due instalments, then the rest of the loan."""
        to_old = min(paid, self.overdue_interest)
        left = paid - to_old
        to_overdue = min(left, self.overdue)
        left -= to_overdue
        to_interest = min(left, interest)
        left -= to_interest
        to_due = min(left, due)
        to_rest = left - to_due
        self.scheduled -= due + to_rest
        self.overdue += due - to_due - to_overdue
        self.overdue_interest += interest - to_interest - to_old
        self.settled = 0
        if before and not self.balance:
            self.settled = 2 if to_rest and self.model.terms.term_open == 0.0 else 1
        self.model.seen["sum_interest_paid"] += to_old + to_interest
        self.model.seen["principal_paid"] += to_overdue + to_due + to_rest
        self.principal_paid = to_overdue + to_due + to_rest

    def charge_off(self) -> None:
        p, seen = self.model.terms, self.model.seen
        if self.late < p.chargeoff_months:
            return
        seen["sum_written_off"] += self.balance
        seen["recovered"] += math.floor(self.balance * (1.0 - p.lgd))
        self.status, self.standing = LEFT, 3
        self.limit = self.scheduled = self.overdue = self.overdue_interest = 0

    def remember(self) -> None:
        """Moving averages, each with its own memory."""
        p = self.model.terms
        if self.standing:
            self.punctuality += ((self.standing == 1) - self.punctuality) / p.memory_punctuality
        if self.settled:
            self.early += ((self.settled == 2) - self.early) / p.memory_early
        self.usage += (min(1.5, self.balance / max(self.limit, 100)) - self.usage) / p.memory_usage
        self.tenure += 1

    def score(self) -> None:
        """Both scores; they stand still for admission and lines while rescoring is off."""
        p = self.model.terms
        history = clip(self.punctuality - 0.25 * self.late, 0.0, 1.0)
        length = min(self.tenure / 60.0, 1.0)
        identity = 0.5 * length + 0.5 * clip((self.age - 18.0) * 0.05, 0.0, 1.0)
        behaviour = clip(1.0 - 0.5 * self.usage - 0.5 * self.inquiries, 0.0, 1.0)
        capacity = self.income_seen / (self.income_seen + p.capacity_half)
        general = p.zhima_history * history + p.zhima_identity * identity + p.zhima_connections * 0.5
        general += p.zhima_behaviour * behaviour + p.zhima_capacity * capacity
        self.zhima = int(clip(350.0 + 600.0 * general, 350.0, 950.0))
        if p.rescoring == 0.0 and self.tenure > 1:
            return
        self.zhima_seen = self.zhima
        points = (
            p.score_base
            + self.signal
            - p.weight_punctuality * (1.0 - self.punctuality)
            - p.weight_usage * self.usage
            - p.weight_frequency * self.frequency
            - p.weight_debt * min(self.other_debt / max(self.income_seen, 100), 6.0)
            - p.weight_arrears * min(self.late, 3)
            + p.weight_tenure * length
            + p.weight_early * self.early
            + p.weight_idle * min(self.idle / 24.0, 1.0)
            + p.weight_sector * min(self.model.world.trends[self.sector], 0.0)
        )
        self.risk = clip(points, 350.0, 950.0)

    def distance(self) -> float:
        """From the target customer, 0 to 1."""
        p = self.model.terms
        years = clip((abs(self.age - p.target_age) - p.target_age_span) * 0.05, 0.0, 1.0)
        income = clip((p.target_income - self.income_seen) / p.target_income, 0.0, 1.0)
        return p.position_segment * (1.0 - self.kind.target) + p.position_age * years + p.position_income * income

    def campaign_standing(self) -> float:
        return self.risk if self.model.terms.campaign_order == 0.0 else 950.0 - 600.0 * self.distance()

    def call_for_review(self) -> None:
        """Why the line is decided this month, if it is."""
        p, seen = self.model.terms, self.model.seen
        is_open = self.status == OPEN
        self.review, self.contends, self.warned = NO_REVIEW, False, 0.0
        due = False
        if is_open or self.status == FROZEN:
            self.review_in -= 1
            due = self.review_in <= 0
            if due:
                self.review_in = int(p.review_months)
        if self.status == LEFT or (self.notice_left and not self.late):
            pass
        elif self.appealed == 2:
            self.review = REVIEW
        elif self.status == CLOSED:
            if self.tenure == 1:
                self.review = APPLY
            elif self.without_line >= p.cooling_months and self.random_unit() < p.reapply_rate:
                self.review = REAPPLY
        elif due or (is_open and self.late) or (p.campaign_cut > NO_CAMPAIGN and self.campaign_standing() <= p.campaign_cut):
            self.review = REVIEW
        seen["principal_after"] += self.balance
        if is_open and not self.review:
            seen["committed"] += max(0, self.limit - self.balance)
        if p.early_warning and is_open:
            low = self.risk < p.cutoff + p.cutoff_shift + p.warning_points
            self.warned = WARNED_OF_TRIGGER if self.frequency > 0.8 * p.trigger_frequency else WARNED_OF_SCORE * low

    def by(self, rule: Rule, **more: float) -> Any:
        """What a rule of the model gives of this borrower, and of what else it reads."""
        more["terms"] = self.model.terms
        return rule(*(more[name] if name in more else getattr(self, name) for name in rule.reads))

    def decide(self) -> None:
        """The lowest of the named caps, its argmin kept; the cut menu; the place in the pool's order."""
        p, balance, distance = self.model.terms, self.balance, self.distance()
        base_line, lowest, self.cap_reason, self.cap_mask = self.by(weigh, distance=distance, review=self.review)
        self.lowest = lowest = int(lowest)
        if self.status != OPEN:
            share = p.first_share if self.review == APPLY else p.restart_share
            line = min(lowest, int(share * base_line))
        elif lowest >= self.limit * (1.0 + p.min_change):
            line = min(lowest, int(self.limit * (1.0 + p.growth)))
        elif lowest > self.limit * (1.0 - p.min_change):
            line = self.limit
        else:
            line = self.cut_from_menu(lowest)
        if self.late:
            line = min(line, lowest)
        self.wanted = line if line >= p.minimum_loan else 0
        self.rank = self.risk - p.target_weight * distance
        if self.status in (OPEN, FROZEN):
            self.rank += p.retention_bonus
        if self.appealed == 2:
            self.rank += p.priority_bonus
        if is_announced(self.status, self.limit, self.late, self.wanted, p):
            self.model.seen["committed"] += max(0, self.limit - balance)
        elif self.wanted - balance >= p.minimum_loan:
            self.contends = True
            self.model.contenders.append(self)

    def cut_from_menu(self, cap: int) -> int:
        p, draw = self.model.terms, self.random_unit()
        if draw < p.menu_balance:
            return min(cap, self.balance + int(p.menu_margin))
        draw -= p.menu_balance
        if draw < p.menu_step:
            return min(cap, self.limit // 2)
        closes = draw - p.menu_step < p.menu_close and cap < p.menu_close_below * self.limit
        return 0 if closes else cap

    # steps 7 to 10

    def take_decision(self) -> None:
        """The line takes effect, what happened is recorded, who looks finds it, and loans are asked for."""
        self.found = 0
        self.happened = 0.0
        is_open = self.status == OPEN
        unsettled = self.event and (is_open or not self.known or self.appealed < 2)
        new_spell = not is_open and not self.without_line
        if self.review or self.notice_left or unsettled or new_spell or self.status == FROZEN or self.standing == 3:
            self.set_line()
            self.record()
            self.look()
            self.count_decided()
        elif self.without_line:
            self.without_line += 1
        self.count()
        self.ask()

    def set_line(self) -> None:
        """B + granted for who contended, else the wanted line; a policy's cut may be announced, and made in steps."""
        p, m = self.model.terms, self.model.terms.minimum_loan
        if self.status == LEFT:
            self.announced = self.notice_left = 0
            return
        if not self.review:
            if self.notice_left:
                if self.notice_left <= max(1, p.adaptation_months):
                    self.limit -= max(0, (self.limit - self.announced) // self.notice_left)
                self.notice_left -= 1
                if not self.notice_left:
                    self.announced = 0
            if self.status == OPEN and self.limit < m:
                self.limit, self.status = 0, CLOSED
            return
        by_pool = self.balance + self.granted
        decided = by_pool if self.contends else self.wanted
        rationed = self.contends and by_pool < self.wanted and by_pool < self.lowest
        refused = self.contends and self.granted < m
        if decided < self.limit_before or (self.status != OPEN and (refused or decided < m)):
            self.reason = GRANT_REASON if rationed else self.cap_reason
            self.mask = self.cap_mask + (GRANT_BIT if rationed and by_pool < m else 0.0)
        if is_announced(self.status, self.limit_before, self.late, self.wanted, p):
            self.announced, self.notice_left = self.wanted, max(1, int(p.notice_months + p.adaptation_months))
            return
        self.announced = self.notice_left = 0
        if decided < m:
            self.limit, self.status = 0, CLOSED
        else:
            self.limit, self.status = decided, FROZEN if refused or self.late else OPEN
        if self.review == APPLY and self.status != OPEN:
            self.status = LEFT

    def record(self) -> None:
        """Events, and the spell without a usable line."""
        m, balance, before = self.model.terms.minimum_loan, self.balance, self.limit_before
        on_time, gone = self.standing == 1, self.status == LEFT
        zero = on_time and before >= m and (self.limit < m or gone)
        blocked = on_time and before - balance >= m and self.limit >= m and self.limit - balance < m
        if zero:
            self.happened = ZERO_LIMIT
            self.zeros = min(100, self.zeros + 1)
        elif blocked:
            self.happened = BLOCKED
        usable = self.status == OPEN and self.limit >= m and (self.limit - balance >= m or not self.event)
        ends = self.without_line and (usable or gone)
        if self.happened:
            event = "zero" if zero else "blocked"
            self.model.seen[f"{event}_by_{REASONS[max(0, int(self.reason) - 1)]}"] += 1
        if self.happened or (ends and self.event):
            self.model.events.append(
                (
                    *(self.model.month, self.unique_id, self.happened, self.reason, self.mask, self.without_line),
                    self.route() if ends and self.event else 0.0,
                )
            )
        if self.happened or ends:
            self.known, self.appealed = bool(self.happened and not self.review), 0
        starts = self.happened or self.status != OPEN or self.limit < m
        if self.without_line and not usable:
            self.without_line += 1
        else:
            self.without_line = 1 if starts and not ends else 0
        if gone:
            self.event = self.without_line = 0
        elif self.happened:
            self.event = self.happened
        elif ends:
            self.event = 0

    def route(self) -> float:
        """How a spell ends."""
        if self.status == LEFT:
            return END_CHARGEOFF
        if not self.review:
            return END_REPAID
        if self.appealed == 2:
            return END_APPEAL
        if self.review == REAPPLY:
            return END_REAPPLY
        return route_after(self.reason)

    def look(self) -> None:
        """Who looks at the limit finds the cut, may appeal once a spell and waits; who had notice knows."""
        p = self.model.terms
        if self.happened and self.known:
            self.found = 3
        if not self.event or not self.without_line or self.status == LEFT:
            return
        if not self.known:
            habit = p.look_monitoring if self.strategy == MONITORING else p.look_rate
            if p.reasons_sent or self.random_unit() < habit:
                self.known, self.found = True, 1
        if not p.appeals_capacity:
            return
        if self.appealed == 1:
            self.waited = min(120, self.waited + 1)
            self.model.appellants.append(self)
        elif self.known and not self.appealed:
            chance = p.appeal_rate * (0.5 if p.reasons_sent else 1.0)
            if self.random_unit() < (p.appeal_appealing if self.strategy == APPEALING else chance):
                self.appealed, self.waited = 1, 0
                self.model.seen["appeals"] += 1
                self.model.appellants.append(self)

    def count_decided(self) -> None:
        """Outcomes of who went through the decision."""
        m, seen, before = self.model.terms.minimum_loan, self.model.seen, self.limit_before
        if self.happened:
            seen["zero_limit" if self.happened == ZERO_LIMIT else "blocked"] += 1
            if self.happened == ZERO_LIMIT and before - self.balance >= m:
                seen["zero_at_risk"] += 1
        if before >= m:
            if self.standing != 1 and (self.limit < m or self.status == LEFT):
                seen["zero_arrears" if self.standing else "zero_inactive"] += 1
            if self.limit < 0.95 * before:
                seen["decreases"] += 1
                if self.limit <= 0.5 * before:
                    seen["large_decreases"] += 1
            elif self.limit > before:
                seen["increases"] += 1
        if self.review:
            seen["reviewed"] += 1
        if self.review >= REAPPLY:
            seen["applied"] += 1
            if self.status == OPEN:
                seen["admitted" if self.review == APPLY else "readmitted"] += 1
        if self.review == REVIEW and self.notice_left:
            seen["noticed"] += 1
        if self.standing == 3:
            seen["charged_off"] += 1
        if self.status == FROZEN:
            seen["frozen"] += 1

    def count(self) -> None:
        """Outcomes of everybody after the decision."""
        m, seen, balance = self.model.terms.minimum_loan, self.model.seen, self.balance
        if self.status != LEFT:
            seen["accounts"] += 1
        seen["sum_limit"] += self.limit
        at_risk = self.limit_before - balance >= m
        if self.standing == 1:
            seen["on_time"] += 1
            seen["paid_at_zero" if self.limit_before < m else "line_on_time"] += 1
            if at_risk:
                seen["at_risk"] += 1
                restored = max(self.principal_paid, self.limit_before - balance)
                room = max(0, self.limit - balance) if self.status == OPEN else 0
                if room < 0.9 * restored:
                    seen["not_restored"] += 1
        elif at_risk:
            seen["at_risk_arrears" if self.standing else "at_risk_inactive"] += 1
        if self.settled:
            seen["paid_off" if self.settled == 1 else "paid_off_early"] += 1
        if self.warned:
            seen["warned"] += 1

    def ask(self) -> None:
        """A loan within the available line: for need, from habit, from fear."""
        p, m = self.model.terms, self.model.terms.minimum_loan
        self.asked = 0
        if self.status == LEFT:
            return
        available = max(0, self.limit - self.balance) if self.status == OPEN else 0
        desired = max(0, -self.cash)
        if self.random_unit() < p.need_rate or (desired and self.warned == WARNED_OF_TRIGGER):
            months = p.buffer_planning if self.strategy == PLANNING else p.buffer_months
            desired = max(desired, int(months * self.income_true) - self.cash)
        calm = 0.5 if self.strategy == RESTRAINT or self.warned else 1.0
        if self.random_unit() < self.kind.habit * calm * p.demand:
            desired = max(desired, m, int(p.habit_size * self.income_true * (0.5 + self.random_unit())))
        worry = p.fear_gain * max(0.0, p.fear_level - self.trust) + (p.notice_rush if self.notice_left else 0.0)
        if worry and self.random_unit() < worry:
            desired = max(desired, available)
        if desired <= 0:
            return
        if available >= m:
            self.asked = int(min(available, max(desired, m)))
            self.model.askers.append(self)
        if self.asked < desired and self.event and not self.known and available < m:
            self.known, self.found = True, 2

    def be_heard(self) -> int:
        """The desk takes true income and lifts the trigger; gives the line that then stands, 0 if none."""
        p, balance = self.model.terms, self.balance
        self.income_seen = self.income_true
        line = int(self.by(support, distance=self.distance()))
        if line - balance < p.minimum_loan:
            self.appealed = 3
            return 0
        self.frequency, self.early, self.idle, self.appealed = 0.0, 0.0, 0, 2
        return line

    def be_restored(self, line: int) -> None:
        """An appeal granted: the line opens at once."""
        self.limit, self.status = line, OPEN
        self.without_line = self.appealed = 0
        self.event, self.known = 0.0, False
        self.ask()

    # steps 10 to 12

    def live(self) -> None:
        """The loan, coping without it, trust."""
        p, seen = self.model.terms, self.model.seen
        self.drawn = 0 if self.refused else self.asked
        self.lent = self.lacking = 0
        seen["sum_other_debt"] += self.other_debt
        if self.status == LEFT:
            self.model.leavers.append(self)
            return
        if self.late:
            seen["late_1" if self.late == 1 else "late_2" if self.late == 2 else "late_3"] += 1
        self.frequency += ((self.drawn > 0) - self.frequency) / p.memory_frequency
        self.inquiries -= self.inquiries / p.memory_inquiries
        self.idle = 0 if self.drawn or self.balance else min(120, self.idle + 1)
        if self.status == CLOSED:
            seen["closed"] += 1
        if self.asked:
            seen["asked_count"] += 1
        if self.drawn:
            self.cash = min(self.cash + self.drawn, int(LARGEST))
            self.loan_size += (min(1.9, self.drawn / max(self.income_seen, 100)) - self.loan_size) / p.memory_size
            self.book()
        if self.cash < 0:
            self.cope()
        self.feel()
        self.count_life()

    def book(self) -> None:
        """A loan of 3, 6 or 12 months, odd fen first; an open one has no instalments."""
        p = self.model.terms
        if not self.scheduled:
            self.due = [0] * INSTALMENTS
        self.scheduled += self.drawn
        if self.random_unit() < p.term_open:
            return
        draw = self.random_unit()
        months = 3 if draw < p.term_3 else 6 if draw < p.term_3 + p.term_6 else 12
        part, odd = divmod(self.drawn, months)
        for k in range(months):
            self.due[k] += part
        self.due[0] += odd

    def cope(self) -> None:
        """Another lender, else a shortfall; a project that slips loses sales."""
        p, seen, missing, principal = self.model.terms, self.model.seen, -self.cash, self.balance
        used = min(1.0, principal / max(self.limit, 100)) if principal else 0.0
        chance = p.other_base + p.other_score * (self.zhima - 600.0) / 350.0 - p.other_usage * used
        chance -= p.other_inquiries * self.inquiries + p.other_record * min(self.zeros, 3)
        if self.strategy == DIVERSIFYING:
            chance += p.diversified
        fits = self.other_debt + missing <= min(p.other_cap * self.income_true, LARGEST)
        if not self.late and fits and self.random_unit() < chance:
            self.lent = missing
            self.other_debt += missing
        else:
            self.lacking = missing
        self.cash = 0
        if self.lacking and self.segment == OWNER and self.project:
            self.project = min(120, self.project + 1)
            lost = int(p.slip_loss * self.income_true)
            self.cash -= lost
            seen["projects_slipped"] += 1
            seen["sum_slip_cost"] += lost
        self.inquiries = min(1.9, self.inquiries + 1.0 / p.memory_inquiries)

    def feel(self) -> None:
        """Trust mends slowly, falls with one's own cut and with what acquaintances report; who owes nothing may leave."""
        p = self.model.terms
        felt = self.trust + p.mend * (1.0 - self.trust) - p.neighbour_weight * self.heard
        self.heard = 0.0
        if self.found:
            felt -= p.own_hit * (1.0 - (p.reasons_relief if p.reasons_sent or self.found == 3 else 0.0))
        self.trust = clip(felt, 0.0, 1.0)
        if self.event and self.without_line:
            self.model.seen["in_spell"] += 1
            if self.known and not self.late:
                self.model.tellers.append(self)
        if not self.balance and not self.late and self.random_unit() < p.leave_rate * (1.0 - self.trust):
            self.status, self.limit = LEFT, 0
            self.model.leavers.append(self)
            self.model.seen["left"] += 1

    def count_life(self) -> None:
        """Outcomes of everybody at the end of the month."""
        p, seen = self.model.terms, self.model.seen
        seen["sum_drawn"] += self.drawn
        seen["sum_principal"] += self.balance
        seen["sum_cash"] += self.cash
        seen["sum_other_debt"] += self.lent
        if self.balance:
            seen["indebted"] += 1
        refused, self.refused = self.refused, False
        if refused:
            seen["used_up"] += 1
        if self.bridged:
            seen["bridged_count"] += 1
            if refused:
                seen["rollover_refused"] += 1
        if self.found:
            seen[("found_looking", "found_at_need", "found_by_notice")[self.found - 1]] += 1
            if self.random_unit() < p.complaint_rate:
                seen["complaints"] += 1
        if self.lent:
            seen["other_loans"] += 1
        if self.lacking:
            seen["shortfalls"] += 1
            seen["sum_shortfall"] += self.lacking


class PlainWorld(World):
    """The world, moved by the model's own generator."""

    def __init__(self, generator: random.Random) -> None:
        super().__init__(seed=0)
        self.random = generator

    def draw(self, month: int, purpose: str) -> float:
        return self.random.random()


class Market(mesa.Model):  # type: ignore[misc]
    """The platform, its borrowers, the month."""

    def __init__(self, scenario: str | Scenario = "baseline", *, rng: int | None = None, **parameters: Any) -> None:
        super().__init__(rng=rng)
        self.c = load_scenario(scenario, **parameters)
        if self.c.allocation != "score":
            raise BadInput(f"allocation: these agents share the pool by score alone, not by {self.c.allocation}")
        self.numbers = switched_off(from_scenario(self.c), tuple(one for one in self.c.off if one != "rescoring"))
        self.terms = SimpleNamespace(**self.numbers)
        self.kinds = [
            SimpleNamespace(**{name: self.numbers[f"{name}_{segment}"] for name in OF_SEGMENT}) for segment in SEGMENTS
        ]
        self.rolls = [(self.c.cure_1, 0.0, self.c.hold_1), (self.c.cure_2, self.c.step_2, self.c.hold_2)]
        self.rolls.append((self.c.cure_3, self.c.step_3, self.c.hold_3))
        self.segment_shares = [1.0 - self.c.share_gig - self.c.share_owner, self.c.share_gig, self.c.share_owner]
        follow = [getattr(self.c, f"follow_{name}") for name in STRATEGIES[1:]]
        self.strategy_shares = [1.0 - sum(follow), *follow]
        self.month = 0
        self.seen: Counter[str] = Counter()
        self.events: list[tuple[float, ...]] = []
        self.tellers: list[Borrower] = []
        self.world: World = PlainWorld(self.random)
        self.slots: list[Borrower | None] = [self.first_borrower(place) for place in range(self.c.borrowers)]
        self.starts, self.others = self.ties().adjacency()
        lines, self.principal = sum(self.agents.get("limit")), sum(self.agents.get("balance"))
        self.bank = Pool.start(self.c, lines, self.principal)
        if "scarcity" in self.c.off:
            self.bank.limit = None
        self.tightness_before, self.overrun, self.planned_share = self.c.base_tightness, False, 0.0
        self.pool_before = self.phi = 0
        reporters: dict[str, Any] = {name: lambda model, name=name: model.seen[name] for name in RECORDED}
        reporters["planned_share"] = lambda model: model.planned_share
        self.datacollector = mesa.DataCollector(model_reporters=reporters)

    def first_borrower(self, place: int) -> Borrower | None:
        if self.random.random() < self.c.vacant_share:
            return None
        borrower = Borrower(self, place)
        borrower.have_history()
        return borrower

    def ties(self) -> Network:
        """Who hears of whom: our network, from the model's own generator."""
        sectors = None
        if self.c.network == "sector_blocks":
            anybody = self.random.randrange
            sectors = np.array([one.sector if one is not None else anybody(len(SECTORS)) for one in self.slots])
        return build(self.c, self.random.getrandbits(64), sectors)

    def acquaintances(self, place: int) -> list[int]:
        """The places that a place is tied to."""
        return self.others[self.starts[place] : self.starts[place + 1]].tolist()

    def step(self) -> None:
        """One month."""
        self.seen = Counter()
        self.contenders: list[Borrower] = []
        self.appellants: list[Borrower] = []
        self.askers: list[Borrower] = []
        self.leavers: list[Borrower] = []
        self.move_world()
        self.enter()
        self.agents.do("settle_month")
        self.allocate()
        self.agents.do("take_decision")
        self.hear_appeals()
        self.settle_accounts()
        self.serve()
        self.spread_word()
        self.agents.do("live")
        self.close_books()
        self.datacollector.collect(self)
        self.month += 1

    def move_world(self) -> None:
        """Step 1: macro index, calendar, tightness, pool, and a campaign where one of them calls for it."""
        c, numbers = self.c, self.numbers
        due = self.world.move(self.month, c)
        in_force, macro = self.world.in_force, self.world.macro
        slump = max(0.0, -macro)
        losses = max(0.0, self.bank.loss_rate() / c.loss_norm - 1.0)
        wished = c.base_tightness + in_force.get("tightness", 0.0) + c.macro_tightness * slump + c.loss_tightness * losses
        tightness = clip(wished, 0.0, 1.0)
        cap, years = in_force.get("person_cap", 0.0), in_force.get("person_cap_income", 0.0)
        numbers.update(
            macro=macro,
            slump=slump,
            stress=1.0 + c.stress_gain * slump,
            demand=max(0.0, 1.0 - c.slump_demand * slump),
            tightness=tightness,
            cutoff_shift=in_force.get("cutoff_shift", 0.0) + c.cutoff_gain * tightness,
            person_cap=cap * FEN if cap else NO_CAP,
            person_cap_income=years or NEVER,
            rescoring=1.0,
            campaign_cut=NO_CAMPAIGN,
        )
        for name, unit in (("target_age", 1), ("target_income", FEN)):
            if name in in_force:
                numbers[name] = in_force[name] * unit
        switched_off(numbers, c.off)
        self.terms = SimpleNamespace(**numbers)
        before = self.bank.limit
        fall = False
        if before is not None:
            self.bank.events(due)
            self.bank.resize(c, self.principal)
        limit = self.bank.limit
        if before is not None and limit is not None:
            self.pool_before = max(self.pool_before, before, limit)
        if limit is not None:
            fall = limit < self.pool_before - share_of(self.pool_before, c.campaign_fall)
        tightness = self.terms.tightness
        self.tightness_before = min(self.tightness_before, tightness)
        rise = tightness - self.tightness_before >= c.campaign_rise
        overrun = self.overrun and limit is not None
        if (rise or fall or overrun) and self.month and c.campaign_share:
            self.tightness_before, self.pool_before = tightness, limit or 0
            standing = sorted(borrower.campaign_standing() for borrower in self.agents if borrower.status == OPEN)
            count = int(len(standing) * c.campaign_share)
            if count:
                self.terms.campaign_cut = standing[count - 1]

    def enter(self) -> None:
        """Applicants take the slots of those who left."""
        for place, borrower in enumerate(self.slots):
            if borrower is None and self.random.random() < self.c.entry_rate:
                self.slots[place] = Borrower(self, place)

    def allocate(self) -> None:
        """Step 6: the pool by rank, under the planning constraint."""
        c, bank, seen = self.c, self.bank, self.seen
        written, paid, principal = seen["sum_written_off"], seen["principal_paid"], seen["principal_after"]
        bank.release(principal + written + paid, written + paid)
        bank.collect(seen["sum_interest_paid"], paid, seen["recovered"], written)
        self.principal = principal
        phi = self.phi = bank.planned_use(c)
        committed, given = seen["committed"], 0
        capacity: float = math.inf
        self.overrun = False
        if bank.limit is not None:
            aside = share_of(bank.limit, c.appeals_share) if c.appeals_capacity else 0
            free = bank.limit - aside - principal - -(-phi * committed // PER)
            self.overrun = free < -share_of(bank.limit, c.campaign_fall)
            capacity = max(0, free) * PER // phi if phi else math.inf
        budget = monthly_number(c.admissions, c.borrowers, self.month)
        for borrower in sorted(self.contenders, key=lambda one: (-one.rank, one.lottery)):
            borrower.granted = 0
            if borrower.review >= REAPPLY:
                budget -= 1
                if budget < 0:
                    continue
            need = borrower.wanted - borrower.balance
            if need <= capacity:
                borrower.granted = need
                capacity -= need
            else:
                borrower.granted = int(capacity) if capacity >= self.terms.minimum_loan else 0
                capacity = -1.0
            given += borrower.granted
        if bank.limit is not None:
            self.planned_share = (principal + -(-phi * (committed + given) // PER)) / max(bank.limit, 1)
        bank.open_history.append(committed + given)

    def hear_appeals(self) -> None:
        """Step 9: so many appeals a month in order, the others wait; the set-aside grants what succeeds while it lasts."""
        c, bank = self.c, self.bank
        self.seen["appeals_pending"] = len(self.appellants)
        self.random.shuffle(self.appellants)
        if c.appeal_order != "lottery":
            self.appellants.sort(key=lambda one: -one.waited if c.appeal_order == "waiting" else -one.risk)
        heard = self.appellants[: monthly_number(c.appeals_capacity, c.borrowers, self.month)]
        self.seen["appeals_heard"] = len(heard)
        phi = self.phi
        room = share_of(bank.limit, c.appeals_share) * PER // phi if bank.limit is not None and phi else math.inf
        won = [(borrower, line) for borrower in heard if (line := borrower.be_heard())]
        for borrower, line in won:
            room -= line - borrower.balance
            if room < 0:
                break
            borrower.be_restored(line)

    def settle_accounts(self) -> None:
        """Costs, losses, distributions: the cash that is left to lend."""
        c, seen, bank = self.c, self.seen, self.bank
        notices = seen["warned"] + (seen["decreases"] if c.reasons_sent else 0) + seen["noticed"]
        funding = max(bank.limit or 0, self.principal)
        costs = share_of(funding, c.funding_rate / 12.0) + seen["reviewed"] * round(c.review_cost * FEN)
        costs += notices * round(c.notice_cost * FEN) + seen["appeals_heard"] * round(c.appeal_cost * FEN)
        written, recovered = seen["sum_written_off"], seen["recovered"]
        bank.settle(c, seen["sum_interest_paid"], recovered, written, costs)
        bank.loss_history.append(written - recovered)
        bank.principal_history.append(self.principal)

    def serve(self) -> None:
        """Step 10: requests in order of arrival; the first that does not fit and all after it are refused."""
        bank = self.bank
        self.random.shuffle(self.askers)
        if bank.limit is None:
            bank.fund(max(0, sum(borrower.asked for borrower in self.askers) - bank.cash))
            return
        room, used_up = max(0, min(bank.limit - self.principal, bank.cash)), False
        for borrower in self.askers:
            fits = borrower.asked <= room
            used_up = used_up or (not fits and not self.c.skip_refused)
            if used_up or not fits:
                borrower.refused = True
            else:
                room -= borrower.asked

    def spread_word(self) -> None:
        """Step 12: who was punctual and without a line last month tells acquaintances."""
        for teller in self.tellers:
            if self.slots[teller.place] is teller:
                for place in self.acquaintances(teller.place):
                    other = self.slots[place]
                    if other is not None:
                        other.heard += 1.0 / len(self.acquaintances(place))
        self.tellers = []

    def close_books(self) -> None:
        """Loans leave the cash, who left goes, and the ledger closes."""
        bank = self.bank
        bank.lend(self.seen["sum_drawn"], 1.0 - self.c.partner_share)
        bank.drawn_history.append(self.seen["sum_drawn"])
        self.principal = self.seen["sum_principal"]
        for borrower in self.leavers:
            self.slots[borrower.place] = None
            borrower.remove()
        if bank.accounts.cash(self.principal) != bank.cash:
            raise AssertionError(f"month {self.month}: the ledger does not close")
