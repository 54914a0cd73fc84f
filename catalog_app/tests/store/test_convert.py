"""Converting a store: nothing lost, resumed where it was, and only into a store of its own."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_app.store.commit.journal import operations
from catalog_app.store.conversion.convert import convert, plan_conversion
from catalog_app.store.errors import StoreError
from catalog_app.store.reader import scan
from catalog_app.store.writing.losses import losses, reduced
from catalog_app.tests.store.conversions import QUOTES, assert_same, contents, source, write_dataset
from catalog_app.tests.store.frames import BAR_TYPE, TYPES, frame, frames
from catalog_app.tests.store.trees import leftovers, put, tree

__all__ = ["source"]


def test_a_store_becomes_v2_and_v1_again(source: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "v2", tmp_path / "v1"
    before = tree(source)
    report = convert(source, there, "v2")
    assert (report.files, report.rows, report.skipped, report.verified) == (6, 11, (), True)
    assert {path.split("/")[1] for path in tree(there)} == {"quotes", "trades", "bars", "currency_pair"}
    assert_same(contents(source), contents(there))
    report = convert(there, back, "v1")
    assert (report.files, report.rows, report.skipped) == (6, 11, ())
    assert_same(contents(source), contents(back))
    assert sorted(tree(back)) == sorted(tree(source))
    assert tree(source) == before
    assert not leftovers(there)


@pytest.mark.parametrize("data_type", TYPES)
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_of_v1_survive_there_and_back(
    data_type: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("any")
    rows = data.draw(frames(data_type, 4, 2))
    write_dataset(root / "v1", data_type, rows)
    assert convert(root / "v1", root / "v2", "v2").skipped == ()
    assert convert(root / "v2", root / "back", "v1").skipped == ()
    for name in ("v2", "back"):
        [found] = contents(root / name).values()
        assert found.equals(rows)


@pytest.mark.parametrize("data_type", TYPES)
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_v1_cannot_hold_of_v2_is_counted(
    data_type: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("any")
    rows = data.draw(frames(data_type, 4, 2, "v2"))
    write_dataset(root / "v2", data_type, rows, version="v2")
    report = convert(root / "v2", root / "v1", "v1")
    precisions = {"price_precision": 4, "size_precision": 2}
    lost = losses(rows, data_type, "v1", **precisions)
    held = reduced(rows, data_type, "v1", **precisions)
    found = list(contents(root / "v1").values())
    assert found == [] if held.is_empty() else found[0].equals(held)
    told = [*report.losses, *(one.reason for one in report.skipped)]
    assert bool(told) == bool(lost)
    assert all(any(text in one for one in told) for text in lost)
    assert report.rows == held.height


def test_a_dry_run_counts_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    put(source, f"{QUOTES}/broken.parquet", "rubbish")
    plan = plan_conversion(source, tmp_path / "v2", "v2")
    assert (len(plan.files), plan.rows) == (6, 11)
    assert plan.size_bytes == sum(file.stat().st_size for file in source.rglob("data/**/*.parquet")) - len("rubbish")
    assert [one.path for one in plan.skipped] == [f"{QUOTES}/broken.parquet"]
    assert not (tmp_path / "v2").exists()


def test_some_datasets_come_with_their_definitions(source: Path, tmp_path: Path) -> None:
    report = convert(source, tmp_path / "v2", "v2", [QUOTES])
    assert (report.files, report.rows) == (3, 6)
    assert {path.rpartition("/")[0] for path in tree(tmp_path / "v2")} == {
        "data/quotes/EURUSD.SIM",
        "data/currency_pair/EURUSD.SIM",
    }


def test_doing_it_again_does_nothing(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "v2", "v2")
    before, done = tree(tmp_path / "v2"), len(list(operations(tmp_path / "v2")))
    for verify in (True, False):
        report = convert(source, tmp_path / "v2", "v2", verify=verify)
        assert (report.files, report.rows, report.resumed, report.verified) == (6, 11, 6, verify)
    assert tree(tmp_path / "v2") == before
    assert len(list(operations(tmp_path / "v2"))) == done


def test_a_stopped_conversion_goes_on_where_it_was(source: Path, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert total == 11
        if done > 8:
            raise Stopped

    with pytest.raises(Stopped):
        convert(source, tmp_path / "v2", "v2", on_progress=stop)
    there = tree(tmp_path / "v2")
    assert there
    assert not leftovers(tmp_path / "v2")
    report = convert(source, tmp_path / "v2", "v2")
    assert (report.files, report.rows) == (6, 11)
    assert report.resumed == len(there)
    assert there.items() <= tree(tmp_path / "v2").items()
    assert_same(contents(source), contents(tmp_path / "v2"))


def test_progress_counts_up_to_all_rows(source: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    convert(source, tmp_path / "v2", "v2", on_progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (11, 11)


def test_what_the_source_gained_is_all_that_is_added(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "v2", "v2")
    write_dataset(source, "quote", frame("quote", [20, 21]))
    report = convert(source, tmp_path / "v2", "v2")
    assert (report.files, report.rows, report.skipped, report.resumed) == (7, 13, (), 6)
    assert_same(contents(source), contents(tmp_path / "v2"))


def test_a_file_taken_out_of_the_target_comes_back(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "v2", "v2")
    [*_, gone] = sorted((tmp_path / "v2" / "data" / "quotes" / "EURUSD.SIM").iterdir())
    gone.unlink()
    report = convert(source, tmp_path / "v2", "v2")
    assert (report.files, report.resumed, report.skipped) == (6, 5, ())
    assert_same(contents(source), contents(tmp_path / "v2"))


@pytest.mark.parametrize("place", ["source", "source/inside", ".", "source/../source"])
def test_a_target_within_the_source_is_refused(source: Path, place: str) -> None:
    before = tree(source)
    with pytest.raises(StoreError, match="source"):
        convert(source, source.parent / place, "v2")
    assert tree(source) == before


def test_a_target_that_is_a_link_to_the_source_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(StoreError, match="is the source"):
        plan_conversion(source, tmp_path / "link", "v2")


def test_a_target_with_other_data_is_refused(source: Path, tmp_path: Path) -> None:
    write_dataset(tmp_path / "other", "quote", frame("quote", [1]))
    before = tree(tmp_path / "other")
    for refuse in (convert, plan_conversion):
        with pytest.raises(StoreError, match="which no conversion wrote"):
            refuse(source, tmp_path / "other", "v2")
    assert tree(tmp_path / "other") == before


def test_a_source_that_is_no_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such directory"):
        convert(tmp_path / "nowhere", tmp_path / "v2", "v2")


def test_a_file_that_changes_meanwhile_is_left_out_whole(source: Path, tmp_path: Path) -> None:
    changed = sorted((source / QUOTES).iterdir())[0]

    def change(done: int, _: int) -> None:
        if done > 4:
            changed.touch()

    report = convert(source, tmp_path / "v2", "v2", on_progress=change)
    assert {one.path.rpartition("/")[0] for one in report.skipped} == {QUOTES}
    assert "changed while it was converted" in report.skipped[0].reason
    assert not [path for path in tree(tmp_path / "v2") if "quotes" in path]
    assert convert(source, tmp_path / "v2", "v2").skipped == ()


def test_bars_go_where_their_type_says(tmp_path: Path) -> None:
    write_dataset(tmp_path / "v1", "bar", frame("bar", [60]))
    convert(tmp_path / "v1", tmp_path / "v2", "v2")
    [path] = tree(tmp_path / "v2")
    assert path.startswith(f"data/bars/{BAR_TYPE.replace('/', '')}/")
    assert scan(tmp_path / "v2", [path], "bar").collect().height == 1
