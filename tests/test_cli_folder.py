"""The folder of ``tune``: what is kept there, and how an unfinished search goes on."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris

from caviar import _cli_tune, _cli_winner
from caviar.__main__ import main
from caviar._cli_folder import FILES, Folder
from caviar._study import Study
from caviar.model_selection import read_journal
from command_line import (
    SMALL,
    assert_refused,
    kill_group,
    no_checkup,
    run_cli,
    start,
    wait_for,
)

pandas = pytest.importorskip("pandas")
JOURNAL = "tune-search.journal"


def write_iris(folder):
    frame = load_iris(as_frame=True).frame
    names = np.array(["setosa", "versicolor", "virginica"])
    frame["species"] = names[frame.pop("target")]
    frame.to_csv(folder / "iris.csv", index=False)


@pytest.fixture(autouse=True)
def work_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_iris(tmp_path)


@pytest.fixture(autouse=True)
def be_quick(monkeypatch):
    monkeypatch.setattr("caviar._cli_run.check_up", no_checkup)


TUNE = ["tune", "iris.csv", "--target", "species"]


def read_study(folder="caviar-iris"):
    return Study.from_json(Path(folder, "study.json").read_text(encoding="utf-8"))


def figures(folder):
    """All of the results that does not depend on time."""
    with open(os.path.join(folder, "cv_results.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if not k.endswith("_time")} for row in rows]


# What is written


def test_all_files_are_written_into_a_folder_named_after_the_table(capsys, tmp_path):
    status, out, err = run_cli(capsys, *TUNE, *SMALL)
    assert (status, err) == (0, "")
    assert "Folder  caviar-iris\n" in out
    assert "Written to caviar-iris:\n" in out
    assert set(os.listdir("caviar-iris")) == set(FILES)
    for name in FILES:
        assert f"\n  {name}" in out
    assert "python -m caviar predict caviar-iris NEW.csv" in out
    search = joblib.load("caviar-iris/search.joblib")
    assert search.journal is None
    assert os.path.getsize("caviar-iris/search.joblib") < 200_000
    page = Path("caviar-iris/report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "iris.csv" in page


def test_the_study_has_it_all(capsys, monkeypatch):
    monkeypatch.setattr("caviar._cli_run.check_up", _cli_winner.check_up)
    _, out, _ = run_cli(capsys, *TUNE, *SMALL, "--seed", "3")
    study = read_study()
    assert study.command == (
        "python -m caviar tune iris.csv --target species --n-iter 2 --cv 2 --epochs 10 "
        "--n-jobs 1 --seed 3"
    )
    assert study.data["n_rows"] == 150
    assert study.target["classes"] == ["setosa", "versicolor", "virginica"]
    assert study.search["completed"] is True
    assert study.search["seed"] == 3
    assert study.search["ranges"]["mlp__learning_rate_init"] == [1e-4, 1e-1]
    assert study.search["scales"]["mlp__learning_rate_init"] == "log"
    assert study.search["n_fits"] == 4
    assert [r["n_candidates"] for r in study.search["rounds"]] == [1, 1]
    assert len(study.results["params"]) == 2
    confusion = np.array(study.score["confusion"]["counts"])
    assert confusion.sum() == study.score["n_rows"] == 38
    assert confusion.trace() / 38 == study.score["value"]
    assert study.winner["n_epochs"] == len(study.winner["history"]["loss"]) == 10
    model = joblib.load("caviar-iris/model.joblib")
    network = model.named_steps["mlp"]
    assert study.winner["n_parameters"] == sum(
        part.size for part in [*network.coefs_, *network.intercepts_]
    )
    assert study.diagnosis["title"] in out
    assert {finding["step"] for finding in study.checkup["findings"]} >= {
        "first loss",
        "small sample",
        "learning rate",
    }
    assert {entry["column"] for entry in study.importances} == set(
        pandas.read_csv("iris.csv").columns[:-1]
    )
    assert study.versions["numpy"] == np.__version__
    assert "resume" not in study.usage


def test_the_code_of_the_study_rebuilds_the_winner(capsys):
    run_cli(capsys, *TUNE, *SMALL, "--search", "halving")
    study = read_study()
    names = {}
    exec(study.code, names)
    model = joblib.load("caviar-iris/model.joblib")
    np.testing.assert_array_equal(
        names["model"].predict_proba(names["X"]), model.predict_proba(names["X"])
    )


def test_a_folder_is_named_without_the_suffixes_of_the_table():
    names = ["a/house.csv", "house.csv.gz", "house.v2.parquet", "house"]
    folders = [str(_cli_tune.default_folder(name)) for name in names]
    assert folders == [
        *("caviar-house", "caviar-house", "caviar-house.v2", "caviar-house")
    ]


# Going on


LONG = [*TUNE, "--n-iter", "9", "--cv", "4", "--epochs", "40", "--n-jobs", "2"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The figures of a search that nothing has interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    write_iris(folder)
    command = [str(folder / part) if part == "iris.csv" else part for part in LONG[:-1]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("caviar._cli_run.check_up", no_checkup)
        assert main([*command, "1", "--out", str(folder / "whole")]) == 0
    return figures(folder / "whole")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
)
def test_the_same_command_goes_on_after_ctrl_c_and_kill(number, status, whole, capsys):
    capsys.readouterr()
    process = start(*LONG)
    try:
        path = os.path.join("caviar-iris", JOURNAL)

        def has_some():
            return os.path.exists(path) and read_journal(path).n_fits >= 3

        wait_for(has_some, process)
        process.send_signal(number)
        assert process.wait(60) == status
    finally:
        kill_group(process)
    if number != signal.SIGKILL:
        err = process.stderr.read()
        assert err.count("\n") == 1
        assert "the same command goes on from there" in err
    n_kept = read_journal(path).n_fits
    _, out, _ = run_cli(capsys, "report", "caviar-iris")
    assert f"not finished; fits done: {n_kept}" in out
    assert f"  python -m caviar {' '.join(LONG)}" in out
    status, out, err = run_cli(capsys, *LONG[:-1], "1")
    assert (status, err) == (0, "")
    assert "going on with the search that was cut short there" in out
    assert figures("caviar-iris") == whole
    assert set(os.listdir("caviar-iris")) == set(FILES)


def interrupt_after(monkeypatch, stage):
    """Have Ctrl-C come when a search begins."""
    begin = _cli_tune.Progress.begin

    def begin_or_stop(self, name):
        if name == stage:
            raise KeyboardInterrupt
        begin(self, name)

    monkeypatch.setattr(_cli_tune.Progress, "begin", begin_or_stop)


def test_a_nested_search_goes_on_with_the_outer_folds_that_are_done(
    capsys, monkeypatch
):
    command = [*TUNE, *SMALL, "--nested"]
    with monkeypatch.context() as patch:
        interrupt_after(patch, "fold-2")
        status, _, err = run_cli(capsys, *command)
    assert status == 130
    assert "8 finished fits are kept" in err
    sizes = {
        name: os.path.getsize(f"caviar-iris/{name}")
        for name in (JOURNAL, "tune-fold-1.journal")
    }
    with monkeypatch.context() as patch:
        interrupt_after(patch, "fold-2")
        run_cli(capsys, *command)
    # Nothing has been fitted again, nor written down.
    for name, size in sizes.items():
        assert os.path.getsize(f"caviar-iris/{name}") == size
    status, out, _ = run_cli(capsys, *command)
    assert status == 0
    assert "Nested cross-validation" in out
    assert run_cli(capsys, *command, "--out", "whole")[0] == 0
    scores = [read_study(folder).score for folder in ("caviar-iris", "whole")]
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--seed", "1"], "with --seed 0, not with --seed 1"),
        (["--nested"], "without --nested, not with --nested"),
        (
            ["--search", "random"],
            "with --search coarse-to-fine, not with --search random",
        ),
        (["--task", "classification"], "without --task, not with --task"),
    ],
)
def test_another_command_is_refused_while_a_search_is_unfinished(
    options, says, capsys, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(_cli_tune, "report_lines", interrupted)
        assert run_cli(capsys, *TUNE, *SMALL)[0] == 130
    assert_refused(capsys, *TUNE, *SMALL, *options, says=says)
    status, out, _ = run_cli(capsys, *TUNE, *SMALL, *options, "--restart")
    assert status == 0
    assert "going on" not in out


def interrupted(*arguments):
    raise KeyboardInterrupt


def test_what_does_not_change_the_result_may_change_when_a_search_goes_on(
    capsys, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(_cli_tune, "report_lines", interrupted)
        run_cli(capsys, *TUNE, *SMALL)
    options = ["--n-jobs", "2", "--time-budget", "600"]
    status, out, _ = run_cli(capsys, *TUNE, *SMALL[:-2], *options)
    assert status == 0
    assert "going on with the search that was cut short there" in out


def test_an_unfinished_search_of_another_table_is_refused(capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_cli_tune, "report_lines", interrupted)
        run_cli(capsys, *TUNE, *SMALL)
    frame = pandas.read_csv("iris.csv")
    frame.iloc[:, 0] += 1
    frame.to_csv("iris.csv", index=False)
    status, _, err = run_cli(capsys, *TUNE, *SMALL)
    assert status == 2
    assert (
        "of other data or another program (`X` was (112, 4)" in err or "`X` was" in err
    )
    assert err.endswith("; --restart throws it away.\n")
    assert err.count("\n") == 1


def test_a_finished_folder_keeps_its_results_until_the_next_are_there(
    capsys, monkeypatch
):
    run_cli(capsys, *TUNE, *SMALL)
    before = figures("caviar-iris")
    with monkeypatch.context() as patch:
        patch.setattr(_cli_tune, "report_lines", interrupted)
        run_cli(capsys, *TUNE, *SMALL, "--seed", "1")
    assert figures("caviar-iris") == before
    assert run_cli(capsys, *TUNE, *SMALL, "--seed", "1")[0] == 0
    assert figures("caviar-iris") != before


def test_files_of_others_in_the_folder_stay(capsys, tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("notes.txt", "search.journal"):
        (tmp_path / "mine" / name).write_text("mine")
    assert run_cli(capsys, *TUNE, *SMALL, "--out", "mine", "--restart")[0] == 0
    for name in ("notes.txt", "search.journal"):
        assert (tmp_path / "mine" / name).read_text() == "mine"


def test_two_at_a_time_in_one_folder_are_refused(capsys):
    with Folder("caviar-iris"):
        assert_refused(
            *(capsys, *TUNE, *SMALL),
            says="Another `tune` is at work in 'caviar-iris'",
            status=1,
        )


def test_a_time_budget_ends_the_search_with_what_it_has(capsys):
    options = ["--time-budget", "3", "--n-iter", "4000", "--cv", "2"]
    status, out, _ = run_cli(
        capsys, *TUNE, *options, "--n-jobs", "1", "--search", "random", "--epochs", "2"
    )
    assert status == 0
    assert ", 3 s at most" in out
    assert "Note    The time was over before all candidates had been tried." in out
    study = read_study()
    assert study.search["stopped"] == "time budget"
    assert 0 < len(study.results["params"]) < 4000


def test_too_little_time_is_said_and_what_was_done_is_kept(capsys):
    status, _, err = run_cli(capsys, *TUNE, *SMALL, "--time-budget", "1e-9")
    assert status == 1
    assert err.startswith(
        "caviar: error: `--time-budget` was over before one candidate"
    )
    assert err.count("\n") == 1


# Trouble


def test_a_folder_that_cannot_be_written_is_refused_before_the_search(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert_refused(
        capsys, *TUNE, "--out", "file", says="Cannot write to 'file': File exists."
    )
    assert_refused(
        capsys, *TUNE, "--out", "/proc/none", says="Cannot write to '/proc/none': "
    )


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
def test_a_full_disk_costs_neither_the_ranking_nor_a_traceback(tmp_path):
    import resource

    def limit_files_to_12000_bytes():
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY))

    process = start(*TUNE, *SMALL, preexec_fn=limit_files_to_12000_bytes)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        kill_group(process)
    assert process.returncode == 1
    assert "Ranking by mean accuracy" in out
    assert err.splitlines()[-1] == (
        f"caviar: error: Cannot write '{os.path.join('caviar-iris', 'model.joblib')}': "
        "File too large."
    )
    assert "Traceback" not in err
    assert not (tmp_path / "caviar-iris" / "model.joblib").exists()
    # Nothing is left in the way, and the fits are kept.
    assert (tmp_path / "caviar-iris" / JOURNAL).exists()
    assert not [n for n in os.listdir("caviar-iris") if n.endswith(".part")]


def test_a_reader_who_leaves_early_costs_nothing(tmp_path):
    process = start(*TUNE, *SMALL)
    try:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(120) == 0
    finally:
        kill_group(process)
    assert err == ""
    assert set(os.listdir("caviar-iris")) == set(FILES)


def test_a_reader_who_has_left_before_the_plan_costs_nothing_either():
    closed = "import os\nread, write = os.pipe()\nos.dup2(write, 1)\nos.close(read)\n"
    code = closed + "import sys\nfrom caviar.__main__ import main\nsys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *TUNE, *SMALL], stderr=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(os.listdir("caviar-iris")) == set(FILES)


def test_a_damaged_journal_is_one_line(capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_cli_tune, "report_lines", interrupted)
        run_cli(capsys, *TUNE, *SMALL)
    path = os.path.join("caviar-iris", JOURNAL)
    lines = Path(path).read_bytes().split(b"\n")
    lines[1] = b"{}"
    Path(path).write_bytes(b"\n".join(lines))
    status, _, err = run_cli(capsys, *TUNE, *SMALL)
    assert status == 1
    assert err.count("\n") == 1
    assert "cannot be read in line 2" in err
    assert err.endswith(". With --restart it begins anew.\n")
    assert_refused(capsys, "report", "caviar-iris", says="cannot be read in line 2")


def test_a_search_in_which_every_candidate_fails_leaves_nothing_to_go_on_with(
    capsys, monkeypatch, tmp_path
):
    def fit(self, X, y):
        raise ValueError("no")

    monkeypatch.setattr("caviar.MLPClassifier.fit", fit)
    status, _, err = run_cli(capsys, *TUNE, *SMALL)
    assert (status, err) == (1, "caviar: error: The search failed: ValueError: no.\n")
    assert os.listdir("caviar-iris") == []
