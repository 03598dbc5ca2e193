"""Help texts that end with examples: a command and a few words on what it does."""

from collections.abc import Sequence
from typing import Any

import click

Example = tuple[str, str]


class _WithExamples(click.Command):
    """Writes an ``Examples`` section at the end of ``--help``.

    Args:
        examples: Pairs of a command line and what it is for.
    """

    def __init__(self, *args: Any, examples: Sequence[Example] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        if not self.examples:
            return
        with formatter.section("Examples"):
            # Never wrapped: a command line that is broken in two cannot be copied.
            for command, purpose in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}# {purpose}\n")
                formatter.write(f"{'':>{formatter.current_indent}}{command}\n")


class CommandWithExamples(_WithExamples):
    """A command whose help ends with examples."""


class GroupWithExamples(_WithExamples, click.Group):
    """A group of commands whose help ends with examples."""
