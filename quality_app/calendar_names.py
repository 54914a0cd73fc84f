"""Names of built-in calendars: those that instruments follow of themselves, and all others of the library. Pure."""

from functools import lru_cache
from typing import Final

from quality_app.calendars import ALWAYS, FOLLOWED, FX_WEEK, LEARNED
from quality_app.exchange_hours import exchange_aliases, library_names

# As addresses and programs like to write it.
_FX_WEEK_ALIAS: Final = "FX_WEEK"


@lru_cache(maxsize=1024)
def canonical_name(name: str) -> str:
    """Return the one name of a built-in calendar: several names of the library mean the same one.

    Raises:
        UnknownCalendar: there is none of that name.

    """
    if name == _FX_WEEK_ALIAS:
        return FX_WEEK
    if name == LEARNED or name in FOLLOWED:
        return name
    followed = [alias for alias in exchange_aliases(name) if alias in FOLLOWED]
    return followed[0] if len(followed) == 1 else name


@lru_cache(maxsize=1)
def other_names() -> tuple[str, ...]:
    """Return a name for each calendar of the library that no instrument follows of itself."""
    taken = {alias for name in FOLLOWED if name not in {ALWAYS, FX_WEEK} for alias in exchange_aliases(name)}
    found = []
    for name in library_names():
        if name not in taken and name != ALWAYS:
            found.append(name)
            taken.update(exchange_aliases(name))
    return tuple(found)


def is_built_in(name: str) -> bool:
    """Whether a built-in calendar has this name, in any case of letters."""
    names = {LEARNED, FX_WEEK, _FX_WEEK_ALIAS, *FOLLOWED, *library_names()}
    return name.casefold() in {one.casefold() for one in names}
