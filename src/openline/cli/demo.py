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
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help="Another name by which browsers reach it, such as a proxy's; repeatable.",
)
def demo(*, host: str, port: int, names: tuple[str, ...]) -> None:
    """Serve the playground: a chat room beside the line it runs on, frame by frame."""
    from openline.playground import CannotListen, run
    from openline.playground.static_files import BUILT

    if not (BUILT / "index.html").exists():
        click.echo(
            "The pages are not built: the server runs without them. `make demo` in a checkout builds them (with npm).",
            err=True,
        )

    def announce(address: str) -> None:
        click.echo(f"The playground is at {address} (open it in two windows)")
        click.echo("Ctrl-C ends it")

    try:
        run(host, port, names=names, announce=announce)
    except CannotListen as error:
        raise click.ClickException(str(error)) from None
