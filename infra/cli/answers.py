"""What a route can answer, read from the source of what its view uses.

From the view on, every name is followed to its definition: functions and constants by their import,
methods by their name alone, because the type of what they are called on is not known. So the result
may hold an answer too many, but none too few: each `Problem(status, code, title)`, `Reason.X` and
`Reply(...)` on the way counts. What an `except` of one of our exceptions does counts if the
exception is met on the way. What the router does around the view (`http/api.py`) is left out.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import parcelway
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.problems import of_refusal

_PACKAGE = Path(inspect.getfile(parcelway)).parent
_ROUTER = "parcelway.http.api"
# Turns every reason into a problem: what a route refuses is named where it is raised.
_NOT_FOLLOWED = {("parcelway.http.problems", "of_refusal")}

Name = tuple[str, str]  # module, definition ("function", "CONSTANT", "Class.method")


@dataclass(frozen=True, order=True, slots=True)
class Refused:
    """An answer that is a problem; `code` is the end of its type."""

    status: int
    code: str
    title: str


@dataclass(slots=True)
class Reach:
    """What is met on the way from some definitions on."""

    names: set[Name] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    problems: set[Refused] = field(default_factory=set)
    replies: set[tuple[int | None, str]] = field(default_factory=set)  # status, content type
    parsed: set[str] = field(default_factory=set)  # models that `read_json` is given by name


@dataclass(slots=True)
class _Module:
    name: str
    definitions: dict[str, ast.AST]
    imports: dict[str, Name | str]  # to a definition, or to a module


@dataclass(slots=True)
class _Handler:
    module: _Module
    catches: set[Name]
    body: list[ast.AST]


class Sources:
    """The sources of the package and of one function's folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        own = [] if folder is None else [_parse(path.stem, path) for path in folder.glob("*.py")]
        self._modules = dict(_package()) | {module.name: module for module in own}
        self._methods: dict[str, list[Name]] = {}
        for module in self._modules.values():
            for name in module.definitions:
                if "." in name and module.name != _ROUTER:
                    self._methods.setdefault(name.split(".")[1], []).append((module.name, name))

    def reach(self, *starts: Name) -> Reach:
        """All that is met from `starts` on. Raises KeyError for a start that is not there."""
        found, handlers = Reach(), list[_Handler]()
        open_names = list(starts)
        for start in starts:
            self._modules[start[0]].definitions[start[1]]
        while open_names:
            while open_names:
                name = open_names.pop()
                module = self._modules.get(name[0])
                if module is None or name in found.names or name[1] not in module.definitions:
                    continue
                found.names.add(name)
                if name not in _NOT_FOLLOWED:
                    node = module.definitions[name[1]]
                    open_names += self._visit(_within(module, node), [node], found, handlers)
            for handler in [each for each in handlers if each.catches & found.names]:
                handlers.remove(handler)
                open_names += self._visit(handler.module, handler.body, found, handlers)
        return found

    def _visit(
        self, module: _Module, nodes: list[ast.AST], found: Reach, handlers: list[_Handler]
    ) -> list[Name]:
        """The names that `nodes` use; handlers of our own exceptions are put off."""
        used: list[Name] = []
        rest = list(nodes)
        while rest:
            node = rest.pop()
            if isinstance(node, ast.ExceptHandler):
                caught = self._caught(module, node)
                if caught is not None:
                    handlers.append(_Handler(module, caught, list(node.body)))
                    continue
            elif isinstance(node, ast.Call):
                self._note_call(module, node, found)
            elif isinstance(node, ast.Attribute):
                used += self._attribute(module, node, found)
            elif isinstance(node, ast.Name):
                target = module.imports.get(node.id, (module.name, node.id))
                if isinstance(target, tuple):
                    used += [target, (target[0], f"{target[1]}.__post_init__")]
            rest += _children(node)
        return used

    def _caught(self, module: _Module, handler: ast.ExceptHandler) -> set[Name] | None:
        """The exceptions of a handler, None if some are not defined here and may come anywhere."""
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        caught: set[Name] = set()
        for kind in kinds:
            name = kind.id if isinstance(kind, ast.Name) else ""
            target = module.imports.get(name, (module.name, name))
            known = self._modules.get(target[0]) if isinstance(target, tuple) else None
            if known is None or target[1] not in known.definitions:
                return None
            caught.add((known.name, target[1]))
        return caught

    def _attribute(self, module: _Module, node: ast.Attribute, found: Reach) -> list[Name]:
        found.attributes.add(node.attr)
        base = module.imports.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(base, str):
            return [(base, node.attr)]
        if base == ("parcelway.domain.refusals", "Reason"):
            found.problems.add(of_reason(Reason[node.attr]))
            return []
        return self._methods.get(node.attr, [])

    def _note_call(self, module: _Module, call: ast.Call, found: Reach) -> None:
        target = module.imports.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if target == ("parcelway.http.problems", "Problem") or (
            module.name == "parcelway.http.problems" and ast.unparse(call.func) == "Problem"
        ):
            status, code, title = (ast.literal_eval(argument) for argument in call.args[:3])
            found.problems.add(Refused(status, code, title))
        elif target == (_ROUTER, "Reply"):
            found.replies.add(_reply(module, call))
        elif target == ("parcelway.http.call", "read_json"):
            found.parsed.add(ast.unparse(call.args[1]))


def of_reason(reason: Reason) -> Refused:
    """The problem that a refusal for `reason` becomes."""
    problem = of_refusal(Refusal(reason, ""))
    return Refused(problem.status, problem.code, str(problem.body["title"]))


def _reply(module: _Module, call: ast.Call) -> tuple[int | None, str]:
    given = dict(zip(("body", "status", "content_type"), call.args, strict=False))
    given |= {keyword.arg or "": keyword.value for keyword in call.keywords}
    status, kind = given.get("status"), given.get("content_type")
    if isinstance(kind, ast.Name):
        kind = getattr(module.definitions[kind.id], "value", kind)
    return (
        status.value
        if isinstance(status, ast.Constant) and isinstance(status.value, int)
        else None,
        str(ast.literal_eval(kind)) if kind is not None else "application/json",
    )


@cache
def _package() -> dict[str, _Module]:
    found = {}
    for path in _PACKAGE.rglob("*.py"):
        parts = path.relative_to(_PACKAGE.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        found[name] = _parse(name, path)
    return found


def _parse(name: str, path: Path) -> _Module:
    module = _Module(name, {}, {})
    for node in ast.parse(path.read_text(), str(path)).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.imports |= _imports(node)
        else:
            module.definitions |= _definitions(node)
    return module


def _children(node: ast.AST) -> list[ast.AST]:
    """What runs when `node` does: a function's decorators have run long before."""
    if isinstance(node, ast.FunctionDef):
        return [node.args, *node.body]
    return list(ast.iter_child_nodes(node))


def _definitions(node: ast.stmt) -> dict[str, ast.AST]:
    if isinstance(node, ast.FunctionDef):
        return {node.name: node}
    if isinstance(node, ast.ClassDef):
        methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        # A class as such does nothing: what its methods do counts where they are called.
        return {node.name: ast.Pass()} | {f"{node.name}.{each.name}": each for each in methods}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id: node for target in targets if isinstance(target, ast.Name)}


def _within(module: _Module, node: ast.AST) -> _Module:
    """The module as a definition in it sees it: with what is imported there alone."""
    own: dict[str, Name | str] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Import | ast.ImportFrom):
            own |= _imports(each)
    return replace(module, imports=module.imports | own) if own else module


def _imports(node: ast.Import | ast.ImportFrom) -> dict[str, Name | str]:
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name: alias.name for alias in node.names}
    found: dict[str, Name | str] = {}
    for alias in node.names:
        is_module = (_PACKAGE.parent / (node.module or "").replace(".", "/")).is_dir()
        target = f"{node.module}.{alias.name}" if is_module else (str(node.module), alias.name)
        found[alias.asname or alias.name] = target
    return found
