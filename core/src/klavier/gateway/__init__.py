"""Events over HTTP: the endpoints of Segment's, RudderStack's and Freshpaint's SDKs, answered into an outbox."""

from klavier.gateway.application import app
from klavier.gateway.asgi import Gateway

__all__ = ["Gateway", "app"]
