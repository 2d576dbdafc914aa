"""Mutants of a function: copies with one small change each, put in the place of its code and taken back.

A mutation library starts a run of the tests for each mutant. Here a mutant is judged by the verdicts on runs that were
played once, which takes milliseconds: the code of the function is exchanged, wherever the function was imported to.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from types import CodeType, FunctionType, ModuleType
from typing import Protocol

COMPARISONS: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
}
"""A comparison of sizes takes or leaves its bound; any other is negated."""

ARITHMETIC: dict[type[ast.operator], ast.operator] = {ast.Add: ast.Sub(), ast.Sub: ast.Add()}

SISTERS = {"any": "all", "all": "any", "min": "max", "max": "min"}
"""Functions that are taken for each other."""


class Mutant(Protocol):
    """One small change of the judge."""

    @property
    def change(self) -> str:
        """What tells the mutant from every other one of its place, whatever line it stands in."""

    def in_place(self) -> AbstractContextManager[None]:
        """The judge has the change meanwhile."""


@dataclass(frozen=True, slots=True)
class ChangedFunction:
    """A function with one expression changed: the expression before and after. `number` tells equal changes apart."""

    function: FunctionType
    before: str
    after: str
    code: CodeType
    number: int = 1

    @property
    def change(self) -> str:
        """The expression before and after."""
        return f"{self.before} -> {self.after}" + (f" #{self.number}" if self.number > 1 else "")

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Whoever calls the function calls the mutant meanwhile."""
        original = self.function.__code__
        self.function.__code__ = self.code
        try:
            yield
        finally:
            self.function.__code__ = original


@dataclass(frozen=True, slots=True)
class MovedBound:
    """A number that modules know by a name, such as the most calls of a minute, twice as large or half as large."""

    modules: Sequence[ModuleType]
    name: str
    value: int
    other: int

    @property
    def change(self) -> str:
        """The number before and after."""
        return f"{self.value} -> {self.other}"

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Every module that knows the number knows the other one meanwhile."""
        for module in self.modules:
            setattr(module, self.name, self.other)
        try:
            yield
        finally:
            for module in self.modules:
                setattr(module, self.name, self.value)


def bounds_moved(modules: Sequence[ModuleType], name: str) -> Iterator[MovedBound]:
    """Both mutants of a number. An odd or small one moves by one at least."""
    value: int = getattr(modules[0], name)
    yield MovedBound(modules, name, value, 2 * value)
    yield MovedBound(modules, name, value, value // 2)


def mutants_of(function: FunctionType) -> Iterator[ChangedFunction]:
    """Every mutant of a function, in the order of its source; none of a function with variables of another one."""
    source = textwrap.dedent(inspect.getsource(function))
    met: dict[str, int] = {}
    for target in range(_Mutation.count(source) if not function.__code__.co_freevars else 0):
        mutation = _Mutation(target)
        tree = mutation.of(source)
        mutant = ChangedFunction(function, *mutation.change, _compiled(tree, function))
        met[mutant.change] = met.get(mutant.change, 0) + 1
        yield replace(mutant, number=met[mutant.change])


def _compiled(tree: ast.Module, function: FunctionType) -> CodeType:
    module = compile(ast.fix_missing_locations(tree), function.__code__.co_filename, "exec")
    return next(each for each in module.co_consts if isinstance(each, CodeType))


class _Mutation(ast.NodeTransformer):
    """Makes the change of number `target` in a function. `change` is the expression before and after."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._seen = 0
        self.change = ("", "")

    @classmethod
    def count(cls, source: str) -> int:
        """How many changes can be made in a function."""
        none = cls(-1)
        none.of(source)
        return none._seen

    def of(self, source: str) -> ast.Module:
        """The tree of a function without its decorators, its body changed: defaults do not belong to the code."""
        tree = ast.parse(source)
        function = tree.body[0]
        if not isinstance(function, ast.FunctionDef):
            raise TypeError(f"no function: {source[:40]}")
        function.decorator_list = []
        self.generic_visit(ast.Module(function.body, []))  # changes the list of the body
        return tree

    def visit(self, node: ast.AST) -> ast.AST:
        """The node, or what takes its place. Texts are left alone: no verdict depends on the words of a message."""
        if isinstance(node, ast.JoinedStr):
            return node
        for other in _alternatives(node):
            self._seen += 1
            if self._seen == self._target + 1:
                self.change = (ast.unparse(node), ast.unparse(other))
                return other
        return self.generic_visit(node)


def _alternatives(node: ast.AST) -> Iterator[ast.AST]:
    yield from _other_values(node)
    yield from _other_conditions(node)


def _other_values(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left, ops, comparators):
            for place, operator in enumerate(ops):
                yield ast.Compare(left, [*ops[:place], COMPARISONS[type(operator)], *ops[place + 1 :]], comparators)
        case ast.BinOp(left, operator, right) if type(operator) in ARITHMETIC:
            yield ast.BinOp(left, ARITHMETIC[type(operator)], right)
        case ast.Call(ast.Name(name), arguments, keywords) if name in SISTERS:
            yield ast.Call(ast.Name(SISTERS[name], ast.Load()), arguments, keywords)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() as value):
            yield ast.Constant(value + 1)


def _other_conditions(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.BoolOp(operator, values):
            for place in range(len(values)):
                rest = values[:place] + values[place + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.comprehension(target, source, conditions, is_async):
            for place in range(len(conditions)):
                yield ast.comprehension(target, source, conditions[:place] + conditions[place + 1 :], is_async)
        case ast.If(ast.Name() | ast.Call() | ast.Attribute() as test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
