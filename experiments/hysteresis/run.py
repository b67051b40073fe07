"""Does it matter from where a pool came? README.md has the finding."""

from pathlib import Path

import zerolimit
from zerolimit.basics.errors import in_one_line
from zerolimit.study.figures import draw_lines

HERE = Path(__file__).parent

if __name__ == "__main__":
    with in_one_line():
        results = zerolimit.study(HERE)
    table = results.by(["pool_share", "pool_share@24"])
    table.to_csv(HERE / "table.csv", index=False, float_format="%.6g")
    draw_lines(
        table,
        HERE / "figure.png",
        x="pool_share@24",
        y="usable_rate",
        per="pool_share",
        scale=100,
        xlabel="pool from month 24 on, share of the sum of first lines",
        ylabel="accounts current with a usable line, months 36 to 59, %",
        labels={0.15: "from a small pool (0.15) up", 0.5: "from a large pool (0.5) down"},
    )
    print(
        table.pivot(index="pool_share@24", columns="pool_share", values=["zero_limit_rate", "usable_rate"]).mul(100).round(3)
    )
