"""Which stores there are: registering them and finding the one that is meant."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from catalog_app.models import Job, Store
from catalog_app.models.job import JobState
from catalog_app.services.errors import ServiceError
from catalog_app.services.jobs import enqueue
from catalog_app.services.store_roots import uri_of
from catalog_app.store.filesystem import S3_SCHEME


class UnknownStore(ServiceError):
    """No store answers to that name or path."""


def register_default_store() -> Store:
    """Register `$NAUTILUS_PATH/catalog`, NautilusTrader's own default, when it is not known yet."""
    return register_store(settings.NAUTILUS_PATH / "catalog")


def register_store(root: Path | str, *, name: str = "", read_only: bool = False, is_demo: bool = False) -> Store:
    """Return the store at a directory or in a bucket, registering it when it is new.

    Args:
        root: The directory that holds `data/`, made absolute; or s3://bucket/prefix.
        name: Wanted name; without one it is made from the directory's.
        read_only: Whether operations that change files are refused.
        is_demo: Whether it holds synthetic data.

    Raises:
        RootRefused: when a URI is no store's.

    """
    uri = uri_of(root)
    with transaction.atomic():
        known = Store.objects.filter(root=uri).first()
        if known:
            return known
        return Store.objects.create(
            name=_free_name(name or _name_of(uri)), root=uri, read_only=read_only, is_demo=is_demo
        )


def find_store(name_or_path: str = "") -> Store:
    """Return the named store, the store at that path, or without an argument the first one.

    A directory, or a prefix of a bucket, that is no known store is registered read-only.

    Raises:
        UnknownStore: when nothing fits.

    """
    if not name_or_path:
        return Store.objects.order_by("pk").first() or register_default_store()
    is_place = name_or_path.startswith(S3_SCHEME) or Path(name_or_path).expanduser().is_dir()
    if is_place and not Store.objects.filter(name=name_or_path).exists():
        return register_store(name_or_path, read_only=True)
    return registered_store(name_or_path)


def registered_store(name: str = "") -> Store:
    """Return the store of that name, without one the first; never looks at paths.

    Raises:
        UnknownStore: when there is none.

    """
    found = Store.objects.filter(name=name) if name else Store.objects.order_by("pk")
    store = found.first()
    if store is None:
        names = ", ".join(Store.objects.values_list("name", flat=True)) or "none"
        raise UnknownStore(f"{name!r} is no known store. Known stores: {names}.")
    return store


def request_sync(store: Store, user: User | None, *, idempotency_key: str | None = None) -> Job:
    """Queue the job that reads a store's files into the index, or return the one that is waiting."""
    parameters = {"storeId": store.pk}
    waiting = Job.objects.filter(kind="sync", parameters=parameters, state=JobState.QUEUED)
    same = None if idempotency_key else waiting.first()  # a key asks for a job of its own
    return same or enqueue(
        "sync",
        parameters,
        title=f"Sync {store.name}",
        user=user,
        queue=Job.Queue.INTERACTIVE,
        idempotency_key=idempotency_key,
    )


def _name_of(uri: str) -> str:
    *parents, last = uri.removeprefix(S3_SCHEME).strip("/").split("/")
    meaningful = parents[-1] if last in {"catalog", "data"} and parents else last
    return re.sub(r"[^A-Za-z0-9_-]+", "-", meaningful).strip("-")[:60] or "store"


def _free_name(name: str) -> str:
    taken = set(Store.objects.filter(name__startswith=name).values_list("name", flat=True))
    candidates = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)
