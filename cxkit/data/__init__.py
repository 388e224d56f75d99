"""Export -> counts: sources, mapping, responses, tallies."""
