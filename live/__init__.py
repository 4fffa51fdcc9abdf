"""The heartbeat: asks once per tick and publishes once, however many screens watch."""
