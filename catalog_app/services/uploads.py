"""Vendors' files as they arrive: kept under a key of ours, never under the sender's name."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db.models import QuerySet
from django.utils import timezone

from catalog_app.models import Import, Upload
from catalog_app.models.job import JobState
from catalog_app.services.errors import ServiceError

KEEP_DAYS = 7
_HASH_CHUNK = 1 << 20


class UploadRefused(ServiceError):
    """The file is not taken; the message says why and what to do."""


def keep_upload(uploaded: UploadedFile, user: User) -> Upload:
    """Move an uploaded file below the uploads directory and record it.

    Args:
        uploaded: The file of a multipart request, already streamed to disk.
        user: Who sent it.

    Raises:
        UploadRefused: when it is empty, over the limit, or the disk has no room to work on it.

    """
    size = uploaded.size or 0
    if size == 0:
        raise UploadRefused(f"{display_name(uploaded.name)} is empty. Choose a file with data in it.")
    if size > settings.UPLOAD_LIMIT_BYTES:
        raise UploadRefused(
            f"{display_name(uploaded.name)} has {size / 1024**2:,.0f} MiB; the limit is "
            f"{settings.UPLOAD_LIMIT_BYTES / 1024**2:,.0f} MiB. Split or compress it, or raise UPLOAD_LIMIT_MB."
        )
    free = shutil.disk_usage(settings.UPLOADS_DIR).free
    if free < 2 * size:
        raise UploadRefused(
            f"The disk has {free / 1024**2:,.0f} MiB left; importing {size / 1024**2:,.0f} MiB needs twice its size."
        )
    upload_id = uuid.uuid4()
    target = settings.UPLOADS_DIR / upload_id.hex
    if isinstance(uploaded, TemporaryUploadedFile):
        _link_or_copy(Path(uploaded.temporary_file_path()), target)
    else:
        with target.open("xb") as out:
            for chunk in uploaded.chunks():
                out.write(chunk)
    return _record(upload_id, target, display_name(uploaded.name), user)


def keep_local_file(path: Path, user: User | None) -> Upload:
    """Record a file of this machine for an import by command; a link or copy is kept, the original stays."""
    upload_id = uuid.uuid4()
    target = settings.UPLOADS_DIR / upload_id.hex
    _link_or_copy(path.resolve(strict=True), target)
    return _record(upload_id, target, display_name(path.name), user)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _record(upload_id: uuid.UUID, target: Path, name: str, user: User | None) -> Upload:
    return Upload.objects.create(
        upload_id=upload_id,
        original_name=name,
        file_path=str(target),
        size_bytes=target.stat().st_size,
        sha256=sha256_of(target),
        user=user,
    )


def visible_uploads(user: User) -> QuerySet[Upload]:
    """Return the uploads that a user may import: their own, or all for those who may change imports."""
    return Upload.objects.all() if user.has_perm("catalog_app.change_import") else Upload.objects.filter(user=user)


def upload_path(upload: Upload) -> Path:
    """Return where an upload's file lies.

    Raises:
        UploadRefused: when it was purged or lies outside the uploads directory.

    """
    path = Path(upload.file_path).resolve()
    if upload.purged_at or not path.is_file():
        raise UploadRefused(
            f"{upload.original_name} is no longer kept (uploads stay {KEEP_DAYS} days). Upload it again."
        )
    if not path.is_relative_to(settings.UPLOADS_DIR.resolve()):
        raise UploadRefused(f"{upload.original_name} does not lie in the uploads directory.")
    return path


def purge_uploads() -> int:
    """Delete the files of uploads older than a week that no waiting or running import needs; return how many."""
    old = Upload.objects.filter(purged_at=None, created_at__lt=timezone.now() - timedelta(days=KEEP_DAYS))
    needed = Import.objects.filter(job__state__in=(JobState.QUEUED, JobState.RUNNING)).values("upload_id")
    count = 0
    for upload in old.exclude(pk__in=needed):
        Path(upload.file_path).unlink(missing_ok=True)
        upload.purged_at = timezone.now()
        upload.save(update_fields=("purged_at",))
        count += 1
    return count


def display_name(name: str | None) -> str:
    """Return the last part of a sent file name without control characters: for display, never for a path."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable()).strip()[:255] or "unnamed"


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(_HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
