"""How grave a gap is by the trading time that it loses. Pure: no Django."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quality_app.gaps.grid import Int64s

MINUTE_NS: Final = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Severities:
    """Trading time from which on a gap is of medium or high severity, in nanoseconds; shorter ones are low."""

    medium_ns: int = 10 * MINUTE_NS
    high_ns: int = 60 * MINUTE_NS

    def of(self, lost_ns: Int64s) -> npt.NDArray[np.str_]:
        """Return low, medium or high for the time lost."""
        return np.asarray(
            np.where(lost_ns >= self.high_ns, "high", np.where(lost_ns >= self.medium_ns, "medium", "low"))
        )
