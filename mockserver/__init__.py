"""A mock of AIOS-compatible servers: deterministic, quick, and strict."""
