"""Definitions of instruments: read, built, written and converted."""
