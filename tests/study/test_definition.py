"""What a study file may say; what is refused before anything runs, in a line that helps."""

from pathlib import Path
from typing import Any

import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.results.columns import parts_of
from zerolimit.study.definition import DEFAULT_OUTCOMES, read_study
from zerolimit.study.worker import clients

GOOD: dict[str, Any] = {"months": 6, "vary": {"pool_share": [0.2, 0.4]}}

BAD = [
    ({"mnths": 3}, "unknown word 'mnths'; did you mean 'months'?"),
    ({"pool_share": 0.3}, "unknown word 'pool_share'; a parameter of the scenario stands under [set] or [vary]"),
    ({"months": 0}, "months: input should be greater than or equal to 1, not 0"),
    ({"months": "many"}, "months: input should be a valid integer"),
    ({"burn_in": 6}, "burn_in (6) must be below months (6)"),
    ({"replications": 0}, "replications: input should be greater than or equal to 1"),
    ({"seed": -1}, "seed: input should be greater than or equal to 0"),
    ({"design": "gird"}, "design: input should be 'grid'"),
    ({"by": ["week"]}, "by.0: input should be 'month', 'segment' or 'decile'"),
    ({"outcomes": ["zero_limits"]}, "'zero_limits' is no rate, count, platform column"),
    ({"outcomes": ["zero_limits"]}, "did you mean 'zero_limit'?"),
    ({"vary": {"cutoff": [600]}, "outcomes": ["cutoff"]}, "outcomes: cutoff is varied, and its column is there already"),
    ({"scenario": "basline"}, "did you mean 'baseline'?"),
    ({"set": {"pol_share": 1}}, "set: unknown parameter 'pol_share'; did you mean 'pool_share'?"),
    ({"set": {"lgd": 2}}, "set: lgd: input should be less than or equal to 1, not 2 (allowed: 0 to 1 share)"),
    ({"set": {"pool_share": 0.3}}, "pool_share stands under set and under vary"),
    ({"vary": {}}, "vary: at least one parameter is needed"),
    ({"vary": {"poolshare": [1]}}, "vary: unknown parameter 'poolshare'; did you mean 'pool_share'?"),
    ({"vary": {"lgd": [0.5, 1.5]}}, "vary.lgd: 1.5 is out of bounds (allowed: 0 to 1 share)"),
    ({"vary": {"lgd": []}}, "vary.lgd: at least one level is needed"),
    ({"vary": {"lgd": [0.5, 0.5]}}, "vary.lgd: a level is given twice"),
    ({"vary": {"lgd": 0.5}}, "vary.lgd: a list of levels or a table"),
    ({"vary": {"lgd": {"form": 0.1}}}, "vary.lgd: unknown word 'form'"),
    ({"vary": {"lgd": {"from": 0.1, "to": 0.2}}}, "vary.lgd: levels are needed: a list, or from, to and steps"),
    ({"vary": {"lgd": {"from": 0.5, "to": 0.2, "steps": 3}}}, "vary.lgd: from (0.5) must be below to (0.2)"),
    ({"vary": {"lgd": {"from": 0.5, "to": 1.2, "steps": 3}}}, "vary.lgd: 1.2 is out of bounds"),
    ({"vary": {"lgd": {"from": "a", "steps": 3}}}, "vary.lgd: from: a number is needed"),
    ({"vary": {"lgd": {"steps": 1}}}, "vary.lgd: steps: a whole number from 2 to 1,000,000 is needed"),
    ({"vary": {"lgd": {"steps": 3, "scale": "log"}}}, "vary.lgd: scale log needs from above 0"),
    ({"vary": {"lgd": {"steps": 3, "scale": "lgo"}}}, "did you mean 'log'?"),
    ({"vary": {"allocation": ["scor"]}}, "vary.allocation: 'scor' is not one of"),
    ({"vary": {"allocation": ["scor"]}}, "did you mean 'score'?"),
    ({"vary": {"allocation": {"from": 0}}}, "vary.allocation: has no span"),
    ({"vary": {"network_file": {}}}, "vary.network_file: has no span"),
    ({"vary": {"calendar": [[]]}}, "calendar: a list of rows cannot vary"),
    ({"vary": {"pool_share@9": [0.2]}}, "pool_share@9: a month from 1 to 5 is needed after @, not '9'"),
    ({"vary": {"pool_share@x": [0.2]}}, "pool_share@x: a month from 1 to 5 is needed after @, not 'x'"),
    ({"vary": {"borrowers@2": [20]}}, "borrowers@2: borrowers acts only at the start of a run"),
    ({"vary": {"share_gig": [0.2, 0.6], "share_owner": [0.2, 0.6]}}, "point 4: share_gig + share_owner must be at most 1"),
    ({"samples": 8}, "samples: the design grid visits every level"),
    ({"design": "sobol"}, "samples: a number is needed for the design sobol"),
    ({"design": "sobol", "samples": 100}, "samples: 100 is no power of 2, which Sobol points need; take 64 or 128"),
    ({"design": "morris", "samples": 1}, "samples: at least 2 trajectories are needed"),
    ({"design": "list"}, "vary: the design list has points"),
    ({"design": "list", "vary": {}}, "points: at least one is needed"),
    ({"design": "list", "vary": {}, "points": [{"lgd": 0.5}, {"lgdd": 1}]}, "point 2: unknown parameter 'lgdd'"),
    ({"design": "list", "vary": {}, "points": [{"lgd": 0.5}, {"lgd": 2}]}, "point 2: lgd: input should be less than"),
    ({"points": [{"lgd": 0.5}]}, "points: only with design = 'list'"),
    ({"portfolio": "uci", "borrowers": 10}, "borrowers: not with a portfolio"),
    ({"portfolio": "nowhere.csv"}, "nowhere.csv"),
    (
        {"portfolio": {"columns": {"limit": "A"}}},
        "portfolio: file: the clients' file or a shipped",
    ),
    ({"portfolio": {"file": "uci", "unit": {"limit": "wan"}}}, "portfolio: unknown option 'unit'"),
    ({"portfolio": {"file": "uci", "columns": {"limit": "LINE"}}}, "limit is to be 'LINE', which the file does not have"),
    ({"portfolio": {"file": "uci", "scale": 0.0001}}, "no line is open: every limit is below the minimum loan of 500 yuan"),
]


@pytest.mark.parametrize(("wrong", "told"), BAD, ids=[f"{k}" for k in range(len(BAD))])
def test_what_cannot_be_meant_is_refused_in_one_line_with_its_place(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput) as error:
        read_study({**GOOD, **wrong})
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_names_itself_in_what_it_refuses_and_finds_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "defaults"\nlgd = 0.55\n', encoding="utf-8")
    file = tmp_path / "study.toml"
    file.write_text('scenario = "mine.toml"\nmonths = 3\n[vary]\ngamma = [0.0, 0.5]\n', encoding="utf-8")
    study = read_study(tmp_path)
    assert (study.name, study.scenario.lgd, len(study.points)) == (tmp_path.name, 0.55, 2)
    file.write_text("months = 3\n[vary]\ngama = [0.0]\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"study.toml: vary: unknown parameter 'gama'; did you mean 'gamma'"):
        read_study(tmp_path)
    file.write_text("months = \n", encoding="utf-8")
    with pytest.raises(BadInput, match="not valid TOML"):
        read_study(file)
    with pytest.raises(BadInput, match="no such study"):
        read_study(tmp_path / "nothing")


def test_keywords_replace_what_a_file_says(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("months = 3\n[vary]\ngamma = [0.0]\n", encoding="utf-8")
    assert read_study(tmp_path, months=5, replications=2).settings.months == 5


def test_a_rate_keeps_both_of_its_sums() -> None:
    kept = read_study({**GOOD, "outcomes": ["utilisation", "net_income", "gini_lines", "zero_by_grant"]}).kept
    assert kept.counts == ("sum_principal", "sum_limit", "zero_by_grant")
    assert (kept.platform, kept.measures) == (("net_income",), ("gini_lines",))


def test_without_a_word_all_rates_are_kept() -> None:
    kept = read_study(GOOD).kept
    for rate in DEFAULT_OUTCOMES[:-3]:
        over, under = parts_of(rate)
        assert {*over, *under} <= {*kept.counts}


def test_how_the_clients_are_read_is_in_the_study_and_in_its_identity(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text("LINE;OWED;LIMIT\n1,5;1;9\n3,0;2;9\n", encoding="utf-8")
    table = '[portfolio]\nfile = "clients.csv"\ncolumns = {limit = "LINE", balance = "OWED"}\nunits = {limit = "wan"}\n'
    file = tmp_path / "study.toml"
    hashes = {}
    for text in ("", "missing = [99]\n"):
        file.write_text(f"months = 3\n{table}{text}[vary]\ngamma = [0.0]\n", encoding="utf-8")
        study = read_study(tmp_path)
        assert study.portfolio is not None
        read = clients(study.portfolio)
        assert read.values["limit"].tolist() == [1_500_000, 3_000_000]
        assert read.values["balance"].tolist() == [100, 200]
        hashes[text] = study.known["portfolio"]
    assert len({str(one) for one in hashes.values()}) == 2
    plain = read_study({**GOOD, "portfolio": "uci"})
    assert plain.portfolio is not None
    assert plain.known["portfolio"] == plain.portfolio.sha256
