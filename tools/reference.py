"""Generates the reference from the docstrings, into build/docs: `make docs`."""

from __future__ import annotations

import inspect
import shutil
import warnings
from pathlib import Path

import pdoc
import pdoc.render

import openline
import openline.hub
import openline.sync

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "docs"

# What programs import. The rest is explained in the sources and in docs/internals.
PUBLIC = (
    "openline",
    "openline.hub",
    "openline.sync",
    "openline.exceptions",
    "openline.websocket",
    "openline.protocol",
    "openline.integrations.asgi",
    "openline.testing",
)

# Public classes whose methods come in part from classes that are nobody's business.
GATHERED = (openline.hub.Hub, openline.hub.Namespace)


def gather(cls: type) -> None:
    """Have a class's inherited public methods documented as its own."""
    for base in cls.__mro__[1:-1]:
        for name, value in vars(base).items():
            if not name.startswith("_") and name not in vars(cls):
                setattr(cls, name, value)


def main() -> None:
    """Write the pages, anew."""
    for package in (openline, openline.sync):
        # A name is documented where programs import it from, too, and not only where it is defined.
        names = {name: value for name, value in vars(package).items() if not name.startswith("_")}
        package.__all__ = [name for name, value in names.items() if not inspect.ismodule(value)]
    for cls in GATHERED:
        gather(cls)
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
