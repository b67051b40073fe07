"""Which parameters matter? README.md has the finding."""

from pathlib import Path

import zerolimit
from zerolimit.basics.errors import in_one_line
from zerolimit.study.sensitivity import draw_sobol

HERE = Path(__file__).parent

if __name__ == "__main__":
    with in_one_line():
        results = zerolimit.study(HERE)
    table = results.sobol("zero_limit_rate")
    table.to_csv(HERE / "table.csv", index=False, float_format="%.4g")
    draw_sobol(table, HERE / "figure.png", outcome="the zero-limit rate")
    print(table.round(3))
