"""The command line: `klavier`, one module for each command, each imported when it runs."""

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    from klavier.cli.app import run  # noqa: PLC0415 -- `import klavier.cli` stays quick

    run()
