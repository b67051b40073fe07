"""CreditMarket: what it takes, how it runs, branches and changes, what it leaves."""

from types import SimpleNamespace

import mesa
import numpy as np
import pandas as pd
import pytest
from mesa.experimental.scenarios import Scenario as MesaScenario

from zerolimit.agents.lender import Platform
from zerolimit.agents.market import CreditMarket
from zerolimit.basics.errors import BadInput
from zerolimit.parameters.scenario import load_scenario
from zerolimit.results.panel import Panel, sampled
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import STATE

SMALL = 60


def state(market):
    """Every field of everybody, as one table."""
    return np.array([market.simulation.column(field.name).astype(float) for field in STATE])


def make(scenario="defaults", **given):
    return CreditMarket(scenario, **{"seed": 5, "borrowers": SMALL, "engine": "objects", **given})


@pytest.fixture(scope="module")
def eight():
    """Eight months; not to be changed."""
    return make().run(8)


class TestRunning:
    def test_it_is_the_simulation(self, eight):
        plain = Simulation(load_scenario("defaults", borrowers=SMALL), 5, engine="objects").run(8)
        for field in STATE:
            assert np.array_equal(eight.simulation.column(field.name), plain.column(field.name)), field.name

    def test_run_goes_on_and_gives_itself(self, eight):
        market = make()
        assert market.run(months=3) is market
        assert (market.month, market.time) == (3, 3.0)
        market.run(months=5)
        assert (market.month, market.time) == (8, 8.0)
        assert np.array_equal(state(market), state(eight))

    def test_steps_and_mesa_run_for_are_months(self, eight):
        market = make()
        for _ in range(6):
            market.step()
        market.run_for(2)
        assert (market.month, market.time) == (8, 8.0)
        assert np.array_equal(state(market), state(eight))

    @pytest.mark.parametrize("months", [0, -1, 1.5, True, "12", None])
    def test_months_are_a_whole_number_from_one(self, months):
        with pytest.raises(BadInput, match="months: a whole number"):
            make().run(months)

    def test_a_copy_has_the_same_past_and_its_own_future(self, eight):
        market = make().run(4)
        twin = market.copy().run(4)
        assert market.month == 4
        assert (twin.month, twin.time) == (8, 8.0)
        assert np.array_equal(state(twin), state(eight))
        market.change(cutoff=700.0)
        market.run(4)
        assert not np.array_equal(state(market), state(twin))
        assert twin.simulation.changes == [{"month": 4, "copied": True}]

    def test_a_copy_of_a_subclass_takes_its_attributes_along(self):
        class Watched(CreditMarket):
            def __init__(self, **given):
                super().__init__("defaults", seed=5, borrowers=20, engine="objects", **given)
                self.seen = []

            def step(self):
                super().step()
                self.seen.append(self.month)

        market = Watched().run(2)
        twin = market.copy().run(2)
        assert (market.seen, twin.seen) == ([1, 2], [1, 2, 3, 4])
        assert len(twin.datacollector.get_model_vars_dataframe()) == 4
        assert len(market.datacollector.get_model_vars_dataframe()) == 2

    def test_a_change_acts_from_the_next_month_and_is_recorded(self, eight):
        market = make().run(4)
        before = state(market)
        assert market.change(pool_yuan=1.0) is market
        assert np.array_equal(state(market), before)
        assert market.platform.pool == 1.0
        market.run(4)
        assert market.simulation.changes == [{"month": 4, "pool_yuan": 1.0}]
        assert market.platform.principal < eight.platform.principal

    def test_a_change_of_nothing_is_refused(self):
        market = make()
        with pytest.raises(BadInput, match="change: no parameter is given"):
            market.change()
        assert market.simulation.changes == []

    def test_it_shows_what_it_is(self, eight):
        assert repr(eight) == "<CreditMarket defaults: 60 borrowers, 8 months run, seed 5, engine objects>"
        assert repr(make(borrowers=1).run(1)) == "<CreditMarket defaults: 1 borrower, 1 month run, seed 5, engine objects>"

    def test_a_change_of_the_start_is_refused(self):
        with pytest.raises(BadInput, match="borrowers: acts only at the start"):
            make().change(borrowers=70)


class TestScenario:
    def test_a_name_a_path_and_our_scenario_are_the_same(self, tmp_path):
        ours = load_scenario({"base": "defaults", "borrowers": 20, "cutoff": 600.0})
        file = tmp_path / "mine.toml"
        file.write_text('base = "defaults"\nname = "defaults"\nborrowers = 20\ncutoff = 600.0\n')
        for given in (ours, file, str(file)):
            assert CreditMarket(given, seed=1, engine="objects").simulation.scenario == ours

    def test_keywords_are_parameters(self):
        assert make(cutoff=600.0).simulation.scenario.cutoff == 600.0

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"scenario": "basline"}, "did you mean 'baseline'"),
            ({"cutof": 600}, "unknown parameter 'cutof'; did you mean 'cutoff'"),
            ({"cutoff": 10_000}, "cutoff: .*allowed: 350 to 950"),
            ({"borrowers": 0}, "borrowers: .*allowed: 1 to"),
            ({"scenario": 5}, "scenario: a name, a path"),
            ({"engine": "compield"}, "engine: 'compield' is not one of"),
            ({"engine": "fast"}, "engine: 'fast' is not one of auto, compiled, objects"),
            ({"borrower_class": int}, "borrower_class: a subclass of Borrower is needed, not <class 'int'>"),
            ({"borrower_class": "Borrower"}, "borrower_class: a subclass"),
            ({"panel": "some"}, "panel: 'some' is not all, none or sample=N"),
            ({"seed": -1}, "seed must lie from 0"),
            ({"seed": 1.5}, "seed must be a whole number"),
            ({"rng": 2}, "seed and rng both given"),
            ({"scale": 0.5}, "scale: belongs to a portfolio"),
        ],
    )
    def test_one_line_says_what_is_wrong(self, given, says):
        with pytest.raises(BadInput, match=says) as caught:
            make(**given)
        assert "\n" not in str(caught.value)

    def test_mesa_scenario_object(self):
        given = MesaScenario(rng=9, cutoff=600.0, borrowers=20, colour="red")
        market = CreditMarket(given, engine="objects")
        assert market.simulation.scenario == load_scenario("baseline", cutoff=600.0, borrowers=20)
        assert market.scenario.colour == "red"
        again = CreditMarket(given, engine="objects")
        assert np.array_equal(state(again), state(market))

    def test_mesa_scenario_class_with_defaults_starts_from_its_base(self):
        class Strict(MesaScenario):
            base: str = "defaults"
            cutoff: float = 640.0

        market = CreditMarket(Strict(rng=9, cutoff=650.0), borrowers=20, engine="objects")
        assert isinstance(market.scenario, Strict)
        assert market.simulation.scenario == load_scenario("defaults", cutoff=650.0, borrowers=20)

    def test_any_object_with_parameters_as_attributes(self):
        market = CreditMarket(SimpleNamespace(cutoff=600.0), borrowers=20, seed=1, engine="objects")
        assert market.simulation.scenario.cutoff == 600.0

    def test_reset_keeps_the_preset(self, tmp_path):
        """SolaraViz makes type(model)(**the model's sliders, scenario=type(model.scenario)(**the scenario's sliders))."""
        text = 'base = "defaults"\nreview_months = 3\ncalendar = [{month = 2, kind = "macro", value = -1}]'
        (tmp_path / "strict.toml").write_text(text)
        first = make(tmp_path / "strict.toml", cutoff=600.0)
        assert first.simulation.scenario.review_months == 3
        kept = type(first.scenario)(growth=0.5)
        second = CreditMarket(scenario=kept, borrowers=30, engine="objects")
        assert second.simulation.scenario == first.simulation.scenario.change(growth=0.5, borrowers=30)
        third = CreditMarket(scenario=type(second.scenario)(), engine="objects")
        assert third.simulation.scenario == first.simulation.scenario

    def test_reset_replaces_one_way_to_size_the_pool_by_the_other(self):
        kept = type(make().scenario)(pool_yuan=2_000.0)
        assert CreditMarket(kept, borrowers=20, engine="objects").platform.pool == 2_000.0


class TestSeed:
    def test_a_fresh_seed_is_recorded_and_repeats_the_run(self):
        first = make(seed=None)
        assert isinstance(first.seed, int)
        assert make(seed=None).seed != first.seed
        assert np.array_equal(state(make(seed=first.seed)), state(first))

    def test_rng_is_a_seed(self):
        for rng in (5, np.int64(5), "5"):
            assert make(seed=None, rng=rng).seed == 5

    def test_a_generator_gives_a_seed(self):
        first = make(seed=None, rng=np.random.default_rng(3)).seed
        assert make(seed=None, rng=np.random.PCG64(3)).seed == first
        assert make(seed=None, rng=np.random.default_rng(4)).seed != first
        assert make(seed=None, rng=np.random.SeedSequence(3)).seed == make(seed=None, rng=np.random.SeedSequence(3)).seed
        rng = np.random.default_rng(3)
        assert make(seed=None, rng=rng).seed != make(seed=None, rng=rng).seed

    def test_mesa_scenario_carries_one(self):
        assert (
            CreditMarket(MesaScenario(rng=8), borrowers=20, engine="objects").seed
            == CreditMarket(MesaScenario(rng=8), borrowers=20, engine="objects").seed
        )

    def test_nothing_depends_on_mesa_generators(self, eight):
        market = make()
        for _ in range(8):
            market.rng.random(3)
            market.random.random()
            market.step()
        assert np.array_equal(state(market), state(eight))


class TestResults:
    def test_rate_divides_the_counts(self, eight):
        monthly = eight.monthly
        by_month = monthly.groupby("month")[["line_on_time", "on_time"]].sum()
        assert len(monthly) == 8 * 30
        assert eight.rate("paid_at_zero").index.tolist() == list(range(8))
        expected = [int(m.counts["paid_at_zero"].sum()) / int(m.counts["on_time"].sum()) for m in eight.simulation.history]
        assert eight.rate("paid_at_zero", by="month").tolist() == expected
        assert by_month["on_time"].sum() > 0

    def test_rate_by_segment_has_a_value_a_segment(self, eight):
        assert list(eight.rate("usable", by="segment").index) == ["salaried", "gig", "owner"]

    def test_unknown_rate(self, eight):
        with pytest.raises(BadInput, match="did you mean 'zero_limit'"):
            eight.rate("zero_limits")

    def test_no_rate_before_a_month_was_run(self):
        market = make()
        with pytest.raises(BadInput, match=r"rate: no month has been run yet; run\(months=...\) first"):
            market.rate("usable")
        with pytest.raises(BadInput, match="save: no month has been run yet"):
            market.save("nowhere")

    def test_platform_months_end_as_the_platform_stands(self, eight):
        last = eight.platform_months.iloc[-1]
        assert last["month"] == 7
        assert last["cash"] == round(eight.platform.cash * 100)
        assert last["principal"] == round(eight.platform.principal * 100)

    def test_an_episode_for_each_event(self):
        market = make("defaults", borrowers=150, cutoff=640.0, base_tightness=0.5).run(6)
        counted = sum(int(one.counts[kind].sum()) for one in market.simulation.history for kind in ("zero_limit", "blocked"))
        assert counted > 0
        assert len(market.episodes) == counted

    def test_the_own_collector_reports_each_month(self, eight):
        frame = eight.datacollector.get_model_vars_dataframe()
        assert len(frame) == 8
        assert frame["usable"].tolist() == eight.rate("usable").tolist()
        assert frame["seed"].tolist() == [5] * 8
        assert frame["cash"].iloc[-1] == eight.platform.cash

    def test_saved_and_loaded(self, eight, tmp_path):
        from zerolimit import load

        eight.save(tmp_path / "run")
        assert load(tmp_path / "run").monthly["on_time"].tolist() == eight.monthly["on_time"].tolist()
        with pytest.raises(BadInput):
            eight.save(tmp_path / "run")
        eight.save(tmp_path / "run", force=True)


@pytest.mark.usefixtures("undrawn")
class TestPanel:
    """What is kept month by month and saved: as the command line does it."""

    def test_a_saved_market_has_the_panel_of_the_command_line(self, eight, tmp_path):
        from zerolimit import load

        simulation = Simulation(load_scenario("defaults", borrowers=SMALL), 5, engine="objects")
        panel = Panel(simulation)
        for _ in range(8):
            simulation.step()
            panel.record()
        saved = load(eight.save(tmp_path / "run"))
        pd.testing.assert_frame_equal(saved.panel, panel.frame())
        assert saved.provenance["panel"] == "sample=1000"

    def test_all_some_or_none(self, tmp_path, monkeypatch):
        from zerolimit import load

        market = make(panel="sample=20").run(2)
        whole, some = load(market.save(tmp_path / "whole")), load(market.save(tmp_path / "some", panel="sample=5"))
        assert len(whole.frame(vacant=True)) == 2 * 20
        pd.testing.assert_frame_equal(whole.panel, market.panel)
        assert some.panel["borrower"].unique().tolist() == sampled(5, SMALL, 5).tolist()
        inside = whole.panel[whole.panel["borrower"].isin(some.panel["borrower"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(some.panel, inside)
        assert not (market.save(tmp_path / "none", panel="none") / "panel.parquet").exists()
        for more in ("all", "sample=30"):
            with pytest.raises(BadInput, match=f"panel: {more} is more than was kept .*panel='{more}'"):
                market.save(tmp_path / "more", panel=more)
        assert not (tmp_path / "more").exists()
        with monkeypatch.context() as small:
            small.setattr("zerolimit.run.simulation.available_memory", lambda: 10**6)
            with pytest.raises(BadInput, match=r"panel: sample=20 over \d+ months needs about .* GB"):
                market.run(10_000)
        everybody = make(panel="all").run(1)
        assert len(load(everybody.save(tmp_path / "all")).frame(vacant=True)) == SMALL
        with pytest.raises(BadInput, match=r"^panel: the market keeps none; take CreditMarket\(..., panel='all'\)"):
            make(panel="none").run(1).panel  # noqa: B018

    def test_a_copy_keeps_its_own(self, eight, tmp_path):
        from zerolimit import load

        market = make().run(4)
        twin = market.copy().run(4)
        market.change(cutoff=700.0).run(4)
        frames = [load(one.save(tmp_path / name)).panel for name, one in (("e", eight), ("t", twin), ("m", market))]
        pd.testing.assert_frame_equal(frames[0], frames[1])
        assert not frames[2].equals(frames[0])
        assert frames[2][frames[2]["month"] < 4].equals(frames[0][frames[0]["month"] < 4])

    def test_months_run_past_the_market_are_not_passed_over(self, tmp_path):
        market = make().run(1)
        market.simulation.step()
        for one in (market, market.copy()):
            with pytest.raises(BadInput, match="past the market"):
                one.save(tmp_path / "run")
        market.save(tmp_path / "run", panel="none")


@pytest.mark.usefixtures("undrawn")
class TestBurnIn:
    """First months are run and not counted: what is left is what the same run counts of its later months."""

    @pytest.fixture(scope="class")
    def later(self):
        return make(burn_in=5, panel="sample=20").run(8)

    def test_results_begin_with_the_month_after_it(self, later):
        whole = make(panel="sample=20").run(8)
        assert later.month == 8
        for name in ("monthly", "platform", "episodes", "panel"):
            theirs = whole.frame(name)
            pd.testing.assert_frame_equal(later.frame(name), theirs[theirs["month"] >= 5].reset_index(drop=True))
        assert later.monthly["month"].unique().tolist() == [5, 6, 7]
        pd.testing.assert_series_equal(later.rate("zero_limit"), whole.rate("zero_limit").loc[5:])

    def test_the_folder_says_so_and_can_be_told(self, eight, later, tmp_path):
        from zerolimit import load, tell

        run = load(later.save(tmp_path / "run"))
        assert (run.provenance["months"], run.provenance["burn_in"]) == (8, 5)
        pd.testing.assert_frame_equal(run.panel, later.panel)
        pd.testing.assert_frame_equal(run.monthly, later.monthly)
        ours, theirs = (str(tell(one, 3)).partition("\n\n")[2] for one in (run, eight))
        assert ours == theirs != ""

    def test_nothing_is_counted_before(self):
        market = make(burn_in=3).run(3)
        for ask in (lambda: market.rate("zero_limit"), lambda: market.panel, lambda: market.save("nowhere")):
            with pytest.raises(
                BadInput, match=r"the 3 months run so far are burn-in \(burn_in=3\), so that nothing is counted"
            ):
                ask()
        with pytest.raises(BadInput, match=r"^burn_in: a whole number of months from 0 to 9,999 is needed, not -1"):
            make(burn_in=-1)


class TestPlatform:
    def test_money_in_yuan(self, eight):
        simulation = eight.simulation
        assert eight.platform.pool * 100 == pytest.approx(simulation.pool.limit, abs=0.5)
        owed = simulation.column("scheduled").sum() + simulation.column("overdue").sum()
        assert eight.platform.principal * 100 == pytest.approx(owed, abs=0.5)
        assert eight.platform.pool_use == eight.platform.principal / eight.platform.pool
        assert eight.platform.tightness == simulation.history[-1].platform["tightness"]
        assert eight.platform.cutoff == simulation.history[-1].platform["cutoff"]
        assert 0.0 <= eight.platform.planned_use <= 1.0

    def test_without_scarcity_it_has_no_end(self):
        platform = make(off=("scarcity",)).platform
        assert (platform.pool, platform.pool_use, platform.overhang) == (float("inf"), 0.0, 0.0)

    def test_it_is_an_agent_that_can_only_be_read(self, eight):
        assert isinstance(eight.platform, mesa.Agent)
        assert eight.platform.model is eight
        with pytest.raises(BadInput, match=r"platform\.cash can only be read"):
            eight.platform.cash = 1.0
        with pytest.raises(BadInput, match="one platform"):
            Platform(eight)
        with pytest.raises(BadInput, match="without its platform"):
            eight.platform.remove()


class TestPortfolio:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "clients.csv"
        path.write_text("ceiling,age\n" + "".join(f"{1000 * k},{20 + k}\n" for k in range(1, 21)))
        return path

    def test_clients_from_a_file(self, file):
        market = CreditMarket(
            seed=1, portfolio=file, columns={"limit": "ceiling", "age": "age"}, scale=2.0, engine="objects"
        )
        assert len(market.agents) == 20
        assert market.agents.get("limit") == [200_000 * k for k in range(1, 21)]
        assert market.agents.get("age") == list(range(21, 41))

    def test_another_number_of_borrowers_contradicts(self, file):
        with pytest.raises(BadInput, match="borrowers: 30 given, but the portfolio has 20 clients"):
            CreditMarket(seed=1, portfolio=file, columns={"limit": "ceiling"}, borrowers=30)
