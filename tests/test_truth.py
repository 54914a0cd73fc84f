"""`python -m benchmarks.truth`, small: every check finds the defects that are put in, and flags nothing else."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pytest

from benchmarks.truth import report
from benchmarks.truth.__main__ import main, run
from benchmarks.truth.defects import DEFECTS
from benchmarks.truth.files import judge_files
from benchmarks.truth.generated import demo_materials
from benchmarks.truth.injection import Defect
from benchmarks.truth.judging import judge
from benchmarks.truth.materials import Material
from benchmarks.truth.report import Truth, Untouched, total, without_defect
from quality_app.checks import registry
from quality_app.checks.check import Check

# One of each kind of data, and every kind of calendar.
NAMES = (
    "EUR/USD.SIM quote",
    "JPM.XNYS trade",
    "6EH6.GLBX-1-MINUTE-LAST-EXTERNAL",
    "quote as deltas",
    "quote as depths",
)
# Its own material is real: the demo has no book of orders.
NOT_HERE = {"book.unknown_order"}


@pytest.fixture(scope="module")
def materials() -> list[Material]:
    return [one for one in demo_materials(short=True, tick_rows=12_000) if one.name.endswith(NAMES)]


def material(materials: list[Material], data_type: str) -> Material:
    return next(one for one in materials if one.data_type == data_type)


def test_every_check_has_a_defect() -> None:
    assert without_defect() == []


def test_a_check_without_a_defect_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = replace(registry.CHECKS["quote.crossed"], id="quote.strange")
    monkeypatch.setattr(report, "CHECKS", {**registry.CHECKS, stranger.id: stranger})
    assert without_defect() == ["No defect is injected for quote.strange."]


def test_rows_are_found_and_nothing_else_is(materials: list[Material]) -> None:
    truth = run(materials, DEFECTS, [0], with_tools=False)

    assert truth.missed_targets == []
    row_checks = {name for name, check in registry.CHECKS.items() if check.rule is not None}
    assert row_checks - {name for name in row_checks if truth.of(name).found} == NOT_HERE


@pytest.mark.django_db
def test_files_are_found_and_nothing_else_is(tmp_path: Path) -> None:
    tallies = judge_files(tmp_path, [0])

    for name in ("file.unreadable", "file.schema", "file.interval", "file.overlap", "file.small", "instrument.missing"):
        tally = total(tallies, name)
        assert (tally.recall, tally.precision) == (1.0, 1.0), (name, tally.examples)


def with_rule(monkeypatch: pytest.MonkeyPatch, name: str, *, marks: bool) -> None:
    """Let a check mark every row, or none."""

    def rule(frame: pl.DataFrame, _: object) -> pl.Series:
        return pl.repeat(marks, len(frame), dtype=pl.Boolean, eager=True)

    changed: Check = replace(registry.CHECKS[name], rule=rule)
    monkeypatch.setattr(registry, "CHECKS", MappingProxyType({**registry.CHECKS, name: changed}))


def crossed() -> list[Defect]:
    return [one for one in DEFECTS if "quote.crossed" in one.finds]


def test_a_check_that_finds_nothing_is_told(materials: list[Material], monkeypatch: pytest.MonkeyPatch) -> None:
    with_rule(monkeypatch, "quote.crossed", marks=False)
    truth = Truth()
    truth.add(judge(material(materials, "quote"), crossed(), [0]))
    assert truth.missed_targets == ["quote.crossed: recall 0.0000 is below 0.99."]
    assert truth.of("quote.crossed").examples[0].startswith("missed in demo: EUR/USD.SIM quote, row ")


def test_a_check_that_flags_sound_rows_is_told(materials: list[Material], monkeypatch: pytest.MonkeyPatch) -> None:
    quotes = material(materials, "quote")
    defect = crossed()[0]
    truth = Truth()
    truth.add(judge(quotes, [replace(defect, finds=("quote.wide",))], [0]))
    # The crossed quotes are no defect of the kind that is looked for: each is a false flag.
    assert truth.of("quote.crossed").wrong == len(quotes.frame) // 200
    assert truth.of("quote.crossed").precision == 0.0


def test_what_was_flagged_before_the_damage_does_not_count(
    materials: list[Material], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rule(monkeypatch, "quote.crossed", marks=True)
    tally = total(judge(material(materials, "quote"), crossed(), [0]), "quote.crossed")
    assert (tally.found, tally.missed, tally.wrong) == (0, 0, 0)


def test_a_flag_of_a_real_file_is_false_until_it_is_looked_at() -> None:
    untouched = Untouched()
    untouched.add("csv/truefx-usdjpy-ticks.csv", 1_000, {"quote.locked": [941], "quote.crossed": [7], "time.order": []})
    assert untouched.per_100_000("quote.locked") == 0.0
    assert untouched.per_100_000("quote.crossed") == 100.0
    assert untouched.per_100_000("time.order") == 0.0
    assert untouched.per_100_000("bar.ohlc") is None


def test_unknown_checks_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "quote.nothing"])
    assert ended.value.code == 2
    assert "quote.nothing" in capsys.readouterr().err
