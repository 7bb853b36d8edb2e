"""The version of this distribution, in a module of its own so that every package may import it."""

VERSION = "0.1.0"
