"""The event model, and the readers of each wire format."""

from klavier.events.model import Alias, Event, Group, Identify, Page, Screen, Track
from klavier.events.reader import parse_event, parse_line

__all__ = ["Alias", "Event", "Group", "Identify", "Page", "Screen", "Track", "parse_event", "parse_line"]
