"""Copies of inputs for sides that change a store."""

import os
import shutil
from pathlib import Path

from benchmarks.work import Workspace


def copy_path(workspace: Workspace, store: str, side: str) -> Path:
    """Where a side's copy of an input stands."""
    return workspace.root / f"{store}-of-{side}"


def renew_copy(workspace: Workspace, store: str, side: str) -> None:
    """Make it anew, of links: operations replace files, they never write into one."""
    target = copy_path(workspace, store, side)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(workspace.path(store), target, copy_function=os.link)
