"""Draws docs/gallery/*.png: what each examples/plot_*.py saves, with fewer colours.

The program ``python docs/plot_gallery.py``, or ``make gallery``, with matplotlib; the same
files each time. Names of examples, such as ``plot_search``, draw these only.
"""

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
N_COLORS = 256


def draw(example):
    """Run an example, and keep its picture."""
    path = ROOT / "docs" / "gallery" / f"{example.stem.removeprefix('plot_')}.png"
    # matplotlib's own settings, whatever those of the user are.
    environment = {**os.environ, "MPLBACKEND": "Agg", "MATPLOTLIBRC": os.devnull}
    subprocess.run(
        [sys.executable, "-W", "ignore", example, path], check=True, env=environment
    )
    picture = Image.open(path).convert("RGB")
    picture.quantize(N_COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


def main():
    wanted = set(sys.argv[1:])
    for example in sorted((ROOT / "examples").glob("plot_*.py")):
        if not wanted or example.stem in wanted:
            draw(example)


if __name__ == "__main__":
    main()
