"""Every kind of defect, one module per family."""

from typing import Final

from benchmarks.truth.defects import bars, books, hours, levels, numbers, quotes, spikes, times, trades, waits
from benchmarks.truth.injection import Defect

DEFECTS: Final[tuple[Defect, ...]] = tuple(
    defect
    for module in (times, numbers, quotes, spikes, levels, bars, trades, books, hours, waits)
    for defect in module.DEFECTS
)
