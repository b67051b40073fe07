"""Portfolio input: known facts of the shipped data, bad files in one clear line, and exact round trips."""

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import FEN
from zerolimit.parameters.scenario import load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.platform.pool import cash_by_accounts
from zerolimit.portfolio.columns import COLUMNS, HISTORY, NO_USE, NOT_RECORDED
from zerolimit.portfolio.portfolio import Portfolio, read_portfolio
from zerolimit.portfolio.settlement import factors, habits, on_columns
from zerolimit.rules.borrowing import receive
from zerolimit.rules.rule import rule
from zerolimit.rules.scoring import remember
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import Q2
from zerolimit.vocabulary.names import CLOSED, GIG, OPEN, OWNER, SALARIED, SEGMENTS


@pytest.fixture(scope="module")
def uci() -> Portfolio:
    return read_portfolio("uci")


def begin(portfolio: Portfolio, **parameters: Any) -> Simulation:
    return Simulation(load_scenario("defaults", **parameters), 3, engine="objects", portfolio=portfolio, checks=True)


def some(**columns: Any) -> Portfolio:
    return read_portfolio(pd.DataFrame(columns))


# the shipped data


def test_uci_is_what_the_facts_say(uci: Portfolio) -> None:
    nt = uci.values["limit"] / FEN / 0.25
    assert uci.size == 30_000
    assert np.quantile(nt, [0.1, 0.25, 0.5, 0.75, 0.9]).tolist() == [30_000, 50_000, 140_000, 240_000, 360_000]
    assert nt.mean() == pytest.approx(167_484, abs=1)
    assert nt.max() == 1_000_000
    balance = uci.values["balance"]
    assert (balance <= 0).mean() == pytest.approx(0.087, abs=5e-4)
    assert (balance == 0).mean() == pytest.approx(0.067, abs=5e-4)
    assert (balance > uci.values["limit"]).mean() == pytest.approx(0.071, abs=1e-3)
    assert np.median(balance / uci.values["limit"]) == pytest.approx(0.314, abs=5e-4)


def test_uci_months_late_have_one_code_for_the_first_stage(uci: Portfolio) -> None:
    history = uci.values["history"]
    assert history.shape == (30_000, 6)
    assert not (history == 2).any()
    assert (history == 1).sum(axis=0)[:2].tolist() == [3_688 + 2_667, 28 + 3_927]
    assert (uci.values["late"] == np.maximum(history[:, 0], 0)).all()


def test_uci_says_what_is_given_drawn_and_odd(uci: Portfolio) -> None:
    assert uci.given == ("limit", "id", "balance", "late", "history", "age")
    assert uci.drawn == ("term", "income", "segment")
    assert uci.source.name == "uci.parquet"
    assert len(uci.source.sha256) == 64
    assert "590 balances below 0 counted as 0, first in row 27" in uci.notes
    assert "drawn from the scenario's population: term, income, segment" in uci.notes
    assert read_portfolio("uci", scale=1.0).values["limit"].sum() == 4 * uci.values["limit"].sum()


# reading


FILES = {
    "text.csv": lambda path, frame: frame.to_csv(path, index=False),
    "semicolons.csv": lambda path, frame: frame.to_csv(path, index=False, sep=";"),
    "packed.csv.gz": lambda path, frame: frame.to_csv(path, index=False),
    "table.parquet": lambda path, frame: frame.to_parquet(path),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_clients(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "limit": [1000.29, 5000.0],
            "id": ["a", "b"],
            "balance": [-3.5, 6000.01],
            "segment": ["gig", "owner"],
            "history_1": [0, 2],
            "history_2": [-1, None],
        }
    )
    FILES[name](tmp_path / name, frame)
    for read in (read_portfolio(tmp_path / name), read_portfolio(frame)):
        assert read.values["limit"].tolist() == [100_029, 500_000]
        assert read.values["balance"].tolist() == [-350, 600_001]
        assert read.values["segment"].tolist() == [int(GIG), int(OWNER)]
        assert read.table["history_2"].to_pylist() == [-1, None]
        assert read.drawn == ("term", "income", "age")


def test_columns_are_mapped_scaled_and_the_rest_is_named() -> None:
    frame = pd.DataFrame({"LIMIT_BAL": [10_000, 20_000], "limit": [1, 1], "colour": ["red", "blue"]})
    read = read_portfolio(frame, columns={"limit": "LIMIT_BAL"}, scale=0.25)
    assert read.values["limit"].tolist() == [250_000, 500_000]
    assert "columns not used: limit, colour" in read.notes


def test_one_column_of_history_is_the_same_as_many() -> None:
    many = some(limit=[9000, 9000], history_1=[0, -1], history_2=[1, -2], history_3=[-1, None])
    one = some(limit=[9000, 9000], history=["0 1 -1", "-1;-2"])
    assert (many.values["history"] == one.values["history"]).all()
    assert one.table.equals(many.table)


def test_segments_are_names_or_codes() -> None:
    named = some(limit=[1000, 1000, 1000], segment=list(SEGMENTS))
    coded = some(limit=[1000, 1000, 1000], segment=[SALARIED, GIG, OWNER])
    assert named.values["segment"].tolist() == coded.values["segment"].tolist() == [0, 1, 2]


def test_the_copied_table_is_the_same_portfolio(uci: Portfolio, tmp_path: Path) -> None:
    pq.write_table(uci.table, tmp_path / "portfolio.parquet")
    again = read_portfolio(tmp_path / "portfolio.parquet")
    assert again.given == uci.given
    for name, values in uci.values.items():
        assert np.array_equal(again.values[name], values), name


# bad input: one line that says what, where and what is allowed


def text(content: str, name: str = "clients.csv") -> Any:
    def write(folder: Path) -> Path:
        (folder / name).write_text(content)
        return folder / name

    return write


def binary(content: bytes, name: str) -> Any:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def cut_parquet(folder: Path) -> Path:
    pq.write_table(pa.table({"limit": list(range(1000))}), folder / "whole.parquet")
    (folder / "cut.parquet").write_bytes((folder / "whole.parquet").read_bytes()[:-20])
    return folder / "cut.parquet"


def twice_parquet(folder: Path) -> Path:
    pq.write_table(pa.table([pa.array([1.0]), pa.array([2.0])], names=["limit", "limit"]), folder / "twice.parquet")
    return folder / "twice.parquet"


BAD: dict[str, tuple[Any, dict[str, Any], tuple[str, ...]]] = {
    "no such name": (lambda folder: "ucy", {}, ("'ucy'", "no such file", "did you mean 'uci'")),
    "no such file": (lambda folder: text("limit\n1\n")(folder).with_name("client.csv"), {}, ("did you mean 'clients.csv'",)),
    "a folder": (lambda folder: folder, {}, ("cannot be read",)),
    "not a path": (lambda folder: 7, {}, ("a path, a DataFrame or one of uci", "not int")),
    "empty file": (text(""), {}, ("clients.csv", "empty")),
    "empty gz": (binary(gzip.compress(b""), "empty.csv.gz"), {}, ("empty.csv.gz", "the file is empty")),
    "empty parquet": (text("", "empty.parquet"), {}, ("empty.parquet", "the file is empty")),
    "header only": (text("limit,balance\n"), {}, ("no rows", "at least one client")),
    "no rows in parquet": (lambda folder: pd.DataFrame({"limit": []}), {}, ("DataFrame", "no rows")),
    "truncated parquet": (cut_parquet, {}, ("cut.parquet", "not a whole Parquet file")),
    "text called parquet": (text("limit\n1\n", "x.parquet"), {}, ("x.parquet", "not a whole Parquet file")),
    "truncated gz": (binary(gzip.compress(b"limit\n" + b"123\n" * 999)[:-9], "cut.csv.gz"), {}, ("cut.csv.gz", "truncated")),
    "spreadsheet": (binary(b"PK\x03\x04\x00\x00", "book.xlsx"), {}, ("book.xlsx", "spreadsheet", "as CSV or Parquet")),
    "ragged rows": (text("limit,balance\n1,2\n1,2,3\n"), {}, ("clients.csv", "line 3: 3 values for 2 columns")),
    "no limit column": (text("LIMIT_BAL,x\n5,6\n"), {}, ("no column limit", "'LIMIT_BAL'", "limit=LIMIT_BAL")),
    "nothing like limit": (text("a,b\n5,6\n"), {}, ("no column limit", "there are a, b")),
    "column twice": (text("limit,id,limit\n5,1,6\n"), {}, ("'limit' appears more than once",)),
    "column twice in parquet": (twice_parquet, {}, ("'limit' appears more than once",)),
    "same id": (text("limit,id\n5,a\n6,b\n7,a\n"), {}, ("'id' line 4", "'a'", "line 2", "unique")),
    "blank id": (text("limit,id\n5,a\n6,\n"), {}, ("'id' line 3", "blank")),
    "negative limit": (text("limit\n5\n-6\n"), {}, ("'limit' line 3", "-6 is negative", "allowed: 0 to 20,000,000 yuan")),
    "infinite limit": (text("limit\n5\ninf\n"), {}, ("'limit' line 3", "not a finite number")),
    "blank limit": (
        text("limit,id\n5,a\n,b\n"),
        {},
        ("'limit' line 3", "blank", "required", "--blank-limits drop", "--blank-limits draw"),
    ),
    "text limit": (text("limit\n5\nmuch\n"), {}, ("'limit' line 3", "'much' is not a number", "--missing much")),
    "text among numbers": (
        lambda folder: pd.DataFrame({"limit": [1, 2, "many"]}),
        {},
        ("DataFrame", "'limit' row 3", "'many' is not a number"),
    ),
    "dates": (
        lambda folder: pd.DataFrame({"limit": pd.to_datetime(["2020-01-01"])}),
        {},
        ("'limit' holds timestamp", "numbers"),
    ),
    "limit too large": (text("limit\n5\n3e9\n"), {}, ("'limit' line 3", "3,000,000,000 x scale 1", "scale=0.001 would fit")),
    "scale too large": (text("limit\n5000\n"), {"scale": 1e5}, ("'limit' line 2", "scale=1000 would fit")),
    "balance too large": (text("limit,balance\n5,1\n5,-2.1e7\n"), {}, ("'balance' line 3", "scale=0.1 would fit")),
    "income too large": (text("limit,income\n5,6e6\n"), {}, ("'income' line 2", "0 to 500,000 yuan a month")),
    "negative income": (text("limit,income\n5,-1\n"), {}, ("'income' line 2", "-1 is negative")),
    "unknown segment": (text("limit,segment\n5,gig\n6,sallaried\n"), {}, ("'segment' line 3", "did you mean 'salaried'")),
    "segment code": (text("limit,segment\n5,3\n"), {}, ("'segment' line 2", "'3' is no segment", "0 to 2")),
    "history too low": (text("limit,history_1\n5,-3\n"), {}, ("'history_1' line 2", "-3 is out of range", "-2 to 120")),
    "history in a list": (text("limit,history\n5,0 0\n5,0 -9\n"), {}, ("'history' line 3", "-9 is out of range")),
    "history is words": (text("limit,history\n5,good\n"), {}, ("'history' line 2", "'good' is not 1 to 12 whole numbers")),
    "history too long": (text(f"limit,history\n5,{' '.join('0' * 13)}\n"), {}, ("'history' line 2", "1 to 12")),
    "history twice": (text("limit,history,history_1\n5,0,0\n"), {}, ("one or the other",)),
    "history with a gap": (text("limit,history_1,history_3\n5,0,0\n"), {}, ("history_3 without history_2",)),
    "half a month late": (text("limit,late\n5,0.5\n"), {}, ("'late' line 2", "0.5 is not a whole number")),
    "negative late": (text("limit,late\n5,-1\n"), {}, ("'late' line 2", "-1 is out of range", "0 to 120")),
    "too young": (text("limit,age\n5,40\n5,7\n"), {}, ("'age' line 3", "7 is out of range", "18 to 100 years")),
    "term of 0": (text("limit,term\n5,0\n"), {}, ("'term' line 2", "1 to 12 months")),
    "scale zero": (text("limit\n5\n"), {"scale": 0}, ("scale: must be a finite number above 0", "not 0")),
    "scale infinite": (text("limit\n5\n"), {"scale": float("inf")}, ("scale: must be", "not inf")),
    "scale nan": (text("limit\n5\n"), {"scale": float("nan")}, ("scale: must be", "not nan")),
    "scale as text": (text("limit\n5\n"), {"scale": "4"}, ("scale: must be", "not '4'")),
    "map of an unknown name": (
        text("limit\n5\n"),
        {"columns": {"balanse": "limit"}},
        ("'balanse'", "did you mean 'balance'"),
    ),
    "map to an unknown name": (
        text("LIMIT,owed\n5,1\n"),
        {"columns": {"limit": "LIMITS"}},
        ("'LIMITS'", "does not have", "did you mean 'LIMIT'"),
    ),
    "mapped column is named": (
        text("line\nmuch\n"),
        {"columns": {"limit": "line"}},
        ("'line' line 2", "'much' is not a number"),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_line(case: str, tmp_path: Path) -> None:
    make, options, says = BAD[case]
    with pytest.raises(BadInput) as error:
        read_portfolio(make(tmp_path), **options)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("portfolio")
    assert str(tmp_path) not in message or "no such file" in message
    for part in says:
        assert part in message


# into the simulation


@pytest.fixture(scope="module")
def clients(uci: Portfolio) -> Portfolio:
    """Every 150th client, in NT$ as in the file."""
    frame = pq.read_table(Path(__file__).parents[1] / "model/zerolimit/data/uci.parquet").to_pandas()
    return read_portfolio(frame.iloc[::150].reset_index(drop=True), scale=0.25)


@pytest.fixture(scope="module")
def begun(clients: Portfolio) -> Simulation:
    return begin(clients)


def test_lines_debts_and_arrears_are_the_files(clients: Portfolio, begun: Simulation) -> None:
    assert begun.size == clients.size == 200
    limit, owed, late = (clients.values[name] for name in ("limit", "balance", "late"))
    assert begun.column("limit").tolist() == limit.tolist()
    assert (begun.column("scheduled").astype(np.int64) + begun.column("overdue")).tolist() == np.maximum(owed, 0).tolist()
    assert begun.column("late").tolist() == np.where(owed > 0, late, 0).tolist()
    assert begun.column("age").tolist() == clients.values["age"].tolist()
    assert (begun.column("status") == OPEN).all()
    assert (begun.column("overdue") > 0).tolist() == ((owed > 0) & (late > 0)).tolist()


def test_memories_follow_the_payment_history() -> None:
    read = some(
        limit=[10_000] * 5,
        balance=[5_000, 0, 5_000, 0, 10_000],
        history=["0 0 0 0 0 0", "-2 -2 -2 -1 -1 -1", "1 0 0 0 0 1", "1 -2 -2 -2 -2 -2", "-1 -1 -1 -1 -1 -1"],
    )
    s = begin(read, memory_punctuality=4, memory_usage=2, memory_frequency=2)
    near = 1 / Q2
    once = 1 - 0.25
    worst = 1 - (1 - once) * 0.75**4
    assert s.column("punctuality").tolist() == pytest.approx([1, 1, 0.75 * worst, 1, 1], abs=near)
    assert s.column("usage").tolist() == pytest.approx([0.5, 0, 0.5, 0, 1], abs=near)
    assert s.column("idle")[[0, 1, 2, 4]].tolist() == [0, 3, 0, 0]
    assert s.column("idle")[3] >= 6
    assert s.column("late").tolist() == [0, 0, 1, 0, 0]
    assert (s.column("tenure") >= 7).all()
    before = Simulation(load_scenario("defaults", borrowers=5), 3, engine="objects").column("frequency")
    assert s.column("frequency")[4] == pytest.approx(1 - (1 - before[4]) / 2**6, abs=near)
    assert s.column("frequency")[1] == pytest.approx((1 - (1 - before[1]) / 2**3) / 2**3, abs=near)


def test_late_without_history_lowers_punctuality_and_without_balance_means_debt() -> None:
    s = begin(some(limit=[10_000] * 60, late=[0, 2] * 30), memory_punctuality=4, unused_share=0.6)
    owed = s.column("scheduled") + s.column("overdue")
    assert (owed[1::2] > 0).all()
    assert (s.column("late")[1::2] == 2).all()
    assert (s.column("late")[::2] == 0).all()
    assert s.column("punctuality")[1::2].tolist() == pytest.approx([0.75**2] * 30, abs=1 / Q2)


def test_term_and_income_and_segment_reach_the_borrowers() -> None:
    names = ["salaried", "gig", "owner"] * 20
    income = list(range(3_000, 9_000, 100))
    read = some(limit=[12_000] * 60, balance=[1_200] * 60, late=[0] * 60, term=[1, 4, 12] * 20, income=income, segment=names)
    s = begin(read)
    assert s.column("segment").tolist() == read.values["segment"].tolist()
    assert s.column("income_seen").tolist() == [100 * yuan for yuan in income]
    assert (s.column("income_true") != s.column("income_seen")).any()
    assert s.column("due_0").tolist() == [120_000, 30_000, 10_000] * 20
    assert s.column("due_3").tolist() == [0, 30_000, 10_000] * 20
    assert s.column("due_4").tolist() == [0, 0, 10_000] * 20
    assert sorted(np.bincount(s.column("decile"))) == [6] * 10


def test_a_given_segment_draws_the_traits_of_that_segment() -> None:
    gig = begin(some(limit=[12_000] * 100, segment=["gig"] * 100))
    all_gig = Simulation(load_scenario("defaults", borrowers=100, share_gig=1.0, share_owner=0.0), 3, engine="objects")
    for name in ("age", "propensity", "sector", "review_in"):
        assert gig.column(name).tolist() == all_gig.column(name).tolist(), name


def test_missing_columns_are_as_drawn() -> None:
    scenario = load_scenario("defaults", borrowers=100, vacant_share=0.0)
    drawn = Simulation(scenario, 3, engine="objects")
    read = some(limit=[40_000] * 100)
    assert read.given == ("limit",)
    assert read.drawn == tuple(name for name in COLUMNS if name not in ("limit", "id"))
    s = begin(read)
    for name in ("segment", "age", "tenure", "punctuality"):
        assert s.column(name).tolist() == drawn.column(name).tolist(), name
    u = s.engine.uniforms("u_born_limit", np.arange(100), 0)
    behind = np.floor(
        4_000_000 / (scenario.income_multiple * (scenario.line_low + (scenario.line_high - scenario.line_low) * u))
    )
    assert s.column("income_seen").tolist() == behind.tolist()
    ratio = drawn.column("income_true") / drawn.column("income_seen")
    assert s.column("income_true").tolist() == np.floor(behind * ratio).tolist()
    use = (drawn.column("scheduled").astype(np.int64) + drawn.column("overdue")) / drawn.column("limit")
    owed = s.column("scheduled").astype(np.int64) + s.column("overdue")
    one_yuan_of_the_drawn_line = 100 / drawn.column("limit").min()
    assert np.abs(owed / 4_000_000 - use).max() <= one_yuan_of_the_drawn_line


def test_no_row_is_a_vacant_slot() -> None:
    s = begin(some(limit=[8_000] * 100), vacant_share=0.9)
    assert (s.column("status") == OPEN).all()
    assert (s.column("tenure") >= 2).all()
    assert (s.column("trust") > 0).all()


def test_odd_lines_and_balances() -> None:
    m = load_scenario().minimum_loan
    read = some(limit=[0, m - 0.01, m, 5_000], balance=[0, 100, -70, 9_000], history_1=[-2, 0, 0, 0])
    assert {
        "1 limit of 0: closed from the start",
        f"1 limit below the minimum loan of {m:g} yuan: closed from the start",
        "1 balance below 0 counted as 0, first in row 3",
        "1 balance over the limit, taken as read, first in row 4",
    } < set(read.notes)
    s = begin(read)
    assert s.column("status").tolist() == [CLOSED, CLOSED, OPEN, OPEN]
    assert s.column("limit").tolist() == [0, 0, round(m * FEN), 500_000]
    assert (s.column("scheduled") + s.column("overdue")).tolist() == [0, 10_000, 0, 900_000]
    assert s.first_principal == 910_000


@pytest.mark.parametrize("scenario", ["drawn", "given"])
def test_the_ledger_closes(scenario: str, clients: Portfolio) -> None:
    limits = clients.values["limit"] / FEN
    read = clients if scenario == "given" else some(limit=limits)
    s = begin(read)
    assert s.first_lines == clients.values["limit"].sum()
    s.run(3)
    principal = int(s.column("scheduled").sum(dtype=np.int64) + s.column("overdue").sum(dtype=np.int64))
    assert s.principal == principal
    by_accounts, cash = cash_by_accounts(*map(s.books.value, cash_by_accounts.reads))
    assert by_accounts == cash == s.pool.cash
    assert s.pool.cash >= 0


def test_the_largest_amounts_can_be_stored() -> None:
    most = COLUMNS["limit"].high
    read = some(limit=[most] * 20, balance=[most / 2] * 20, income=[COLUMNS["income"].high] * 20)
    assert read.values["limit"].max() == 2_000_000_000
    begin(read).run(2)


def test_every_month_of_history_has_a_name() -> None:
    longest = " ".join(["-1"] * len(HISTORY))
    assert some(limit=[9_000], history=[longest]).table.column_names == ["limit", *HISTORY]


def test_a_history_is_remembered_by_the_rule_month_by_month() -> None:
    """One client after the other through the rule `remember`, the oldest month first: the same to the last bit."""
    chance = np.random.default_rng(1)
    size, months = 60, 12
    history = chance.integers(NO_USE, 4, (size, months))
    history[chance.random((size, months)) < 0.2] = NOT_RECORDED
    history[:, 0] = chance.integers(NO_USE, 4, size)
    account = {"owed": chance.integers(0, 900_000, size), "limit": chance.integers(0, 500_000, size)}
    usage, tenure = chance.random(size), chance.integers(2, 60, size)
    terms = from_scenario(load_scenario("defaults", memory_punctuality=7.3, memory_usage=2.5))
    found = factors(history, account, usage, tenure, terms)
    for k in range(size):
        punctuality, early, used, held = 1.0, 0.0, float(usage[k]), float(tenure[k])
        for month in range(months - 1, -1, -1):
            late = history[k, month]
            if late == NOT_RECORDED:
                continue
            standing = 0.0 if late == NO_USE else 1.0 if late <= 0 else 2.0
            owed = 0.0 if late == NO_USE and month > 0 else float(account["owed"][k])
            now = (punctuality, early, used, held, 1.0, standing, 0.0, owed, 0.0, float(account["limit"][k]))
            punctuality, early, used, held, _ = remember(OPEN, *now, SimpleNamespace(**terms))
        assert (found["punctuality"][k], found["usage"][k], found["tenure"][k]) == (punctuality, used, held)


def test_habits_are_remembered_by_the_rule_month_by_month() -> None:
    """One client after the other through the rule `receive`: with a loan, without one, and the mean where both may be."""
    chance = np.random.default_rng(2)
    size, months = 60, 9
    history = chance.integers(NO_USE, 3, (size, months))
    history[chance.random((size, months)) < 0.2] = NOT_RECORDED
    frequency, idle = chance.random(size), chance.integers(0, 20, size).astype(float)
    terms = from_scenario(load_scenario("defaults", memory_frequency=5.5))
    found = habits(history, frequency, idle, terms)
    named, wanted = SimpleNamespace(**terms), dict.fromkeys(receive.reads, 0.0)

    def after(asked: float, owed: float, taken: float, unused: float) -> tuple[float, float]:
        given = wanted | {
            "status": OPEN,
            "frequency": taken,
            "idle": unused,
            "scheduled": owed,
            "asked": asked,
            "terms": named,
        }
        written = dict(zip(receive.writes, receive(*(given[name] for name in receive.reads)), strict=True))
        return written["frequency"], written["idle"]

    for k in range(size):
        seen = [month for month in history[k, ::-1] if month != NOT_RECORDED]
        taken, unused = float(frequency[k]), max(0.0, idle[k] - len(seen))
        for month in seen:
            owed = 0.0 if month == NO_USE else 1.0
            share = 1.0 if month == -1 else 0.0 if month == NO_USE else float(frequency[k])
            (none, unused), (loan, _) = after(0.0, owed, taken, unused), after(FEN, owed, taken, unused)
            taken = none + share * (loan - none)
        assert (found["frequency"][k], found["idle"][k]) == (taken, unused)


def test_months_late_without_a_history_are_a_history_of_as_many_months_late() -> None:
    late = np.arange(13)
    limit = np.full(13, 20_000.0)
    one = begin(some(limit=limit, balance=limit / 2, late=late)).column("punctuality")
    months = {f"history_{k}": np.where(k <= late, late - k + 1.0, np.nan if k > 1 else 0.0) for k in range(1, 13)}
    other = begin(some(limit=limit, balance=limit / 2, **months)).column("punctuality")
    assert one.tolist() == other.tolist()
    assert (np.diff(one) < 0.0).all()


def test_a_rule_that_branches_on_a_column_is_refused_on_columns() -> None:
    """Nothing is silently taken for the first client's branch."""

    def branching(usage: float) -> float:
        return 0.0 if usage > 0.5 else usage

    with pytest.raises(ValueError, match="ambiguous"):
        on_columns(rule("usage")(branching))(np.array([0.2, 0.8]))


# blank cells


FULL: dict[str, list[Any]] = {
    "limit": [12_000, 30_000, 8_000, 500, 20_000] * 12,
    "balance": [1_200, 0, 9_000, 100, 15_000] * 12,
    "late": [1, 0, 2] * 20,
    "term": [1, 4, 12, 6] * 15,
    "income": list(range(3_000, 9_000, 100)),
    "segment": ["salaried", "gig", "owner", "gig"] * 15,
    "age": list(range(20, 80)),
}
"""Clients of whom all is known."""
WITH_HISTORY = {name: values for name, values in FULL.items() if name != "late"} | {
    "history_1": [0, -1, 2, -2, 1] * 12,
    "history_2": [0, -2, 1] * 20,
}


@pytest.mark.parametrize("name", ["balance", "late", "term", "income", "segment", "age", "history"])
def test_a_blank_cell_is_drawn_as_if_the_column_were_missing_for_that_client_alone(name: str) -> None:
    known = WITH_HISTORY if name == "history" else FULL
    ours = [one for one in known if one.startswith(name)]
    blank = np.arange(60) % 3 == 0
    cells = {one: [None if gone else value for value, gone in zip(known[one], blank, strict=True)] for one in ours}
    half = some(**{**known, **cells})
    assert f"blank, and drawn cell by cell: {name} (20)" in " ".join(half.notes)
    given, missing, mixed = (
        begin(read) for read in (some(**known), some(**{k: v for k, v in known.items() if k not in ours}), half)
    )
    moved = 0
    for field in (*mixed.plan.columns,):
        if field != "decile":  # the only one that depends on the others
            one, other, both = (world.column(field) for world in (given, missing, mixed))
            assert np.array_equal(both, np.where(blank, other, one)), field
            moved += int((one[blank] != other[blank]).any())
    assert moved


def test_a_blank_limit_is_asked_and_can_be_drawn() -> None:
    frame = pd.DataFrame({"limit": [9_000, None, 9_000], "income": [5_000, 6_000, 7_000]})
    with pytest.raises(BadInput, match="'limit' row 2: blank; a limit is required"):
        read_portfolio(frame)
    assert read_portfolio(frame, blank_limits="drop").size == 2
    s = begin(read_portfolio(frame, blank_limits="draw"))
    drawn = begin(some(limit=[9_000, 9_000, 9_000], income=[5_000, 6_000, 7_000]))
    assert s.column("limit")[[0, 2]].tolist() == [900_000, 900_000]
    assert s.column("limit")[1] > 0
    assert s.column("limit")[1] % 100 == 0
    assert s.column("income_seen").tolist() == drawn.column("income_seen").tolist()


# what a run refuses


@pytest.mark.parametrize(
    ("limits", "options", "says"),
    [
        ([0, 0], {}, ("no line is open: every limit is 0",)),
        (
            [1.5, 3, 2],
            {},
            ("no line is open: every limit is below the minimum loan of 500 yuan", "in 万? --units limit=wan"),
        ),
        ([1.5, 3, 2], {"units": {"limit": "yuan"}}, ("no line is open",)),
        ([1, 2, 900], {}, ("2 of 3 limits are below the minimum loan", "--units limit=yuan takes them as they are")),
    ],
)
def test_a_run_in_which_no_line_is_open_ends_before_it_begins(
    limits: list[float], options: dict[str, Any], says: tuple[str, ...]
) -> None:
    read = read_portfolio(pd.DataFrame({"limit": limits}), **options)
    with pytest.raises(BadInput) as error:
        begin(read)
    for part in says:
        assert part in str(error.value)


def test_limits_in_wan_are_read_with_their_unit_and_small_ones_where_they_are_meant() -> None:
    frame = pd.DataFrame({"limit": [1.5, 3, 2]})
    assert read_portfolio(frame, units={"limit": "万"}).values["limit"].tolist() == [1_500_000, 3_000_000, 2_000_000]
    assert begin(read_portfolio(frame, units={"limit": "wan"})).first_lines == 6_500_000
    small = read_portfolio(pd.DataFrame({"limit": [1, 2, 900]}), units={"limit": "yuan"})
    assert begin(small).column("status").tolist() == [CLOSED, CLOSED, OPEN]


# options


def test_units_segments_and_several_columns_of_history() -> None:
    frame = pd.DataFrame(
        {
            "额度": [3, 5],
            "usage": ["50 %", "0%"],
            "dpd": [0, 31],
            "salary": [12, 24],
            "客群": ["工薪", "个体"],
            "H1": [0, 61],
            "H2": [15, 0],
        }
    )
    read = read_portfolio(
        frame,
        columns={
            "limit": "额度",
            "balance": "usage",
            "late": "dpd",
            "income": "salary",
            "segment": "客群",
            "history": "H1, H2",
        },
        units={"limit": "wan", "balance": "percent", "late": "days", "income": "wan/year", "history": "days"},
        segments={"工薪": "salaried", "个体": "owner"},
    )
    assert read.values["balance"].tolist() == [1_500_000, 0]
    assert read.values["late"].tolist() == [0, 2]
    assert read.values["income"].tolist() == [1_000_000, 2_000_000]
    assert read.values["segment"].tolist() == [SALARIED, OWNER]
    assert read.values["history"].tolist() == [[0, 1], [3, 0]]
    again = read_portfolio(frame, **read.source.options)
    assert again.table.equals(read.table)


def test_with_a_map_only_what_is_mapped_is_used_and_without_one_a_column_can_be_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"LINE": [9_000], "term": [5], "age": [7], "limit": [1]})
    assert read_portfolio(frame, columns={"limit": "LINE"}).given == ("limit",)
    alike = pd.DataFrame({"limit": [9_000], "term": [5], "age": [7]})
    assert read_portfolio(alike, columns={"age": "-"}).given == ("limit", "term")
    with pytest.raises(BadInput, match="--columns age=- leaves the column out"):
        read_portfolio(alike)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seperator": ";"}, "unknown option 'seperator'"),
        ({"delimeter": ";"}, "did you mean 'delimiter'?"),
        ({"units": {"limit": "wann"}}, "units: limit: 'wann' is none of yuan, wan, cents; did you mean 'wan'?"),
        ({"units": {"age": "days"}}, "units: 'age' is none of limit, balance"),
        ({"segments": {"x": "gigg"}}, "segments: x: 'gigg' is none of salaried, gig, owner; did you mean 'gig'?"),
        ({"encoding": "utf-9"}, "encoding: 'utf-9' is unknown"),
        ({"delimiter": "ab"}, "delimiter: 'ab' is none of comma, semicolon"),
        ({"decimal": "."}, ""),
        ({"decimal": "'"}, 'decimal: "\'" is none of point, comma'),
        ({"decimal": "comma", "thousands": "comma"}, "decimal and thousands: both are ','"),
        ({"header": -1}, "header: a whole number from 0 on is needed, not -1"),
        ({"header": 9}, "header: line 9 has no names"),
        ({"rows": 0}, "rows: a whole number from 1 on is needed"),
        ({"totals": "sum"}, "totals: 'sum' is none of refuse, drop, keep"),
        ({"missing": [[]]}, "missing: texts or numbers are needed"),
        ({"columns": {"limit": "#4"}}, "limit is to be '#4', which the file does not have"),
        ({"columns": {"limit": ["a", "b"]}}, "columns: limit: a column of the file is needed"),
        ({"columns": {"age": "limit"}}, "no column limit, the only one required, in the map"),
        ({"columns": "limit"}, "columns: a mapping of names to values is needed"),
    ],
)
def test_an_option_that_cannot_be_is_one_line(options: dict[str, Any], says: str, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("limit,age\n9000,30\n")
    if not says:
        assert read_portfolio(tmp_path / "c.csv", **options).size == 1
        return
    with pytest.raises(BadInput) as error:
        read_portfolio(tmp_path / "c.csv", **options)
    assert says in str(error.value)
    assert str(error.value).startswith("portfolio c.csv: ")


# what is certain is refused, what is likely is asked


ODD: dict[str, tuple[str, dict[str, Any], str]] = {
    "a thousands point": ("limit\n54.000\n8.500\n", {}, "line 2: '54.000' is 54000 (--thousands point) or 54.000"),
    "a quote not closed": (
        'limit,name\n9000,"a\n8000,b\n7000,"c"\n',
        {},
        "line 2: a quote opened here is not closed before line 3",
    ),
    "a payment string": ("limit,history\n9000,000100\n", {}, "line 2: '000100' is a payment string; write its months apart"),
    "a label of sums": ("name,limit\na,9000\n合计,9000\n", {}, "line 3: '合计': a row of sums and no client"),
    "a percentage": ("limit,balance\n9000,12%\n", {}, "line 2: '12%' is a percentage, no amount: --units balance=percent"),
    "a time": ("limit\n9000 days\n", {}, "line 2: '9000 days' is a time, no amount"),
    "lines far down": (
        'report,,\n\n"limit","name","age"\n9000,"a\nb",30\n\n   \n8000,c,30\n7000,d,3x\n',
        {"header": 3},
        "column 'age' line 9: '3x' is not a number",
    ),
    "lines of an old Mac": ("limit\r9000\r\rx1\r", {}, "line 4: 'x1' is not a number"),
    "half UTF-8": ("limit,名\n9000,好\n", {"encoding": "ascii"}, "line 1: not a text in ascii, as --encoding says"),
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_certainly_odd_is_refused_with_its_line(case: str, tmp_path: Path) -> None:
    content, options, says = ODD[case]
    (tmp_path / "c.csv").write_bytes(content.encode())
    with pytest.raises(BadInput) as error:
        read_portfolio(tmp_path / "c.csv", **options)
    assert str(error.value).startswith("portfolio c.csv: ")
    assert says in str(error.value)


ASKED: dict[str, tuple[dict[str, list[Any]], str]] = {
    "few rows": (
        {"limit": [1_000, 2_000, 3_000, 6_000]},
        "row 4: its limit is the sum of all others (6,000): a row of sums?",
    ),
    "cents": ({"limit": [3_000_000, 2_500_000, 1_200_000]}, "half the limits are above 1,000,000 yuan: in cents?"),
    "codes": (
        {"limit": [9_000] * 3, "late": [0, 96, 98]},
        "2 clients more than 12 months late (at most 98), first in row 2: codes?",
    ),
    "days": (
        {"limit": [9_000] * 3, "late": [0, 40, 7]},
        "1 client more than 12 months late (at most 40), first in row 2: days?",
    ),
    "few days": (
        {"limit": [9_000] * 12, "late": [0, *[7] * 11]},
        "half of those past due are more than 5 months late: days?",
    ),
    "of a year": (
        {"limit": [9_000] * 3, "income": [90_000] * 3},
        "above 30,000 yuan a month: of a year? --units income=yuan/year",
    ),
    "in wan": ({"limit": [9_000] * 3, "income": [1.2] * 3}, "half the incomes are below 100 yuan a month: in 万?"),
    "one has all": ({"limit": [9_000] * 11 + [90_000]}, "row 12 has 48 % of all limits: a row of sums?"),
    "clients repeated": (
        {"limit": [9_000] * 4, "client_id": list("aabb")},
        "column 'client_id': 2 different values in 4 rows: more than one row a client? --columns id=client_id",
    ),
}


@pytest.mark.parametrize("case", ASKED)
def test_what_is_likely_to_be_odd_is_read_and_asked(case: str) -> None:
    columns, says = ASKED[case]
    read = some(**columns)
    assert len(read.statement.questions) == 1
    assert says in read.statement.questions[0]
    assert f"? {read.statement.questions[0]}" in read.notes


def test_a_statement_is_a_line_a_column() -> None:
    read = some(limit=[9_000, 12_000.5, 30_000], balance=[None, 1_000, 2_000], id=["a", "b", "c"])
    seen = {one.name: one for one in read.statement.columns}
    assert (seen["limit"].smallest, seen["limit"].median, seen["limit"].largest) == (9_000, 12_000.5, 30_000)
    assert (seen["balance"].blank, seen["balance"].smallest) == (1, 1_000)
    assert [line.split()[0] for line in str(read.statement).splitlines()[1:5]] == ["column", "limit", "id", "balance"]
    assert str(read) == str(read.statement)
    assert "<td>12,000.50</td>" in read._repr_html_()


@pytest.mark.parametrize(
    ("cells", "units", "says"),
    [
        (
            "limit\n0.1万\n2\n",
            {"limit": "wan"},
            "column 'limit' line 2: '0.1万' says its unit itself, not wan; --units limit=yuan",
        ),
        ("limit\n2\n500元\n", {"limit": "wan"}, "column 'limit' line 3: '500元' says its unit itself, not wan"),
        (
            "limit,balance\n20000,0.1万\n",
            {"balance": "percent"},
            "column 'balance' line 2: '0.1万' says its unit itself, not percent",
        ),
        (
            "limit,late\n20000,2 months\n20000,1 year\n",
            {},
            "column 'late' line 3: '1 year' is in years; months or days are needed",
        ),
        ("limit,term\n20000,5 days\n", {}, "column 'term' line 2: '5 days' is in days; months or years are needed"),
        ("limit,term\n20000,6%\n", {}, "column 'term' line 2: '6%' is in percent; months or years are needed"),
        ("limit,age\n20000,30 months\n", {}, "column 'age' line 2: '30 months' is in months; years are needed"),
        (
            "limit,history_1,history_2\n20000,1 year,0\n",
            {},
            "column 'history_1' line 2: '1 year' is in years; months or days are needed",
        ),
    ],
)
def test_a_unit_in_a_cell_that_the_column_is_not_in_is_refused(
    tmp_path: Path, cells: str, units: dict[str, str], says: str
) -> None:
    (tmp_path / "a.csv").write_text(cells, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_portfolio(tmp_path / "a.csv", units=units)
    assert str(caught.value).startswith(f"portfolio a.csv: {says}")


def test_a_pool_that_does_not_carry_what_clients_owe_is_told() -> None:
    """Two clients with lines of 10,000 yuan owe 9,000 in all: half of the lines carries it, a fifth does not."""
    clients = read_portfolio(pd.DataFrame({"limit": [10_000.0, 10_000.0], "balance": [8_000.0, 1_000.0]}))
    for share, told in ((0.2, 1), (0.5, 0)):
        said: list[str] = []
        scenario = load_scenario("defaults", pool_share=share)
        Simulation(scenario, 1, engine="objects", portfolio=clients, say=said.append)
        found = [line for line in said if line.startswith("the pool of ")]
        assert len(found) == told, said
    assert Simulation(load_scenario("defaults", pool_share=0.2, off=["scarcity"]), 1, portfolio=clients).principal == 900_000
