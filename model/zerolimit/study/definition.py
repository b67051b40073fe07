"""A study: what is run, how often, and what is kept. Read from study.toml and checked whole before anything runs.

The scenario's declaration is the one source of parameters' names, bounds and units (parameters/declarations.py); what can
be kept is what runs count (results/).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.files import is_file, path_of
from zerolimit.engine.registry import names
from zerolimit.parameters.scenario import Scenario, load_scenario, not_reached, presets, read_toml
from zerolimit.portfolio.options import Reading, refuse_warm_up
from zerolimit.results.columns import BY, PLATFORM, monthly_meanings, parts_of
from zerolimit.rules.rule import fingerprint
from zerolimit.study.code import code_hash
from zerolimit.study.design import DESIGNS, Design, Point, cautions, make_design, neat, parse_factor, parse_key, plain, split
from zerolimit.study.identity import DEFAULTS, Placed, differing, frame_hash, hashed, laid_out, run_hash, seed_of, world_hash
from zerolimit.study.measures import RUN_MEASURES
from zerolimit.study.worker import Clients, Job, Measure, Task, file_hash, rule_in
from zerolimit.vocabulary.cells import CELLS_PER_SEGMENT
from zerolimit.vocabulary.names import BURN_IN, MOST_MONTHS, SEGMENTS
from zerolimit.vocabulary.outcomes import RATES

STUDY_FILE = "study.toml"
MOST_SEED = 2**63
MOST_RUNS = 10_000_000
"""Runs of a study, at most."""


class Settings(BaseModel):
    """What a study file may say."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str | None = Field(None, min_length=1, max_length=100, description="name; without it, the folder's")
    question: str = Field("", max_length=2000, description="what is asked, in a sentence")
    scenario: str = Field("baseline", description="a preset, or a scenario file beside the study file")
    borrowers: int | None = Field(None, ge=1, description="borrowers; without it, the scenario's")
    portfolio: str | dict[str, Any] | None = Field(
        None,
        description="real clients in place of a drawn population: a file, or uci; as a table, `file` and options of reading",
    )
    months: int = Field(36, ge=1, le=MOST_MONTHS, description="months of a run")
    burn_in: int = Field(0, ge=0, le=MOST_MONTHS, description=BURN_IN)
    replications: int = Field(1, ge=1, le=1_000_000, description="runs of each point, with different seeds")
    seed: int = Field(1, ge=0, lt=MOST_SEED, description="seed of the first replication; the next ones follow")
    paired: bool = Field(True, description="points share the seeds, so the draws, of their replications")
    rules: tuple[str, ...] = Field(
        (), description="user-defined rules: FILE.py:NAME, the file beside the study file; code, which is run"
    )
    engine: Literal[names()] = Field("auto", description="engine of the runs; all give the same")  # type: ignore[valid-type]
    outcomes: tuple[str, ...] = Field((), max_length=200, description="rates, counts, platform columns, measures to keep")
    by: tuple[Literal[BY], ...] = Field((), description="kept apart by month, segment, decile")  # type: ignore[valid-type]
    design: Literal[tuple(DESIGNS)] = Field("grid", description="how points are chosen")  # type: ignore[valid-type]
    samples: int | None = Field(None, ge=1, description="size of a sampled design")
    design_seed: int = Field(1, ge=0, lt=2**32, description="seed of a sampled design")
    set: dict[str, Any] = Field(default_factory=dict, description="parameters on top of the scenario, or from NAME@MONTH on")
    vary: dict[str, Any] = Field(default_factory=dict, description="what varies: levels, or from, to, steps, scale")
    points: tuple[dict[str, Any], ...] = Field((), description="the points of the design list")


GROWS = ("replications", "seed", "paired", "design", "factors", "points", "points_hash")
"""What --extend may change: the design. All else is the identity, or the code."""
FRAME = ("defaults", "portfolio", "rules", "months", "burn_in", "by", "outcomes", "measure")
DEFAULT_OUTCOMES = (*RATES, "net_income", "principal", "pool")


@dataclass(frozen=True)
class Study:
    """A checked study."""

    settings: Settings
    name: str
    scenario: Scenario
    later: Mapping[int, Point]
    """Changes at later months that all points share."""
    design: Design
    points: tuple[Point, ...]
    """The design's points as the scenario holds their values."""
    worlds: tuple[str, ...]
    """Hash of each point's world (identity.py)."""
    ties: str | None = None
    """Hash of the scenario's file of ties."""
    portfolio: Clients | None = None
    """The clients' file, its hash, and how it is read."""
    rule_files: tuple[tuple[str, str], ...] = ()
    """File and name of each user-defined rule. The files are code; `rules` runs them."""
    measure: Measure | None = None

    def __repr__(self) -> str:
        return f"<study {self.name}: {len(self.points):,} points x {self.settings.replications} replications>"

    @cached_property
    def kept(self) -> Kept:
        """The columns to keep."""
        return kept_columns(self.settings.outcomes or DEFAULT_OUTCOMES, "outcomes")

    @cached_property
    def rules(self) -> tuple[tuple[str, str, str], ...]:
        """File, name and hash of each user-defined rule. Runs their files."""
        return tuple((path, name, fingerprint(rule_in(path, name).function)) for path, name in self.rule_files)

    @cached_property
    def known(self) -> dict[str, Any]:
        """Of `declared`, all but the rules: what can be said without running any code of the study's."""
        s = self.settings
        values = json.dumps([[plain(one) for one in point.values()] for point in self.points])
        return {
            "defaults": DEFAULTS,
            "scenario": differing(self.scenario),
            "network_file": self.ties,
            "set": {str(month): values for month, values in self.later.items()},
            "portfolio": self.portfolio and self.portfolio.identity,
            "months": s.months,
            "burn_in": s.burn_in,
            "by": [name for name in BY if name in s.by],
            "outcomes": sorted(self.kept.all),
            "measure": None if self.measure is None else f"{self.measure.__qualname__} {fingerprint(self.measure)[:16]}",
            "replications": s.replications,
            "seed": s.seed,
            "paired": s.paired,
            "design": s.design,
            "factors": list(self.design.keys),
            "points": len(self.points),
            "points_hash": hashlib.sha256(values.encode()).hexdigest()[:16],
            "code": code_hash()[:16],
        }

    @cached_property
    def declared(self) -> dict[str, Any]:
        """All that a folder of results holds a study to: the identity, the design and the code."""
        return {**self.known, "rules": [f"{name} {known[:16]}" for _, name, known in self.rules]}

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What all runs of the study share; the design may grow beside it."""
        return {word: value for word, value in self.declared.items() if word not in (*GROWS, "code")}

    @cached_property
    def digest(self) -> str:
        """Hash of the identity."""
        return hashed(self.identity)

    @cached_property
    def frame(self) -> str:
        """Hash of what all runs share beside their worlds (identity.py)."""
        return frame_hash({word: self.identity[word] for word in FRAME})

    @property
    def cautions(self) -> list[str]:
        """What a person should know before running it, in lines."""
        s = self.settings
        return [*not_reached(self.scenario, s.months), *cautions(s.design, s.samples)]

    def run_hash(self, point: int, replication: int) -> str:
        """The name of a run: equal for points that are equal."""
        s = self.settings
        seed = seed_of(s.seed, replication, paired=s.paired, values=self.values[point])
        return run_hash(self.frame, self.worlds[point], seed)

    @cached_property
    def values(self) -> list[Point]:
        """The points as a table holds their values."""
        return [{key: plain(value) for key, value in point.items()} for point in self.points]

    def placed(self) -> Iterator[Placed]:
        """Every run once, and where it stands."""
        s = self.settings
        return laid_out(self.frame, self.worlds, self.values, seed=s.seed, replications=s.replications, paired=s.paired)

    @property
    def rows(self) -> int:
        """Rows that a run leaves."""
        s = self.settings
        sizes = {"month": s.months - s.burn_in, "segment": len(SEGMENTS), "decile": CELLS_PER_SEGMENT}
        return math.prod(sizes[name] for name in BY if name in s.by)

    def job(self) -> Job:
        """What all runs have in common."""
        s = self.settings
        return Job(
            scenario=self.scenario,
            later=dict(self.later),
            months=s.months,
            burn_in=s.burn_in,
            by=tuple(s.by),
            counts=self.kept.counts,
            platform=self.kept.platform,
            measures=self.kept.measures,
            measure=self.measure,
            portfolio=self.portfolio,
            rules=self.rules,
            engine=s.engine,
            source=code_hash(),
            ties=self.ties,
        )

    def tasks(self) -> Iterator[Task]:
        """Every run once, replication by replication, so that a study broken off has whole replications."""
        for one in self.placed():
            yield Task(one.run, one.point, one.replication, one.seed, self.points[one.point])


@dataclass(frozen=True)
class Kept:
    """The columns that a study keeps, by where they come from."""

    counts: tuple[str, ...]
    platform: tuple[str, ...]
    measures: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, in the order of a part's columns."""
        return (*self.counts, *self.platform, *self.measures)


def kept_columns(outcomes: Iterable[str], where: str) -> Kept:
    """What has to be kept for some outcomes: both sums of a rate; counts, platform columns and measures as they are."""
    counts = {name: unit for name, (unit, _) in monthly_meanings().items() if name not in BY}
    platform = [name for name in PLATFORM if name not in counts and name != "month"]
    found: dict[str, dict[str, None]] = {"counts": {}, "platform": {}, "measures": {}}
    for name in outcomes:
        if name not in RATES and name not in counts and name not in platform and name not in RUN_MEASURES:
            known = [*RATES, *counts, *platform, *RUN_MEASURES]
            raise BadInput(
                f"{where}: {name!r} is no rate, count, platform column (docs/results.md) or measure"
                f" ({', '.join(RUN_MEASURES)}){nearest(name, known)}"
            )
        if name in RATES:
            over, under = parts_of(name)
            found["counts"].update(dict.fromkeys([*over, *under]))
        if name in counts:
            found["counts"][name] = None
        if name in platform:
            found["platform"][name] = None
        if name in RUN_MEASURES:
            found["measures"][name] = None
    return Kept(*(tuple(found[kind]) for kind in ("counts", "platform", "measures")))


def rates_kept(columns: Iterable[str]) -> list[str]:
    """The rates whose sums are all among some columns."""
    there = set(columns)
    return [name for name in RATES if all(there.issuperset(part) for part in parts_of(name))]


# reading


def read_study(source: Any, *, measure: Measure | None = None, code: bool = True, **settings: Any) -> Study:
    """A study from its folder, its study.toml, or a mapping of the same words; keywords are set on top.

    `measure` is a function of a finished Simulation that gives names and numbers to keep beside the outcomes. The study's
    rule files are code. Reading runs none of it; without `code` a study that has any is refused.
    """
    study = _read_study(source, measure, settings)
    if study.rule_files and not code:
        raise BadInput(f"rules: {study.rule_files[0][0]} is code that the study would run, and --no-code refuses it")
    return study


def _read_study(source: Any, measure: Measure | None, settings: Mapping[str, Any]) -> Study:
    if isinstance(source, Study):
        if settings or measure is not None:
            raise BadInput("study: of a study that is made already nothing can be changed")
        return source
    if isinstance(source, Mapping):
        return checked({**source, **settings}, Path(), "study", str(settings.get("name", "study")), measure)
    if not isinstance(source, str | Path):
        raise BadInput(f"study: a folder, a TOML file or a mapping is needed, not {type(source).__name__}")
    path = path_of(source, "study")
    file = path / STUDY_FILE if path.is_dir() else path
    if not is_file(file, "study"):
        raise BadInput(f"{source}: {instead_of_a_study(path)}")
    name = file.stem if file.name != STUDY_FILE else file.resolve().parent.name
    return checked({**read_toml(file), **settings}, file.parent, str(file), name, measure)


def instead_of_a_study(path: Path) -> str:
    """What stands where a study was looked for, and what to do."""
    from zerolimit.results.whole import PROVENANCE
    from zerolimit.study.folder import Folder

    if (declared := Folder(path).declared()) is not None:
        return (
            f"holds results of the study {declared['name']}, not the study itself; name the study's folder or TOML file,"
            f" with --out {path} --resume to go on with it; --status {path} says how far it is"
        )
    found = "a run's folder, no study" if (path / PROVENANCE).is_file() else "no such study"
    return f"{found}; a TOML file or a folder with {STUDY_FILE} is needed"


def checked(given: Mapping[str, Any], home: Path, where: str, name: str, measure: Measure | None = None) -> Study:
    """A study whose every point has been checked against the scenario's declaration; BadInput otherwise."""
    for word in given:
        if word not in Settings.model_fields:
            hint = nearest(word, Settings.model_fields)
            if word in Scenario.model_fields:
                hint = "; a parameter of the scenario stands under [set] or [vary]"
            raise BadInput(f"{where}: unknown word {quoted(word)}{hint}")
    try:
        settings = Settings.model_validate(dict(given))
    except ValidationError as error:
        raise BadInput(f"{where}: {one_line(error.errors()[0])}") from None
    if settings.burn_in >= settings.months:
        raise BadInput(f"{where}: burn_in ({settings.burn_in}) must be below months ({settings.months})")
    if settings.design == "list" and settings.vary:
        raise BadInput(f"{where}: vary: the design list has points; leave it out")
    if settings.design != "list" and settings.points:
        raise BadInput(f"{where}: points: only with design = 'list'")
    base = scenario_of(settings, home)
    for key in settings.set:
        parse_key(key, f"{where}: set", settings.months)
        if key in settings.vary:
            raise BadInput(f"{where}: {key} stands under set and under vary; one is enough")
    if settings.borrowers is not None and settings.portfolio is not None:
        raise BadInput(f"{where}: borrowers: not with a portfolio, whose clients are the borrowers")
    fixed, later = split({key: tuple(v) if isinstance(v, list) else neat(v) for key, v in settings.set.items()})
    extra = {} if settings.borrowers is None else {"borrowers": settings.borrowers}
    base = in_place(f"{where}: set", lambda: base.change(**{**fixed, **extra}))
    if base.network_file is not None:
        beside = path_of(home / base.network_file, "network_file")
        ties = beside if is_file(beside, "network_file") else Path(base.network_file)
        base = base.change(network_file=str(ties.resolve()))
    hashes = TiesHashes()
    later = {month: of_scenario(values, f"{where}: set", base) for month, values in later.items()}
    factors = [parse_factor(key, given, where, settings.months) for key, given in settings.vary.items()]
    for number, point in enumerate(settings.points, 1):
        for key in point:
            parse_key(key, f"{where}: point {number}", settings.months)
    design = make_design(
        settings.design,
        factors,
        settings.points,
        base=base,
        samples=settings.samples,
        seed=settings.design_seed,
        where=where,
    )
    if len(design.points) * settings.replications > MOST_RUNS:
        runs = f"{len(design.points):,} points x {settings.replications:,} replications"
        raise BadInput(f"{where}: replications: {runs} are more than {MOST_RUNS:,} runs; take fewer of either")
    for key in design.keys:
        if key.partition("@")[0] == "borrowers" and settings.portfolio is not None:
            raise BadInput(f"{where}: borrowers: not with a portfolio, whose clients are the borrowers")
    if settings.portfolio is not None:
        for values in (settings.set, *design.points):
            refuse_warm_up(values, f"{where}: ")
    kept = kept_columns(settings.outcomes or DEFAULT_OUTCOMES, f"{where}: outcomes").all
    if both := [key for key in design.keys if key in kept]:
        raise BadInput(f"{where}: outcomes: {both[0]} is varied, and its column is there already; leave it out")
    found = [checked_point(point, base, later, hashes, f"{where}: point {k}") for k, point in enumerate(design.points, 1)]
    points, worlds = tuple(point for point, _ in found), tuple(world for _, world in found)
    portfolio = None
    if settings.portfolio is not None:
        portfolio = portfolio_of(settings.portfolio, home, where, base.minimum_loan)
    rules = tuple(rule_file(text, home, f"{where}: rules") for text in settings.rules)
    called = settings.name or name
    return Study(settings, called, base, later, design, points, worlds, hashes.of(base), portfolio, rules, measure)


def scenario_of(settings: Settings, home: Path) -> Scenario:
    """The study's scenario; a file's name is relative to the study file."""
    if settings.scenario in presets():
        return load_scenario(settings.scenario)
    path = home / settings.scenario
    return load_scenario(path if is_file(path, "scenario") else settings.scenario)


def portfolio_of(given: str | Mapping[str, Any], home: Path, where: str, minimum_loan: float) -> Clients:
    """A portfolio's path (or shipped name) and hash, and how it is read; it is read once here, to see that it can be."""
    from zerolimit.portfolio.portfolio import SHIPPED, read_portfolio

    table = {"file": given} if isinstance(given, str) else dict(given)
    name = table.pop("file", None)
    if not isinstance(name, str):
        raise BadInput(f"{where}: portfolio: file: the clients' file or a shipped portfolio is needed, not {quoted(name)}")
    path = name if name in SHIPPED else str(path_of(home / name, "portfolio").resolve())
    found = read_portfolio(path, **Reading.of(table, f"{where}: portfolio").given())
    found.refuse_closed(minimum_loan)
    return Clients(path, found.source.sha256, json.dumps(found.source.options, sort_keys=True))


def rule_file(text: str, home: Path, where: str) -> tuple[str, str]:
    """File and name of a rule named as FILE.py:NAME. The file is not run."""
    file, colon, name = text.rpartition(":")
    if not colon or not file or not name:
        raise BadInput(f"{where}: {text!r}: write it as FILE.py:NAME")
    if not is_file(home / file, where):
        raise BadInput(f"{where}: {file}: no such file")
    path = (home / file).resolve()
    return str(path), name


class TiesHashes:
    """Hashes of files of ties, each read once."""

    def __init__(self) -> None:
        self.known: dict[str, str | None] = {}

    def of(self, scenario: Scenario) -> str | None:
        """Of a scenario's file; none without one."""
        path = scenario.network_file
        if path is not None and path not in self.known:
            self.known[path] = file_hash(path)
        return None if path is None else self.known[path]


def checked_point(
    point: Point, base: Scenario, later: Mapping[int, Point], ties: TiesHashes, where: str
) -> tuple[Point, str]:
    """A point with its values as the scenario holds them, and the hash of its world; or BadInput."""
    first, changes = split(point)

    def build() -> tuple[Point, str]:
        world = start = base.change(**first)
        held = {name: getattr(world, name) for name in first}
        then: dict[int, Point] = {}
        for month in sorted({*later, *changes}):
            world = world.change(**{**later.get(month, {}), **changes.get(month, {})})
            own = {name: getattr(world, name) for name in changes.get(month, ())}
            held.update({f"{name}@{month}": value for name, value in own.items()})
            then[month] = {**later.get(month, {}), **own}
        return {key: held.get(key) for key in point}, world_hash(start, ties.of(start), then)

    return in_place(where, build)


def of_scenario(values: Point, where: str, base: Scenario) -> Point:
    """Values as the scenario holds them, or BadInput."""
    world = in_place(where, lambda: base.change(**values))
    return {name: getattr(world, name) for name in values}


def in_place[Built](where: str, build: Callable[[], Built]) -> Built:
    """What is built, or its BadInput with the place in the study."""
    try:
        return build()
    except BadInput as error:
        raise BadInput(f"{where}: {str(error).removeprefix('parameter: ')}") from None


def one_line(problem: Any) -> str:
    """A problem that pydantic found, in a line."""
    place = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"])
    return f"{place}: {message[:1].lower()}{message[1:]}, not {quoted(problem.get('input'))}"


def differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """`name: there X, now Y` for every declared thing that differs."""
    found: list[str] = []
    for key in dict.fromkeys([*before, *now]):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key}: there {in_brief(old)}, now {in_brief(new)}")
    return found


def in_brief(value: Any) -> str:
    """A value in a message."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
