"""What a change of a rule changed, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quality_app.checks.param import Param
from quality_app.checks.registry import CHECKS
from quality_app.models import QualityRule, QualityRuleChange

UNSET = "not set"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changed, as text."""

    what: str
    before: str
    after: str


def differences(change: QualityRuleChange) -> list[Difference]:
    """Return what is different afterwards; a new rule differs from nothing, a deleted one becomes nothing."""
    before, after = _words(change.check_id, change.before), _words(change.check_id, change.after)
    names = [*before, *(name for name in after if name not in before)]
    found = (Difference(name, before.get(name, UNSET), after.get(name, UNSET)) for name in names)
    return [one for one in found if one.before != one.after]


def settings_of(rule: QualityRule) -> list[str]:
    """Return what a rule sets, each in words: `Tolerance 500 ms`."""
    params = _words(rule.check_id, {"params": rule.params})
    mode = {QualityRule.Mode.ON: ["runs"], QualityRule.Mode.OFF: ["does not run"]}.get(QualityRule.Mode(rule.mode), [])
    return [*mode, *(f"{name} {value}" for name, value in params.items())]


def with_unit(param: Param, value: Any) -> str:
    """Return a value with its unit."""
    return f"{value} {param.unit}".strip()


def _words(check_id: str, state: dict[str, Any]) -> dict[str, str]:
    check = CHECKS.get(check_id)
    params = {param.name: param for param in check.params} if check else {}
    words = {"Runs": {"on": "yes", "off": "no"}[state["mode"]]} if state.get("mode") else {}
    values = state.get("params", {})
    for name, value in (check.in_order(values) if check else values).items():
        words[params[name].label if name in params else name] = (
            with_unit(params[name], value) if name in params else str(value)
        )
    return {**words, **({"Why": state["note"]} if state.get("note") else {})}
