"""What a sample of a dataset teaches: how it usually behaves at each hour of the week."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

HOURS_PER_WEEK: Final = 168


@dataclass(frozen=True, slots=True)
class Seasonal:
    """A quantity by hour of the week (0 is Monday 00:00 in the sessions' zone), 168 entries each.

    `median` and `scale` (1.4826 MAD) are None where too few rows were seen and no fall-back is sound.
    """

    median: tuple[float | None, ...]
    scale: tuple[float | None, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """Seasonal quantities and facts, learned from `rows` sampled rows; `digest` identifies the content."""

    rows: int
    zone: str
    digest: str
    seasonal: Mapping[str, Seasonal] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
