"""The run: parameters -> jobs -> executed notebooks -> pages on a shelf."""
