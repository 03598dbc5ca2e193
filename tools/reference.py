"""Generates the reference from the docstrings, into build/docs: `make docs`.

It takes the modules whose names programs may use, and fails on the first one that cannot be imported.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pdoc
import pdoc.render

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "build" / "docs"

# What a program may import; the rest of the package is written down in its sources and READMEs.
PUBLIC = [
    "openline",
    "openline.sync",
    "openline.exceptions",
    "openline.protocol",
    "!openline.sync.",
]


def main() -> None:
    shutil.rmtree(OUTPUT, ignore_errors=True)
    pdoc.render.configure(docformat="google", footer_text="openline", show_source=False)
    pdoc.pdoc(*PUBLIC, output_directory=OUTPUT)
    print(f"the reference is at {(OUTPUT / 'index.html').as_uri()}")


if __name__ == "__main__":
    sys.exit(main())
