"""Fixtures that every app's tests share."""

from collections.abc import Callable
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client
from hypothesis import settings as hypothesis_settings

# How long an example takes is the machine's business: only what it shows counts.
hypothesis_settings.register_profile("desk", deadline=None)
hypothesis_settings.load_profile("desk")

PASSWORD = "a-long-test-password"

LATER_GROUPS = ("quality_app.migrations.0009_more_groups", "quality_app.migrations.0011_gap_groups")

DATABASE = {"db", "transactional_db", "django_db_setup", "live_server"}
# Here processes of the desk run, which take the database and the broker from the environment.
PROCESSES = ("catalog_app/tests/jobs/", "datacatalog/tests/", "tests/faults/", "tests/security/")
# These bring services of their own.
EMBEDDED = ("tests/faults/test_killed_stores.py", "tests/faults/test_store_faults.py", "tests/test_run.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what knows no database and no broker: `make test-services` need not run it again."""
    for item in items:
        path = item.path.relative_to(item.config.rootpath).as_posix()
        uses = set(getattr(item, "fixturenames", ())) & DATABASE or item.get_closest_marker("django_db")
        processes = path.startswith(PROCESSES) and not path.startswith(EMBEDDED)
        if not uses and not processes and item.get_closest_marker("services") is None:
            item.add_marker("pure")


@pytest.fixture
def groups(db: None) -> None:
    """The groups with their permissions, also after a test with transactions flushed what the migrations made."""
    if not Group.objects.exists():
        for migration in ("catalog_app.migrations.0002_groups", "quality_app.migrations.0002_groups", *LATER_GROUPS):
            import_module(migration).grant(apps, None)


@pytest.fixture
def make_user(groups: None) -> Callable[..., User]:
    """Make a user in the named groups."""

    def make(username: str, *groups: str, is_staff: bool = False) -> User:
        user = User.objects.create_user(username, password=PASSWORD, is_staff=is_staff)
        user.groups.set(Group.objects.filter(name__in=groups))
        return user

    return make


@pytest.fixture
def trader(make_user: Callable[..., User]) -> User:
    return make_user("trader", "Trader")


@pytest.fixture
def analyst(make_user: Callable[..., User]) -> User:
    return make_user("analyst", "Analyst")


@pytest.fixture
def data_admin(make_user: Callable[..., User]) -> User:
    return make_user("data-admin", "Data admin", is_staff=True)


@pytest.fixture
def nobody(make_user: Callable[..., User]) -> User:
    """A user who may log in and nothing else."""
    return make_user("nobody")


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def trader_client(trader: User) -> Client:
    return _client(trader)


@pytest.fixture
def analyst_client(analyst: User) -> Client:
    return _client(analyst)


@pytest.fixture
def data_admin_client(data_admin: User) -> Client:
    return _client(data_admin)


@pytest.fixture
def nobody_client(nobody: User) -> Client:
    return _client(nobody)
