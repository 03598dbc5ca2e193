"""``openline demo``: the playground, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from openline.cli.examples import CommandWithExamples

if TYPE_CHECKING:
    from openline.playground import Certificate


@click.command(
    cls=CommandWithExamples,
    examples=[
        ("openline demo", "then open http://localhost:8000 in two windows"),
        ("openline demo --share", "for phones in the same network, too, with a QR code"),
        ("openline demo --data play.db --port 9000", "what is said and written outlives it"),
        ("openline demo --tls", "https and wss, with a certificate made for it"),
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
    "--share",
    is_flag=True,
    help="Listen on all addresses, so that others in this network may come, and print a QR code for phones.",
)
@click.option("--tls", is_flag=True, help="TLS with a self-signed certificate, made once for this machine.")
@click.option(
    "--data",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep what is said and written in this file. [default: it is forgotten at the end]",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help="Another name by which browsers reach it, such as a proxy's; repeatable.",
)
def demo(*, host: str, port: int, share: bool, tls: bool, data: Path | None, names: tuple[str, ...]) -> None:
    """Serve the playground: what WebSockets are for, each page beside its code and the line it runs on."""
    try:
        from openline.playground import CannotListen, run
    except ImportError as error:
        raise click.ClickException(
            f"the playground needs the package {error.name}: pip install 'openline[demo]'"
        ) from None
    from openline.playground.static_files import BUILT

    if not (BUILT / "index.html").exists():
        click.echo(
            "The pages are not built: the server runs without them. `make demo` in a checkout builds them (with npm).",
            err=True,
        )

    def announce(address: str) -> None:
        click.echo(f"The playground is at {address} (open it in two windows)")
        if share:
            _invite(address)
        click.echo("Ctrl-C ends it")

    try:
        certificate = _certificate(host) if tls else None
        run("" if share else host, port, names=names, data=data, certificate=certificate, announce=announce)
    except CannotListen as error:
        raise click.ClickException(str(error)) from None


def _certificate(host: str) -> Certificate:
    import re
    import ssl

    from openline.cli.server.dev_cert import dev_certificate
    from openline.cli.server.options import StartFailed
    from openline.playground import Certificate

    try:
        made = dev_certificate(host)
    except StartFailed as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"self-signed certificate {made.path}", err=True)
    click.echo(f"SHA-256 fingerprint {made.fingerprint} (the browser will ask: compare it)", err=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.path)
    # The file holds the private key, too, which is nobody's business.
    found = re.search(
        rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", made.path.read_bytes(), re.DOTALL
    )
    assert found is not None
    return Certificate(context, found[0])


def _invite(address: str) -> None:
    """Say how others reach the page."""
    from urllib.parse import urlsplit, urlunsplit

    import segno

    from openline.cli.network import own_address

    own = own_address()
    if own is None:
        click.echo("This machine has no address in a network: nobody else can come.", err=True)
        return
    parts = urlsplit(address)
    shared = urlunsplit((parts.scheme, f"{own}:{parts.port}", "/", "", ""))
    segno.make(shared, micro=False).terminal(compact=True)
    click.echo(f"For others in this network: {shared}")
    click.echo(
        "It listens on all addresses of this machine, and not only on localhost: whoever can reach them may come in."
    )
    if parts.scheme == "http":
        click.echo("What passes can be read on the way; --tls prevents that.")
