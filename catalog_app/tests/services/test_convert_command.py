"""The command convert_store tells what it left out, and by its exit code."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from catalog_app.tests.store.conversions import write_dataset
from catalog_app.tests.store.frames import frame
from catalog_app.tests.store.trees import put, tree

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, code: int = 0) -> tuple[dict[str, Any], str]:
    """The JSON document and the messages."""
    out, err = StringIO(), StringIO()
    left = 0
    try:
        call_command("convert_store", *arguments, "--json", stdout=out, stderr=err)
    except SystemExit as ended:
        left = int(str(ended.code))
    assert left == code, err.getvalue()
    return json.loads(out.getvalue()), err.getvalue()


def test_skipped_files_are_findings_and_a_repetition_resumes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "v2"
    write_dataset(source, "quote", frame("quote", [1, 2]), frame("quote", [5]))
    broken = "data/quote_tick/EURUSD.SIM/broken.parquet"
    put(source, broken, "rubbish")
    document, messages = run(str(source), str(target), "--to", "v2", "--verify", code=1)
    assert [one["path"] for one in document["skipped"]] == [broken]
    assert (document["files"], document["rows"], document["verified"], document["resumed"]) == (2, 3, True, 0)
    assert f"skipped: {broken}" in messages
    before = tree(target)
    (source / broken).unlink()
    document, _ = run(str(source), str(target), "--to", "v2")
    assert (document["files"], document["skipped"], document["resumed"]) == (2, [], 2)
    assert tree(target) == before
