"""Asks ClickHouse. The only room with SQL and with the driver."""
