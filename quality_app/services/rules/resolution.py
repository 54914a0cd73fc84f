"""Rules of checks: which parameters hold for a dataset, and which checks are switched off. Nothing is cached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Replace

from catalog_app.models import Dataset, Instrument, Job
from catalog_app.models.dataset import IndexState
from catalog_app.services.errors import ServiceError
from catalog_app.store.layout import identifier
from quality_app.checks.check import Check
from quality_app.checks.param import Value as ParamValue
from quality_app.checks.registry import CHECKS
from quality_app.models import QualityRule, QualityRuleChange
from quality_app.services.requests import request_many

OFF = QualityRule.Mode.OFF
# What a rule is and stays.
_IDENTITY = ("check_id", "venue", "asset_class", "instrument_id", "dataset_id")


class RuleRefused(ServiceError):
    """A rule that cannot be; the text says what to change."""


@dataclass(frozen=True, slots=True)
class ResolvedRules:
    """What the rules say for one dataset, by check id.

    `values` holds only what rules set (defaults stay with the checks), `disabled` the reason why a check is off,
    `rules` every rule that applies, from the widest to the narrowest.
    """

    values: Mapping[str, Mapping[str, ParamValue]] = field(default_factory=dict)
    disabled: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, Sequence[QualityRule]] = field(default_factory=dict)


_NO_RULES = ResolvedRules()


def resolve(dataset: Dataset) -> ResolvedRules:
    """Return what holds for a dataset: its own rules win over its instrument's, asset class's and venue's."""
    return resolve_many([dataset])[dataset.pk]


def resolve_many(datasets: Collection[Dataset]) -> dict[UUID, ResolvedRules]:
    """Return what holds for each dataset, by its key; two queries for any number of them."""
    rules: dict[tuple[str, Any], list[QualityRule]] = defaultdict(list)
    for rule in _candidates(datasets):
        rules[rule.scope, rule.dataset_id or getattr(rule, rule.scope)].append(rule)
    if not rules:
        return {dataset.pk: _NO_RULES for dataset in datasets}
    classes = _asset_classes(name for scope, name in rules if scope == "asset_class")
    found: dict[tuple[Any, ...], ResolvedRules] = {}
    result = {}
    for dataset in datasets:
        own = ("dataset", dataset.pk)
        keys = (
            ("venue", dataset.venue),
            ("asset_class", classes.get(dataset.definition_id or 0)),
            ("instrument_id", _key(dataset.instrument_id)),
            own if own in rules else None,
        )
        if keys not in found:
            found[keys] = _merged([rule for key in keys if key for rule in rules.get(key, ())])
        result[dataset.pk] = found[keys]
    return result


def affected(field_name: str, value: Any, check_id: str = "") -> QuerySet[Dataset]:
    """Return the datasets that a scope holds, of those that can be checked (by the check, when given)."""
    rows = Dataset.objects.exclude(state=IndexState.UNSUPPORTED)
    if field_name == "instrument_id":
        rows = rows.annotate(key=Replace(F("instrument_id"), Value("/"), Value(""))).filter(key=value)
    else:
        columns = {"venue": "venue", "asset_class": "definition__asset_class", "dataset": "pk"}
        rows = rows.filter(**{columns[field_name]: value})
    check = CHECKS.get(check_id)
    # A check without a rule over rows measures files of every type.
    return rows.filter(data_type__in=check.data_types) if check and check.rule is not None else rows


@transaction.atomic
def save_rule(rule: QualityRule, user: User | None) -> QualityRuleChange | None:
    """Save a rule, and note who changed what; None when it changes nothing.

    Raises:
        RuleRefused: it sets nothing or too much, has no reason, or another rule has its check and scope.

    """
    before = QualityRule.objects.select_for_update().filter(pk=rule.pk).first()
    _complete(rule)
    if before is not None:
        if any(getattr(before, name) != getattr(rule, name) for name in _IDENTITY):
            raise RuleRefused("A rule keeps its check and what it is for: delete it, and make another one.")
        if _state(before) == _state(rule):
            return None
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise RuleRefused("There is a rule of this check for that scope already: change that one.") from None
    action = QualityRuleChange.Action.CHANGED if before else QualityRuleChange.Action.CREATED
    return _note(rule, action, _state(before) if before else {}, _state(rule), user)


@transaction.atomic
def delete_rule(rule: QualityRule, user: User | None) -> QualityRuleChange | None:
    """Delete a rule, and note who did; None when somebody else deleted it before."""
    before = QualityRule.objects.select_for_update().filter(pk=rule.pk).first()
    if before is None:
        return None
    change = _note(before, QualityRuleChange.Action.DELETED, _state(before), {}, user)
    before.delete()
    return change


def affected_by(change: QualityRuleChange) -> QuerySet[Dataset]:
    """Return the datasets whose findings a change of a rule may alter."""
    return affected(change.scope["field"], change.scope["value"], change.check_id)


def validate_affected(change: QualityRuleChange, user: User | None) -> Job:
    """Start the job that validates what a change of a rule affects.

    Raises:
        RuleRefused: it affects no dataset.

    """
    keys = list(affected_by(change).values_list("pk", flat=True))
    if not keys:
        raise RuleRefused("No dataset is affected, so there is nothing to validate.")
    title = f"Validate {len(keys):,} dataset{'' if len(keys) == 1 else 's'} after a change of {change.check_id}"
    return request_many("validate", keys, title, user)


def problems_of(rule: QualityRule) -> list[str]:
    """Return what of a rule has no effect any more because its check changed since; each a sentence."""
    check = CHECKS.get(rule.check_id)
    if check is None:
        return [f"There is no check {rule.check_id} any more."]
    problems = []
    for name, raw in check.in_order(rule.params).items():
        try:
            _parse(check, name, raw)
        except ValueError as error:
            problems.append(str(error))
    return problems


def _candidates(datasets: Collection[Dataset]) -> QuerySet[QualityRule]:
    rules = QualityRule.objects.order_by()
    if len(datasets) != 1:
        return rules
    (dataset,) = datasets
    return rules.filter(
        Q(dataset=dataset)
        | ~Q(asset_class="")
        | (Q(venue=dataset.venue) & ~Q(venue=""))
        | (Q(instrument_id=_key(dataset.instrument_id)) & ~Q(instrument_id=""))
    )


def _asset_classes(names: Iterable[str]) -> dict[int, str]:
    """Asset class by definition, for the classes that rules name."""
    wanted = sorted(set(names))
    rows = Instrument.objects.filter(asset_class__in=wanted).order_by().values_list("pk", "asset_class")
    return dict(rows) if wanted else {}


def _key(instrument_id: str) -> str:
    return instrument_id.replace("/", "")


def _merged(rules: list[QualityRule]) -> ResolvedRules:
    """Rules from wide to narrow: the last word on each parameter, and on whether the check runs, wins."""
    values: dict[str, dict[str, ParamValue]] = {}
    disabled: dict[str, str] = {}
    applied: dict[str, list[QualityRule]] = {}
    for rule in rules:
        check = CHECKS.get(rule.check_id)
        if check is None:
            continue
        applied.setdefault(check.id, []).append(rule)
        for name, raw in rule.params.items():
            try:
                values.setdefault(check.id, {})[name] = _parse(check, name, raw)
            except ValueError:  # the check changed since: problems_of tells the admin
                continue
        if rule.mode == OFF:
            what = "this dataset" if rule.dataset_id else rule.scope_label
            disabled[check.id] = f"Switched off by a rule for {what}: {rule.note}"
        elif rule.mode:
            disabled.pop(check.id, None)
    return ResolvedRules({name: value for name, value in values.items() if value}, disabled, applied)


def _parse(check: Check, name: str, raw: Any) -> ParamValue:
    param = next((param for param in check.params if param.name == name), None)
    if param is None:
        raise ValueError(f"{check.id} has no parameter {name}.")
    return param.parse(str(raw))


def _complete(rule: QualityRule) -> None:
    """Bring a rule into its lasting form; raises RuleRefused."""
    check = CHECKS.get(rule.check_id)
    if check is None:
        raise RuleRefused(f"There is no check {rule.check_id!r}.")
    try:
        parsed = {name: _parse(check, name, raw) for name, raw in rule.params.items()}
        rule.instrument_id = identifier(rule.instrument_id) if rule.instrument_id else ""
        rule.clean_fields()
        rule.validate_constraints()
    except ValidationError as error:
        raise RuleRefused(" ".join(error.messages)) from None
    except ValueError as error:
        raise RuleRefused(str(error)) from None
    rule.params = {param.name: param.to_json(parsed[param.name]) for param in check.params if param.name in parsed}
    if not rule.params and not rule.mode:
        raise RuleRefused("This rule changes nothing: set a parameter, or whether the check runs.")


def _state(rule: QualityRule) -> dict[str, Any]:
    return {"mode": rule.mode, "params": rule.params, "note": rule.note}


def _note(
    rule: QualityRule,
    action: QualityRuleChange.Action,
    before: dict[str, Any],
    after: dict[str, Any],
    user: User | None,
) -> QualityRuleChange:
    value = str(rule.dataset_id) if rule.dataset_id else getattr(rule, rule.scope)
    return QualityRuleChange.objects.create(
        rule_id=rule.pk,
        check_id=rule.check_id,
        scope={"field": rule.scope, "value": value, "label": rule.scope_label},
        action=action,
        before=before,
        after=after,
        user=user,
        username=user.get_username() if user else "",
    )
