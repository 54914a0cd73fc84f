"""How a canonical frame becomes the file that a version of NautilusTrader writes."""
