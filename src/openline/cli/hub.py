"""``openline hub``: a complete real-time server in one line."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from openline.cli.examples import CommandWithExamples, GroupWithExamples

if TYPE_CHECKING:
    from openline.cli.node.logs import LogFormat
    from openline.cli.node.options import NodeOptions

_FILE = click.Path(exists=True, dir_okay=False)

# What the extra brings. What else is missing is a bug, and may be seen as one.
_OF_THE_EXTRA = {"msgspec", "google", "jwt", "cryptography"}

_config = click.option(
    "-c", "--config", type=_FILE, metavar="FILE", help="The configuration: see openline hub init."
)


@contextmanager
def _failures_in_lines() -> Generator[None]:
    """Turn what keeps a hub from starting into lines for people, and exit code 1."""
    from openline.cli.server.options import StartFailed

    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _OF_THE_EXTRA:
            raise
        text = f"{error.name} is not installed, which the hub needs: pip install 'openline[hub]'"
        raise click.ClickException(text) from None
    except StartFailed as error:
        raise click.ClickException(str(error)) from None


def _options(
    config: str | None,
    given: dict[tuple[str, ...], tuple[str, Any]],
    log_level: str = "info",
    log_format: LogFormat = "text",
) -> NodeOptions:
    from openline.cli.node.options import NodeOptions

    overrides = tuple((key, name, value) for key, (name, value) in given.items() if value is not None)
    return NodeOptions(config, overrides, log_level, log_format)


@click.group(
    cls=GroupWithExamples,
    invoke_without_command=True,
    examples=[
        ("openline hub init > hub.toml", "an example configuration, with secrets of its own"),
        ("openline hub --config hub.toml --check", "is it right?"),
        ("openline hub --config hub.toml", "serve by it"),
        ("openline hub token --config hub.toml --user 42", "a token for trying out"),
        ("openline hub --insecure", "for development: no tokens, no permissions"),
        (
            "openline hub --config hub.toml --broker redis://127.0.0.1 --workers 4",
            "four processes on one port",
        ),
    ],
)
@_config
@click.option(
    "--host", metavar="HOST", help="Address to listen on; 0.0.0.0 or :: for all.  [default: 127.0.0.1]"
)
@click.option("-p", "--port", type=click.IntRange(0, 65535), help="Port; 0: a free one.  [default: 8000]")
@click.option(
    "--broker", metavar="URL", help="memory://, sqlite:///FILE, redis://HOST:PORT.  [default: memory://]"
)
@click.option(
    "--insecure", is_flag=True, help="Let everybody in, and everybody do everything. For development only!"
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes that share the port; needs Redis.  [default: 1]"
)
@click.option("--certfile", type=_FILE, help="TLS certificate with its chain, PEM.")
@click.option("--keyfile", type=_FILE, help="Its key, where --certfile lacks it.")
@click.option(
    "--wait-for-broker",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Try for so long to reach the broker at the start.  [default: 0]",
)
@click.option("--check", "only_check", is_flag=True, help="Check the configuration, and exit.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Least level of what is logged, on the standard error.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or one JSON object for each.",
)
@click.pass_context
def hub(
    context: click.Context,
    *,
    config: str | None,
    host: str | None,
    port: int | None,
    broker: str | None,
    insecure: bool,
    workers: int | None,
    certfile: str | None,
    keyfile: str | None,
    wait_for_broker: float | None,
    only_check: bool,
    log_level: str,
    log_format: LogFormat,
) -> None:
    """Serve channels with presence, history and recovery, to the Centrifuge SDKs.

    What the command line says wins over variables of the environment (OPENLINE_HUB_...), and these over the file.
    SIGTERM and Ctrl-C send the clients away, spread over the option "drain"; a second one ends the hub at once. SIGHUP
    reads tokens and namespaces anew.
    """
    if context.invoked_subcommand is not None:
        return
    given: dict[tuple[str, ...], tuple[str, Any]] = {
        ("server", "host"): ("--host", host),
        ("server", "port"): ("--port", port),
        ("broker", "url"): ("--broker", broker),
        ("insecure",): ("--insecure", insecure or None),
        ("server", "workers"): ("--workers", workers),
        ("server", "certfile"): ("--certfile", certfile),
        ("server", "keyfile"): ("--keyfile", keyfile),
        ("server", "wait_for_broker"): ("--wait-for-broker", wait_for_broker),
    }
    with _failures_in_lines():
        from openline.cli.node.logs import log_to_stderr
        from openline.cli.node.run import check, run_alone, work_of
        from openline.cli.server.supervisor import Supervisor

        options = _options(config, given, log_level, log_format)
        log_to_stderr(log_level, log_format)
        loaded = options.load_at_start()
        check(loaded)
        if only_check:
            click.echo(f"{config or 'the environment'} is right")
        elif loaded.server.workers > 1:
            sys.exit(Supervisor(work_of(options, loaded), loaded.server.workers).run())
        else:
            sys.exit(run_alone(options))


@hub.command(
    cls=CommandWithExamples,
    examples=[
        ("openline hub init > hub.toml", "into a file"),
        ("openline hub init hub.toml", "the same, readable for you alone"),
    ],
)
@click.argument("file", type=click.Path(dir_okay=False), required=False)
def init(file: str | None) -> None:
    """Print a commented configuration with secrets of its own, or write it to a new FILE."""
    with _failures_in_lines():
        import os

        from openline.hub.config.sample import sample

        text = sample()
        if file is None:
            click.echo(text, nl=False)
            return
        try:
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
                opened.write(text)
        except OSError as error:
            raise click.ClickException(f"{file}: {error.strerror}") from None


@hub.command(
    cls=CommandWithExamples,
    examples=[
        ("openline hub token --config hub.toml --user 42", "to connect as user 42, for an hour"),
        ("openline hub token --config hub.toml --user 42 --channel chat:1", "to subscribe to a channel"),
    ],
)
@_config
@click.option("--user", required=True, metavar="ID", help="The user's id; empty: anonymous.")
@click.option("--channel", metavar="NAME", help="Make a subscription token for this channel.")
@click.option(
    "--expire",
    type=click.FloatRange(min=0),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long it is valid; 0: for ever.",
)
@click.option("--info", metavar="JSON", help="What others are shown of the client.")
def token(config: str | None, user: str, channel: str | None, expire: float, info: str | None) -> None:
    """Print a token for trying out, made with the secret of the configuration."""
    with _failures_in_lines():
        from openline.cli.node.trial_token import make_token

        loaded = _options(config, {}).load_at_start()
        click.echo(make_token(loaded.hub, user, channel, expire, info))
