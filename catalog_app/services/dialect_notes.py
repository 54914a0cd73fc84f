"""Which NautilusTrader reads which dialect, in the words of the pages.

Measured with the released wheels 1.231.0, 2.0.0rc4 and 2.0.0rc7 over stores that they wrote.
"""

from collections.abc import Mapping
from typing import Final

from catalog_app.models.dataset import MIXED

LABELS: Final[Mapping[str, str]] = {
    "v1-16": "1.x",
    "v1-8": "1.x, 8-byte",
    "rc4": "2.0.0rc4",
    "v2": "2.x",
    MIXED: "mixed",
}
NOTES: Final[Mapping[str, str]] = {
    "v1-16": "NautilusTrader 1.x reads it. 2.x finds 0 rows in it, and reports no error.",
    "v1-8": (
        "Written by a 1.x with 8-byte numbers. NautilusTrader 1.231.0 ends with a crash when it reads it; 2.x finds "
        "0 rows, and reports no error. Convert it to the 16-byte dialect."
    ),
    "rc4": (
        "Written by 2.0.0rc4 or rc5. Later 2.x refuse it as a legacy schema; 1.x finds 0 rows, and reports no error. "
        "Convert it."
    ),
    "v2": "NautilusTrader 2.x (from 2.0.0rc6) reads it. 1.x finds 0 rows in it, and reports no error.",
    MIXED: "Its files are in several dialects: no version of NautilusTrader reads all of them. Convert them to one.",
}
