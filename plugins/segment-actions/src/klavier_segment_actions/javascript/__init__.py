"""JavaScript's rules for values, numbers and dates, which Segment's implementation follows."""
