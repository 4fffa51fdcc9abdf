"""Starts it: puts the parts together. Nothing imports this room."""
