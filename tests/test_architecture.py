"""Who may import whom: the rule of the design, read off the source files."""

import re
from pathlib import Path

import pytest

import caviar

ROOT = Path(__file__).parents[1] / "src" / "caviar"
RANK = {  # a module imports modules of a lower rank only
    "_blas": 0,
    **dict.fromkeys(["_kernels", "_docs", "_callbacks", "_blas_threads"], 1),
    **dict.fromkeys(["_averaging", "_arguments"], 1),
    **dict.fromkeys(["_layout", "_team", "_config", "_product", "_augmentation"], 2),
    "_network": 3,
    **dict.fromkeys(["schedules", "augmentation"], 3),
    **dict.fromkeys(["_epochs", "_validation", "_initializers", "_inference"], 4),
    "_state": 3,
    **dict.fromkeys(["_evaluation", "_parameters"], 5),
    "_training": 6,
    "_estimator": 7,
    "neural_network": 8,
    # Searches, which know any estimator and none of ours:
    **dict.fromkeys(["_ranges", "_search_docs", "_journal_lines"], 1),
    **dict.fromkeys(["_quantiles", "_scales", "_by_epochs", "_journal_states"], 2),
    **dict.fromkeys(["_choices", "_search_results"], 3),
    **dict.fromkeys(["_trials", "_journal_results"], 3),
    **dict.fromkeys(["distributions", "_journal", "_fingerprint"], 4),
    **dict.fromkeys(["_regions", "_evaluator"], 5),
    "_search": 6,
    **dict.fromkeys(["_halving", "_coarse_to_fine", "_grid"], 7),
    # Diagnoses:
    **dict.fromkeys(["_findings", "_curves"], 1),
    "_verdicts": 2,
    **dict.fromkeys(["_diagnosed", "_retest", "_activations"], 5),
    **dict.fromkeys(
        ["_first_loss", "_small_sample", "_rate_test", "_rows", "_checkup_training"], 6
    ),
    "_checkup": 7,
    **dict.fromkeys(["diagnostics", "ensemble", "model_selection"], 9),
    # Babysitting, files, pictures and pages:
    **dict.fromkeys(["_atomic", "_html_curves", "_html_pieces"], 0),
    **dict.fromkeys(["_html", "_html_findings"], 0.5),
    **dict.fromkeys(["_archive", "_study"], 1),
    "_plot_style": 1,
    **dict.fromkeys(["_plot_parameters", "_plot_axes", "_plot_scores"], 2),
    **dict.fromkeys(["_plot_history", "_plot_points"], 3),
    "_plot_schedules": 4,
    "_plot_space": 6,
    **dict.fromkeys(["_plot_curves", "_plot_search"], 9),
    **dict.fromkeys(["_plot_activations", "_plot_rates"], 10),
    "_plain": 4,
    "plotting": 11,
    "_session_file": 11,
    "session": 12,
    "callbacks": 13,
    "__init__": 13,
    **dict.fromkeys(["_report_html", "_report_style"], 1),
    **dict.fromkeys(["_report_matrix", "_report_headline"], 2),
    "_report_plots": 12,
    **dict.fromkeys(["_report_score", "_report_search", "_report_sections"], 13),
    "_report": 14,
    # The command line:
    "_cli_words": 13.1,
    **dict.fromkeys(["_cli_numbers", "_cli_dates", "_cli_bytes"], 13.2),
    **dict.fromkeys(["_cli_format", "_cli_values"], 13.3),
    **dict.fromkeys(["_cli_read", "_cli_columns"], 13.4),
    **dict.fromkeys(["_cli_target", "_cli_code"], 13.5),
    "_cli_table": 14,
    **dict.fromkeys(["_rebuild", "_cli_folder"], 15),
    **dict.fromkeys(["_cli_search", "_cli_progress", "_cli_help"], 16),
    **dict.fromkeys(["_cli_winner", "_cli_report", "_cli_arguments"], 17),
    "_cli_run": 17.5,
    "_cli_study": 18,
    **dict.fromkeys(["_cli_tune", "_cli_use"], 19),
    "__main__": 20,
}
SOURCES = sorted(
    path for path in ROOT.glob("*.p*") if path.suffix in (".py", ".pyx", ".pxd")
)


def imported(text):
    """Modules of the package that a source names in import statements."""
    for line in re.findall(r"^ *(?:from|import) .*?(?:\)|$)", text, re.M | re.S):
        if match := re.match(r" *from \.(\w+)? c?import \(?([\w\s,]+)", line):
            module, names = match.groups()
            yield from [module] if module else re.findall(r"\w+", names)
        elif match := re.match(r" *(?:from|import) caviar(?:\.(\w+))?", line):
            yield match.group(1) or "__init__"


@pytest.mark.skipif(not SOURCES, reason="needs the source tree")
def test_modules_import_downwards_only():
    assert Path(caviar.__file__).name == "__init__.py"
    wrong = [
        f"{path.name} imports {name}"
        for path in SOURCES
        for name in imported(path.read_text())
        if name != path.stem and RANK[name] >= RANK[path.stem]
    ]
    assert wrong == []


@pytest.mark.skipif(not SOURCES, reason="needs the source tree")
def test_csrc_knows_neither_python_nor_the_heap():
    for path in (ROOT.parents[1] / "csrc").iterdir():
        assert not re.search(
            r"Python\.h|\bmalloc\b|\bcalloc\b|numpy/", path.read_text()
        )
