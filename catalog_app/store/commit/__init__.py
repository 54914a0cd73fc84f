"""How a store changes: whole or not at all, journalled, undoable, on disk and in buckets."""
