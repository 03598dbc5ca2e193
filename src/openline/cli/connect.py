"""``openline connect``: the client for a terminal or a pipe."""

import sys

import click

from openline.cli.examples import CommandWithExamples
from openline.cli.target import Target, target_options

_URL = "ws://localhost:8765"


@click.command(
    cls=CommandWithExamples,
    examples=[
        (f"openline connect {_URL}", "talk; /help lists the commands, Ctrl-D ends"),
        (f"echo hi | openline connect {_URL}", "send a line, print what comes back within a second"),
        (f"echo hi | openline connect --once {_URL}", "the same, and end with the first answer"),
        (f'openline connect -x \'{{"op": "list"}}\' --json -1 {_URL} | jq .', "ask once, in JSON"),
        (f"openline connect --wait inf {_URL} < /dev/null > log", "only listen, until the server closes"),
        ("openline connect -k -H 'Authorization: Bearer …' wss://localhost:8443/feed", "TLS, with a token"),
    ],
)
@target_options
@click.option(
    "-x",
    "--execute",
    "messages",
    multiple=True,
    metavar="MESSAGE",
    help="Send this message; repeatable. Nothing is read from the standard input then.",
)
@click.option("-b", "--binary", is_flag=True, help="Send binary messages instead of text.")
@click.option(
    "-n",
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    help="End after N messages have come; fail when the connection ends before.",
)
@click.option("-1", "--once", is_flag=True, help="The same as --count 1.")
@click.option(
    "-w",
    "--wait",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="At the end of the input, close once nothing has come for so long; 'inf': let the server close.  "
    "[default: 1; with --count: inf]",
)
@click.option(
    "--ping",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Ping every so many seconds and show how long the answer took.",
)
@click.option(
    "--ping-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=20,
    show_default=True,
    metavar="SECONDS",
    help="Give up when the peer is silent for so long after a ping; 'inf': never.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Send only what is JSON, and pretty-print what comes in a pipe too.",
)
@click.option("--raw", is_flag=True, help="Write messages byte for byte: no colours, no hex, no escapes.")
@click.option(
    "--max-size",
    type=click.IntRange(min=0),
    default=2**24,
    show_default=True,
    metavar="BYTES",
    help="Longest message accepted, and longest line sent; 0: no limit.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show messages and errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Show both headers of the handshake.")
def connect(
    target: Target,
    *,
    messages: tuple[str, ...],
    binary: bool,
    count: int | None,
    once: bool,
    wait: float | None,
    ping: float | None,
    ping_timeout: float,
    as_json: bool,
    raw: bool,
    max_size: int,
    quiet: bool,
    verbose: bool,
) -> None:
    """Open a WebSocket at URL and talk over it.

    In a terminal, type messages and read what comes: JSON is indented and coloured, binary messages are shown
    as hex. In a pipe, each line of the standard input is sent as a message, and each message that comes is
    written as a line (binary ones as hex).

    Messages go to the standard output, everything else to the standard error. The exit code is 0 after a
    normal end (close codes 1000 and 1001, or ours), 1 when the connection failed or broke, 2 for wrong usage, and
    130 after Ctrl-C in a pipe.
    """
    if once and count is not None:
        raise click.UsageError("--once and --count exclude each other")
    if raw and as_json:
        raise click.UsageError("--raw and --json exclude each other")

    from openline.cli.client.conversation import Conduct, run
    from openline.cli.client.display import Display, Style

    if once:
        count = 1
    if wait is None:
        wait = float("inf") if count is not None else 1
    conduct = Conduct(
        messages=messages,
        binary=binary,
        count=count,
        wait=wait,
        ping=ping,
        ping_timeout=None if ping_timeout == float("inf") else ping_timeout,
        check_json=as_json,
        max_size=max_size or None,
    )
    style = Style.RAW if raw else Style.JSON if as_json else Style.AUTO
    sys.exit(run(target, conduct, Display(style, quiet=quiet, verbose=verbose)))
