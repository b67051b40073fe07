"""What the appeals desk counts, and the rates: which count is divided by which.

monthly.parquet holds counts and the sums of month.SUMS, one row per month x segment x first income decile. Outcomes are
counted by rules, each declared where it is counted (rules/flags.py). No rate is stored.
"""

DESK: dict[str, tuple[str, str]] = {
    "appeals_heard": ("count", "appeals heard"),
    "appeals_won": ("count", "appeals that documents supported"),
    "appeals_granted": ("count", "appeals granted from the set-aside"),
    "appeal_months_waited": ("months", "that the appeals heard had waited, all together"),
}
"""What the appeals desk counts, by cell and altogether: unit and meaning."""

RATES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "zero_limit": (("zero_limit",), ("line_on_time",), "zero-limit events over on-time payers with a line"),
    "zero_limit_at_risk": (("zero_at_risk",), ("at_risk",), "zero-limit events of on-time payers at risk over these"),
    "blocked": (("blocked",), ("at_risk",), "blocked after repayment over on-time payers at risk"),
    "not_restored": (("not_restored",), ("at_risk",), "not restored over on-time payers at risk"),
    "used_up": (("used_up",), ("asked_count",), "used up at draw over loans asked for"),
    "decreases": (("decreases",), ("line_on_time", "line_inactive", "line_arrears"), "lines cut over lines"),
    "paid_at_zero": (("paid_at_zero",), ("on_time",), "on-time payers without a line over on-time payers (facts A5)"),
    "utilisation": (("principal",), ("limit",), "principal over lines"),
    "first_refused": (("refused_first",), ("applied_first",), "first applications refused (facts A23)"),
    "late_30": (("late_1", "late_2", "late_3"), ("indebted",), "accounts past due over accounts in debt"),
    "charge_off": (("written_off",), ("principal_after",), "written off over principal, a month"),
    "usable": (("usable_current",), ("accounts",), "current with a usable line over accounts"),
    "shortfall": (("shortfalls",), ("accounts",), "with a shortfall over accounts"),
    "decrease_size": (("cut",), ("cut_from",), "what decreases took over the lines before them"),
    "roll_1": (("rolled_1",), ("was_late_1",), "one month late: later at the month's end"),
    "roll_2": (("rolled_2",), ("was_late_2",), "two months late: later or written off"),
    "cure_1": (("cured_1",), ("was_late_1",), "one month late: current at the month's end"),
    "cure_2": (("cured_2",), ("was_late_2",), "two months late: current at the month's end"),
    "cure_3": (("cured_3",), ("was_late_3",), "three or more months late: current at the month's end"),
    "appeal_wait": (("appeal_months_waited",), ("appeals_heard",), "months that a heard appeal had waited"),
    "appeal_granted": (("appeals_granted",), ("appeals_heard",), "appeals granted over appeals heard"),
    "finding": (
        ("months_to_finding",),
        ("found_at_need", "found_looking", "found_by_notice"),
        "months from the last repayment to finding the cut",
    ),
}
"""Rate -> (numerators, denominators, meaning)."""
RATES_LISTED = tuple(f"{name}: {says}" for name, (_, _, says) in RATES.items())
EVENT_RATES = {"zero": "zero_limit", "blocked": "blocked"}
"""The rate of the events that are counted by reason as `zero_by_` and `blocked_by_`."""
IN_MONTHS = frozenset(name for name, (_, _, says) in RATES.items() if says.startswith("months "))
"""Rates that are months; the others are shares."""
