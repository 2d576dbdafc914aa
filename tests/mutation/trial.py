"""The trial of mutants: each is put into the judge, which then reads again the runs in which it acts.

A mutant is killed if a known-bad client escapes (its own rule is broken in none of its runs any more), if a correct
client is accused, if a rule is exercised in no run of a correct client any more, or if the judge fails or does not end;
and if a rule says something else of a run of which a test asks what it says.
"""

import importlib
import inspect
import pkgutil
import re
import signal
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple, Self

from contracts import rules
from contracts.cases import CASES
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO
from contracts.rules import RULES
from contracts.rules.base import NOT_EXERCISED, Outcome, Rule
from contracts.rules.verdict import judge
from contracts.run.run import Run
from tests.mutation.corpus import Corpus, Played
from tests.mutation.mutants import Mutant, bounds_moved, mutants_of

NO_CHECKS = ("base", "verdict", "situations")
"""Modules of the rules that look at no run, or only for the words about a rule that was not exercised."""

MOST_CPU_S = 120
"""A mutant for which the judge has used so much time of the processor is taken not to end: others use seconds."""


class Fate(StrEnum):
    """What became of a mutant. The values are the words of the results."""

    ESCAPE = "escape"
    ACCUSATION = "accusation"
    UNEXERCISED = "unexercised"
    FAILURE = "failure"
    TEST = "test"
    SURVIVES = "survives"


class Reading(NamedTuple):
    """One rule's reading of one run by the judge as it is: the outcome, and the functions that acted."""

    rule: Rule
    run: Run
    outcome: Outcome
    acting: frozenset[str]


@cache
def modules() -> dict[str, ModuleType]:
    """The modules that hold the rules and their evidence, by their names below `contracts.rules`."""
    names = [each.name for each in pkgutil.walk_packages(rules.__path__, f"{rules.__name__}.")]
    found = {name.removeprefix(f"{rules.__name__}."): importlib.import_module(name) for name in names}
    return {name: module for name, module in found.items() if name not in NO_CHECKS}


@cache
def functions() -> dict[str, FunctionType]:
    """Every function and method of the rules and their evidence that verdicts depend on, by `module.name`."""
    return {
        f"{name}.{function.__qualname__}": function
        for name, module in modules().items()
        for function in _functions_in(vars(module), module)
        if not function.__name__.endswith("_text")
    }


def _functions_in(names: Mapping[str, Any], module: ModuleType) -> Iterator[FunctionType]:
    """The functions that were written in a module: those that Python makes for a class have no source there."""
    for value in names.values():
        plain = getattr(value, "fget", None) or getattr(value, "func", None) or getattr(value, "__func__", value)
        if inspect.isclass(value) and value.__module__ == module.__name__:
            yield from _functions_in(vars(value), module)
        elif inspect.isfunction(plain) and plain.__code__.co_filename == module.__file__:
            yield plain


@cache
def bounds() -> dict[str, list[ModuleType]]:
    """Every number with a name of its own, by `module.NAME`: the module that sets it, and those that import it."""
    found: dict[str, list[ModuleType]] = {}
    for name, module in modules().items():
        for line in inspect.getsource(module).splitlines():
            bound = line.partition(" = ")[0]
            if bound.isupper() and type(getattr(module, bound, None)) is int:
                value = getattr(module, bound)
                others = [each for each in modules().values() if getattr(each, bound, None) == value]
                found[f"{name}.{bound}"] = [module, *(each for each in others if each is not module)]
    return found


@cache
def _imports() -> dict[str, set[str]]:
    """The modules that each module of the rules uses, directly or by others, and itself."""
    texts = {name: inspect.getsource(module) for name, module in modules().items()}
    found = {name: {name, "evidence.encryption"} for name in texts}  # by which every verdict is given
    while True:
        before = sum(map(len, found.values()))
        for name, text in texts.items():
            found[name] |= {other for other in texts if _names_module(text, other)}
            found[name] = set().union(*(found[each] for each in found[name]))
        if sum(map(len, found.values())) == before:
            return found


def _names_module(text: str, name: str) -> bool:
    package, _, last = f"contracts.rules.{name}".rpartition(".")
    return re.search(rf"^from {package}(\.{last} import| import {last}\b)", text, re.MULTILINE) is not None


def rules_on(names: Iterable[str]) -> list[Rule]:
    """The rules that use one of these modules."""
    known = {f"{rules.__name__}.{name}": name for name in modules()}
    return [rule for rule in RULES.values() if _imports()[known[rule.look.__module__]] & set(names)]


def places() -> list[str]:
    """Everything of which there are mutants: a module's functions, then its bounds that a function names."""
    found = [*functions(), *(bound for bound in bounds() if _users(bound))]
    return sorted(found, key=lambda place: list(modules()).index(module_of(place)))


def module_of(place: str) -> str:
    """The module of a place: the longest name of one that it begins with."""
    return max((name for name in modules() if place.startswith(f"{name}.")), key=len)


def mutants_at(place: str) -> Iterator[Mutant]:
    """Every mutant of a function or a bound."""
    if place in bounds():
        return bounds_moved(bounds()[place], place.rpartition(".")[2])
    return mutants_of(functions()[place])


def _users(place: str) -> set[str]:
    """The functions that have to act for a place to act: itself, or those that name a bound."""
    if place not in bounds():
        return {place}
    name, there = place.rpartition(".")[2], {each.__file__ for each in bounds()[place]}
    return {
        each
        for each, function in functions().items()
        if function.__code__.co_filename in there and name in _names_in(function.__code__)
    }


def _names_in(code: CodeType) -> set[str]:
    inner = [_names_in(each) for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*inner)


class Trial:
    """The runs of known-bad clients by name, and those of correct ones, as the judge reads them without a mutant.

    Each rule reads the runs of every correct client in the cases that are made for it, and of the reference client in
    every case. Only rules are tried that use one of the modules of `names`.
    """

    def __init__(self, corpus: Corpus, names: Iterable[str] = ()) -> None:
        own = {rule.id: rule for rule in rules_on(names or modules())}
        self._names = {function.__code__: name for name, function in functions().items()}
        self._known_bad = [
            [self._read(RULES[ZOO[name].rule_id], run) for run in runs]
            for name, runs in corpus.known_bad.items()
            if ZOO[name].rule_id in own
        ]
        self._correct = [
            [self._read(rule, each.run) for each in corpus.correct if _is_for(rule, each)] for rule in own.values()
        ]
        self._asked = [self._read(RULES[each.rule_id], each.run) for each in corpus.asked if each.rule_id in own]

    def _read(self, rule: Rule, run: Run) -> Reading:
        acting: set[str] = set()
        with _watched(self._names, acting):
            outcome = _outcome(rule, run)
        return Reading(rule, run, outcome, frozenset(acting))

    def fates(self, place: str, only: Container[str] | None = None) -> Iterator[tuple[Mutant, Fate]]:
        """Every mutant of a place with what becomes of it, or those with the changes of `only`."""
        users = _users(place)
        known_bad = [readings for readings in self._known_bad if all(users & each.acting for each in readings)]
        correct = [_Touched.of(users, readings) for readings in self._correct]
        asked = [each for each in self._asked if users & each.acting]
        for mutant in mutants_at(place):
            if only is None or mutant.change in only:
                yield mutant, _fate_of(mutant, known_bad, correct, asked)


def _is_for(rule: Rule, played: Played) -> bool:
    return played.client == ReferenceClient.__name__ or rule.id in CASES[played.case].aims


class _Touched(NamedTuple):
    """The readings of one rule in which a place acts. Others may exercise the rule whatever becomes of these."""

    readings: list[Reading]
    is_exercised_elsewhere: bool

    @classmethod
    def of(cls, users: set[str], readings: Iterable[Reading]) -> Self:
        touched = [(bool(users & each.acting), each) for each in readings]
        elsewhere = any(each.outcome.exercised for is_touched, each in touched if not is_touched)
        return cls([each for is_touched, each in touched if is_touched], elsewhere)

    @property
    def fate(self) -> Fate:
        """What a mutant, which is in place, does to them."""
        is_exercised = is_still = self.is_exercised_elsewhere
        for each in self.readings:
            outcome = _outcome(each.rule, each.run)
            if outcome.breaches and not each.outcome.breaches:
                return Fate.ACCUSATION
            is_exercised = is_exercised or each.outcome.exercised
            is_still = is_still or outcome.exercised
        return Fate.UNEXERCISED if is_exercised and not is_still else Fate.SURVIVES


def _fate_of(mutant: Mutant, known_bad: list[list[Reading]], correct: list[_Touched], asked: list[Reading]) -> Fate:
    try:
        with mutant.in_place(), _bounded():
            return _fate(known_bad, correct, asked)
    except Exception:  # noqa: BLE001 whatever a mutant makes the judge raise
        return Fate.FAILURE


def _fate(known_bad: list[list[Reading]], correct: list[_Touched], asked: list[Reading]) -> Fate:
    if any(_escapes(readings) for readings in known_bad):
        return Fate.ESCAPE
    fates = (each.fate for each in correct)
    found = next((fate for fate in fates if fate is not Fate.SURVIVES), Fate.SURVIVES)
    return Fate.TEST if found is Fate.SURVIVES and any(map(_differs, asked)) else found


def _differs(reading: Reading) -> bool:
    """Whether a rule is broken or exercised in a run where it was not, or no longer."""
    before, now = reading.outcome, _outcome(reading.rule, reading.run)
    return (before.exercised, bool(before.breaches)) != (now.exercised, bool(now.breaches))


def _escapes(readings: list[Reading]) -> bool:
    """Whether a known-bad client that is caught by the judge as it is would not be caught any more."""
    return bool(readings) and not any(_outcome(each.rule, each.run).breaches for each in readings)


def _outcome(rule: Rule, run: Run) -> Outcome:
    """The outcome of a rule for a run, without what other rules have found out about it."""
    vars(run).pop("_done", None)
    return judge(run, (rule,)).get(rule.id, NOT_EXERCISED)


@contextmanager
def _watched(names: Mapping[CodeType, str], acting: set[str]) -> Iterator[None]:
    def see(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code in names:
            acting.add(names[frame.f_code])

    sys.setprofile(see)
    try:
        yield
    finally:
        sys.setprofile(None)


@contextmanager
def _bounded() -> Iterator[None]:
    def end(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
