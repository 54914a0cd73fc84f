"""What a store's data directory holds, as a comparable value."""

import hashlib
from pathlib import Path

Tree = dict[str, str]


def tree(root: Path) -> Tree:
    """Relative path -> SHA-256 of every file below data/."""
    data = root / "data"
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file()
    }


def put(root: Path, rel_path: str, content: str) -> Path:
    """Write a file below the root, as somebody else would."""
    path = root / rel_path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def leftovers(root: Path) -> list[str]:
    """Staged files and undecided records: none may outlive a recovery."""
    area = root / ".datacatalog"
    found = [*(area / "staging").glob("*"), *(area / "journal" / "pending").glob("*.json")]
    return sorted(path.name for path in found)
