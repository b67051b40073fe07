"""What is counted each month, each once: the bits of the outcome words, in order, with what they mean (docs/ODD.md, 7.15).

monthly.parquet holds these counts and the sums of month.SUMS, one row per month x segment x first income decile. No rate
is stored: RATES says which count is divided by which.
"""

OUTCOMES: dict[str, dict[str, str]] = {
    "outcomes_1": {
        "accounts": "slots with a borrower",
        "at_risk": "on-time payers at risk: line less principal at least the minimum loan",
        "at_risk_inactive": "with nothing due, at risk",
        "at_risk_arrears": "in arrears, at risk",
        "on_time": "on-time payers: all due was paid, and something was paid",
        "line_on_time": "on-time payers who began the month with a line (less those at risk: own use)",
        "line_inactive": "with nothing due, who began the month with a line",
        "not_restored": "on-time payers at risk who have less than 90 % of what repayment should restore",
        "paid_off": "loans paid off as scheduled",
        "paid_off_early": "loans paid off early",
        "warned": "early warnings sent",
        "out_of_work": "in a spell without work",
    },
    "outcomes_2": {
        "zero_limit": "zero-limit events: on-time payers whose line fell below the minimum loan",
        "blocked": "blocked after repayment: on-time payers with a line and nothing available",
        "zero_inactive": "with nothing due, line lost",
        "zero_arrears": "in arrears or charged off, line lost",
        "repeated": "zero-limit events that are not the first of their borrower",
        "decreases": "lines cut by more than 5 %",
        "large_decreases": "lines cut by half or more",
        "increases": "lines raised",
        "reviewed": "lines decided",
        "zero_paid_off": "zero-limit events in the month of paying off as scheduled",
        "zero_paid_off_early": "zero-limit events in the month of paying off early",
        "zero_running": "zero-limit events in the middle of a loan",
    },
    "outcomes_3": {
        "appeals": "appeals filed",
        "noticed": "cuts announced",
        "admitted": "first lines opened",
        "readmitted": "lines opened again after a re-application",
        "applied": "first applications and re-applications",
        "charged_off": "loans written off",
        "frozen": "frozen lines",
        "appeals_pending": "appeals before the desk, this month's included",
        "zero_at_risk": "zero-limit events of those at risk (the others had less than the minimum loan available before)",
    },
    "outcomes_4": {
        "used_up": "used up at draw: refused within the line because the pool was empty",
        "rollover_refused": "used up at draw for one who had counted on a new loan to bridge a payment",
        "found_at_need": "found the cut when needing the line",
        "found_looking": "found the cut by looking",
        "other_loans": "loans by other lenders",
        "other_applications": "applications to other lenders",
        "shortfalls": "with spending that could not be paid",
        "projects_slipped": "projects that slipped a month",
        "complaints": "complaints",
        "left": "left the platform",
        "bridged_count": "bridged a payment counting on a new loan",
        "found_by_notice": "knew the cut before it took effect",
    },
    "outcomes_5": {
        "late_1": "one month past due",
        "late_2": "two months past due",
        "late_3": "three or more months past due",
        "unusable_current": "current and without a usable line",
        "in_spell": "in a spell that began with a zero limit or a block",
        "usable_current": "current with a usable line",
        "indebted": "with principal owed",
        "current": "not past due",
        "line_arrears": "in arrears or charged off, who began the month with a line",
        "asked_count": "loans asked for",
        "closed": "closed lines",
        "paid_at_zero": "on-time payers who began the month without a line (a stock, facts A5)",
    },
    "outcomes_6": {
        "missed": "current when the month began, late now",
        "was_late_1": "one month past due when the month began",
        "was_late_2": "two months past due when the month began",
        "was_late_3": "three or more months past due when the month began",
        "cured_1": "of those one month late, current now",
        "cured_2": "of those two months late, current now",
        "cured_3": "of those three or more months late, current now",
        "rolled_1": "of those one month late, later now",
        "rolled_2": "of those two months late, later now or written off",
    },
}
"""Outcome word -> its flags, bit by bit. Words 2 to 4 and 6 are counted over those whom they concern."""

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
EVENT_RATES = {"zero": "zero_limit", "blocked": "blocked"}
"""The rate of the events that are counted by reason as `zero_by_` and `blocked_by_`."""
IN_MONTHS = frozenset(name for name, (_, _, says) in RATES.items() if says.startswith("months "))
"""Rates that are months; the others are shares."""
