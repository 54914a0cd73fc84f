"""`python -m benchmarks`: run the measurements, print them as a table, write them as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measurement import Measurement
from benchmarks.processes import Failed
from benchmarks.registry import INPUTS, MEASUREMENTS
from benchmarks.report import document, machine, table
from benchmarks.rounds import Result, make_inputs, measure
from benchmarks.work import Sizes, Workspace

QUICK = {
    "rows": 20_000,
    "check_rows": 20_000,
    "huge_rows": 20_000,
    "datasets": 8,
    "index_datasets": 40,
    "requests": 3,
    "rounds": 1,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, 1 when a measurement failed, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    if options.list:
        print("\n".join(f"{one.name:28} {one.title}" for one in MEASUREMENTS))
        return 0
    if options.quick:
        vars(options).update(QUICK)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    chosen = [one for one in MEASUREMENTS if not options.only or one.name in options.only]
    sizes = Sizes(
        rows=options.rows,
        check_rows=options.check_rows,
        huge_rows=options.huge_rows,
        datasets=options.datasets,
        index_datasets=options.index_datasets,
        requests=options.requests,
        seed=options.seed,
    )
    try:
        results = _run(chosen, sizes, options)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    print(table(results))
    options.json.write_text(json.dumps(document(results, sizes, options.rounds), indent=2) + "\n")
    print(f"\nWritten to {options.json}")
    return 0


def _run(chosen: list[Measurement], sizes: Sizes, options: argparse.Namespace) -> list[Result]:
    begun = time.monotonic()
    load = machine()["loadAverage"][0]
    _say(f"{len(chosen)} measurements, {options.rounds} rounds each; load average {load}")
    with TemporaryDirectory(prefix="benchmarks-", dir=options.directory) as directory:
        workspace = Workspace(Path(directory), sizes)
        make_inputs(chosen, workspace, INPUTS)
        _say(f"Inputs made in {time.monotonic() - begun:.0f} s")
        results = []
        for one in chosen:
            _say(one.title)
            results.append(measure(one, workspace, options.rounds))
    _say(f"Done in {time.monotonic() - begun:.0f} s\n")
    return results


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [one.name for one in MEASUREMENTS]
    parser.add_argument("--rows", type=_positive, default=5_000_000, help="rows of the large stores (%(default)s)")
    checked = "quotes to validate (%(default)s)"
    parser.add_argument("--check-rows", type=_positive, default=20_000_000, help=checked)
    huge = "rows of the dataset that memory is measured with; 100000000 for the target (%(default)s)"
    parser.add_argument("--huge-rows", type=_positive, default=10_000_000, help=huge)
    parser.add_argument("--datasets", type=_positive, default=10_000, help="datasets to sync (%(default)s)")
    parser.add_argument("--index-datasets", type=_positive, default=10_000, help="datasets behind pages (%(default)s)")
    parser.add_argument("--requests", type=_positive, default=40, help="requests per page and round (%(default)s)")
    parser.add_argument("--rounds", type=_positive, default=3, help="rounds of each side (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the generated data (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="measure only these; see --list")
    parser.add_argument("--list", action="store_true", help="name the measurements and end")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round: shows that everything runs")
    parser.add_argument("--directory", type=_directory, help="for generated data (the system's temporary one)")
    parser.add_argument("--json", type=Path, default=Path("test-results/benchmarks.json"), help="%(default)s")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _directory(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no directory")
    return Path(text)


if __name__ == "__main__":
    sys.exit(main())
