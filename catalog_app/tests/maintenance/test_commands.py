"""The commands of the store engine: JSON on standard output, exit codes 0, 1, 2."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog_app.models import Store, StoreOperation
from catalog_app.store.commit.journal import Transaction
from catalog_app.tests.maintenance.conftest import files_of
from catalog_app.tests.maintenance.test_undo import replace_first_file


def run(name: str, *arguments: str, code: int = 0) -> Any:
    """Call a command with --json; return its document, having checked its exit code."""
    out, errors = StringIO(), StringIO()
    try:
        call_command(name, *arguments, "--json", stdout=out, stderr=errors)
    except SystemExit as end:
        assert end.code == code, errors.getvalue()
    else:
        assert code == 0
    return json.loads(out.getvalue())


def usage_error(name: str, *arguments: str) -> str:
    with pytest.raises(CommandError) as refused:
        call_command(name, *arguments)
    assert refused.value.returncode == 2
    return str(refused.value)


def test_a_dry_run_plans_and_changes_nothing(store, bar_dataset):
    before = files_of(store)
    document = run("maintain_store", "consolidate", "--store", "desk", "--all", "--period", "year", "--dry-run")
    assert document["dryRun"] is True
    assert document["totals"]["datasets"] == 1
    assert files_of(store) == before


def test_maintenance_changes_and_undo_brings_back(store, bar_dataset):
    before = files_of(store)
    document = run("maintain_store", "consolidate", "--instrument", "GBPUSD.SIM", "--period", "year")
    (operation,) = document["operations"]
    assert (operation["filesBefore"], operation["filesAfter"]) == (3, 1)

    document = run("undo_operation", operation["operationId"])

    assert (document["undoes"], document["error"]) == (operation["operationId"], "")
    assert files_of(store) == before
    document = run("undo_operation", operation["operationId"], code=1)
    assert "has been undone" in document["error"]


def test_the_text_for_people_says_what_changed(store, bar_dataset):
    out = StringIO()
    call_command("maintain_store", "consolidate", "--all", "--period", "year", "--dry-run", stdout=out)
    assert f"{bar_dataset.path}: 3 → 1 files, 1000 → 1000 rows" in out.getvalue()
    assert "nothing to do" in out.getvalue()


def test_failures_exit_with_one(store, bar_dataset):
    Store.objects.filter(pk=store.pk).update(read_only=True)
    assert "read-only" in usage_error("maintain_store", "sort_rows", "--all")
    assert "read-only" in run("purge_trash", "--older-than-days", "1", code=1)["error"]
    assert "read-only" in run("recover_store", code=1)["error"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("consolidate", "--period", "year"), "Name datasets"),
        (("consolidate", "--all"), "one of target rows"),
        (("consolidate", "--all", "--period", "decade"), "period must be"),
        (("delete_range", "--all", "--start", "2024-02-01"), "end_ns"),
        (("delete_range", "--all", "--start", "soon", "--end", "2024-02-01"), "is not a time"),
        (("sort_rows", "--all", "--start", "2024-02-01"), "takes no startNs"),
        (("sort_rows", "--instrument", "NOBODY.SIM"), "at least one dataset"),
        (("archive", "--all", "--target-store", "nowhere"), "no known store"),
        (("sort_rows", "--all", "--store", "nowhere"), "no known store"),
    ],
)
def test_wrong_usage_exits_with_two(store, arguments, words):
    assert words in usage_error("maintain_store", *arguments)


def test_an_undo_of_nothing_is_wrong_usage(store):
    assert "no operation's id" in usage_error("undo_operation", "nonsense")
    assert "has no operation" in usage_error("undo_operation", "00000000-0000-0000-0000-000000000000")


def test_an_operation_that_only_the_journal_knows_can_be_undone(store, bar_dataset):
    first = bar_dataset.files.order_by("path").first()
    with Transaction(store.root, "delete_range", bar_dataset.path) as tx:
        tx.remove(first.path)
        committed = tx.commit()
    run("undo_operation", str(committed.operation_id))
    assert StoreOperation.objects.get(pk=committed.operation_id).state == "undone"


def test_a_purge_by_age_or_by_operation(store, bar_dataset, settings):
    settings.TRASH_RETENTION_DAYS = 30
    operation = replace_first_file(store, bar_dataset)
    assert run("purge_trash")["operations"] == 0
    document = run("purge_trash", "--operation", str(operation.pk))
    assert (document["operations"], document["files"]) == (1, 1)
    assert "no operation's id" in usage_error("purge_trash", "--operation", "x")
    assert "no age" in usage_error("purge_trash", "--older-than-days", "-3")
    settings.TRASH_RETENTION_DAYS = 0
    assert "keeps everything" in usage_error("purge_trash")


def test_a_recovery_of_a_sound_store_finds_nothing(store):
    assert run("recover_store") == {"recovered": [], "error": ""}


def test_a_conversion_from_the_command_line(store, tmp_path):
    target = tmp_path / "v2"
    planned = run("convert_store", "desk", str(target), "--to", "v2", "--dry-run")
    assert planned["rows"] >= 1600
    assert not target.exists()
    done = run("convert_store", store.root, str(target), "--to", "v2")
    assert (done["rows"], done["skipped"], done["verified"]) == (planned["rows"], [], True)
    assert Store.objects.filter(root=str(target)).exists()


def test_a_conversion_that_cannot_be_is_wrong_usage(store, tmp_path):
    assert "itself" in usage_error("convert_store", "desk", store.root, "--to", "v2")
    assert "no known store" in usage_error("convert_store", "nowhere", str(tmp_path / "x"), "--to", "v2")
    refused = usage_error("convert_store", "desk", str(tmp_path / "x"), "--to", "v2", "--dataset", "data/nothing")
    assert "has no dataset" in refused
