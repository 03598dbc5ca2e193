"""A measurement from the command line: descriptors, progress bar, report, exit code."""

from __future__ import annotations

import asyncio
import json

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from openline.cli.client.display import printable
from openline.cli.client.failures import CONNECT_ERRORS, explain
from openline.cli.load.report import as_json as result_as_json
from openline.cli.load.report import show
from openline.cli.load.run import Load, Plan, Result
from openline.cli.signals import on_signals
from openline.cli.target import Target

# Descriptors of a process besides its connections: the standard ones, the event loop's, libraries being imported.
_OTHER_DESCRIPTORS = 32


def run(target: Target, plan: Plan, *, as_json: bool) -> int:
    """Measure, and write the result to the standard output.

    Returns:
        The exit code: 0, or 1 when anything went wrong.

    Raises:
        ClickException: no connection can be had, or not so many.
    """
    _allow_descriptors(plan.connections + _OTHER_DESCRIPTORS)
    try:
        result = asyncio.run(_measure(target, plan))
    except CONNECT_ERRORS as error:
        raise click.ClickException(printable(explain(error, target))) from None
    if as_json:
        click.echo(json.dumps(result_as_json(plan, result), indent=2))
    else:
        show(Console(highlight=False), plan, result)
    return 1 if result.errors or result.unanswered or result.skipped else 0


async def _measure(target: Target, plan: Plan) -> Result:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
    # Drawn by hand: a thread of its own would take the processor from what is measured.
    with Progress(
        *columns, console=console, transient=True, auto_refresh=False, disable=not console.is_terminal
    ) as bar:
        shown = bar.add_task("connecting", note="")

        def progress(phase: str, done: float, total: float) -> None:
            note = f"{load.result.answered} answers" if load.asking else f"{done:.0f} of {total:.0f}"
            bar.update(shown, description=phase, completed=done, total=total, note=note, refresh=True)

        load = Load(target, plan, progress)
        on_signals(load.stop)
        return await load.run()


def _allow_descriptors(wanted: int) -> None:
    try:
        import resource
    except ImportError:  # Windows, which has no such limit for sockets
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise click.ClickException(f"{wanted} descriptors are needed, and {hard} allowed (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
