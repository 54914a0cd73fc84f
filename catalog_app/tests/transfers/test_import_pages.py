"""The import wizard: upload, mapping with preview, start; and everything it refuses."""

import gzip
import html
import io
import re
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from catalog_app.forms.import_initial import values_of
from catalog_app.models import Import, Job, Store, Upload
from catalog_app.services.jobs import run_job
from catalog_app.tests.transfers.conftest import GOOD, bars, files_of

NEW = reverse("imports:new")
CSV = bars(*GOOD).encode()


@pytest.fixture(autouse=True)
def _store(store: Store) -> None:
    """Every page needs a store to import into."""


def _upload(client: Client, content: bytes, name: str = "bars.csv") -> HttpResponse:
    return client.post(NEW, {"file": SimpleUploadedFile(name, content)})


def _uploaded(client: Client, content: bytes = CSV, name: str = "bars.csv") -> Upload:
    response = _upload(client, content, name)
    assert response.status_code == 302, response.content.decode()
    return Upload.objects.latest("created_at")


def _fields(page: str) -> dict[str, str]:
    """What a browser would send from the mapping form."""
    values = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, kind = re.search(r'name="([^"]+)"', tag), re.search(r'type="([^"]+)"', tag)
        is_box = bool(kind and kind[1] in {"checkbox", "radio"})
        value = re.search(r'value="([^"]*)"', tag)
        if name and (not is_box or "checked" in tag):
            values[name[1]] = value[1] if value else "on" if is_box else ""
    for name, options in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"[^>]*selected', options)
        values[name] = chosen[1] if chosen else ""
    values.pop("csrfmiddlewaretoken", None)
    return values


INSTRUMENT = {
    "instrument_id": "GBP/USD.SIM",
    "instrument_class": "currency_pair",
    "currency": "usd",
    "base_currency": "gbp",
    "price_precision": "5",
}


def test_upload_map_start_and_the_job_runs(analyst_client: Client, store: Store) -> None:
    upload = _uploaded(analyst_client, name="gbpusd-bid.csv")
    address = reverse("imports:map", args=[upload.pk])
    page = analyst_client.get(address).content.decode()
    assert "1.1001" in page

    response = analyst_client.post(address, {**_fields(page), **INSTRUMENT})

    job = Job.objects.get()
    assert response.status_code == 302
    assert response["Location"] == reverse("jobs:detail", args=[job.pk])
    run_job(job.pk)
    item = Import.objects.get()
    assert (item.record_count, item.job_id) == (3, job.pk)
    assert item.dataset is not None
    assert item.dataset.bar_type == "GBP/USD.SIM-1-MINUTE-BID-EXTERNAL"


def test_a_change_of_the_form_answers_with_the_fragment_only(analyst_client: Client) -> None:
    address = reverse("imports:map", args=[_uploaded(analyst_client).pk])
    fields = {**_fields(analyst_client.get(address).content.decode()), **INSTRUMENT, "timezone": "America/New_York"}

    fragment = analyst_client.get(address, fields, headers={"HX-Request": "true"})

    text = fragment.content.decode()
    assert fragment.status_code == 200
    assert "HX-Request" in fragment["Vary"]
    assert "<html" not in text
    assert "2024-01-02T15:01:00" in text.replace(" ", "T")


def test_the_same_address_gives_the_whole_page_without_htmx(analyst_client: Client) -> None:
    address = reverse("imports:map", args=[_uploaded(analyst_client).pk])

    assert "<html" in analyst_client.get(address, {"data_type": "quote"}).content.decode()


def test_an_unknown_instrument_asks_for_its_definition(analyst_client: Client, store: Store) -> None:
    address = reverse("imports:map", args=[_uploaded(analyst_client).pk])
    fields = _fields(analyst_client.get(address).content.decode())

    response = analyst_client.post(address, {**fields, "instrument_id": "GBP/USD.SIM", "currency": ""})

    assert response.status_code == 422
    assert "no definition of GBP/USD.SIM" in response.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"column_high": ""}, "required"),
        ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"instrument_id": "../../etc/passwd"}, "SYMBOL.VENUE"),
        ({"instrument_id": "no venue"}, "SYMBOL.VENUE"),
        ({"step": ""}, "length"),
        ({"time_format": "pattern", "time_pattern": "nonsense"}, "time format"),
        ({"price_increment": "-1"}, "price_increment"),
        ({"currency": "U$"}, "currency"),
    ],
)
def test_an_impossible_mapping_is_refused_with_its_reason(
    analyst_client: Client, change: dict[str, str], reason: str
) -> None:
    address = reverse("imports:map", args=[_uploaded(analyst_client).pk])
    fields = {**_fields(analyst_client.get(address).content.decode()), **INSTRUMENT}

    response = analyst_client.post(address, {**fields, **change})

    assert response.status_code == 422
    assert reason in response.content.decode()
    assert not Job.objects.exists()


def _zip(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


BAD_FILES = {
    "empty": (b"", "empty"),
    "not a CSV: PNG": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "text"),
    "not a CSV: Parquet": (b"PAR1" + b"\x00\x01\x02" * 1000 + b"PAR1", "Parquet"),
    "prose": (b"Dear trader, here are no numbers at all.\n", ""),
    "broken UTF-16": (b"\xff\xfe" + "timestamp,open\n".encode("utf-16-le")[:-1], ""),
    "gzip cut off": (gzip.compress(CSV * 2000)[:60], "cut off"),
    "zip bomb": (_zip(("bars.csv", b"0," * 40_000_000)), "bomb"),
    "zip with two tables": (_zip(("a.csv", CSV), ("b.csv", CSV)), ""),
    "zip with a path": (_zip(("../../etc/cron.d/bars.csv", CSV)), ""),
}


@pytest.mark.parametrize(("content", "reason"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_file_that_is_no_table_is_refused_at_the_upload(
    analyst_client: Client, content: bytes, reason: str, store: Store
) -> None:
    response = _upload(analyst_client, content)

    assert response.status_code == 422
    error = re.search(r'class="field-error" role="alert">(.*?)</p>', response.content.decode(), re.DOTALL)
    assert error
    assert reason in error[1]
    assert files_of(store) == []


def test_a_path_in_the_files_name_goes_nowhere(analyst_client: Client) -> None:
    upload = _uploaded(analyst_client, name="../../etc/passwd.csv")

    assert upload.original_name == "passwd.csv"
    assert Path(upload.file_path).parent == settings.UPLOADS_DIR
    assert Path(upload.file_path).name == upload.upload_id.hex


def test_a_file_over_the_limit_is_refused(analyst_client: Client, settings) -> None:
    settings.UPLOAD_LIMIT_BYTES = 10

    response = _upload(analyst_client, CSV)

    assert response.status_code == 422
    assert "the limit is" in response.content.decode()
    assert not Upload.objects.exists()


def test_gzip_and_zip_with_one_table_are_read(analyst_client: Client) -> None:
    for content in (gzip.compress(CSV), _zip(("bars.csv", CSV))):
        page = analyst_client.get(reverse("imports:map", args=[_uploaded(analyst_client, content).pk]))
        assert "1.1001" in page.content.decode()


def test_a_purged_upload_says_so(analyst_client: Client) -> None:
    upload = _uploaded(analyst_client)
    Path(upload.file_path).unlink()

    response = analyst_client.get(reverse("imports:map", args=[upload.pk]))

    assert response.status_code == 422
    assert "Upload it again" in response.content.decode()


def test_who_may_import(client: Client, nobody_client: Client, trader_client: Client, analyst_client: Client) -> None:
    assert client.get(NEW).status_code == 302
    assert nobody_client.get(NEW).status_code == 403
    assert trader_client.get(NEW).status_code == 403
    assert trader_client.post(NEW, {}).status_code == 403
    assert analyst_client.get(NEW).status_code == 200


def test_uploads_of_others_are_not_found(analyst_client: Client, data_admin_client: Client, make_user) -> None:
    upload = _uploaded(analyst_client)
    other = Client()
    other.force_login(make_user("second", "Analyst"))
    address = reverse("imports:map", args=[upload.pk])

    assert other.get(address).status_code == 404
    assert data_admin_client.get(address).status_code == 200
    assert analyst_client.get(reverse("imports:map", args=[uuid4()])).status_code == 404


BAD = "2024-01-02 10:03:00,1.10020,1.09000,1.10010,1.10030,9"


def _imported(client: Client, content: bytes, **changes: str) -> Import:
    """Import by the pages; the finished import."""
    address = reverse("imports:map", args=[_uploaded(client, content, "gbpusd-bid.csv").pk])
    fields = {**_fields(client.get(address).content.decode()), **INSTRUMENT, **changes}
    assert client.post(address, fields).status_code == 302
    item = Import.objects.latest("created_at")
    run_job(item.job_id)
    item.refresh_from_db()
    return item


def _job_page(client: Client, item: Import) -> str:
    return client.get(reverse("jobs:detail", args=[item.job_id])).content.decode()


def test_a_finished_imports_job_links_to_its_dataset(analyst_client: Client) -> None:
    item = _imported(analyst_client, CSV)

    page = _job_page(analyst_client, item)

    assert reverse("catalog:dataset", args=[item.dataset_id]) in page
    assert "Open dataset" in page
    assert "open-stamped, so moved to their closes" in page
    assert 'id="rejected"' not in page
    assert "Change the mapping" not in page


def test_a_refused_imports_job_lists_the_rejected_rows_and_offers_the_same_mapping_again(
    analyst_client: Client,
) -> None:
    item = _imported(analyst_client, bars(*GOOD, BAD).encode())

    page = _job_page(analyst_client, item)
    again = re.search(r'href="(/imports/[^"]+\?[^"]+)">Change the mapping', page)

    assert item.dataset is None
    assert "high 1.09000 &lt; low 1.10010" in page
    assert BAD in page
    assert "all 1 shown" in page
    assert again
    form = _fields(analyst_client.get(html.unescape(again[1])).content.decode())
    assert {name: form[name] for name in INSTRUMENT} == {**INSTRUMENT, "currency": "USD", "base_currency": "GBP"}
    assert (form["column_high"], form["stamp"], form["step"]) == ("2", "open", "1")


def test_of_many_rejected_rows_the_first_are_shown_and_the_rest_counted(analyst_client: Client) -> None:
    bad = [BAD.replace("10:03", f"{11 + n // 60}:{n % 60:02}") for n in range(130)]

    item = _imported(analyst_client, bars(*GOOD, *bad).encode(), skip_rejected="on")
    page = _job_page(analyst_client, item)

    assert (item.record_count, item.rejected_count) == (3, 130)
    assert "first 100 of 130 shown" in page
    assert "Open dataset" in page
    assert page.count("high 1.09000 &lt; low") == 100


def test_who_may_not_import_sees_the_rejected_rows_but_no_way_to_import_again(
    analyst_client: Client, trader_client: Client
) -> None:
    item = _imported(analyst_client, bars(*GOOD, BAD).encode())

    page = _job_page(trader_client, item)

    assert BAD in page
    assert "Change the mapping" not in page


def test_a_futures_contract_is_asked_for_again_with_its_dates(analyst_client: Client) -> None:
    contract = {
        "instrument_id": "6EH4.XCME",
        "instrument_class": "futures_contract",
        "base_currency": "",
        "asset_class": "FX",
        "underlying": "6E",
        "activation": "2023-03-20",
        "expiration": "2024-03-18",
    }
    item = _imported(analyst_client, bars(*GOOD, BAD).encode(), **contract)

    again = values_of(item)

    assert again["activation"] == "2023-03-20 00:00:00"
    assert again["expiration"] == "2024-03-18 23:59:59"
    assert {name: again[name] for name in ("underlying", "asset_class", "price_type")} == {
        "underlying": "6E",
        "asset_class": "FX",
        "price_type": "BID",
    }


def test_a_new_form_calls_nothing_missing_before_it_is_sent(analyst_client: Client) -> None:
    address = reverse("imports:map", args=[_uploaded(analyst_client).pk])

    page = analyst_client.get(address).content.decode()
    unfinished = analyst_client.get(address, {**_fields(page), "instrument_id": "GBP/USD.SIM"}).content.decode()

    assert "field-error" not in page
    assert "field-error" not in unfinished
    assert "GBP/USD.SIM-1-MINUTE-LAST-EXTERNAL" in unfinished


def test_the_preview_sets_the_files_first_time_beside_the_close(analyst_client: Client) -> None:
    address = reverse("imports:map", args=[_uploaded(analyst_client).pk])
    fields = _fields(analyst_client.get(address).content.decode())

    opened = analyst_client.get(address, {**fields, "stamp": "open"}).content.decode()
    closed = analyst_client.get(address, {**fields, "stamp": "close"}).content.decode()

    assert '10:00:00</span> in the file, closes at <strong class="mono">2024-01-02 10:01:00<' in opened
    assert '10:00:00</span> in the file, closes at <strong class="mono">2024-01-02 10:00:00<' in closed
