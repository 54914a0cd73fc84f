"""`python -m benchmarks.truth`: break real and generated data at known rows, and count what the checks find."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks import desk
from benchmarks.truth.defects import DEFECTS
from benchmarks.truth.files import judge_files
from benchmarks.truth.gaps import report as gap_report
from benchmarks.truth.gaps.data import all_series
from benchmarks.truth.gaps.judging import Verdicts, judge_gaps
from benchmarks.truth.generated import demo_materials
from benchmarks.truth.injection import Defect
from benchmarks.truth.judging import flags_of, judge
from benchmarks.truth.materials import Material
from benchmarks.truth.peers import are_installed, judge_plain, judge_tools, tools
from benchmarks.truth.plain import PLAIN, plain_flags
from benchmarks.truth.real import real_materials
from benchmarks.truth.report import Truth, document, table, without_defect
from quality_app.checks.prepare import TYPES_WITH_PRICE
from quality_app.checks.registry import CHECKS

# Among the checks' names: the detection of gaps.
GAPS: Final = "gaps"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, 1 where a target is missed or a check has no defect, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    lacking = without_defect()
    if lacking:
        print("\n".join(lacking), file=sys.stderr)
        return 1
    if not options.data:
        _say("MARKET_DATA is not set: only generated data is used.")
    missed: list[str] = []
    found: dict[str, Any] = {}
    if options.only != [GAPS]:
        truth, found = _judge_checks(options)
        print(table(truth))
        missed += truth.missed_targets
    if not options.only or GAPS in options.only:
        verdicts = _judge_gaps(options)
        print(f"\nGaps\n{gap_report.table(verdicts)}")
        missed += gap_report.missed_targets(verdicts)
        found["gaps"] = gap_report.document(verdicts)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({**found, "missedTargets": missed}, indent=2) + "\n")
    print(f"\nWritten to {options.json}")
    return 1 if missed else 0


def _judge_checks(options: argparse.Namespace) -> tuple[Truth, dict[str, Any]]:
    materials = demo_materials(short=options.quick)
    if options.data:
        materials = real_materials(options.data) + materials
    chosen = [one for one in DEFECTS if not options.only or set(one.finds) & set(options.only)]
    truth = run(materials, chosen, range(options.seeds), with_tools=not options.quick)
    if not options.only or any(name.startswith(("file.", "instrument.")) for name in options.only):
        _judge_files(truth)
    return truth, document(truth, [(one.name, len(one.frame)) for one in materials])


def _judge_gaps(options: argparse.Namespace) -> list[Verdicts]:
    verdicts = []
    for series in all_series(options.data):
        _say(f"Gaps of {series.name}: {len(series.times):,} rows")
        verdicts += judge_gaps(series, options.holes // (10 if options.quick else 1))
    return verdicts


def run(materials: Sequence[Material], defects: Sequence[Defect], seeds: Sequence[int], *, with_tools: bool) -> Truth:
    """Judge the checks, and other tools where they are there; what repeats another material is judged untouched alone.

    Other tools see the first seed only: they take minutes.
    """
    truth = Truth(seeds=seeds)
    for material in materials:
        _say(f"{material.name}: {len(material.frame):,} rows")
        if material.real:
            _look_untouched(truth, material)
        if not material.repeats:
            truth.add(judge(material, defects, seeds))
            truth.add_peers(judge_plain(material, defects, seeds))
    if with_tools and are_installed():
        with tools() as given:
            for material in materials:
                if not material.repeats:
                    _say(f"Other tools on {material.name}")
                    truth.add_peers(judge_tools(given, material, defects, seeds[:1]))
    return truth


def _look_untouched(truth: Truth, material: Material) -> None:
    flags = flags_of(material.frame, material.context(material.frame))
    # Of what is there twice, the rows count once, and every flag is looked at.
    height = 0 if material.repeats else len(material.frame)
    truth.untouched.add(material.name, height, dict(flags))
    truth.untouched.peer_rows += height if material.data_type in TYPES_WITH_PRICE else 0
    for name in PLAIN:
        flagged = 0 if material.repeats else len(plain_flags(name, material.frame, material.data_type))
        truth.untouched.peers[name] = truth.untouched.peers.get(name, 0) + flagged


def _judge_files(truth: Truth) -> None:
    _say("Files, through the desk's services")
    with TemporaryDirectory(prefix="truth-") as directory:
        desk.start(Path(directory) / "home")
        truth.add(judge_files(Path(directory), truth.seeds))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__)
    data = Path(os.environ["MARKET_DATA"]) if os.environ.get("MARKET_DATA") else None
    parser.add_argument("--data", type=Path, default=data, help="directory of real market data (MARKET_DATA)")
    parser.add_argument("--seeds", type=int, default=5, help="how often each defect is put in (%(default)s)")
    parser.add_argument("--holes", type=int, default=1_000, help="holes that are put into each file (%(default)s)")
    names = [*sorted(CHECKS), GAPS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="CHECK", help="only what these must find; or gaps")
    parser.add_argument("--quick", action="store_true", help="fewer rows and holes, no other tools")
    parser.add_argument("--json", type=Path, default=Path("test-results/truth.json"), help="%(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
