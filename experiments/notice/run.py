"""When does notice help? README.md has the finding."""

from pathlib import Path

import zerolimit
from zerolimit.study.figures import draw_lines

HERE = Path(__file__).parent

if __name__ == "__main__":
    results = zerolimit.study(HERE)
    table = results.by(["first_trust", "notice_rush", "notice_months"])
    table.to_csv(HERE / "table.csv", index=False, float_format="%.6g")
    table["who"] = [f"trust {t:g}, rush {r:g}" for t, r in zip(table["first_trust"], table["notice_rush"], strict=True)]
    for name, file, says in (
        ("used_up", "figure.png", "requests refused because the pool was empty, %"),
        ("shortfall", "shortfall.png", "borrowers with a shortfall, % a month"),
    ):
        draw_lines(
            table,
            HERE / file,
            x="notice_months",
            y=f"{name}_rate",
            per="who",
            scale=100,
            xlabel="months between the notice and the cut",
            ylabel=says,
        )
    for name in ("zero_limit_rate", "blocked_rate", "used_up_rate", "shortfall_rate", "found_at_need", "net_income"):
        print(name, table.pivot(index="who", columns="notice_months", values=name), sep="\n")
