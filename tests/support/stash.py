"""What tests leave for the summary at the end of a run."""

import pytest

SCORE = pytest.StashKey[str]()
"""How many of the forty faults the conformance class found."""
