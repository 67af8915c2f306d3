"""Every benchmark runs, once and on tiny sizes. No time is asserted here."""

import importlib
import importlib.util
import inspect
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SUITE = ROOT / "benchmarks" / "suite"
COMPARE = ROOT / "benchmarks" / "compare"
KINDS = ("time_", "track_", "peakmem_", "timeraw_")

pytestmark = pytest.mark.skipif(
    not SUITE.is_dir(), reason="the benchmarks are not part of this installation"
)


@pytest.fixture
def suite(monkeypatch):
    """Return a function that imports a module of the suite, its sizes all tiny."""
    monkeypatch.syspath_prepend(str(ROOT))
    sizes = importlib.import_module("benchmarks.suite.sizes")
    monkeypatch.setattr(sizes, "TINY", True)
    return lambda name: importlib.import_module(f"benchmarks.suite.{name}")


def combinations(cls):
    """The arguments with which asv calls each method of a benchmark class."""
    params = getattr(cls, "params", ())
    if params and isinstance(params[0], list):
        return itertools.product(*params)
    return [(value,) for value in params] or [()]


@pytest.mark.parametrize("name", sorted(f.stem for f in SUITE.glob("bench_*.py")))
def test_every_benchmark_of_the_suite_runs(suite, name):
    module = suite(name)
    n_calls = 0
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if cls.__module__ != module.__name__:
            continue
        for arguments in combinations(cls):
            benchmark = cls()
            getattr(benchmark, "setup", lambda *_: None)(*arguments)
            for method in (m for m in dir(cls) if m.startswith(KINDS)):
                value = getattr(benchmark, method)(*arguments)
                if method.startswith("track_"):
                    assert value > 0
                if method.startswith("timeraw_"):
                    code = (value,) if isinstance(value, str) else reversed(value)
                    run([sys.executable, "-c", "\n".join(code)])
                n_calls += 1
            getattr(benchmark, "teardown", lambda *_: None)(*arguments)
    assert n_calls > 0


def test_asv_configuration_names_what_is_there():
    lines = (SUITE.parent / "asv.conf.json").read_text().splitlines()
    conf = json.loads("\n".join(x for x in lines if not x.strip().startswith("//")))
    assert (SUITE.parent / conf["benchmark_dir"]).resolve() == SUITE
    assert (SUITE.parent / conf["repo"]).resolve() == ROOT


def run(command):
    """Run a command from the root of the repository; return what it printed."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("COV_")  # a pinned child is not to be traced
    }
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_installed(package):
    return importlib.util.find_spec(package) is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("caviar", "caviar"),
        ("sklearn", "sklearn"),
        ("torch", "torch"),
        ("torch-fused", "torch"),
        ("torch-compile", "torch"),
        ("jax", "jax"),
        ("skorch", "skorch"),
        ("roof", "caviar"),
    ],
)
def test_compare_times_each_library(library, package, tmp_path):
    file = tmp_path / "times.json"
    options = ["--quick", "--libraries", library, "--json", str(file)]
    output = run([sys.executable, "-m", "benchmarks.compare", *options])
    results = json.loads(file.read_text())["results"]
    plain, normed = (result["seconds"] for result in results)
    if is_installed(package):
        assert len(plain) == 1, output
        assert len(normed) == (0 if library == "sklearn" else 1), output
    else:
        assert "not installed" in output


def test_compare_prints_a_markdown_table_when_started_as_a_folder():
    libraries = ["caviar", "sklearn", "roof", "peak"]
    options = ["--quick", "--markdown", "--libraries", *libraries]
    header, rule, *rows = run([sys.executable, COMPARE, *options]).splitlines()
    assert header.count("|") == rule.count("|") >= 6
    assert "caviar" in header
    assert len(rows) == 2


@pytest.mark.slow
@pytest.mark.parametrize("library", ["sklearn", "skorch"])
def test_compare_times_a_search(library, tmp_path):
    file = tmp_path / "times.json"
    options = ["search", "--quick", "--libraries", "caviar", library]
    run([sys.executable, "-m", "benchmarks.compare", *options, "--json", str(file)])
    for result in json.loads(file.read_text())["results"]:
        if is_installed(result["library"]):
            assert len(result["seconds"]) == 1, result
            assert result["best_score"] > 0.2
        else:
            assert result["note"].startswith("not installed")


@pytest.mark.slow
@pytest.mark.parametrize(
    "subject",
    "kernels calls extras crowds large scaling memory profile".split(),
)
def test_compare_measures_each_subject(subject, tmp_path):
    if subject == "profile" and shutil.which("perf") is None:
        pytest.skip("perf is not installed")
    if subject in ("crowds", "memory") and not Path("/proc/self/status").exists():
        pytest.skip("memory is read from /proc")
    file = tmp_path / "times.json"
    command = [sys.executable, "-m", "benchmarks.compare", subject, "--quick"]
    tables = run([*command, "--json", str(file), "--folder", str(tmp_path)])
    assert json.loads(file.read_text())["results"]
    assert tables.startswith("| ")


@pytest.fixture
def methods(monkeypatch):
    """Return a function that imports a module of the methods' benchmark."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"benchmarks.methods.{name}")


@pytest.fixture
def compare(monkeypatch):
    """Return a function that imports a module of the comparison."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"benchmarks.compare.{name}")


def test_what_became_a_tenth_slower_is_named(compare):
    def times(now, before):
        common = {"problem": "S", "batch_norm": True}
        return [
            common | {"library": "caviar", "seconds": now},
            common | {"library": "base", "seconds": before},
        ]

    failure = compare("steps").failure
    assert failure(times([1.12, 1.13, 1.14], [1.0, 1.0, 1.0])) == (
        "S with batch norm: 12% slower than before"
    )
    assert failure(times([1.08, 1.08, 1.08], [1.0, 1.0, 1.0])) is None
    assert failure(times([1.0, 1.2, 1.2], [1.0, 1.0, 1.0])) is None  # others were busy
    assert failure(times([1.2], [])) is None


def test_a_block_of_the_documents_is_renewed_and_a_missing_one_is_an_error(
    compare, tmp_path, monkeypatch
):
    documents = compare("documents")
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- steps -->\nold\n<!-- end of steps -->\nafter\n")
    monkeypatch.setattr(documents, "DOCUMENTS", [page])
    context = {"processor": "a core", "versions": ["caviar 1", "numpy 2"]}
    documents.write({"steps": "| a |\n| --- |"}, context)
    block = "| a |\n| --- |\n\na core, caviar 1, numpy 2."
    assert page.read_text() == (
        f"before\n<!-- steps -->\n{block}\n<!-- end of steps -->\nafter\n"
    )
    with pytest.raises(LookupError, match="no document has a block named 'other'"):
        documents.write({"other": ""}, context)


def test_every_block_that_is_written_has_its_place(compare):
    pages = [page.read_text() for page in compare("documents").DOCUMENTS]
    places = {
        name for page in pages for name in re.findall(r"<!-- end of (.+) -->", page)
    }
    assert places >= {"steps", "steps-targets", "profile", "calls", "search", "large"}
    assert places >= {"kernels-bandwidth", "kernels-rivals", "scaling", "memmap", "csr"}
    assert places >= {"crowds-search", "crowds-fits", "crowds-memory"}
    assert places >= {"methods", "methods-classification", "methods-regression"}
    assert places >= {"search-worth", "search-reach", "search-reach-test"}
    assert places >= {"search-validation", "search-test", "search-halving"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--problems", "S", "huge"], "--problems must be of S M L XL, got huge"),
        (["--rounds", "0"], "--rounds must be at least 1, got 0"),
        (["--libraries", "tensorflow"], "invalid choice: 'tensorflow'"),
    ],
)
def test_compare_refuses_what_it_does_not_know(options, message):
    command = [sys.executable, "-m", "benchmarks.compare", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert message in done.stderr


@pytest.fixture
def archive(tmp_path):
    """A regression in the format of benchmarks.methods: NaN, categories, test rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    X[:, 3] = rng.integers(0, 3, size=200)
    y = X[:, 0] + 2 * (X[:, 3] == 1)
    X[::7, 1] = X[::11, 3] = np.nan
    path = tmp_path / "made_up.npz"
    cat_mask, is_test = np.arange(4) == 3, np.arange(200) >= 150
    np.savez(path, X=X, y=y, task="regression", cat_mask=cat_mask, is_test=is_test)
    return path


@pytest.mark.slow
def test_every_method_is_tried_and_a_killed_run_goes_on(archive, tmp_path):
    file = tmp_path / "runs.jsonl"
    command = [sys.executable, "-m", "benchmarks.methods", str(archive), "--quick"]
    tables = run([*command, "--json", str(file)])
    header, *lines = file.read_text().splitlines()
    results = [json.loads(line) for line in lines]
    names = {result["recipe"] for result in results}
    assert {"plain", "batch_norm", "cosine", "mixup", "snapshots", "cocktail"} <= names
    assert {result["data"] for result in results} == {"digits", "made_up"}
    assert all(np.isfinite(result["score"]) for result in results)
    file.write_text("\n".join([header, *lines[:-3], lines[-1][:20]]))  # killed
    assert run([*command, "--json", str(file), "--resume"]) == tables
    again = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    key, score = itemgetter("data", "recipe", "seed"), itemgetter("score")
    assert {key(r): score(r) for r in again} == {key(r): score(r) for r in results}
    assert len(again) == len(results)


def test_a_data_set_without_what_it_needs_is_an_error(methods, archive):
    data = methods("data")
    with np.load(archive) as file:
        arrays = dict(file)
    np.savez(archive, **{**arrays, "task": "ranking"})
    with pytest.raises(ValueError, match=r"`task` in .* must be one of .*'ranking'"):
        data.load(archive)
    np.savez(archive, X=arrays["X"])
    with pytest.raises(ValueError, match=r"lacks \['task', 'y'\]"):
        data.load(archive)


def test_no_row_is_both_chosen_on_and_tested_on(methods, archive):
    data = methods("data")
    for path in (archive, data.DIGITS):
        problem = data.load(path)
        for seed in range(3):
            train, validation, test = data.split(problem, seed, max_rows=120)
            assert len(train) == 120
            assert set(validation) < set(train)
            assert not set(train) & set(test)
            if problem.is_test is not None:
                assert problem.is_test[test].all()
    assert len(data.split(problem, 0, 120)[2]) == 450


def test_the_summary_compares_seed_by_seed(methods):
    rng = np.random.default_rng(0)
    common = rng.normal(0.8, 0.05, 5)  # hard and easy splits: much larger than the gain
    gain = np.array([0.02, 0.021, 0.02, 0.019, 0.02])
    scores = {"plain": common, "batch_norm": common + gain}
    results = [
        {
            "task": "classification",
            "data": "d",
            "recipe": recipe,
            "seed": seed,
            "score": s,
        }
        for recipe, by_seed in scores.items()
        for seed, s in enumerate(by_seed)
    ]
    blocks = methods("report").report(results)
    ratio = (1 - scores["batch_norm"].mean()) / (1 - common.mean())
    assert f"| + batch norm | {ratio:.3f} | 1 | 1 | 0 |" in blocks["methods"]
    mean, spread = 100 * common.mean(), 100 * common.std(ddof=1)
    assert f"| plain | {mean:.2f} ± {spread:.2f} |" in blocks["methods-classification"]


@pytest.mark.slow
def test_searches_are_compared_and_a_killed_run_goes_on(archive, tmp_path):
    file = tmp_path / "runs.jsonl"
    methods = ["grid", "random", "coarse-to-fine", "sklearn-halving", "halving"]
    methods += ["quarter-halving", "hyperband"]
    methods += ["optuna"] if is_installed("optuna") else []
    command = [sys.executable, "-m", "benchmarks.search", str(archive), "--quick"]
    command += ["--json", str(file), "--methods", *methods]
    tables = run(command)
    header, *lines = file.read_text().splitlines()
    results = [json.loads(line) for line in lines]
    duels = [result for result in results if "schedule" in result]
    assert {result["data"] for result in duels} == {"digits", "made_up"}
    assert all(result["same_winner"] for result in duels)
    runs = [result for result in results if "method" in result]
    assert len(runs) == 2 * len(methods)
    budget = 3 * 3 * 9  # candidates, folds, epochs
    for result in runs:
        assert np.isfinite(result["test"])
        assert result["scores"] == sorted(result["scores"])
        if result["method"] in ("grid", "random", "coarse-to-fine"):
            assert (
                result["n_epochs"] == (9 if result["method"] == "grid" else 1) * budget
            )
        elif result["method"] in ("halving", "sklearn-halving"):
            assert result["n_epochs"] <= budget
    file.write_text("\n".join([header, *lines[:-2], lines[-1][:20]]))  # killed
    assert run([*command, "--resume"]).splitlines()[:2] == tables.splitlines()[:2]
    assert len(file.read_text().splitlines()) == len(lines) + 1


@pytest.fixture
def searches(monkeypatch):
    """Return a function that imports a module of the searches' benchmark."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"benchmarks.search.{name}")


def test_the_budget_of_halving_is_what_it_trains(searches):
    budget = searches("searches").Budget(n_candidates=27, max_iter=81)
    assert budget.epochs == 27 * 81
    # Round by round: 243 for 3 epochs, 81 for 6 more, 27 for 18 more, 9 for 54 more.
    assert budget.cost(243, resumed=True) == 729 + 486 + 486 + 486 == budget.epochs
    assert budget.most_candidates(resumed=True) == 243
    # Again from scratch, and survivors rounded up, as scikit-learn has it.
    assert budget.cost(28, resumed=False) == 28 * 3 + 10 * 9 + 4 * 27 + 2 * 81
    assert budget.cost(budget.most_candidates(resumed=False), resumed=False) <= 2187


def test_the_best_so_far_is_a_step_function_and_never_before_all_have_one(searches):
    curves = searches("curves")
    runs = [
        {"epochs": [10, 30], "scores": [0.5, 0.8]},
        {"epochs": [20, 40], "scores": [0.6, 0.7]},
    ]
    at, steps = curves.over_seeds(runs, "epochs", "scores")
    assert at.tolist() == [10, 20, 30, 40]
    np.testing.assert_array_equal(
        steps, [[0.5, 0.5, 0.8, 0.8], [np.nan, 0.6, 0.6, 0.7]]
    )
    assert curves.epochs_to_reach(runs, 0.5, "scores") == 20
    assert curves.epochs_to_reach(runs, 0.7, "scores") == 30
    assert curves.epochs_to_reach(runs, 0.76, "scores") == np.inf


def test_a_row_that_failed_is_no_incumbent(searches):
    trace = searches("trace").Trace(
        scores=np.array([np.nan, 0.5, 0.4, np.nan, 0.6]),
        epochs=np.arange(5),
        seconds=np.arange(5.0),
        params=[{}] * 5,
        lengths=np.ones(5),
        best=4,
    )
    assert trace.incumbents().tolist() == [1, 4]


def test_rows_stand_in_the_order_in_which_they_were_scored(searches):
    trace = searches("trace")
    clock = trace.Clock(["alpha"])

    class Network:
        def __init__(self, alpha, n_iter):
            self.alpha, self.n_iter_ = alpha, n_iter

        def get_params(self, deep):
            return {"alpha": self.alpha, "solver": "adam"}

        def score(self, X, y):
            return self.alpha

    for alpha, n_iter in [(0.1, 3), (0.2, 3), (0.2, 3), (0.1, 3), (0.2, 9)]:
        clock(Network(alpha, n_iter), None, None)
    search = SimpleNamespace(
        best_index_=2,
        cv_results_={
            "params": [{"alpha": 0.1}, {"alpha": 0.2}, {"alpha": 0.2}, {"alpha": 9}],
            "mean_test_score": [0.1, 0.2, 0.3, np.nan],
        },
    )
    rows = trace.of_search(search, clock, [3, 3, 9, 3], [6, 6, 12, 6])
    assert np.isnan(rows.scores[0])  # failed: only its epochs count
    assert rows.scores[1:].tolist() == [0.2, 0.1, 0.3]
    assert rows.epochs.tolist() == [6, 12, 18, 30]
    assert np.all(np.diff(rows.seconds) >= 0)
    assert rows.scores[rows.best] == 0.3
    assert rows.params[1] == {"alpha": 0.2}


def test_the_charts_of_searches_have_a_panel_per_data_set(searches, tmp_path):
    pytest.importorskip("matplotlib")
    results = [
        {
            "data": name,
            "method": method,
            "seed": seed,
            "score": 0.9,
            "n_epochs": 90,
            "n_seconds": 3.0,
            "epochs": [9, 60 + seed],
            "seconds": [0.3, 2.0],
            "scores": [0.7, 0.9],
        }
        for name in ("digits", "made_up")
        for method in ("random", "hyperband")
        for seed in range(3)
    ]
    searches("charts").draw(results, tmp_path)
    for name in ("epochs.svg", "seconds.svg"):
        assert "</svg>" in (tmp_path / name).read_text()
