"""System checks of an installation, each with what to do about it.

`manage.py check` runs those that are quick. `manage.py check --database default` also
looks at the stores, `manage.py check --deploy --tag broker` asks the broker.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.db import DatabaseError, connections

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
SECRET_KEY_CHARACTERS = 32


@register("paths")
def check_paths(**kwargs: Any) -> list[CheckMessage]:
    """The directories that the desk writes to exist and are writable."""
    directories = (settings.DATACATALOG_HOME, settings.UPLOADS_DIR, settings.EXPORTS_DIR)
    return [
        Error(
            f"{directory} is not a directory that this user can write to.",
            hint="Mend its owner or mode, or point DATACATALOG_HOME at another directory.",
            id="datacatalog.E001",
        )
        for directory in map(Path, directories)
        if not (directory.is_dir() and os.access(directory, os.W_OK | os.X_OK))
    ]


@register(Tags.security)
def check_secret_key(**kwargs: Any) -> list[CheckMessage]:
    """The key that signs sessions cannot be guessed."""
    if len(settings.SECRET_KEY) >= SECRET_KEY_CHARACTERS:
        return []
    return [
        Error(
            f"SECRET_KEY has {len(settings.SECRET_KEY)} characters; {SECRET_KEY_CHARACTERS} are needed.",
            hint="Set a longer SECRET_KEY, or unset it and delete secret-key under DATACATALOG_HOME: "
            "the next start makes one.",
            id="datacatalog.E002",
        )
    ]


@register("broker")
def check_hosts_of_sqlite(**kwargs: Any) -> list[CheckMessage]:
    """A broker elsewhere means workers on several hosts, and SQLite serves one."""
    host = urlsplit(settings.REDIS_URL).hostname
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") or host in LOOPBACK:
        return []
    return [
        Warning(
            f"The database is SQLite, but the broker runs on {host}.",
            hint="Processes on other hosts cannot see this database: set DATABASE_URL to a PostgreSQL database "
            "unless every process runs on this host.",
            id="datacatalog.W001",
        )
    ]


@register(Tags.database)
def check_store_roots(**kwargs: Any) -> list[CheckMessage]:
    """Every registered store is where it is said to be."""
    from catalog_app.models import Store

    if Store._meta.db_table not in connections["default"].introspection.table_names():
        return []  # not migrated yet
    return [
        Warning(
            f"The store {name!r} is registered at {root}, which is not a readable directory.",
            hint="Mount or restore it, or correct its root in the admin.",
            id="datacatalog.W002",
        )
        for name, root in Store.objects.values_list("name", "root")
        if not os.access(root, os.R_OK | os.X_OK)
    ]


@register("broker", deploy=True)
def check_broker(**kwargs: Any) -> list[CheckMessage]:
    """Redis answers."""
    import redis

    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5).ping()
    except redis.RedisError as error:
        return [
            Error(
                f"Redis at {without_password(settings.REDIS_URL)} does not answer: {error}",
                hint="Start it, correct REDIS_URL, or unset REDIS_URL and let `make run` start one.",
                id="datacatalog.E003",
            )
        ]
    return []


@register("broker", deploy=True)
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """The database answers."""
    try:
        connections["default"].ensure_connection()
    except DatabaseError as error:
        return [
            Error(
                f"The database does not answer: {error}",
                hint="Start it, create it, or correct DATABASE_URL.",
                id="datacatalog.E004",
            )
        ]
    return []


def without_password(url: str) -> str:
    """The address, fit for a log."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
