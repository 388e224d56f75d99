"""Tallies -> tidy frames: estimates, comparisons, and what must be hidden."""
