"""Which directories may be registered as a store."""

import os
from pathlib import Path

from django.conf import settings

from catalog_app.services.errors import ServiceError


class RootRefused(ServiceError):
    """The directory cannot be a store; the text says why and what to do."""


def check_root(text: str) -> Path:
    """Return the directory that a store's root means, with links resolved.

    Raises:
        RootRefused: not absolute, not there, not readable, or the desk's own private files.

    """
    path = Path(text.strip())
    if "\x00" in text or not path.is_absolute():
        raise RootRefused("Give an absolute path, such as /data/catalog.")
    root = path.resolve()
    if not root.is_dir():
        raise RootRefused(f"{root} does not exist or is no directory. Create or mount it first.")
    if not os.access(root, os.R_OK | os.X_OK):
        raise RootRefused(f"{root} cannot be read by the user that runs the desk. Mend its permissions.")
    if _is_private(root):
        raise RootRefused(
            f"{root} holds the desk's own files (secret key, database, uploads). Choose another directory."
        )
    return root


def _is_private(root: Path) -> bool:
    """Whether it is the desk's home or inside of it, other than where stores live by default."""
    home = settings.DATACATALOG_HOME.resolve()
    meant_for_stores = (home / "demo", settings.NAUTILUS_PATH.resolve())
    inside_home = root.is_relative_to(home) or home.is_relative_to(root)
    return inside_home and not any(root.is_relative_to(place) and place != home for place in meant_for_stores)
