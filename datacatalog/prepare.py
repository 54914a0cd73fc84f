"""Everything between an empty home and a desk that can serve, each step only when needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from datacatalog.demo_users import create_demo_users

type Say = Callable[[str], object]


def prepare(say: Say, *, demo_users: bool) -> None:
    """Bring database, static files, users and the first store up to date.

    Raises:
        CommandError: with what is wrong and how to mend it.

    """
    call_command("check", deploy=True, tags=["broker"], stdout=StringIO())
    call_command("migrate", verbosity=0, interactive=False)
    collect_static(say)
    if demo_users:
        create_demo_users(settings.DATACATALOG_HOME, say)
    register_first_store(say)
    make_first_schedules()
    request_syncs()


def collect_static(say: Say) -> None:
    """Collect, compress and hash the static files when any of them changed."""
    stamp = Path(settings.STATIC_ROOT) / ".fingerprint"
    fingerprint = _static_fingerprint()
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return
    say("Collecting static files")
    # Cleared: else a file with an older date, as after going back a version, would not be copied.
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(fingerprint)


def _static_fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def register_first_store(say: Say) -> None:
    """Register $NAUTILUS_PATH/catalog; without NAUTILUS_PATH seed the demo store, once, and have it checked."""
    from catalog_app.models import Dataset, Store
    from catalog_app.services import changes
    from catalog_app.services.stores import register_default_store

    if settings.DATACATALOG_HOME / "demo" != settings.NAUTILUS_PATH:
        register_default_store()
    elif not Store.objects.exists():
        say("Seeding the demo store with synthetic data (first start only)")
        call_command("seed_demo")
        changes.tell(list(Dataset.objects.values_list("pk", flat=True)), None)


def make_first_schedules() -> None:
    """Have reports made daily and weekly, unless somebody decided about that already."""
    from quality_app.services.reports.defaults import make_default_schedules

    make_default_schedules()


def request_syncs() -> None:
    """Have the worker read what changed in the stores while the desk was not running."""
    from catalog_app.models import Store
    from catalog_app.services.stores import request_sync

    for store in Store.objects.all():
        request_sync(store, None)
