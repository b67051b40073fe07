"""A run's folder: written whole or not at all (whole.py), held against its manifest, read back as pandas frames."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit import __version__
from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, refuse_others
from zerolimit.basics.files import path_of
from zerolimit.basics.sources import HOME, source_hash
from zerolimit.basics.terminal import tell
from zerolimit.basics.wording import number_of
from zerolimit.results import digest
from zerolimit.results.counted import Counted
from zerolimit.results.parquet import write_parquet
from zerolimit.results.tables import FILES, Tables, tables_of
from zerolimit.results.whole import MANIFEST, PROVENANCE, read_manifest, recover, whole_folder
from zerolimit.rules.rule import Rule, fingerprint

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    import pandas as pd
    from matplotlib.axes import Axes

    from zerolimit.parameters.scenario import Scenario
    from zerolimit.platform.network import Network
    from zerolimit.results.lazy import Lazy
    from zerolimit.results.panel import Panel
    from zerolimit.run.simulation import Simulation

SCENARIO, FIGURE = "scenario.toml", "summary.png"
MONTHLY, PLATFORM_FILE, EPISODES = "monthly.parquet", "platform.parquet", "episodes.parquet"
PORTFOLIO, NETWORK = "portfolio.parquet", "network.parquet"
LIBRARIES = ("networkx", "numpy", "numba", "pandas", "pyarrow")
"""The package's own folder."""


Draw = Callable[[Tables, "Scenario", Path], None]


# writing


def save(
    simulation: Simulation,
    folder: Path | str,
    *,
    panel: Panel | None = None,
    command: Sequence[str] = (),
    started: datetime | None = None,
    seconds: float | None = None,
    force: bool = False,
    figure: Draw | None = None,
) -> Path:
    """Write a run's folder: into a hidden folder beside it, to the disk, then renamed into place.

    `figure` draws summary.png; without it the project's own is drawn (results/figures.py). A figure that cannot be drawn
    is told of, and everything else is kept.
    """
    with whole_folder(folder, force=force) as whole:
        if panel is not None and len(panel.rows) and panel.batches:
            panel.save(whole)
        fill(whole, simulation, provenance(simulation, command, started, seconds, panel), figure)
    return Path(folder)


def fill(folder: Path, simulation: Simulation, record: dict[str, Any], figure: Draw | None = None) -> None:
    """All of a run's files but its panel, into a folder that whole_folder has given."""
    from zerolimit.results.drawing import draw_if_possible
    from zerolimit.results.figures import draw_summary

    tables = tables_of(simulation)
    scenario = simulation.first_scenario
    if (ties := simulation.ties) is not None and ties.source is not None:
        import pyarrow.parquet as pq

        pq.write_table(ties.source.table(ties.edges()), folder / NETWORK, compression="zstd")
        scenario = scenario.change(network_file=NETWORK)
    (folder / SCENARIO).write_text(scenario.toml(), encoding="utf-8")
    (folder / PROVENANCE).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in ("monthly", "platform", "episodes"):
        write_parquet(folder / f"{name}.parquet", getattr(tables, name), FILES[name]())
    if simulation.portfolio is not None:
        import pyarrow.parquet as pq

        pq.write_table(simulation.portfolio.table, folder / PORTFOLIO, compression="zstd")
    draw = figure or draw_summary
    draw_if_possible(lambda file: draw(tables, simulation.scenario, file), folder / FIGURE)


# provenance


def provenance(
    simulation: Simulation,
    command: Sequence[str] = (),
    started: datetime | None = None,
    seconds: float | None = None,
    panel: Panel | None = None,
) -> dict[str, Any]:
    """Where a run comes from: versions, seed, sources, times, and what was changed on the way."""
    ended = datetime.now(UTC)
    return {
        **versions(),
        "seed": simulation.seed,
        "engine": simulation.engine.name,
        "scenario": simulation.first_scenario.name,
        "scenario_hash": simulation.first_scenario.digest(),
        "command": list(command),
        "started": (started or ended).isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "seconds": None if seconds is None else round(seconds, 3),
        "months": simulation.month,
        "burn_in": simulation.burn_in,
        "borrowers": simulation.size,
        "panel": "none" if panel is None else panel.what,
        "rules": {rule.name: rule_hash(rule) for rule in simulation.user_rules},
        "in_python": sorted(simulation.engine.overrides),
        "changes": [_plain(change) for change in simulation.changes],
        "manifest": MANIFEST,
        "portfolio": _of_portfolio(simulation),
        "network": _of_network(simulation.ties),
    }


def versions() -> dict[str, Any]:
    """The code that made a result: versions, hash of the sources, commit and whether they differ from it."""
    libraries = {name: _version(name) for name in LIBRARIES}
    code = {"source_hash": source_hash(), **git_state(HOME)}
    return {"zerolimit": __version__, "python": sys.version.split()[0], **libraries, **code}


def write_study(folder: Path, scenarios: Mapping[str, Scenario], **facts: Any) -> None:
    """What a study came from, beside its tables: each scenario as TOML, and provenance.json."""
    for name, scenario in scenarios.items():
        (folder / f"{name}.toml").write_text(scenario.toml(), encoding="utf-8")
    record = {**versions(), **_plain(facts), "ended": datetime.now(UTC).isoformat(timespec="seconds")}
    (folder / PROVENANCE).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def rule_hash(rule: Rule) -> str:
    """What identifies a user-defined rule in provenance.json."""
    return fingerprint(rule.function)[:16]


def _of_portfolio(simulation: Simulation) -> dict[str, Any] | None:
    portfolio: Any = simulation.portfolio
    if portfolio is None:
        return None
    return {
        **_plain(dataclasses.asdict(portfolio.source)),
        "clients": portfolio.size,
        "drawn": list(portfolio.drawn),
        "notes": list(portfolio.told(simulation.first_scenario.minimum_loan)),
        "statement": _plain(portfolio.statement.plain()),
    }


def _of_network(ties: Network | None) -> dict[str, Any] | None:
    if ties is None or ties.source is None:
        return None
    return {"name": ties.source.name, "sha256": ties.source.sha256, "ties": len(ties.edges()[0])}


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return value if isinstance(value, int | float | bool | None) else str(value)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def git_state(home: Path) -> dict[str, Any]:
    """The commit that a folder's package stands at, and whether anything in it is not committed; none outside a checkout."""
    ask = ["git", "--no-optional-locks", "-C", str(home)]
    tracked = _answer([*ask, "ls-files", "--error-unmatch", "__init__.py"])
    told = tracked and _answer([*ask, "status", "--porcelain=v2", "--branch", "--", "."])
    lines = (told or "").splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), None)
    dirty = None if commit is None else any(not line.startswith("#") for line in lines)
    return {"git_commit": commit, "git_dirty": dirty}


def _answer(command: Sequence[str]) -> str | None:
    """What a command prints; none where it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout


# reading


def load_run(folder: Path | str) -> Run:
    """A run's folder, or the zip of one, opened. What was written before folders had a manifest is said to be unverified."""
    home = path_of(folder)
    if home.is_file():
        return load_zip(home)
    if not home.is_dir():
        recover(home)
    if not home.is_dir():
        raise BadInput(f"{folder}: no such run folder")
    lacking = [name for name in (PROVENANCE, SCENARIO, MONTHLY) if not (home / name).is_file()]
    if lacking:
        raise BadInput(f"{folder}: is not a run folder: {lacking[0]} is missing")
    run = Run(home)
    if run.digests is None:
        if run.provenance.get("manifest") is not None:
            raise digest.Damaged(f"{folder}: {MANIFEST} is missing; without it nothing can be said of the other files")
        if home.resolve() not in _told:
            _told.add(home.resolve())
            tell(f"{folder}: unverified: it was written before run folders had a {MANIFEST}")
    return run


def load_zip(path: Path) -> Run:
    """A run's folder out of a zip, every file held against the manifest; what was unpacked goes with the run's last name."""
    from zerolimit.results.parcel import unpacked

    room = unpacked(path)
    try:
        run = load_run(Path(room.name))
        if run.digests is not None:
            run.verify()
    except BadInput as error:
        raise type(error)(str(error).replace(room.name, str(path))) from None
    run.named, run.room = str(path), room
    return run


_told: set[Path] = set()
"""Folders that were said to be unverified."""


@public
class Run(Counted):
    """What a run left. Money in fen, months from 0. Each file is held against the manifest when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.named = str(folder)
        """What was opened: the folder, or its zip."""
        self.room: TemporaryDirectory[str] | None = None
        """Where a zip is unpacked."""
        self.digests = read_manifest(folder)
        """SHA-256 of each file, by name; none where the folder was written before there was a manifest."""

    def _in_short(self) -> str:
        told = self.provenance
        sizes = ((told.get("borrowers"), "borrower"), (told.get("months"), "month"))
        counts = [number_of(n, noun) if isinstance(n, int) else f"{noun}s unknown" for n, noun in sizes]
        return f"run {self.named}: {', '.join([str(told.get('scenario')), *counts])}"

    def plot(self, what: str = "reasons", ax: Axes | None = None) -> Axes:
        """A panel of the summary: reasons, blocked, groups, pool, accounts or trust. On `ax`, or new axes."""
        from zerolimit.results.figures import plot_run

        frames = self.monthly, self.platform
        monthly, platform = ({str(name): column.to_numpy() for name, column in one.items()} for one in frames)
        months = platform["month"]
        return plot_run(Tables(monthly, platform, {}, len(months), int(months[0]) if len(months) else 0), what, ax)

    @cached_property
    def scenario(self) -> Scenario:
        """Every parameter, as resolved."""
        from zerolimit.parameters.scenario import stored_scenario

        if self._has(NETWORK):
            self.checked(NETWORK)
        return stored_scenario(self.checked(SCENARIO))

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Versions, seed, sources, times, changes."""
        try:
            found = json.loads(self._bytes(PROVENANCE))
        except ValueError as error:
            if isinstance(error, BadInput):
                raise
            found = None
        if not isinstance(found, dict):
            raise BadInput(f"{self.folder / PROVENANCE}: cannot be read as JSON")
        return found

    @cached_property
    def monthly(self) -> pd.DataFrame:
        """Counts and sums, one row per month, segment and first income decile."""
        return self._read(MONTHLY)

    @cached_property
    def platform(self) -> pd.DataFrame:
        """The platform's row of every month."""
        return self._read(PLATFORM_FILE)

    @cached_property
    def episodes(self) -> pd.DataFrame:
        """One row per event, with its end or censored."""
        return self._read(EPISODES)

    @cached_property
    def panel(self) -> pd.DataFrame | Lazy:
        """A row per month and borrower kept: state at the month's end, and what the month counted of him.

        Beyond 10,000,000 rows it is a lazy table of the same columns (`frame(columns)`, `arrow(columns)`, `sql(query)`).
        """
        return self.frame("panel")

    def frame(self, name: str = "panel", columns: Iterable[str] | None = None, *, vacant: bool = False) -> Any:
        """A table in pandas: monthly, platform, episodes or panel; some of its columns, or all.

        `vacant` takes the panel's rows of slots that nobody had in a month, too.
        """
        from zerolimit.results.frames import chosen, of_panel

        refuse_others("frame", name, FILES)
        if name == "panel":
            return of_panel(self._panel(), columns, vacant=vacant)
        return chosen(getattr(self, name), columns)

    def _panel(self) -> Lazy:
        import pyarrow.dataset as ds

        from zerolimit.results.lazy import Lazy, by_month
        from zerolimit.results.panel import panel_files

        files = panel_files(self.digests if self.digests is not None else (one.name for one in self.folder.iterdir()))
        if not files:
            raise BadInput(f"{self.named}: the run kept no panel; run it with --panel all or sample=N")
        with self._readable(files[0]):
            parts = [ds.dataset(self.checked(name)) for name in files]
            return Lazy(parts[0] if len(parts) == 1 else by_month(parts))

    def verify(self) -> None:
        """Hold every file against the manifest. BadInput names the first that is damaged or missing."""
        if self.digests is None:
            raise BadInput(f"{self.folder}: cannot be verified: it was written before run folders had a {MANIFEST}")
        read_manifest(self.folder)
        for name in self.digests:
            self.checked(name)

    def checked(self, name: str) -> Path:
        """The path of a file, for other readers. BadInput where it is missing, or not as it was written."""
        path = self.folder / name
        if not path.is_file():
            raise digest.Damaged(f"{self.folder}: {name} is missing")
        if self.digests is not None and digest.file_digest(path) != self._digest(name):
            raise digest.Damaged(f"{path}: is damaged: its bytes are not those that were written")
        return path

    def _digest(self, name: str) -> str:
        if self.digests is None or name not in self.digests:
            raise digest.Damaged(f"{self.folder / name}: is not in {MANIFEST}: it is not of this run")
        return self.digests[name]

    def _has(self, name: str) -> bool:
        return name in self.digests if self.digests is not None else (self.folder / name).is_file()

    def _bytes(self, name: str) -> bytes:
        path = self.folder / name
        return digest.verified(path, self._digest(name)) if self.digests is not None else path.read_bytes()

    def _read(self, name: str) -> pd.DataFrame:
        import pyarrow.parquet as pq

        from zerolimit.results.frames import wide

        if not (self.folder / name).exists():
            raise BadInput(f"{self.folder}: {name} is missing")
        with self._readable(name):
            return wide(pq.read_table(io.BytesIO(self._bytes(name))))

    @contextmanager
    def _readable(self, name: str) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise BadInput(f"{self.folder / name}: cannot be read: {str(error).splitlines()[0]}") from None
