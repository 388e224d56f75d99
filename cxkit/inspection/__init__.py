"""An export -> a mapping to start from."""
