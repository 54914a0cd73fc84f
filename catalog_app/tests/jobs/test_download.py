"""The file of an export: whole, in ranges, or with a reason why not."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from django.conf import settings
from django.test import AsyncClient
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.models import Export, Job
from catalog_app.services.downloads import Part, RangeUnsatisfiable, read_part, read_part_async, wanted_part

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def export() -> Export:
    job = Job.objects.create(kind="export", title="Export")
    directory = settings.EXPORTS_DIR / job.pk.hex
    directory.mkdir(parents=True)
    path = directory / "EURUSD.SIM_quote.csv"
    path.write_bytes(CONTENT)
    return Export.objects.create(
        export_type="csv", job=job, status="succeeded", file_path=str(path), file_size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )  # fmt: skip


def url(export: Export) -> str:
    return reverse("jobs:download", args=(export.job_id,))


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def test_the_whole_file(trader_client, export):
    response = trader_client.get(url(export))
    assert response.status_code == 200
    assert body(response) == CONTENT
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["ETag"] == f'"{export.sha256}"'
    assert response["X-Checksum-SHA256"] == export.sha256
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Disposition"] == 'attachment; filename="EURUSD.SIM_quote.csv"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=10000-", 10_000, 10_239), ("bytes=-40", 10_200, 10_239),
     ("bytes=5-999999", 5, 10_239), ("bytes=-999999", 0, 10_239)],
)  # fmt: skip
def test_a_range(trader_client, export, header, first, last):
    response = trader_client.get(url(export), headers={"Range": header})
    assert response.status_code == 206
    assert body(response) == CONTENT[first : last + 1]
    assert response["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert response["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("header", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_outside_of_the_file(trader_client, export, header):
    response = trader_client.get(url(export), headers={"Range": header})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "items=0-5", "bytes=9-3", "bytes=-", "bytes=a-b", "nonsense"])
def test_a_range_that_is_not_understood_gets_the_whole_file(trader_client, export, header):
    response = trader_client.get(url(export), headers={"Range": header})
    assert response.status_code == 200
    assert body(response) == CONTENT


def test_a_download_that_broke_off_is_continued_only_from_the_same_file(trader_client, export):
    same = {"Range": "bytes=100-", "If-Range": f'"{export.sha256}"'}
    assert trader_client.get(url(export), headers=same).status_code == 206
    other = {"Range": "bytes=100-", "If-Range": '"another"'}
    response = trader_client.get(url(export), headers=other)
    assert response.status_code == 200
    assert body(response) == CONTENT


def test_what_the_client_has_already_is_not_sent_again(trader_client, export):
    response = trader_client.get(url(export), headers={"If-None-Match": f'"{export.sha256}"'})
    assert response.status_code == 304
    assert not response.content


def test_head_tells_size_and_checksum(trader_client, export):
    response = trader_client.head(url(export))
    assert response.status_code == 200
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["X-Checksum-SHA256"] == export.sha256
    assert not response.content


@pytest.mark.django_db(transaction=True)
def test_under_asgi_the_file_is_streamed(trader, export):
    async def fetch() -> tuple[int, bool, bytes]:
        client = AsyncClient()
        await client.aforce_login(trader)
        response = await client.get(url(export), headers={"Range": "bytes=10-"})
        return response.status_code, response.is_async, b"".join([chunk async for chunk in response.streaming_content])

    assert asyncio.run(fetch()) == (206, True, CONTENT[10:])


@pytest.mark.parametrize("status", ["queued", "running", "failed", "cancelled"])
def test_no_file_is_offered_before_the_export_succeeded(trader_client, export, status):
    Export.objects.update(status=status)
    response = trader_client.get(url(export))
    assert response.status_code == 404
    assert "has not succeeded" in response.content.decode()


def test_a_file_that_was_removed_is_gone(trader_client, export):
    Path(export.file_path).unlink()
    response = trader_client.get(url(export))
    assert response.status_code == 410
    assert "no longer kept" in response.content.decode()


def test_nothing_outside_the_exports_directory_is_handed_out(trader_client, export, tmp_path):
    outside = tmp_path / "secret.csv"
    outside.write_text("secret")
    link = Path(export.file_path).with_name("link.csv")
    link.symlink_to(outside)
    sideways = Path(export.file_path).parent / ".." / ".." / "secret-key"
    for path in (outside, link, sideways, settings.EXPORTS_DIR, Path("/etc/passwd")):
        Export.objects.update(file_path=str(path))
        assert trader_client.get(url(export)).status_code == 410


def test_a_job_without_an_export_has_no_file(trader_client):
    job = Job.objects.create(kind="sync", title="Sync")
    response = trader_client.get(reverse("jobs:download", args=(job.pk,)))
    assert response.status_code == 404
    assert "makes no file" in response.content.decode()


def test_it_needs_the_permission(nobody_client, client, export):
    assert nobody_client.get(url(export)).status_code == 403
    assert client.get(url(export)).status_code == 302


@given(size=st.integers(1, 5000), first=st.integers(0, 6000), last=st.none() | st.integers(0, 6000))
def test_ranges_agree_with_slices(size, first, last):
    content = bytes(i % 251 for i in range(size))
    header = f"bytes={first}-{'' if last is None else last}"
    try:
        part = wanted_part(header, size)
    except RangeUnsatisfiable:
        assert first >= size
        return
    wanted = content if part.is_whole else content[first : None if last is None else last + 1]
    assert content[part.start : part.start + part.length] == wanted


@pytest.mark.parametrize("start", [0, 7, 300_000])
def test_parts_are_read_in_chunks_and_equal_in_both_ways(tmp_path, start):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 4000)
    part = Part(start, 600_000, is_whole=False)

    async def read() -> list[bytes]:
        return [chunk async for chunk in read_part_async(path, part)]

    chunks = list(read_part(path, part))
    assert len(chunks) > 1
    assert b"".join(chunks) == path.read_bytes()[start : start + 600_000]
    assert asyncio.run(read()) == chunks
