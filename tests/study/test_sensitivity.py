"""Sensitivity against functions whose indices are known, through a study's whole path."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_results import MadeUp

import zerolimit
from zerolimit.basics.errors import BadInput
from zerolimit.study.definition import read_study
from zerolimit.study.results import Results
from zerolimit.study.sensitivity import draw_morris, draw_sobol, sobol_indices
from zerolimit.study.sweep import sweep
from zerolimit.study.worker import Job, Task

NAMES = ("lgd", "gamma", "mend")


class Function(MadeUp):
    """Runs whose outcome is a function of the point."""

    def __init__(self, function: Callable[..., float]) -> None:
        self.function = function

    def numbers(self, job: Job, task: Task) -> dict[str, list[Any]]:
        return {"months": [1], "gini_lines": [self.function(*(task.values[name] for name in NAMES))]}


def study(path: Path, function: Callable[..., float], **settings: Any) -> Results:
    wish = {"months": 1, "outcomes": ["gini_lines"], "vary": {name: {} for name in NAMES}}
    sweep(read_study({**wish, **settings}), path, executor=Function(function))
    return zerolimit.load(path)


def ishigami(x: np.ndarray) -> np.ndarray:
    """Ishigami and Homma 1990, a = 7, b = 0.1, on the unit cube."""
    z = math.pi * (2 * x - 1)
    return np.sin(z[:, 0]) + 7 * np.sin(z[:, 1]) ** 2 + 0.1 * z[:, 2] ** 4 * np.sin(z[:, 0])


def test_indices_of_a_sum_are_its_shares_of_variance(tmp_path: Path) -> None:
    """V of a sum of independent uniforms with weights 1, 2, 3: shares 1, 4, 9 of 14, first order and total alike."""
    found = study(tmp_path / "a", lambda a, b, c: a + 2 * b + 3 * c, design="sobol", samples=256).sobol("gini_lines")
    assert found["parameter"].tolist() == ["mend", "gamma", "lgd"]
    for exact, (_, row) in zip((9 / 14, 4 / 14, 1 / 14), found.iterrows(), strict=True):
        assert row["first"] == pytest.approx(exact, abs=max(0.01, row["first_conf"]))
        assert row["total"] == pytest.approx(exact, abs=0.01)


def test_an_interaction_is_in_the_totals_only(tmp_path: Path) -> None:
    """(a - 1/2)(b - 1/2): no first-order effect, all of the variance in both totals, none in c."""
    found = study(tmp_path / "a", lambda a, b, c: (a - 0.5) * (b - 0.5), design="sobol", samples=64).sobol("gini_lines")
    table = found.set_index("parameter")
    assert np.abs(table["first"]).max() < 0.1
    assert table.loc["lgd", "total"] == pytest.approx(1.0, abs=0.1)
    assert table.loc["gamma", "total"] == pytest.approx(1.0, abs=0.1)
    assert table.loc["mend", "total"] == 0.0


@pytest.mark.parametrize(("samples", "few"), [(2, True), (32, True), (64, False)])
def test_too_few_samples_are_told_when_a_study_runs_and_when_its_indices_are_asked_for(
    samples: int, few: bool, tmp_path: Path
) -> None:
    text = f"samples: {samples} are too few for Sobol indices, which may come out below 0 or above 1;"
    text += " 64 is the least to look at, some hundreds are usual"
    said: list[str] = []
    wish = {"months": 1, "outcomes": ["gini_lines"], "vary": {name: {} for name in NAMES}}
    made = read_study({**wish, "design": "sobol", "samples": samples})
    sweep(made, tmp_path / "a", executor=Function(lambda a, b, c: a + 2 * b + 3 * c), say=said.append)
    assert said == ([text] if few else [])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        zerolimit.load(tmp_path / "a").sobol("gini_lines")
    assert [str(one.message) for one in caught if one.category is UserWarning] == said


def test_a_study_says_what_is_dated_after_its_last_month(tmp_path: Path) -> None:
    said: list[str] = []
    made = read_study({"scenario": "jiebei-2020", "months": 24, "outcomes": ["gini_lines"], "vary": {"lgd": [0.5, 0.6]}})
    sweep(made, tmp_path / "a", executor=MadeUp(), say=said.append)
    assert said == [
        "calendar: after the run's last month, 23 (2021-06), so without effect: own_share in month 30 (2022-01),"
        " own_funds in month 30 (2022-01), own_funds in month 34 (2022-05), own_funds in month 38 (2022-09),"
        " capital in month 38 (2022-09), own_funds in month 44 (2023-03)"
    ]


@pytest.mark.slow
def test_ishigami_has_its_published_indices() -> None:
    """V1 = (1 + b pi^4 / 5)^2 / 2, V2 = a^2 / 8, V13 = 8 b^2 pi^8 / 225."""
    design = read_study({"design": "sobol", "samples": 4096, "vary": {name: {} for name in NAMES}}).design
    assert design.units is not None
    found = sobol_indices(NAMES, ishigami(design.units)).set_index("parameter")
    one, two, both = (1 + 0.1 * math.pi**4 / 5) ** 2 / 2, 49 / 8, 8 * 0.01 * math.pi**8 / 225
    whole = one + two + both
    exact = {"lgd": (one, one + both), "gamma": (two, two), "mend": (0.0, both)}
    for name, (first, total) in exact.items():
        assert found.loc[name, "first"] == pytest.approx(first / whole, abs=0.02)
        assert found.loc[name, "total"] == pytest.approx(total / whole, abs=0.02)


@pytest.mark.slow
def test_intervals_hold_the_exact_index_at_about_their_level() -> None:
    """Over 40 designs of a sum, the 95 % interval of the largest total holds 9/14 in at least 33 (the 0.01 % quantile)."""
    held = 0
    for seed in range(40):
        wish = {"design": "sobol", "samples": 64, "design_seed": seed, "vary": {name: {} for name in NAMES}}
        units = read_study(wish).design.units
        assert units is not None
        row = sobol_indices(NAMES, units @ np.array([1.0, 2.0, 3.0])).iloc[0]
        held += abs(row["total"] - 9 / 14) <= row["total_conf"]
    assert held >= 33


def test_morris_finds_the_slopes_of_a_plane(tmp_path: Path) -> None:
    found = study(tmp_path / "a", lambda a, b, c: a - 2 * b, design="morris", samples=10).morris("gini_lines")
    table = found.set_index("parameter")
    assert found["parameter"].tolist() == ["gamma", "lgd", "mend"]
    assert table["mu"].tolist() == pytest.approx([-2.0, 1.0, 0.0])
    assert table["mu_star"].tolist() == pytest.approx([2.0, 1.0, 0.0])
    assert table["sigma"].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_morris_sees_an_interaction_as_spread(tmp_path: Path) -> None:
    found = study(tmp_path / "a", lambda a, b, c: a * b, design="morris", samples=20).morris("gini_lines")
    table = found.set_index("parameter")
    assert table.loc["lgd", "sigma"] > 0.1
    assert table.loc["mend", "sigma"] == 0.0


def test_an_outcome_that_never_moves_has_no_indices(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the same at every point"):
        study(tmp_path / "a", lambda a, b, c: 0.5, design="sobol", samples=64).sobol("gini_lines")


def test_months_kept_apart_are_refused(tmp_path: Path) -> None:
    class Monthly(Function):
        def numbers(self, job: Job, task: Task) -> dict[str, list[Any]]:
            return {"month": [0], **super().numbers(job, task)}

    wish = {"months": 1, "outcomes": ["gini_lines"], "vary": {name: {} for name in NAMES}, "by": ["month"]}
    sweep(read_study({**wish, "design": "sobol", "samples": 4}), tmp_path / "a", executor=Monthly(lambda a, b, c: a))
    with pytest.raises(BadInput, match="keeps month apart"):
        zerolimit.load(tmp_path / "a").sobol("gini_lines")


def test_figures_are_drawn(tmp_path: Path) -> None:
    found = study(tmp_path / "s", lambda a, b, c: a * b + c, design="sobol", samples=64).sobol("gini_lines")
    draw_sobol(found, tmp_path / "sobol.png", outcome="the Gini of lines")
    found = study(tmp_path / "m", lambda a, b, c: a * b + c, design="morris", samples=10).morris("gini_lines")
    draw_morris(found, tmp_path / "morris.png", outcome="the Gini of lines")
    for name in ("sobol", "morris"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
