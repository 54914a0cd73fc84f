"""`python -m benchmarks`, tiny: every figure comes out, both sides do the same work. Speed is not judged."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from benchmarks import measurement as measurement_module
from benchmarks.inputs import dialects
from benchmarks.measurement import Measurement, Side, Target, faster, side
from benchmarks.processes import Failed, Process
from benchmarks.registry import INPUTS, MEASUREMENTS
from benchmarks.report import table
from benchmarks.rounds import Result, SideResult, measure
from benchmarks.store_measurements import DIALECT_STORES
from benchmarks.subjects import BARS, QUOTES, Stored, Subject
from benchmarks.work import MIB, Sizes, Workspace
from catalog_app.store import reader
from catalog_app.store.footer import read_footer
from datacatalog.env import BASE_DIR

SIZES = Sizes(rows=5_000, check_rows=5_000, huge_rows=5_000, datasets=4, index_datasets=4, requests=1, seed=1)


# One of each family, of each kind of peer and with each kind of target; all of them take minutes.
FAMILIES = {
    "scan-large-quotes",
    "load-quotes",
    "consolidate-quotes-v1-16",
    "convert-quotes-v1-16-to-v2",
    "huge-scan",
    "import-bars",
    "export-csv",
    "checks-common-v1",
    "revalidate-appended",
    "gaps-ticks",
    "gaps-unchanged",
    "sync-first",
    "page-browser",
}
CHOSEN = [one for one in MEASUREMENTS if one.name in FAMILIES]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The printed table and the written document of a quick run of some measurements."""
    path = tmp_path_factory.mktemp("bench") / "results" / "benchmarks.json"
    done = bench("--quick", "--json", str(path), "--only", *(one.name for one in CHOSEN))
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(path.read_text())


@pytest.mark.timeout(600)
def test_a_quick_run_gives_every_figure(run: tuple[str, dict[str, Any]]) -> None:
    _, document = run

    assert [one["name"] for one in document["measurements"]] == [one.name for one in CHOSEN]
    for one in document["measurements"]:
        for figures in (one["desk"], *one["peers"]):
            assert figures["seconds"]["min"] <= figures["seconds"]["median"] <= figures["seconds"]["max"]
            assert len(figures["rounds"]) == document["rounds"]
            assert figures["perSecond"] > 0
            assert figures["cpuSeconds"]["min"] > 0
            assert figures["peakBytes"] >= figures["idleBytes"] > 2**20
        assert one["units"] > 0


def test_each_peer_that_is_installed_has_its_ratio(run: tuple[str, dict[str, Any]]) -> None:
    _, document = run

    for found, measurement in zip(document["measurements"], CHOSEN, strict=True):
        installed = [peer.name for peer in measurement.peers if peer.is_available()]
        assert [peer["name"] for peer in found["peers"]] == installed
        assert set(found["leftOut"]) == {peer.name for peer in measurement.peers} - set(installed)
        for peer in found["peers"]:
            seconds = found["desk"]["rounds"][0] / peer["rounds"][0]
            assert peer["deskTimeRatio"]["median"] == pytest.approx(seconds)


def test_targets_stand_beside_figures_and_are_not_judged_by_tiny_runs(run: tuple[str, dict[str, Any]]) -> None:
    printed, document = run

    for found, measurement in zip(document["measurements"], CHOSEN, strict=True):
        left_out = set(found["leftOut"])
        assert [one["limit"] for one in found["targets"]] == [one.limit for one in measurement.targets]
        for one in found["targets"]:
            assert (one["value"] is None) == (one["peer"] in left_out)
            assert one["met"] is None
    for text in ("≤ 1.3 for 1,000,000 rows", "listed s ≤ 3 for 20,000 files", "peak MiB ≤ 1,024 for 100,000,000 rows"):
        assert text in printed


def test_pages_have_latencies_and_a_number_of_queries(run: tuple[str, dict[str, Any]]) -> None:
    _, document = run

    pages = [one["desk"]["figures"] for one in document["measurements"] if one["name"].startswith("page-")]
    assert len(pages) == 1
    for figures in pages:
        assert 0 < figures["p50 ms"]["median"] <= figures["p95 ms"]["median"]
        assert 1 < figures["queries"]["median"] < 20


def test_a_run_says_what_it_ran_on(run: tuple[str, dict[str, Any]]) -> None:
    printed, document = run

    assert document["machine"]["cores"] >= 1
    assert set(document["versions"]) >= {"polars", "pyarrow", "nautilus-trader"}
    assert document["measuredAt"].endswith("+00:00")
    for measurement in CHOSEN:
        assert measurement.title in printed


@pytest.mark.parametrize(
    ("subject", "inputs"),
    [
        (QUOTES, ("quote-csv", "desk-quotes", "nautilus-quotes")),
        (BARS, ("bar-csv", "desk-bars", "nautilus-bars")),
    ],
    ids=["quotes", "bars"],
)
def test_both_imports_store_the_same_rows(tmp_path: Path, subject: Subject, inputs: tuple[str, ...]) -> None:
    workspace = Workspace(tmp_path, SIZES)
    for name in inputs:
        workspace.path(name).mkdir()
        with Process("make", INPUTS[name], workspace) as process:
            process.answer()

    ours, theirs = (
        reader.scan(store, subject.paths(store), subject.data_type).collect()
        for store in map(workspace.path, inputs[1:])
    )
    assert ours.height == SIZES.few
    assert_frame_equal(ours, theirs)


def make(name: str, workspace: Workspace) -> Stored:
    """A store of one dialect."""
    workspace.path(name).mkdir()
    dialects.store(workspace, name)
    return Stored.at(workspace.path(name))


def test_stores_of_every_dialect_hold_the_same_rows(tmp_path: Path) -> None:
    first: dict[str, Any] = {}
    for name in DIALECT_STORES:
        records, _, dialect = name.partition("-")
        stored = make(name, Workspace(tmp_path, SIZES))
        footers = [read_footer(stored.root, path) for path in stored.paths]
        assert {footer.dialect for footer in footers} == {dialect}
        assert len(footers) == dialects.FILES
        rows = reader.scan(stored.root, stored.paths, stored.data_type).collect()
        assert rows.height == SIZES.rows
        assert rows["ts_init"].is_sorted()
        assert_frame_equal(rows, first.setdefault(records, rows))


def test_the_huge_dataset_holds_some_rows_twice(tmp_path: Path) -> None:
    sizes = Sizes(rows=1, check_rows=1, huge_rows=250_000, datasets=1, index_datasets=1, requests=1, seed=1)
    workspace = Workspace(tmp_path, sizes)
    dialects.huge_quotes(workspace)

    stored = Stored.at(workspace.path("huge-quotes"))
    rows = reader.scan(stored.root, stored.paths, "quote").collect()
    assert rows.height == 250_000
    assert rows["ts_init"].is_sorted()
    assert 250 <= rows.height - rows.n_unique() <= 600
    starts = [read_footer(stored.root, path) for path in stored.paths]
    assert all((one.end_ns or 0) < (two.start_ns or 0) for one, two in pairwise(starts))


def result(targets: tuple[Target, ...], *, units: int = 100, desk: float = 1.0, peer: float = 12.0) -> Result:
    """A measurement as if it had been made."""
    sides = [side("desk", "", "x:y"), side("peer", "", "x:y")]
    return Result(
        Measurement("one", "One", "rows", (), sides[0], (sides[1],), targets),
        [
            SideResult(sides[0], [desk], [desk], units, peak_bytes=100 * MIB, figures={"listed s": [2.0]}),
            SideResult(sides[1], [peer], [peer], units, peak_bytes=200 * MIB),
        ],
    )


@pytest.mark.parametrize(
    ("target", "met", "text"),
    [
        (faster(10, "peer", 100), True, "≤ 0.1 met"),
        (faster(20, "peer", 100), False, "≤ 0.05 missed"),
        (faster(10, "peer", 101), None, "≤ 0.1 for 101 rows"),
        (Target("time ratio", 1.3, "somebody"), None, ""),
        (Target("seconds", 1), True, "≤ 1 s met"),
        (Target("seconds", 0.5), False, "≤ 0.5 s missed"),
        (Target("listed s", 3), True, "listed s ≤ 3 met"),
        (Target("peak MiB", 99), False, "peak MiB ≤ 99 missed"),
    ],
)
def test_targets_are_judged_by_the_median(target: Target, met: bool | None, text: str) -> None:
    measured = result((target,))

    assert measured.meets(target) is met
    assert text in table([measured])


def test_a_side_under_nautilus_trader_2_is_left_out_without_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needy = side("NautilusTrader 2", "", "x:y", environment="v2")
    monkeypatch.setitem(measurement_module.PYTHONS, "v2", tmp_path / "python")
    assert not needy.is_available()
    (tmp_path / "python").touch()
    assert needy.is_available()
    assert needy.python == str(tmp_path / "python")


def test_a_side_that_fails_says_why(tmp_path: Path) -> None:
    with (
        Process("side", "benchmarks.sides.scan:polars:large-quotes", Workspace(tmp_path, SIZES)) as process,
        pytest.raises(Failed, match=r"polars:large-quotes ended with exit code 1:(.|\n)*ValueError: .* 0 datasets"),
    ):
        process.answer()


def test_sides_that_do_not_the_same_work_are_no_measurement(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, SIZES)
    make("quotes-v1-16", workspace)
    make("quotes-v2", Workspace(tmp_path, replace(SIZES, rows=4_000)))
    sides = [Side(name, "", f"benchmarks.sides.scan:polars:{name}") for name in ("quotes-v1-16", "quotes-v2")]

    with pytest.raises(Failed, match="same work, or none"):
        measure(Measurement("scan", "Scan", "rows", (), sides[0], (sides[1],)), workspace, 1)


@pytest.mark.parametrize("arguments", [("--only", "nothing"), ("--rows", "0"), ("--directory", "/does/not/exist")])
def test_wrong_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    assert bench(*arguments).returncode == 2


def test_the_list_names_every_measurement() -> None:
    listed = [line.split()[0] for line in bench("--list").stdout.splitlines()]
    assert listed == [one.name for one in MEASUREMENTS]
