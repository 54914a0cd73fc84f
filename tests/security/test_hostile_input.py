"""Nonsense, and worse, in paths, queries, forms, bodies and headers: refused or ignored, never a server error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from catalog_app.forms.import_initial import initial_values
from catalog_app.services.import_preview import detect_upload
from tests.security.addresses import Address
from tests.security.conftest import World
from tests.security.hostile import PATHS, TEXTS
from tests.security.test_access import body_of

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(240)]

API = "/api/v1/nautilus/data"
# What each page reads from its query.
QUERIES = {
    "overview": ("page",),
    "catalog:browser": ("q", "venue", "instrument", "asset_class", "data_type", "timeframe", "store", "state", "below",
                        "has_gaps", "start", "end", "sort", "page"),
    "catalog:tree-children": ("venue", "instrument"),
    "catalog:dataset": ("page",),
    "catalog:dataset-series": ("start", "end"),
    "catalog:dataset-rows": ("at", "position"),
    "jobs:list": ("state", "kind", "mine", "page"),
    "jobs:detail": ("told",),
    "quality:gaps": ("show", "page"),
    "quality:catalogue": ("type",),
    "quality:dashboard": ("range",),
    "quality:runs": ("found",),
    "quality:trend": ("metric", "start"),
    "quality:anomalies": ("severity", "start"),
    "quality:anomaly-marks": ("end",),
    "quality:repair-anomalies": ("anomaly",),
    "quality:reconciliation": ("run", "pair"),
    "quality:reports": ("scope", "key"),
    "api:get_trend": ("maxPoints", "start"),
    "exports:new": ("dataset", "start", "end", "export_format"),
    "login": ("next",),
    "api:get_catalog": ("limit", "cursor"),
    "api:search_catalog": ("q", "venue", "assetClass", "currency", "qualityThreshold", "start", "end", "hasGaps",
                           "recordCountMin", "recordCountMax", "sort", "limit", "cursor"),
    "api:list_files": ("limit", "cursor"),
    "api:list_rows": ("limit", "cursor"),
    "api:list_runs": ("store", "kind", "limit", "cursor"),
    "api:list_jobs": ("state", "kind", "mine", "limit", "cursor"),
    "api:get_log": ("limit", "cursor"),
}  # fmt: skip

# Of these, more than the text is looked at.
PARSED = {
    "page",
    "start",
    "end",
    "at",
    "position",
    "below",
    "sort",
    "dataset",
    "limit",
    "cursor",
    "recordCountMin",
    "q",
}


class Listener:
    """Asks, and writes down where the server failed."""

    def __init__(self) -> None:
        self.failed: list[tuple[object, ...]] = []

    def ask(self, what: tuple[object, ...], request: Callable[[], HttpResponse]) -> None:
        cache.clear()  # the throttle is not what is tested here
        answer = request()
        body_of(answer)
        if answer.status_code >= 500 or "evil" in answer.get("Set-Cookie", "") or "evil" in answer.cookies:
            self.failed.append((*(str(part)[:40] for part in what), answer.status_code))


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    assert listener.failed == []


def some_admin(addresses: list[Address]) -> list[Address]:
    """All addresses, of the admin's many alike ones those of one model."""
    return [one for one in addresses if not one.is_admin or "catalog_app_" not in one.name or "_store_" in one.name]


def test_in_the_path(addresses, superuser_client, listener):
    for address in some_admin(addresses):
        for number, value in enumerate(PATHS if address.parameters else ()):
            for method in ("GET", "POST") if number % 3 == 0 else ("GET",):
                url = address.with_parameters(value)
                listener.ask((address.name, method, value), lambda m=method, u=url: superuser_client.generic(m, u))


def test_in_one_parameter_of_the_query(addresses, superuser_client, listener):
    urls = {address.name: address.url for address in addresses}
    for name, parameters in QUERIES.items():
        for parameter in parameters:
            for text in TEXTS if parameter in PARSED else TEXTS[::3]:
                query = {parameter: text}
                listener.ask((name, parameter, text), lambda u=urls[name], q=query: superuser_client.get(u, q))


def test_in_every_parameter_that_there_is(addresses, superuser_client, listener):
    # The admin's own among them; an empty _to_field alone makes Django's admin fail (for admins).
    parameters = {name for names in QUERIES.values() for name in names} | {"_popup", "p", "o", "e", "all", "_facets"}
    for address in some_admin(addresses):
        for text in TEXTS[::6]:
            query = dict.fromkeys(parameters, text)
            listener.ask((address.name, text), lambda u=address.url, q=query: superuser_client.get(u, q))


FORMS = {
    "/exports/new/": {"dataset": "", "start": "", "end": "", "export_format": "csv", "compression": "none",
                      "timestamp_format": "iso"},
    "/account/tokens/": {"name": "x", "scopes": "read", "days": "7"},
    "/login/": {"username": "x", "password": "y", "next": "/"},
    "/admin/catalog_app/store/add/": {"name": "x", "root": "/tmp"},
    "/admin/quality_app/suppression/add/": {"dataset": "", "check_id": "bar.ohlc", "reason": "x", "until": ""},
    "/quality/anomalies/decide/": {"decision": "ignored", "anomaly": "", "reason": "x", "days": "3", "next": "/"},
}  # fmt: skip


@pytest.mark.parametrize("url", FORMS)
def test_in_a_form(world: World, superuser_client, listener, url):
    rows = {"dataset": str(world.dataset.pk), "anomaly": str(world.quality["anomaly_id"])}
    fields = FORMS[url] | {name: key for name, key in rows.items() if name in FORMS[url]}
    for name in fields:
        for text in TEXTS:
            sent = fields | {name: text}
            listener.ask((url, name, text), lambda u=url, s=sent: superuser_client.post(u, s))


NUMBERS = (
    "",
    "-1",
    "1.5",
    "1e999",
    "9" * 30,
    "18446744073709551616",
    "9223372036854775807",
    "1e-17",
    "NaN",
    "٣",
    "\x00",
)
CHOICES = ("", "-1", "9" * 30, "\x00", "nonsense")
MAPPING_TEXTS = {
    **dict.fromkeys(("skip_lines", "step", "price_precision", "size_precision"), NUMBERS),
    **dict.fromkeys(("default_size", "price_increment", "multiplier"), NUMBERS),
    **dict.fromkeys(("store", "data_type", "delimiter", "decimal_mark", "stamp", "aggregation", "price_type"), CHOICES),
    **dict.fromkeys(("instrument_class", "asset_class", "column_open", "column_timestamp"), CHOICES),
    "data_type": ("quote", "trade", ""),
    "encoding": ("utf-16", "latin-1", "", "rot13"),
    "time_format": ("epoch_ns", "pattern", "", "%"),
    "time_pattern": ("", "%", "%Q", "%:::::z", "%Y-%m-%d%z%Z", "\x00", "x" * 5000),
    "timezone": ("", "../UTC", "UTC+99:99", "localtime", "America/New_York\x00", "x" * 5000),
    "instrument_id": (
        "",
        "A B.SIM",
        "Å.SIM",
        "/.SIM",
        "X.Y",
        "\x00.SIM",
        "x" * 5000 + ".SIM",
        "X-1-DAY-LAST-EXTERNAL.SIM",
    ),
    **dict.fromkeys(("currency", "base_currency", "underlying"), ("", "Å", "\x00", " ", "x" * 5000)),
    **dict.fromkeys(("activation", "expiration"), ("", "2262-04-12", "9999-12-31", "0001-01-01", "1e9", "٣")),
}


def test_in_the_mapping_of_an_import(world: World, superuser_client, listener):
    world.store.read_only = False
    world.store.save()
    url = reverse("imports:map", args=[world.upload.pk])
    proposed = initial_values(world.upload, detect_upload(world.upload))
    fields = {name: value for name, value in proposed.items() if value is not None} | {
        "instrument_id": "BTC/USD.SIM", "instrument_class": "futures_contract", "currency": "USD",
        "base_currency": "BTC", "price_precision": 5, "size_precision": 0, "default_size": "1",
        "price_increment": "0.00001", "multiplier": "1",
        "asset_class": "FX", "underlying": "6E", "activation": "2024-01-01", "expiration": "2024-02-01",
        "time_pattern": "", "step": 1, "aggregation": "MINUTE", "price_type": "BID", "store": world.store.pk,
    }  # fmt: skip
    assert superuser_client.get(url, fields).status_code == 200
    assert superuser_client.post(url, fields).status_code == 302
    for name, texts in MAPPING_TEXTS.items():
        for number, text in enumerate(texts):
            sent = fields | ({"time_format": "pattern"} if name == "time_pattern" else {}) | {name: text}
            listener.ask(("import", name, text), lambda s=sent: superuser_client.post(url, s))
            if number % 2 == 0:
                listener.ask(("draft", name, text), lambda s=sent: superuser_client.get(url, s))


BODIES = (
    "", "{", "null", "[]", "1", '"x"', "[" * 100_000, '{"a":' * 50_000, "\x00", "\xff", '{"instrumentIds": NaN}',
    '{"dateRange": {"start": 1e400}}', '{"instrumentIds": ["\\u0000"]}', '{"instrumentIds": [["a"]]}',
    '{"datasetId": {}}', '{"dataTypes": {"a": 1}}',
)  # fmt: skip
CONTENT_TYPES = (
    "application/json", "application/json; charset=nonsense", "text/plain", "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=\x00", "application/x-www-form-urlencoded", "",
)  # fmt: skip


def test_in_the_body_of_an_api_request(world: World, superuser_client, listener):
    for path in ("/export", "/import", f"/stores/{world.store.pk}/sync"):
        for content_type in CONTENT_TYPES:
            for body in BODIES:
                listener.ask(
                    (path, content_type, body),
                    lambda p=path, c=content_type, b=body: superuser_client.generic("POST", API + p, b, content_type=c),
                )


JSON_VALUES: tuple[Any, ...] = (*TEXTS, None, True, 1, -1.5, 10**30, [], {}, [[]], {"a": 1}, ["\x00"], [None])


def test_in_a_field_of_an_export_request(world: World, superuser_client, listener):
    wish = {"datasetId": str(world.dataset.pk), "instrumentIds": ["GBP/USD.SIM"], "dataTypes": ["bar"],
            "timeframes": [], "format": "csv", "compression": "none", "timestampFormat": "iso",
            "dateRange": {}}  # fmt: skip
    cases = [(name, {name: value}) for name in wish for value in JSON_VALUES]
    cases += [(end, {"dateRange": {end: value}}) for end in ("start", "end") for value in JSON_VALUES]
    for name, change in cases:
        body = json.dumps(wish | change)
        listener.ask(
            (name, change), lambda b=body: superuser_client.post(f"{API}/export", b, content_type="application/json")
        )


MAPPINGS = (
    "[]", "1", "[1]", "{", "null", '[["a", "b"]]', "[" * 100_000, '{"store": 99999}', '{"column_open": [1]}',
    '{"skip_lines": 1e30}', '{"step": 1000000000000000}', '{"step": 99999999999999999999999}', '{"timezone": null}',
    '{"price_precision": 17}', '{"price_precision": 16, "size_precision": 16}', '{"encoding": "utf-16"}',
)  # fmt: skip


def test_in_a_field_of_an_import_request(world: World, superuser_client, listener):
    world.store.read_only = False
    world.store.save()
    definition = json.dumps({"instrument_class": "currency_pair", "currency": "USD", "base_currency": "BTC"})
    wish = {"uploadId": str(world.upload.pk), "sourcePath": "", "format": "csv", "store": "", "instrumentId": "",
            "dataType": "bar", "barType": "BTC/USD.SIM-1-MINUTE-BID-EXTERNAL", "mapping": definition, "timezone": "",
            "stamp": "", "skipRejected": "1", "sortRows": "1", "overwrite": "reject"}  # fmt: skip
    assert superuser_client.post(f"{API}/import", wish).status_code == 202
    cases = [(name, text) for name in wish for text in (*TEXTS, *(MAPPINGS if name == "mapping" else ()))]
    for name, text in cases:
        sent = wish | {name: text} | ({"uploadId": ""} if name == "sourcePath" else {})
        listener.ask((name, text), lambda s=sent: superuser_client.post(f"{API}/import", s))


HEADERS = ("Authorization", "Range", "If-None-Match", "If-Range", "HX-Request", "HX-Current-URL", "Accept", "Referer",
           "HX-History-Restore-Request", "X-CSRFToken", "Origin", "Content-Length", "Idempotency-Key")  # fmt: skip
HEADER_TEXTS = (
    *TEXTS, "Bearer ", "Bearer dd_", "Bearer dd_" + "x" * 5000, "Basic x", "bytes=0-" + "9" * 30,
    "bytes=" + "9" * 5000 + "-", "bytes=-" + "9" * 5000, "bytes=٣-", "true",
)  # fmt: skip


def test_in_a_header(world: World, superuser_client: Client, listener):
    download = f"/jobs/{world.export.job_id}/download/"
    pages = ("/jobs/", f"{API}/catalog", f"/quality/datasets/{world.dataset.pk}/gaps/")
    for header in HEADERS:
        for text in HEADER_TEXTS if header in {"Authorization", "Range", "HX-Current-URL"} else HEADER_TEXTS[::3]:
            sent = {"HX-Request": "true", header: text} if header not in {"Range", "Authorization"} else {header: text}
            for page in pages if not header.startswith(("Range", "If-")) else (download,):
                listener.ask((page, header, text), lambda p=page, s=sent: superuser_client.get(p, headers=s))


def test_in_a_cookie(world: World, listener):
    for name in ("sessionid", "csrftoken", "theme", "messages"):
        for text in TEXTS:
            client = Client(raise_request_exception=False)
            client.cookies[name] = text.replace("\r\n", "").encode().decode("latin-1")
            listener.ask((name, text), lambda c=client: c.get("/login/"))
            listener.ask((name, text), lambda c=client: c.get("/jobs/"))


@pytest.mark.parametrize("path", ["/catalog/?q=a%00b", "/jobs/?kind=%00", f"{API}/jobs?kind=%00", "/login/?next=%00"])
def test_a_nul_byte_in_the_query_is_a_bad_request(superuser_client, path):
    assert superuser_client.generic("GET", path.split("?")[0], QUERY_STRING=path.split("?")[1]).status_code == 400
