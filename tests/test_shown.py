"""Every result is shown in few letters, in a notebook as its table or text, and drawn by `plot`; long work tells how far it is."""

import inspect
import io
import pydoc
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

import zerolimit
from docs.declarations import imports as package_imports
from fuzz import Here
from zerolimit.basics import progress
from zerolimit.basics.errors import BadInput
from zerolimit.basics.shown import LONGEST, Shown
from zerolimit.basics.terminal import tell
from zerolimit.parameters.scenario import Scenario
from zerolimit.results.drawing import PALETTE, STYLE
from zerolimit.results.figures import PANELS
from zerolimit.rules.caps import CAPS
from zerolimit.vocabulary.names import ENDS, EVENTS
from zerolimit.vocabulary.outcomes import RATES

MOST = 50_000
"""Letters of HTML."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One of each result, of the largest kind that is quick to make."""
    home = tmp_path_factory.mktemp("shown")
    size: dict[str, Any] = {"borrowers": 60, "progress": False}
    market = zerolimit.CreditMarket("jiebei-2020", seed=7, borrowers=150, engine="objects").run(8)
    zero = next(market.episodes.query("kind == 'zero limit'").itertuples())
    story = zerolimit.tell(market, int(zero.borrower))
    wish = {"months": 2, "borrowers": 30, "replications": 2, "vary": {"lgd": [0.5, 0.6], "pool_share": [0.2, 0.3]}}
    made = [
        market,
        market.simulation,
        market.simulation.scenario,
        market.platform,
        zerolimit.load(market.save(home / "run")),
        zerolimit.compare("baseline", only_b={"notice_months": 3}, months=5, seeds=3, **size),
        zerolimit.attribute("baseline", months=5, players=["trigger", "scarcity"], **size),
        zerolimit.wrongful("jiebei-2020", months=4, within=2, **size),
        zerolimit.study(wish, out=home / "study", executor=Here()),
        zerolimit.explain(market, int(zero.borrower), int(zero.month)),
        story,
        story.lives[0],
        story.lives[0].months[0],
        story.events[0],
    ]
    return {type(one).__name__: one for one in made}


def named_in(annotation: Any) -> set[str]:
    """The names in an annotation."""
    return set(re.findall(r"[A-Za-z_]+", annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")))


def gives(what: Any) -> Iterator[Any]:
    """What a public function, or a class by its public methods, properties and fields, gives: annotations."""
    if not isinstance(what, type):
        yield inspect.signature(what).return_annotation
        return
    yield what.__name__
    for kind in what.__mro__:
        if kind.__module__.startswith("zerolimit."):
            yield from (one for name, one in inspect.get_annotations(kind).items() if not name.startswith("_"))
            for name, one in vars(kind).items():
                one = getattr(one, "fget", getattr(one, "func", one))
                if not name.startswith("_") and inspect.isfunction(one):
                    yield inspect.signature(one).return_annotation


def reachable() -> dict[str, type]:
    """Every class of the package that public names lead to."""
    modules = [import_module(f"zerolimit.{name}".removesuffix(".zerolimit")) for name in package_imports() if name != "app"]
    classes = {
        name: one
        for module in modules
        for name, one in vars(module).items()
        if isinstance(one, type) and one.__module__ == module.__name__
    }
    found: dict[str, type] = {}
    todo = [getattr(zerolimit, name) for name in zerolimit.__all__ if name != "study"]
    while todo:
        for annotation in gives(todo.pop()):
            for name in named_in(annotation) & (classes.keys() - found.keys()):
                found[name] = classes[name]
                todo.append(classes[name])
    return found


def test_every_result_that_public_names_lead_to_shows_itself() -> None:
    others = {name for name, kind in reachable().items() if not issubclass(kind, Shown)}
    print(sorted(others), sorted(set(reachable()) - others))
    assert others == NO_RESULTS
