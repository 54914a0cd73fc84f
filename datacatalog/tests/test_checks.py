"""The system checks find what is wrong and say what to do."""

from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from catalog_app.models import Store
from tests.running import free_port


def findings(**options: object) -> dict[str, str]:
    """Hints of the desk's own findings by id."""
    found = run_checks(**options)  # type: ignore[arg-type]
    return {str(one.id): str(one.hint) for one in found if str(one.id).startswith("datacatalog.")}


def test_an_installation_as_tests_have_it_is_fine() -> None:
    assert findings(tags=["paths", "security", "broker"]) == {}


def test_a_missing_directory_is_found(settings: Settings, tmp_path: Path) -> None:
    settings.EXPORTS_DIR = tmp_path / "gone"

    assert "DATACATALOG_HOME" in findings(tags=["paths"])["datacatalog.E001"]


def test_a_short_key_is_found(settings: Settings) -> None:
    settings.SECRET_KEY = "short"

    assert "SECRET_KEY" in findings(tags=["security"])["datacatalog.E002"]


def test_sqlite_with_a_broker_on_another_host_is_warned_of(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    settings.REDIS_URL = "redis://redis.example.com:6379/0"

    assert "DATABASE_URL" in findings(tags=["broker"])["datacatalog.W001"]


@pytest.mark.django_db
def test_a_store_that_is_not_there_is_warned_of_when_the_database_is_asked(tmp_path: Path) -> None:
    Store.objects.create(name="here", root=str(tmp_path))
    Store.objects.create(name="gone", root=str(tmp_path / "gone"))

    found = [one for one in run_checks(databases=["default"]) if one.id == "datacatalog.W002"]

    assert len(found) == 1
    assert "'gone'" in found[0].msg
    assert findings() == {}


@pytest.mark.django_db
def test_a_broker_that_does_not_answer_is_found_without_its_password(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://:hunter2@127.0.0.1:{free_port()}/0"

    found = run_checks(tags=["broker"], include_deployment_checks=True)

    assert [one.id for one in found] == ["datacatalog.E003"]
    assert "127.0.0.1" in found[0].msg
    assert "hunter2" not in found[0].msg


def test_a_broker_is_not_asked_by_the_quick_checks(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"

    assert findings() == {}
