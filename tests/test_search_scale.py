"""The benchmarks of many candidates and of what is sent run, on tiny sizes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (ROOT / "benchmarks" / "search").is_dir(),
        reason="the benchmarks are not part of this installation",
    ),
    pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="they read /proc"),
]


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


def test_the_benchmark_of_scale_counts_what_the_search_did(tmp_path):
    command = ["benchmarks.search.scale", "--max-iter", "9", "--n-jobs", "1"]
    table = cells(*command, "--journal", str(tmp_path / "journal"))
    assert table["candidates"] == ["17"]  # 9 + 5 + 3
    assert table["came to its end"] == ["yes"]
    assert table["fits, of a candidate in one round and fold"] == ["44"]


def test_the_benchmark_of_what_is_sent_has_the_same_winner_everywhere():
    pytest.importorskip("distributed")
    table = cells("benchmarks.search.transfers", "--megabytes", "2")
    winners = {row[-1] for name, row in table.items() if name not in ("", "---")}
    assert len(table) == 2 + 4
    assert len(winners) == 1
