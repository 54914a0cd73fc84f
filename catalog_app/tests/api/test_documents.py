"""The OpenAPI document and the reference page."""

import re

import pytest

from catalog_app.tests.api.conftest import BASE

pytestmark = pytest.mark.django_db


def test_the_document_describes_every_operation(client):
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    operations = [op for methods in document["paths"].values() for op in methods.values()]
    assert len({op["operationId"] for op in operations}) == len(operations) >= 11
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert operation["x-scopes"]
        assert operation["x-permission"]
        assert {"401", "403"} <= set(operation["responses"])
        answer = next(r for code, r in operation["responses"].items() if code.startswith("2"))
        if "content" in answer:  # a download has no shape
            assert answer["content"]["application/json"]["example"]


def test_names_on_the_wire_are_camel_case(client):
    document = client.get("/api/v1/openapi.json").json()
    names = [name for schema in document["components"]["schemas"].values() for name in schema.get("properties", {})]
    queries = [
        p["name"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for p in operation["parameters"]
        if p["in"] == "query"
    ]
    assert len(names) > 50
    assert not [name for name in names + queries if not re.fullmatch(r"[a-z][A-Za-z0-9]*", name)]


def test_the_page_shows_every_operation_and_runs_nothing(trader_client, client):
    page = trader_client.get("/api/v1/docs")
    text = page.content.decode()
    for path, methods in client.get("/api/v1/openapi.json").json()["paths"].items():
        assert path in text
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in text
    assert "<style" not in text
    assert " style=" not in text
    assert not re.findall(r"<script(?![^>]*src=)", text)
    assert f"http://testserver{BASE}/catalog" in text


def test_the_page_needs_login_and_the_document_does_not(client):
    assert client.get("/api/v1/docs").status_code == 302
    assert client.get("/api/v1/openapi.json").status_code == 200
    assert client.post("/api/v1/openapi.json").status_code == 405
