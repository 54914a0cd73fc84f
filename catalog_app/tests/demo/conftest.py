"""The whole demo store, built once for all tests of this directory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from catalog_app.demo.build import build_store
from catalog_app.demo.manifest import Finding, read_manifest


@dataclass(frozen=True)
class DemoStore:
    root: Path
    findings: list[Finding]
    manifest: dict[str, Any]

    def finding(self, key: str) -> Finding:
        return next(item for item in self.findings if item.key == key)


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> DemoStore:
    """Never change it."""
    root = tmp_path_factory.mktemp("demo") / "catalog"
    root.mkdir()
    findings = build_store(root)
    manifest = read_manifest(root)
    assert manifest is not None
    return DemoStore(root, findings, manifest)
