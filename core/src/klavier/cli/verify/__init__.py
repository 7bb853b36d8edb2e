"""`klavier verify`: whether a Klaviyo account holds what some events should have left in it."""

from klavier.cli.verify.command import command

__all__ = ["command"]
