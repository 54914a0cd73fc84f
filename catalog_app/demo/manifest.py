"""The list of what is wrong with the demo store, for machines (JSON) and for people (Markdown)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from catalog_app.store.layout import format_file_name

MANIFEST: Final = ".datacatalog/demo-manifest.json"
VERSION: Final = 1
# Positions are listed up to this many; a dataset that is wrong as a whole lists none.
MAX_POSITIONS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One planted defect.

    `dataset` is the directory below the store's root. `rows` counts bad rows, `missing`
    absent ones; both times are ts_init (ns, UTC) of the first and last of them. `positions`
    are (file, row position in the file); empty for holes, and where every row is bad.
    """

    key: str
    instrument_id: str
    dataset: str
    checks: tuple[str, ...]
    summary: str
    first_ns: int
    last_ns: int
    rows: int
    missing: int
    files: tuple[str, ...]
    positions: tuple[tuple[str, int], ...] = ()


def write_manifest(root: Path, seed: int, findings: Iterable[Finding]) -> None:
    """Write the manifest into a store's root: the defects, and every file of the store with its size in bytes."""
    path = root / MANIFEST
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "version": VERSION,
        "seed": seed,
        "synthetic": True,
        "defects": [_to_json(item) for item in findings],
        "files": _data_files(root),
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def read_manifest(root: Path) -> dict[str, Any] | None:
    """Return a store's manifest; None when the store is no demo store."""
    path = root / MANIFEST
    return json.loads(path.read_text()) if path.is_file() else None


def foreign_files(root: Path) -> list[str]:
    """Return the files of a demo store that its seeding did not write, or that changed since; trash counts too."""
    manifest = read_manifest(root) or {}
    seeded = manifest.get("files", {})
    foreign = [file for file, size in _data_files(root).items() if seeded.get(file) != size]
    trash = sorted((root / ".datacatalog" / "trash").rglob("*"))
    return foreign + [path.relative_to(root).as_posix() for path in trash if path.is_file()]


def _data_files(root: Path) -> dict[str, int]:
    files = sorted(path for path in (root / "data").rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.stat().st_size for path in files}


def _to_json(finding: Finding) -> dict[str, Any]:
    fields = asdict(finding)
    positions = [{"file": file, "row": row} for file, row in finding.positions]
    return {**fields, "first": iso(finding.first_ns), "last": iso(finding.last_ns), "positions": positions}


def iso(ns: int) -> str:
    """Return a time as ISO 8601 with as many decimals as it needs."""
    name = format_file_name(ns, ns)
    day, clock = name.partition("_")[0].rstrip("Z").split("T")
    hours, minutes, seconds, fraction = clock.split("-")
    decimals = fraction.rstrip("0")
    return f"{day}T{hours}:{minutes}:{seconds}{'.' if decimals else ''}{decimals}Z"


def markdown_table(findings: Iterable[Finding]) -> str:
    """Return the findings as the Markdown table of docs/demo-data.md."""
    lines = [
        "| defect | dataset | first | last | bad rows | missing rows | found by | what is wrong |",
        "|---|---|---|---|---:|---:|---|---|",
    ]
    for item in findings:
        checks = ", ".join(f"`{check}`" for check in item.checks)
        times = f"{iso(item.first_ns)} | {iso(item.last_ns)}"
        numbers = f"{item.rows:,} | {item.missing:,}"
        dataset = item.dataset.removeprefix("data/")
        lines.append(f"| `{item.key}` | `{dataset}` | {times} | {numbers} | {checks} | {item.summary} |")
    return "\n".join(lines) + "\n"
