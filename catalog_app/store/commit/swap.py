"""A directory's old content for its new one, in one step that readers cannot look into (Linux, renameat2).

The new directory is built in the operation's staging of hard links: the files that stay and the staged ones. One
exchange of names makes it the live one. Then the old directory is settled: files that leave go to the trash, and what
somebody else did in it meanwhile is done in the live one too: their new files move over with their inodes, so that a
file still being written arrives whole.
"""

import ctypes
import errno
import os
import shutil
from pathlib import Path
from typing import Final

from catalog_app.store.commit import durable
from catalog_app.store.commit.records import FileRecord, Switch
from catalog_app.store.errors import ConcurrentChange, StoreError

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
# What a file system answers that knows no exchange or hard links, or where this user may not use them.
_UNSUPPORTED: Final = frozenset(
    {
        errno.ENOSYS,
        errno.EINVAL,
        errno.EOPNOTSUPP,
        errno.EXDEV,
        errno.EBUSY,
        errno.EPERM,
        errno.EACCES,
        errno.EMLINK,
    }
)
_SETTLED: Final = ".settled"


def exchange(first: Path, second: Path) -> None:
    """Let two directories change their names in one step; OSError where that is not possible."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        raise OSError(errno.ENOSYS, "no renameat2 on this system")
    if renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(first))


def build(live: Path, built: Path, directory: str, leaving: set[str], coming: dict[str, Path]) -> Switch | None:
    """Build the directory that shall take the place of `live`; None where that takes more than files and links."""
    is_new = not live.exists()
    try:
        durable.make_directories(built)
        kept = {} if is_new else _link_present(live, built, leaving)
        for name, staged in {} if kept is None else coming.items():
            os.link(staged, built / name)
            durable.on_step(f"linked {name}")
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        kept = None
    if kept is None:
        shutil.rmtree(built)
        return None
    durable.fsync_directory(built)
    return Switch(directory, built.name, is_new, built.stat().st_ino, kept)


def _link_present(live: Path, built: Path, leaving: set[str]) -> dict[str, int] | None:
    """Give the built directory the live one's owner and rights, and all files but those that leave."""
    shutil.copystat(live, built)
    owner, ours = live.stat(), built.stat()
    if (owner.st_uid, owner.st_gid) != (ours.st_uid, ours.st_gid):
        os.chown(built, owner.st_uid, owner.st_gid)
    kept: dict[str, int] = {}
    for name, is_directory in _entries(live):
        if is_directory:
            return None
        if name in leaving:
            continue
        try:
            os.link(live / name, built / name, follow_symlinks=False)
        except FileNotFoundError:  # its owner has just removed it
            continue
        kept[name] = (built / name).lstat().st_ino
        durable.on_step(f"linked {name}")
    return kept


def switch(item: Switch, live: Path, out: Path, leaving: list[FileRecord], coming: list[FileRecord]) -> bool:
    """Make the built directory at `out` the live one, unless that has happened; False where it is not possible.

    Raises ConcurrentChange, when the live directory changed in files that the operation is about.
    """
    if not _has_inode(out, item.inode):
        _require_switched(item, live, out, coming)
        return True
    require_unchanged(live, leaving, coming)
    try:
        if item.is_new:
            durable.make_directories(live.parent)
            out.rename(live)
        else:
            exchange(out, live)
    except FileNotFoundError:
        raise ConcurrentChange(f"{item.directory}: the directory is gone; nothing was changed") from None
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            raise ConcurrentChange(f"{item.directory}: somebody else made it meanwhile; nothing was changed") from None
        if error.errno in _UNSUPPORTED:
            return False
        raise
    durable.on_step(f"switched {live.name}")
    durable.fsync_directory(live.parent)
    durable.fsync_directory(out.parent)
    if not item.is_new:
        require_unchanged(out, leaving, coming)
    return True


def _require_switched(item: Switch, live: Path, out: Path, coming: list[FileRecord]) -> None:
    """ConcurrentChange where the built directory is neither waiting nor live: somebody took it away."""
    if is_out(item, live, out) or out.with_name(out.name + _SETTLED).exists() or _has_inode(live, item.inode):
        return
    for file in coming:
        if not file.is_at(live / file.name):
            raise ConcurrentChange(f"{file.path}: the file was taken away meanwhile; nothing was changed")


def require_unchanged(place: Path, leaving: list[FileRecord], coming: list[FileRecord]) -> None:
    """ConcurrentChange unless the files that leave are in `place` as described, and no others have coming names."""
    for file in leaving:
        if not file.is_at(place / file.name):
            raise ConcurrentChange(f"{file.path}: the file changed meanwhile; nothing was changed")
    names = {file.name for file in leaving}
    for file in coming:
        if file.name not in names and os.path.lexists(place / file.name):
            raise ConcurrentChange(f"{file.path}: a file of this name exists; nothing was changed")


def is_out(item: Switch, live: Path, out: Path) -> bool:
    """Whether the old directory is at `out`: switched, and not settled yet. StoreError where that cannot be told."""
    if not out.exists() or _has_inode(out, item.inode):
        return False
    if live.exists() and not _has_inode(live, item.inode):
        raise StoreError(
            f"{item.directory} is not the directory that an interrupted operation left there (was the store copied?): "
            f"compare it with {out}, put the right files into it, and move {out} away"
        )
    return True


def switch_back(live: Path, out: Path) -> None:
    """Make the old directory at `out` the live one again."""
    exchange(out, live)
    durable.on_step(f"switched back {live.name}")
    durable.fsync_directory(live.parent)
    durable.fsync_directory(out.parent)


def settle(item: Switch, live: Path, out: Path, own: dict[str, FileRecord], trash: Path | None, aside: Path) -> None:
    """Do in `live` what others did in the directory at `out`, which is no longer live, and remove that.

    The operation's `own` files go to `trash`, or are removed where it is None. Another's file whose name is taken in
    `live` is kept in `aside`. May be repeated after a crash.
    """
    settled = out.with_name(out.name + _SETTLED)
    if out.exists():
        _settle_entries(item, live, out, own, trash, aside)
        if live.exists():
            durable.fsync_directory(live)
        # From here on a missing name means that we removed it, no longer that somebody else did.
        out.rename(settled)
        durable.on_step(f"settled {live.name}")
        durable.fsync_directory(out.parent)
    while settled.exists():
        _clear(item, live, settled, aside)
        try:
            settled.rmdir()
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        durable.on_step(f"removed the old {live.name}")


def _settle_entries(
    item: Switch, live: Path, out: Path, own: dict[str, FileRecord], trash: Path | None, aside: Path
) -> None:
    for name, _ in _entries(out):
        file = own.get(name)
        if file is not None and file.is_at(out / name):
            if trash is None or file.is_at(trash / name):
                durable.remove(out / name)
            else:
                durable.make_directories(trash)
                durable.move_new(out / name, trash / name)
        elif not _is_kept(item, out, name):
            _hand_over(item, out / name, live / name, aside)
    if trash is not None and trash.exists():
        durable.fsync_directory(trash)
    for name in item.kept.keys() - {name for name, _ in _entries(out)}:
        if _is_kept(item, live, name):  # its owner removed it from the directory that was live
            durable.remove(live / name)


def _clear(item: Switch, live: Path, settled: Path, aside: Path) -> None:
    for name, _ in _entries(settled):
        if _is_kept(item, settled, name):
            durable.remove(settled / name)
        else:
            _hand_over(item, settled / name, live / name, aside)


def _hand_over(item: Switch, source: Path, target: Path, aside: Path) -> None:
    """Bring another's file into the live directory under its own inode, which may still be written."""
    if _is_kept(item, target.parent, target.name):  # they replaced a file that stays: theirs is the newer one
        source.replace(target)
        durable.on_step(f"handed over {target.name}")
        return
    try:
        if source.is_dir() and not source.is_symlink():
            source.rename(target)
        elif os.path.lexists(target) and source.samefile(target):
            source.unlink()
        else:
            durable.move_new(source, target)
    except (FileExistsError, FileNotFoundError) as error:
        if isinstance(error, FileNotFoundError) and not os.path.lexists(source):
            return  # its owner took it away
        durable.make_directories(aside)
        source.replace(aside / source.name)
        durable.fsync_directory(aside)
    durable.on_step(f"handed over {target.name}")


def discard(item: Switch, out: Path) -> None:
    """Remove a built directory that never was live: it holds nothing but links."""
    if _has_inode(out, item.inode):
        shutil.rmtree(out)
        durable.on_step(f"removed {out.name}")


def _is_kept(item: Switch, place: Path, name: str) -> bool:
    """Whether the file that stays is in `place` under its name, and not another one."""
    try:
        return name in item.kept and (place / name).lstat().st_ino == item.kept[name]
    except FileNotFoundError:
        return False


def _has_inode(path: Path, inode: int) -> bool:
    try:
        return path.stat().st_ino == inode
    except FileNotFoundError:
        return False


def _entries(directory: Path) -> list[tuple[str, bool]]:
    """Names in a directory, and whether each is a directory itself."""
    with os.scandir(directory) as found:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
