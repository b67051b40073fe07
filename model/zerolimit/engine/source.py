"""The fused loops, written out as Python that Numba compiles. `zerolimit phases --source` prints this text."""

import ast
from collections.abc import Iterable
from functools import cache

import numpy as np

from zerolimit.basics.errors import BadInput
from zerolimit.engine.plan import FLOW_NAMES, Loop, Plan, Stage, dtype, word
from zerolimit.month import Roll
from zerolimit.rules.caps import MEASURED
from zerolimit.rules.flags import BITS
from zerolimit.rules.laws import BROKEN
from zerolimit.rules.rule import Rule
from zerolimit.vocabulary.cells import CELLS_PER_SEGMENT
from zerolimit.vocabulary.draws import BIRTH, LIFELONG_FROM, LIFELONG_TO, PURPOSES
from zerolimit.vocabulary.fields import FIELDS, Q2, STORABLE

CASTS = {"i1": "int8", "i2": "int16", "i4": "int32", "f4": "float32", "q2": "int16"}
HALVES = 2
HALF = BITS // HALVES
"""Bits of half an outcome word. Values of halves are counted: their table stays in the fastest cache."""


def loaded(name: str, where: str) -> str:
    """The expression that brings a stored value into a rule's float64."""
    return f"float64({where}) * {1.0 / Q2!r}" if FIELDS[name].storage == "q2" else f"float64({where})"


def rounded(name: str) -> str | None:
    """The line that rounds a returned value to what its column can hold, where that is needed."""
    storage = FIELDS[name].storage
    if storage == "f4":
        return f"{name} = float64(float32({name}))"
    if storage == "q2":
        return f"{name} = whole({name} * {Q2!r} + 0.5) * {1.0 / Q2!r}"
    return None


def stored(name: str) -> str:
    """The expression that goes back into the column."""
    storage = FIELDS[name].storage
    return f"{CASTS[storage]}({name} * {Q2!r})" if storage == "q2" else f"{CASTS[storage]}({name})"


def call(rule: Rule) -> str:
    """The line that applies a rule."""
    return f"{', '.join(rule.writes)} = {rule.name}({', '.join(rule.reads)})"


def draw_lines(loop: Loop) -> list[str]:
    """Philox blocks and the uniforms taken from them."""
    lines: list[str] = []
    for block in loop.blocks:
        when = f"uint32({BIRTH})" if LIFELONG_FROM <= 4 * block < LIFELONG_TO else "month"
        lines.append(f"w0, w1, w2, w3 = words_of(key0, key1, client, {when}, uint32({block}), uint32(generation_[i]))")
        for draw in loop.keeps:
            if PURPOSES[draw] // 4 == block:
                lines.append(f"{word(draw)}_[i] = int32(w{PURPOSES[draw] % 4})")
        for draw in loop.draws:
            if PURPOSES[draw] // 4 == block and draw not in loop.takes:
                lines.append(f"{draw} = unit(w{PURPOSES[draw] % 4})")
    return lines + [f"{draw} = unit(uint32({word(draw)}_[i]))" for draw in loop.takes]


def rolls_of(stage: Stage, loop: Loop) -> list[Roll]:
    """The lists that a loop makes itself."""
    return [stage.rolls[at] for at in loop.rolls]


def key_arguments(stage: Stage, loop: Loop) -> list[str]:
    """The borrowers' keys, where a loop draws: of those listed, or of all it runs over (None: their rows)."""
    return ["keys"] if stage.listed or loop.blocks else []


def client_of(stage: Stage, loop: Loop) -> str:
    """The expression of a borrower's key. Loops over everybody are compiled with and without keys, the others once."""
    every = not stage.listed and not loop.where
    return "client_at(keys, first, i)" if every else "keys[i] if len(keys) else uint64(first + uint32(i))"


def gate_arguments(stage: Stage, loop: Loop) -> list[str]:
    """What a gated loop takes beside columns: room for the borrowers found, and what it counts and lists."""
    return ["rows", "sums", "words", "lengths", *roll_arrays(rolls_of(stage, loop))] if loop.where else []


def loop_columns(stage: Stage, loop: Loop) -> list[str]:
    """Columns that one loop takes, in order."""
    names = list(dict.fromkeys([*loop.loads, *loop.stores]))
    if loop.where:
        names = list(dict.fromkeys([loop.where, *names]))
    if loop.words or loop.rare:
        names = list(dict.fromkeys([*names, "segment", "decile"]))
    names = list(dict.fromkeys([*names, *(name for roll in rolls_of(stage, loop) for name in (*roll.when, *roll.values))]))
    names += [word(draw) for draw in (*loop.takes, *loop.keeps)]
    return names if not loop.blocks or "generation" in names else [*names, "generation"]


def body(loop: Loop, checks: bool) -> list[str]:
    """What happens to borrower i, as lines."""
    lines = [f"{name} = {loaded(name, f'{name}_[i]')}" for name in loop.loads]
    lines += draw_lines(loop)
    for rule in loop.rules:
        lines.append(call(rule))
        for name in rule.writes:
            if name in MEASURED:
                lines.append(f"out[k, {list(MEASURED).index(name)}] = {name}")
                continue
            if checks or rule.user_defined:
                lines += check_lines(name)
            if line := rounded(name):
                lines.append(line)
    return lines + [f"{name}_[i] = {stored(name)}" for name in loop.stores]


def check_lines(name: str) -> list[str]:
    """In tests: counts what a column could not hold, or what is no whole number."""
    storage = FIELDS[name].storage
    if storage == "f4":
        return [f"bad += 0 if abs({name}) < 1.0e30 else 1"]
    lines = [f"bad += 0 if abs({name}) <= {STORABLE[storage]!r} else 1"]
    return lines + ([] if storage == "q2" else [f"bad += 0 if {name} == whole({name}) else 1"])


def indented(lines: list[str], by: int) -> list[str]:
    return [" " * by + line for line in lines]


def loop_source(stage: Stage, number: int, terms: dict[str, int], checks: bool) -> list[str]:
    """One loop as a function over slices of the columns (or, for a list, over the borrowers listed)."""
    loop = stage.loops[number]
    used = sorted({term for rule in loop.rules for term in rule.terms})
    columns = loop_columns(stage, loop)
    label = f"{stage.name}_{number}"
    lines: list[str] = []
    if used:
        lines += [f"Terms_{label} = namedtuple('Terms_{label}', {' '.join(used)!r})", ""]
    arguments = ", ".join(
        [
            "key0",
            "key1",
            "month",
            "first",
            "terms_",
            *key_arguments(stage, loop),
            *(["rows", "out"] if stage.listed else gate_arguments(stage, loop)),
            *(f"{c}_" for c in columns),
        ]
    )
    alias = "" if stage.listed or loop.where or checks else ", pipeline_class=NoAlias"
    lines += ["", f"@njit(cache=True, nogil=True, error_model='numpy'{alias})"]
    lines.append(f"def loop_{label}({arguments}):")
    lines.append(f'    """{", ".join(rule.name for rule in loop.rules)}"""')
    if used:
        lines.append(f"    terms = Terms_{label}({', '.join(f'terms_[{terms[name]}]' for name in used)})")
    elif any("terms" in rule.reads for rule in loop.rules):
        lines.append("    terms = 0.0")
    lines.append("    bad = 0")
    if stage.listed:
        lines += ["    for k in range(len(rows)):", "        i = uint64(rows[k])"]
    elif loop.where:
        lines += ["    count = uint64(0)", f"    for i in range(len({loop.where}_)):", "        rows[count] = i"]
        lines.append(f"        count += uint64(1) if {loop.where}_[i] != 0 else uint64(0)")
        lines += [f"    {name}_[:] = 0" for name in loop.stores if name in FLOW_NAMES]
        lines += ["    for k in range(count):", "        i = uint64(rows[k])"]
    else:
        lines.append(f"    for i in range(len({columns[0]}_)):")
    if loop.blocks:
        lines.append(f"        client = {client_of(stage, loop)}")
    lines += indented([*body(loop, checks), *own_tally(stage, loop)], 8)
    return [*lines, "    return bad", "", ""]


CELL = f"cell = uint64(segment_[i]) * uint64({CELLS_PER_SEGMENT}) + uint64(decile_[i])"


def count_word(at: int, value: str) -> list[str]:
    """The lines that count a word of outcome flags, by halves."""
    return [
        f"bits = uint64({value})",
        f"words[uint64({at}), cell, uint64(0), bits & uint64({2**HALF - 1})] += uint32(1)",
        f"words[uint64({at}), cell, uint64(1), bits >> uint64({HALF})] += uint32(1)",
    ]


def own_tally(stage: Stage, loop: Loop) -> list[str]:
    """What a gated loop counts and adds up of a borrower, as lines."""
    lines = [CELL] if loop.words or loop.rare else []
    for at in loop.words:
        lines += count_word(at, stored(stage.words[at][0]))
    for at in loop.rare:
        lines.append(f"sums[cell, uint64({len(stage.sums) + at})] += int64({stored(stage.rare[at].field)})")
    for at in loop.rolls:
        lines += [f"if {concerned(stage.rolls[at])}:", *indented(listed_lines(stage, at, "first + uint32(i)"), 4)]
    return lines


def concerned(roll: Roll) -> str:
    """The condition under which borrower i is on a list."""
    return " or ".join(f"{name}_[i] != 0" for name in roll.when)


def listed_lines(stage: Stage, at: int, row: str) -> list[str]:
    """The lines that put borrower i on a list."""
    roll = stage.rolls[at]
    lines = [f"at = uint64(lengths[{at}])", f"{roll.name}_rows[at] = {row}"]
    return [*lines, *(f"{roll.name}_{value}[at] = {value}_[i]" for value in roll.values), f"lengths[{at}] = at + uint64(1)"]


def roll_arrays(rolls: Iterable[Roll]) -> list[str]:
    """Arrays that lists are written to, in order."""
    rolls = tuple(rolls)
    return [f"{roll.name}_rows" for roll in rolls] + [f"{roll.name}_{value}" for roll in rolls for value in roll.values]


def tally_source(stage: Stage) -> list[str]:
    """Counts, sums and lists of one stage over a chunk: whole numbers, so any order gives the same."""
    counted, added, made = stage.left_over
    names, rolls = stage.tally_columns, roll_arrays(stage.rolls[at] for at in made)
    lines = [
        "@njit(cache=True, nogil=True, error_model='numpy')",
        f"def tally_{stage.name}({', '.join(['lo', *(f'{n}_' for n in names), 'sums', 'words', 'lengths', *rolls])}):",
        "    for i in range(len(segment_)):",
        f"        {CELL}",
    ]
    conditional: dict[str, list[str]] = {}
    for k in counted:
        name, where = stage.words[k]
        some = count_word(k, f"{name}_[i]")
        if where:
            conditional.setdefault(where, []).extend(some)
        else:
            lines += indented(some, 8)
    lines += [f"        sums[cell, uint64({k})] += int64({name}_[i])" for k, name in enumerate(stage.sums)]
    for k in added:
        one, at = stage.rare[k], len(stage.sums) + k
        conditional.setdefault(one.when, []).append(f"sums[cell, uint64({at})] += int64({one.field}_[i])")
    for where, some in conditional.items():
        lines += [f"        if {where}_[i] != 0:", *indented(some, 12)]
    for k in made:
        roll, written = stage.rolls[k], listed_lines(stage, k, "lo + i")
        if roll.often:
            found = f"uint64(1) if {concerned(roll)} else uint64(0)"
            lines += indented([*written[:-1], f"lengths[{k}] = at + ({found})"], 8)
        else:
            lines += [f"        if {concerned(roll)}:", *indented(written, 12)]
    return [*lines, *guard_lines(stage), "", ""]


def guard_lines(stage: Stage) -> list[str]:
    """The lines that look over a chunk's amounts: how many borrowers have one that cannot be, who is first, and which.

    As unsigned numbers amounts below 0 are the largest, so the largest of all tells whether to look closer.
    """
    most, at = int(STORABLE["i4"]), len(stage.rolls)
    tops = {name: f"uint32({name}_[i])" for name in stage.guards}
    tops.update({name: f"uint32(int64({name}_[i]) + {most})" for name in stage.guards if FIELDS[name].signed})
    of = {name: "law" if name == BROKEN else ("shifted" if FIELDS[name].signed else "top") for name in stage.guards}
    wrong = {"law": "law > 0", "shifted": f"shifted > {2 * most}", "top": f"top > {most}"}
    some = [kind for kind in wrong if kind in of.values()]
    if not some:
        return []
    lines = [f"{kind} = uint32(0)" for kind in some] + ["for i in range(len(segment_)):"]
    lines += [f"    {of[name]} = max({of[name]}, {top})" for name, top in tops.items()]
    lines += [f"if {' or '.join(wrong[kind] for kind in some)}:", "    for i in range(len(segment_)):"]
    for k, (name, top) in enumerate(tops.items()):
        limit = {"law": 0, "shifted": 2 * most, "top": most}[of[name]]
        lines += [f"        {'el' if k else ''}if {top} > {limit}:", f"            if lengths[{at}] == 0:"]
        lines += [f"                lengths[{at + 1}] = lo + i", f"                lengths[{at + 2}] = {k}"]
        lines += [f"                lengths[{at + 3}] = int64({name}_[i])", f"            lengths[{at}] += 1"]
    return indented(lines, 4)


GUARD = 5
"""Numbers behind the lengths of a stage's lists: borrowers with an amount that cannot be; the first, which, what; and
values that a rule returned and its column cannot hold."""


def take_source(stage: Stage) -> list[str]:
    """What a panel takes of the borrowers kept, out of a chunk."""
    names = stage.keeps
    lines = [
        "@njit(cache=True, nogil=True, error_model='numpy')",
        f"def take_{stage.name}({', '.join(['lo', 'kept', *(f'{n}_' for n in names), *(f'{n}_kept' for n in names)])}):",
    ]
    for name in names:
        lines += ["    for k in range(len(kept)):", f"        {name}_kept[k] = {name}_[kept[k] - lo]"]
    return [*lines, "", ""]


def stage_source(stage: Stage, terms: dict[str, int], checks: bool) -> list[str]:
    """A whole stage: its loops, its tally, and the driver that takes a range of all worlds' borrowers chunk by chunk."""
    lines: list[str] = [f"# stage {stage.name}", ""]
    for number in range(len(stage.loops)):
        lines += loop_source(stage, number, terms, checks)
    if stage.listed:
        return lines + list_source(stage)
    tallies = bool(stage.sum_names or stage.words or stage.rolls)
    if tallies:
        lines += tally_source(stage)
    if stage.keeps:
        lines += take_source(stage)
    arguments = [
        *("key0", "key1", "month", "start", "stop", "chunk", "bases", "terms_"),
        *("keys", "sums", "words", "counts", "lengths", "rows", "kept", "places", "size"),
    ]
    rolls = roll_arrays(stage.rolls)
    lines += [
        "@njit(cache=True, nogil=True, error_model='numpy')",
        f"def stage_{stage.name}({', '.join(arguments)}):",
        *array_lines(stage_arrays(stage)),
        "    for w in range(len(bases) - 1):",
        "        begin, end, base = max(start, bases[w]), min(stop, bases[w + 1]), bases[w]",
        "        if begin >= end:",
        "            continue",
        "        of_world, made, bad = terms_[w], lengths[w], 0",
        *(f"        {name}_w = {name}[begin:end]" for name in rolls),
        "        for lo in range(begin, end, chunk):",
        "            hi = min(lo + chunk, end)",
        "            n = hi - lo",
    ]
    scratch = set(stage.scratch)

    def part(name: str) -> str:
        return f"{name}_[:n]" if name in scratch else f"{name}_[lo:hi]"

    for number, loop in enumerate(stage.loops):
        gates = {"rows": "rows", "sums": "sums[w]", "words": "words", "lengths": "made"}
        gate = [gates.get(name, f"{name}_w") for name in gate_arguments(stage, loop)]
        own = [*map(part, loop_columns(stage, loop))]
        some = ["keys[lo:hi]"] * len(key_arguments(stage, loop))
        ways = some, ["None"] * len(some)
        head = ["key0[w]", "key1[w]", "month", "uint32(lo - base)", "of_world"]
        both = [", ".join([*head, *keys, *gate, *own]) for keys in ways]
        keyed, plain = (f"bad += loop_{stage.name}_{number}({arguments})" for arguments in both)
        if some and not loop.where:
            lines += indented(["if len(keys):", f"    {keyed}", "else:", f"    {plain}"], 12)
        else:
            lines.append(f"            {keyed}")
    if tallies:
        listed = [f"{name}_w" for name in roll_arrays(stage.rolls[at] for at in stage.left_over[2])]
        passed = ", ".join(["lo - base", *map(part, stage.tally_columns), "sums[w]", "words", "made", *listed])
        lines.append(f"            tally_{stage.name}({passed})")
    if stage.keeps:
        taken = ", ".join([*map(part, stage.keeps), *(f"{name}_kept[first:last]" for name in stage.keeps)])
        lines += [
            "            if len(kept) > 0:",
            "                first, last = searchsorted(kept, lo), searchsorted(kept, hi)",
            "                if last > first:",
            f"                    take_{stage.name}(lo, kept[first:last], {taken})",
        ]
    if stage.words:
        lines.append("        decode(words, counts[w])")
    return [*lines, f"        made[{len(stage.rolls) + GUARD - 1}] = bad", "", ""]


@cache
def list_columns(stage: Stage) -> tuple[str, ...]:
    """Columns that the driver of a list takes, in order."""
    return tuple(dict.fromkeys(name for loop in stage.loops for name in loop_columns(stage, loop)))


def list_source(stage: Stage) -> list[str]:
    """The driver that takes a range of a list, world by world, through a stage's loops."""
    columns = list_columns(stage)
    head = ["key0", "key1", "month", "bases", "starts", "first", "last", "terms_", "keys", "rows", "out", "bad"]
    lines = [
        "@njit(cache=True, nogil=True, error_model='numpy')",
        f"def list_{stage.name}({', '.join([*head, 'places', 'size'])}):",
        *array_lines([(f"{name}_", kind_of(name), "size") for name in columns]),
        "    for w in range(len(bases) - 1):",
        "        begin, end, lo, hi = max(first, starts[w]), min(last, starts[w + 1]), bases[w], bases[w + 1]",
        "        if begin >= end:",
        "            continue",
        "        some, of_world, found = rows[begin:end], terms_[w], out[begin:end]",
    ]
    for number, loop in enumerate(stage.loops):
        own = [f"{name}_[lo:hi]" for name in loop_columns(stage, loop)]
        passed = ["key0[w]", "key1[w]", "month", "uint32(0)", "of_world", "keys[lo:hi]", "some", "found", *own]
        lines.append(f"        bad[w] += loop_{stage.name}_{number}({', '.join(passed)})")
    return [*lines, "", ""]


def kind_of(name: str) -> str:
    """The type in which a column's values are stored."""
    return np.dtype(dtype(name)).name


def array_lines(arrays: Iterable[tuple[str, str, str]]) -> list[str]:
    """The lines that make arrays of where they begin: names, types and lengths."""
    return [f"    {name} = array_at(places[{k}], {length}, {kind})" for k, (name, kind, length) in enumerate(arrays)]


def stage_arrays(stage: Stage) -> list[tuple[str, str, str]]:
    """Columns, scratch, lists and what is kept, in the order in which a stage's driver is told where they begin."""
    values = [value for roll in stage.rolls for value in roll.values]
    lists = zip(roll_arrays(stage.rolls), ["int32"] * len(stage.rolls) + [kind_of(value) for value in values], strict=True)
    return [
        *((f"{name}_", kind_of(name), "size") for name in driver_columns(stage)),
        *((f"{name}_", kind_of(name), "chunk") for name in stage.scratch),
        *((name, kind, "size") for name, kind in lists),
        *((f"{name}_kept", kind_of(name), "len(kept)") for name in stage.keeps),
    ]


@cache
def driver_columns(stage: Stage) -> tuple[str, ...]:
    """Columns that a stage's driver takes, in order."""
    names = list(stage.columns)
    if any(loop.blocks for loop in stage.loops) and "generation" not in names:
        names.append("generation")
    return tuple(names)


HEAD = '''"""Generated by zerolimit.engine.source; do not edit. One loop for each run of rules, as the month applies them."""

from collections import namedtuple

from numpy import searchsorted
from numba import float32, float64, int8, int16, int32, int64, njit, uint32, uint64
from zerolimit.engine.columns import array_at
from zerolimit.engine.compiled import NoAlias, decode
from zerolimit.engine.philox import client_at, unit, words_of
from zerolimit.rules.rule import whole
'''


def month_source(plan: Plan, terms: dict[str, int], user_rules: dict[str, str], checks: bool) -> str:
    """The text of the module with every stage of the plan. `own` maps user-defined rules to their injected names."""
    lines = HEAD.splitlines()
    seen: set[str] = set()
    for stage in plan.stages.values():
        for rule in stage.rules:
            if rule.name not in seen:
                seen.add(rule.name)
                if rule.name in user_rules:
                    lines.append(f"{rule.name} = {user_rules[rule.name]}")
                else:
                    module = rule.function.__module__
                    lines.append(f"from {module} import {rule.name} as _{rule.name}")
                    lines.append(f"{rule.name} = _{rule.name}.function")
    lines += ["", ""]
    for stage in plan.stages.values():
        lines += stage_source(stage, terms, checks)
    refuse_taken(seen, lines)
    return "\n".join(lines).rstrip() + "\n"


def refuse_taken(names: Iterable[str], lines: Iterable[str]) -> None:
    """BadInput where a rule has the name of something else in the generated module, and would take its place."""
    imports = (node for node in ast.parse(HEAD).body if isinstance(node, ast.ImportFrom))
    taken = {alias.name for node in imports for alias in node.names}
    taken |= {line[4 : line.index("(")] for line in lines if line.startswith("def ")}
    if clash := sorted(taken.intersection(names)):
        raise BadInput(f"rules: {clash[0]}: the compiled month has a function of this name; call the rule otherwise")
