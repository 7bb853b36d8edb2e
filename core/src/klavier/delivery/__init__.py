"""Running flows: the drivers, the rehearsal, and the one transport that talks HTTP."""
