"""What a search sends to workers; and its benchmarks run, on tiny sizes."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import KFold, LeaveOneOut

from caviar._trials import SearchData

ROOT = Path(__file__).resolve().parents[1]
BENCHMARK = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (ROOT / "benchmarks" / "search").is_dir(),
        reason="the benchmarks are not part of this installation",
    ),
    pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="they read /proc"),
]


def data_of(splits):
    X = np.zeros((20, 3))
    return SearchData(X, X[:, 0], splits, None, {}, {})


@pytest.mark.parametrize("cv", [KFold(5, shuffle=True, random_state=0), LeaveOneOut()])
def test_all_splits_are_sent_as_one_array(cv):
    splits = list(cv.split(np.zeros(20)))
    data, buffers = data_of(splits), []
    sent = pickle.dumps(data, protocol=5, buffer_callback=buffers.append)
    assert len(buffers) <= 4  # X, y, row numbers, where a part begins
    there = pickle.loads(sent, buffers=buffers)
    for (train, test), *others in zip(splits, data.splits, there.splits, strict=True):
        for one, other in others:
            np.testing.assert_array_equal(train, one)
            np.testing.assert_array_equal(test, other)


def test_splits_that_are_no_row_numbers_are_sent_as_they_are():
    mask = np.arange(20) < 15
    splits = [(mask, ~mask), ([1, 2], np.array([3]))]
    there = pickle.loads(pickle.dumps(data_of(splits)))
    np.testing.assert_array_equal(there.splits[0][0], mask)
    assert there.splits[1][0] == [1, 2]


def benchmark(test):
    """Mark a test of a benchmark."""
    for mark in BENCHMARK:
        test = mark(test)
    return test


def cells(*command):
    """Run a benchmark; return the cells of its table by the first of each row."""
    printed = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in printed.split("\n")
    ]
    return {row[0]: row[1:] for row in rows if row}


@benchmark
def test_the_benchmark_of_scale_counts_what_the_search_did(tmp_path):
    command = ["benchmarks.search.scale", "--max-iter", "9", "--n-jobs", "1"]
    table = cells(*command, "--journal", str(tmp_path / "journal"))
    assert table["candidates"] == ["17"]  # 9 + 5 + 3
    assert table["came to its end"] == ["yes"]
    assert table["fits, of a candidate in one round and fold"] == ["44"]


@benchmark
def test_the_benchmark_of_what_is_sent_has_the_same_winner_everywhere():
    pytest.importorskip("distributed")
    table = cells("benchmarks.search.transfers", "--megabytes", "2")
    winners = {row[-1] for name, row in table.items() if name not in ("", "---")}
    assert len(table) == 2 + 4
    assert len(winners) == 1
