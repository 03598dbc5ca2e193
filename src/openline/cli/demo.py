"""``openline demo``: the playground, in a browser."""

import click

from openline.cli.examples import CommandWithExamples


@click.command(
    cls=CommandWithExamples,
    examples=[
        ("openline demo", "then open http://localhost:8000 in two windows"),
        ("openline demo --host 0.0.0.0 --port 9000", "for the other machines of this network, too"),
    ],
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 or :: for all."
)
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port; 0: a free one.",
)
def demo(*, host: str, port: int) -> None:
    """Serve the playground: a chat room beside the line it runs on, frame by frame."""
    from openline.playground import run

    run(host=host, port=port)
