"""Every measurement, and the inputs of both sides.

Entries are named by text, so that the process that only takes turns loads no library of either side.
"""

from typing import Final

from benchmarks.check_measurements import CHECKED_FORMS, CHECKS
from benchmarks.desk_measurements import DESK
from benchmarks.gap_measurements import GAPS
from benchmarks.store_measurements import DESK_STORE, DIALECT_STORES, STORE

# Input -> its generator, in the order in which they are made: later ones may use earlier ones.
INPUTS: Final = {
    "quote-csv": "benchmarks.inputs.tables:quote_csv",
    "bar-csv": "benchmarks.inputs.tables:bar_csv",
    "large-quotes": "benchmarks.inputs.stores:large_quotes",
    "large-bars": "benchmarks.inputs.stores:large_bars",
    **{name: f"benchmarks.inputs.dialects:store:{name}" for name in (*DIALECT_STORES, DESK_STORE)},
    **{f"checked-{form}": f"benchmarks.inputs.dialects:checked_quotes:{form}" for form in CHECKED_FORMS.values()},
    "float-quotes": "benchmarks.inputs.tables:float_quotes",
    "desk-quotes": "benchmarks.inputs.stores:desk_quotes",
    "desk-bars": "benchmarks.inputs.stores:desk_bars",
    "nautilus-quotes": "benchmarks.inputs.stores:nautilus_quotes",
    "nautilus-bars": "benchmarks.inputs.stores:nautilus_bars",
    "huge-quotes": "benchmarks.inputs.dialects:huge_quotes",
    "year-bars": "benchmarks.inputs.years:year_bars",
    "many-files": "benchmarks.inputs.many_files:many_files",
    "index": "benchmarks.inputs.index:index",
}
MEASUREMENTS: Final = (*STORE, *CHECKS, *GAPS, *DESK)
