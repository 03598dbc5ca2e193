"""``openline`` itself: the group of commands, ``--version`` and ``--help``.

The command modules import nothing but click at their top, and what they run inside of the command's function.
So ``openline --help`` and the shell's completion answer at once.
"""

import platform

import click

from openline.cli.bench import bench
from openline.cli.completion import completion
from openline.cli.connect import connect
from openline.cli.demo import demo
from openline.cli.examples import GroupWithExamples
from openline.cli.hub import hub
from openline.cli.serve import serve


def _engine_name() -> str:
    import asyncio

    from openline import engine

    async def name() -> str:
        return engine.of(asyncio.get_running_loop()).name

    return asyncio.run(name())


def _print_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    from openline import __version__

    python = f"{platform.python_implementation()} {platform.python_version()}"
    click.echo(f"openline {__version__} ({_engine_name()} engine, {python})")
    context.exit()


@click.group(
    cls=GroupWithExamples,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=[
        ("openline demo", "the playground, in a browser"),
        ("openline serve --echo", "a server that answers what it hears"),
        ("openline connect ws://localhost:8765", "talk with it"),
        ("openline hub --config hub.toml", "channels, presence and history for the Centrifuge SDKs"),
        ("openline bench ws://localhost:8765", "measure it"),
    ],
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and the engine in use, and exit.",
)
def main() -> None:
    """WebSocket from the command line: a client, a server, a hub, a load generator and a playground."""


for _command in (connect, serve, hub, bench, demo, completion):
    main.add_command(_command)
