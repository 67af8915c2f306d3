"""``python -m benchmarks.search`` or ``python benchmarks/search``."""

import sys
from pathlib import Path

if not __package__:  # started as a folder: let the package be found by its name
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from benchmarks.search.cli import main

if __name__ == "__main__":
    sys.exit(main())
