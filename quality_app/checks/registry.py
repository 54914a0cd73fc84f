"""Every check, by id."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from quality_app.checks import (
    bar_habits,
    bars,
    book,
    clocks,
    definitions,
    depth,
    files,
    jumps,
    outliers,
    prices,
    rows,
    session_rows,
    shifts,
    spikes,
    spreads,
    stale,
    times,
    trades,
)
from quality_app.checks.check import Check

# In the order in which pages list them.
_MODULES: Final = (
    files,
    definitions,
    times,
    clocks,
    rows,
    prices,
    spreads,
    outliers,
    shifts,
    spikes,
    jumps,
    stale,
    trades,
    bars,
    bar_habits,
    session_rows,
    book,
    depth,
)
CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {check.id: check for module in _MODULES for check in module.CHECKS}
)


def checks_for(data_type: str, check_ids: Collection[str] | None = None) -> list[Check]:
    """Return the checks of a data type, all or those named; raises ValueError for unknown ids.

    Checks of whole files belong to every data type, also those whose rows are not checked.
    """
    unknown = sorted(set(check_ids or ()) - set(CHECKS))
    if unknown:
        raise ValueError(f"No such check: {', '.join(unknown)}. Known: {', '.join(sorted(CHECKS))}.")
    return [
        check
        for check in CHECKS.values()
        if (check.rule is None or data_type in check.data_types) and (check_ids is None or check.id in check_ids)
    ]
