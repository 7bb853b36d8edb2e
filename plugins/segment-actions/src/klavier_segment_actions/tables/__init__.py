"""Tables after Segment's document: the actions, their fields and defaults."""
