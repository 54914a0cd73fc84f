"""Changing what is in a store: maintenance operations, conversion, undo, purge, recovery; each as a job."""
