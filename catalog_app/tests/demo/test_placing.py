"""The demo store comes into its place whole or not at all, and never over somebody's data."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from catalog_app.demo.generate import Scope
from catalog_app.demo.manifest import MANIFEST, read_manifest
from catalog_app.demo.place import NotADemoStore, place_store

SMALL = Scope(first=date(2026, 3, 6), last=date(2026, 3, 6)).only("EUR/USD.SIM", "KO.XNYS")
SEED_ALL = """
import sys
from pathlib import Path
from catalog_app.demo.place import place_store
place_store(Path(sys.argv[1]))
"""


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Every file by its size and inode."""
    stats = ((path.relative_to(root).as_posix(), path.stat()) for path in root.rglob("*") if path.is_file())
    return {name: (stat.st_size, stat.st_ino) for name, stat in stats}


def visible(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir() if not path.name.endswith(".seed-lock")]


def test_it_is_built_once(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "catalog"
    assert place_store(target, SMALL) is True
    first = snapshot(target)
    assert place_store(target, SMALL) is False
    assert snapshot(target) == first
    assert visible(target.parent) == ["catalog"]


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    target = tmp_path / "catalog"
    target.mkdir()
    assert place_store(target, SMALL) is True
    assert (target / MANIFEST).is_file()


def test_force_builds_a_demo_store_anew(tmp_path: Path) -> None:
    target = tmp_path / "catalog"
    place_store(target, SMALL)
    victim = next((target / "data").rglob("*.parquet"))
    victim.unlink()
    assert place_store(target, SMALL, force=True) is True
    assert victim.is_file()
    assert visible(tmp_path) == ["catalog"]


@pytest.mark.parametrize("where", ["data/bar/MINE.SIM-1-MINUTE-LAST-EXTERNAL", ".datacatalog/trash/operation"])
def test_force_spares_a_demo_store_that_somebody_wrote_into(tmp_path: Path, where: str) -> None:
    target = tmp_path / "catalog"
    place_store(target, SMALL)
    (target / where).mkdir(parents=True)
    (target / where / "mine.parquet").write_text("mine")
    before = snapshot(target)
    with pytest.raises(NotADemoStore, match=r"mine\.parquet"):
        place_store(target, SMALL, force=True)
    assert snapshot(target) == before


def test_force_spares_a_demo_store_whose_file_somebody_changed(tmp_path: Path) -> None:
    target = tmp_path / "catalog"
    place_store(target, SMALL)
    changed = next((target / "data").rglob("*.parquet"))
    changed.write_bytes(b"mine")
    with pytest.raises(NotADemoStore):
        place_store(target, SMALL, force=True)
    assert changed.read_bytes() == b"mine"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("content", ["data/quote_tick/EURUSD.SIM/x.parquet", "notes.txt", ".datacatalog/x.json"])
def test_other_data_is_left_alone(tmp_path: Path, content: str, force: bool) -> None:
    target = tmp_path / "catalog"
    (target / content).parent.mkdir(parents=True, exist_ok=True)
    (target / content).write_text("mine")
    before = snapshot(target)
    with pytest.raises(NotADemoStore, match="left alone"):
        place_store(target, SMALL, force=force)
    assert snapshot(target) == before


def test_a_file_in_the_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "catalog").write_text("mine")
    with pytest.raises(NotADemoStore):
        place_store(tmp_path / "catalog", SMALL)


def test_a_kill_in_the_middle_leaves_nothing_and_the_next_run_cleans_up(tmp_path: Path) -> None:
    target = tmp_path / "catalog"
    building = tmp_path / ".catalog.seed-building"
    process = subprocess.Popen([sys.executable, "-c", SEED_ALL, str(target)], cwd=Path(__file__).parents[3])
    deadline = time.monotonic() + 60
    while not any(building.glob(".datacatalog/staging/*/*.staged")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert building.is_dir()
    assert not target.exists()
    assert place_store(target, SMALL) is True
    assert read_manifest(target) is not None
    assert visible(tmp_path) == ["catalog"]
