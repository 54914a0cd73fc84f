"""Where a store is: a local directory or a prefix of an S3-compatible bucket, behind pyarrow.fs.

Credentials come from the environment or the machine's role, as AWS tools take them (AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL …); a root never holds any.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.fs as pafs

from catalog_app.store.errors import StoreError

S3_SCHEME: Final = "s3://"

type Root = StoreRoot | Path | str
# Exclusive access to a store: `with guard() as held:` waits for it, and `held()` raises StoreError once it was lost
# (a lease that ran out). Everybody who changes the store must use the same one.
type Held = Callable[[], None]
type Guard = Callable[[], AbstractContextManager[Held]]


@dataclass(frozen=True)
class StoreRoot:
    """A store's root. `uri` is an absolute local path or s3://bucket/prefix; paths given to it are below the root.

    `guard` keeps other writers out, `scratch` is the local directory for files on their way into a bucket (None: the
    system's temporary directory): see `guarded`.
    """

    uri: str
    guard: Guard | None = field(default=None, compare=False, repr=False)
    scratch: Path | None = field(default=None, compare=False, repr=False)

    @classmethod
    def at(cls, root: Root) -> Self:
        """The root that a path or text means; StoreError for a URI that is neither local nor S3."""
        if isinstance(root, cls):
            return root
        text = str(root)
        if text.startswith("s3:/"):
            bucket, _, prefix = text.removeprefix("s3:").strip("/").partition("/")
            if not bucket or "@" in bucket or "?" in text:
                raise StoreError(f"{S3_SCHEME}…: give s3://bucket/prefix; credentials belong into the environment")
            return cls(f"{S3_SCHEME}{bucket}/{prefix}".rstrip("/"))
        if "://" in text:
            raise StoreError(f"{text}: a store is a local directory or s3://bucket/prefix")
        return cls(os.path.abspath(text))  # noqa: PTH100 - links stay as they are named

    def guarded(self, guard: Guard, *, scratch: Path | None = None) -> Self:
        """The same root for changing the store under a guard: needed for a bucket, which has no locks of its own.

        A local store is locked by its lock file in any case; a guard adds writers on other machines.
        """
        return replace(self, guard=guard, scratch=scratch or self.scratch)

    @property
    def is_local(self) -> bool:
        """Whether files have paths of this machine."""
        return not self.uri.startswith(S3_SCHEME)

    @property
    def path(self) -> Path:
        """The local directory; StoreError for a bucket."""
        if not self.is_local:
            raise StoreError(f"{self.uri}: this needs a local directory")
        return Path(self.uri)

    @cached_property
    def fs(self) -> pafs.FileSystem:
        """The filesystem that `full` paths belong to."""
        return pafs.LocalFileSystem() if self.is_local else _s3()

    def full(self, rel_path: str = "") -> str:
        """The path of a file or directory for `fs`."""
        base = self.uri.removeprefix(S3_SCHEME)
        return f"{base}/{rel_path}" if rel_path else base

    def open_input(self, rel_path: str) -> pa.NativeFile:
        """Open a file for random access; FileNotFoundError, OSError."""
        return self.fs.open_input_file(self.full(rel_path))

    def source(self, rel_path: str) -> str:
        """The file as Polars names it; scan it with `storage_options`."""
        return f"{self.uri}/{rel_path}"

    @property
    def storage_options(self) -> dict[str, Any] | None:
        """Polars' options for this root; None where the environment says everything."""
        endpoint = _endpoint()
        if self.is_local or endpoint is None:
            return None
        options = {"aws_endpoint_url": endpoint}
        return {**options, "aws_allow_http": "true"} if endpoint.startswith("http://") else options

    def __str__(self) -> str:
        return self.uri


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


def _s3() -> pafs.FileSystem:
    return _s3_at(_endpoint(), os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"))


@lru_cache(maxsize=8)
def _s3_at(endpoint: str | None, region: str | None) -> pafs.FileSystem:
    # Delayed: an object that fits into one part is one PUT, which readers see whole or not at all.
    return pafs.S3FileSystem(endpoint_override=endpoint, region=region, allow_delayed_open=True)
