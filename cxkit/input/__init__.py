"""Files, databases, warehouses -> responses: sources, readers, layouts, mapping, refusals."""
