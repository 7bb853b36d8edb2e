"""`python -m klavier` is the command `klavier`."""

from klavier.cli import main

main()
