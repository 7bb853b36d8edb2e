"""`klavier completion`: the script with which a shell completes commands, options, vendors and files."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_KLAVIER_COMPLETE"
"""The environment variable by which the script asks klavier for completions."""


@click.command("completion", short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, *, shell: str) -> None:
    """Print the script with which SHELL completes commands, options, vendors and files.

    bash: eval "$(klavier completion bash)" in ~/.bashrc.
    zsh: eval "$(klavier completion zsh)" in ~/.zshrc.
    fish: klavier completion fish > ~/.config/fish/completions/klavier.fish
    """
    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101 -- click has all three
    root = ctx.find_root().command
    source = completion(root, {}, "klavier", VARIABLE)
    if shell == "bash":  # click asks the installed bash for its version, which may be absent where the script is made
        click.echo(source.source_template % source.source_vars())
    else:
        click.echo(source.source())
