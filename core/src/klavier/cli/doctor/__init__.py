"""`klavier doctor`: check the configuration, the plugins and the key, each with what to do about it."""

from klavier.cli.doctor.command import command

__all__ = ["command"]
