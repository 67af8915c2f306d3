"""Python that reads a table as the command line has read it, without caviar.

Owns only the text of that code: it says again, in pandas, what `_cli_read`,
`_cli_values`, `_cli_dates` and `_cli_target` do, and the tests run both.
"""

import json

from caviar._cli_dates import ZONE
from caviar._cli_numbers import MISSING, ORNAMENT

_TEXT = '''
def text(column):
    """Texts without spaces around them; NaN where there is none."""

    def spell(cell):
        if pd.isna(cell) or str(cell).strip().casefold() in MISSING:
            return np.nan
        cell = str({whole}).strip()
        return cell.title() if cell.casefold() in ("true", "false") else cell

    return column.astype(object).map(spell).astype(object)
'''
_NUMBERS = '''
def numbers(column, decimal=".", missing=()):
    """Numbers with signs about them and groups of thousands, as floats."""
    texts = column.astype(object).map(str, na_action="ignore").str.strip()
    texts = texts.mask(texts.isin(missing)).str.replace(SIGNS, "", regex=True)
    texts = texts.str.replace("," if decimal == "." else ".", "")
    return pd.to_numeric(texts.str.replace(decimal, "."), errors="coerce")
'''
_PARTS = {
    "year": "{0}.dt.year",
    "month": "{0}.dt.month",
    "day of week": "{0}.dt.day_of_week",
    "hour": "{0}.dt.hour + {0}.dt.minute / 60 + {0}.dt.second / 3600",
    "days since 1970": '({0}.dt.normalize() - np.datetime64("1970-01-01")).dt.days',
}


def table_code(problem):
    """Self-contained pandas code that makes the X and y of a problem.

    Parameters
    ----------
    problem : Problem
        From `load_problem` or `load_digits_problem`.

    Returns
    -------
    code : str
        Defines ``X``, ``y``, and, of a table, ``numeric`` and ``categorical``.
    """
    if not problem.recipe:
        return (
            "from sklearn.datasets import load_digits\n\n"
            "X, y = load_digits(return_X_y=True)\n"
        )
    body = [
        *_reading_code(problem),
        "",
        *_target_code(problem),
        "",
        *_columns_code(problem),
    ]
    body = "\n".join(body) + "\n"
    head, helpers = "import numpy as np\nimport pandas as pd\n\n", ""
    if "text)" in body or "text(" in body:
        head += f"MISSING = {_wrapped(sorted(MISSING), '{', '}')}\n"
        has_floats = any(
            str(dtype) == "category" and dtype.categories.dtype.kind == "f"
            for dtype in problem.recipe["dtypes"].values()
        )
        whole = "int(cell) if cell % 1 == 0 else cell" if has_floats else "cell"
        helpers += "\n" + _TEXT.replace("{whole}", whole)
    if "numbers(" in body:
        head += f"SIGNS = (\n    {_raw(ORNAMENT)}\n)\n"
        helpers += "\n" + _NUMBERS
    return head + helpers + ("\n\n" if helpers else "") + body


def _raw(pattern):
    """A pattern as a raw string literal, cut into lines at its alternatives."""
    pieces = ascii(pattern)[1:-1].replace("\\\\", "\\").split("|")
    return "\n    ".join(f'r"{piece}|"' for piece in pieces)[:-2] + '"'


def literal(value):
    """A value as code, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def _wrapped(values, left="[", right="]", indent=""):
    """A list as code, within 88 columns."""
    items = [f"{literal(value)}," for value in values]
    inside = " ".join(items).rstrip(",")
    if len(indent) + len(inside) < 70:
        return f"{left}{inside}{right}"
    lines = [f"{indent}   "]
    for item in items:
        if len(lines[-1]) + len(item) > 86:
            lines.append(f"{indent}   ")
        lines[-1] += f" {item}"
    return "\n".join([left, *lines, f"{indent}{right}"])


def _reading_code(problem):
    path = problem.source
    if problem.reading["format"] == "Parquet":
        return [f"table = pd.read_parquet({literal(path)})", *problem.recipe["steps"]]
    lines = [f"    {literal(path)},"]
    for name, value in problem.recipe["options"].items():
        is_list = isinstance(value, list)
        shown = _wrapped(value, indent="    ") if is_list else literal(value)
        if (name, value) in [("sep", ","), ("encoding", "utf-8")]:
            continue
        lines.append(f"    {name}={shown},")
    return ["table = pd.read_csv(", *lines, ")"]


def _number_code(column, spelling, dtype):
    """How a column's numbers are read, as code; None where nothing has to be done."""
    if spelling is not None and spelling.of_texts:
        arguments = [column]
        if spelling.decimal != ".":
            arguments.append(f"decimal={literal(spelling.decimal)}")
        if spelling.strays:
            arguments.append(f"missing={_wrapped(spelling.strays)}")
        return f"numbers({', '.join(arguments)})"
    return f"{column}.dt.total_seconds()" if dtype.kind == "m" else None


def _target_code(problem):
    recipe, column = problem.recipe, f"table[{literal(problem.target)}]"
    spelling, dtype = recipe["target_spelling"], recipe["dtypes"][problem.target]
    if recipe["target_is_number"]:
        values = _number_code(column, spelling, dtype) or column
        lines = [f'y = {values}.astype("float64")']
        if spelling is not None and spelling.n_infinite:
            lines.append("y = y.replace([np.inf, -np.inf], np.nan)")
    else:
        lines = [f"y = text({column})"]
    if problem.n_dropped_rows:
        lines.append("rows = y.notna()")
        lines.append("table, y = table[rows].reset_index(drop=True), y[rows]")
    end = '.astype("int64")' if problem.y.dtype.kind == "i" else ""
    lines.append(f"y = y{end}.to_numpy()")
    if recipe["target_is_number"] and problem.y.dtype == object:
        lines.append("y = y.astype(str).astype(object)  # fractions as classes")
    return lines


def _columns_code(problem):
    recipe, layout = problem.recipe, problem.layout
    spellings, dtypes = recipe["spellings"], recipe["dtypes"]
    lines = [
        f"numeric = {_wrapped(problem.numeric)}",
        f"categorical = {_wrapped(problem.categorical)}",
        "X = table.reindex(columns=numeric + categorical)",
    ]
    for name, how in layout["dates"].items():
        lines += _date_code(name, how, dtypes[name])
        for part in how["parts"]:
            lines.append(
                f"X[{literal(f'{name}: {part}')}] = {_PARTS[part].format('dates')}"
            )
    for name in set(problem.numeric) & set(spellings):
        call = _number_code(f"table[{literal(name)}]", spellings[name], dtypes[name])
        if call is not None:
            lines.append(f"X[{literal(name)}] = {call}")
    if problem.numeric:
        lines.append('X[numeric] = X[numeric].astype("float64")')
    if any(getattr(how, "n_infinite", 0) for how in spellings.values()):
        lines.append("X[numeric] = X[numeric].replace([np.inf, -np.inf], np.nan)")
    if problem.categorical:
        lines.append("X[categorical] = X[categorical].apply(text)")
    return lines


def _date_code(name, how, dtype):
    column = f"table[{literal(name)}]"
    if how.get("formats"):
        texts = f"texts = {column}.astype(object).str.strip()"
        if how["has_zone"]:
            texts += f'.str.replace(r"{ZONE}", "", regex=True)'
        calls = [
            f'pd.to_datetime(texts, format={literal(form)}, errors="coerce")'
            for form in how["formats"]
        ]
        fills = [f"dates = dates.fillna({call})" for call in calls[1:]]
        return [texts, f"dates = {calls[0]}", *fills]
    if str(dtype).startswith("period"):
        return [f"dates = {column}.dt.to_timestamp()"]
    if not how.get("has_date", True):
        clock = f'{column}.map(str, na_action="ignore")'
        return [f'dates = pd.to_datetime("1970-01-01 " + {clock})']
    if getattr(dtype, "tz", None) is not None:
        return [f"dates = {column}.dt.tz_localize(None)"]
    return [f"dates = pd.to_datetime({column})"]
