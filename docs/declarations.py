"""The generated parts that follow from declarations and source text alone: no world is run, so they take seconds."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import typer.main

import zerolimit
from zerolimit.commands.cli import app
from zerolimit.explanation.notice import KINDS
from zerolimit.month import BIRTH, MONTH, Phase
from zerolimit.parameters import declarations
from zerolimit.parameters.dated import DATE, limits
from zerolimit.parameters.dated import MONTH as MONTH_COLUMN
from zerolimit.parameters.declarations import CALENDAR_KINDS, CONSTRAINTS, DATED, DEFAULTS, about, bounds, choices
from zerolimit.parameters.scenario import Scenario, load_scenario, presets
from zerolimit.parameters.terms import ANNOUNCED
from zerolimit.platform.declared import WorldRule
from zerolimit.portfolio.columns import COLUMNS
from zerolimit.portfolio.options import OPTIONS, OPTIONS_DEFAULT, flag
from zerolimit.results.panel_columns import flag_meanings
from zerolimit.results.ready_moments import MOMENTS
from zerolimit.results.tables import FILES
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.rules.caps import CAPS, MEASURED, REASONS
from zerolimit.rules.flags import FLAGS
from zerolimit.rules.rule import LIBRARY, Rule
from zerolimit.study.definition import Settings
from zerolimit.study.design import DESIGNS
from zerolimit.study.measures import RUN_MEASURES
from zerolimit.validation.facts import FACTS
from zerolimit.vocabulary.constants import CONSTANTS, NEVER, NO_CAP
from zerolimit.vocabulary.draws import PURPOSES, lifelong
from zerolimit.vocabulary.fields import BYTES, FIELDS, STATE
from zerolimit.vocabulary.mechanisms import BASELINE, MECHANISMS, PLAYERS
from zerolimit.vocabulary.names import ENDS, EVENTS, SECTORS, SEGMENTS, STATUSES, STRATEGIES
from zerolimit.vocabulary.outcomes import RATES

HOME = Path(__file__).parent.parent

PACKAGE = "zerolimit."


# Markdown


def cell(value: Any) -> str:
    """Text that a table's cell can hold."""
    return str(value).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def table(headings: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table."""
    heads = list(headings)
    lines = [heads, ["---"] * len(heads), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(*names: str) -> str:
    """Names in code font, once each."""
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))


def said(thing: Any) -> str:
    """A docstring, word for word."""
    return f"```text\n{inspect.getdoc(thing)}\n```"


def number(value: Any) -> str:
    """A parameter's value."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,.10g}" if isinstance(value, int | float) else str(value)


# parameters


def sections() -> dict[str, list[str]]:
    """The parameters in the order of their declaration, under the headings that stand there as comments."""
    found: dict[str, list[str]] = {"the run": []}
    written = inspect.getsource(declarations).partition("class Parameters(")[2]
    for line in written.splitlines():
        if heading := re.fullmatch(r"    # (\w[\w ]*)", line):
            found[heading[1]] = []
        elif (name := re.match(r"    (\w+): ", line)) and name[1] in Scenario.model_fields:
            found[list(found)[-1]].append(name[1])
    of_caps = [one.name for cap in CAPS for one in cap.parameters]
    return {**found, **({"caps": of_caps} if of_caps else {})}


def allowed(name: str) -> str:
    """What a parameter may be."""
    if names := choices(name):
        return ", ".join(names)
    low, high = bounds(name)
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def in_baseline(name: str) -> str:
    """A parameter's value in the preset `baseline`, where it is not the default; of the text that describes it nothing."""
    value = getattr(load_scenario(), name)
    return number(value) if value != DEFAULTS[name] and name != "description" else ""


def parameters() -> str:
    """Every parameter, section by section."""
    parts = []
    for heading, names in sections().items():
        rows = [
            (
                f"`{name}`",
                number(field.default) if field.default != () else "none",
                in_baseline(name),
                about(name)["unit"],
                allowed(name),
                field.description,
                about(name)["source"],
                about(name)["mechanism"],
            )
            for name, field in ((name, Scenario.model_fields[name]) for name in names)
        ]
        parts.append(f"## {heading.capitalize()}\n\n" + table(PARAMETER_HEADINGS, rows))
    return "\n\n".join(parts)


PARAMETER_HEADINGS = ("name", "default", "baseline", "unit", "allowed", "meaning", "source", "mechanism")


def together() -> str:
    """What parameters must hold together."""
    return table(("parameters", "what must hold"), ((code(*one.parameters), one.says) for one in CONSTRAINTS))


def calendar() -> str:
    """What a calendar may change."""
    rows = (
        (f"`{kind}`", unit, f"{number(low)} to {number(high)}", says, mechanism)
        for kind, (mechanism, unit, low, high, says) in CALENDAR_KINDS.items()
    )
    return table(("kind", "unit", "allowed", "meaning", "mechanism"), rows)


def dated(which: str) -> str:
    """The columns of a calendar or a macro series."""
    rows = [(f"`{DATE}`", "YYYY-MM", f"in place of `{MONTH_COLUMN}`: the month, or a day in it, from `start` on")]
    for name, field in DATED[which].model_fields.items():
        low, high = limits(field)
        allowed = f"{number(low)} to {number(high)}" if low is not None else "as the table below says"
        rows.append((f"`{name}`", allowed, field.description or ""))
    return table(("column", "allowed", "meaning"), rows)


def announced() -> str:
    """Terms that are not parameters."""
    return table(("term", "meaning"), ((f"`{name}`", says) for name, says in ANNOUNCED.items()))


def constants() -> str:
    """Numbers of the model that are no parameters."""
    rows = ((f"`{name}`", number(value), about.unit, about.says, about.source) for name, (value, about) in CONSTANTS.items())
    return table(("name", "value", "unit", "meaning", "source"), rows)


def off() -> str:
    """What the absence of a mechanism means."""
    beyond = {NO_CAP: "no cap", NEVER: "never"}
    rows = []
    for mechanism in MECHANISMS:
        without = MECHANISMS[mechanism].without
        replaced = ", ".join(f"`{name}` {beyond.get(value, number(value))}" for name, value in without.items())
        kinds = [kind for kind, declared in CALENDAR_KINDS.items() if declared[0] == mechanism]
        rows.append((mechanism, replaced or "pool and cash unlimited", code(*kinds) or "none"))
    return table(("mechanism off", "what rules then see", "calendar items that have no effect"), rows)


def scenario_presets() -> str:
    """The presets."""
    return table(("preset", "what it is for"), ((f"`{name}`", load_scenario(name).description) for name in presets()))


# the month


def phase_rows(phases: Iterable[Phase]) -> Iterable[tuple[str, ...]]:
    """Step, name, for whom, what."""
    for phase in phases:
        who = f"{phase.kind}, where `{phase.where}`" if phase.where else phase.kind
        yield phase.step, phase.name, who, phase.says


def order() -> str:
    """The month in short."""
    return table(("step", "phase", "for", "what happens"), phase_rows((*BIRTH, *MONTH)))


def phases() -> str:
    """The month in full: what each phase reads, draws and writes."""
    rows = []
    for phase, row in zip((*BIRTH, *MONTH), phase_rows((*BIRTH, *MONTH)), strict=True):
        reads = (*phase.reads, *(name for rule in phase.rules for name in rule.fields))
        draws = (name for rule in phase.rules for name in rule.draws)
        writes = (*phase.writes, *(name for rule in phase.rules for name in rule.writes))
        rules = (rule.name for rule in phase.rules)
        rows.append((*row, code(*rules), code(*reads), code(*draws), code(*writes)))
    return table(("step", "phase", "for", "what happens", "rules", "reads", "draws", "writes"), rows)


def rules(module: str) -> str:
    """Every rule of a module with its docstring, and the parameters that it reads."""
    home = import_module(module)
    found = [thing for thing in vars(home).values() if isinstance(thing, Rule) and thing.function.__module__ == module]
    helpers = [thing for thing in LIBRARY if thing.__module__ == module]
    parts = [f"#### `{rule.name}`\n\n{said(rule.function)}\n\n{contract(rule)}" for rule in found]
    parts += [f"#### `{helper.__name__}` (used by rules)\n\n{said(helper)}" for helper in helpers]
    return "\n\n".join(parts)


def contract(rule: Rule | WorldRule) -> str:
    """What a rule reads, draws and writes, and the parameters in it with default, value in the baseline, unit and source."""
    parts = {
        "Reads": code(*rule.fields),
        "Draws": code(*rule.draws),
        "Writes": code(*rule.writes),
        "Announced by the platform:": code(*(name for name in ANNOUNCED if name in rule.terms)),
    }
    given = [
        (
            *(f"`{name}`", number(field.default), in_baseline(name)),
            *(about(name)["unit"], field.description, about(name)["source"]),
        )
        for name, field in Scenario.model_fields.items()
        if name in rule.terms
    ]
    listed = "\n".join(f"- {what} {names}" for what, names in parts.items() if names)
    return (
        f"{listed}\n\n{table(('parameter', 'default', 'baseline', 'unit', 'meaning', 'source'), given)}" if given else listed
    )


def functions(module: str, *names: str) -> str:
    """Functions of a module (or methods, as Class.method) with their docstrings; those on one world, with what they read."""
    home = import_module(module)
    parts = []
    for name in names:
        thing: Any = home
        for step in name.split("."):
            thing = getattr(thing, step)
        says = f"{said(thing.function)}\n\n{contract(thing)}" if isinstance(thing, WorldRule) else said(thing)
        parts.append(f"#### `{home.__name__.removeprefix(PACKAGE)}.{name}`\n\n{says}")
    return "\n\n".join(parts)


# state, outcomes, results


def state() -> str:
    """The columns carried from month to month."""
    rows = ((f"`{one.name}`", one.storage, one.unit, one.meaning, "life" if one.birth else "") for one in STATE)
    size = sum(BYTES[one.storage] for one in STATE)
    heading = ("field", "stored as", "unit", "meaning", "for")
    return f"{table(heading, rows)}\n\n{len(STATE)} state columns, {size} bytes a borrower."


def flows() -> str:
    """The values that live within a month."""
    rows = ((f"`{one.name}`", one.unit, one.meaning) for one in FIELDS.values() if one.flow)
    return table(("flow", "unit", "meaning"), rows)


def caps() -> str:
    """The named caps, in the order that decides ties."""
    rows = ((cap.number, cap.name, cap.says, str(inspect.getdoc(cap.function)), cap.mechanism) for cap in CAPS)
    return table(("code", "cap", "what it says", "line that it leaves", "mechanism"), rows)


def mechanisms() -> str:
    """What can be switched off: the caps and the parameters that belong to each."""
    rows = []
    for mechanism in (*MECHANISMS, BASELINE):
        owned = [name for name in Scenario.model_fields if about(name)["mechanism"] == mechanism and about(name)["unit"]]
        shown = code(*owned) if mechanism != BASELINE else "all others"
        rows.append((mechanism, code(*(cap.name for cap in CAPS if cap.mechanism == mechanism)), shown))
    return table(("mechanism", "caps", "parameters"), rows)


def allocations() -> str:
    """How the pool may be shared."""
    rows = ((f"`{one.name}`", one.says, one.kind, str(inspect.getdoc(one.function))) for one in ALLOCATIONS.values())
    return table(("rule", "who is served", "by", "place or grant"), rows)


def codes() -> str:
    """What the numbers in coded fields mean."""
    named = {
        "segment": SEGMENTS,
        "sector": SECTORS,
        "strategy": STRATEGIES,
        "status": STATUSES,
        "event": EVENTS,
        "reason": ("none", *REASONS),
    }
    rows = ((f"`{name}`", ", ".join(f"{k} {word}" for k, word in enumerate(words))) for name, words in named.items())
    return table(("field", "codes"), rows)


def ends() -> str:
    """How an episode ends."""
    return ", ".join(ENDS) + "."


def outcomes() -> str:
    """What is counted each month."""
    rows = ((f"`{one.name}`", one.says) for one in FLAGS.values())
    return table(("count", "who is counted"), rows)


def rates() -> str:
    """The rates."""

    def total(names: tuple[str, ...]) -> str:
        return f"({' + '.join(names)})" if len(names) > 1 else names[0]

    rows = ((f"`{name}`", f"{total(over)} / {total(under)}", says) for name, (over, under, says) in RATES.items())
    return table(("rate", "sums divided", "meaning"), rows)


def moments() -> str:
    """The moments that are ready."""
    rows = []
    for one in MOMENTS.values():
        over = one.over if one.kind == "ratio" else f"correlation: {one.over}"
        rows.append((f"`{one.name}`", over, one.under, one.where, one.says))
    return table(("moment", "sum", "over the sum", "of those with", "meaning"), rows)


def measures() -> str:
    """What is measured for an event."""
    return table(("measure", "unit; meaning"), ((f"`{name}`", says) for name, says in MEASURED.items()))


def dictionary(which: str) -> str:
    """The columns of a file of results."""
    declared = {**FILES, "frame": flag_meanings}[which]()
    rows = ((f"`{name}`", unit, says) for name, (unit, says) in declared.items())
    return table(("column", "unit", "meaning"), rows)


def draws() -> str:
    """The purposes of draws."""
    monthly = code(*(name for name in PURPOSES if not lifelong(name)))
    life = code(*(name for name in PURPOSES if lifelong(name)))
    return f"Every month: {monthly}.\n\nOnce for life: {life}."


def portfolio() -> str:
    """The columns that a portfolio may have."""
    rows = []
    for column in COLUMNS.values():
        allowed = "" if column.unit == "text" else f"{number(column.low)} to {number(column.high)}"
        rows.append((f"`{column.name}`", column.unit, allowed, code(*list(column.units)[1:]), column.meaning))
    return table(("column", "unit", "allowed", "or in", "meaning"), rows)


def reading() -> str:
    """How a portfolio is read: every option."""
    rows = []
    for name, option in OPTIONS.items():
        default = OPTIONS_DEFAULT[name]
        shown = "" if default in (None, (), {}) else default
        rows.append((f"`{flag(name)}`", f"`{name}`", option.takes, shown, option.meaning))
    return table(("flag", "keyword", "takes", "default", "meaning"), rows)


# the command line


def commands() -> str:
    """Every command with its help."""
    return table(("command", "what it does"), ((f"`zerolimit {path}`", says) for path, says in walk().items()))


def study_designs() -> str:
    """The designs of studies."""
    return table(("`design`", "points"), ((f"`{name}`", says) for name, says in DESIGNS.items()))


def study_words() -> str:
    """What a study file may say."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = str(default).lower() if isinstance(default, bool) else default
        rows.append((f"`{name}`", "" if default in (None, "", (), {}) else shown, field.description))
    return table(("word", "default", "meaning"), rows)


def study_measures() -> str:
    """The measures of a finished run."""
    return table(("measure", "unit", "meaning"), ((f"`{name}`", one.unit, one.says) for name, one in RUN_MEASURES.items()))


def walk() -> dict[str, str]:
    """Every command of the command line -> first line of its help."""
    found: dict[str, str] = {}

    def visit(group: Any, path: str) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                visit(command, f"{path}{name} ")
            else:
                found[f"{path}{name}"] = (command.help or "").splitlines()[0]

    visit(typer.main.get_command(app), "")
    return found


# the code


@cache
def layers() -> dict[str, tuple[list[str], list[str]]]:
    """Layer -> its modules (or packages, as `rules.*`) and its libraries, from the first table of docs/architecture.md."""
    text = (HOME / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|`]+) \| (`[^|]+) \| [^|]+ \|([^|]*)\|$", text, re.MULTILINE)
    return {name: (re.findall(r"`([^`]+)`", modules), re.findall(r"\w+", libraries)) for name, modules, libraries in rows}


def doors() -> dict[str, list[str]]:
    """Module -> what it opens although that is further down, inside a function; from the second table of the page."""
    text = (HOME / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| (`[^|]+) \| [^|]+ \|$", text, re.MULTILINE)
    return {module: re.findall(r"`([^`]+)`", opened) for module, opened in rows}


def layer_of(module: str) -> str:
    """The layer that a module belongs to: the one that names it, else the one that names its package."""
    for wanted in (module, f"{module.partition('.')[0]}.*"):
        for layer, (named, _) in layers().items():
            if wanted in named:
                return layer
    raise KeyError(f"{module}: no layer of docs/architecture.md has it")


@cache
def imports() -> dict[str, tuple[set[str], set[str]]]:
    """Module -> the modules of ours and the libraries that it imports, inside functions too; not what only types need.

    Names are without `zerolimit.`, and the package itself is `zerolimit`.
    """
    source = HOME / "model/zerolimit"
    found: dict[str, tuple[set[str], set[str]]] = {}
    for file in sorted(source.rglob("*.py")):
        name = ".".join(file.relative_to(source).with_suffix("").parts).removesuffix("__init__").strip(".") or "zerolimit"
        tree = ast.parse(file.read_text(encoding="utf-8"))
        tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))]
        ours: set[str] = set()
        libraries: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                named = [one.name for one in node.names]
            else:
                named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for one in named:
                top = one.partition(".")[0]
                if top == "zerolimit":
                    ours.add(one.removeprefix(PACKAGE))
                elif top not in sys.stdlib_module_names:
                    libraries.add(top)
        found[name] = ours - {name}, libraries
    return found


@cache
def first_sentence(module: str) -> str:
    """What a module says of itself in one sentence."""
    file = HOME / "model/zerolimit" / module.removeprefix("zerolimit").replace(".", "/")
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    said = " ".join((ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.) ", said)[0].rstrip(".:")


def with_words() -> list[str]:
    """Modules that say what they are, in the order of the layers; a package's empty door is none."""
    order = list(layers())
    named = [name for name in imports() if first_sentence(name)]
    return sorted(named, key=lambda name: (order.index(layer_of(name)), name))


def modules() -> str:
    """Every module, what it is and what it imports of ours."""
    rows = [
        (f"`{name}`", first_sentence(name), layer_of(name), code(*sorted(imports()[name][0] - {"zerolimit"})))
        for name in with_words()
    ]
    return table(("module", "what it is", "layer", "imports of ours"), rows)


def autosummary(names: Iterable[str], toctree: bool = True) -> str:
    """A list for Sphinx to fill from docstrings."""
    options = "   :toctree: modules\n" if toctree else "   :nosignatures:\n"
    lines = "\n".join(f"   {name}" for name in names)
    return f"```{{eval-rst}}\n.. autosummary::\n{options}\n{lines}\n```"


def names() -> str:
    """The public names, where each lives."""
    return autosummary((f"~{PACKAGE}{home}.{name}" for name, home in zerolimit._HOMES.items()), toctree=False)


def reference() -> str:
    """The reference of every module but the rules, for Sphinx to fill from the docstrings."""
    parts = []
    for layer in layers():
        listed = [name for name in with_words() if layer_of(name) == layer and (layer != "rules" or name == "rules.rule")]
        ours = autosummary(PACKAGE + name for name in listed if name != "zerolimit")
        parts.append(f"## {layer[0].upper()}{layer[1:]}\n\n{ours}")
    return "\n\n".join(parts)


def speed() -> str:
    """The benchmark's goals and what was measured, from bench/RESULTS.md, the missed ones too."""
    text = (HOME / "bench/RESULTS.md").read_text(encoding="utf-8")
    goals = re.search(r"^\| goal \|.*?(?=\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    when = re.search(r"^\d{4}-\d\d-\d\d .*$", text, re.MULTILINE)
    if goals is None or when is None:
        raise ValueError("bench/RESULTS.md: no table of goals, or no date")
    return f"{goals[0]}\n\nMeasured {when[0]}. [All figures](bench/RESULTS.md)."


def players() -> str:
    """Who can be a player, and what takes it out."""
    rows = []
    for name, player in PLAYERS.items():
        out = ", ".join(f"`{one}` {number(value)}" for one, value in player.without.items())
        if name in MECHANISMS:
            out = "7.16"
        elif player.held:
            out = f"{code(*player.held)} held at the median of the segment, as it was when the common past ended"
        rows.append((name, player.kind, out))
    return table(("player", "kind", "out"), rows)


def kinds() -> str:
    """The single changes that a notice tries."""
    return table(("change", "says"), ((f"`{kind.name}`", kind.says) for kind in KINDS))


def facts() -> str:
    """The fact sheet."""
    return table(("id", "what", "value", "source", "how sure"), ([*vars(one).values()] for one in FACTS.values()))


PARTS: dict[str, Callable[..., str]] = {
    part.__name__: part
    for part in (
        allocations,
        announced,
        constants,
        calendar,
        caps,
        codes,
        commands,
        dated,
        dictionary,
        draws,
        ends,
        facts,
        flows,
        functions,
        kinds,
        measures,
        moments,
        mechanisms,
        modules,
        names,
        off,
        order,
        outcomes,
        parameters,
        phases,
        players,
        portfolio,
        rates,
        reading,
        reference,
        rules,
        scenario_presets,
        speed,
        state,
        study_designs,
        study_measures,
        study_words,
        together,
    )
}
