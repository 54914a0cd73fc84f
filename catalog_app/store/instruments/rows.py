"""Reads the rows of instrument definition files of any version into one shape: plain values by column name."""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.instruments.fields import kind_of
from catalog_app.store.layout import INSTRUMENT_DIRECTORIES, locate

# text, price, quantity, money and decimal: str (decimals without exponents); times: ns UTC as int; info: dict.
type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DefinitionFile:
    """The definitions in one file, in its order, and the schema that they stand in."""

    path: str
    instrument_class: str
    schema: pa.Schema
    rows: list[Row]


def read_definition_file(root: Root, path: str) -> DefinitionFile:
    """Read a definition file (`path` below the store's root) by its columns' Arrow types.

    Raises UnreadableFile, or UnsupportedFile where it is no definition or a value does not fit its column.
    """
    table, instrument_class = read_definition_table(root, path)
    columns: dict[str, list[Any]] = {}
    for name in table.schema.names:
        kind = kind_of(instrument_class, name)
        try:
            columns[name] = [_value(kind, value) for value in plain_values(table.column(name))]
        except (ValueError, TypeError, ArithmeticError, pa.ArrowException) as error:
            raise UnsupportedFile(path, f"the column {name} does not fit a {instrument_class} ({error})") from error
    rows = [{name: column[at] for name, column in columns.items()} for at in range(table.num_rows)]
    return DefinitionFile(path, instrument_class, table.schema, rows)


def read_definition_table(root: Root, path: str) -> tuple[pa.Table, str]:
    """A definition file as it is, and its instrument class; raises UnreadableFile, UnsupportedFile."""
    try:
        with StoreRoot.at(root).open_input(path) as file:
            table = pq.read_table(file)
    except FileNotFoundError:
        raise UnreadableFile(path, "the file does not exist") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(path, f"not a whole Parquet file ({error})") from error
    instrument_class = _instrument_class(table.schema, path)
    if "id" not in table.schema.names or not instrument_class:
        raise UnsupportedFile(path, "it is not an instrument definition of a known class")
    return table, instrument_class


def plain_values(column: pa.ChunkedArray) -> list[Any]:
    """Values as Python has them: dictionaries decoded, times as ns, bytes as text."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = column.cast(kind.storage_type)
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("ns", kind.tz)).cast(pa.int64())
    values = column.to_pylist()
    return [value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value for value in values]


def plain_decimal(text: str) -> str:
    """The same decimal without an exponent: 1E-7 -> 0.0000001, which 2.x cannot read otherwise."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no decimal number") from None
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise ValueError(f"{text!r} is no decimal number that NautilusTrader takes")
    return format(value, "f")


def plain_row(instrument_class: str, values: Row) -> Row:
    """The dictionary of an instrument of 1.x (`to_dict`) as a row."""
    info = values.get("info")
    plain = {name: _value(kind_of(instrument_class, name), value) for name, value in values.items() if name != "info"}
    return plain | {"info": info}


def _value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "info":
        return _info(value)
    if kind in {"integer", "time"}:
        return int(value)
    if kind == "float":
        return float(value)
    if kind == "boolean":
        return bool(value)
    return plain_decimal(str(value)) if kind == "decimal" else str(value)


def _info(text: str) -> dict[str, Any] | None:
    info = json.loads(text) if text else None
    if info is not None and not isinstance(info, dict):
        raise ValueError("info is no JSON object")
    return info


def _instrument_class(schema: pa.Schema, path: str) -> str:
    directory = locate(path).type_directory
    if directory in INSTRUMENT_DIRECTORIES:
        return directory
    metadata = schema.metadata or {}
    name = next((metadata[key] for key in (b"class", b"type_name", b"type") if key in metadata), b"").decode()
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    return snake if snake in INSTRUMENT_DIRECTORIES else ""
