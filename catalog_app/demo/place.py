"""Puts the demo store into its directory: whole or not at all, and never over somebody's data."""

from __future__ import annotations

import shutil
from pathlib import Path

from catalog_app.demo.build import build_store
from catalog_app.demo.generate import Scope
from catalog_app.demo.manifest import foreign_files, read_manifest
from catalog_app.store.commit import durable
from catalog_app.store.errors import StoreError


class NotADemoStore(StoreError):
    """The directory holds something that was not seeded; nothing was changed."""


def place_store(target: Path, scope: Scope | None = None, *, force: bool = False) -> bool:
    """Build the demo store beside its place and rename it there; return whether it was built.

    A demo store that is there stays as it is, or with `force` is replaced unless somebody wrote
    into it. A process that dies on the way never leaves half a store; what it had built is
    thrown away by the next one.

    Raises:
        NotADemoStore: when the place holds anything that was not seeded.
        StoreError: when the disk refuses, or another process is seeding for over five minutes.

    """
    with durable.explained(f"cannot seed {target}"):
        durable.make_directories(target.parent)
        return _place_locked(target, scope, force=force)


def _place_locked(target: Path, scope: Scope | None, *, force: bool) -> bool:
    with durable.locked(_beside(target, "lock"), timeout_seconds=300):
        if _is_demo(target):
            if not force:
                return False
            _refuse_foreign(target)
        building, replaced = _beside(target, "building"), _beside(target, "replaced")
        for leftover in (building, replaced):
            shutil.rmtree(leftover, ignore_errors=True)
        building.mkdir()
        build_store(building, scope)
        if target.exists():
            target.rename(replaced)
        building.rename(target)
        durable.fsync_directory(target.parent)
        shutil.rmtree(replaced, ignore_errors=True)
    return True


def _refuse_foreign(target: Path) -> None:
    """Refuse to replace a demo store into which somebody wrote."""
    foreign = foreign_files(target)
    if foreign:
        raise NotADemoStore(
            f"{target} holds {len(foreign)} files that seed_demo did not write, such as {foreign[0]}: "
            "it is left alone. Export or move what you need, and delete the directory yourself."
        )


def _beside(target: Path, purpose: str) -> Path:
    return target.with_name(f".{target.name}.seed-{purpose}")


def _is_demo(target: Path) -> bool:
    """Return whether a demo store is there; False for nothing, or an empty directory."""
    if not target.exists():
        return False
    if target.is_dir() and read_manifest(target) is not None:
        return True
    if target.is_dir() and not any(target.iterdir()):
        return False
    raise NotADemoStore(
        f"{target} holds something that seed_demo did not write: it is left alone. "
        "Set NAUTILUS_PATH to another directory, or move what is there away."
    )
