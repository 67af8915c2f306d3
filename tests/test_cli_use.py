"""What is done with a folder of ``tune``: predict, report, retest; checkup before it."""

import shutil
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_diabetes, load_iris
from sklearn.preprocessing import StandardScaler

from caviar import diagnostics
from caviar._study import Study
from command_line import SMALL, assert_refused, no_checkup, run_cli

pandas = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """Folders of two finished searches, and their tables."""
    from caviar.__main__ import main

    folder = tmp_path_factory.mktemp("tuned")
    frame = load_iris(as_frame=True).frame
    names = np.array(["setosa", "versicolor", "virginica"])
    frame["species"] = names[frame.pop("target")]
    frame.to_csv(folder / "iris.csv", index=False)
    load_diabetes(as_frame=True).frame.to_csv(folder / "diabetes.csv", index=False)
    small = ["--n-iter", "4", *SMALL[2:]]
    for name, target in [("iris", "species"), ("diabetes", "target")]:
        table, out = str(folder / f"{name}.csv"), str(folder / name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("caviar._cli_run.check_up", no_checkup)
            assert main(["tune", table, "--target", target, "--out", out, *small]) == 0
    return folder


@pytest.fixture(autouse=True)
def work_in(tmp_path, monkeypatch, tuned):
    """Copies of all of it, to be spoilt."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tuned, tmp_path, dirs_exist_ok=True)


# predict


def test_predict_takes_the_folder_or_the_model_in_it(capsys):
    status, out, err = run_cli(capsys, "predict", "iris", "iris.csv")
    assert (status, err) == (0, "")
    model = joblib.load("iris/model.joblib")
    X = load_iris(as_frame=True).data
    assert out.splitlines()[1:] == model.predict(X).tolist()
    assert run_cli(capsys, "predict", "iris/model.joblib", "iris.csv")[1] == out


def test_predict_of_an_unfinished_search_says_so(capsys):
    Path("new").mkdir()
    Path("new/unfinished.json").write_text('{"asked": {}, "study": {"version": 1}}')
    says = "The search in 'new' is not finished, so there is no model yet."
    assert_refused(capsys, "predict", "new", "iris.csv", says=says)


def test_a_model_that_cannot_predict_with_this_caviar_is_one_line(capsys):
    model = joblib.load("iris/model.joblib")
    del model.named_steps["columns"].transformers_
    joblib.dump(model, "old.joblib")
    says = "The model 'old.joblib' cannot predict here ("
    assert_refused(capsys, "predict", "old.joblib", "iris.csv", says=says, status=1)


def test_half_a_model_is_one_line(capsys):
    whole = Path("iris/model.joblib").read_bytes()
    Path("half.joblib").write_bytes(whole[: len(whole) // 2])
    says = "'half.joblib' is not a model of `caviar tune` ("
    assert_refused(capsys, "predict", "half.joblib", "iris.csv", says=says)


def test_a_model_of_another_scikit_learn_is_used_with_a_note(capsys, monkeypatch):
    model = joblib.load("iris/model.joblib")
    scaler = model.named_steps["columns"].named_transformers_["numeric"][-1]
    state = {**scaler.__getstate__(), "_sklearn_version": "0.1"}
    with monkeypatch.context() as patch:
        patch.setattr(StandardScaler, "__getstate__", lambda self: state)
        joblib.dump(model, "older.joblib")
    status, out, err = run_cli(capsys, "predict", "older.joblib", "iris.csv")
    assert status == 0
    assert len(out.splitlines()) == 151
    assert err == (
        "note: 'older.joblib' was written with scikit-learn 0.1, and this is "
        f"{sklearn.__version__}: if it fails or predicts nonsense, tune again.\n"
    )


# report


def test_report_makes_the_same_page_and_says_the_same_again(capsys):
    page = Path("iris/report.html").read_bytes()
    Path("iris/report.html").unlink()
    status, out, err = run_cli(capsys, "report", "iris")
    assert (status, err) == (0, "")
    assert Path("iris/report.html").read_bytes() == page
    assert "Ranking by mean accuracy over 2 folds" in out
    assert "Held-out rows: accuracy " in out
    assert out.endswith("Written: iris/report.html\n")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "cannot be read: "),
        ("{", "cannot be read: "),
        ("[]", "cannot be read: The file is not a study"),
        ('{"version": 99}', "cannot be read: The study has version 99"),
        ('{"version": 1}', "is not what `caviar tune` has written"),
        ('{"version": 1, "search": 3}', "is not what `caviar tune` has written"),
        ("[" * 100_000, "cannot be read: "),
        (b"\xff\xfe\x00", "Cannot read"),
    ],
)
def test_a_study_that_cannot_be_used_is_one_line(content, says, capsys):
    content = content if isinstance(content, bytes) else content.encode()
    Path("iris/study.json").write_bytes(content)
    assert_refused(capsys, "report", "iris", says=says)
    assert run_cli(capsys, "retest", "iris", "iris.csv")[0] == 2
    Path("iris/study.json").unlink()
    Path("iris/unfinished.json").write_bytes(content)
    assert run_cli(capsys, "report", "iris")[0] == 2


def test_report_refuses_what_is_no_folder_of_tune(capsys):
    assert_refused(capsys, "report", "none", says="There is no folder 'none'.")
    says = "'iris.csv' must be a folder of `caviar tune`, not a file."
    assert_refused(capsys, "report", "iris.csv", says=says)
    Path("empty").mkdir()
    assert_refused(capsys, "report", "empty", says="'empty' has no study.json")


# retest


def test_retest_shows_old_ranks_beside_new_ones_and_says_what_to_do(capsys):
    frame = pandas.read_csv("iris.csv").sample(90, random_state=0)
    frame.to_csv("new.csv", index=False)
    status, out, err = run_cli(
        capsys, "retest", "iris", "new.csv", "--k", "3", "--n-jobs", "1"
    )
    assert (status, err) == (0, "")
    search = joblib.load("iris/search.joblib")
    X, y = frame.drop(columns="species"), frame["species"].to_numpy(dtype=object)
    expected = diagnostics.retest(search, X, y, k=3)
    assert str(expected) in out
    assert "No need to tune again" in out or "Tune again:\n  python -m caviar" in out


def test_retest_of_a_regression_takes_the_columns_in_any_order(capsys):
    frame = pandas.read_csv("diabetes.csv")
    frame[frame.columns[::-1]].to_csv("turned.csv", index=False)
    first = run_cli(capsys, "retest", "diabetes", "diabetes.csv", "--n-jobs", "1")
    assert first[0] == 0
    assert run_cli(capsys, "retest", "diabetes", "turned.csv", "--n-jobs", "1") == first


def test_retest_refuses_in_one_line(capsys):
    frame = pandas.read_csv("iris.csv")
    frame.drop(columns="species").to_csv("bare.csv", index=False)
    assert_refused(capsys, "retest", "iris", "bare.csv", says="no column 'species'")
    frame["species"] = "tulip"
    frame.to_csv("tulips.csv", index=False)
    assert run_cli(capsys, "retest", "iris", "tulips.csv")[0] == 2
    assert_refused(capsys, "retest", "none", "iris.csv", says="no folder 'none'")
    frame.head(2).to_csv("two.csv", index=False)
    status, _, err = run_cli(capsys, "retest", "iris", "two.csv")
    assert status in (1, 2)
    assert err.count("\n") == 1
    Path("iris/search.joblib").unlink()
    assert_refused(capsys, "retest", "iris", "iris.csv", says="no search file")


# checkup


def test_checkup_prints_the_page_of_the_table_s_pipeline(capsys):
    status, out, err = run_cli(capsys, "checkup", "diabetes.csv", "--target", "target")
    assert (status, err) == (0, "")
    assert "Checkup of MLPRegressor" in out
    for words in ("first loss", "by heart", "learning_rate_init"):
        assert words in out
    assert max(map(len, out.splitlines())) <= 80
    assert "from caviar" not in out  # Python code, where the command line does it
    assert "Next:\n  python -m caviar tune diabetes.csv --target target\n" in out


def test_checkup_refuses_as_tune_does(capsys):
    says = "did you mean 'species'?"
    assert_refused(capsys, "checkup", "iris.csv", "--target", "specie", says=says)
    assert_refused(capsys, "checkup", "--target", "x", says="`--target` needs a table")


# From one end to the other


def test_a_finished_study_knows_the_commands_that_come_next(capsys):
    study = Study.from_json(Path("iris/study.json").read_text(encoding="utf-8"))
    predict = study.usage["predict"].replace("NEW.csv", "iris.csv")
    folder = study.usage["folder"]
    commands = [
        predict.replace("PREDICTIONS.csv", "out.csv"),
        study.usage["report"],
        study.usage["retest"].replace("LABELLED.csv", "iris.csv"),
    ]
    for command in commands:
        words = command.replace(folder, "iris").split()
        assert words[:3] == ["python", "-m", "caviar"]
        assert run_cli(capsys, *words[3:])[0] == 0
    assert len(pandas.read_csv("out.csv")) == 150
