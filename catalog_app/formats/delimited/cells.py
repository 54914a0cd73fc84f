"""Cells of a few sample lines; the bulk goes through table.py."""

import csv
from typing import Final

# The csv module refuses fields above 128 KiB; no market data comes near.
_LONGEST: Final = 2**16


def split_cells(lines: list[str], delimiter: str) -> list[list[str]]:
    """Each line split by itself, so that a lone quotation mark spoils no other line; cells stripped of spaces."""
    return [[cell.strip() for cell in next(csv.reader([line[:_LONGEST]], delimiter=delimiter), [])] for line in lines]
