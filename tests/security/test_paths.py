"""Names that people send never become paths, and files outside of the desk's places are never handed out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.models import Export, Import, Upload
from catalog_app.services.exporting import file_name
from catalog_app.services.tokens import create_token
from catalog_app.services.uploads import display_name
from tests.security.conftest import CSV, World
from tests.security.test_access import body_of

pytestmark = pytest.mark.django_db

NAMES = (
    "../../../../tmp/evil.csv", "..\\..\\evil.csv", "/etc/cron.d/evil.csv", "C:\\evil.csv", "evil\x00.csv", "..", ".",
    "a/../../evil.csv", "%2e%2e%2fevil.csv", "evil.csv\n", "~/evil.csv", "$(touch evil).csv", "e" * 300 + ".csv",
    "\u202egpj.csv", "-rf.csv",
)  # fmt: skip


def everything_below(place: Path) -> set[Path]:
    return {path for path in place.rglob("*") if path.is_file() and "sqlite" not in path.name}


@pytest.mark.parametrize("name", NAMES)
def test_an_uploads_name_is_for_display_only(analyst_client, name):
    before = everything_below(settings.DATACATALOG_HOME)
    file = SimpleUploadedFile("x.csv", CSV.encode())
    file._name = name  # past the checks of the client
    analyst_client.post("/imports/new/", {"file": file})
    new = everything_below(settings.DATACATALOG_HOME) - before
    for upload in Upload.objects.all():
        assert Path(upload.file_path) == settings.UPLOADS_DIR / upload.pk.hex
        assert "/" not in upload.original_name
        assert upload.original_name.isprintable()
    assert new == {Path(upload.file_path) for upload in Upload.objects.all()}


@given(name=st.text(max_size=300))
def test_a_display_name_is_one_printable_part_of_a_path(name: str) -> None:
    shown = display_name(name)
    assert 0 < len(shown) <= 255
    assert shown.isprintable()
    assert not set(shown) & {"/", "\\", "\x00", "\n"}


@given(
    instrument=st.text(max_size=60) | st.sampled_from(["../../x.SIM", "/etc/passwd", "..", ""]),
    timeframe=st.text(max_size=30),
)
def test_an_exports_name_is_one_part_of_a_path(instrument: str, timeframe: str) -> None:
    wanted = {"startNs": 0, "endNs": None, "instrumentId": instrument, "timeframe": timeframe, "dataType": "bar"}
    name = file_name(Export(parameters={**wanted, "format": "csv", "compression": "none"}))
    assert name.isascii()
    assert not set(name) & {"/", "\\", "\x00", " ", '"', "\n", ";"}
    assert name.endswith(".csv")
    assert Path(name).name == name


@pytest.fixture
def roots(tmp_path: Path, settings) -> Path:
    """An import root with a file, and beside it what must not be read."""
    root = tmp_path / "incoming"
    root.mkdir()
    (root / "good.csv").write_text(CSV)
    (tmp_path / "incoming-not").mkdir()
    for path in (tmp_path / "secret.csv", tmp_path / "incoming-not" / "secret.csv"):
        path.write_text(CSV)
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    (root / "up").symlink_to(tmp_path)
    settings.IMPORT_ROOTS = [root]
    return root


@pytest.fixture
def importer(analyst: User) -> Client:
    secret = create_token(analyst, "t", ["import"], 7).secret
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_only_files_below_an_import_root_are_read(world: World, importer: Client, roots: Path) -> None:
    world.store.read_only = False
    world.store.save()
    outside = (
        roots / "link.csv", roots / "up" / "secret.csv", roots / ".." / "secret.csv", roots.parent / "secret.csv",
        roots.parent / "incoming-not" / "secret.csv", Path("/etc/passwd"), Path("/proc/self/environ"),
        Path("/dev/zero"),
        settings.DATACATALOG_HOME / "secret-key", Path("good.csv"), Path("incoming/good.csv"), roots, Path(),
    )  # fmt: skip
    texts = [*map(str, outside), f"{roots}/good.csv\x00", f"{roots}/%2e%2e/secret.csv", f"file://{roots}/good.csv", "~"]
    before = world.state()
    for text in [*texts, f"{roots}/{'x' * 5000}", f"{roots}/" + "x/" * 3000]:
        answer = _import(importer, text)
        assert answer.status_code == 422, text
        assert "sourcePath" in answer.json()["detail"] or "null" in answer.json()["detail"]
        assert "Traceback" not in answer.content.decode()
    assert world.state() == before
    assert _import(importer, f"{roots}/good.csv").status_code == 202
    assert Import.objects.latest("created_at").upload.original_name == "good.csv"


def _import(client: Client, source: str):
    fields = {
        "sourcePath": source,
        "barType": "ABC/USD.SIM-1-MINUTE-BID-EXTERNAL",
        "mapping": json.dumps({"instrument_class": "currency_pair", "currency": "USD", "base_currency": "BTC"}),
    }
    return client.post("/api/v1/nautilus/data/import", fields)


@pytest.mark.parametrize("instrument", ["../../x.SIM", "a/../../b.SIM", "..\\x.SIM", "x\x00.SIM", "/.SIM", "x./../y"])
def test_an_instrument_never_leaves_the_store(world: World, importer: Client, roots: Path, instrument: str) -> None:
    world.store.read_only = False
    world.store.save()
    mapping = {"instrument_class": "currency_pair", "currency": "USD", "base_currency": "BTC"}
    for fields in ({"instrumentId": instrument}, {"barType": f"{instrument}-1-MINUTE-BID-EXTERNAL"}):
        given = {"sourcePath": f"{roots}/good.csv", "mapping": json.dumps(mapping), **fields}
        assert importer.post("/api/v1/nautilus/data/import", given).status_code == 422
    assert Import.objects.count() == 1  # the world's


@pytest.mark.parametrize(
    "path",
    ["/static/../secret-key", "/static/%2e%2e/secret-key", "/static/..%2fsecret-key", "/static//etc/passwd",
     "/static/../../../../etc/passwd", "/static/css/../../../secret-key", "/static/\x00", "/%2e%2e/%2e%2e/etc/passwd"],
)  # fmt: skip
def test_static_files_are_all_that_static_serves(superuser_client, path):
    answer = superuser_client.generic("GET", path)
    assert answer.status_code == 404
    assert settings.SECRET_KEY.encode() not in body_of(answer)


@pytest.mark.parametrize("where", ["/etc/passwd", "../secret-key", "", ".", "/dev/zero"])
def test_a_download_is_a_file_below_the_exports(world: World, superuser_client, where):
    path = Path(world.export.file_path).parent / where if where else ""
    Export.objects.update(file_path=str(path))
    for url in (f"/jobs/{world.export.job_id}/download/", f"/api/v1/nautilus/data/download/{world.export.pk}"):
        assert superuser_client.get(url).status_code in {404, 410}


@pytest.mark.parametrize(
    "root", ["", "relative", "~", "../..", "/nowhere-at-all", "/etc/passwd", "/\x00", "file:///tmp", "x" * 5000]
)
def test_a_store_is_an_absolute_directory(superuser_client, root, world: World):
    before = world.state()
    answer = superuser_client.post("/admin/catalog_app/store/add/", {"name": "new", "root": root})
    assert answer.status_code == 200
    assert world.state() == before


def test_a_store_is_never_the_desks_own_home(superuser_client, world: World, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(settings.DATACATALOG_HOME)
    before = world.state()
    for root in (settings.DATACATALOG_HOME, settings.UPLOADS_DIR, link, settings.DATACATALOG_HOME.parent):
        superuser_client.post("/admin/catalog_app/store/add/", {"name": "new", "root": str(root)})
    assert world.state() == before
