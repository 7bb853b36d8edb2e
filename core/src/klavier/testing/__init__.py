"""For authors of plugins and for tests: strategies, invariants, conformance."""
