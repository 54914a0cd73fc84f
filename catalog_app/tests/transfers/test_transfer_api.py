"""POST /export, /import and what follows them."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog_app.models import Dataset, Export, Import, Job, Store
from catalog_app.services.jobs import run_job
from catalog_app.services.tokens import create_token
from catalog_app.tests.transfers.conftest import BAR_TYPE, GOOD, Importer, bars

BASE = "/api/v1/nautilus/data"
INSTRUMENT = json.dumps(
    {"instrument_class": "currency_pair", "currency": "USD", "base_currency": "GBP", "price_precision": 5}
)


@pytest.fixture
def bearer() -> Callable[..., Client]:
    """A client with a token of the user and these scopes."""

    def make(user: User, *scopes: str) -> Client:
        secret = create_token(user, f"token {user.api_tokens.count()}", scopes, days=1).secret
        return Client(headers={"Authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def exporter(trader: User, bearer: Callable[..., Client]) -> Client:
    return bearer(trader, "export")


@pytest.fixture
def importer(analyst: User, bearer: Callable[..., Client]) -> Client:
    return bearer(analyst, "import")


@pytest.fixture
def dataset(import_text: Importer) -> Dataset:
    item, _ = import_text(bars(*GOOD))
    assert item.dataset is not None
    return item.dataset


def _export(client: Client, **body: object):
    headers = body.pop("headers", {})
    return client.post(f"{BASE}/export", json.dumps(body), content_type="application/json", headers=headers)


def _import(client: Client, **fields: object):
    return client.post(f"{BASE}/import", fields)


def _file(content: str | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile("bars.csv", (content or bars(*GOOD)).encode())


@pytest.mark.parametrize("instrument", ["GBPUSD.SIM", "GBP/USD.SIM"])
def test_an_export_is_queued_followed_and_downloaded(exporter: Client, dataset: Dataset, instrument: str) -> None:
    response = _export(exporter, instrumentIds=[instrument], format="csv", dateRange={"start": "2024-01-02"})

    accepted = response.json()
    assert response.status_code == 202
    assert response["Location"] == f"{BASE}/jobs/{accepted['jobId']}"
    assert (accepted["status"], accepted["downloadUrl"]) == ("queued", None)
    assert exporter.get(f"{BASE}/download/{accepted['exportId']}").status_code == 404
    run_job(accepted["jobId"])
    done = exporter.get(f"{BASE}/export/{accepted['exportId']}/status").json()
    assert (done["success"], done["recordCount"], done["progress"]) == (True, 3, 1.0)
    download = exporter.get(f"{BASE}/download/{accepted['exportId']}")
    content = b"".join(download.streaming_content)
    assert download["X-Checksum-SHA256"] == done["sha256"]
    assert len(content) == done["fileSize"]
    part = exporter.get(f"{BASE}/download/{accepted['exportId']}", headers={"Range": "bytes=0-7"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, content[:8])


def test_the_same_idempotency_key_exports_once(exporter: Client, dataset: Dataset) -> None:
    first, second = (
        _export(exporter, datasetId=str(dataset.pk), headers={"Idempotency-Key": "k1"}).json() for _ in range(2)
    )

    assert first["exportId"] == second["exportId"]
    assert Export.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"instrumentIds": ["NOPE.SIM"]}, 404),
        ({"instrumentIds": ["GBPUSD.SIM"], "format": "xlsx"}, 422),
        ({"instrumentIds": ["GBPUSD.SIM"], "compression": "lzma"}, 422),
        ({"instrumentIds": ["GBPUSD.SIM"], "dateRange": {"start": "soon"}}, 422),
        ({"datasetId": "nonsense"}, 422),
        ({"instrumentIds": ["GBP\x00USD.SIM"]}, 422),
        ({"instrumentIds": ["GBPUSD.SIM"], "timeframes": ["\x00"]}, 422),
        ({"datasetId": str(UUID(int=1))}, 404),
    ],
)
def test_an_impossible_export_is_a_problem_document(
    exporter: Client, dataset: Dataset, body: dict, status: int
) -> None:
    response = _export(exporter, **body)

    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert not Export.objects.exists()


def test_an_import_is_queued_and_followed(importer: Client, store: Store) -> None:
    response = _import(importer, file=_file(), barType=BAR_TYPE, mapping=INSTRUMENT)

    accepted = response.json()
    assert response.status_code == 202, response.content
    assert response["Location"] == f"{BASE}/jobs/{accepted['jobId']}"
    run_job(accepted["jobId"])
    done = importer.get(f"{BASE}/import/{accepted['importId']}/status").json()
    assert (done["success"], done["recordCount"], done["rejectedRows"]) == (True, 3, [])
    assert store.datasets.get().bar_type == BAR_TYPE


def test_rejected_rows_come_back_with_line_and_reason(importer: Client, store: Store) -> None:
    content = bars(*GOOD, "2024-01-02 10:03:00,1.1,1.0,1.2,1.1,5")
    accepted = _import(importer, file=_file(content), barType=BAR_TYPE, mapping=INSTRUMENT).json()

    run_job(accepted["jobId"])

    done = importer.get(f"{BASE}/import/{accepted['importId']}/status").json()
    assert (done["success"], done["rejectedCount"]) == (False, 1)
    assert done["rejectedRows"][0]["line"] == 5


def test_a_file_below_an_import_root_is_read_and_nothing_else(
    importer: Client, store: Store, settings, tmp_path: Path
) -> None:
    root = tmp_path / "incoming"
    root.mkdir()
    settings.IMPORT_ROOTS = [root]
    (root / "bars.csv").write_text(bars(*GOOD))
    (tmp_path / "secret.csv").write_text(bars(*GOOD))
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")

    for path in (tmp_path / "secret.csv", root / ".." / "secret.csv", root / "link.csv", root / "none.csv", root):
        assert _import(importer, sourcePath=str(path), barType=BAR_TYPE, mapping=INSTRUMENT).status_code == 422
    assert _import(importer, sourcePath=str(root / "bars.csv"), barType=BAR_TYPE, mapping=INSTRUMENT).status_code == 202


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Send a file"),
        ({"uploadId": "nonsense"}, "uploadId"),
        ({"file": "x", "store": "nowhere"}, "no known store"),
        ({"file": "x", "barType": "nonsense"}, "nonsense"),
        ({"file": "x", "barType": BAR_TYPE, "mapping": "["}, ""),
        ({"file": "x", "barType": BAR_TYPE}, "not possible as asked"),
        ({"file": "x", "barType": BAR_TYPE, "timezone": "Mars/Olympus"}, "not possible as asked"),
    ],
)
def test_an_impossible_import_is_a_problem_document(
    importer: Client, store: Store, fields: dict[str, str], words: str
) -> None:
    response = _import(importer, **(fields | ({"file": _file()} if "file" in fields else {})))

    assert response.status_code == 422
    assert words in response.json()["detail"]
    assert not Import.objects.exists()


def test_scopes_and_permissions_are_both_needed(
    trader: User, analyst: User, bearer: Callable[..., Client], dataset: Dataset
) -> None:
    body = {"datasetId": str(dataset.pk)}
    assert _export(Client(), **body).status_code == 401
    assert _export(bearer(trader, "read"), **body).status_code == 403
    left_the_group = bearer(trader, "export")
    trader.groups.clear()
    assert _export(left_the_group, **body).status_code == 403
    assert _import(bearer(analyst, "export"), file=_file()).status_code == 403
    assert not Job.objects.filter(kind="export").exists()


def test_uploads_of_others_cannot_be_imported(
    importer: Client, make_user: Callable[..., User], bearer: Callable[..., Client], store: Store
) -> None:
    _import(importer, file=_file(), barType=BAR_TYPE, mapping=INSTRUMENT)
    upload_id = str(Import.objects.get().upload_id)
    other = bearer(make_user("second", "Analyst"), "import")

    assert _import(other, uploadId=upload_id, barType=BAR_TYPE, mapping=INSTRUMENT).status_code == 404
