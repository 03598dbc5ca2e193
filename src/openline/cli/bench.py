"""``openline bench``: load on an echo server, and how long it takes to answer."""

import sys

import click

from openline.cli.examples import CommandWithExamples
from openline.cli.target import Target, target_options

_URL = "ws://localhost:8765"

# What may be queued on one connection before the server has answered anything, in bytes.
_MOST_ON_THE_WAY = 8 * 2**20


@click.command(
    cls=CommandWithExamples,
    examples=[
        (f"openline bench {_URL}", "ten connections, ten seconds, one message on the way each"),
        (f"openline bench -c 100 --in-flight 16 {_URL}", "as many messages as the server can answer"),
        (f"openline bench -c 100 --rate 5000 {_URL}", "latency at 5,000 messages a second in all"),
        (
            f"openline bench --size 16384 --binary --json {_URL} > result.json",
            "large messages, for a program",
        ),
    ],
)
@target_options
@click.option(
    "-c",
    "--connections",
    type=click.IntRange(1, 50_000),
    default=10,
    show_default=True,
    metavar="N",
    help="At once.",
)
@click.option(
    "-d",
    "--duration",
    type=click.FloatRange(0, 3600, min_open=True),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="Time to measure, at most an hour; Ctrl-C ends it early.",
)
@click.option(
    "-r",
    "--rate",
    type=click.FloatRange(0, 1_000_000, min_open=True),
    metavar="N",
    help="Messages a second over all connections.  [default: the next with each answer]",
)
@click.option(
    "--in-flight",
    type=click.IntRange(1, 10_000),
    default=1,
    show_default=True,
    metavar="N",
    help="Messages on the way on each connection, without --rate.",
)
@click.option(
    "--size",
    type=click.IntRange(0, 2**20),
    default=64,
    show_default=True,
    metavar="BYTES",
    help="Of a message.",
)
@click.option("-b", "--binary", is_flag=True, help="Send binary messages instead of text.")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON, durations in seconds.")
def bench(
    target: Target,
    *,
    connections: int,
    duration: float,
    rate: float | None,
    in_flight: int,
    size: int,
    binary: bool,
    as_json: bool,
) -> None:
    """Measure the echo server at URL (such as `openline serve`).

    Every answer must be the message that was sent. Latencies are counted from a message's time to the answer; with
    --rate from when it was due, so that a stalled server shows. One process makes the load; it says when itself
    it was the limit. The exit code is 1 when anything went wrong.
    """
    if rate is not None and in_flight != 1:
        raise click.UsageError("--rate and --in-flight exclude each other")
    if in_flight * size > _MOST_ON_THE_WAY:
        raise click.UsageError(f"--in-flight times --size may be {_MOST_ON_THE_WAY} bytes at most")

    from openline.cli.load.command import run
    from openline.cli.load.run import Plan

    payload = b"x" * size if binary else "x" * size
    sys.exit(run(target, Plan(connections, duration, rate, in_flight, payload), as_json=as_json))
