"""``openline completion``: the script that teaches a shell to complete ``openline``."""

import click
from click.shell_completion import get_completion_class

from openline.cli.examples import CommandWithExamples


@click.command(
    cls=CommandWithExamples,
    examples=[
        ('eval "$(openline completion bash)"', "in ~/.bashrc"),
        ('eval "$(openline completion zsh)"', "in ~/.zshrc"),
        ("openline completion fish > ~/.config/fish/completions/openline.fish", "once, for fish"),
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL."""
    make = get_completion_class(shell)
    if make is None:
        raise click.ClickException(f"the installed click knows no completion for {shell}")
    root = context.find_root()
    click.echo(make(root.command, {}, "openline", "_OPENLINE_COMPLETE").source())
