"""Decides when to call someone. Knows readings, neither ClickHouse nor Dash."""
