"""Puts tables where the documents have a block of that name.

A block is what stands between ``<!-- NAME -->`` and ``<!-- end of NAME -->``; whatever
was there before is replaced.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("performance.md", "methods.md", "search.md")),
]
CHARTS = ROOT / "docs" / "performance"


def write(blocks, context):
    """Renew each block wherever it is; one that is nowhere is an error."""
    texts = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
    line = f"{context['processor']}, {', '.join(context['versions'])}"
    for name, table in blocks.items():
        found = False
        for path, text in texts.items():
            texts[path], n_found = re.subn(
                rf"(<!-- {name} -->\n).*?(\n<!-- end of {name} -->)",
                lambda match, table=table: f"{match[1]}{table}\n\n{line}.{match[2]}",
                text,
                flags=re.DOTALL,
            )
            found = found or n_found
        if not found:
            raise LookupError(f"no document has a block named {name!r}")
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
