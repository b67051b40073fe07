"""Bad input: one line that says what, where and what is allowed; exit code 2; nothing left behind."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from zerolimit.basics.errors import BadInput
from zerolimit.commands.cli import app
from zerolimit.engine.plan import make_plan
from zerolimit.engine.source import month_source
from zerolimit.parameters.scenario import load_scenario
from zerolimit.parameters.terms import TERMS
from zerolimit.results.frames import rate
from zerolimit.results.panel import Panel
from zerolimit.results.whole import check_target
from zerolimit.rules.rule import rule
from zerolimit.run import simulation
from zerolimit.run.simulation import Simulation
from zerolimit.study.results import load

SMALL = ("--borrowers", "20", "--months", "1", "--engine", "objects", "--panel", "none")

FILES: dict[str, bytes] = {
    "plain.txt": b"a regular file\n",
    "broken.toml": b"need_rate = = 1\n",
    "binary.toml": b"\xff\xfe\x00",
    "unknown.toml": b"ned_rate = 0.1\n",
    "nobase.toml": b'base = "baselin"\n',
    "calendar.toml": b'[[calendar]]\nmonth = 1\nkind = "tightnes"\nvalue = 0.5\n',
    "toohigh.toml": b'[[calendar]]\nmonth = 1\nkind = "tightness"\nvalue = 1.5\n',
    "bothpools.toml": b"pool_share = 0.5\npool_yuan = 1000.0\n",
    "empty.csv": b"",
    "header.csv": b"id,limit\n",
    "nolimit.csv": b"id,limits\na,1000\n",
    "twice.csv": b"limit,limit\n1000,2000\n",
    "sameid.csv": b"id,limit\na,1000\na,2000\n",
    "negative.csv": b"id,limit\na,1000\nb,-5\n",
    "infinite.csv": b"id,limit,balance\na,1000,inf\n",
    "words.csv": b"id,limit\na,plenty\n",
    "huge.csv": b"id,limit\na,90000000000\n",
    "late.csv": b"limit,late\n1000,1.5\n",
    "segment.csv": b"limit,segment\n1000,salaryd\n",
    "ragged.csv": b"id,limit\na,1000\nb\n",
    "clients.xlsx": b"PK\x03\x04\x14\x00\x06\x00\x08\x00\n",
    "clients.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "spaces.csv": "id,limit\na,-1\u202f200.50\n".encode(),
    "points.csv": b"id;limit\na;30.000\n",
    "marks.csv": b"id;limit\na;30,5\nb;30.5\n",
    "bare.csv": b"id,limit\na,30,000\n",
    "cut.parquet": b"PAR1\x15\x04\x15",
    "cut.csv.gz": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03K",
    "events.csv": b"month,kind,value\n3,tightness,0.5\n",
    "emptyfile.toml": b'calendar_file = "empty.csv"\n',
    "nofile.toml": b'calendar_file = "event.csv"\n',
    "numberfile.toml": b"macro_file = 3\n",
    "bothcalendars.toml": b'calendar_file = "events.csv"\n[[calendar]]\nmonth = 1\nkind = "tightness"\nvalue = 0.5\n',
    "nocalendar.toml": b'calendar = "events.csv"\n',
    "twomodels.toml": b'macro_model = "regimes"\nmacro = [{month = 0, macro = 0.1}]\n',
    "events-columns.csv": b"month,kindd,value\n3,tightness,0.5\n",
    "events-novalue.csv": b"month,kind\n3,tightness\n",
    "events-nomonth.csv": b"kind,value\ntightness,0.5\n",
    "events-both.csv": b"month,date,kind,value\n3,2018-04,tightness,0.5\n",
    "events-header.csv": b"month,kind,value\n",
    "events-words.csv": b"month,kind,value\n3,tightness,0.5\n4,tightness,much\n",
    "events-commas.csv": b'month,kind,value\n3,person_cap,"30,000"\n',
    "events-range.csv": b"month,kind,value\n3,tightness,0.5\n4,tightness,1.5\n",
    "events-month.csv": b"month,kind,value\n-3,tightness,0.5\n",
    "events-half.csv": b"month,kind,value\n1.5,tightness,0.5\n",
    "events-kind.csv": b"month,kind,value\n3,tightnes,0.5\n",
    "events-twice.csv": b"month,kind,value\n3,tightness,0.5\n4,tightness,0.1\n3,tightness,0.2\n",
    "events-dated.csv": b"date,kind,value\n2018-04,tightness,0.5\n2017-12,tightness,0.2\n",
    "events-slash.csv": b"date,kind,value\n2018/04,tightness,0.5\n",
    "events-ragged.csv": b"month,kind,value\n3,tightness,0.5,0.6\n",
    "economy-blank.csv": b"month,macro,retail\n0,0.1,0.2\n1,0.1,\n",
    "economy-range.csv": b"month,macro\n0,0.1\n1,-3\n",
    "economy-gap.csv": b"date,macro\n2018-01,0.1\n2018-02,0.1\n2018-05,0.1\n",
    "economy-late.csv": b"month,macro\n1,0.1\n",
    "economy-twice.csv": b"month,macro\n0,0.1\n0,0.1\n",
    "economy-sector.csv": b"month,macro,retial\n0,0.1,0.2\n",
    "economy-infinite.csv": b"month,macro\n0,inf\n",
    "ties.csv": b"source,target\n0,1\n",
    "unknownid.csv": b"source,target\n0,1\n\n2,20\n3,99\n",
    "names.csv": b"source,target\nann,1\n",
    "selfloop.csv": b"source,target\n0,1\n7, 7\n",
    "blanktie.csv": b"source,target\n0,1\n2,\n",
    "raggedties.csv": b"source,target\n0,1\n2\n",
    "fromto.csv": b"sorce,target\n0,1\n",
    "noties.csv": b"source,target\n",
    "binaryties.csv": b"\x00\xff\xfe\n",
    "broken.graphml": b"<graphml><graph>",
    "plain.xml": b"<note/>",
    "good.csv": b"id,limit\n" + b"".join(b"%d,%d\n" % (k, 1000 + k) for k in range(20)),
    "swept/study.json": b'{"name": "tipping", "runs": 8, "columns": {}, "units": {}, "declared": {}}',
    "swept/kept.csv": b"run\n",
    "ran/provenance.json": b"{}",
    "listbase.toml": b"base = []\n",
    "nul.toml": b'calendar_file = "\\u0000"\n',
    "deep.toml": b"cutoff = " + b"[" * 3_000 + b"\n",
    "digits.toml": b"cutoff = " + b"9" * 5_000 + b"\n",
    "textnumber.toml": b'borrowers = "3000"\n',
    "numberswitch.toml": b"reasons_sent = 1\n",
    "steps.toml": b"[vary.lgd]\nsteps = 100000000\n",
    "runs.toml": b"replications = 1000000\n[vary.lgd]\nsteps = 100\n",
    "table.toml": b'design = "list"\npoints = [{lgd = {}}]\n',
    "events-pool.csv": b"month,kind,value\n3,pool,0.5\n",
}


@dataclass(frozen=True)
class Case:
    """Arguments of the command line ({here} is a folder with FILES) and words that the one line must hold."""

    name: str
    arguments: str
    words: tuple[str, ...]

    def command(self, here: Path) -> list[str]:
        given = [part.format(here=here).replace("''", "") for part in self.arguments.split()]
        if given[0] != "run":
            return given
        small = SMALL[2:] if "--portfolio" in given or "--set borrowers" in self.arguments else SMALL
        extra: list[str] = []
        for option, value in zip(small[::2], small[1::2], strict=True):
            extra += [] if option in given else [option, value]
        return [*given, *extra, *(() if "--out" in given else ("--out", str(here / "deep" / "out")))]


CASES = [
    # parameters
    Case("unknown parameter", "run --set ned_rate=0.1", ("ned_rate", "need_rate")),
    Case("change without a month", "run --change need_rate=0.1", ("--change", "month:name=value")),
    Case("change beyond the run", "run --change 9:need_rate=0.1", ("9:need_rate", "months 0 to 0")),
    Case("change of an unknown parameter", "run --change 0:ned_rate=1", ("--change", "ned_rate", "need_rate")),
    Case("change given twice", "run --change 0:need_rate=0 --change 0:need_rate=1", ("need_rate", "twice", "month 0")),
    Case("change of a start", "run --change 0:first_late=0.1", ("first_late", "only at the start")),
    Case("page on a port that is none", "app --port 70000 --no-browser", ("port", "70000", "65,535")),
    Case("page of an unknown scenario", "app baselin --no-browser", ("baselin", "did you mean 'baseline'")),
    Case("wrong type", "run --set need_rate=often", ("need_rate", "often", "0 to 1")),
    Case("switch with a word", "run --set reasons_sent=perhaps", ("reasons_sent", "perhaps")),
    Case("too large", "run --set need_rate=1.5", ("need_rate", "1.5", "0 to 1")),
    Case("too small", "run --set minimum_loan=0", ("minimum_loan", "0.01")),
    Case("not finite", "run --set minimum_loan=inf", ("minimum_loan", "finite")),
    Case("not a number", "run --set minimum_loan=nan", ("minimum_loan",)),
    Case("half a borrower", "run --borrowers 2.5", ("--borrowers", "integer")),
    Case("shares above one", "run --set share_gig=0.7 --set share_owner=0.7", ("share_gig + share_owner", "1.4")),
    Case("followers above one", "run --set follow_restraint=0.7 --set follow_planning=0.6", ("follow_restraint", "1.5")),
    Case("menu above one", "run --set menu_close=0.9", ("menu_balance + menu_step + menu_close", "1.45")),
    Case("terms above one", "run --set term_3=0.5 --set term_6=0.6", ("term_3 + term_6", "1.1")),
    Case("arrears above one", "run defaults --set cure_2=0.9", ("cure_2 + step_2 + hold_2", "1.45")),
    Case("distance above one", "run --set position_age=0.9", ("position_segment + position_age + position_income", "1.55")),
    Case("use above its bound", "run --set planned_use_low=0.7", ("planned_use_low", "planned_use_high")),
    Case("weights off one", "run --set zhima_history=0.9", ("zhima_history", "sum to 1")),
    Case("low above high", "run --set line_low=2 --set line_high=1", ("line_low", "line_high")),
    Case("both pools", "run --set pool_share=0.5 --set pool_yuan=1e6", ("pool_share", "pool_yuan")),
    Case("endless loans", "run --set term_open=0.5", ("term_open", "open_repay_rate")),
    Case("odd acquaintances", "run --set acquaintances=3", ("acquaintances", "even", "3")),
    Case("wrong mechanism", 'run --set off=["scarcty"]', ("off", "scarcity")),
    Case("wrong choice", "run --set macro_model=regime", ("macro_model", "regimes")),
    Case("set without a value", "run --set need_rate", ("--set", "name=value")),
    Case("set without a name", "run --set =3", ("--set", "name=value")),
    Case("set twice", "run --set need_rate=0.1 --set need_rate=0.2", ("need_rate", "twice")),
    # scenarios
    Case("unknown scenario", "run baselin", ("baselin", "'baseline'")),
    Case("scenario is a folder", "run {here}", ("neither a preset",)),
    Case("broken TOML", "run {here}/broken.toml", ("broken.toml", "not valid TOML", "line 1")),
    Case("binary TOML", "scenario check {here}/binary.toml", ("binary.toml", "UTF-8")),
    Case("unknown in a file", "scenario check {here}/unknown.toml", ("unknown.toml", "ned_rate", "need_rate")),
    Case("unknown base", "scenario check {here}/nobase.toml", ("nobase.toml", "baselin", "baseline")),
    Case("unknown event", "run {here}/calendar.toml", ("calendar", "kind", "tightnes")),
    Case("event out of range", "run {here}/toohigh.toml", ("tightness", "0 to 1", "1.5")),
    Case("both pools in a file", "scenario check {here}/bothpools.toml", ("pool_share", "pool_yuan")),
    Case("show what is not there", "scenario show nothing-like-it", ("nothing-like-it", "preset")),
    Case("check what is not there", "scenario check {here}/absent.toml", ("absent.toml",)),
    # size, seed, engine
    Case("no borrowers", "run --borrowers 0", ("borrowers", "1 to")),
    Case("negative borrowers", "run --borrowers -4", ("borrowers", "-4", "1 to")),
    Case("ten billion borrowers", "run --borrowers 10000000000", ("borrowers", "10,000,000,000", "GB of memory")),
    Case("ten billion by --set", "run --set borrowers=10000000000", ("borrowers", "10,000,000,000", "GB of memory")),
    Case("borrowers twice", "run --borrowers 5 --set borrowers=5", ("--borrowers", "--set", "one is enough")),
    Case("no months", "run --months 0", ("months", "0", "1 to")),
    Case("negative months", "run --months -3", ("months", "-3")),
    Case("months in words", "run --months many", ("--months",)),
    Case("bad engine", "run --engine compilde", ("engine", "compilde", "compiled")),
    Case("negative seed", "run --seed -1", ("seed", "-1")),
    Case("seed too large", "run --seed 18446744073709551616", ("seed", "18446744073709551616")),
    Case("seed in words", "run --seed lucky", ("--seed",)),
    Case("no threads", "run --threads 0", ("threads", "0")),
    Case("unknown option", "run --sed 3", ("--sed", "--seed")),
    Case("unknown command", "rum", ("rum",)),
    Case("too many arguments", "run defaults more", ("more",)),
    # panel and folder
    Case("bad panel", "run --panel some", ("panel", "some", "sample=N")),
    Case("empty sample", "run --panel sample=0", ("panel", "sample=0")),
    Case("negative sample", "run --panel sample=-5", ("panel", "sample=-5")),
    Case("sample without a number", "run --panel sample", ("panel", "sample=N")),
    Case("below a file", "run --out {here}/plain.txt/out", ("plain.txt", "cannot be written")),
    Case("below /proc", "run --out /proc/zerolimit/out", ("/proc/zerolimit", "cannot be written")),
    Case("folder exists", "run --out {here}/taken", ("taken", "already exists", "--force")),
    Case("file in the way", "run --out {here}/plain.txt", ("plain.txt", "already exists")),
    Case("folder without a name", "run --out ''", ("folder", "path", "not ''")),
    Case("force on a file", "run --force --out {here}/plain.txt", ("plain.txt", "not a folder")),
    Case("force on other things", "run --force --out {here}/taken", ("taken", "not a run folder")),
    # portfolios
    Case("absent portfolio", "run --portfolio {here}/absent.csv", ("absent.csv", "no such file")),
    Case("nearly shipped", "run --portfolio ucy", ("ucy", "uci")),
    Case("empty portfolio", "run --portfolio {here}/empty.csv", ("empty.csv", "empty")),
    Case("header only", "run --portfolio {here}/header.csv", ("header.csv", "at least one client")),
    Case("no limit", "run --portfolio {here}/nolimit.csv", ("nolimit.csv", "limit", "limits")),
    Case("limit twice", "run --portfolio {here}/twice.csv", ("twice.csv", "limit", "more than once")),
    Case("same id", "run --portfolio {here}/sameid.csv", ("sameid.csv", "id", "line 3", "line 2")),
    Case("negative limit", "run --portfolio {here}/negative.csv", ("negative.csv", "limit", "line 3")),
    Case("infinite balance", "run --portfolio {here}/infinite.csv", ("infinite.csv", "balance", "finite")),
    Case("limit in words", "run --portfolio {here}/words.csv", ("words.csv", "limit", "plenty")),
    Case("misspelt portfolio", "run --portfolio {here}/gooood.csv", ("gooood.csv", "no such file", "'good.csv'")),
    Case("workbook", "run --portfolio {here}/clients.xlsx", ("clients.xlsx", "spreadsheet", "as CSV or Parquet")),
    Case("old workbook", "run --portfolio {here}/clients.xls", ("clients.xls", "spreadsheet", "as CSV or Parquet")),
    Case("below 0 with spaces", "run --portfolio {here}/spaces.csv", ("'limit' line 2", "-1 200.50 is negative")),
    Case("two decimal marks", "run --portfolio {here}/marks.csv", ("'30,5' and '30.5'", "--decimal point or comma")),
    Case("points between thousands", "run --portfolio {here}/points.csv", ("line 2", "'30.000'", "--thousands point")),
    Case("thousands without quotes", "run --portfolio {here}/bare.csv", ("bare.csv", "line 2", "without separators")),
    Case("beyond the storable", "run --portfolio {here}/huge.csv", ("huge.csv", "limit", "scale")),
    Case("half a month late", "run --portfolio {here}/late.csv", ("late.csv", "late", "1.5")),
    Case("unknown segment", "run --portfolio {here}/segment.csv", ("segment.csv", "segment", "salaryd")),
    Case("ragged rows", "run --portfolio {here}/ragged.csv", ("ragged.csv",)),
    Case("truncated Parquet", "run --portfolio {here}/cut.parquet", ("cut.parquet", "Parquet")),
    Case("truncated gzip", "run --portfolio {here}/cut.csv.gz", ("cut.csv.gz", "truncated")),
    Case("zero scale", "run --portfolio {here}/good.csv --scale 0", ("scale", "above 0")),
    Case("map without equals", "run --portfolio {here}/good.csv --columns limit", ("--columns", "ours=theirs")),
    Case("map to nothing", "run --portfolio {here}/good.csv --columns limit=limt", ("limt", "limit")),
    Case("map of an unknown", "run --portfolio {here}/good.csv --columns limmit=id", ("limmit", "limit")),
    Case("map twice", "run --portfolio {here}/good.csv --columns id=id --columns id=limit", ("--columns", "twice")),
    Case("columns alone", "run --columns limit=credit", ("--columns", "--portfolio")),
    Case("scale alone", "run --scale 2", ("--scale", "--portfolio")),
    Case("portfolio and set", "run --portfolio {here}/good.csv --set borrowers=5", ("--set borrowers", "--portfolio")),
    # networks
    Case("unknown network", "run --set network=smallworld", ("network", "smallworld", "'small_world'")),
    Case("odd degree", "run --set network=small_world --set acquaintances=3", ("acquaintances", "even", "small_world", "3")),
    Case(
        "degree too large", "run --set network=scale_free --set acquaintances=20", ("acquaintances (20)", "borrowers (20)")
    ),
    Case(
        "sectors too small",
        "run --set network=sector_blocks --set acquaintances=18",
        ("acquaintances", "sector", "can have"),
    ),
    Case("rewiring above one", "run --set network=small_world --set rewiring=1.1", ("rewiring", "1.1", "0 to 1")),
    Case("network without its file", "run --set network=file", ("network_file", "'file'")),
    Case("file without its network", "run --set network_file={here}/ties.csv", ("network_file", "'ring'", "'file'")),
    *(
        Case(name, f"run --set network=file --set network_file={{here}}/{file}", (file, *words))
        for name, file, words in (
            ("absent ties", "tie.csv", ("no such file", "'ties.csv'")),
            ("folder of ties", "taken", ("cannot be read",)),
            ("empty ties", "empty.csv", ("empty", "source,target")),
            ("header without ties", "noties.csv", ("no ties",)),
            ("wrong columns", "fromto.csv", ("source and target", "'sorce'")),
            ("unknown slot", "unknownid.csv", ("line 4", "target", "'20'", "0 to 19")),
            ("names without a portfolio", "names.csv", ("line 2", "source", "'ann'", "portfolio")),
            ("tied to itself", "selfloop.csv", ("line 3", "'7'", "itself")),
            ("blank end", "blanktie.csv", ("line 3", "target", "blank")),
            ("ragged ties", "raggedties.csv", ("line 3",)),
            ("binary ties", "binaryties.csv", ("UTF-8",)),
            ("truncated ties", "cut.csv.gz", ("truncated",)),
            ("Parquet of no ties", "cut.parquet", ("Parquet",)),
            ("workbook of ties", "clients.xlsx", ("spreadsheet", "as CSV or Parquet")),
            ("broken GraphML", "broken.graphml", ("not GraphML",)),
            ("some other XML", "plain.xml", ("GraphML",)),
        )
    ),
    Case(
        "no id of the portfolio",
        "run --portfolio {here}/good.csv --set network=file --set network_file={here}/unknownid.csv",
        ("unknownid.csv", "line 4", "'20'", "no id of the portfolio", "'0'"),
    ),
    Case("portfolio and borrowers", "run --portfolio {here}/good.csv --borrowers 5", ("--borrowers", "--portfolio")),
    # zeros that were wrong
    Case("clients and their number", "wrongful --portfolio {here}/good.csv --borrowers 5", ("--borrowers", "--portfolio")),
    Case("scale without clients", "wrongful --scale 2", ("--scale", "--portfolio")),
    Case("change after the end", "wrongful --months 3 --change 9:need_rate=0.1", ("9:need_rate", "months 0 to 2")),
    # studies
    Case("absent study", "sweep {here}/absent", ("absent", "no such study", "study.toml")),
    Case(
        "results in place of a study",
        "sweep {here}/swept",
        ("swept", "results of the study tipping", "folder or TOML file", "--resume", "--status"),
    ),
    Case("run in place of a study", "sweep {here}/ran", ("ran", "a run's folder", "study.toml")),
    Case("export over a file", "export {here}/swept --out {here}/swept/kept.csv", ("kept.csv", "already exists", "--force")),
    Case("export as text", "export {here}/swept --out {here}/new.txt", ("new.txt", ".parquet", ".csv")),
    Case("export of no study", "export {here}/taken", ("taken", "not a study's folder", "study.json")),
    # calendars and macro series
    Case("absent calendar", "run --calendar {here}/event.csv", ("event.csv", "no such file", "'events.csv'")),
    Case("calendar is a folder", "run --calendar {here}/taken", ("calendar", "taken", "cannot be read")),
    Case("empty calendar", "run --calendar {here}/empty.csv", ("empty.csv", "empty", "month or date, kind, value")),
    Case("binary calendar", "run --calendar {here}/binary.toml", ("binary.toml", "UTF-8")),
    Case("calendar of a header", "run --calendar {here}/events-header.csv", ("events-header.csv", "no rows")),
    Case("wrong column", "run --calendar {here}/events-columns.csv", ("events-columns.csv", "'kindd'", "'kind'")),
    Case("no value", "run --calendar {here}/events-novalue.csv", ("events-novalue.csv", "no column 'value'")),
    Case("no month", "run --calendar {here}/events-nomonth.csv", ("events-nomonth.csv", "neither month nor date")),
    Case("month and date", "run --calendar {here}/events-both.csv", ("events-both.csv", "both month and date")),
    Case("value in words", "run --calendar {here}/events-words.csv", ("events-words.csv", "'value' line 3", "'much'")),
    Case("value with commas", "run --calendar {here}/events-commas.csv", ("'value' line 2", "without separators: 30000")),
    Case("workbook of events", "run --calendar {here}/clients.xlsx", ("calendar clients.xlsx", "spreadsheet", "as CSV")),
    Case("value out of range", "run --calendar {here}/events-range.csv", ("events-range.csv", "line 3", "0 to 1", "1.5")),
    Case("month below 0", "run --calendar {here}/events-month.csv", ("events-month.csv", "'month' line 2", "0 to 10,000")),
    Case("half a month", "run --calendar {here}/events-half.csv", ("events-half.csv", "'month' line 2", "whole")),
    Case("unknown kind", "run --calendar {here}/events-kind.csv", ("events-kind.csv", "'kind' line 2", "'tightness'")),
    Case("event twice", "run --calendar {here}/events-twice.csv", ("line 4", "month 3, tightness", "line 2")),
    Case("date without start", "run --calendar {here}/events-dated.csv", ("events-dated.csv", "start", "YYYY-MM")),
    Case(
        "date before start",
        "run --set start=2018-01 --calendar {here}/events-dated.csv",
        ("events-dated.csv", "'date' line 3", "2017-12", "before start, 2018-01"),
    ),
    Case("date with slashes", "run --set start=2018-01 --calendar {here}/events-slash.csv", ("'2018/04'", "YYYY-MM")),
    Case("no start", "run --set start=2018-13", ("start", "YYYY-MM", "2018-13")),
    Case("start is a year", "run --set start=2018", ("start", "YYYY-MM", "2018")),
    Case(
        "row too long", "run --calendar {here}/events-ragged.csv", ("events-ragged.csv", "line 2", "4 values", "3 columns")
    ),
    Case("calendar by set", "run --calendar {here}/events.csv --set calendar=[]", ("--calendar", "--set", "one is enough")),
    Case("calendar and its file", "scenario check {here}/bothcalendars.toml", ("calendar", "calendar_file", "both")),
    Case("file in place of rows", "scenario check {here}/nocalendar.toml", ("calendar", "calendar_file")),
    Case("file of a scenario is empty", "scenario check {here}/emptyfile.toml", ("empty.csv", "empty")),
    Case("file of a scenario is absent", "scenario check {here}/nofile.toml", ("event.csv", "no such file", "'events.csv'")),
    Case("file of a scenario is a number", "scenario check {here}/numberfile.toml", ("macro_file", "CSV", "3")),
    Case("absent series", "run --macro {here}/absent.csv", ("absent.csv", "no such file")),
    Case("blank in a series", "run --macro {here}/economy-blank.csv", ("economy-blank.csv", "'retail' line 3", "blank")),
    Case("series out of range", "run --macro {here}/economy-range.csv", ("'macro' line 3", "-3", "-1 to 1")),
    Case(
        "gap in a series",
        "run --set start=2018-01 --macro {here}/economy-gap.csv",
        ("economy-gap.csv", "month 2 (2018-03) is missing"),
    ),
    Case("series that begins late", "run --macro {here}/economy-late.csv", ("month 0 is missing",)),
    Case("month twice in a series", "run --macro {here}/economy-twice.csv", ("line 3", "month 0", "line 2")),
    Case("unknown sector", "run --macro {here}/economy-sector.csv", ("'retial'", "did you mean 'retail'")),
    Case("infinite index", "run --macro {here}/economy-infinite.csv", ("'macro' line 2", "finite")),
    Case("base is a list", "scenario check {here}/listbase.toml", ("base", "not a preset")),
    Case("no path has such letters", "scenario check {here}/nul.toml", ("calendar_file", "cannot be a path")),
    Case("TOML too deep", "scenario check {here}/deep.toml", ("deep.toml", "not valid TOML", "too deep")),
    Case("number too long", "scenario check {here}/digits.toml", ("digits.toml", "not valid TOML", "digits")),
    Case("text for a number", "scenario check {here}/textnumber.toml", ("borrowers", "a number is needed", "'3000'")),
    Case("number for a switch", "scenario check {here}/numberswitch.toml", ("reasons_sent", "true or false", "not 1")),
    Case("millions of steps", "sweep {here}/steps.toml", ("vary.lgd", "steps", "2 to 1,000,000")),
    Case("millions of runs", "sweep {here}/runs.toml", ("100 points x 1,000,000 replications", "10,000,000")),
    Case("table in a point", "sweep {here}/table.toml", ("point 1", "lgd", "one value")),
    Case("device as a file", "run --portfolio /dev/zero", ("zero", "device", "a file is needed")),
    Case("path too long", f"run --portfolio {'x' * 300}", ("portfolio", "too long")),
    Case("path too long to write", f"run --out {'x' * 300}", ("folder", "too long")),
    Case("pool is called funding", "run --calendar {here}/events-pool.csv", ("'pool'", "did you mean 'funding' or")),
    Case("series without itself", "run --set macro_model=series", ("macro_model", "macro")),
    Case("series and model", "scenario check {here}/twomodels.toml", ("macro", "macro_model", "regimes")),
]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("keep me")
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"/" for path in folder.rglob("*")}


def in_process(arguments: Sequence[str]) -> Result:
    return CliRunner().invoke(app, list(arguments))


def assert_one_line(code: int, told: str, words: Sequence[str]) -> None:
    assert code == 2, told
    assert told.count("\n") == 1, told
    assert told.startswith("zerolimit: ")
    assert "Traceback" not in told
    for word in words:
        assert word in told


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_line_and_nothing_left(case: Case, here: Path) -> None:
    before = everything(here)
    result = in_process(case.command(here))
    assert_one_line(result.exit_code, result.stderr, case.words)
    assert result.stdout == ""
    assert everything(here) == before


def test_there_are_at_least_forty_cases_with_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40


def bytes_a_borrower() -> int:
    """What the compiled engine needs for one borrower."""
    return make_plan(frozenset(TERMS)).bytes_a_borrower


def test_the_memory_named_is_that_of_the_columns() -> None:
    told = in_process(["run", "--borrowers", "10000000000"]).stderr
    assert f"about {10 * bytes_a_borrower():,.1f} GB" in told


def test_what_does_not_fit_into_memory(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "available_memory", lambda: 50 * bytes_a_borrower())
    result = in_process(["run", "--borrowers", "51", "--engine", "compiled", "--panel", "none", "--out", str(here / "out")])
    assert_one_line(result.exit_code, result.stderr, ("borrowers", "51", "GB", "at most 50 fit"))
    assert not (here / "out").exists()


def test_an_unforeseen_mistake_of_ours_is_not_hidden(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Simulation) -> None:
        raise AssertionError("the ledger does not close")

    monkeypatch.setattr(Simulation, "step", broken)
    result = in_process(["run", *SMALL, "--out", str(here / "out")])
    assert isinstance(result.exception, AssertionError)
    assert not (here / "out").exists()


def test_ctrl_c_is_one_line_and_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(self: Simulation) -> None:
        raise KeyboardInterrupt

    before = everything(here)
    monkeypatch.setattr(Simulation, "step", stopped)
    result = in_process(["run", *SMALL, "--out", str(here / "deep" / "out")])
    assert result.exit_code == 130
    assert result.stderr == "zerolimit: stopped; nothing was written\n"
    assert everything(here) == before


@pytest.mark.parametrize(
    "name", ["unknown parameter", "below a file", "unknown option", "negative limit", "ten billion borrowers"]
)
def test_the_same_as_a_process(name: str, here: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    before = everything(here)
    command = [sys.executable, "-m", "zerolimit.commands.cli", *case.command(here)]
    home = {**os.environ, "PYTHONPATH": str(Path(simulation.__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=home, cwd=here)
    assert_one_line(done.returncode, done.stderr, case.words)
    assert everything(here) == before


def a_run(**parameters: Any) -> Simulation:
    return Simulation(load_scenario("defaults", borrowers=20, **parameters), 1, engine="objects")


PYTHON: list[tuple[str, Callable[[Path], Any], tuple[str, ...]]] = [
    ("unknown keyword", lambda _: load_scenario("defaults", ned_rate=0.1), ("ned_rate", "need_rate")),
    ("out of range", lambda _: load_scenario("defaults", need_rate=2.0), ("need_rate", "0 to 1")),
    ("not a scenario", lambda _: load_scenario(7), ("scenario", "int")),
    ("bad engine", lambda _: Simulation(load_scenario("defaults", borrowers=2), 1, engine="fast"), ("engine", "fast")),
    ("bad seed", lambda _: Simulation(load_scenario("defaults", borrowers=2), 1.5, engine="objects"), ("seed",)),  # type: ignore[arg-type]
    ("too late", lambda _: a_run().change(borrowers=30), ("borrowers", "start")),
    ("change out of range", lambda _: a_run().change(need_rate=2.0), ("need_rate", "0 to 1")),
    ("bad panel", lambda _: Panel(a_run(), "sample=many"), ("panel", "sample=N")),
    ("panel too large", lambda _: Panel(a_run(), "all", 10**12), ("panel", "GB", "sample=N")),
    ("unknown rate", lambda _: rate(None, "zero_limits"), ("zero_limits", "zero_limit")),  # type: ignore[arg-type]
    ("no run folder", lambda here: load(here / "absent"), ("absent", "no such run folder")),
    ("some other folder", lambda here: load(here / "taken"), ("taken", "not a run folder", "provenance.json")),
    ("no folder", lambda _: load(None), ("folder", "NoneType")),  # type: ignore[arg-type]
    ("folder without a name", lambda _: check_target(""), ("folder", "''")),
    (
        "calendar too long",
        lambda _: load_scenario("defaults", calendar=[{"month": k, "kind": "macro", "value": 0.0} for k in range(1001)]),
        ("calendar", "at most 1000"),
    ),
    ("calendar of a number", lambda _: load_scenario("defaults", calendar=3), ("calendar", "path", "int")),
    ("calendar of numbers", lambda _: load_scenario("defaults", calendar=[3]), ("calendar", "row 1", "mapping")),
    ("event without kind", lambda _: load_scenario("defaults", calendar=[{"month": 1, "value": 1}]), ("no column 'kind'",)),
    ("switch in a series", lambda _: load_scenario("defaults", macro=[{"month": 0, "macro": True}]), ("macro", "row 1")),
    ("folder taken", lambda here: check_target(here / "taken"), ("taken", "already exists")),
]


def a_text(trust: float) -> str:
    return "high"


def nothing(trust: float) -> None:
    pass


def two_numbers(trust: float) -> tuple[float, float]:
    return trust, trust


def a_list(trust: float) -> list[float]:
    return [trust]


RULES: list[tuple[Callable[..., Any], dict[str, tuple[str, ...]]]] = [
    (a_text, {"objects": ("trust = 'high' is no number",), "compiled": ("trust can be text, which is no number",)}),
    (nothing, {"objects": ("trust = None is no number",), "compiled": ("trust can be None, which is no number",)}),
    (two_numbers, dict.fromkeys(("objects", "compiled"), ("returns 2 values for 1 field (trust)",))),
    (a_list, {"objects": ("trust = [", "is no number"), "compiled": ("trust can be list", "which is no number")}),
]


@pytest.mark.parametrize("engine", ["objects", "compiled"])
@pytest.mark.parametrize(("function", "words"), RULES, ids=[function.__name__ for function, _ in RULES])
def test_a_rule_that_returns_no_number_is_named_with_its_field(
    function: Callable[..., Any], words: dict[str, tuple[str, ...]], engine: str
) -> None:
    own = rule("trust", after="feel")(function)
    with pytest.raises(BadInput) as caught:
        Simulation(load_scenario("defaults", borrowers=20), 1, engine=engine, rules=[own]).step()
    assert str(caught.value).startswith(f"rule {function.__name__}: ")
    assert "\n" not in str(caught.value)
    for word in words[engine]:
        assert word in str(caught.value)


def in_short(trust: float) -> float:
    return float(f"{trust:.3f}")


def level_in_short(level: float, need: float) -> float:
    return need * float(f"{level:.3f}")


def sorted_need(level: float, need: float) -> float:
    return level * sorted(need)[0]  # type: ignore[call-overload, no-any-return]


def test_a_rule_that_cannot_be_compiled_is_named_with_the_engine_that_takes_it() -> None:
    for own in (rule("trust", after="feel")(in_short), rule("granted")(level_in_short), rule("granted")(sorted_need)):
        with pytest.raises(BadInput) as caught:
            Simulation(load_scenario("defaults", borrowers=20), 1, engine="compiled", rules=[own]).step()
        assert str(caught.value).startswith(f"rule {own.name}: cannot be compiled")
        assert str(caught.value).endswith("; engine='objects' runs it as plain Python")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("call", "words"), [row[1:] for row in PYTHON], ids=[row[0] for row in PYTHON])
def test_python_says_the_same_in_one_line(call: Callable[[Path], Any], words: Sequence[str], here: Path) -> None:
    before = everything(here)
    with pytest.raises(BadInput) as caught:
        call(here)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    assert everything(here) == before


@pytest.mark.parametrize("name", ["take_account", "tally_decision", "loop_account_0", "stage_account", "words_of"])
def test_a_rule_with_the_name_of_a_generated_function_is_refused(name: str) -> None:
    own = replace(rule("trust", after="feel")(in_short), name=name)
    with pytest.raises(BadInput, match=rf"^rules: {name}: the compiled month has a function of this name; call the rule"):
        Simulation(load_scenario("defaults", borrowers=20), 1, engine="compiled", rules=[own])


def test_no_rule_of_the_month_has_the_name_of_a_generated_function() -> None:
    """With a rule of a user's own the accounts' laws are in the generated module too."""
    own = rule("trust", after="feel")(in_short)
    plan = make_plan(frozenset(TERMS), (replace(own, user_defined=True),))
    text = month_source(plan, {name: k for k, name in enumerate(TERMS)}, {own.name: "own"}, checks=True)
    defined = re.findall(r"^def (\w+)|^(\w+) = ", text, flags=re.M)
    names = [one or other for one, other in defined]
    assert "keep_account" in names
    assert len(set(names)) == len(names)
