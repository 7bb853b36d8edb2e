"""The optional extra `testing`: hypothesis, or an error with the command that installs it."""

from klavier.errors import UsageError

try:
    import hypothesis
except ImportError:
    raise UsageError("klavier.testing needs hypothesis; try: pip install 'klavier[testing]'") from None

__all__ = ["hypothesis"]
