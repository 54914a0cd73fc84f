"""How many rows around a row its marks may depend on."""

from collections.abc import Iterable
from dataclasses import dataclass

from quality_app.checks.check import Check, CheckContext

_LEAST = 128


@dataclass(frozen=True, slots=True)
class Halo:
    """Rows before and after."""

    before: int
    after: int


def halo_of(checks: Iterable[Check], context: CheckContext) -> Halo:
    """Return what all of the checks need together, rounded up to a power of two from 128.

    Rounded, so that a slightly longer window does not cut the parts of a dataset anew.
    """
    reaches = [check.reach(check.values(context)) for check in checks]
    return Halo(_rounded(max((r[0] for r in reaches), default=0)), _rounded(max((r[1] for r in reaches), default=0)))


def _rounded(rows: int) -> int:
    return max(_LEAST, 1 << (rows - 1).bit_length()) if rows > 0 else 0
