"""``python -m caviar``: what it prints, writes and refuses, on real tables."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import accuracy_score, r2_score

import caviar
from caviar import _cli_search, _cli_table
from command_line import SMALL, assert_refused, no_checkup, run_cli

# Models of a few epochs do for what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas")


@pytest.fixture
def iris(pandas):
    frame = load_iris(as_frame=True).frame
    names = np.array(["setosa", "versicolor", "virginica"])
    frame["species"] = names[frame.pop("target")]
    return frame


@pytest.fixture
def messy(iris, pandas):
    """Iris with every kind of column that a user's table may have."""
    random = np.random.RandomState(0)
    frame = iris.copy()
    frame.insert(0, "id", np.arange(1, 151))
    frame["unit"] = "cm"
    frame["remark"] = np.nan
    frame["label"] = [f"plant {row}" for row in range(150)]
    frame["seen"] = pandas.date_range("2024-01-01", periods=150)
    frame["wet"] = random.uniform(size=150) > 0.5
    frame["colour"] = random.choice(["red", "green", "blue"], size=150)
    frame.loc[::7, "colour"] = None
    frame.loc[3::11, "petal width (cm)"] = np.nan
    frame.loc[5, "sepal width (cm)"] = np.inf
    return frame


@pytest.fixture
def write(tmp_path):
    def write_csv(frame, name="table.csv", **options):
        frame.to_csv(tmp_path / name, index=False, **options)
        return str(tmp_path / name)

    return write_csv


@pytest.fixture(autouse=True)
def work_in(tmp_path, monkeypatch):
    """Folders that a command names by itself are made in one that goes."""
    monkeypatch.chdir(tmp_path)


# The demonstration


def test_the_demonstration_runs_without_pandas_and_writes_what_it_found(tmp_path):
    (tmp_path / "pandas.py").write_text("raise ImportError('not installed')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "caviar", "tune", *SMALL[:-1], "2"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Not a terminal: no progress bar, and nothing else either.
    assert done.stderr == ""
    assert "1,797 rows, 64 columns" in done.stdout
    assert "rank   score     std  learning_rate_init" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 92
    assert "Nested cross-validation: accuracy 0.9" in done.stdout
    assert " +- 0.0" in done.stdout
    assert "Seconds per fit: " in done.stdout
    with open(tmp_path / "caviar-digits" / "cv_results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank_test_score"] for row in rows] in (["1", "2"], ["2", "1"])
    assert "param_mlp__batch_norm" in rows[0]
    model = joblib.load(tmp_path / "caviar-digits" / "model.joblib")
    assert isinstance(model.named_steps["mlp"], caviar.MLPClassifier)


def test_a_model_of_the_digits_predicts_a_table_of_64_columns(
    tmp_path, capsys, pandas, write
):
    problem = _cli_table.load_digits_problem()
    settings = _cli_search.Settings()
    model = _cli_search.build_model(problem, settings).set_params(mlp__max_iter=2)
    model.fit(problem.X, problem.y)
    joblib.dump(model, tmp_path / "model.joblib")
    table = write(pandas.DataFrame(problem.X[:50]))
    status, out, _ = run_cli(capsys, "predict", tmp_path / "model.joblib", table)
    assert status == 0
    predicted = [int(line) for line in out.splitlines()[1:]]
    np.testing.assert_array_equal(predicted, model.predict(problem.X[:50]))
    table = write(pandas.DataFrame(problem.X[:50, 1:]))
    assert_refused(
        capsys, "predict", tmp_path / "model.joblib", table, says="64 columns"
    )


# Tables


def test_a_classification_table_is_cleaned_tuned_written_and_predicted(
    tmp_path, capsys, messy, write, pandas
):
    table = write(messy)
    folder = tmp_path / "new" / "model"
    status, out, err = run_cli(
        capsys, "tune", table, "--target", "species", "--out", folder, *SMALL
    )
    assert (status, err) == (0, "")
    assert "classification: 'species' holds texts, 3 classes" in out
    for name, reason in [
        ("id", "it numbers the rows"),
        ("unit", "it is constant"),
        ("remark", "it has no value at all"),
        ("label", "it has 150 different texts in 150 rows"),
    ]:
        assert f"column '{name}' is left out, {reason}" in out
    assert "column 'seen': read as month, day of week, days since 1970" in out
    honest = next(line for line in out.splitlines() if line.startswith("Held-out"))
    assert honest.endswith("(standard error)")
    assert 0.8 < float(honest.split()[3]) <= 1
    assert "Always answering the commonest class gives 0.3333" in out

    model = joblib.load(folder / "model.joblib")
    columns = _cli_search.model_columns(model)
    assert columns["categorical"] == ["wet", "colour"]
    parts = ["seen: month", "seen: day of week", "seen: days since 1970"]
    assert columns["numeric"] == [*messy.columns[1:5], *parts]
    status, out, err = run_cli(
        capsys, "predict", folder / "model.joblib", table, "--proba"
    )
    assert (status, err) == (0, "")
    written = pandas.read_csv(io.StringIO(out))
    X = _cli_table.align_columns(messy, columns, table)
    assert written["prediction"].tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(
        written.drop(columns="prediction"), model.predict_proba(X), rtol=1e-6
    )
    assert list(written.columns[1:]) == [
        f"probability_{name}" for name in ("setosa", "versicolor", "virginica")
    ]
    assert accuracy_score(messy["species"], written["prediction"]) > 0.9


def test_a_regression_table_with_semicolons_is_tuned_and_predicted(
    tmp_path, capsys, pandas, write, monkeypatch
):
    monkeypatch.setattr("caviar._cli_run.check_up", no_checkup)
    frame = load_diabetes(as_frame=True).frame
    table = write(frame, sep=";")
    status, out, err = run_cli(
        capsys, "tune", table, "--target", "target", "--out", tmp_path, *SMALL
    )
    assert (status, err) == (0, "")
    assert "regression: 'target' holds 214 different whole numbers" in out
    assert "Held-out rows: R2 0." in out
    model = joblib.load(tmp_path / "model.joblib")
    assert isinstance(model.named_steps["mlp"], TransformedTargetRegressor)
    predictions = tmp_path / "predictions.csv"
    status, out, err = run_cli(
        capsys, "predict", tmp_path / "model.joblib", table, "--out", predictions
    )
    assert (status, out, err) == (0, "", "")
    predicted = pandas.read_csv(predictions)["prediction"]
    expected = model.predict(frame.drop(columns="target"))
    np.testing.assert_allclose(predicted, expected, rtol=1e-6)
    assert r2_score(frame["target"], predicted) > 0.3


def test_a_parquet_table_is_read_as_well(tmp_path, capsys, messy):
    pytest.importorskip("pyarrow")
    table = tmp_path / "table.parquet"
    messy["species"] = messy["species"].astype("category")
    messy.to_parquet(table)
    status, out, _ = run_cli(
        capsys, "tune", table, "--target", "species", "--out", tmp_path, *SMALL
    )
    assert status == 0
    assert "column 'seen': read as month, day of week, days since 1970" in out
    status, out, _ = run_cli(capsys, "predict", tmp_path / "model.joblib", table)
    assert status == 0
    assert len(out.splitlines()) == 151


def test_the_same_seed_gives_the_same_result_for_any_n_jobs(capsys, iris, write):
    table = write(iris)

    def figures(*options):
        arguments = ["--target", "species", *SMALL[:-2], *options]
        _, out, _ = run_cli(capsys, "tune", table, *arguments)
        lines = out.splitlines()
        ranking = lines.index("Ranking by mean accuracy over 2 folds")
        cells = [line.split() for line in lines[ranking + 1 : ranking + 4]]
        return [row[:3] + row[4:] for row in cells], lines[ranking + 5]

    first = figures("--n-jobs", "1", "--seed", "7")
    assert figures("--n-jobs", "2", "--seed", "7") == first
    assert figures("--n-jobs", "1", "--seed", "8") != first


@pytest.mark.parametrize(
    ("values", "task", "reason"),
    [
        (["a", "b"] * 20, "classification", "holds texts, 2 classes"),
        ([True, False] * 20, "classification", "holds texts, 2 classes"),
        ([0.0, 1.0, 5.0, 1.0] * 10, "classification", "holds whole numbers, 3"),
        ([0.5, 1.5] * 20, "regression", "holds numbers with fractions"),
        (list(range(40)), "regression", "holds 40 different whole numbers"),
    ],
)
def test_the_task_follows_from_the_target(values, task, reason, pandas, write):
    noise = np.random.RandomState(0).uniform(size=40)
    path = write(pandas.DataFrame({"x": noise, "y": values}))
    problem = _cli_table.load_problem(path, "y")
    assert problem.task == task
    assert reason in problem.reason


def test_the_task_can_be_told(pandas, write):
    frame = pandas.DataFrame({"x": np.arange(40) ** 2, "y": [0.5, 1, 2, 3] * 10})
    problem = _cli_table.load_problem(write(frame), "y", "classification")
    assert problem.reason == "as --task says"
    assert set(problem.y) == {"0.5", "1.0", "2.0", "3.0"}
    frame["y"] = [0, 1] * 20
    problem = _cli_table.load_problem(write(frame), "y", "regression")
    assert problem.task == "regression"
    assert problem.y.dtype == np.float64


# What is refused


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("x,species\n", "has a header but no rows"),
        ("x,species\n" + "1,a\n2,b\n" * 2 + "3,a\n", "at least 20 rows, got 5"),
        ("x,species\n" + "1,a\n" * 30, "at least two different values, got 'a'"),
        ("x,species\n" + "1,a\n2,\n" * 20, "two different values, got 'a'"),
        ("x,species\n" + "1,a\n" * 30 + "2,b\n", "at least 7 rows for `--cv 5`, got 1"),
        ("x,species\n" + "1,2,3\n" * 30, "more fields than its header"),
        ("x,species\n" + "1,a\n" * 30 + "1,2,3,4\n", "Cannot read"),
        ("x,species\n" + "1,a\n1,b\n" * 20, "no column to learn 'species' from: "),
        ("x,Species\n" + "1,a\n" * 30, "no column 'species'; did you mean 'Species'?"),
        ("one\n" + "two words\n" * 30, "no column 'species'; its columns are: one."),
        (b"\x89PNG\r\n\x1a\n\xff\xfe" * 9, "Cannot read"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(
    content, says, tmp_path, capsys, pandas
):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_refused(capsys, "tune", path, "--target", "species", says=says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "Name the column to predict with --target, one of: sepal"),
        (["--target", "specis"], "did you mean 'species'?"),
        (["--target", "species", "--task", "regression"], "a column of numbers, got"),
        (["--target", "species", "--cv", "60"], "needs at least 240 rows, got 150"),
        (["--target", "species", "--cv", "1"], "integer in [2, 100], got '1'"),
        (["--target", "species", "--n-iter", "x"], "integer in [1, inf), got 'x'"),
        (["--target", "species", "--n-jobs", "0"], "-1 for all cores, got '0'"),
        (["--target", "species", "--search", "grid", "--n-iter", "3"], "`--n-iter`"),
        (["--target", "species", "--search", "best"], "must be one of coarse-to-fine,"),
        (["--target", "species", "--out", __file__], "Cannot write to"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_in_one_line(
    options, says, capsys, iris, write
):
    assert_refused(capsys, "tune", write(iris), *options, says=says)


def test_a_wrong_file_is_refused_in_one_line(tmp_path, capsys, pandas):
    for path, says in [
        (tmp_path / "none.csv", "There is no file"),
        (tmp_path, "is a directory"),
    ]:
        assert_refused(capsys, "tune", path, "--target", "y", says=says)
    pytest.importorskip("pyarrow")
    wrong = tmp_path / "table.parquet"
    wrong.write_text("x,y\n1,2\n")
    assert_refused(capsys, "tune", wrong, "--target", "y", says="as Parquet")


def test_the_digits_take_no_target(capsys):
    assert_refused(capsys, "tune", "--target", "y", says="`--target` needs a table")


def test_without_pandas_tables_are_refused_with_the_remedy(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pandas", None)
    (tmp_path / "table.csv").write_text("x,y\n1,2\n")
    assert_refused(
        *(capsys, "tune", tmp_path / "table.csv", "--target", "y"),
        says="pip install 'caviar[cli]'",
    )


def test_control_c_is_one_line_and_status_130(capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("caviar._cli_tune.run", interrupted)
    status, _, err = run_cli(capsys, "tune")
    assert status == 130
    assert err == (
        "caviar: interrupted: 0 finished fits are kept in 'caviar-digits': the same "
        "command goes on from there, and `python -m caviar report caviar-digits` shows "
        "the ranking so far.\n"
    )


def test_what_nobody_foresaw_is_one_line_that_asks_for_a_report(capsys, monkeypatch):
    def broken(*arguments):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("caviar._cli_tune.run", broken)
    with pytest.raises(ZeroDivisionError):
        run_cli(capsys, "tune", "--restart")
    monkeypatch.delenv("CAVIAR_TRACEBACK")
    assert run_cli(capsys, "tune")[::2] == (
        1,
        "caviar: error: ZeroDivisionError: division by zero. This is a fault of caviar: "
        "please report it with what CAVIAR_TRACEBACK=1 in the environment shows.\n",
    )


def test_help_teaches_by_examples(capsys):
    status, out, _ = run_cli(capsys, "--help")
    assert status == 0
    assert "first steps:\n  python -m caviar tune\n" in out
    assert "exit codes:\n  0    done\n" in out
    assert run_cli(capsys)[1] == out
    for command in ("tune", "predict", "report", "checkup", "retest"):
        status, out, _ = run_cli(capsys, command, "--help")
        assert status == 0
        assert f"examples:\n  python -m caviar {command}" in out
        assert max(map(len, out.splitlines())) <= 88


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tun"], "there is no command 'tun'; did you mean tune? (see --help)"),
        (["xyz"], "there is no command 'xyz'; there are tune, predict, report,"),
        (["tune", "--targte", "y"], "no option --targte; did you mean --target?"),
        (["tune", "--targte=y"], "no option --targte; did you mean --target?"),
        (["tune", "a.csv", "b.csv"], "one argument too many: 'b.csv'"),
        (["tune", "--search", "hyperbnd"], "got 'hyperbnd'; did you mean hyperband?"),
        (["tune", "--task", "regressio"], "'regressio'; did you mean regression?"),
        (["tune", "--time-budget", "0"], "a number of seconds above 0, got '0'"),
        (["predict", "a"], "the following arguments are required: DATA"),
    ],
)
def test_a_typo_is_answered_with_what_was_meant(arguments, says, capsys):
    assert_refused(capsys, *arguments, says=says)


# predict


@pytest.fixture
def fitted(tmp_path, messy):
    """A model file, fitted quickly, and the table it was fitted on."""
    numeric, categorical = ["petal length (cm)"], ["colour", "wet"]
    X = _cli_table.select_columns(messy, numeric, categorical)
    y = messy["species"].to_numpy(dtype=object)
    problem = _cli_table.Problem(X, y, "classification", "", "", numeric, categorical)
    model = _cli_search.build_model(problem, _cli_search.Settings())
    joblib.dump(model.set_params(mlp__max_iter=5).fit(X, y), tmp_path / "m.joblib")
    return str(tmp_path / "m.joblib"), messy


def test_predict_takes_columns_in_any_order_and_values_never_seen(
    capsys, fitted, write
):
    model, frame = fitted
    _, expected, _ = run_cli(capsys, "predict", model, write(frame))
    shuffled = frame[frame.columns[::-1]].copy()
    shuffled["wet"] = shuffled["wet"].map({True: "TRUE", False: "false"})
    status, out, err = run_cli(capsys, "predict", model, write(shuffled))
    assert (status, out, err) == (0, expected, "")
    shuffled.loc[0, "colour"] = "violet"
    shuffled.loc[1, ["colour", "wet", "petal length (cm)"]] = None
    status, out, _ = run_cli(capsys, "predict", model, write(shuffled))
    assert status == 0
    assert len(out.splitlines()) == 151


def test_predict_refuses_in_one_line(capsys, fitted, write, tmp_path):
    model, frame = fitted
    table = write(frame)
    lacking = write(frame.drop(columns=["wet", "colour"]), "lacking.csv")
    says = "got none named 'colour', 'wet'"
    assert_refused(capsys, "predict", model, lacking, says=says)
    frame["petal length (cm)"] = frame["petal length (cm)"].astype(object)
    frame.loc[3, "petal length (cm)"] = "long"
    wrong = write(frame, "wrong.csv")
    says = "'petal length (cm)' must hold numbers, got 'long' in row 4"
    assert_refused(capsys, "predict", model, wrong, says=says)
    says = "There is no model file"
    assert_refused(capsys, "predict", tmp_path / "none", table, says=says)
    says = "is not a model of `caviar tune`"
    assert_refused(capsys, "predict", table, table, says=says)
    joblib.dump({"not": "a model"}, tmp_path / "dict.joblib")
    says = "must hold a model of `caviar tune`, got dict"
    assert_refused(capsys, "predict", tmp_path / "dict.joblib", table, says=says)
    says = "Cannot write"
    nowhere = tmp_path / "none" / "out.csv"
    assert_refused(capsys, "predict", model, table, "--out", nowhere, says=says)


def test_probabilities_of_a_regression_are_refused(tmp_path, capsys, pandas, write):
    frame = load_diabetes(as_frame=True).frame
    X, y = frame.drop(columns="target"), frame["target"].to_numpy()
    problem = _cli_table.Problem(X, y, "regression", "", "", list(X.columns))
    model = _cli_search.build_model(problem, _cli_search.Settings())
    model.set_params(mlp__regressor__max_iter=2).fit(X, y)
    joblib.dump(model, tmp_path / "m.joblib")
    assert_refused(
        *(capsys, "predict", tmp_path / "m.joblib", write(frame), "--proba"),
        says="`--proba` needs a classifier",
    )


RECORDER = Path(__file__).parents[1] / "docs" / "record_sessions.py"


@pytest.mark.long
@pytest.mark.skipif(not RECORDER.exists(), reason="needs the source tree")
def test_the_sessions_of_the_documentation_are_what_the_program_prints():
    done = subprocess.run(
        [sys.executable, str(RECORDER), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
