"""Which strategy protects one borrower, and does it when all follow it? README.md has the finding."""

from pathlib import Path

import numpy as np
import pandas as pd

import zerolimit
from zerolimit.basics.errors import in_one_line
from zerolimit.study.figures import draw_bars
from zerolimit.vocabulary.names import BLOCKED, LEFT, STRATEGIES, ZERO_LIMIT

HERE = Path(__file__).parent


def by_strategy(simulation: zerolimit.Simulation) -> dict[str, float]:
    """Of the first borrowers who are still there, by the strategy they follow: how many, and how many met an event."""
    here = (simulation.column("generation") == 0) & (simulation.column("status") != LEFT)
    found: dict[str, float] = {}
    for code, name in enumerate(STRATEGIES):
        follows = here & (simulation.column("strategy") == code)
        found[f"{name}_borrowers"] = float(follows.sum())
        for kind, word in ((ZERO_LIMIT, "zero"), (BLOCKED, "blocked")):
            met = [one["borrower"][(one["kind"] == kind) & (one["generation"] == 0)] for one in simulation.episodes.starts]
            found[f"{name}_{word}"] = float(follows[np.unique(np.concatenate(met))].sum()) if met else 0.0
    return found


if __name__ == "__main__":
    with in_one_line():
        results = zerolimit.study(HERE, measure=by_strategy)
    sums = results.table().groupby("adopt").sum(numeric_only=True)
    rows = []
    for name in STRATEGIES:
        of_all = sums.filter(regex="_(borrowers|zero|blocked)$").loc[name]
        row = {"strategy": name}
        for word in ("zero", "blocked"):
            row[f"one_{word}"] = sums.loc["own", f"{name}_{word}"] / sums.loc["own", f"{name}_borrowers"]
            whole = [sum(of_all[f"{one}_{kind}"] for one in STRATEGIES) for kind in (word, "borrowers")]
            row[f"all_{word}"] = whole[0] / whole[1]
        rows.append(row)
    table = pd.DataFrame(rows)
    table.to_csv(HERE / "table.csv", index=False, float_format="%.6g")
    draw_bars(
        table,
        HERE / "figure.png",
        name="strategy",
        panels={
            "one_zero": ("one in ten follows it:\nzero limit in 36 months, %", 100),
            "all_zero": ("all follow it:\nzero limit in 36 months, %", 100),
            "one_blocked": ("one in ten follows it:\nblocked in 36 months, %", 100),
            "all_blocked": ("all follow it:\nblocked in 36 months, %", 100),
        },
    )
    print(table.round(4).to_string(index=False))
