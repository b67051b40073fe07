"""Every result is a short line, in a notebook a table or text, and drawn by `plot`; long work tells how far it is."""

import inspect
import io
import pydoc
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pyarrow as pa
import pytest
from docs.declarations import imports as package_imports
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

import zerolimit
from fuzz import Here
from zerolimit.basics import progress
from zerolimit.basics.errors import BadInput
from zerolimit.basics.shown import LONGEST, Shown
from zerolimit.basics.terminal import tell
from zerolimit.parameters.scenario import Scenario
from zerolimit.results.drawing import PALETTE, STYLE
from zerolimit.results.figures import PANELS
from zerolimit.results.lazy import Lazy
from zerolimit.rules.caps import CAPS
from zerolimit.vocabulary.names import ENDS, EVENTS
from zerolimit.vocabulary.outcomes import RATES

MOST = 50_000
"""Letters of HTML."""
NO_RESULTS = {
    *("BadInput", "Borrower", "Borrowers", "Rule"),
    *("CalendarItem", "Enough", "Interval", "MacroMonth", "Share", "Source", "Threshold"),
    *(
        "Accounts",
        "Engine",
        "Market",
        "Network",
        "OneWorld",
        "Options",
        "PlatformRows",
        "Pool",
        "Queue",
        "Result",
        "Row",
        "Rows",
        "Score",
        "Target",
        "Targets",
        "Terms",
        "Together",
        "Window",
    ),
}
"""What public names lead to and is no result: errors, agents and rules; rows of a few fields; parts of the machinery."""
PICTURES = {"Attribution", "Comparison", "CreditMarket", "Followed", "Results", "Run", "Story"}
PICTURES |= {"Bands", "EventStudy", "Survival", "Validation"}
TABLES = PICTURES | {"Explanation", "Portfolio", "Scenario"}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One of each result, of the largest kind that is quick to make."""
    home = tmp_path_factory.mktemp("shown")
    size: dict[str, Any] = {"borrowers": 60, "progress": False}
    market = zerolimit.CreditMarket("jiebei-2020", seed=7, borrowers=150, engine="objects", panel="all").run(8)
    zero = next(market.episodes.query("kind == 'zero limit'").itertuples())
    story = zerolimit.tell(market, int(zero.borrower))
    wish = {"months": 2, "borrowers": 30, "replications": 2, "vary": {"lgd": [0.5, 0.6], "pool_share": [0.2, 0.3]}}
    made = [
        market,
        market.simulation,
        market.simulation.scenario,
        market.platform,
        zerolimit.load(market.save(home / "run")),
        zerolimit.compare("defaults", only_b={"notice_months": 3}, months=5, seeds=3, **size),
        zerolimit.attribute("defaults", months=5, players=["trigger", "scarcity"], **size),
        zerolimit.wrongful("jiebei-2018", months=16, within=2, **size),
        zerolimit.study(wish, out=home / "study", executor=Here()),
        zerolimit.explain(market, int(zero.borrower), int(zero.month)),
        story,
        story.lives[0],
        story.lives[0].months[0],
        story.events[0],
        market.simulation.history[0],
        (clients := zerolimit.read_portfolio(pd.DataFrame({"limit": [5_000.0, 8_000.0], "age": [30, 40]}))),
        clients.statement,
        zerolimit.bands([market.rate("zero_limit"), market.rate("zero_limit")]),
        zerolimit.survival(market),
        zerolimit.event_study(market, "limit", match=["segment"], window=(-1, 1)),
        Lazy(pa.table({"month": [0], "borrower": [1]})),
        zerolimit.validate("defaults", seeds=2, **size),
        zerolimit.moment("late_share", "late >= 1", where="principal > 0"),
    ]
    return {type(one).__name__: one for one in made}


def named_in(annotation: Any) -> set[str]:
    """The names in an annotation."""
    return set(re.findall(r"[A-Za-z_]+", annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")))


def gives(what: Any) -> Iterator[Any]:
    """What a public function gives; or a class by its public methods, properties and fields: annotations."""
    if not isinstance(what, type):
        yield inspect.signature(what).return_annotation
        return
    yield what.__name__
    for kind in what.__mro__:
        if kind.__module__.startswith("zerolimit."):
            yield from (one for name, one in inspect.get_annotations(kind).items() if not name.startswith("_"))
            for name, one in vars(kind).items():
                function = getattr(one, "fget", getattr(one, "func", one))
                if not name.startswith("_") and inspect.isfunction(function):
                    yield inspect.signature(function).return_annotation


def reachable() -> dict[str, type]:
    """Every class of the package that public names lead to, but for the page's."""
    classes: dict[str, type] = {}
    for name in sorted(package_imports(), key=lambda name: not name.startswith("run.")):
        module = import_module(f"zerolimit.{name}" if name != "zerolimit" else name) if not name.startswith("app") else None
        for word, one in vars(module).items() if module else ():
            if isinstance(one, type) and one.__module__ == f"zerolimit.{name}":
                classes[word] = one if word not in classes or issubclass(one, Shown) else classes[word]
    found: dict[str, type] = {}
    todo = [getattr(zerolimit, name) for name in zerolimit.__all__ if name != "study"]
    while todo:
        for annotation in gives(todo.pop()):
            for name in named_in(annotation) & (classes.keys() - found.keys()):
                found[name] = classes[name]
                todo.append(classes[name])
    return found


def test_every_result_that_public_names_lead_to_shows_itself(examples: dict[str, Any]) -> None:
    results = {name for name, kind in reachable().items() if issubclass(kind, Shown)}
    assert reachable().keys() - results == NO_RESULTS
    assert results == examples.keys()


def test_a_result_is_a_short_line_and_in_a_notebook_a_small_text_or_table(examples: dict[str, Any]) -> None:
    for name, one in examples.items():
        assert 10 < len(repr(one)) <= LONGEST, name
        assert "\n" not in repr(one), name
        html = one._repr_html_()
        assert len(html) < MOST, name
        assert ("<table" in html) == (name in {*TABLES, "Statement"} - {"Story", "Explanation"}), name
        assert ("<pre>" in html) == (name in {"Story", "Explanation"}), name


def test_a_long_result_is_cut_where_it_is_shown() -> None:
    class Long(Shown):
        def _in_short(self) -> str:
            return "a line\nof " + "many words " * 1_000

    class Text(Long):
        def __str__(self) -> str:
            return "<b>\n" * 100_000

    class Table(Long):
        def to_frame(self) -> pd.DataFrame:
            return pd.DataFrame({f"column_{k}": ["text " * 20] * 500 for k in range(200)})

    assert LONGEST - 2 <= len(repr(Long())) <= LONGEST
    assert [len(one()._repr_html_()) < MOST for one in (Long, Text, Table)] == [True] * 3
    assert Text()._repr_html_().endswith("&lt;b&gt;\n...</pre>")
    assert "500 rows × 200 columns" in Table()._repr_html_()


def test_what_is_a_table_becomes_a_data_frame_and_what_can_be_seen_gives_axes(examples: dict[str, Any]) -> None:
    assert {name for name, one in examples.items() if hasattr(one, "to_frame")} == TABLES
    assert {name for name, one in examples.items() if hasattr(one, "plot")} == PICTURES
    theirs = dict(matplotlib.rcParams)
    for name in TABLES:
        frame = examples[name].to_frame()
        assert isinstance(frame, pd.DataFrame), name
        assert len(frame), name
    for name in PICTURES:
        made = examples[name].plot()
        assert isinstance(made, Axes), name
        assert made.has_data(), name
        assert made.get_ylabel() or made.get_xlabel(), name
        assert plt.gcf() is made.figure, "a notebook shows it"
        assert not made.spines["top"].get_visible(), "in the package's style"
        given = plt.figure().subplots()
        assert examples[name].plot(ax=given) is given
        assert given.spines["top"].get_visible(), "axes that are given stay as they are"
        plt.close("all")
    assert dict(matplotlib.rcParams) == theirs


def test_each_panel_of_a_run_can_be_drawn_by_itself(examples: dict[str, Any]) -> None:
    """From the market and from its folder the same, and reasons are words there, not codes."""
    for what in PANELS:
        one, other = (examples[name].plot(what) for name in ("CreditMarket", "Run"))
        assert one.get_title("left") == other.get_title("left") != ""
        assert [[*line.get_ydata()] for line in one.lines] == [[*line.get_ydata()] for line in other.lines]
    legend = examples["CreditMarket"].plot("reasons").get_legend()
    shown = {text.get_text() for text in legend.get_texts()}
    plt.close("all")
    assert shown <= {cap.short for cap in CAPS}
    with pytest.raises(BadInput, match=r"plot: 'reason' is not one of .*; did you mean 'reasons'"):
        examples["Run"].plot("reason")
    with pytest.raises(BadInput, match="what: 'side' is not one of difference, sides; did you mean 'sides'"):
        examples["Comparison"].plot(what="side")


def test_a_market_that_has_not_run_shows_what_it_is() -> None:
    market = zerolimit.CreditMarket(seed=1, borrowers=20)
    assert "<table" not in market._repr_html_()
    assert "0 months run" in market._repr_html_()
    with pytest.raises(BadInput, match="to_frame: no month has been run yet"):
        market.to_frame()


def test_the_frame_of_a_run_holds_its_rates_by_month(examples: dict[str, Any]) -> None:
    market = examples["CreditMarket"]
    frame = market.to_frame()
    assert list(frame) == list(RATES)
    for name in ("zero_limit", "utilisation"):
        pd.testing.assert_series_equal(frame[name], market.rate(name))
    pd.testing.assert_frame_equal(frame, examples["Run"].to_frame())


def test_the_style_is_installed_and_has_the_colours_of_the_palette() -> None:
    with plt.style.context(STYLE):
        colours = [to_hex(one) for one in matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]]
    palette = [one.lower() for one in PALETTE.values()]
    assert len(colours) == len(set(colours)) >= 7
    assert set(colours) <= set(palette)


# progress


@pytest.fixture(autouse=True)
def bars_are_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment of the tests says."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def worked(seconds: float, monkeypatch: pytest.MonkeyPatch, asked: progress.Progress = True, *, on: Any = None) -> str:
    """Work of four steps that takes so long; what a screen shows of it."""
    begun = progress.time.time()
    screen = on or Terminal()
    with monkeypatch.context() as now:
        now.setattr(sys, "stderr", screen)
        with progress.reporting(asked, "worlds", "world") as update:
            for step in range(1, 5):
                now.setattr(progress.time, "time", lambda step=step: begun + seconds * step / 4)
                update(step, 4)
                if step == 3:
                    tell("compiling")
    return str(screen.getvalue())


def test_a_bar_appears_after_two_seconds_only_and_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worked(1.9, monkeypatch) == "compiling\n"
    said = worked(8.0, monkeypatch)
    assert "worlds:" in said
    assert "3/4" in said
    assert "world/s" in said
    assert re.search(r"\rcompiling\n", said), "above the bar"
    assert said.endswith("\r"), "nothing of it is left"
    assert progress.ON_SCREEN == []


def test_no_bar_in_a_log_nor_where_it_is_not_wanted_and_a_function_is_told_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    assert worked(8.0, monkeypatch, on=io.StringIO()) == "compiling\n"
    assert worked(8.0, monkeypatch, False) == "compiling\n"
    assert worked(8.0, monkeypatch, lambda done, every: told.append((done, every)), on=io.StringIO()) == "compiling\n"
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_notebook_is_somebody_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    for config, waits in (({"IPKernelApp": {}}, True), ({"TerminalIPythonApp": {}}, False)):
        shell = SimpleNamespace(config=config)
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert progress.somebody_waits() == waits


def test_whoever_asks_is_told_how_far_long_work_is() -> None:
    told: list[tuple[int, int]] = []

    def told_of(done: int, every: int) -> None:
        told.append((done, every))

    market = zerolimit.CreditMarket(seed=1, borrowers=20).run(3, progress=told_of)
    zerolimit.tell(market, 0, progress=told_of)
    assert told == [(1, 3), (2, 3), (3, 3)] * 2
    for name in ("attribute", "compare", "explain", "study", "tell", "wrongful"):
        call = getattr(zerolimit, name)
        assert inspect.signature(call).parameters["progress"].default is True


# help


@pytest.mark.parametrize("method", ["rate", "incidence"])
@pytest.mark.parametrize("kind", ["CreditMarket", "Run"])
def test_help_lists_what_may_be_asked_for(kind: str, method: str, examples: dict[str, Any]) -> None:
    said = pydoc.plain(pydoc.render_doc(getattr(examples[kind], method)))
    wanted = RATES if method == "rate" else (*EVENTS[1:], *ENDS[1:])
    assert [name for name in wanted if f"- {name}" not in said] == []
    assert "{" not in said


def test_help_of_a_study_shows_its_arguments() -> None:
    said = pydoc.plain(pydoc.render_doc(zerolimit.study))
    for name in inspect.signature(zerolimit.study).parameters:
        assert name in said
    assert "Run a study and read its results" in said


def test_every_parameter_is_a_keyword_that_help_and_completion_see() -> None:
    calls: list[Callable[..., Any]] = [zerolimit.CreditMarket, zerolimit.CreditMarket(seed=1, borrowers=5).change]
    calls += [zerolimit.attribute, zerolimit.compare, zerolimit.load_scenario, zerolimit.wrongful]
    for call in calls:
        words = inspect.signature(call).parameters
        assert set(Scenario.model_fields) - {"name", "description"} <= set(words), call
        assert all(words[name].kind is inspect.Parameter.KEYWORD_ONLY for name in ("borrowers", "lgd"))


def test_the_package_shows_its_public_names_only() -> None:
    assert set(dir(zerolimit)) == {*zerolimit.__all__, "__version__"}
    assert all(callable(getattr(zerolimit, name)) for name in zerolimit.__all__)
