"""How hypothesis searches: quickly and the same way each time, or deeply on request (KLAVIER_PROFILE=deep)."""

import os

from hypothesis import HealthCheck, Phase, settings

# The same examples in each run: a test that turns red was turned red by a change.  New examples are what `deep` is for.
settings.register_profile(
    "default",
    max_examples=50,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[phase for phase in Phase if phase is not Phase.explain],
)
settings.register_profile(
    "deep", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("KLAVIER_PROFILE", "default"))
