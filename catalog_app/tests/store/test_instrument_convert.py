"""Definitions of every class, from either version to the other: judged by both wheels, and nothing lost silently."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog_app.store.errors import UnsupportedFile
from catalog_app.store.instruments.conversion import FieldNote, convert_rows, written_by
from catalog_app.store.instruments.fields import V2_COLUMNS, class_name, kind_of, v2_schema
from catalog_app.store.instruments.rows import Row, read_definition_file
from catalog_app.store.instruments.v1 import same_value
from catalog_app.store.layout import INSTRUMENT_DIRECTORIES, Version, definition_path, format_file_name
from catalog_app.tests.store.instrument_samples import CLASSES, read_v2_instruments, v1_sample, write_v2_store
from catalog_app.tests.store.upstream import instruments as read_v1_instruments

SAME_IN_BOTH = frozenset(V2_COLUMNS) - {"betting_instrument"}


def write_v1_store(root: Path) -> None:
    """A full and a minimal instrument of every class, by the installed 1.231.0 (whose betting ones have one id)."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    root.mkdir()
    for instrument_class in CLASSES:
        for full in (True, False):
            if full or instrument_class != "betting_instrument":
                ParquetDataCatalog(root).write_data([v1_sample(instrument_class, full=full)])


def convert_store(source: Path, target: Path, to: Version) -> tuple[dict[str, list[FieldNote]], dict[str, str]]:
    """All definition files of a store, one by one: the notes and the refusals by instrument id."""
    notes: dict[str, list[FieldNote]] = {}
    refused: dict[str, str] = {}
    for path in sorted(source.rglob("*.parquet")):
        rel_path = path.relative_to(source).as_posix()
        file = read_definition_file(source, rel_path)
        identifier = file.rows[0]["id"]
        try:
            table, notes[identifier] = convert_rows(file.instrument_class, file.rows, to)
        except ValueError as error:
            refused[identifier] = str(error)
            continue
        put_table(target, rel_path, table)
    return notes, refused


def put_table(root: Path, rel_path: str, table: pa.Table) -> None:
    (root / rel_path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, root / rel_path)


def rows_by_id(root: Path) -> dict[str, Row]:
    paths = [path.relative_to(root).as_posix() for path in root.rglob("*.parquet")]
    return {row["id"]: row for path in paths for row in read_definition_file(root, path).rows}


def class_of(identifier: str) -> str:
    return next(
        (one for one in CLASSES if identifier[1:].startswith(f"{class_name(one)}/")),
        "betting_instrument",
    )


def assert_equal_fields(source: Row, read: dict[str, Any], *, but: frozenset[str]) -> None:
    """Every field that both have is equal; `but` names the fields that one of them cannot have."""
    instrument_class = class_of(source["id"])
    for name, value in source.items():
        if name in but:
            continue
        assert name in read, f"{source['id']}: {name} is gone"
        held = read[name]
        if name == "info":
            assert (held or {}) == (value or {}), source["id"]
        else:
            assert same_value(kind_of(instrument_class, name), value, held), f"{source['id']}: {name} {value} {held}"


def test_the_classes_are_those_of_the_layout() -> None:
    assert frozenset(V2_COLUMNS) == INSTRUMENT_DIRECTORIES


def test_v2_reads_every_v1_class_with_equal_fields(tmp_path: Path, requires_v2: None) -> None:
    source, target = tmp_path / "v1", tmp_path / "v2"
    write_v1_store(source)
    notes, refused = convert_store(source, target, "v2")
    assert not refused
    rows = rows_by_id(source)
    read = {one["id"]: one for one in read_v2_instruments(target)}
    assert read.keys() == rows.keys()
    for identifier, found in rows.items():
        fees = frozenset({"maker_fee", "taker_fee"})
        row = {**found, "info": dict(found.get("info") or {})}
        kept = {note.field: note.value for note in notes[identifier] if note.fate == "kept in info"}
        assert not [note for note in notes[identifier] if note.fate == "lost"]
        if kept:
            assert kept == {"maker_fee": "-0.00025", "taker_fee": "0.0000001"}
            row["info"]["nautilus_trader_v1"] = kept
        # The bet's venue is in its id: 2.x has no field for it.
        assert_equal_fields(row, read[identifier], but=fees | {"venue_name"})
        assert read[identifier]["type"] == class_name(class_of(identifier))


def test_v2_files_have_the_schema_that_v2_writes(tmp_path: Path, requires_v2: None) -> None:
    write_v2_store(tmp_path)
    seen = set()
    for path in tmp_path.rglob("*.parquet"):
        theirs = pq.read_schema(path)
        instrument_class = path.parents[1].name
        ours = v2_schema(instrument_class, theirs.metadata[b"instrument_id"].decode())
        assert ours.equals(theirs, check_metadata=True), instrument_class
        seen.add(instrument_class)
    assert seen == set(CLASSES)


def test_v1_reads_every_v2_class_with_equal_fields(tmp_path: Path, requires_v2: None) -> None:
    source, target = tmp_path / "v2", tmp_path / "v1"
    write_v2_store(source)
    notes, refused = convert_store(source, target, "v1")
    # 1.x makes the id of a bet from its market, selection and handicap: another id would orphan its data.
    assert list(refused) == ["1-123456789-50214--1.50.SIM"]
    assert "1-123456789-50214--1.5.SIM" in refused["1-123456789-50214--1.50.SIM"]
    rows = rows_by_id(source)
    read = {one["id"]: one for one in read_v1_instruments(target)}
    assert read.keys() == rows.keys() - refused.keys()
    for identifier, held in read.items():
        row = {**rows[identifier], "info": dict(rows[identifier]["info"] or {})}
        kept = {note.field: note.value for note in notes[identifier] if note.fate == "kept in info"}
        lost = {note.field for note in notes[identifier] if note.fate == "lost"}
        if class_of(identifier) in SAME_IN_BOTH:
            assert not lost
            assert {name: row[name] for name in kept} == kept
        else:
            # 1.x has no column `info` for bets, so it cannot keep anything.
            assert lost >= {"tick_scheme", "info", "max_quantity", "price_increment", "raw_symbol"}
        if kept:
            row["info"]["nautilus_trader_v2"] = kept
        gone = frozenset(name for name in row if name in kept or name in lost)
        nothing = frozenset(name for name in row if row[name] is None)
        # Told by neither: what 1.x assumes anyway.
        assert_equal_fields(row, held, but=gone | nothing | {"tick_scheme", "min_quantity", "venue_name"})


@pytest.mark.parametrize("instrument_class", sorted(SAME_IN_BOTH))
@pytest.mark.parametrize("full", [True, False])
def test_there_and_back_is_the_very_same_definition(instrument_class: str, full: bool, tmp_path: Path) -> None:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    ParquetDataCatalog(tmp_path).write_data([v1_sample(instrument_class, full=full)])
    [path] = [one.relative_to(tmp_path).as_posix() for one in tmp_path.rglob("*.parquet")]
    original = read_definition_file(tmp_path, path)
    there, _ = convert_rows(instrument_class, original.rows, "v2")
    put_table(tmp_path / "there", path, there)
    back, notes = convert_rows(instrument_class, read_definition_file(tmp_path / "there", path).rows, "v1")
    put_table(tmp_path / "back", path, back)
    assert read_definition_file(tmp_path / "back", path).rows == original.rows
    assert back.schema.equals(pq.read_schema(tmp_path / path), check_metadata=True)
    assert not notes


@pytest.mark.parametrize("instrument_class", sorted(SAME_IN_BOTH))
def test_what_v1_kept_of_v2_comes_back(instrument_class: str, tmp_path: Path, requires_v2: None) -> None:
    write_v2_store(tmp_path / "v2")
    for path in (tmp_path / "v2" / "data" / instrument_class).rglob("*.parquet"):
        rel_path = path.relative_to(tmp_path / "v2").as_posix()
        original = read_definition_file(tmp_path / "v2", rel_path)
        there, _ = convert_rows(instrument_class, original.rows, "v1")
        put_table(tmp_path / "v1", rel_path, there)
        back, notes = convert_rows(instrument_class, read_definition_file(tmp_path / "v1", rel_path).rows, "v2")
        assert not notes
        put_table(tmp_path / "back", rel_path, back)
        [row] = read_definition_file(tmp_path / "back", rel_path).rows
        lot = {"lot_size": row["lot_size"]} if instrument_class == "equity" else {}  # 1.x needs one: 1 is assumed
        assert row == original.rows[0] | lot


def test_several_definitions_over_time_stay_in_order(tmp_path: Path, requires_v2: None) -> None:
    """One file with two rows, and one named from the epoch."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    source, target = tmp_path / "v1", tmp_path / "v2"
    rows = [
        v1_sample("currency_pair", full=True, ts_init=ts, price_increment=step)
        for ts, step in ((7, "0.25"), (9, "0.05"))
    ]
    source.mkdir()
    ParquetDataCatalog(source).write_data([v1_sample("currency_pair", full=True, ts_init=0)])
    ParquetDataCatalog(source).write_data(rows)
    convert_store(source, target, "v2")
    read = read_v2_instruments(target)
    assert [(one["ts_init"], one["price_increment"]) for one in read] == [(0, "0.25"), (7, "0.25"), (9, "0.05")]


def row(**changes: Any) -> Row:
    values: Row = {
        "id": "EUR/USD.SIM",
        "raw_symbol": "EUR/USD",
        "base_currency": "EUR",
        "quote_currency": "USD",
        "price_precision": 5,
        "size_precision": 0,
        "price_increment": "0.00001",
        "size_increment": "1",
        "ts_event": 0,
        "ts_init": 0,
    }
    return values | changes


@pytest.mark.parametrize("to", ["v1", "v2"])
def test_columns_that_an_old_file_lacks_take_what_nautilus_trader_assumes(to: Version, tmp_path: Path) -> None:
    table, notes = convert_rows("currency_pair", [row()], to)
    put_table(tmp_path, "data/currency_pair/EURUSD.SIM/a.parquet", table)
    [read] = read_definition_file(tmp_path, "data/currency_pair/EURUSD.SIM/a.parquet").rows
    assert (read["multiplier"], read["margin_init"], read["lot_size"]) == ("1", "0", None)
    assert not notes


@pytest.mark.parametrize("to", ["v1", "v2"])
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"id": "EURUSD"}, "SYMBOL.VENUE"),
        ({"quote_currency": "US $"}, "quote_currency"),
        ({"raw_symbol": "EUR€"}, "raw_symbol"),
        ({"price_precision": 17}, "price_precision"),
        ({"price_precision": 4}, "price_increment 0.00001 has 5 decimals"),
        ({"size_increment": "0.1"}, "size_increment"),
        ({"price_increment": "0.00000"}, "price_increment"),
        ({"price_increment": "1e-5"}, "price_increment"),
        ({"price_increment": None, "price_precision": None}, "price_precision|refuses"),
        ({"lot_size": "0"}, "lot_size"),
        ({"max_quantity": "-1"}, "max_quantity"),
        ({"max_quantity": "99999999999999999"}, "max_quantity"),
        ({"max_notional": "10"}, "max_notional"),
        ({"margin_init": "0." + "1" * 29}, "margin_init"),
        ({"ts_init": -1}, "ts_init"),
        ({"ts_init": None}, "ts_init|refuses"),
    ],
)
def test_values_that_nautilus_trader_would_not_take_are_refused(changes: Row, wrong: str, to: Version) -> None:
    with pytest.raises(ValueError, match=wrong):
        convert_rows("currency_pair", [row(**changes)], to)


@pytest.mark.parametrize(
    ("instrument_class", "changes", "wrong"),
    [
        ("crypto_perpetual", {"settlement_currency": ""}, "settlement_currency is missing"),
        (
            "perpetual_contract",
            {"is_inverse": True, "base_currency": None, "asset_class": "FX", "underlying": "X"},
            "base_currency is missing",
        ),
        ("perpetual_contract", {"is_inverse": False, "asset_class": "SHARES", "underlying": "X"}, "asset_class"),
        ("synthetic", {}, "no class of instruments"),
    ],
)
def test_v2_refuses_what_its_constructors_refuse(instrument_class: str, changes: Row, wrong: str) -> None:
    values = row(settlement_currency="USD", is_inverse=False) | changes
    with pytest.raises(ValueError, match=wrong):
        convert_rows(instrument_class, [values], "v2")


@pytest.mark.parametrize("to", ["v1", "v2"])
def test_a_file_is_of_the_version_whose_schema_it_has(to: Version, tmp_path: Path) -> None:
    path = f"{definition_path('currency_pair', 'EUR/USD.SIM')}/{format_file_name(0, 0)}"
    table, _ = convert_rows("currency_pair", [row()], to)
    put_table(tmp_path, path, table)
    assert written_by(read_definition_file(tmp_path, path)) == to
    put_table(tmp_path, path, table.drop_columns(["multiplier"]))
    assert written_by(read_definition_file(tmp_path, path)) is None


def test_columns_that_neither_version_knows_are_kept_in_info() -> None:
    table, notes = convert_rows("currency_pair", [row(nickname="fiber", info={"a": 1})], "v2")
    assert [str(note) for note in notes] == ["EUR/USD.SIM: nickname fiber is kept in info"]
    [info] = table.column("info").to_pylist()
    assert json.loads(info) == {"a": 1, "nautilus_trader_v1": {"nickname": "fiber"}}


def test_values_that_fit_no_column_are_refused_with_the_column(tmp_path: Path) -> None:
    path = f"{definition_path('currency_pair', 'EUR/USD.SIM')}/{format_file_name(0, 0)}"
    for wrong in ({"maker_fee": ["much"]}, {"info": [b"[1]"]}, {"info": [b"{"]}, {"maker_fee": ["nan"]}):
        put_table(tmp_path, path, pa.table({"id": ["EUR/USD.SIM"], **wrong}))
        with pytest.raises(UnsupportedFile, match=next(iter(wrong))):
            read_definition_file(tmp_path, path)
