"""Create files that only their owner can read, whatever the umask."""

import os


def open_private(path: str) -> int:
    """Open a file for reading and writing and return its descriptor; one that is missing is created with 0600.

    The rights of a file that is there are left alone: it may be shared with a group on purpose.
    """
    flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    if hasattr(os, "fchmod"):  # not on Windows
        os.fchmod(file, 0o600)  # the umask may have taken away the owner's own rights
    return file
