"""How Segment's libraries find fields in a message: loose spellings, dates, fallbacks, amounts."""
