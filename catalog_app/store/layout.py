"""Where files stand in a store: <root>/data/<type directory>/<identifier>/<start>_<end>.parquet.

All paths are relative to the store's root, with forward slashes. Names and directories are NautilusTrader's
(persistence/catalog/parquet.py and persistence/funcs.py of 1.231.0; catalog.rs of 2.x).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from catalog_app.store.schema import INT64_MAX

DATA: Final = "data"
# Custom data: data/custom_<snake name>/ in 1.x, data/custom/<class name>/ in 2.x, with or without an identifier below.
CUSTOM_PREFIX: Final = "custom_"
CUSTOM_DIRECTORY: Final = "custom"
NS: Final = 1_000_000_000

# Our data type, its 1.x directory, its 2.x directory.
_DIRECTORIES: Final = (
    ("quote", "quote_tick", "quotes"),
    ("trade", "trade_tick", "trades"),
    ("bar", "bar", "bars"),
    ("delta", "order_book_deltas", "order_book_deltas"),
    ("depth10", "order_book_depths", "order_book_depths"),
    ("mark_price", "mark_price_update", "mark_prices"),
    ("index_price", "index_price_update", "index_prices"),
    ("funding_rate", "funding_rate_update", "funding_rates"),
    ("status", "instrument_status", "instrument_status"),
    ("close", "instrument_close", "instrument_closes"),
    ("greeks", "option_greeks", "option_greeks"),
)
V1_DIRECTORY: Final[dict[str, str]] = {data_type: v1 for data_type, v1, _ in _DIRECTORIES}
V2_DIRECTORY: Final[dict[str, str]] = {data_type: v2 for data_type, _, v2 in _DIRECTORIES}
# Directories that only one of both writes: they tell the rc4 dialect from v1.
V1_ONLY_DIRECTORIES: Final[frozenset[str]] = frozenset(V1_DIRECTORY.values()) - frozenset(V2_DIRECTORY.values())
V2_ONLY_DIRECTORIES: Final[frozenset[str]] = frozenset(V2_DIRECTORY.values()) - frozenset(V1_DIRECTORY.values())
SHARED_DIRECTORIES: Final[frozenset[str]] = frozenset(V1_DIRECTORY.values()) & frozenset(V2_DIRECTORY.values())

# NautilusTrader's conversion of class names to snake case: one directory per instrument class.
INSTRUMENT_DIRECTORIES: Final[frozenset[str]] = frozenset(
    {
        "betting_instrument",
        "binary_option",
        "cfd",
        "commodity",
        "crypto_future",
        "crypto_futures_spread",
        "crypto_option",
        "crypto_option_spread",
        "crypto_perpetual",
        "currency_pair",
        "equity",
        "futures_contract",
        "futures_spread",
        "index_instrument",
        "option_contract",
        "option_spread",
        "perpetual_contract",
        "tokenized_asset",
    }
)

_DATA_TYPE: Final[dict[str, str]] = {
    directory: data_type for data_type, v1, v2 in _DIRECTORIES for directory in (v1, v2)
}
_STAMP = r"(\d{4})-(\d\d)-(\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{9})Z"
_FILE_NAME = re.compile(rf"{_STAMP}_{_STAMP}\.parquet", re.ASCII)
# What 1.231.0 takes as times, even where the interval is none.
_FILE_STEM = re.compile(rf"{_STAMP}_{_STAMP}", re.ASCII)

Role = Literal["data", "definition", "unknown"]
# The formats of 1.x and 2.x.
Version = Literal["v1", "v2"]
VERSIONS: Final[tuple[Version, ...]] = ("v1", "v2")


@dataclass(frozen=True, slots=True)
class Located:
    """What a path says about its file. `identifier` is as in the path: without slashes, so not the true id.

    `note` is what the place or the name means for NautilusTrader, "" where both are its own.
    """

    role: Role
    data_type: str  # ours, "" when unknown; instrument definitions have none
    type_directory: str
    identifier: str
    directory: str
    name: str
    note: str = ""


def identifier(instrument_or_bar_type: str) -> str:
    """The directory name of an instrument id or bar type: slashes removed, as NautilusTrader does.

    Raises ValueError where the name could leave the store's directory.
    """
    name = instrument_or_bar_type.replace("/", "")
    if not name or name in {".", ".."} or "\\" in name or "\0" in name or name != name.strip():
        raise ValueError(f"{instrument_or_bar_type!r} cannot name a directory: write it as SYMBOL.VENUE")
    if len(name.encode()) > 255:
        raise ValueError(f"{name[:40]!r}… is longer than the 255 bytes that a directory name may have")
    return name


def parse_file_name(name: str) -> tuple[int, int] | None:
    """First and last ts_init (ns, UTC) that a file name promises; None when it is no such name."""
    match = _FILE_NAME.fullmatch(name)
    if match is None:
        return None
    parts = match.groups()
    start, end = _stamp_ns(parts[:7]), _stamp_ns(parts[7:])
    if start is None or end is None or start > end:
        return None
    return start, end


def _stamp_ns(parts: tuple[str, ...]) -> int | None:
    try:
        moment = datetime(*map(int, parts[:6]), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    ns = (delta.days * 86_400 + delta.seconds) * NS + int(parts[6])
    return ns if 0 <= ns <= INT64_MAX else None


def format_file_name(start_ns: int, end_ns: int) -> str:
    """The name of a file whose rows' ts_init run from start_ns to end_ns (ns, UTC, inclusive)."""
    if not 0 <= start_ns <= end_ns <= INT64_MAX:
        raise ValueError(f"no file name for the interval {start_ns} to {end_ns}: times must be ordered ns since 1970")
    return f"{_format_stamp(start_ns)}_{_format_stamp(end_ns)}.parquet"


def _format_stamp(ns: int) -> str:
    seconds, fraction = divmod(ns, NS)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H-%M-%S}-{fraction:09d}Z"


def locate(rel_path: str) -> Located:
    """What a file is by its path. Never raises: what fits no rule has the role "unknown" and a note that says why.

    Files of a dataset's directory are data whatever their name: NautilusTrader reads the rows of some of them too.
    """
    directory, _, name = rel_path.rpartition("/")
    parts = directory.split("/")
    type_directory = parts[1] if len(parts) > 1 and parts[0] == DATA else ""
    in_v2_custom = type_directory == CUSTOM_DIRECTORY
    in_custom = in_v2_custom or type_directory.startswith(CUSTOM_PREFIX)
    data_type = "custom" if in_custom else _DATA_TYPE.get(type_directory, "")
    is_definition = type_directory in INSTRUMENT_DIRECTORIES
    # Custom data need not belong to an instrument: its files may stand directly in the type's directory.
    above = 3 if in_v2_custom else 2
    depth_fits = len(parts) == above + 1 or (in_custom and len(parts) == above)
    role: Role = "unknown"
    if depth_fits and name.endswith(".parquet"):
        role = "definition" if is_definition else "data" if data_type else "unknown"
    note = _name_note(name) if role != "unknown" else _place_note(type_directory, parts, data_type or is_definition)
    return Located(role, data_type, type_directory, parts[above] if len(parts) > above else "", directory, name, note)


def _name_note(name: str) -> str:
    """Measured with 1.231.0 and 2.0.0rc7: its reader takes such files, its functions over intervals do not."""
    if parse_file_name(name) is not None:
        return ""
    stem = name.removesuffix(".parquet")
    if "_" in stem and not _FILE_STEM.fullmatch(stem):
        return (
            f"{name} is not named <start>_<end>.parquet: every query of NautilusTrader 1.231.0 that meets it fails "
            "with a ValueError; rename it to the times of its rows"
        )
    return (
        f"{name} is not named <start>_<end>.parquet: NautilusTrader's queries read its rows, but its intervals, "
        "consolidation and deletion do not see it; rename it to the times of its rows"
    )


def _place_note(type_directory: str, parts: list[str], known: bool | str) -> str:
    if not type_directory:
        return f"not below {DATA}/, where NautilusTrader keeps its catalog"
    if not known:
        return f"{DATA}/{type_directory} is the directory of no data type and no instrument class that the desk knows"
    if type_directory == CUSTOM_DIRECTORY:
        return (
            f"NautilusTrader 2.x keeps custom data in {DATA}/{CUSTOM_DIRECTORY}/<class>/ or, by identifier, in "
            f"{DATA}/{CUSTOM_DIRECTORY}/<class>/<identifier>/; put it there"
        )
    place = "directly in" if len(parts) == 2 else "too deep below"
    return (
        f"{place} {DATA}/{type_directory}: NautilusTrader finds a file by the directory of its instrument, "
        f"{DATA}/{type_directory}/<instrument>/; put it there"
    )


def dataset_path(data_type: str, instrument_id_or_bar_type: str, version: Version = "v1") -> str:
    """The directory of a data type ("quote", "bar", …) of an instrument, or of a bar type, in 1.x or 2.x."""
    directories = V1_DIRECTORY if version == "v1" else V2_DIRECTORY
    if data_type not in directories:
        raise ValueError(f"unknown data type {data_type!r}: use one of {', '.join(sorted(directories))}")
    return f"{DATA}/{directories[data_type]}/{identifier(instrument_id_or_bar_type)}"


def definition_path(instrument_class: str, instrument_id: str) -> str:
    """The directory of an instrument's definition files, for a class such as "currency_pair"."""
    if instrument_class not in INSTRUMENT_DIRECTORIES:
        raise ValueError(f"unknown instrument class {instrument_class!r}")
    return f"{DATA}/{instrument_class}/{identifier(instrument_id)}"
