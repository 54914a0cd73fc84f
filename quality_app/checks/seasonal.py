"""How checks look up what a profile says of an hour of the week."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quality_app.checks.check import CheckContext
from quality_app.checks.profile import Seasonal

TOO_LITTLE: Final = "Too few rows were sampled to know what is usual at each hour of the week."


def by_hour(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    """Return a seasonal quantity as an array to look hours up in; unknown is NaN."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def seasonal(context: CheckContext, name: str) -> Seasonal | None:
    """Return a seasonal quantity of the context's profile, if that knows it."""
    return context.profile.seasonal.get(name) if context.profile else None


def usual(context: CheckContext, name: str) -> Seasonal:
    """Return a seasonal quantity that `needs` has asked for; raises KeyError where it is unknown."""
    if context.profile is None:
        raise KeyError(name)
    return context.profile.seasonal[name]


def needs(name: str) -> Callable[[CheckContext], str | None]:
    """Return an obstacle: the profile does not know a seasonal quantity."""
    return lambda context: TOO_LITTLE if seasonal(context, name) is None else None


def profile_facts(context: CheckContext) -> dict[str, Any]:
    """Facts of a check that uses the profile: its content, and the zone of its hours."""
    return {"profile": context.profile.digest if context.profile else None, "zone": context.zone}
