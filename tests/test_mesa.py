"""The Mesa face: agents as views of columns, phases overridden in Python, collectors, batch runs."""

import math
from collections import Counter
from dataclasses import replace
from functools import partial

import mesa
import numpy as np
import pytest
from mesa.agentset import AgentSet

from zerolimit import rule
from zerolimit.agents.borrower import RULES, Borrower, Reading, overridden
from zerolimit.agents.lender import Platform
from zerolimit.agents.market import CreditMarket
from zerolimit.basics.errors import BadInput
from zerolimit.vocabulary.draws import uniform
from zerolimit.vocabulary.fields import FIELDS, STATE
from zerolimit.vocabulary.names import LEFT
from zerolimit.vocabulary.outcomes import RATES

SMALL = 60


FULL = {"vacant_share": 0.0, "leave_rate": 0.0, "entry_rate": 1.0}
"""Nobody leaves by himself and no slot is vacant at the start."""


def make(**given):
    return CreditMarket(**{"scenario": "defaults", "seed": 5, "borrowers": SMALL, "engine": "objects", **FULL, **given})


def columns(market):
    return {field.name: market.simulation.column(field.name).tolist() for field in STATE}


def counts(market):
    return [{name: values.tolist() for name, values in one.counts.items()} for one in market.simulation.history]


class Counted(Borrower):
    """Counts how many objects were made."""

    made = 0

    def __init__(self, *args):
        super().__init__(*args)
        Counted.made += 1


@pytest.fixture
def market():
    return make().run(2)


@pytest.fixture
def counted():
    Counted.made = 0
    return make(borrower_class=Counted).run(2)


class TestBorrower:
    def test_every_field_is_a_property_in_the_units_of_rules(self, market):
        agent = market.borrower(7)
        for field in STATE:
            value = getattr(agent, field.name)
            assert value == market.simulation.column(field.name)[7], field.name
            assert type(value) is (int if field.storage.startswith("i") else float), field.name

    def test_flows_that_the_month_keeps_can_be_read(self, market):
        assert market.borrower(7).wanted == market.simulation.column("wanted")[7]

    def test_flows_that_it_does_not_keep_say_so(self, market):
        with pytest.raises(AttributeError, match="outlay: is used within the month and not kept"):
            _ = market.borrower(7).outlay

    def test_a_write_goes_to_the_column(self, market):
        market.borrower(7).cash = 123_400
        market.borrower(7).trust = 0.5
        assert market.simulation.column("cash")[7] == 123_400
        assert market.simulation.column("trust")[7] == 0.5
        assert {"month": 2, "written": "cash"} in market.simulation.changes

    def test_a_write_changes_the_run(self, market):
        other = market.copy()
        other.borrower(7).limit = 0
        assert other.run(1).platform.principal <= market.run(1).platform.principal
        assert columns(other) != columns(market)

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("cash", 0.5, "cash: a whole number from 0"),
            ("cash", -1, "cash: a whole number from 0"),
            ("cash", 3e9, "cash: a whole number from 0"),
            ("cash", "much", "cash: a whole number from 0"),
            ("trust", float("nan"), "trust: a number from 0"),
            ("segment", 3, "segment: a whole number from 0 to 2"),
            ("decile", 10, "decile: a whole number from 0 to 9"),
            ("known", 2, "known: a whole number from 0 to 1"),
            ("paid", 0, "paid is set anew by the month's rules"),
            ("scheduled", 0, "scheduled is debt"),
            ("due_3", 0, "due_3 is debt"),
            ("generation", 1, "generation is part of the draws' key"),
            ("status", LEFT, "status cannot be set to left; use remove"),
        ],
    )
    def test_what_cannot_be_written_ends_in_one_line(self, market, name, value, says):
        for write in (partial(setattr, market.borrower(7), name), partial(market.agents.set, name)):
            with pytest.raises(BadInput, match=says) as caught:
                write(value)
            assert "\n" not in str(caught.value)

    def test_identity_and_own_attributes_last(self, market):
        market.borrower(7).mood = "fine"
        assert market.borrower(7) is market.borrower(7)
        assert market.agents.select(lambda a: a.unique_id == 7)[0].mood == "fine"
        assert market.borrower(7) != market.borrower(8)
        assert market.borrower(7) != make().borrower(7)

    def test_none_is_made_from_outside(self, market):
        class Regulator(mesa.Agent):
            pass

        for create in (Borrower, Regulator, partial(Borrower.create_agents, n=3)):
            with pytest.raises(BadInput, match="not made from outside"):
                create(market)
        assert len(market.agents) == SMALL

    def test_no_such_borrower(self, market):
        for number in (SMALL, -1):
            with pytest.raises(BadInput, match="borrower"):
                market.borrower(number)
        with pytest.raises(BadInput, match=r"unique_id: a whole number is needed, not 1\.5"):
            market.borrower(1.5)

    def test_it_is_a_mesa_agent(self, market):
        agent = market.borrower(7)
        assert isinstance(agent, mesa.Agent)
        assert agent.model is market
        assert agent.random is market.random


class TestLeaving:
    @pytest.fixture
    def leaver(self, market):
        return market.agents.select(lambda a: a.owes() == 0)[0]

    def test_leaving_frees_the_slot(self, market, leaver):
        leaver.remove()
        assert (leaver.status, leaver.limit) == (LEFT, 0)
        assert len(market.agents) == SMALL - 1
        assert leaver not in market.agents
        leaver.remove()
        assert len(market.agents) == SMALL - 1

    def test_the_next_in_the_slot_is_somebody_else(self, market, leaver):
        leaver.remove()
        market.run(1)
        with pytest.raises(BadInput, match=f"borrower {leaver.unique_id}: has left"):
            _ = leaver.cash
        successor = market.borrower(leaver.slot + SMALL)
        assert (successor.slot, successor.generation) == (leaver.slot, 1)
        assert successor != leaver
        with pytest.raises(BadInput, match=f"is now borrower {successor.unique_id}"):
            market.borrower(leaver.unique_id)

    def test_who_owes_cannot_leave(self, market):
        debtor = market.agents.select(lambda a: a.scheduled > 0)[0]
        with pytest.raises(BadInput, match=r"owes [\d,]+\.\d\d yuan and cannot leave"):
            debtor.remove()
        assert debtor in market.agents

    def test_a_spell_without_a_line_ends_by_leaving(self):
        market = make(borrowers=150, cutoff=640.0, base_tightness=0.5, leave_rate=0.0)
        while True:
            market.run(1)
            found = market.agents.select(lambda a: a.event > 0 and a.without_line > 0 and a.owes() == 0)
            if len(found):
                break
        leaver = found[0]
        leaver.remove()
        episodes = market.episodes
        last = episodes[episodes["borrower"] == leaver.slot].iloc[-1]
        assert last["ended"] == "left"

    def test_vacant_slots_are_no_agents(self):
        market = make(vacant_share=0.5, entry_rate=0.0)
        vacant = int((market.simulation.column("status") == LEFT).sum())
        assert 0 < vacant < SMALL
        assert len(market.agents) == len(market.agents.to_list()) == len(market.agents.get("cash")) == SMALL - vacant

    def test_the_ledger_closes_after_it(self, market, leaver):
        leaver.remove()
        market.run(3)
        owed = market.simulation.column("scheduled").sum() + market.simulation.column("overdue").sum()
        assert market.simulation.principal == owed


class TestAgents:
    def test_columns_without_objects(self, counted):
        agents = counted.agents
        assert isinstance(agents, AgentSet)
        assert len(agents) == SMALL
        cash = counted.simulation.column("cash").tolist()
        assert agents.get("cash") == cash
        assert type(agents.get("cash")[0]) is int
        assert agents.get(["unique_id", "cash"]) == [[k, value] for k, value in enumerate(cash)]
        assert agents.agg("cash", sum) == sum(cash)
        assert agents.agg("cash", [min, np.mean]) == [min(cash), np.mean(cash)]
        assert agents.sort("cash").get("cash") == sorted(cash, reverse=True)
        assert agents.groupby("segment").count() == Counter(counted.simulation.column("segment").tolist())
        assert agents.set("trust", 0.25) is agents
        assert agents.get("trust") == [0.25] * SMALL
        assert agents.select(at_most=0.5).get("cash") == cash[: SMALL // 2]
        assert sorted(agents.shuffle().get("unique_id")) == list(range(SMALL))
        assert Counted.made == 0

    def test_objects_when_asked_for(self, counted):
        assert [agent.unique_id for agent in counted.agents] == list(range(SMALL))
        assert Counted.made == SMALL
        assert isinstance(counted.agents[3], Counted)
        assert [a.unique_id for a in counted.agents[:2]] == [0, 1]
        assert counted.agents[3] in counted.agents
        assert "3" not in counted.agents

    def test_select(self, market):
        rich = market.agents.select(lambda a: a.cash > 500_000)
        expected = np.flatnonzero(market.simulation.column("cash") > 500_000).tolist()
        assert rich.get("unique_id") == expected
        assert 0 < len(rich) < SMALL
        assert market.agents.select(lambda a: a.cash > 500_000, at_most=2).get("unique_id") == expected[:2]
        assert len(market.agents.select(agent_type=Platform)) == 0
        rich.select(at_most=1, inplace=True)
        assert rich.get("unique_id") == expected[:1]
        with pytest.raises(BadInput, match="inplace"):
            market.agents.select(at_most=1, inplace=True)

    def test_a_write_to_some_leaves_the_others(self, market):
        some = market.agents.select(lambda a: a.segment == 1)
        before = market.simulation.column("cash").copy()
        some.set("cash", 7)
        gig = market.simulation.column("segment") == 1
        assert np.array_equal(market.simulation.column("cash"), np.where(gig, 7, before))

    def test_do_map_and_own_attributes(self, market):
        def save_up(agent, amount):
            agent.cash += amount

        before = market.agents.get("cash")
        market.agents.do(save_up, 100).shuffle_do(save_up, 10)
        assert market.agents.get("cash") == [cash + 110 for cash in before]
        market.agents.set("mood", "calm")
        assert market.agents.get("mood") == ["calm"] * SMALL
        assert market.agents.map("owes") == [agent.owes() for agent in market.agents]

    def test_missing_attributes(self, market):
        with pytest.raises(AttributeError):
            market.agents.get("moood")
        assert market.agents.get("moood", "default", 1) == [1] * SMALL

    def test_a_set_forgets_who_left(self, market):
        free = market.agents.select(lambda a: a.owes() == 0)
        first = free[0]
        number = len(free)
        free.do("remove")
        assert number > 0
        assert len(free) == 0
        assert first not in free
        assert len(market.agents) == SMALL - number

    def test_adding_and_removing(self, market):
        some = market.agents.select(at_most=3)
        some.remove(market.borrower(1))
        some.discard(market.borrower(1))
        assert some.get("unique_id") == [0, 2]
        assert len(market.agents) == SMALL
        some.add(market.borrower(9))
        assert some.get("unique_id") == [0, 2, 9]
        with pytest.raises(KeyError):
            some.remove(market.borrower(1))
        with pytest.raises(BadInput, match=r"add: market\.agents is everybody"):
            market.agents.add(market.borrower(1))

    def test_by_type(self, market):
        assert market.agents_by_type[Borrower].get("cash") == market.agents.get("cash")
        assert list(market.agents_by_type[Platform]) == [market.platform]
        assert market.agent_types == [Borrower, Platform]
        mine = make(borrower_class=Counted)
        assert len(mine.agents_by_type[Counted]) == len(mine.agents_by_type[Borrower]) == SMALL


class TestCollector:
    def test_reporters_that_are_fields_make_no_objects(self, counted):
        counted.datacollector = mesa.DataCollector(
            model_reporters={"zero": lambda m: int(m.simulation.history[-1].counts["zero_limit"].sum()), "month": "month"},
            agent_reporters={"cash": "cash", "rich": lambda a: a.cash > 500_000 and isinstance(a, Borrower)},
            agenttype_reporters={Counted: {"limit": "limit"}, Borrower: {"trust": "trust"}, Platform: {"pool": "pool"}},
        )
        first = counted.agents.get("cash")
        counted.datacollector.collect(counted)
        counted.run(1)
        assert Counted.made == 0
        agents = counted.datacollector.get_agent_vars_dataframe()
        assert agents.loc[2.0]["cash"].tolist() == first
        assert agents.loc[3.0]["cash"].tolist() == counted.agents.get("cash")
        assert agents.loc[2.0].index.tolist() == list(range(SMALL))
        assert agents.loc[3.0].index.tolist() == counted.agents.get("unique_id")
        assert agents.loc[3.0]["rich"].tolist() == [cash > 500_000 for cash in counted.agents.get("cash")]
        assert counted.datacollector.get_model_vars_dataframe()["month"].tolist() == [2, 3]
        limits = counted.datacollector.get_agenttype_vars_dataframe(Counted)
        assert limits.loc[3.0]["limit"].tolist() == counted.agents.get("limit")
        trusts = counted.datacollector.get_agenttype_vars_dataframe(Borrower)
        assert trusts.loc[3.0]["trust"].tolist() == counted.agents.get("trust")
        pools = counted.datacollector.get_agenttype_vars_dataframe(Platform)
        assert pools.loc[(3.0, -1), "pool"] == counted.platform.pool

    def test_reporters_of_anything_else_see_the_borrower(self, market):
        market.borrower(7).mood = 3
        market.agents.set("mood", 2)
        collector = mesa.DataCollector(agent_reporters={"mood": "mood", "owes": lambda a: a.owes()})
        collector.collect(market)
        frame = collector.get_agent_vars_dataframe()
        assert frame["mood"].tolist() == [2] * SMALL
        assert frame["owes"].tolist() == market.agents.map("owes")

    def test_a_missing_attribute_is_an_error(self, market):
        collector = mesa.DataCollector(agent_reporters={"cash": "csh"})
        with pytest.raises(AttributeError, match="csh"):
            collector.collect(market)

    def test_a_property_of_a_subclass_is_not_bypassed(self):
        class InYuan(Borrower):
            @property
            def cash(self):
                return Borrower.cash.fget(self) / 100

        market = make(borrower_class=InYuan)
        assert market.agents.get("cash") == [cash / 100 for cash in market.simulation.column("cash").tolist()]

    def test_only_collectors_get_readings(self, market):
        assert all(type(agent) is Borrower for agent in market.agents)
        assert not any(type(agent) is Reading for agent in market.agents)

    def test_a_subclass_with_its_own_step_collects_as_in_mesa(self):
        class Mine(CreditMarket):
            def __init__(self, **given):
                super().__init__("defaults", seed=5, borrowers=20, engine="objects", **given)
                self.datacollector = mesa.DataCollector(model_reporters={"month": "month"})

            def step(self):
                super().step()
                self.datacollector.collect(self)

        assert Mine().run(3).datacollector.get_model_vars_dataframe()["month"].tolist() == [1, 2, 3]


class Plain(Borrower):
    """The rule itself, through Python."""

    def repay(self):
        super().repay()


class Refuser(Borrower):
    """Pays nothing, ever."""

    def repay(self):
        self.paid = 0
        self.bridged = 0
        self.late = min(120, self.late + 1) if self.owing > 0 else 0
        self.standing = 2 if self.owing > 0 else 0
        self.since_paid = min(120, self.since_paid + 1)


@rule("trust", after="feel")
def sour(trust, late, terms):
    """Arrears cost trust."""
    return trust * (1.0 - terms.mend) if late > 0.0 else trust


class TestOverriding:
    def test_the_rule_itself_changes_nothing(self):
        assert overridden(Plain) == ("repay",)
        plain, through_python = make().run(6), make(borrower_class=Plain).run(6)
        assert columns(plain) == columns(through_python)
        assert counts(plain) == counts(through_python)

    def test_one_that_pays_nothing_changes_the_run(self):
        market = make(borrower_class=Refuser).run(6)
        assert market.simulation.pool.accounts.interest == 0
        assert all(one.counts["on_time"].sum() == 0 for one in market.simulation.history)
        assert market.platform.written_off > 0
        assert make().run(6).platform.written_off < market.platform.written_off

    def test_a_phase_written_out_in_python_equals_the_rule(self):
        class Payer(Borrower):
            def pay_bills(self):
                most = math.floor(self.model.scenario.savings_cap * self.income_true)
                self.cash = min(self.cash - self.outlay, most)

        market = make(borrower_class=Payer).run(4)
        assert columns(market) == columns(make().run(4))

    def test_as_attribute_of_the_market(self):
        class Mine(CreditMarket):
            borrower_class = Refuser

        assert columns(Mine("defaults", seed=5, borrowers=SMALL, engine="objects", **FULL).run(3)) == columns(
            make(borrower_class=Refuser).run(3)
        )

    def test_draws_and_terms_inside(self):
        seen = []

        class Watcher(Borrower):
            def repay(self):
                seen.append((self.model.month, self.slot, self.draw("u_pay"), self.draw("u_look"), self.terms.monthly_rate))
                super().repay()

        market = make(borrower_class=Watcher, vacant_share=0.2).run(2)
        assert {month for month, *_ in seen} == {0, 1}
        for month, slot, pay, look, monthly_rate in seen:
            generation = int(market.simulation.column("generation")[slot])
            assert pay in {uniform(5, slot, g, month, "u_pay") for g in range(generation + 1)}
            assert look in {uniform(5, slot, g, month, "u_look") for g in range(generation + 1)}
            assert monthly_rate == market.simulation.scenario.daily_rate * 365 / 12

    def test_an_unknown_draw_suggests_the_nearest(self):
        class Watcher(Borrower):
            def repay(self):
                self.draw("u_pya")

        with pytest.raises(BadInput, match="did you mean 'u_pay'"):
            make(borrower_class=Watcher).run(1)

    def test_a_phase_writes_what_its_rule_writes(self):
        class Meddler(Borrower):
            def repay(self):
                super().repay()
                self.granted = 5

        with pytest.raises(BadInput, match=r"granted is set anew by the month's rules.*; repay writes cash, paid"):
            make(borrower_class=Meddler).run(1)

    def test_money_stays_whole(self):
        class Careless(Borrower):
            def repay(self):
                self.cash = self.cash + 0.5

        with pytest.raises(BadInput, match="cash: a whole number"):
            make(borrower_class=Careless).run(1)

    @pytest.mark.parametrize("name", sorted(RULES))
    def test_no_phase_runs_from_outside(self, market, name):
        with pytest.raises(BadInput, match=f"{name} is a rule of the month and cannot be run from outside") as caught:
            getattr(market.borrower(7), name)()
        assert "\n" not in str(caught.value)
        assert name not in FIELDS

    def test_nor_all_at_once_nor_another_phase_inside_one(self, market):
        with pytest.raises(BadInput, match="repay is a rule"):
            market.agents.do("repay")

        class Eager(Borrower):
            def repay(self):
                self.earn()

        with pytest.raises(BadInput, match="earn is a rule"):
            make(borrower_class=Eager).run(1)

    def test_draws_belong_to_a_phase(self, market):
        with pytest.raises(BadInput, match="inside an overridden method only"):
            market.borrower(7).draw("u_pay")

    def test_the_set_up_is_overridden_too(self):
        class Poor(Borrower):
            def be_born(self):
                super().be_born()
                self.cash = 0

        assert make(borrower_class=Poor).agents.get("cash") == [0] * SMALL

    def test_a_copy_runs_its_own_borrowers(self):
        market = make(borrower_class=Plain).run(2)
        twin = market.copy()
        expected = make().run(4)
        twin.run(2)
        assert columns(twin) == columns(expected)
        assert market.month == 2
        assert columns(market) == columns(make().run(2))

    @pytest.mark.parametrize(
        ("name", "phase"),
        [("repya", "repay"), ("repa", "repay"), ("repayy", "repay"), ("repax", "repay"), ("payBills", "pay_bills")],
    )
    def test_a_misspelt_phase_suggests_the_nearest(self, name, phase):
        class Mixed:
            pass

        setattr(Mixed, name, lambda self: None)
        kind = type("Late", (Mixed, Borrower), {})
        with pytest.raises(BadInput, match=rf"Mixed\.{name}: is no rule of the month; did you mean '{phase}'"):
            make(borrower_class=kind)

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("requests", "rules are what a subclass overrides: 'wait', 'ask'"),
            ("repayment", "'note_arrears', 'fall_due', 'repay', 'apply_payment', 'charge_off', 'slide', 'pay_bills'"),
            ("line_and_notice", "'set_line'"),
            ("trust", "'feel', 'leave'"),
            ("ledger", "no borrower overrides it"),
            ("have_history", "is a rule of the set-up"),
        ],
    )
    def test_a_method_with_the_name_of_a_phase_is_refused_with_its_rules(self, name, words):
        kind = type("Late", (Borrower,), {name: lambda self: None})
        with pytest.raises(BadInput) as caught:
            make(borrower_class=kind)
        assert str(caught.value).startswith(f"Late.{name}: ")
        assert words in str(caught.value)

    def test_methods_and_attributes_of_ones_own_are_nobodys_misspelling(self):
        class Own(Borrower):
            repax = 3

            def learn(self):
                return 1

            def _repya(self):
                return 2

            def owes(self):
                return super().owes()

        assert len(make(borrower_class=Own).run(1).agents.map("learn")) == SMALL

    def test_compiled_alone_cannot(self):
        with pytest.raises(BadInput) as caught:
            make(engine="compiled", borrower_class=Plain)
        assert str(caught.value) == "engine='compiled' cannot run Plain.repay, which is plain Python; use engine='auto'"


class TestRulesOfOnesOwn:
    def test_it_acts(self):
        with_rule, without = make(rules=[sour]).run(4), make().run(4)
        trusts = np.array(with_rule.agents.get("trust")), np.array(without.agents.get("trust"))
        assert (trusts[0] <= trusts[1]).all()
        assert (trusts[0] < trusts[1]).any()

    def test_one_in_place_of_a_built_in(self):
        @rule("cash", "outlay")
        def pay_bills(cash):
            """Nobody spends anything."""
            return cash, 0.0

        assert pay_bills.name in RULES
        thrifty = make(rules=[pay_bills]).run(3)
        assert all(one.counts["shortfalls"].sum() == 0 for one in thrifty.simulation.history)
        assert thrifty.agents.agg("cash", sum) > make().run(3).agents.agg("cash", sum)

    def test_a_python_phase_over_one_in_place_calls_that_one(self):
        class Through(Borrower):
            def earn(self):
                super().earn()

        @rule("income", "cash", "out_of_work")
        def earn(cash, out_of_work):
            return 100.0, cash + 100.0, out_of_work

        given = {"rules": [earn]}
        assert columns(make(**given, borrower_class=Through).run(3)) == columns(make(**given).run(3))
        assert make(**given).run(3).simulation.column("income").tolist() == [100] * SMALL

    def test_a_misspelt_field_suggests_the_nearest(self):
        with pytest.raises(TypeError, match="rule same: unknown field 'trsut'; did you mean 'trust'"):
            make(rules=[rule("trsut", after="feel")(same)])

    @pytest.mark.parametrize(
        ("name", "after", "begins", "ends"),
        [
            ("same", "receeve", "after: 'receeve' is no rule of the month", "; did you mean 'receive'?"),
            ("same", "RECEIVE", "after: 'RECEIVE' is no rule of the month", "; did you mean 'receive'?"),
            ("same", "xyz", "after: 'xyz' is no rule of the month; one of apply_first, ", ", weigh"),
            ("xyz", None, "no rule of the month has this name; say after which one it runs, ", ", weigh"),
            (
                "recieve",
                None,
                "no rule of the month has this name; say after which one it runs, ",
                "; did you mean 'receive'?",
            ),
        ],
    )
    def test_a_rule_without_a_place_is_told_the_nearest(self, name, after, begins, ends):
        with pytest.raises(TypeError) as caught:
            make(rules=[replace(rule("trust", after=after)(same), name=name)])
        assert str(caught.value).startswith(f"rule {name}: {begins}")
        assert str(caught.value).endswith(ends)


def same(trust):
    return trust


@pytest.fixture(scope="module")
def on_both_engines():
    """A user-defined rule and a phase in Python, at 120 borrowers on both engines: one compilation for all tests below."""
    given = {"scenario": "defaults", "seed": 5, "borrowers": 120, "rules": [sour], "borrower_class": Plain}
    return [CreditMarket(**given, engine=engine).run(5) for engine in ("auto", "objects")]


@pytest.mark.slow
class TestCompiled:
    def test_the_engines(self, on_both_engines):
        assert [market.simulation.engine.name for market in on_both_engines] == ["compiled", "objects"]

    def test_equal_to_the_bit(self, on_both_engines):
        compiled, objects = on_both_engines
        assert columns(compiled) == columns(objects)
        assert counts(compiled) == counts(objects)

    def test_equal_to_the_rules_without_python(self, on_both_engines):
        alone = CreditMarket("defaults", seed=5, borrowers=120, rules=[sour], engine="objects").run(5)
        assert columns(on_both_engines[0]) == columns(alone)

    def test_borrowers_read_and_write_alike(self, on_both_engines):
        twins = [market.copy() for market in on_both_engines]
        for twin in twins:
            twin.borrower(7).cash = 12_300
            twin.agents.select(lambda a: a.segment == 1).set("trust", 0.125)
            twin.agents.select(lambda a: a.owes() == 0)[0].remove()
            twin.run(2)
        assert columns(twins[0]) == columns(twins[1])
        first, second = (twin.borrower(7) for twin in twins)
        assert [getattr(first, field.name) for field in STATE] == [getattr(second, field.name) for field in STATE]
        assert type(first.cash) is int
        assert type(first.trust) is float


@pytest.mark.slow
def test_a_compiled_rule_of_ones_own_without_python():
    both = [CreditMarket(seed=5, borrowers=120, rules=[sour], engine=engine).run(5) for engine in ("compiled", "objects")]
    assert columns(both[0]) == columns(both[1])


@pytest.mark.skipif(not hasattr(mesa, "batch_run"), reason="gone in Mesa 4")
class TestBatchRun:
    def test_sweeps_and_replications(self):
        rows = mesa.batch_run(
            CreditMarket,
            parameters={"scenario": "defaults", "borrowers": 60, "pool_share": [0.2, 0.9], "engine": "objects"},
            rng=[1, 2],
            number_processes=1,
            max_steps=3,
            data_collection_period=1,
            display_progress=False,
        )
        assert len(rows) == 2 * 2 * 3
        assert set(RATES) <= set(rows[0])
        last = {(row["pool_share"], row["seed"]): row for row in rows if row["Step"] == 3.0}
        assert set(last) == {(0.2, 1), (0.2, 2), (0.9, 1), (0.9, 2)}
        assert last[0.2, 1]["principal"] != last[0.2, 2]["principal"]
        assert last[0.2, 1]["pool"] < last[0.9, 1]["pool"]
        alone = CreditMarket("defaults", seed=2, borrowers=60, pool_share=0.9, engine="objects").run(3)
        assert last[0.9, 2]["principal"] == alone.platform.principal

    def test_without_rng_each_run_has_a_seed_of_its_own(self):
        rows = mesa.batch_run(
            CreditMarket,
            parameters={"borrowers": 20, "seed": [1, 1], "engine": "objects"},
            number_processes=1,
            max_steps=1,
            display_progress=False,
        )
        assert len({row["seed"] for row in rows}) == 2
        assert 1 not in {row["seed"] for row in rows}
