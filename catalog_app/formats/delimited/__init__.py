"""Delimited text (CSV, TSV, …): detection, mapping, parsing and writing.

detect() looks at a file and proposes a Mapping; parse_batches() reads the whole file by a Mapping into canonical
frames; preview() shows the first rows. Plain files, .gz and .zip with one data file are read as streams.
"""

from catalog_app.formats.delimited.detect import Detection, detect
from catalog_app.formats.delimited.mapping import Mapping
from catalog_app.formats.delimited.order import ParseStats
from catalog_app.formats.delimited.parser import BatchParser, ParsedBatch, parse_batches
from catalog_app.formats.delimited.preview import Preview, preview

__all__ = [
    "BatchParser",
    "Detection",
    "Mapping",
    "ParseStats",
    "ParsedBatch",
    "Preview",
    "detect",
    "parse_batches",
    "preview",
]
