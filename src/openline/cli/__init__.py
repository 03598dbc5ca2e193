"""The ``openline`` command. `main` is its entry point; each command has a file of its own beside this one."""

from openline.cli.root import main as main

__all__ = ["main"]
