"""A desk that really runs: its worker is killed in the middle of an import and an export, and it is started again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog_app.store.reader import scan
from tests.faults.conftest import DEFINITION, quotes
from tests.running import Desk, wait_for

pytestmark = pytest.mark.timeout(300)

ROWS = 2_000_000
API = "/api/v1/nautilus/data"


@dataclass(frozen=True)
class Api:
    """The desk's API with a token."""

    desk: Desk
    token: str

    def ask(self, path: str, body: bytes | None = None, content_type: str = "application/json") -> tuple[int, Any]:
        """Status and JSON of an answer."""
        status, content = self.fetch(path, body, content_type)
        return status, json.loads(content)

    def fetch(self, path: str, body: bytes | None = None, content_type: str = "") -> tuple[int, bytes]:
        """Status and body of an answer."""
        headers = {"Authorization": f"Bearer {self.token}", **({"Content-Type": content_type} if body else {})}
        request = urllib.request.Request(self.desk.url + API + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except urllib.error.URLError as error:
            raise AssertionError(f"The desk does not answer ({error}):\n{self.desk.console}") from error

    def job(self, job_id: str) -> dict[str, Any]:
        """A job, which must exist."""
        status, found = self.ask(f"/jobs/{job_id}")
        assert status == 200, found
        return dict(found)

    def start_import(self, source: Path, instrument: str) -> dict[str, Any]:
        """Ask for an import of a file of the server."""
        fields = {
            "sourcePath": str(source),
            "instrumentId": instrument,
            "dataType": "quote",
            "mapping": json.dumps(DEFINITION),
        }
        status, answer = self.ask("/import", *multipart(fields))
        assert status == 202, answer
        return dict(answer)

    def start_export(self, instrument: str) -> dict[str, Any]:
        """Ask for a CSV of all quotes of an instrument, packed so that it takes some seconds."""
        wish = {"instrumentIds": [instrument], "compression": "gzip"}
        status, answer = self.ask("/export", json.dumps(wish).encode())
        assert status == 202, answer
        return dict(answer)

    def finished(self, job_id: str, seconds: float) -> dict[str, Any]:
        """The job when it has ended well."""
        wait_for(lambda: self.job(job_id)["state"] not in {"queued", "running"}, seconds, "the job")
        job = self.job(job_id)
        assert job["state"] == "succeeded", job
        return job


def multipart(fields: dict[str, str]) -> tuple[bytes, str]:
    """A form as body and content type."""
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode(), f"multipart/form-data; boundary={boundary}"


def progress(desk: Desk, *job_ids: str) -> list[tuple[str, int]]:
    """State and units done of jobs, as the database has them."""
    with contextlib.closing(sqlite3.connect(f"file:{desk.home}/datacatalog.sqlite3?mode=ro", uri=True)) as database:
        keys = [job_id.replace("-", "") for job_id in job_ids]
        query = "SELECT state, done FROM catalog_app_job WHERE job_id = ?"
        return [database.execute(query, [key]).fetchone() for key in keys]


def rows_of(catalog: Path, identifier: str) -> pl.DataFrame | None:
    """The quotes that stand in the store, index or not."""
    directory = catalog / "data/quote_tick" / identifier
    paths = sorted(str(path.relative_to(catalog)) for path in directory.glob("*.parquet"))
    return scan(catalog, paths, "quote").collect() if paths else None


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "nautilus" / "catalog").mkdir(parents=True)
    (tmp_path / "incoming").mkdir()
    environment = {"NAUTILUS_PATH": str(tmp_path / "nautilus"), "IMPORT_ROOTS": str(tmp_path / "incoming")}
    desk = Desk(tmp_path / "home", environment)
    yield desk
    if desk.process is not None and desk.process.poll() is None:
        desk.stop(signal.SIGKILL)


def test_a_killed_worker_leaves_the_store_and_the_exports_whole(desk: Desk, tmp_path: Path) -> None:
    source = quotes(tmp_path / "incoming" / "quotes.csv", ROWS)
    desk.start()
    scopes = [word for scope in ("read", "export", "import") for word in ("--scope", scope)]
    made = desk.manage("create_token", "admin", "--json", *scopes)
    assert made.returncode == 0, made.stderr
    api = Api(desk, json.loads(made.stdout)["token"])
    api.finished(api.start_import(source, "EUR/USD.SIM")["jobId"], 60)
    expected = rows_of(desk.catalog, "EURUSD.SIM")
    assert expected is not None
    assert expected.height == ROWS
    undisturbed = api.start_export("EUR/USD.SIM")
    api.finished(undisturbed["jobId"], 60)
    _, clean = api.ask(f"/export/{undisturbed['exportId']}/status")

    imported, exported = api.start_import(source, "GBP/USD.SIM"), api.start_export("EUR/USD.SIM")
    job_ids = imported["jobId"], exported["jobId"]
    wait_for(lambda: all(row == ("running", row[1]) and row[1] > 0 for row in progress(desk, *job_ids)), 30, "the work")
    os.kill(desk.process_of("worker-heavy"), signal.SIGKILL)
    assert [state for state, _ in progress(desk, *job_ids)] == ["running", "running"]
    assert desk.process is not None
    assert desk.process.wait(timeout=40) == 1
    assert "worker-heavy was killed by SIGKILL" in desk.console
    found = rows_of(desk.catalog, "GBPUSD.SIM")
    assert found is None or found.equals(expected)

    desk.start()
    _, status = api.ask(f"/export/{exported['exportId']}/status")
    assert (status["success"], status["downloadUrl"], status["filePath"]) == (False, None, None)
    assert api.fetch(f"/download/{exported['exportId']}")[0] == 404
    jobs = [api.finished(job_id, 90) for job_id in job_ids]
    assert [job["attempt"] for job in jobs] == [2, 2]
    assert desk.stop() == 0

    found = rows_of(desk.catalog, "GBPUSD.SIM")
    assert found is not None
    assert found.equals(expected)
    assert jobs[0]["result"]["recordCount"] == ROWS
    area = desk.catalog / ".datacatalog"
    assert not list((area / "staging").iterdir())
    assert not list((area / "journal" / "pending").iterdir())
    directory = desk.home / "exports" / exported["exportId"].replace("-", "")
    (file,) = directory.iterdir()
    assert jobs[1]["result"]["sha256"] == clean["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
