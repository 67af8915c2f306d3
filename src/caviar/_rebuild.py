"""Estimators as the Python code that builds them, and the script that refits a winner.

Writes code; never runs any. What cannot be written so that it comes out the same is
refused, not left out.
"""

import ast
import inspect
import itertools
import keyword
import math
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType

import numpy as np
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit

from ._ranges import plain, same

WIDTH = 88
INDENT = "    "
FILL_FROM = 9  # items of a list, all on one line or filling several, not one each


def source_of(estimator):
    """The constructor call that makes an estimator as this one, unfitted.

    Parameters
    ----------
    estimator : estimator, schedule, augmentation, distribution or plain value
        Anything with scikit-learn's `get_params`, nested as deep as it likes, whose
        parameters are numbers, texts, None, lists, tuples, dicts, slices, arrays, dtypes,
        classes and functions that can be imported, or again such objects.

    Returns
    -------
    expression : str
        Parameters that have their default are not written. Lines of 88 characters.
    imports : list of str
        The statements it needs, sorted.

    Raises
    ------
    TypeError
        For a parameter that no code can be written for, with its name.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from caviar import MLPClassifier
    >>> from caviar._rebuild import source_of
    >>> expression, imports = source_of(
    ...     make_pipeline(StandardScaler(), MLPClassifier((64,), random_state=0))
    ... )
    >>> print(*imports, expression, sep="\\n")
    from caviar import MLPClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    Pipeline([
        ("standardscaler", StandardScaler()),
        ("mlpclassifier", MLPClassifier(hidden_layer_sizes=(64,), random_state=0)),
    ])
    """
    imports = set()
    node = _write(estimator, type(estimator).__name__, imports)
    return _layout(node, 0, len("model = "), 0), _sorted_imports(imports)


def script(data_code, model, versions=None):
    """A whole program: the data, the model, and its fit.

    Parameters
    ----------
    data_code : str
        Python that leaves ``X`` and ``y``; its imports are moved to the top.
    model : estimator
        Fitted or not.
    versions : dict, default=None
        Name of a package -> version with which the program gives the same numbers.

    Returns
    -------
    str
        Leaves ``model``, fitted.
    """
    imports = set()
    node = _write(model, type(model).__name__, imports)
    data_imports, data_code = _split_imports(data_code)
    names = {"X", "y", "model", "np", *_names_in(data_code), *_last(imports)}
    steps = _Steps(names, _lists_in(data_code))
    expression = _layout(steps.without_long_ones(node), 0, len("model = "), 0)
    title = "Build the model again that `python -m caviar tune` has chosen."
    header = [f'"""{title}"""']
    if versions:
        these = ", ".join(f"{name} {number}" for name, number in versions.items())
        words = f"It has the bits of model.joblib with {these}.".split()
        header = [f'"""{title}', "", *_filled(words), '"""']
    lines = [
        *header,
        "",
        *_sorted_imports({*imports, *data_imports}),
        "",
        "# The data",
        data_code.strip("\n"),
        "",
        "# The model",
        *steps.statements,
        f"model = {expression}",
        "model.fit(X, y)",
        "",
    ]
    return "\n".join(lines)


def code(problem, model, versions=None):
    """`script` for the table of a `Problem` of the command line."""
    from ._cli_table import table_code

    return script(table_code(problem), model, versions)


# Values


@dataclass
class _Node:
    """Brackets with items between them; an item is (label, text or node)."""

    open: str
    close: str
    items: list = field(default_factory=list)

    def flat(self):
        inner = ", ".join(f"{label}{_flat(value)}" for label, value in self.items)
        comma = "," if self.open == "(" and len(self.items) == 1 else ""
        return f"{self.open}{inner}{comma}{self.close}"

    def is_call(self):
        return len(self.open) > 1

    def is_one_list(self):
        """Whether it is a call with a list, and nothing else, by position."""
        if len(self.items) != 1 or not self.is_call():
            return False
        label, value = self.items[0]
        return not label and isinstance(value, _Node) and value.open == "["


def _flat(node):
    return node if isinstance(node, str) else node.flat()


def _write(value, name, imports):
    """A value as text or node; `name` is what it is called in an error."""
    value = (
        plain(value) if isinstance(value, (np.float64, np.integer, np.bool_)) else value
    )
    if value is None or isinstance(value, (bool, int, bytes)) or value is Ellipsis:
        return "..." if value is Ellipsis else repr(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, (type, FunctionType, BuiltinFunctionType, np.ufunc)):
        return _global(value, name, imports)
    if isinstance(value, (list, tuple, set, frozenset, dict, slice)):
        return _container(value, name, imports)
    if isinstance(value, (np.ndarray, np.dtype, np.generic)):
        return _of_numpy(value, name, imports)
    if hasattr(value, "get_params"):
        return _call(value, value.get_params(deep=False), name, imports)
    if isinstance(value, (BaseCrossValidator, BaseShuffleSplit)):
        return _call(value, vars(value), name, imports)
    raise _refusal(value, name)


def _refusal(value, name):
    return TypeError(
        f"`{name}` must be a value that can be written as code, got {value!r}."
    )


def quoted(text):
    """A text as a literal, in double quotes where that needs no escape."""
    literal = repr(text)
    if literal[0] == "'" and '"' not in literal:
        literal = '"' + literal[1:-1] + '"'
    return literal


def _float(value):
    return repr(value) if math.isfinite(value) else f'float("{value}")'


def _container(value, name, imports):
    def items(values):
        return [("", _write(item, name, imports)) for item in values]

    if isinstance(value, slice):
        return _Node("slice(", ")", items([value.start, value.stop, value.step]))
    if isinstance(value, dict):
        pairs = [
            (_flat(_write(key, name, imports)) + ": ", _write(item, name, imports))
            for key, item in value.items()
        ]
        return _Node("{", "}", pairs)
    if type(value) is frozenset:
        return _Node("frozenset(", ")", [("", _container(set(value), name, imports))])
    if isinstance(value, set):
        ordered = sorted(value, key=repr)  # a set has no order that would stay
        return _Node("{", "}", items(ordered)) if value else "set()"
    brackets = {list: ("[", "]"), tuple: ("(", ")")}
    if type(value) not in brackets:  # named tuples, for one
        raise _refusal(value, name)
    return _Node(*brackets[type(value)], items(value))


def _of_numpy(value, name, imports):
    imports.add("import numpy as np")
    if isinstance(value, np.dtype):
        return f"np.dtype({quoted(value.str)})"
    if isinstance(value, np.generic):
        return (
            f"np.{type(value).__name__}({_flat(_write(value.item(), name, imports))})"
        )
    if value.dtype.hasobject and not all(isinstance(v, str) for v in value.flat):
        raise _refusal(value, name)
    entries = _write(value.tolist(), name, imports)
    dtype = "object" if value.dtype.hasobject else quoted(value.dtype.str)
    return _Node("np.array(", ")", [("", entries), ("dtype=", dtype)])


def _global(value, name, imports):
    """A class or function by its public name."""
    if isinstance(value, np.ufunc) or (
        isinstance(value, type) and issubclass(value, np.generic)
    ):
        imports.add("import numpy as np")
        return f"np.{value.__name__}"
    if value.__module__ == "builtins":
        return value.__qualname__
    if "." in value.__qualname__ or value.__module__ == "__main__":
        raise _refusal(value, name)
    return _import(value, name, imports)


def _import(value, name, imports):
    """Import a global from the public module that has it, the topmost if several."""
    package = value.__module__.split(".")[0]
    modules = [package, value.__module__]
    modules += [m for m in sys.modules if m.startswith(f"{package}.")]
    public = [m for m in modules if not any(p.startswith("_") for p in m.split("."))]
    for module in sorted(set(public), key=lambda m: (m.count("."), len(m), m)):
        if vars(sys.modules[module]).get(value.__name__) is value:
            imports.add(f"from {module} import {value.__name__}")
            return value.__name__
    raise _refusal(value, name)


def _call(value, values, name, imports):
    """A constructor call: what has no default by position, the rest if it differs."""
    cls = type(value)
    node = _Node(f"{_global(cls, name, imports)}(", ")")
    for parameter in inspect.signature(cls).parameters.values():
        if parameter.name not in values:
            raise _refusal(value, name)
        argument = values[parameter.name]
        required = parameter.default is parameter.empty
        if not required and _is_default(argument, parameter.default):
            continue
        by_name = not required or parameter.kind is parameter.KEYWORD_ONLY
        label = f"{parameter.name}=" if by_name else ""
        written = _write(argument, f"{name}.{parameter.name}", imports)
        node.items.append((label, written))
    return node


def _is_default(value, default):
    value = plain(value)
    if isinstance(value, float) and isinstance(default, float):
        return value == default or (math.isnan(value) and math.isnan(default))
    return same(value, default)


# Layout


def _layout(node, indent, column, after):
    """A node as text that begins at `column`, with `after` characters behind it.

    On one line if that has room, else an item a line; long lists of plain values fill
    their lines.
    """
    flat = _flat(node)
    if isinstance(node, str) or not node.items or column + len(flat) + after <= WIDTH:
        return flat
    if node.is_one_list():  # its brackets hug those of the call
        text = _layout(node.items[0][1], indent, WIDTH, 0)
        return f"{node.open}{text}{node.close}"
    inner = INDENT * (indent + 1)
    if len(node.items) >= FILL_FROM and all(isinstance(v, str) for _, v in node.items):
        lines = _filled([f"{label}{value}," for label, value in node.items], inner)
    else:
        lines = []
        for label, value in node.items:
            text = _layout(value, indent + 1, len(inner) + len(label), 1)
            lines.append(f"{inner}{label}{text},")
    return "\n".join([node.open, *lines, INDENT * indent + node.close])


def _filled(words, margin=""):
    """Words with blanks between them, in lines that are as full as can be."""
    lines = [margin + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += " " + word
        else:
            lines.append(margin + word)
    return lines


class _Steps:
    """Steps of pipelines, and their columns, as variables where they are long."""

    def __init__(self, taken, lists):
        self.taken = set(taken)
        self.lists = lists  # what a list looks like -> the variable that already has it
        self.statements = []

    def without_long_ones(self, node):
        """The node with names in the place of what would make its tuple too long."""
        if isinstance(node, str):
            return node
        items = [(label, self.without_long_ones(value)) for label, value in node.items]
        node = _Node(node.open, node.close, items)
        if node.open != "(" or len(items) < 2 or not isinstance(items[0][1], str):
            return node
        step, room = items[0][1], WIDTH - len(INDENT) - len(",")
        if not step.startswith(('"', "'")) or len(node.flat()) <= room:
            return node
        for i, (label, value) in enumerate(items[1:], start=1):
            if _flat(value) in self.lists:
                items[i] = (label, self.lists[_flat(value)])
            elif isinstance(value, _Node) and len(value.flat()) > WIDTH // 3:
                suffix = "" if value.is_call() else "_columns"
                items[i] = (label, self._variable(step, suffix, value))
        return node

    def _variable(self, step, suffix, node):
        name = re.sub(r"\W+", "_", ast.literal_eval(step)).strip("_").lower() + suffix
        if not name.isidentifier() or keyword.iskeyword(name):
            name = f"step_{name}"
        name = f"{name}_step" if name in self.taken and node.is_call() else name
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        name = next(n for n in itertools.chain([name], numbered) if n not in self.taken)
        self.taken.add(name)
        text = _layout(node, 0, len(name) + 3, 0)
        self.statements.append(f"{name} = {text}")
        return name


def _names_in(code):
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def _lists_in(code):
    """Lists of texts that a program sets once, as they are written -> their variable."""
    found, n_set = {}, Counter()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            n_set[node.id] += 1
    for node in ast.parse(code).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.List):
            continue
        target, items = node.targets[0], node.value.elts
        if all(isinstance(item, ast.Constant) for item in items) and items:
            written = _flat(_write([item.value for item in items], "", set()))
            if isinstance(target, ast.Name) and n_set[target.id] == 1:
                found[written] = target.id
    return found


def _last(imports):
    return {statement.split()[-1] for statement in imports}


# Imports


def _split_imports(text):
    """The import statements of a program, one name each, and what else it has."""
    lines, statements = text.splitlines(), set()
    for node in ast.parse(text).body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        for alias in node.names:
            name = alias.name + (f" as {alias.asname}" if alias.asname else "")
            source = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
            statements.add(f"{source}import {name}")
        lines[node.lineno - 1 : node.end_lineno] = [None] * (
            node.end_lineno - node.lineno + 1
        )
    return statements, "\n".join(line for line in lines if line is not None)


def _sorted_imports(statements):
    """As ruff and isort sort them: of Python first, modules before names."""
    names, modules = {}, []
    for statement in statements:
        if statement.startswith("import "):
            modules.append(statement)
        else:
            _, module, _, name = statement.split(" ", 3)
            names.setdefault(module, []).append(name)
    modules += [f"from {m} import {', '.join(sorted(n))}" for m, n in names.items()]
    sections = {True: [], False: []}
    for statement in sorted(modules, key=lambda s: (s.startswith("from"), s)):
        package = statement.split()[1].split(".")[0]
        sections[package in sys.stdlib_module_names].append(statement)
    blank = [""] if all(sections.values()) else []
    return [*sections[True], *blank, *sections[False]]
