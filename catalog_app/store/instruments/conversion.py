"""Converts instrument definitions between NautilusTrader 1.x and 2.x by building them anew.

What the target version has no column for is kept inside `info`, under a key that names the version it came from
(`nautilus_trader_v1`, `nautilus_trader_v2`), and put back into its column on the way back. Classes without `info`
(betting instruments of 1.x) lose it. Both are told as notes; values that the target assumes anyway are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa

from catalog_app.store.instruments.fields import V2_COLUMNS, kind_of, v2_schema
from catalog_app.store.instruments.rows import DefinitionFile, Row
from catalog_app.store.instruments.v1 import differences, same_value, v1_columns, v1_instrument, v1_schema, v1_table
from catalog_app.store.instruments.v2 import derived, v2_columns, v2_row, v2_table
from catalog_app.store.layout import Version

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import Instrument

# Under which key of `info` the other version keeps the fields of this one.
KEPT_UNDER: Final[dict[Version, str]] = {"v1": "nautilus_trader_v1", "v2": "nautilus_trader_v2"}


@dataclass(frozen=True, slots=True)
class FieldNote:
    """A value of a definition that its new file does not hold in a column."""

    instrument_id: str
    field: str
    value: Any
    fate: Literal["kept in info", "lost"]

    def __str__(self) -> str:
        return f"{self.instrument_id}: {self.field} {self.value} is {self.fate}"


def convert_rows(instrument_class: str, rows: Sequence[Row], to: Version) -> tuple[pa.Table, list[FieldNote]]:
    """The definition table of `to` for rows of one instrument, in ascending ts_init; ValueError says what is wrong."""
    if instrument_class not in V2_COLUMNS:
        raise ValueError(f"{instrument_class} is no class of instruments of both versions")
    notes: list[FieldNote] = []
    built: list[Any] = []
    for row in rows:
        wanted, own_notes = _moved(instrument_class, row, to)
        notes += own_notes
        if to == "v2":
            built.append(v2_row(instrument_class, wanted))
            continue
        instrument, own_notes = _built_v1(instrument_class, wanted)
        notes += own_notes
        built.append(instrument)
    return (v2_table(instrument_class, built) if to == "v2" else v1_table(built)), notes


def written_by(file: DefinitionFile) -> Version | None:
    """The version whose schema the file has, to the letter; None for older ones, which are built anew for either."""
    if v1_schema(file.instrument_class).equals(file.schema):
        return "v1"
    return "v2" if v2_schema(file.instrument_class, "").equals(file.schema) else None


def unlike(instrument_class: str, before: Row, after: Row) -> list[str]:
    """The fields of a definition that its converted row does not hold; what `info` keeps for a version is no field."""
    wrong = [
        name
        for name, value in before.items()
        if name != "info"
        and not _goes_without(instrument_class, name, before)
        and not same_value(kind_of(instrument_class, name), value, after.get(name))
    ]
    return wrong + (["info"] if _own_info(before) != _own_info(after) else [])


def _own_info(row: Row) -> dict[str, Any]:
    return {key: value for key, value in (row.get("info") or {}).items() if key not in KEPT_UNDER.values()}


def _moved(instrument_class: str, row: Row, to: Version) -> tuple[Row, list[FieldNote]]:
    """The row with what the target has no column for moved into info, and what info kept for it moved out."""
    columns = v2_columns(instrument_class) if to == "v2" else v1_columns(instrument_class)
    wanted, info = _restored(instrument_class, row, columns, KEPT_UNDER[to])
    homeless = {
        name: value
        for name, value in wanted.items()
        if name not in columns and name != "info" and not _goes_without(instrument_class, name, wanted)
    }
    wanted["info"] = info
    if "info" in columns:
        return _keep(wanted, homeless, "v1" if to == "v2" else "v2")
    lost = homeless | ({"info": info} if info else {})
    return wanted, [FieldNote(row["id"], name, value, "lost") for name, value in lost.items()]


def _built_v1(instrument_class: str, wanted: Row) -> tuple["Instrument", list[FieldNote]]:
    """The instrument of 1.x; what it does not take over although it has a column (limits of spreads) goes into info."""
    instrument = v1_instrument(instrument_class, wanted)
    changed = differences(instrument_class, wanted, instrument)
    if not changed:
        return instrument, []
    if "info" not in v1_columns(instrument_class):
        return instrument, [FieldNote(wanted["id"], name, value, "lost") for name, value in changed.items()]
    kept, notes = _keep(wanted, changed, "v2")
    return v1_instrument(instrument_class, kept), notes


def _keep(row: Row, values: dict[str, Any], version: Version) -> tuple[Row, list[FieldNote]]:
    if not values:
        return row, []
    info, key = row["info"] or {}, KEPT_UNDER[version]
    present = info.get(key)
    kept = present if isinstance(present, dict) else {}
    notes = [FieldNote(row["id"], name, value, "kept in info") for name, value in values.items()]
    return row | {"info": info | {key: kept | values}}, notes


def _restored(instrument_class: str, row: Row, columns: Sequence[str], key: str) -> tuple[Row, dict[str, Any] | None]:
    wanted, info = dict(row), row.get("info")
    kept = info.get(key) if info else None
    if not info or not isinstance(kept, dict):
        return wanted, info
    back = {
        name: value for name, value in kept.items() if name in columns and _goes_without(instrument_class, name, row)
    }
    rest = {name: value for name, value in info.items() if name != key}
    stays = {name: value for name, value in kept.items() if name not in back}
    wanted |= back
    return wanted, (rest | {key: stays} if stays else rest) or None


def _goes_without(instrument_class: str, name: str, row: Row) -> bool:
    """Whether there is no value, or the one that NautilusTrader assumes, so that no column is needed for it."""
    return row.get(name) is None or same_value(
        kind_of(instrument_class, name), row.get(name), derived(instrument_class, name, row)
    )
