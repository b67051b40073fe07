"""When does notice help? README.md has the finding."""

from pathlib import Path

import zerolimit
from zerolimit.basics.errors import in_one_line
from zerolimit.study.figures import draw_lines

HERE = Path(__file__).parent
PER = ["first_trust", "notice_rush"]

if __name__ == "__main__":
    with in_one_line():
        results = zerolimit.study(HERE)
    table = results.by([*PER, "notice_months"])
    table.to_csv(HERE / "table.csv", index=False, float_format="%.6g")
    labels = {0.0: "nobody rushes", 0.3: "3 of 10 told draw all", 0.9: "9 of 10 told draw all"}
    draw_lines(
        table[table["first_trust"] == 0.8],
        HERE / "rush.png",
        x="notice_months",
        y="used_up_rate",
        per="notice_rush",
        scale=100,
        xlabel="months between the notice and the cut",
        ylabel="requests refused because the pool was empty, %",
        labels=labels,
    )
    effect = results.effect("shortfall", "notice_months", 0, per=PER).rename(
        columns={"effect": "shortfall_rate", "low": "shortfall_low", "high": "shortfall_high"}
    )
    draw_lines(
        effect[effect["first_trust"] == 0.8],
        HERE / "figure.png",
        x="notice_months",
        y="shortfall_rate",
        per="notice_rush",
        scale=100,
        xlabel="months between the notice and the cut",
        ylabel="borrowers with a shortfall, points of % a month against no notice",
        labels=labels,
    )
    print(effect.pivot(index=PER, columns="notice_months", values="shortfall_rate").mul(100).round(3))
    for name in ("zero_limit_rate", "blocked_rate", "used_up_rate", "late_30_rate"):
        print(name, table.pivot(index=PER, columns="notice_months", values=name).mul(100).round(2), sep="\n")
