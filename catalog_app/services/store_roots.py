"""Which places may be registered as a store: a directory, or a prefix of a bucket."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
from django.conf import settings

from catalog_app.services.errors import ServiceError
from catalog_app.services.redaction import redact
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import S3_SCHEME, StoreRoot


class RootRefused(ServiceError):
    """The place cannot be a store; the text says why and what to do."""


def uri_of(root: Path | str) -> str:
    """The text that stands for a root in the database: an absolute path with links resolved, or s3://bucket/prefix.

    Raises:
        RootRefused: when it is neither.

    """
    text = str(root).strip()
    if "://" not in text:
        return str(Path(text).expanduser().resolve())
    try:
        return StoreRoot.at(text).uri
    except StoreError as error:
        raise RootRefused(redact(str(error))) from None


def check_root(text: str) -> str:
    """Return the root that a text means, as the database keeps it, when the desk can read it.

    Raises:
        RootRefused: not absolute, not there, not readable, or the desk's own private files; a bucket that is not
            reachable, or credentials in its address.

    """
    text = text.strip()
    if "\x00" in text:
        raise RootRefused("Give an absolute path, such as /data/catalog.")
    return _check_bucket(text) if text.startswith(S3_SCHEME) else str(_check_directory(text))


def _check_directory(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise RootRefused("Give an absolute path, such as /data/catalog, or s3://bucket/prefix.")
    root = path.resolve()
    if not root.is_dir():
        raise RootRefused(f"{root} does not exist or is no directory. Create or mount it first.")
    if not os.access(root, os.R_OK | os.X_OK):
        raise RootRefused(f"{root} cannot be read by the user that runs the desk. Mend its permissions.")
    if is_private(root):
        raise RootRefused(
            f"{root} holds the desk's own files (secret key, database, uploads). Choose another directory."
        )
    return root


def is_private(root: Path) -> bool:
    """Whether it is the desk's home or inside of it, other than where stores live by default."""
    home = settings.DATACATALOG_HOME.resolve()
    meant_for_stores = (home / "demo", settings.NAUTILUS_PATH.resolve())
    inside_home = root.is_relative_to(home) or home.is_relative_to(root)
    return inside_home and not any(root.is_relative_to(place) and place != home for place in meant_for_stores)


def _check_bucket(text: str) -> str:
    uri = uri_of(text)
    root = StoreRoot.at(uri)
    bucket = root.full().partition("/")[0]
    try:
        found = root.fs.get_file_info(bucket).type
        if found == pafs.FileType.NotFound:
            raise RootRefused(
                f"There is no bucket {bucket} at this endpoint. Check its name, AWS_ENDPOINT_URL and region."
            )
        # Whether its names may be read is another right than whether it exists.
        root.fs.get_file_info(pafs.FileSelector(root.full(), allow_not_found=True))
    except (OSError, pa.ArrowException) as error:
        raise RootRefused(
            f"The bucket {bucket} cannot be read: {redact(_first_line(error))}. Give the desk AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY (or a role) with the right to list it, and AWS_REGION or AWS_ENDPOINT_URL."
        ) from None
    return uri


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
