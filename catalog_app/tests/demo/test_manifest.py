"""The manifest in the store and docs/demo-data.md say what the generator planted."""

import json
from pathlib import Path

import pytest

from catalog_app.demo.manifest import MANIFEST, iso, markdown_table, read_manifest
from catalog_app.demo.universe import DEMO_FIRST, DEMO_LAST, DEMO_SEED, INSTRUMENTS
from catalog_app.tests.demo.conftest import DemoStore

DOCS = Path(__file__).parents[3] / "docs" / "demo-data.md"


def test_docs_list_the_defects_as_they_are_planted(demo_store: DemoStore) -> None:
    assert markdown_table(demo_store.findings) in DOCS.read_text()


def test_docs_name_seed_range_and_instruments() -> None:
    text = DOCS.read_text()
    for fact in (f"seed {DEMO_SEED}", DEMO_FIRST.isoformat(), DEMO_LAST.isoformat(), f"{len(INSTRUMENTS)} instruments"):
        assert fact in text
    for instrument in INSTRUMENTS:
        assert f"`{instrument.instrument_id}`" in text


def test_the_manifest_says_the_same_as_the_builder(demo_store: DemoStore) -> None:
    document = json.loads((demo_store.root / MANIFEST).read_text())
    assert document["seed"] == DEMO_SEED
    assert document["synthetic"] is True
    listed = {item["key"]: item for item in document["defects"]}
    assert listed.keys() == {item.key for item in demo_store.findings}
    for item in demo_store.findings:
        entry = listed[item.key]
        assert (entry["dataset"], entry["rows"], entry["missing"]) == (item.dataset, item.rows, item.missing)
        assert [(p["file"], p["row"]) for p in entry["positions"]] == list(item.positions)
        assert entry["first"] == iso(item.first_ns)
        assert all((demo_store.root / file).is_file() for file in entry["files"])


def test_a_directory_without_a_manifest_is_no_demo_store(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_770_798_600_000_000_000, "2026-02-11T08:30:00Z"),
        (1_770_798_600_120_000_000, "2026-02-11T08:30:00.12Z"),
        (1_770_798_600_000_000_001, "2026-02-11T08:30:00.000000001Z"),
    ],
)
def test_times_are_written_without_needless_digits(ns: int, text: str) -> None:
    assert iso(ns) == text
