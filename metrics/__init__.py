"""What is measured: definitions, scopes, windows, readings. Plain Python: no Dash, no driver."""
