"""Tables that stand beside Segment's document: the actions, their fields and defaults."""
