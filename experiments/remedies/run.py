"""What does each remedy buy, per yuan? README.md has the finding."""

from pathlib import Path

import zerolimit
from zerolimit.errors import in_one_line
from zerolimit.study.figures import draw_bars

HERE = Path(__file__).parent
COSTS = ["reason_costs", "warning_costs", "notice_costs", "appeal_costs"]

if __name__ == "__main__":
    with in_one_line():
        results = zerolimit.study(HERE)
    table = results.by(["point", "name"])
    runs = results.table(["zero_limit"]).groupby("point")["months"].agg(["size", "first"]).prod(axis=1)
    table["cost"] = table[COSTS].sum(axis=1) / 100
    table["shortfall_yuan"] = table["sum_shortfall"] / 100 / table["point"].map(runs)
    table["avoided_per_yuan"] = (table["shortfall_yuan"].iloc[0] - table["shortfall_yuan"]) / table["cost"]
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
