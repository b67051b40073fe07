"""Files with the headers and habits of public credit files (tests/cases/portfolios, values made up): what each gives.

For each file and options either the clients, their total limit in yuan and what must be said, or the exact line.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import FEN
from zerolimit.parameters.scenario import load_scenario, not_reached
from zerolimit.portfolio.portfolio import Portfolio, read_portfolio

HERE = Path(__file__).parent / "cases" / "portfolios"


class Gives(NamedTuple):
    """What a file gives."""

    clients: int
    limits: float
    """Yuan, all together."""
    says: tuple[str, ...] = ()
    """Among what is said of the file, its columns and what is odd."""


def columns(**ours: str) -> dict[str, Any]:
    return {"columns": ours}


ACCOUNTS = columns(limit="Credit Limit", id="Account", balance="Current Balance", late="DPD", income="Income")
UCI = columns(limit="LIMIT_BAL", balance="BILL_AMT1", history="PAY_0,PAY_2,PAY_3,PAY_4,PAY_5,PAY_6")
LENDING = {
    **columns(id="id", limit="tot_hi_cred_lim", balance="revol_bal", income="annual_inc", term="term"),
    "units": {"income": "year"},
}
CARDS = columns(limit="AMT_CREDIT_LIMIT_ACTUAL", balance="AMT_BALANCE", late="SK_DPD")
HELOC = {
    **columns(limit="NumSatisfactoryTrades", balance="NetFractionRevolvingBurden"),
    "units": {"limit": "wan", "balance": "percent"},
}
SENTINEL = columns(id="user_id", limit="credit_limit", balance="bill_balance", late="overdue_months")
SCORE = columns(limit="CreditLimit", income="MonthlyIncome", late="NumberOfTime30-59DaysPastDueNotWorse")
PROSPER = columns(limit="LoanOriginalAmount", income="StatedMonthlyIncome", late="LoanCurrentDaysDelinquent")
TIANCHI = columns(limit="loanAmnt", term="term", income="annualIncome")
CHINESE = columns(limit="借款金额", balance="总待还本金", age="年龄")
PLACES = columns(limit="#5", term="#2", age="#13")
TOTAL = "a row of sums and no client; --totals drop leaves it out, --totals keep takes it for a client"
READ_ALIKE = Gives(400, 11_762_000, ("71 balances over the limit, taken as read",))

CASES: list[tuple[str, dict[str, Any], Gives | str]] = [
    # UCI, as exported
    (
        "uci_one_header.csv",
        UCI,
        Gives(400, 53_990_000, ("6 balances below 0 counted as 0, first in line 26", "PAY_0 to 6")),
    ),
    ("uci_kaggle.csv", UCI, Gives(400, 53_990_000, ("6 balances below 0 counted as 0, first in line 26",))),
    ("uci_kaggle.csv", {}, "no column limit, the only one required; is it 'LIMIT_BAL'? --columns limit=LIMIT_BAL"),
    ("uci_two_headers.csv", UCI, Gives(400, 53_990_000, ("header in line 2", "first in line 27"))),
    ("uci_two_headers.csv", {**UCI, "header": 2}, Gives(400, 53_990_000, ("header in line 2",))),
    ("uci_two_headers.csv", {}, "no column limit, the only one required; line 2 looks like the names: --header 2"),
    # German credit
    (
        "german.data",
        {},
        "no column limit, the only one required; line 1 looks like values: --header 0 --delimiter space names columns by"
        " place, as limit=#2",
    ),
    (
        "german.data",
        {**PLACES, "header": 0, "delimiter": "space"},
        Gives(400, 3_704_470, ("no header", "348 terms over 12 months counted as 12: the longest is 71, first in line 1")),
    ),
    (
        "german_kaggle.csv",
        columns(limit="Credit amount", term="Duration"),
        Gives(400, 3_776_587, ("350 terms over 12 months counted as 12: the longest is 71, first in line 2",)),
    ),
    # LendingClub
    ("lc_full.csv", {}, "no column limit, the only one required; line 2 looks like the names: --header 2"),
    ("lc_full.csv", LENDING, f"line 462: 'Total amount funded in policy code 1: 1465324575': {TOTAL}"),
    (
        "lc_full.csv",
        {**LENDING, "header": 2, "totals": "drop"},
        Gives(400, 23_588_100, ("58 line breaks within quotes", "2 rows of sums left out, first line 462", "463 lines")),
    ),
    (
        "lc_nopreamble.csv",
        {**LENDING, "totals": "drop"},
        Gives(400, 23_588_100, ("2 rows of sums left out, first line 461", "term: read with months in words (400)")),
    ),
    ("lc_clean_multiline.csv", LENDING, Gives(400, 23_588_100, ("58 line breaks within quotes", "459 lines"))),
    (
        "lc_noquotednewline.csv",
        LENDING,
        Gives(400, 23_588_100, ("400 terms over 12 months counted as 12: the longest is 36",)),
    ),
    # Home Credit
    (
        "hc_ccb.csv",
        columns(limit="AMT_CREDIT_LIMIT_ACTUAL", id="SK_ID_CURR"),
        "column 'SK_ID_CURR' line 3: '370000' is the id of line 2 too; ids must be unique; 80 ids in 400 rows: keep one row"
        " a client",
    ),
    (
        "hc_ccb.csv",
        CARDS,
        "column 'SK_DPD' line 6: 1,200 is out of range (allowed: 0 to 120 months); days? --units late=days counts 1 to 30 as"
        " one month",
    ),
    (
        "hc_ccb.csv",
        {**CARDS, "units": {"late": "days"}},
        Gives(400, 60_300_000, ("SK_ID_CURR': 80 different values in 400 rows: more than one row a client?",)),
    ),
    (
        "hc_app.csv",
        {**columns(limit="AMT_CREDIT", income="AMT_INCOME_TOTAL"), "units": {"income": "yuan/year"}},
        Gives(400, 187_195_785, ("1 income above 500,000 yuan a month counted as that, first in line 39",)),
    ),
    # sentinels
    (
        "heloc.csv",
        HELOC,
        "column 'NetFractionRevolvingBurden' line 2: -9 stands in 104 rows, as a code for a missing value does: --missing -9"
        " --missing -8",
    ),
    (
        "heloc.csv",
        {**HELOC, "missing": [-9, -8, -7]},
        Gives(400, 80_000_000, ("blank, and drawn cell by cell: balance (172)",)),
    ),
    (
        "sentinel.csv",
        SENTINEL,
        "column 'credit_limit' line 9: -99,999,999 is negative (allowed: 0 to 20,000,000 yuan); if it stands for a missing"
        " value: --missing -99999999",
    ),
    (
        "sentinel.csv",
        {**SENTINEL, "missing": -99999999},
        "column 'credit_limit' line 9: blank; a limit is required: fill it in; --blank-limits drop leaves such rows out,"
        " --blank-limits draw draws a limit",
    ),
    (
        "sentinel.csv",
        {**SENTINEL, "missing": "-99999999", "blank_limits": "draw"},
        Gives(400, 0, ("drawn cell by cell: limit",)),
    ),
    ("gmsc.csv", columns(limit="MonthlyIncome"), "column 'MonthlyIncome' line 2: blank; a limit is required: fill it in;"),
    (
        "gmsc_limit.csv",
        SCORE,
        Gives(
            400,
            3_867_000,
            (
                "drawn cell by cell: income (67)",
                "100 clients more than 12 months late (at most 98), first in line 6: codes?",
            ),
        ),
    ),
    ("gmsc_limit.csv", {**SCORE, "missing": 98}, Gives(400, 3_867_000, ("drawn cell by cell: late (100), income (67)",))),
    # days, years
    ("prosper_crlf_bom.csv", columns(limit="LoanOriginalAmount"), Gives(400, 7_144_721, ("UTF-8 with its mark",))),
    ("prosper_crlf_bom.csv", PROSPER, "column 'LoanCurrentDaysDelinquent' line 6: 152 is out of range"),
    ("prosper_crlf_bom.csv", {**PROSPER, "units": {"late": "days"}}, Gives(400, 7_144_721, ("months, from days",))),
    (
        "tianchi.csv",
        columns(limit="loanAmnt"),
        Gives(400, 7_970_100, ("drawn from the scenario's population: balance, late",)),
    ),
    (
        "tianchi.csv",
        {**TIANCHI, "units": {"term": "years", "income": "year"}},
        Gives(400, 7_970_100, ("400 terms over 12 months counted as 12: the longest is 60, first in line 2",)),
    ),
    # blanks
    (
        "loanpred.csv",
        {**columns(limit="LoanAmount"), "scale": 1000},
        "column 'LoanAmount' line 2: blank; a limit is required",
    ),
    (
        "loanpred.csv",
        {**columns(limit="LoanAmount"), "scale": 1000, "blank_limits": "drop"},
        Gives(399, 140_868_000, ("1 row without a limit left out, first line 2",)),
    ),
    (
        "loanpred.csv",
        columns(limit="ApplicantIncome", balance="LoanAmount"),
        Gives(400, 1_739_460, ("blank, and drawn cell by cell: balance (1)",)),
    ),
    ("na_words.csv", ACCOUNTS, Gives(400, 6_000_000, ("blank, and drawn cell by cell: balance (8)",))),
    ("nan_word_only.csv", ACCOUNTS, Gives(400, 6_000_000, ("blank, and drawn cell by cell: balance (8)",))),
    # encodings
    ("ppdai_utf8.csv", CHINESE, Gives(400, 3_891_000, ("UTF-8; comma",))),
    ("ppdai_gbk.csv", CHINESE, Gives(400, 3_891_000, ("GB18030 (GBK is a part of it), found",))),
    ("ppdai_gbk.csv", {**CHINESE, "encoding": "gbk"}, Gives(400, 3_891_000, ("GBK; comma",))),
    ("ppdai_gb18030_bom.csv", CHINESE, Gives(400, 3_891_000, ("GB18030 (GBK is a part of it), found",))),
    ("ppdai_utf16.csv", CHINESE, Gives(400, 3_891_000, ("UTF-16 by its mark; tab",))),
    ("euro_latin1.csv", columns(limit="Kreditlinie"), "not a text file in UTF-8; it looks like cp1252: --encoding cp1252"),
    (
        "euro_latin1.csv",
        {**columns(limit="Kreditlinie", balance="Überziehung"), "encoding": "latin-1"},
        Gives(400, 11_895_000),
    ),
    # numbers
    (
        "euro_semicolon.csv",
        columns(limit="Limit", balance="Saldo", late="Verzug Monate"),
        Gives(400, 11_799_000, ("limit: read with commas before decimals (400)", "semicolon between values")),
    ),
    (
        "us_money.csv",
        ACCOUNTS,
        Gives(400, 11_724_000, ("commas between thousands (400), currency signs (400)", "of a year?")),
    ),
    (
        "paren_negative.csv",
        ACCOUNTS,
        Gives(400, 11_745_000, ("brackets for below 0 (1)", "below 0 counted as 0, first in line 401")),
    ),
    ("nbsp_thousand.csv", ACCOUNTS, Gives(400, 11_520_000, ("limit: read with spaces between thousands (400)",))),
    ("fullwidth.csv", ACCOUNTS, Gives(400, 11_745_000, ("limit: read with full-width digits (1)",))),
    (
        "sci.csv",
        ACCOUNTS,
        Gives(400, 11_954_000, ("limit: read with exponents, and no more exact than they are written (400)",)),
    ),
    # sums
    ("totals_row.csv", ACCOUNTS, f"line 402: 'TOTAL': {TOTAL}"),
    (
        "totals_row.csv",
        {**ACCOUNTS, "totals": "drop"},
        Gives(400, 11_762_000, ("1 row of sums left out, first line 402 ('TOTAL')",)),
    ),
    ("totals_row_clean.csv", ACCOUNTS, READ_ALIKE),
    ("totals_unlabelled.csv", ACCOUNTS, f"line 402: its limit is the sum of all others (11,762,000): {TOTAL}"),
    (
        "totals_unlabelled.csv",
        {**ACCOUNTS, "totals": "drop"},
        Gives(400, 11_762_000, ("1 row of sums left out, first line 402",)),
    ),
    (
        "totals_unlabelled.csv",
        {**columns(limit="Credit Limit"), "totals": "keep"},
        Gives(401, 23_524_000, ("50 % of all limits",)),
    ),
    # names
    (
        "dup_header.csv",
        ACCOUNTS,
        "column 'Credit Limit' appears more than once; --columns limit=#2 or limit=#5 says which is meant",
    ),
    ("dup_header.csv", columns(limit="#2"), Gives(400, 11_762_000)),
    ("dup_id.csv", ACCOUNTS, "column 'Account' line 402: '0000005' is the id of line 7 too; ids must be unique"),
    (
        "float_ids.csv",
        ACCOUNTS,
        "column 'Account' line 3: '100000000000000000' is the id of line 2 too; ids must be unique;",
    ),
    ("float_ids.csv", columns(limit="Credit Limit"), Gives(400, 6_000_000, ("'Account': 26 different values in 400 rows",))),
    ("case_space_header.csv", {}, Gives(400, 11_762_000, ("columns taken by their names",))),
    ("case_space_header.csv", columns(limit="LIMIT", id="Account"), Gives(400, 11_762_000)),
    # lines
    ("blank_line_first.csv", ACCOUNTS, Gives(400, 11_762_000, ("header in line 2", "first in line 5"))),
    ("blank_lines.csv", ACCOUNTS, Gives(400, 11_762_000, ("406 lines", "first in line 5"))),
    ("comment_head.csv", ACCOUNTS, Gives(400, 11_762_000, ("not read: '# exported 2026-01-05 by core banking'",))),
    ("sep_line.csv", ACCOUNTS, Gives(400, 11_762_000, ("semicolon between values; header in line 2",))),
    ("short_row.csv", ACCOUNTS, "line 102: 2 values for 5 columns: '0000100,5000'"),
    (
        "trailing_comma.csv",
        ACCOUNTS,
        Gives(400, 11_762_000, ("a delimiter at the end of each row, and none in the header",)),
    ),
    ("trailing_comma_both.csv", ACCOUNTS, READ_ALIKE),
    ("crlf_nofinal.csv", ACCOUNTS, READ_ALIKE),
    ("old_mac.csv", ACCOUNTS, Gives(400, 11_762_000, ("401 lines", "first in line 4"))),
    ("mixed_eol.csv", ACCOUNTS, Gives(400, 11_762_000, ("401 lines", "first in line 4"))),
    ("pipe.csv", ACCOUNTS, Gives(400, 11_762_000, ("pipe between values",))),
    ("semicolon_header.csv", {}, Gives(400, 6_000_000)),
    ("semicolon_inside.csv", {}, Gives(400, 6_000_000, ("history",))),
    ("nul_byte.csv", ACCOUNTS, "line 102: a NUL byte, which no text has; not a text file in UTF-8"),
    ("zero_rows.csv", {}, "no rows; at least one client is needed"),
    ("gz.csv.gz", ACCOUNTS, READ_ALIKE),
    ("in_zip.zip", ACCOUNTS, Gives(400, 11_762_000, ("in_zip.zip (a.csv)",))),
    # types of Parquet
    ("t_bool.parquet", {}, "column 'limit' holds bool, numbers are needed"),
    ("t_date.parquet", {}, "column 'limit' holds date32[day], numbers are needed"),
    ("t_list.parquet", {}, "column 'limit' holds list<element: int64>, numbers are needed"),
    ("t_null.parquet", {}, "column 'limit' holds null, numbers are needed"),
    ("t_decimal.parquet", {}, Gives(1, 1_000.55)),
    ("t_int8.parquet", {}, Gives(1, 100)),
    ("t_dict_int.parquet", {}, Gives(2, 2_000)),
    ("t_large_string.parquet", {}, Gives(1, 1_000)),
    ("t_uint64.parquet", {}, "column 'limit' row 1: 9,223,372,036,854,775,813 x scale 1 is beyond what can be stored"),
]


@pytest.mark.parametrize(("name", "options", "expected"), CASES, ids=[f"{name}-{k}" for k, (name, _, _) in enumerate(CASES)])
def test_each_file_gives_its_clients_or_its_line(name: str, options: dict[str, Any], expected: Gives | str) -> None:
    if isinstance(expected, str):
        with pytest.raises(BadInput) as error:
            read_portfolio(HERE / name, **options)
        line = str(error.value)
        assert "\n" not in line
        assert line.startswith(f"portfolio {name}: {expected}")
        return
    read = read_portfolio(HERE / name, **options)
    assert read.size == expected.clients == len(read.values["limit"])
    if expected.limits:
        assert int(read.values["limit"].sum()) == round(expected.limits * FEN)
    said = "\n".join((str(read.statement), *read.notes))
    for part in expected.says:
        assert part in said


def test_every_file_is_in_the_table() -> None:
    there = {path.name for path in HERE.iterdir() if not path.name.startswith("cal_")}
    assert there == {name for name, _, _ in CASES}


def test_four_encodings_are_the_same_clients() -> None:
    one, *others = (
        read_portfolio(HERE / f"ppdai_{name}.csv", **CHINESE) for name in ("utf8", "gbk", "gb18030_bom", "utf16")
    )
    for other in others:
        assert all(np.array_equal(one.values[name], other.values[name]) for name in one.values)


@pytest.mark.parametrize(
    ("name", "options"),
    [(name, options) for name, options, expected in CASES if isinstance(expected, Gives)][::4],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_a_run_keeps_is_the_same_portfolio_without_options(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    read = read_portfolio(HERE / name, **options)
    pq.write_table(read.table, tmp_path / "portfolio.parquet")
    again: Portfolio = read_portfolio(tmp_path / "portfolio.parquet")
    assert again.given == read.given
    assert again.values.keys() == read.values.keys()
    for column, values in read.values.items():
        assert np.array_equal(again.values[column], values), column
        assert np.array_equal(again.blanks.get(column, False), read.blanks.get(column, False)), column


def test_calendars_are_read_as_the_guide_says_or_refused_in_one_line() -> None:
    for name, months in (("cal_blank.csv", [3]), ("cal_late.csv", [40])):
        scenario = load_scenario("defaults", calendar=HERE / name)
        assert [event.month for event in scenario.calendar] == months
    assert not_reached(load_scenario("defaults", calendar=HERE / "cal_late.csv"), 36)
    with pytest.raises(BadInput) as error:
        load_scenario("defaults", calendar=HERE / "cal_comma.csv")
    assert str(error.value) == (
        "calendar cal_comma.csv: column 'value' line 2: '0,2' is not a finite number;"
        " write it with a point before decimals and no other separators"
    )
