"""The catalogue of checks for people: what each means, its parameters, and which rules are set for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from quality_app.checks.check import EVERY_TYPE, Check
from quality_app.checks.param import Param
from quality_app.checks.registry import CHECKS
from quality_app.models import QualityRule
from quality_app.services.anomalies.recording import makes_anomalies
from quality_app.services.rules.found import FoundIn, found_by_check
from quality_app.services.rules.history import settings_of, with_unit
from quality_app.services.rules.resolution import ResolvedRules, resolve

DIMENSIONS: Final = ("completeness", "accuracy", "consistency", "timeliness", "")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as text; `value` and `set_by` are of the dataset that was asked about, if any."""

    param: Param
    default: str
    lowest: str
    highest: str
    value: str
    set_by: QualityRule | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule and what it sets, in words."""

    rule: QualityRule
    sets: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A check as the catalogue shows it."""

    check: Check
    data_types: str
    limit: str
    params: Sequence[Parameter]
    rules: Sequence[Rule]
    off_because: str
    found: FoundIn | None
    has_anomalies: bool


def catalogue(data_type: str = "", dataset: Dataset | None = None) -> list[tuple[str, list[Entry]]]:
    """Return the checks by dimension; of one data type, or as they hold for one dataset, when given."""
    wanted = dataset.data_type if dataset else data_type
    rules: dict[str, list[Rule]] = defaultdict(list)
    for rule in QualityRule.objects.select_related("dataset__store"):
        rules[rule.check_id].append(Rule(rule, ", ".join(settings_of(rule))))
    resolved = resolve(dataset) if dataset else ResolvedRules()
    found = {} if dataset else found_by_check()
    groups: dict[str, list[Entry]] = {name: [] for name in DIMENSIONS}
    for check in sorted(CHECKS.values(), key=lambda check: check.id):
        if not wanted or check.rule is None or wanted in check.data_types:
            groups[check.dimension].append(_entry(check, rules[check.id], resolved, found.get(check.id)))
    return [(name, entries) for name, entries in groups.items() if entries]


def data_types() -> list[tuple[str, str]]:
    """Return the data types that have checks, with their names."""
    return [(name, DataType(name).label) for name in EVERY_TYPE]


def _entry(check: Check, rules: Sequence[Rule], resolved: ResolvedRules, found: FoundIn | None) -> Entry:
    every = check.rule is None or set(check.data_types) >= set(EVERY_TYPE)
    return Entry(
        check=check,
        data_types="All data" if every else ", ".join(DataType(name).label for name in check.data_types),
        limit="" if check.limit is None else f"{float(check.limit * 100):g} % of {check.unit}",
        params=[_parameter(check, param, resolved) for param in check.params],
        rules=rules,
        off_because=resolved.disabled.get(check.id, ""),
        found=found,
        has_anomalies=makes_anomalies(check.id),
    )


def _parameter(check: Check, param: Param, resolved: ResolvedRules) -> Parameter:
    value = resolved.values.get(check.id, {}).get(param.name)
    setters = [rule for rule in resolved.rules.get(check.id, ()) if param.name in rule.params]
    return Parameter(
        param=param,
        default=with_unit(param, param.default),
        lowest="" if param.minimum is None else str(param.minimum),
        highest="" if param.maximum is None else str(param.maximum),
        value=with_unit(param, param.default if value is None else value),
        set_by=setters[-1] if setters and value is not None else None,
    )
