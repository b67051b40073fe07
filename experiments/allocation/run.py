"""Which allocation rule, at the same pool? README.md has the finding."""

from pathlib import Path

import zerolimit
from zerolimit.basics.errors import in_one_line
from zerolimit.study.figures import draw_bars

HERE = Path(__file__).parent

if __name__ == "__main__":
    with in_one_line():
        results = zerolimit.study(HERE)
    table = results.by("allocation")
    table["wrongful_share"] = table["wrongful"] / table["followed"]
    segments = results.by(["allocation", "segment"])
    lost = segments.assign(lost=segments["zero_limit_rate"] + segments["blocked_rate"])
    lost = lost.pivot(index="allocation", columns="segment", values="lost").add_prefix("lost_")
    table = table.merge(lost.reset_index()).sort_values("blocked_rate")
    table.to_csv(HERE / "table.csv", index=False, float_format="%.6g")
    table["profit"] = table["net_income"] / 100 / 1e6
    draw_bars(
        table,
        HERE / "figure.png",
        name="allocation",
        panels={
            "zero_limit_rate": ("zero limits, % a month", 100),
            "blocked_rate": ("blocked after repayment, % a month", 100),
            "used_up_rate": ("refused at the draw, % of loans asked for", 100),
            "profit": ("net income, million yuan a month", 1),
            "gini_lines": ("Gini of lines", 1),
            "lost_gig": ("gig workers: zero or\nblocked, % a month", 100),
        },
    )
    print(table.drop(columns=["months"], errors="ignore").round(4).T.to_string())
