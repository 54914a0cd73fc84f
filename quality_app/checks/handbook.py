"""The handbook of checks as Markdown, made of the registry: docs/checks.md is this text. Pure: no Django."""

from typing import Final

from quality_app.checks.check import EVERY_TYPE, Check
from quality_app.checks.param import Param
from quality_app.checks.registry import CHECKS

_NAMES: Final = {
    "quote": "quotes",
    "trade": "trades",
    "bar": "bars",
    "delta": "book deltas",
    "depth10": "book depths",
    "mark_price": "mark prices",
    "index_price": "index prices",
    "funding_rate": "funding rates",
    "status": "instrument status",
    "close": "instrument closes",
    "greeks": "option greeks",
}

_HEAD: Final = """\
# Checks

<!-- Made by `python manage.py document_checks` from the checks themselves: change those, not this file. -->

Each check is a named, versioned rule. It counts exactly and keeps the first violating rows with file, row position,
ts_init and exact values. One streaming pass over a file runs all of them. The score rule is in
[scoring.md](scoring.md). The same list, with the rules that are set on this desk, is the page *Quality → Checks*.

A check that lacks what it needs does not run, and the run says why: without a definition in the store, for example,
it is unknown whether prices may be negative. What did not run counts nowhere.

A check that **looks ahead** judges a row also by rows after it. That is fine for an audit; to clean backtest data
with it would leak the future.

## Rules

Parameters and on/off are set in the admin (*Quality rules*), for a venue, an asset class, an instrument or one
dataset. A narrower rule wins over a wider one, parameter by parameter: default < venue < asset class < instrument <
dataset. A rule says why it is there, and its page keeps who changed what and when. Scores follow with the next
validation, which the page offers for the datasets that are affected. A check that a rule switched off is listed as
not run, with the rule's reason.

A finding that was looked at and is right as it is can be **suppressed** on its dataset, with a reason and a last day
(30 days are offered). It stays listed and does not count in the score until then, or until it is lifted. It is the
whole check on that dataset, also for rows that come later. The score follows at once, and within a minute when the
time is up.

## The checks

"""

_TAIL: Final = """
## What is compared for duplicates

Memory is bounded, so rows are not compared with all others. Compared are rows that share ts_init and stand together,
and for bars (ts_event) and trades (trade_id) also direct neighbours. In data that is sorted by ts_init, which is what
NautilusTrader writes, that finds every identical row. If rows are out of order, `time.order` reports it, and the result
of `row.duplicate` says that repeats which stand apart were not found.
"""


def handbook() -> str:
    """Return the whole text."""
    checks = sorted(CHECKS.values(), key=lambda check: check.id)
    index = "\n".join(_line(check) for check in checks)
    table = f"| check | data | dimension | severity | looks ahead |\n|---|---|---|---|---|\n{index}\n"
    return _HEAD + table + "".join(_section(check) for check in checks) + _TAIL


def _line(check: Check) -> str:
    # The anchor that GitHub makes of a heading: dots are dropped.
    anchor = check.id.replace(".", "")
    cells = (f"[`{check.id}`](#{anchor})", _data(check), check.dimension or "–", check.severity)
    return f"| {' | '.join(cells)} | {'yes' if check.looks_ahead else ''} |"


def _section(check: Check) -> str:
    rows = [
        ("data", _data(check)),
        ("dimension", check.dimension or "none (information)"),
        ("severity", check.severity),
        ("limit", "not scored" if check.limit is None else f"{float(check.limit * 100):g} % of {check.unit}"),
        ("looks ahead", "yes" if check.looks_ahead else "no"),
        ("source", check.citation),
        ("version", str(check.version)),
    ]
    facts = "".join(f"| {name} | {_cell(text)} |\n" for name, text in rows)
    return (
        f"\n### {check.id}\n\n{check.explanation}\n\n*Example:* {check.example}\n\n| | |\n|---|---|\n{facts}"
        + _params(check.params)
    )


def _params(params: tuple[Param, ...]) -> str:
    if not params:
        return ""
    lines = (
        f"| `{param.name}` | {_cell(param.label)} | {param.default} | {_cell(param.unit)} | {_bound(param.minimum)} "
        f"| {_bound(param.maximum)} |\n"
        for param in params
    )
    return f"\n| parameter | meaning | default | unit | lowest | highest |\n|---|---|---|---|---|---|\n{''.join(lines)}"


def _data(check: Check) -> str:
    every = check.rule is None or set(check.data_types) >= set(EVERY_TYPE)
    return "every kind of data" if every else ", ".join(_NAMES[name] for name in check.data_types)


def _bound(value: object) -> str:
    return "" if value is None else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
