"""What does each remedy buy, per yuan? README.md has the finding."""

from pathlib import Path

import zerolimit
from zerolimit.basics.errors import in_one_line
from zerolimit.study.figures import draw_bars
from zerolimit.study.intervals import fieller

HERE = Path(__file__).parent
AVOIDED = ["avoided_per_yuan", "avoided_low", "avoided_high"]
COSTS = ["reason_costs", "warning_costs", "notice_costs", "appeal_costs"]

if __name__ == "__main__":
    with in_one_line():
        results = zerolimit.study(HERE)
    table = results.by(["point", "name"])
    runs = results.table(["zero_limit"]).groupby("point")["months"].agg(["size", "first"]).prod(axis=1)
    table["cost"] = table[COSTS].sum(axis=1) / 100
    table["shortfall_yuan"] = table["sum_shortfall"] / 100 / table["point"].map(runs)
    each = results.by(["name", "replication"])
    each["cost"] = each[COSTS].sum(axis=1)
    sums = each.pivot(index="replication", columns="name", values=["sum_shortfall", "cost"])
    months = results.table(["zero_limit"])["months"].iloc[0]
    for name in table["name"].iloc[1:]:
        avoided = (sums["sum_shortfall", "none"] - sums["sum_shortfall", name]) / months
        ratio = fieller(avoided, sums["cost", name])
        table.loc[table["name"] == name, AVOIDED] = ratio.mean, ratio.low, ratio.high
    table["profit"] = table["net_income"] / 100
    table.to_csv(HERE / "table.csv", index=False, float_format="%.6g")
    draw_bars(
        table,
        HERE / "figure.png",
        name="name",
        panels={
            "zero_limit_rate": ("zero limits, % a month", 100),
            "blocked_rate": ("blocked, % a month", 100),
            "found_at_need": ("cuts found at need, all runs", 1),
            "shortfall_rate": ("with a shortfall, % a month", 100),
            "cost": ("cost of remedies, yuan a month", 1),
        },
    )
    print(table.round(4).T.to_string())
    print(results.effect("shortfall", "name", "none").round(5))
