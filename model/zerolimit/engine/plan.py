"""From the table of phases to what an engine runs: stages of fused rules, and where each value lives.

A stage's rules are split into loops of at most COLUMNS columns, so that each still vectorises. A flow used only inside
its stage needs scratch of one chunk; one that a later stage, a list or the platform needs becomes a column.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property

from zerolimit.basics.errors import BadRule, nearest
from zerolimit.month import BIRTH, KEPT, MONTH, RARE_SUMS, ROLLS, SUMS, WORDS, Phase, RareSum, Roll
from zerolimit.rules.caps import MEASURED
from zerolimit.rules.laws import BROKEN, LAWS
from zerolimit.rules.rule import Rule
from zerolimit.vocabulary.draws import PURPOSES
from zerolimit.vocabulary.fields import BYTES, DTYPES, FIELDS, STATE

COLUMNS = 32
"""A loop over more columns than about thirty stops vectorising (architecture.md)."""

FLOW_NAMES = frozenset(field.name for field in FIELDS.values() if field.flow)


@dataclass(eq=False)
class Loop:
    """Some rules of a stage, run together for each borrower in turn, or for those of whom `where` is not 0."""

    rules: list[Rule]
    where: str | None = None
    loads: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    keeps: list[str] = field(default_factory=list)
    """Draws whose words are left in scratch for a later loop of the stage."""
    takes: list[str] = field(default_factory=list)
    """Draws whose words an earlier loop has left."""
    words: list[int] = field(default_factory=list)
    rare: list[int] = field(default_factory=list)
    rolls: list[int] = field(default_factory=list)
    """The stage's words, rare sums and lists that concern just those for whom the loop runs: it makes them as it goes."""

    @property
    def draws(self) -> list[str]:
        return list(dict.fromkeys(draw for rule in self.rules for draw in rule.draws))

    @property
    def blocks(self) -> list[int]:
        """Blocks of four draws that the loop makes itself."""
        return sorted({PURPOSES[draw] // 4 for draw in self.draws if draw not in self.takes})


@dataclass(eq=False)
class Stage:
    """One pass: loops one after the other over a chunk, then counts, sums and lists."""

    name: str
    rules: tuple[Rule, ...]
    listed: bool
    loops: list[Loop]
    columns: tuple[str, ...]
    scratch: tuple[str, ...]
    sums: tuple[str, ...]
    rare: tuple[RareSum, ...]
    words: tuple[tuple[str, str | None], ...]
    rolls: tuple[Roll, ...]

    @cached_property
    def sum_names(self) -> tuple[str, ...]:
        """Names of all sums, in the order of their columns."""
        return (*self.sums, *(rare.name for rare in self.rare))

    @cached_property
    def keeps(self) -> tuple[str, ...]:
        """What a panel takes of the borrowers that it keeps."""
        return KEPT.get(self.name, ())

    @cached_property
    def sets(self) -> frozenset[str]:
        """States and columns that it writes for everybody it runs for, and reads nowhere before."""
        read: set[str] = set()
        found: set[str] = set()
        for loop in self.loops:
            read |= {name for name in loop.loads if name not in found}
            found |= {name for name in loop.stores if loop.where is None}
        return frozenset(found - read)

    @cached_property
    def left_over(self) -> tuple[list[int], list[int], list[int]]:
        """Outcome words, rare sums and lists not produced by any of the stage's loops (tallied afterwards)."""
        words = {at for loop in self.loops for at in loop.words}
        rare = {at for loop in self.loops for at in loop.rare}
        rolls = {at for loop in self.loops for at in loop.rolls}
        return (
            [at for at in range(len(self.words)) if at not in words],
            [at for at in range(len(self.rare)) if at not in rare],
            [at for at in range(len(self.rolls)) if at not in rolls],
        )

    @cached_property
    def tally_columns(self) -> list[str]:
        """Columns that the stage's tally reads, in order."""
        counted, added, made = self.left_over
        listed = [name for at in made for name in (*self.rolls[at].when, *self.rolls[at].values)]
        words = [name for at in counted for name in self.words[at] if name]
        rare = [name for at in added for name in (self.rare[at].when, self.rare[at].field)]
        laws = [BROKEN] if any(BROKEN in rule.writes for rule in self.rules) else []
        return list(dict.fromkeys(["segment", "decile", *words, *self.sums, *rare, *listed, *laws]))

    @cached_property
    def guards(self) -> list[str]:
        """What the tally looks over for amounts that cannot be: money below 0 or not storable, and broken laws."""
        return [name for name in self.tally_columns if FIELDS[name].storage == "i4" or name == BROKEN]

    @cached_property
    def measures(self) -> bool:
        """Whether a rule measures borrowers, and writes no field."""
        return any(name in MEASURED for rule in self.rules for name in rule.writes)

    def wheres(self) -> list[tuple[Rule, str | None]]:
        """Each rule with the flow that it depends on."""
        return [(rule, loop.where) for loop in self.loops for rule in loop.rules]


@dataclass(eq=False)
class Plan:
    """All stages, in order of first use, and the columns that must exist."""

    stages: dict[str, Stage]
    phases: tuple[Phase, ...]
    columns: tuple[str, ...]

    @property
    def bytes_a_borrower(self) -> int:
        """Memory of all columns, state and flows."""
        return sum(BYTES[FIELDS[name].storage] for name in self.columns)

    @cached_property
    def ours(self) -> bool:
        """Whether all rules are built-in ones."""
        return not any(rule.user_defined for stage in self.stages.values() for rule in stage.rules)

    @property
    def flow_columns(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if name in FLOW_NAMES)


def word(draw: str) -> str:
    """The scratch that holds a draw's word."""
    return f"word_{draw}"


def dtype(name: str) -> str:
    """The type of a column or of scratch."""
    return "int32" if name.startswith(word("")) else DTYPES[FIELDS[name].storage]


def share_words(loops: list[Loop], overridden: frozenset[str]) -> list[str]:
    """Let a loop keep the words that later loops need of a block that it makes: a block costs more than a load."""
    dense = [loop for loop in loops if loop.where is None and not any(rule.name in overridden for rule in loop.rules)]
    for k, loop in enumerate(dense):
        for draw in loop.draws:
            maker = next((one for one in dense[:k] if PURPOSES[draw] // 4 in one.blocks), None)
            if maker is not None:
                loop.takes.append(draw)
                maker.keeps += [draw] if draw not in maker.keeps else []
    return list(dict.fromkeys(word(draw) for loop in dense for draw in loop.keeps))


def share_tallies(stage: str, loops: list[Loop], overridden: frozenset[str]) -> set[str]:
    """Let gated loops count and list what concerns just those for whom they run; gives what else is read at the end."""
    words, rare, rolls = WORDS.get(stage, ()), RARE_SUMS.get(stage, ()), ROLLS.get(stage, ())
    for k, loop in enumerate(loops):
        if loop.where is None or any(rule.name in overridden for rule in loop.rules):
            continue
        later = {name for after in loops[k + 1 :] for rule in after.rules for name in rule.writes}
        mine = {name for rule in loop.rules for name in rule.writes} - later
        loop.words = [at for at, (name, when) in enumerate(words) if when == loop.where and name in mine]
        loop.rare = [at for at, one in enumerate(rare) if one.when == loop.where and one.field in mine]
        loop.rolls = [at for at, one in enumerate(rolls) if {*one.when} <= mine & FLOW_NAMES and not later & {*one.values}]
    return tallied(stage, {at for loop in loops for at in loop.words}, {at for loop in loops for at in loop.rare})


def check(rule: Rule, terms: frozenset[str]) -> None:
    """Every name in a rule's contract is known, or a BadRule that suggests the nearest."""
    for name in (*rule.fields, *rule.writes):
        if name not in FIELDS and name not in MEASURED:
            raise BadRule(f"rule {rule.name}: unknown field {name!r}{nearest(name, FIELDS)}")
    for name in rule.draws:
        if name not in PURPOSES:
            raise BadRule(f"rule {rule.name}: unknown draw {name!r}{nearest(name, PURPOSES)}")
    for name in rule.terms:
        if name not in terms:
            raise BadRule(f"rule {rule.name}: unknown term {name!r}{nearest(name, terms)}")


def no_place(rule: Rule, names: set[str]) -> str:
    """Why a user-defined rule has no place in the month: the nearest rule where one is near, else all of them."""
    what = "no rule of the month has this name; say after which one it runs, @rule(..., after=...)"
    if rule.after is not None:
        what = f"after: {str(rule.after)[:40]!r} is no rule of the month"
    near = nearest(str(rule.after or rule.name).lower(), names)
    return f"{what}{near or f'; one of {", ".join(sorted(names))}'}"


def with_user_rules(user_rules: tuple[Rule, ...]) -> tuple[tuple[Phase, ...], tuple[Phase, ...]]:
    """The tables of phases with user-defined rules: in place of a built-in of the same name, or behind `after`.

    Of several behind the same rule the first given runs first.
    """
    tables = [list(BIRTH), list(MONTH)]
    names = {rule.name for table in tables for phase in table for rule in phase.rules}
    for rule in user_rules:
        target = rule.name if rule.name in names else rule.after
        if target not in names:
            raise BadRule(f"rule {rule.name}: {no_place(rule, names)}")
        for table in tables:
            for place, phase in enumerate(table):
                at = next((k for k, old in enumerate(phase.rules) if old.name == target), None)
                if at is None:
                    continue
                start, end, behind = at, at + 1, {target}
                if target != rule.name:
                    while end < len(phase.rules) and phase.rules[end].after in behind:
                        behind.add(phase.rules[end].name)
                        end += 1
                    start = end
                table[place] = replace(phase, rules=(*phase.rules[:start], rule, *phase.rules[end:]))
        names.add(rule.name)
    return tuple(tables[0]), tuple(tables[1])


def with_laws(month: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """The month with the laws of one account at the end of each stage for everybody: nobody's rule runs behind them."""
    found = list(month)
    for stage, (law, _) in LAWS.items():
        last = max(place for place, phase in enumerate(found) if phase.stage == stage)
        found.insert(last + 1, Phase(f"laws of {stage}", found[last].step, stage, "what must hold of an account", (law,)))
    return tuple(found)


def make_plan(terms: frozenset[str], user_rules: tuple[Rule, ...] = (), overridden: frozenset[str] = frozenset()) -> Plan:
    """The plan for a month. Rules named in `overridden` (overridden in Python) get loops of their own.

    With rules that are not ours, every borrower's account is held against the laws of rules/laws.py.
    """
    birth, month = with_user_rules(user_rules)
    if user_rules or overridden:
        month = with_laws(month)
    phases = (*birth, *month)
    groups: dict[str, list[tuple[Rule, str | None]]] = {}
    listed: dict[str, bool] = {}
    for phase in phases:
        for rule in phase.rules:
            check(rule, terms)
        if phase.rules:
            groups.setdefault(phase.stage, []).extend((rule, phase.where) for rule in phase.rules)
            listed[phase.stage] = phase.listed
    wanted_later: dict[str, set[str]] = {}
    later: set[str] = {name for phase in phases for name in (*phase.reads, *phase.writes)}
    for name in reversed(list(groups)):
        wanted_later[name] = set(later)
        written: set[str] = set()
        for rule, where in groups[name]:
            later |= {one for one in (*rule.fields, *([where] if where else [])) if one not in written and one in FLOW_NAMES}
            written |= set(rule.writes)
        later |= {one for one in tallied(name) if one not in written and one in FLOW_NAMES}
    stages: dict[str, Stage] = {}
    columns: list[str] = [state.name for state in STATE]
    for name, rules in groups.items():
        stage = make_stage(name, rules, listed[name], wanted_later[name], overridden)
        stages[name] = stage
        columns += [one for one in stage.columns if one not in columns and one in FLOW_NAMES]
    columns += sorted({name for phase in phases for name in (*phase.reads, *phase.writes) if name not in columns})
    return Plan(stages, month, tuple(columns))


def tallied(stage: str, words_done: Collection[int] = (), rare_done: Collection[int] = ()) -> set[str]:
    """Everything that a stage's counts, sums and lists read, but for words and rare sums that are done already."""
    words = {name for at, word in enumerate(WORDS.get(stage, ())) if at not in words_done for name in word if name}
    rare = {name for at, one in enumerate(RARE_SUMS.get(stage, ())) if at not in rare_done for name in (one.field, one.when)}
    rolls = {name for roll in ROLLS.get(stage, ()) for name in (*roll.when, *roll.values)}
    return {*SUMS.get(stage, ()), *words, *rare, *rolls}


def make_stage(
    name: str, rules: list[tuple[Rule, str | None]], listed: bool, later: set[str], overridden: frozenset[str]
) -> Stage:
    """One stage: its loops, and which flows are columns or scratch."""
    sums, rare, words, rolls = SUMS.get(name, ()), RARE_SUMS.get(name, ()), WORDS.get(name, ()), ROLLS.get(name, ())
    loops: list[Loop] = []
    width: set[str] = set()
    for rule, where in rules:
        touched = {*rule.fields, *rule.writes}
        other = bool(loops) and loops[-1].where != where
        alone = rule.name in overridden or (loops and loops[-1].rules and loops[-1].rules[-1].name in overridden)
        too_wide = len(width | touched) > COLUMNS and not listed and where is None
        if not loops or alone or other or too_wide:
            loops.append(Loop([], where))
            width = set()
        loops[-1].rules.append(rule)
        width |= touched
    at_end = share_tallies(name, loops, overridden) | {BROKEN for rule, _ in rules if BROKEN in rule.writes}
    at_end |= {*KEPT.get(name, ())}
    needed_after: list[set[str]] = []
    needed = later | at_end
    for loop in reversed(loops):
        needed_after.append(set(needed))
        needed = needed | {one for rule in loop.rules for one in rule.fields} | ({loop.where} if loop.where else set())
    needed_after.reverse()
    for loop, needed in zip(loops, needed_after, strict=True):
        written: list[str] = []
        for rule in loop.rules:
            loop.loads += [one for one in rule.fields if one not in written and one not in loop.loads]
            written += [one for one in rule.writes if one not in written]
        loop.stores = [one for one in written if (one not in FLOW_NAMES or one in needed) and one not in MEASURED]
    touched_names: list[str] = []
    produced: set[str] = set()
    from_outside: set[str] = set()
    for loop in loops:
        wheres = [loop.where] if loop.where else []
        from_outside |= {one for one in (*loop.loads, *wheres) if one in FLOW_NAMES and one not in produced}
        produced |= set(loop.stores)
        touched_names = list(dict.fromkeys([*touched_names, *wheres, *loop.loads, *loop.stores]))
    touched_names += [one for one in sorted(at_end) if one not in touched_names]
    if (words or sums) and not listed:
        touched_names += [one for one in ("segment", "decile") if one not in touched_names]
    is_column = {one: one not in FLOW_NAMES or one in from_outside or one in later for one in touched_names}
    return Stage(
        name,
        tuple(rule for rule, _ in rules),
        listed,
        loops,
        tuple(one for one in touched_names if is_column[one]),
        (*(one for one in touched_names if not is_column[one]), *([] if listed else share_words(loops, overridden))),
        sums,
        rare,
        words,
        rolls,
    )
