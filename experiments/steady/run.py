"""Does a market stay as it is? Some scenarios, so many seeds and years, and what changes from years 3-4 to years 9-10.

    python experiments/steady/run.py [SCENARIO ...] [--set NAME=VALUE ...] [--seeds N] [--first-seed N] [--years N]

A scenario is a preset or a TOML file; without one, steady.toml beside this file. Years are counted from month 0, so after
the scenario's warm-up. Prints a table; writes nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from zerolimit import load_scenario
from zerolimit.basics.errors import in_one_line
from zerolimit.parameters.scenario import Scenario, parse_setting
from zerolimit.rules.caps import REASONS
from zerolimit.run.batch import Batch
from zerolimit.vocabulary.names import LEFT, REAPPLY

HERE = Path(__file__).parent
EARLY, LATE = (2, 4), (8, 10)
"""Years compared, from and before which."""
SHARES = ("without a line", "pool use")
SIZES = ("trust", "age of accounts", "newcomers")
LEVEL = 0.9
ORDINARY = -0.2
"""Mean macro index of a year above which the pool must hold somebody back."""


def months_of(scenario: Scenario, seeds: int, months: int, first: int = 1) -> pd.DataFrame:
    """A row a seed and month of what is looked at."""
    batch = Batch.begin([(scenario, seed) for seed in range(first, first + seeds)], engine="compiled")
    rows: list[dict[str, Any]] = []

    def look(batch: Batch) -> None:
        for number, one in batch.worlds.items():
            status, limit, tenure = (one.engine.raw(name, one.month) for name in ("status", "limit", "tenure"))
            here, now = status != LEFT, one.history[-1]
            wanted, contends, review = (one.engine.raw(name, one.month) for name in ("wanted", "contends", "review"))
            held = (contends > 0) & (review < int(REAPPLY)) & (limit < wanted)
            counts = {name: int(cells.sum()) for name, cells in now.counts.items() if name.startswith("zero_by_")}
            rows.append(
                {
                    "seed": first + number,
                    "month": now.month,
                    "accounts": int(here.sum()),
                    "without a line": (here & (limit == 0)).sum() / here.sum(),
                    "pool use": now.platform["principal"] / now.platform["pool"],
                    "trust": one.column("trust")[here].mean(),
                    "age of accounts": tenure[here].mean(),
                    "newcomers": int(now.counts["admitted"].sum()),
                    "macro": now.platform["macro"],
                    "held": np.packbits(held),
                    **counts,
                }
            )
        for one in batch.worlds.values():
            one.history.clear()
            one.episodes.starts.clear()
            one.episodes.ends.clear()

    batch.run(months, look)
    for number, error in batch.failures.items():
        raise RuntimeError(f"seed {first + number}") from error
    batch.close()
    return pd.DataFrame(rows)


def changes_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each quantity the mean, and how it changes from the early years to the late ones, with the interval of that."""
    year = rows.month // 12
    found = []
    for name in (*SHARES, *SIZES):
        early, late = (rows[(year >= first) & (year < after)].groupby("seed")[name].mean() for first, after in (EARLY, LATE))
        mean = float(pd.concat([early, late]).mean())
        unit = 0.01 if name in SHARES else mean / 100
        change = (late - early) / unit
        half = float(t.ppf((1 + LEVEL) / 2, len(change) - 1) * change.std(ddof=1) / np.sqrt(len(change)))
        low, high = change.mean() - half, change.mean() + half
        most = 1.0 if name in SHARES else 5.0
        found.append(
            {
                "what": name,
                "mean": mean,
                "change": change.mean(),
                "low": low,
                "high": high,
                "seeds 5 %": change.quantile(0.05),
                "seeds 95 %": change.quantile(0.95),
                "unit": "points" if name in SHARES else "% of mean",
                "steady": -most <= low and high <= most,
            }
        )
    return pd.DataFrame(found).set_index("what")


def reasons_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Shares of zero limits by reason in the early years and in the late ones, over all seeds."""
    year = rows.month // 12
    found = {}
    for word, (first, after) in (("early", EARLY), ("late", LATE)):
        sums = rows[(year >= first) & (year < after)][[f"zero_by_{one}" for one in REASONS]].sum()
        found[word] = sums / max(1, sums.sum())
    table = pd.DataFrame(found)
    table.index = list(REASONS)
    table["points"] = 100 * (table.late - table.early)
    return table[(table.early > 0.001) | (table.late > 0.001)]


def held_back(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a seed and year: the macro index, and the share of accounts of whom the pool withheld something in it."""
    found = []
    for (seed, year), some in rows.groupby(["seed", rows.month // 12]):
        ever = np.bitwise_or.reduce(np.stack(some.held.tolist()))
        share = np.unpackbits(ever).sum() / some.accounts.mean()
        found.append({"seed": seed, "year": year + 1, "macro": some.macro.mean(), "held back": share})
    return pd.DataFrame(found)


def tell(name: str, rows: pd.DataFrame) -> None:
    """Print what was found of a scenario."""
    print(f"\n{name}: {rows.seed.nunique()} seeds, {rows.month.max() + 1} months, {rows.accounts.mean():.0f} accounts")
    print(changes_of(rows).round(3).to_string())
    print(reasons_of(rows).round(3).to_string())
    held = held_back(rows)
    ordinary = held[(held.macro > ORDINARY) & (held.year >= 3) & (held.year <= 10)]
    least, low = ordinary["held back"].min(), (ordinary["held back"] < 0.01).sum()
    told = f"mean {ordinary['held back'].mean():.1%}, least {least:.1%}, below 1 % in {low} of {len(ordinary)}"
    print(f"held back by the pool, years 3 to 10 with a macro index above {ORDINARY:g}: {told}")
    by_year = rows.groupby(rows.month // 12)[[*SHARES, *SIZES]].mean()
    by_year.newcomers *= 12
    by_year["held back"] = held.groupby("year")["held back"].mean().to_numpy()
    print(by_year.round(3).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description="What changes in a market from years 3-4 to years 9-10.")
    parser.add_argument("scenario", nargs="*", default=[str(HERE / "steady.toml")])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--years", type=int, default=11)
    parser.add_argument("--borrowers", type=int, default=5_000)
    given = parser.parse_args()
    with in_one_line():
        for name in given.scenario:
            changes = {"borrowers": given.borrowers, **dict(map(parse_setting, given.set))}
            tell(name, months_of(load_scenario(name, **changes), given.seeds, 12 * given.years, given.first_seed))


if __name__ == "__main__":
    main()
