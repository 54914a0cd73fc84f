"""N sources of one instrument against each other: aligned by time, compared, voted on. Pure: no Django."""
