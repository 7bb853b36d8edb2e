"""The gateway for programs: an ASGI application made of a configuration."""

import os
from collections.abc import Mapping

from starlette.applications import Starlette

from klavier.config.load import load_config
from klavier.config.model import Config
from klavier.errors import ConfigError
from klavier.gateway.asgi import Gateway


def app(
    config: str | os.PathLike[str] | Config = "klavier.toml",
    *,
    environ: Mapping[str, str] | None = None,
    deliver: bool = True,
    console: bool = False,
) -> Starlette:
    """Return the gateway as an ASGI application, to serve or to mount in another one.

    An application that mounts it runs the lifespan of it as well, as Starlette and FastAPI document. With `console` it
    has the page at /console/ too, where it is not mounted below a path. Raises `ConfigError` for what is wrong in the
    configuration, and for a console that everybody could open.
    """
    if not isinstance(config, Config):
        config = load_config(config, environ=environ)
    gateway = Gateway(config, config.folder, deliver=deliver)
    if console:
        if not (config.console.password or config.console.token):
            raise ConfigError("console.password: set one, since the address of the application is not known here")
        from klavier.gateway.with_console import add_console  # noqa: PLC0415 -- only where it is asked for

        add_console(config, gateway)
    return gateway.app
