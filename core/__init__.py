"""The ground: errors and the clock. Imports nothing of ours."""
