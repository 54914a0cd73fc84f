"""`python -m benchmarks`, tiny: every figure comes out, both sides do the same work. Speed is not judged."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from benchmarks.processes import Failed, Process
from benchmarks.registry import INPUTS, MEASUREMENTS, Measurement, Side
from benchmarks.rounds import measure
from benchmarks.subjects import BARS, QUOTES, Subject
from benchmarks.work import Sizes, Workspace
from catalog_app.store import reader
from datacatalog.env import BASE_DIR

SIZES = Sizes(rows=5_000, datasets=4, index_datasets=4, requests=1, seed=1)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The printed table and the written document of a quick run."""
    path = tmp_path_factory.mktemp("bench") / "results" / "benchmarks.json"
    done = bench("--quick", "--json", str(path))
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(path.read_text())


@pytest.mark.timeout(600)
def test_a_quick_run_gives_every_figure(run: tuple[str, dict[str, Any]]) -> None:
    _, document = run

    assert [one["name"] for one in document["measurements"]] == [one.name for one in MEASUREMENTS]
    for one in document["measurements"]:
        for side in (one["desk"], *one["peers"]):
            assert side["seconds"]["min"] <= side["seconds"]["median"] <= side["seconds"]["max"]
            assert len(side["rounds"]) == document["rounds"]
            assert side["perSecond"] > 0
            assert side["peakBytes"] >= side["idleBytes"] > 2**20
        assert one["units"] > 0


def test_each_peer_that_is_installed_has_its_ratio(run: tuple[str, dict[str, Any]]) -> None:
    _, document = run

    for found, measurement in zip(document["measurements"], MEASUREMENTS, strict=True):
        installed = [side.name for side in measurement.peers if side.is_available()]
        assert [side["name"] for side in found["peers"]] == installed
        assert set(found["leftOut"]) == {side.name for side in measurement.peers} - set(installed)
        for side in found["peers"]:
            seconds = found["desk"]["rounds"][0] / side["rounds"][0]
            assert side["deskTimeRatio"]["median"] == pytest.approx(seconds)


def test_pages_have_latencies_and_a_number_of_queries(run: tuple[str, dict[str, Any]]) -> None:
    _, document = run

    pages = [one["desk"]["figures"] for one in document["measurements"] if one["name"].startswith("page-")]
    assert len(pages) == 5
    for figures in pages:
        assert 0 < figures["p50 ms"]["median"] <= figures["p95 ms"]["median"]
        assert 1 < figures["queries"]["median"] < 20


def test_a_run_says_what_it_ran_on(run: tuple[str, dict[str, Any]]) -> None:
    table, document = run

    assert document["machine"]["cores"] >= 1
    assert set(document["versions"]) >= {"polars", "pyarrow", "nautilus-trader"}
    assert document["measuredAt"].endswith("+00:00")
    for measurement in MEASUREMENTS:
        assert measurement.title in table


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


def test_a_side_that_fails_says_why(tmp_path: Path) -> None:
    with (
        Process("side", "benchmarks.sides.scan:polars_quotes", Workspace(tmp_path, SIZES)) as process,
        pytest.raises(Failed, match=r"polars_quotes ended with exit code 1:(.|\n)*ValueError"),
    ):
        process.answer()


def test_sides_that_do_not_the_same_work_are_no_measurement(tmp_path: Path) -> None:
    nothing = Side("desk", "finds no file", "benchmarks.sides.scan:desk_quotes")
    measurement = Measurement("scan", "Scan", "rows", (), nothing, (nothing,))

    with pytest.raises(Failed, match="same work, or none"):
        measure(measurement, Workspace(tmp_path, SIZES), 1)


@pytest.mark.parametrize("arguments", [("--only", "nothing"), ("--rows", "0"), ("--directory", "/does/not/exist")])
def test_wrong_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    assert bench(*arguments).returncode == 2


def test_the_list_names_every_measurement() -> None:
    listed = [line.split()[0] for line in bench("--list").stdout.splitlines()]
    assert listed == [one.name for one in MEASUREMENTS]
