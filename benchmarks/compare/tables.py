"""The results as text for a terminal and as Markdown for the README."""

from statistics import median, quantiles

from .libraries import title


def steps_text(problems, results):
    """Per problem, a row per library: microseconds, their spread, ratio to caviar."""
    lines = []
    for problem in problems:
        cells = of_problem(problem, results)
        lines += ["", str(problem), f"{'':16}{'plain':>26}{'batch norm':>26}"]
        lines += [f"{'':16}" + f"{'ratio':>8}{'us/step':>11}{'':7}" * 2]
        for name in dict.fromkeys(name for _, name in cells):
            row = [text_cell(cells, batch_norm, name) for batch_norm in (False, True)]
            lines.append((f"{title(name):16}" + "".join(row)).rstrip())
    return "\n".join(lines[1:])


def text_cell(cells, batch_norm, name):
    result = cells[batch_norm, name]
    if result["note"]:
        return f"{result['note']:>26}"
    ratio = relative(result, cells.get((batch_norm, "caviar")))
    time = median(result["seconds"]) * 1e6
    return f"{ratio:>8}{time:>11.1f}{spread(result['seconds']):>7}"


def steps_markdown(problems, results):
    """A row per problem: caviar's microseconds, then what the others take of them."""
    names = dict.fromkeys(r["library"] for r in results if r["seconds"])
    rivals = [name for name in names if name != "caviar"]
    rows = [["rows x features, hidden, batch", "batch norm", "caviar"]]
    rows[0] += [title(name) for name in rivals]
    for problem in problems:
        cells = of_problem(problem, results)
        for batch_norm in (False, True):
            caviar = cells.get((batch_norm, "caviar"))
            known = caviar and caviar["seconds"]
            time = microseconds(median(known)) if known else "-"
            ratios = [relative(cells[batch_norm, name], caviar) for name in rivals]
            rows.append([str(problem), "yes" if batch_norm else "no", time, *ratios])
    return markdown(rows)


def search_text(results):
    lines = [f"{'':16}{'ratio':>8}{'seconds':>11}{'':7}  best score"]
    for result in results:
        row = f"{title(result['library']):16}"
        if result["note"]:
            lines.append(row + result["note"])
            continue
        row += f"{relative(result, results[0]):>8}{median(result['seconds']):>11.2f}"
        row += f"{spread(result['seconds']):>7}  {result['best_score']:.4f}"
        lines.append(row)
    return "\n".join(lines)


def of_problem(problem, results):
    """Return {(batch_norm, library): result} of one problem."""
    return {
        (result["batch_norm"], result["library"]): result
        for result in results
        if result["problem"] == problem.name
    }


def relative(result, caviar):
    """The ratio of the medians, with three digits; '-' where one is missing."""
    if not (result["seconds"] and caviar and caviar["seconds"]):
        return "-"
    ratio = median(result["seconds"]) / median(caviar["seconds"])
    return f"{ratio:.0f}x" if ratio >= 99.5 else f"{ratio:#.3g}x"


def microseconds(seconds):
    """Three digits or more: '10.3 us', '3,381 us'."""
    value = seconds * 1e6
    return f"{value:.1f} us" if value < 99.95 else f"{value:,.0f} us"


def spread(seconds):
    """Half the distance between the quartiles, as a share of the median."""
    if len(seconds) < 3:
        return ""
    low, _, high = quantiles(seconds, n=4)
    return f"+-{(high - low) / 2 / median(seconds):.0%}"


def plus_minus(seconds):
    """The spread as a cell of a column headed ``+-``."""
    return spread(seconds).removeprefix("+-") or "-"


def markdown(rows):
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    lines = (" | ".join(row) for row in (rows[0], rule, *rows[1:]))
    return "\n".join(f"| {line} |" for line in lines)
