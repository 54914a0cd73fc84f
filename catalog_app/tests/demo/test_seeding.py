"""The seeding service and its command: files, store row and index together."""

import json
import shutil
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog_app.demo.generate import Scope
from catalog_app.models import Store
from catalog_app.services.demo import seed_demo
from catalog_app.services.stores import register_store
from catalog_app.tests.demo.conftest import DemoStore

SMALL = Scope(first=date(2026, 3, 6), last=date(2026, 3, 6)).only("EUR/USD.SIM", "KO.XNYS")


@pytest.fixture
def place(settings: Any, tmp_path: Path, db: None) -> Path:
    settings.NAUTILUS_PATH = tmp_path
    return tmp_path / "catalog"


@pytest.fixture
def seeded_place(place: Path, demo_store: DemoStore) -> Path:
    shutil.copytree(demo_store.root, place)
    return place


def test_seeding_builds_registers_and_indexes(place: Path) -> None:
    report = seed_demo(scope=SMALL)
    assert report.built
    assert (report.store.name, report.store.root, report.store.is_demo) == ("demo", str(place.resolve()), True)
    assert report.instruments == 2
    assert report.datasets == report.store.datasets.count() == 6 + 4
    assert report.rows == sum(report.store.datasets.values_list("record_count", flat=True)) > 1_000
    assert report.store.synced_at is not None


def test_seeding_again_changes_nothing(place: Path) -> None:
    first = seed_demo(scope=SMALL)
    again = seed_demo(scope=SMALL)
    assert not again.built
    assert again.store == first.store
    assert (again.rows, again.size_bytes) == (first.rows, first.size_bytes)
    assert Store.objects.count() == 1


def test_a_store_registered_at_the_empty_place_becomes_the_demo_store(place: Path) -> None:
    known = register_store(place, name="first")
    report = seed_demo(scope=SMALL)
    known.refresh_from_db()
    assert report.store == known
    assert known.is_demo
    assert known.name == "first"


def test_the_command_prints_one_json_document(seeded_place: Path, demo_store: DemoStore) -> None:
    out, err = StringIO(), StringIO()
    call_command("seed_demo", "--json", stdout=out, stderr=err)
    document = json.loads(out.getvalue())
    assert document["store"] == "demo"
    assert document["root"] == str(seeded_place.resolve())
    assert document["built"] is False
    # One of them has no definition, but its data is listed.
    assert document["instruments"] >= 41
    assert document["datasets"] > 190
    assert document["rows"] > 5_000_000
    assert document["bytes"] < 200_000_000
    assert document["seconds"] > 0


def test_the_index_lists_what_is_broken_and_stops_for_nothing(seeded_place: Path, demo_store: DemoStore) -> None:
    store = seed_demo().store
    assert store.files.get(path=demo_store.finding("truncated-file").files[0]).state == "unreadable"
    for key, dialect in (("eight-byte-file", "v1-8"), ("next-dialect-file", "v2")):
        file = store.files.get(path=demo_store.finding(key).files[0])
        assert (file.state, file.dialect, file.rows) == ("ok", dialect, demo_store.finding(key).rows)
    undefined = store.instruments.get(instrument_id="LTCUSDT.BINANCE")
    assert not undefined.is_defined
    assert undefined.datasets.count() == 4


def test_the_command_refuses_a_place_with_other_data(place: Path) -> None:
    (place / "data").mkdir(parents=True)
    (place / "data" / "mine.parquet").write_text("mine")
    with pytest.raises(CommandError, match="left alone") as refusal:
        call_command("seed_demo", "--force", stderr=StringIO())
    assert refusal.value.returncode == 2
    assert not Store.objects.exists()
    assert (place / "data" / "mine.parquet").read_text() == "mine"


def test_the_command_says_when_the_disk_refuses(settings: Any, tmp_path: Path, db: None) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.NAUTILUS_PATH = tmp_path / "file"
    err = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("seed_demo", stdout=StringIO(), stderr=err)
    assert end.value.code == 1
    assert "file" in err.getvalue()
