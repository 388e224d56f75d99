"""Responses -> counts per cell: queries, batches, storage, and the audit of what was counted."""
