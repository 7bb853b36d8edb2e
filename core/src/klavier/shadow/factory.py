"""Make the shadow that a configuration asks for."""

from typing import TYPE_CHECKING

from klavier.config.model import build

if TYPE_CHECKING:
    from klavier.config.model import Config
    from klavier.shadow.shadow import Shadow
    from klavier.vendor import Vendor


def make_shadow(config: "Config", left: "Vendor") -> "Shadow | None":
    """Return the shadow that a configuration asks for, None where there is none; `left` is the delivering vendor."""
    section = config.shadow
    if section.vendor is None:
        return None
    from klavier.shadow.shadow import Shadow  # noqa: PLC0415 -- loads the sandbox

    settings = {**config.vendors.get(section.vendor, {}), **section.settings}
    right = build(config.known_plugins(), section.vendor, settings, config.klaviyo)
    is_single = section.opt_in == "single"
    return Shadow(left, right, share=section.share, opt_in="single_opt_in" if is_single else "double_opt_in")
