"""Scenarios: the parameters of one world, checked together; read from presets, TOML files, mappings and settings."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError, model_validator

from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.files import is_file, path_of, read_file, toml_of
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import number_of, shown
from zerolimit.parameters.constraints import BASE, file_of, settled, what_is_wrong
from zerolimit.parameters.dated import CALENDAR_MONTH, DATE, MONTH, dated, names_of, read_dated
from zerolimit.parameters.declarations import CONSTRAINTS, DATED, DEFAULTS, Parameters, about, allowed, choices
from zerolimit.vocabulary.mechanisms import MECHANISMS, switched_off_by, switched_off_pattern

if TYPE_CHECKING:
    import pandas as pd

HERE = "scenario"
USUAL = "baseline"
"""The preset from which a scenario starts that names none."""
PLAIN = "defaults"
"""The preset that starts from none: every parameter as it is declared."""
OURS = "Scenario: "
"""How messages of the class itself begin."""


class Scenario(Shown, Parameters):
    """All parameters of one world. Frozen: `change()` gives another one."""

    def __init__(self, **parameters: Any) -> None:
        try:
            super().__init__(**parameters)
        except ValidationError as error:
            raise BadInput(f"{OURS}{'; '.join(_one_line(problem) for problem in error.errors()[:3])}") from None

    @model_validator(mode="before")
    @classmethod
    def _settled(cls, given: Any) -> Any:
        return settled(CONSTRAINTS, DEFAULTS, given) if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _fits_together(self) -> Scenario:
        if wrong := what_is_wrong(CONSTRAINTS, vars(self)):
            raise ValueError(wrong)
        return self

    def change(self, **parameters: Any) -> Scenario:
        """Another scenario with some parameters changed; pool_yuan given alone replaces pool_share, and back.

        So does a macro series another macro_model. `calendar` and `macro` are a path of a CSV file, a DataFrame, or a list.
        """
        return build(parameters, "parameter", vars(self))

    def _in_short(self) -> str:
        base = PLAIN if self.name == PLAIN else USUAL
        usual = vars(load_scenario(base))
        other = {name: value for name, value in self if name not in ("name", "description") and value != usual[name]}
        set_to = ", ".join(f"{name} = {quoted(value)}" for name, value in other.items() if name not in DATED)
        rows = [number_of(len(other[name]), f"{name} entry") for name in DATED if name in other]
        return f"scenario {self.name}: {'; '.join([*rows, set_to or f'every parameter as in the preset {base}'])}"

    def to_frame(self) -> pd.DataFrame:
        """A row a parameter: its name, value, default, unit and meaning."""
        import pandas as pd

        rows = [
            {"parameter": name, "value": getattr(self, name), "default": DEFAULTS[name], "unit": about(name)["unit"]}
            | {"meaning": field.description}
            for name, field in type(self).model_fields.items()
            if name not in DATED
        ]
        return pd.DataFrame(rows).set_index("parameter")

    def toml(self) -> str:
        """The whole scenario as TOML, one commented line a parameter."""
        import tomlkit

        document = tomlkit.document()
        root = tomlkit.item(PLAIN)
        root.comment(FILE_ONLY[BASE])
        document.add(BASE, root)
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is None or name in DATED:
                continue
            item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
            item.comment("; ".join(part for part in (about(name)["unit"], field.description) if part))
            document.add(name, item)
        for name in DATED:
            if rows := [row.model_dump(exclude_none=True) for row in getattr(self, name)]:
                document.add(name, tomlkit.item(rows))
        return tomlkit.dumps(document)

    def digest(self) -> str:
        """Hash of all parameters."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def takes_parameters[F: Callable[..., Any]](function: F) -> F:
    """Shows every parameter as a keyword, for help() and completion, of a function that takes them as `**parameters`.

    A default of `...` stands for what the scenario has.
    """
    signature = inspect.signature(function)
    *own, last = signature.parameters.values()
    kind = inspect.Parameter.KEYWORD_ONLY
    words = [
        inspect.Parameter(name, kind, default=..., annotation=field.annotation)
        for name, field in Scenario.model_fields.items()
        if name not in signature.parameters
    ]
    vars(function)["__signature__"] = signature.replace(parameters=[*own, *words, last])
    return function


def not_reached(scenario: Scenario, months: int) -> list[str]:
    """What will not act in a run of `months`, since it is dated later: a line for the calendar, one for the series."""
    last, found = dated(months - 1, scenario.start), []
    for name, kind in DATED.items():
        columns = [column for column, field in kind.model_fields.items() if names_of(field)]
        late = [row for row in getattr(scenario, name) if row.month >= months]
        words = [
            " in ".join([*(getattr(row, one) for one in columns), f"month {dated(row.month, scenario.start)}"])
            for row in late
        ]
        if words:
            found.append(f"{name}: after the run's last month, {last}, so without effect: {shown(words)}")
    return found


def build(given: Mapping[str, Any], where: str, before: Mapping[str, Any] | None = None) -> Scenario:
    """A scenario from a mapping, or BadInput: one line that says which parameter, what is wrong, what is allowed.

    With the parameters of another scenario, what is given stands on top of them; of two that exclude each other, the one
    given alone replaces the other.
    """
    before = before or {}
    if before:
        given = settled(CONSTRAINTS, before, given)
    fields = Scenario.model_fields
    for name in given:
        if name not in fields:
            raise BadInput(f"{where}: unknown parameter {quoted(name)}{nearest(name, fields)}")
    if isinstance(given.get("off"), str):
        given = {**given, "off": switched_off_by(given["off"])}
    given = {
        name: value.item() if hasattr(value, "dtype") and hasattr(value, "item") and value.ndim == 0 else value
        for name, value in given.items()
    }
    for name, value in given.items():
        refuse_another_kind(name, value, where)
    start = given.get("start", before.get("start"))
    if start is not None and not (isinstance(start, str) and re.fullmatch(CALENDAR_MONTH, start, re.ASCII)):
        raise BadInput(f"{where}: start: a month is needed as YYYY-MM, not {quoted(start)}")
    rows = {
        name: read_dated(given[name], kind, name, where, start, every_month=name == "macro")
        for name, kind in DATED.items()
        if name in given
    }
    try:
        return Scenario(**{**before, **given, **rows})
    except BadInput as error:
        raise BadInput(f"{where}: {str(error).removeprefix(OURS)}") from None


def refuse_another_kind(name: str, value: Any, where: str) -> None:
    """BadInput for a text or a switch where a number is needed, and the reverse: nothing is guessed."""
    number, switch = kind_of(name)
    if number and isinstance(value, bool | str | bytes):
        given = str(value).lower() if isinstance(value, bool) else quoted(value)
        raise BadInput(f"{where}: {name}: a number is needed, not {given}{allowed(name)}")
    if switch and not isinstance(value, bool):
        raise BadInput(f"{where}: {name}: true or false is needed, not {quoted(value)}")


@cache
def kind_of(name: str) -> tuple[bool, bool]:
    """Whether a parameter is a number, and whether it is a switch."""
    kind: Any = Scenario.model_fields[name].annotation
    return bool({int, float} & {kind, *get_args(kind)}), kind is bool


def _one_line(problem: Any) -> str:
    path = [str(part) for part in problem["loc"]]
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not path:
        return message
    name, value = path[0], problem.get("input")
    hint = ""
    if isinstance(value, str) and (names := choices(name) or (tuple(MECHANISMS) if name == "off" else ())):
        hint = nearest(value, names)
    shown = ""
    if not isinstance(value, dict | list | tuple):
        shown = f", not {quoted(value)}"
    return f"{'.'.join(path)}: {message[:1].lower()}{message[1:]}{shown}{allowed(name) if len(path) == 1 else ''}{hint}"


@cache
def presets() -> dict[str, Path]:
    """Name -> TOML file of the scenarios that come with the package."""
    files = [Path(str(file)) for file in (resources.files("zerolimit") / "presets").iterdir()]
    return {file.stem: file for file in sorted(files, key=lambda file: file.stem) if file.suffix == ".toml"}


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file, or BadInput."""
    try:
        return toml_of(read_file(path, "file").decode("utf-8"), str(path))
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not a text file in UTF-8") from None


@takes_parameters
def load_scenario(source: Any = USUAL, **parameters: Any) -> Scenario:
    """A scenario by preset name, path of a TOML file, mapping or Scenario, with parameters set on top.

    A file or mapping starts from the preset that it names with `base = "jiebei-2018"`, and from `baseline` where it names
    none; `base = "defaults"` is every parameter's declared default. So what it does not set is as in that preset.
    """
    if isinstance(source, Scenario):
        found = source
    elif isinstance(source, Mapping):
        found = _on_base({BASE: USUAL, **source}, HERE)
    elif isinstance(source, str | Path):
        found = _from_file(_file_of(source))
    else:
        raise BadInput(f"scenario: a name, a path, a mapping or a Scenario is needed, not {type(source).__name__}")
    return found.change(**parameters) if parameters else found


def base_of(source: str | Path) -> str:
    """The preset from which a preset or a scenario file starts."""
    return str(read_toml(_file_of(source)).get(BASE, USUAL))


def _file_of(source: str | Path) -> Path:
    if str(source) in presets():
        return presets()[str(source)]
    path = path_of(source, "scenario")
    if not is_file(path, "scenario"):
        raise BadInput(
            f"scenario {quoted(str(source))}: neither a preset ({', '.join(presets())}) nor a file"
            f"{nearest(str(source), presets())}"
        )
    return path


def stored_scenario(path: Path) -> Scenario:
    """A whole scenario as `toml()` wrote it; what a file of an older version does not know is as declared."""
    return _from_file(path, PLAIN)


def _from_file(path: Path, usual: str = USUAL) -> Scenario:
    table = with_files(read_toml(path), path)
    table.setdefault("name", path.stem)
    return _on_base({BASE: usual, **table}, str(path))


def _on_base(table: dict[str, Any], where: str) -> Scenario:
    """What a table sets, on top of the preset that it starts from."""
    base = table.pop(BASE)
    if not isinstance(base, str) or base not in presets():
        raise BadInput(f"{where}: base {quoted(base)} is not a preset ({', '.join(presets())}){nearest(base, presets())}")
    return build(table, where, None if base == PLAIN else vars(_from_file(presets()[base])))


def with_files(table: dict[str, Any], path: Path) -> dict[str, Any]:
    """A scenario file's table with CSV files in their parameters' place; names of files are relative to its own."""
    found = dict(table)
    for name in DATED:
        key = file_of(name)
        if isinstance(table.get(name), str):
            raise BadInput(f"{path}: {name}: a list of rows is needed; a CSV file is named by {key}")
        if key not in table:
            continue
        if name in table:
            raise BadInput(f"{path}: {name} and {key} both given: the rows stand here or in the file")
        file = found.pop(key)
        if not isinstance(file, str):
            raise BadInput(f"{path}: {key}: the name of a CSV file is needed, not {quoted(file)}")
        found[name] = path_of(path.parent / file, key)
    if isinstance(table.get("network_file"), str):
        found["network_file"] = str(path.parent / table["network_file"])
    return found


def parse_setting(text: str, where: str = "--set") -> tuple[str, Any]:
    """`name=value` from the command line's `where`; the value is read as TOML, or taken as a name."""
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not name:
        raise BadInput(f"{where} {text!r}: write it as name=value")
    if name not in Scenario.model_fields:
        raise BadInput(f"{where}: unknown parameter {quoted(name)}{nearest(name, Scenario.model_fields)}")
    try:
        return name, toml_of(f"value = {value}", where)["value"]
    except BadInput:
        word = value.strip()
        return name, None if word == "none" and word not in choices(name) else word


FILE_ONLY: dict[str, str] = {
    BASE: f"preset to start from; {USUAL} where none is named",
    **{file_of(name): f"CSV file with the rows of {name}, relative to the scenario file" for name in DATED},
}
"""What only a scenario file may have."""


def schema() -> dict[str, Any]:
    """JSON Schema of a scenario file, for editors."""
    result = Scenario.model_json_schema()
    for name, says in FILE_ONLY.items():
        result["properties"][name] = {"type": "string", "description": says}
    result["properties"][BASE]["enum"] = list(presets())
    for kind in DATED.values():
        row = result["$defs"][kind.__name__]
        row["properties"][DATE] = {"type": "string", "description": "in place of month: YYYY-MM, from start on"}
        row["required"].remove(MONTH)
        row["oneOf"] = [{"required": [MONTH]}, {"required": [DATE]}]
    off = result["properties"]["off"]
    off["anyOf"] = [
        {"type": off.pop("type"), "items": off.pop("items")},
        {"type": "string", "pattern": switched_off_pattern()},
    ]
    result["allOf"] = [said for one in CONSTRAINTS if (said := one.schema(DEFAULTS, FILE_ONLY)) is not None]
    result["x-constraints"] = [{"parameters": list(one.parameters), "description": one.says} for one in CONSTRAINTS]
    return result
