"""Generates the reference from the docstrings, into build/docs: `make docs`."""

from __future__ import annotations

import inspect
import shutil
import warnings
from pathlib import Path

import pdoc
import pdoc.render

import openline
import openline.sync

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "docs"

# What programs import. The rest is explained in the sources and in docs/internals.
PUBLIC = ("openline", "openline.sync", "openline.exceptions", "openline.websocket", "openline.protocol")


def main() -> None:
    """Write the pages, anew."""
    for package in (openline, openline.sync):
        # A name is documented where programs import it from, too, and not only where it is defined.
        names = {name: value for name, value in vars(package).items() if not name.startswith("_")}
        package.__all__ = [name for name, value in names.items() if not inspect.ismodule(value)]
    # Aliases of types that exist for the type checker alone stay the words that they are.
    warnings.filterwarnings("ignore", "Error parsing type annotation", UserWarning)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    pdoc.render.configure(
        docformat="google", footer_text=f"openline {openline.__version__}", show_source=False
    )
    pdoc.pdoc(*PUBLIC, output_directory=OUTPUT)
    print(f"the reference is at {(OUTPUT / 'index.html').as_uri()}")


if __name__ == "__main__":
    main()
