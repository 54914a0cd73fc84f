"""Preparing a home: each step once, and again only when something changed."""

from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from catalog_app.models import Store
from datacatalog.demo_users import create_demo_users, read_demo_users
from datacatalog.prepare import collect_static, register_first_store
from tests.running import free_port


@pytest.fixture
def static_root(settings: Settings, tmp_path: Path) -> Path:
    """An own source directory with one file, and an empty target."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "page.css").write_text("a { color: red }")
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATIC_ROOT = tmp_path / "collected"
    return tmp_path


@pytest.mark.usefixtures("groups")
def test_a_first_start_makes_one_user_of_each_group(tmp_path: Path) -> None:
    said: list[str] = []

    create_demo_users(tmp_path, said.append)

    passwords = read_demo_users(tmp_path)
    assert {user.username: [group.name for group in user.groups.all()] for user in User.objects.all()} == {
        "trader": ["Trader"],
        "analyst": ["Analyst"],
        "admin": ["Data admin"],
    }
    assert [user.username for user in User.objects.filter(is_staff=True, is_superuser=True)] == ["admin"]
    assert all(authenticate(username=name, password=password) for name, password in passwords.items())
    assert len(set(passwords.values())) == 3
    assert (tmp_path / "demo-users.txt").stat().st_mode & 0o777 == 0o600
    assert said == ["Creating the demo users"]


@pytest.mark.django_db
def test_where_there_is_a_user_none_is_made(tmp_path: Path) -> None:
    User.objects.create_user("someone")

    create_demo_users(tmp_path, pytest.fail)

    assert User.objects.count() == 1
    assert read_demo_users(tmp_path) == {}


def test_static_files_are_collected_again_only_when_they_changed(static_root: Path) -> None:
    said: list[str] = []
    collected = static_root / "collected" / "page.css"

    collect_static(said.append)
    collect_static(said.append)
    assert (len(said), collected.read_text()) == (1, "a { color: red }")

    (static_root / "source" / "page.css").write_text("a { color: green }")
    collect_static(said.append)
    assert (len(said), collected.read_text()) == (2, "a { color: green }")


@pytest.mark.django_db
def test_a_named_store_is_registered_and_no_demo_is_made(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    settings.NAUTILUS_PATH = tmp_path

    register_first_store(pytest.fail)
    register_first_store(pytest.fail)

    assert [(store.root, store.is_demo) for store in Store.objects.all()] == [(str(tmp_path / "catalog"), False)]


@pytest.mark.django_db
def test_a_demo_is_not_seeded_where_a_store_is_registered(settings: Settings, tmp_path: Path) -> None:
    settings.NAUTILUS_PATH = settings.DATACATALOG_HOME / "demo"
    Store.objects.create(name="mine", root=str(tmp_path))

    register_first_store(pytest.fail)

    assert [store.name for store in Store.objects.all()] == ["mine"]


@pytest.mark.django_db
def test_nothing_is_prepared_without_a_broker(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"

    with pytest.raises(CommandError, match="does not answer"):
        call_command("prepare")
