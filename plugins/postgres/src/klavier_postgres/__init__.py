"""klavier's outbox in PostgreSQL: several hosts accept into it, one delivers, and another takes over."""
