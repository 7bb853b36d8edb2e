"""The calls that Segment's servers make."""
