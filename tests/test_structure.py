"""The house keeps its directions, and each thing is declared once."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs.declarations import doors, layer_of, layers
from docs.declarations import imports as package_imports

import zerolimit
from zerolimit.engine.plan import make_plan
from zerolimit.engine.registry import OURS
from zerolimit.month import BIRTH, MONTH, OUTCOMES, WORDS, all_rules
from zerolimit.parameters.declarations import CALENDAR_KINDS, about
from zerolimit.parameters.scenario import Scenario
from zerolimit.parameters.terms import ANNOUNCED, TERMS
from zerolimit.rules.caps import CAPS, MEASURED, REASONS
from zerolimit.rules.decision import measure, weigh
from zerolimit.rules.flags import BITS, FLAGS
from zerolimit.rules.rule import rule
from zerolimit.vocabulary.draws import PURPOSES, lifelong
from zerolimit.vocabulary.fields import BYTES, FIELDS, STATE, STORABLE
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import CODES

PACKAGE = Path(zerolimit.__file__).parent
HOME = Path(__file__).parent.parent
LAYERS = list(layers())
IMPORTS = package_imports()


def imports(path: Path) -> set[str]:
    """Modules that a file imports at its top level, as dotted names."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def file_of(module: str) -> Path:
    file = PACKAGE / module.removeprefix("zerolimit").replace(".", "/")
    return file / "__init__.py" if file.is_dir() else file.with_suffix(".py")


@pytest.mark.parametrize("module", IMPORTS)
def test_imports_go_up_the_table_of_the_architecture_page(module: str) -> None:
    """Those inside functions too; only what type checkers need may look down."""
    own = LAYERS.index(layer_of(module))
    opened = doors().get(module, [])
    allowed = {name for name in IMPORTS[module][0] if name in opened or f"{name.partition('.')[0]}.*" in opened}
    below = {name for name in IMPORTS[module][0] if LAYERS.index(layer_of(name)) > own}
    assert below == allowed
    at_the_top = {name.removeprefix("zerolimit.") for name in imports(file_of(module))}
    assert at_the_top.isdisjoint(allowed)


@pytest.mark.parametrize("module", IMPORTS)
def test_a_layer_uses_only_the_libraries_that_the_architecture_page_names(module: str) -> None:
    layer = layer_of(module)
    assert IMPORTS[module][1] - set(layers()[layer][1]) == set()


def test_the_architecture_page_names_what_exists() -> None:
    """Every layer's modules are there, each once, and every library that it names is used."""
    named = [name for modules, _ in layers().values() for name in modules]
    assert len(named) == len(set(named))
    packages = {f"{name.partition('.')[0]}.*" for name in IMPORTS}
    assert set(named) <= set(IMPORTS) | packages
    for layer, (_, libraries) in layers().items():
        used = set().union(*(IMPORTS[name][1] for name in IMPORTS if layer_of(name) == layer))
        assert set(libraries) <= used, layer


def test_an_import_is_seen_wherever_it_stands() -> None:
    assert "parameters.scenario" in IMPORTS["run.simulation"][0]
    assert "portfolio.portfolio" in IMPORTS["run.simulation"][0]
    assert "pandas" in IMPORTS["explanation.kept_lines"][1]
    assert "agents.market" not in IMPORTS["explanation.story"][0]


def test_nobody_but_the_engines_names_an_engine() -> None:
    """They are asked for by `auto`, by what they can do, or by the name that a user gives."""
    for module in IMPORTS:
        if not module.startswith("engine."):
            constants = {
                node.value for node in ast.walk(ast.parse(file_of(module).read_text())) if isinstance(node, ast.Constant)
            }
            assert not constants & set(OURS), module
            assert "engine.compiled" not in IMPORTS[module][0] or module.startswith("testing."), module


@pytest.mark.parametrize("path", sorted((PACKAGE / "rules").rglob("*.py")), ids=lambda path: path.name)
def test_rules_import_only_the_vocabulary_errors_and_each_other(path: Path) -> None:
    """Caps have words too."""
    ours = {name for name in imports(path) if name.startswith("zerolimit")}
    allowed: tuple[str, ...] = ("zerolimit.vocabulary.", "zerolimit.basics.errors.", "zerolimit.rules.")
    if path.name == "cap.py" or path.parent.name == "caps":
        allowed += ("zerolimit.basics.wording.",)
    assert all(f"{name}.".startswith(allowed) for name in ours)


@pytest.mark.parametrize(
    "name", ["month", "run.simulation", "vocabulary.fields", "platform.pool", "platform.world", "parameters.terms"]
)
def test_the_month_knows_no_mesa_and_draws_no_figures(name: str) -> None:
    found = imports(file_of(name))
    assert not {one.split(".")[0] for one in found} & {"mesa", "matplotlib", "rich", "typer"}
    assert not {one for one in found if one.startswith(("zerolimit.agents", "zerolimit.commands"))}


def test_running_a_month_loads_neither_mesa_nor_figures() -> None:
    code = (
        "import sys; from zerolimit import Simulation, load_scenario;"
        "Simulation(load_scenario('baseline', borrowers=5), 1, engine='objects').step();"
        "print([name for name in ('mesa', 'matplotlib', 'rich', 'typer', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, zerolimit; print([n for n in ('numpy', 'numba', 'mesa', 'pandas', 'pydantic') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_borrower_takes_at_most_160_bytes_of_state() -> None:
    assert sum(BYTES[field.storage] for field in STATE) <= 160


def test_field_names_are_unique_and_storage_is_known() -> None:
    names = [field.name for field in STATE]
    assert len(names) == len(set(names))
    assert {field.storage for field in FIELDS.values()} <= set(BYTES)


def test_purposes_have_numbers_of_their_own_and_lifelong_ones_are_lifelong_by_block() -> None:
    assert len(set(PURPOSES.values())) == len(PURPOSES)
    blocks: dict[int, set[bool]] = {}
    for name, number in PURPOSES.items():
        blocks.setdefault(number // 4, set()).add(lifelong(name))
    assert all(len(kinds) == 1 for kinds in blocks.values())


def test_caps_reasons_and_mask_bits_follow_one_order() -> None:
    assert [cap.name for cap in CAPS] == list(REASONS)
    assert [cap.code for cap in CAPS] == [REASONS.index(cap.name) + 1 for cap in CAPS]
    assert [cap.bit for cap in CAPS] == [2 ** REASONS.index(cap.name) for cap in CAPS]
    measured = [name.removeprefix("cap_") for name in measure.writes if name.startswith("cap_")]
    assert measured == [cap.name for cap in CAPS if cap.name != "grant"]
    assert list(measure.writes) == list(MEASURED)
    assert weigh.writes[-2:] == ("cap_reason", "cap_mask")


def test_each_cap_parameter_and_calendar_item_belongs_to_one_mechanism() -> None:
    known = {*MECHANISMS, "baseline"}
    assert {cap.mechanism for cap in CAPS} <= known
    assert {about(name)["mechanism"] for name in Scenario.model_fields} <= known
    assert {kind[0] for kind in CALENDAR_KINDS.values()} <= known


def test_every_parameter_has_a_unit_a_description_and_a_source() -> None:
    plain = {"name", "description", "off", "calendar"}
    for name, field in Scenario.model_fields.items():
        assert field.description, name
        if name not in plain:
            assert about(name)["unit"], name
            assert about(name)["source"] == "assumption" or about(name)["source"].startswith("facts "), name


def test_every_parameter_is_read_somewhere() -> None:
    files = [path for path in PACKAGE.rglob("*.py") if path.name not in ("declarations.py", "scenario.py")]
    texts = "".join(path.read_text(encoding="utf-8") for path in files)
    read = {term for one in all_rules() for term in one.terms}
    unread = [
        name for name in Scenario.model_fields if name not in read and f".{name}" not in texts and f'"{name}"' not in texts
    ]
    assert unread == []


def test_every_announced_term_is_read_by_a_rule() -> None:
    read = {term for one in all_rules() for term in one.terms}
    assert set(ANNOUNCED) <= read


def test_every_outcome_has_a_bit_of_its_own_and_is_counted_once_a_month() -> None:
    assert len({(one.word, one.bit) for one in FLAGS.values()}) == len(FLAGS)
    assert all(0 <= one.bit < BITS for one in FLAGS.values())
    assert {word: [one.bit for one in flags] for word, flags in OUTCOMES.items()} == {
        word: [*range(len(flags))] for word, flags in OUTCOMES.items()
    }
    counted = [word for words in WORDS.values() for word, _ in words]
    assert sorted(counted) == sorted({one.word for one in FLAGS.values()})


def test_a_flow_of_some_is_read_by_the_same_or_zero_for_others() -> None:
    """Flows that a phase writes for some only exist as zeros for the others: no rule may run before its flow is set."""
    set_so_far: set[str] = {field.name for field in STATE} | {"due_12"}
    for phase in (*BIRTH, *MONTH):
        set_so_far |= set(phase.writes)
        for one in phase.rules:
            missing = [name for name in one.fields if name not in set_so_far]
            assert missing == [], (phase.name, one.name)
            set_so_far |= set(one.writes)
        if phase.where:
            assert phase.where in set_so_far


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: rule("trust")(lambda trust, helth: trust), "unknown field 'helth'"),
        (lambda: rule("trst")(lambda trust: trust), "did you mean 'trust'"),
        (lambda: rule("trust")(lambda trust, u_lok: trust), "did you mean 'u_look'"),
        (lambda: rule("trust")(lambda trust, terms: trust + terms.mendd), "did you mean 'mend'"),
    ],
)
def test_an_unknown_name_in_a_rule_fails_with_the_nearest(make: object, word: str) -> None:
    bad = make()  # type: ignore[operator]
    own = type(bad)("my_rule", bad.function, bad.reads, bad.writes, bad.terms, "feel")
    with pytest.raises(TypeError, match=word):
        make_plan(frozenset(TERMS), (own,))


def test_rules_behind_the_same_rule_run_in_the_order_in_which_they_are_given() -> None:
    def behind(name: str, after: str) -> object:
        def plain(trust: float) -> float:
            return trust

        plain.__name__ = name
        return rule("trust", after=after)(plain)

    own = tuple(behind(*one) for one in (("first", "feel"), ("second", "feel"), ("inner", "first"), ("third", "feel")))
    names = [one.name for one in make_plan(frozenset(TERMS), own).stages["living"].rules]
    assert names[names.index("feel") :][:5] == ["feel", "first", "inner", "second", "third"]


def test_power_and_logarithm_are_refused_in_rules() -> None:
    import math

    with pytest.raises(TypeError, match="'log' is refused"):
        rule("trust")(lambda trust: math.log(trust))
    with pytest.raises(TypeError, match="must be plain"):
        rule("trust")(lambda trust=1.0: trust)


def test_money_fits_its_column() -> None:
    assert STORABLE["i4"] <= 2**31 - 1
    assert STORABLE["i2"] <= 2**15 - 1


def test_the_palette_is_declared_once() -> None:
    """A colour of the figures has a name in results/drawing.py; nobody else writes its number."""
    home = PACKAGE / "results" / "drawing.py"
    palette = set(re.findall(r"#[0-9a-f]{6}", home.read_text(encoding="utf-8").split("LOOKS = ")[0].lower())) - {"#000000"}
    assert len(palette) == 10
    others = [path for path in [*PACKAGE.rglob("*.py"), *(HOME / "docs").glob("*.py")] if path != home]
    assert [path.name for path in others if any(one in path.read_text(encoding="utf-8").lower() for one in palette)] == []


PRINT_DIGEST = (
    "from zerolimit.engine.compiled import Loops; from zerolimit.engine.plan import make_plan;"
    "from zerolimit.parameters.terms import TERMS;"
    "print(Loops(make_plan(frozenset(TERMS)), {name: k for k, name in enumerate(TERMS)}).path.name)"
)


def digest(package: Path, cache: Path) -> str:
    """The name under which the month of a copy of the package would be compiled."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(package), "ZEROLIMIT_CACHE": str(cache), "PATH": "", "HOME": str(cache)},
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the package as it is, which a copy elsewhere has too."""
    home = tmp_path_factory.mktemp("unchanged")
    shutil.copytree(PACKAGE, home / "zerolimit", ignore=shutil.ignore_patterns("__pycache__", "data"))
    found = digest(PACKAGE.parent, home / "cache")
    assert digest(home, home / "cache") == found
    return found


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("rules/trust.py", "terms.mend * (1.0 - trust)", "terms.mend * (1.1 - trust)"),
        ("rules/caps/idle.py", "idle >= terms.trigger_idle", "idle > terms.trigger_idle"),
        ("rules/rule.py", "return mean + weight * (value - mean)", "return mean + 2.0 * weight * (value - mean)"),
        ("vocabulary/fields.py", '_state("idle", "i1"', '_state("idle", "i2"'),
        ("month.py", "(call_for_review, commit),", "(commit, call_for_review),"),
        (
            "vocabulary/names.py",
            "NO_STRATEGY, RESTRAINT, PLANNING, MONITORING, APPEALING, DIVERSIFYING = codes(STRATEGIES)",
            "NO_STRATEGY, PLANNING, RESTRAINT, MONITORING, APPEALING, DIVERSIFYING = codes(STRATEGIES)",
        ),
    ],
    ids=["a rule", "a cap", "a helper", "a field", "the phases", "a name"],
)
def test_editing_a_rule_a_field_or_a_phase_invalidates_the_compiled_month(
    unchanged: str, tmp_path: Path, file: str, old: str, new: str
) -> None:
    copy = tmp_path / "zerolimit"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "data"))
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert digest(tmp_path, tmp_path / "cache") != unchanged


def bare_codes(text: str) -> list[str]:
    """Comparisons of a field that is a code with a number, where a name is needed."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            coded = any(isinstance(side, ast.Name) and side.id in CODES for side in sides)
            if coded and any(isinstance(side, ast.Constant) and isinstance(side.value, int | float) for side in sides):
                found.append(ast.unparse(node))
    return found


def test_a_bare_code_is_found() -> None:
    assert bare_codes("won = 1.0 if appealed == 2.0 and late > 0.0 else 0.0") == ["appealed == 2.0"]
    assert bare_codes("won = appealed == APPEAL_WON") == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "rules").rglob("*.py")), ids=lambda path: path.name)
def test_rules_compare_codes_with_names(path: Path) -> None:
    assert bare_codes(path.read_text(encoding="utf-8")) == []


def test_codes_are_fields_and_their_meanings_say_what_each_means() -> None:
    for name, says in CODES.items():
        assert FIELDS[name].unit == "code", name
        assert len(says) == len(set(says)), name
