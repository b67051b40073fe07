"""Where does the zero-limit rate tip? README.md has the finding."""

from pathlib import Path

import zerolimit
from zerolimit.basics.errors import in_one_line
from zerolimit.study.figures import draw_lines

HERE = Path(__file__).parent

if __name__ == "__main__":
    with in_one_line():
        results = zerolimit.study(HERE)
    table = results.by(["base_tightness", "pool_share"])
    table.to_csv(HERE / "table.csv", index=False, float_format="%.6g")
    for name, file, says, who in (
        ("blocked", "figure.png", "blocked after repayment", "at risk"),
        ("zero_limit", "zero.png", "zero limits", "with a line"),
    ):
        draw_lines(
            table,
            HERE / file,
            x="pool_share",
            y=f"{name}_rate",
            per="base_tightness",
            scale=100,
            xlabel="pool, share of the sum of first lines",
            ylabel=f"{says}, % of on-time payers {who}, a month",
            labels={value: f"tightness {value:g}" for value in table["base_tightness"]},
        )
        print(table.pivot(index="base_tightness", columns="pool_share", values=f"{name}_rate").mul(100).round(2))
