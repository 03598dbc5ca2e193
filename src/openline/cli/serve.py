"""``openline serve``: a WebSocket server in one line."""

import re
import socket
import sys

import click

from openline.cli.examples import CommandWithExamples

_FILE = click.Path(exists=True, dir_okay=False)


@click.command(
    cls=CommandWithExamples,
    examples=[
        ("openline serve", "answer each message with itself"),
        ("openline serve --broadcast --static public", "a chat, with the page that shows it"),
        ("openline serve --exec 'grep --line-buffered error'", "filter the lines of each connection"),
        ("openline serve --dev-cert --host 0.0.0.0 --port 8443", "TLS, with a certificate made for it"),
        ("openline serve --workers 4 --access-log", "four processes on one port"),
        ("openline serve --origin https://example.org", "let the pages of one site in, and programs"),
    ],
)
@click.option("--echo", is_flag=True, help="Send each message back. This is the default.")
@click.option("--broadcast", is_flag=True, help="Send each message to all the other connections.")
@click.option(
    "--exec",
    "command",
    metavar="CMD",
    help="Run CMD for each connection: messages are its input lines, its output lines are messages.",
)
@click.option(
    "--max-programs",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    metavar="N",
    help="Programs of --exec at a time, in each worker; more connections get 503.",
)
@click.option(
    "--static",
    "directory",
    type=click.Path(exists=True, file_okay=False),
    help="Serve the files of this directory to browsers.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 or :: for all."
)
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Port; 0: a free one.",
)
@click.option("--unix", type=click.Path(), metavar="PATH", help="Listen on this Unix socket instead.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Pages that may connect, such as https://example.org; repeatable; 'any' for all. "
    "[default: pages of this server]",
)
@click.option(
    "-s", "--subprotocol", "subprotocols", multiple=True, metavar="NAME", help="Supported; repeatable."
)
@click.option("--certfile", type=_FILE, help="TLS certificate with its chain, PEM.")
@click.option("--keyfile", type=_FILE, help="Its key, where --certfile lacks it.")
@click.option(
    "--dev-cert", is_flag=True, help="TLS with a self-signed certificate, made once for this machine."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes that share the port; the kernel spreads the connections.",
)
@click.option(
    "--max-size",
    type=click.IntRange(min=0),
    default=2**20,
    show_default=True,
    metavar="BYTES",
    help="Longest message accepted; 0: no limit.",
)
@click.option(
    "--ping-interval",
    type=click.FloatRange(min=0),
    default=20,
    show_default=True,
    metavar="SECONDS",
    help="Time between keepalive pings; 0: none.",
)
@click.option(
    "--compress/--no-compress", default=True, help="Accept permessage-deflate.  [default: compress]"
)
@click.option(
    "--access-log", is_flag=True, help="Write a line for each request and for each connection's end."
)
@click.option("-q", "--quiet", is_flag=True, help="Write errors only.")
def serve(
    *,
    echo: bool,
    broadcast: bool,
    command: str | None,
    max_programs: int,
    directory: str | None,
    host: str,
    port: int,
    unix: str | None,
    origins: tuple[str, ...],
    subprotocols: tuple[str, ...],
    certfile: str | None,
    keyfile: str | None,
    dev_cert: bool,
    workers: int,
    max_size: int,
    ping_interval: float,
    compress: bool,
    access_log: bool,
    quiet: bool,
) -> None:
    """Serve WebSockets (and files) from this machine.

    Browsers may connect from pages of this server only, unless --origin names others; programs that send no Origin
    always may. Ctrl-C and SIGTERM close the connections with 1001 and end the server; a second one ends it at once.
    """
    if echo + broadcast + (command is not None) > 1:
        raise click.UsageError("--echo, --broadcast and --exec exclude each other")
    if keyfile is not None and certfile is None:
        raise click.UsageError("--keyfile needs --certfile")
    if dev_cert and certfile is not None:
        raise click.UsageError("--dev-cert and --certfile exclude each other")
    if workers > 1 and broadcast:
        raise click.UsageError("--broadcast reaches the connections of one process: it excludes --workers")
    if workers > 1 and unix is not None:
        raise click.UsageError("--workers share a TCP port, not a Unix socket")
    if workers > 1 and not hasattr(socket, "SO_REUSEPORT"):
        raise click.UsageError("--workers needs SO_REUSEPORT, which this platform lacks")

    from openline.cli.server.options import Mode, ServeOptions, StartFailed, parse_command
    from openline.cli.server.run import run_alone, work_of
    from openline.cli.server.supervisor import Supervisor

    try:
        if dev_cert:
            from openline.cli.server.dev_cert import dev_certificate

            certificate = dev_certificate(host)
            certfile = keyfile = str(certificate.path)
            if not quiet:
                click.echo(f"self-signed certificate {certificate.path}", err=True)
                click.echo(f"SHA-256 fingerprint {certificate.fingerprint}", err=True)
        options = ServeOptions(
            mode=Mode.EXEC if command is not None else Mode.BROADCAST if broadcast else Mode.ECHO,
            command=parse_command(command),
            max_programs=max_programs,
            directory=directory,
            host=host,
            port=port,
            unix=unix,
            origins=origins,
            subprotocols=subprotocols,
            certfile=certfile,
            keyfile=keyfile,
            max_size=max_size or None,
            ping_interval=ping_interval or None,
            compress=compress,
            access_log=access_log,
            quiet=quiet,
        )
        if workers > 1:
            sys.exit(Supervisor(work_of(options, workers), workers).run())
        sys.exit(run_alone(options))
    except StartFailed as error:
        raise click.ClickException(re.sub(r"\s+", " ", str(error))) from None
