"""Draws it. Pure: (definition, answers, locale) -> plain values or components. Never fetches."""
