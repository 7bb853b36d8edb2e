"""`klavier doctor`: check the configuration, the plugins, the files and the key, each with a remedy."""

from klavier.cli.doctor.command import command

__all__ = ["command"]
