"""How the columns of a file become a canonical frame."""
