"""The job of a policy: previews source by source, and writes only what nothing stands against."""

from __future__ import annotations

from typing import Any

from catalog_app.models import Dataset
from catalog_app.services.errors import JobFailed
from catalog_app.services.jobs import Progress
from catalog_app.store.errors import StoreError
from quality_app.models import FillPolicy
from quality_app.services.gaps.filling.committing import commit, preview
from quality_app.services.gaps.filling.policies import allowed, rows_left, sources_of

# What a policy may write: people look at the rest.
_IN_ORDER = frozenset({"good", "note"})


def run_policy(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Write what the first source of the policy has whose seams are in order; other gaps are left to people.

    A repeated attempt goes on with what the one before had chosen.

    Raises:
        JobFailed: with no row written; it says for each source why.

    """
    policy = FillPolicy.objects.filter(pk=parameters["policyId"], is_active=True).first()
    if policy is None:
        raise JobFailed("The policy was switched off meanwhile: nothing was written.")
    if "chosen" in parameters:
        return commit(progress, parameters, parameters["chosen"], policy=policy)
    dataset = Dataset.objects.select_related("store", "definition").filter(pk=parameters["datasetId"]).first()
    if dataset is None:
        raise JobFailed("The dataset is no longer in the index.")
    wanted = set(parameters["gapIds"])
    gaps = [str(gap.pk) for gap in allowed(policy, dataset) if str(gap.pk) in wanted]
    if not gaps:
        raise JobFailed("The gaps are no longer open: nothing was written.")
    for source in sources_of(policy, dataset):
        asked = {**parameters, "sourceId": str(source.pk), "gapIds": gaps}
        shown = _in_order(progress, policy, source, asked)
        if shown is not None:
            chosen = {**asked, "chosen": shown}
            progress.mine().update(parameters=chosen)
            return commit(progress, chosen, shown, policy=policy)
    raise JobFailed("Nothing was written: no source of the policy has rows whose seams are in order. The log says why.")


def _in_order(
    progress: Progress, policy: FillPolicy, source: Dataset, parameters: dict[str, Any]
) -> dict[str, Any] | None:
    """The preview of those gaps that may be filled from a source without asking; None where there is none."""
    left = rows_left(policy)
    try:
        shown = preview(progress, parameters)
        chosen = []
        for span in shown["spans"]:
            reason = _against(span, left)
            if reason:
                progress.log(f"{source} in {source.store}, gap from {span['startNs']} ns: {reason}", "warning")
            else:
                chosen.append(span["gapId"])
                left -= span["rows"]
        if not chosen:
            return None
        return shown if len(chosen) == len(shown["spans"]) else preview(progress, {**parameters, "gapIds": chosen})
    except StoreError as error:
        progress.log(f"{source} in {source.store}: {error}", "warning")
        return None


def _against(span: dict[str, Any], left: int) -> str:
    """Why a span is not filled by a policy; empty when nothing stands against it."""
    if not span["rows"]:
        return "the source has no row for it."
    if span["rows"] > left:
        return f"its {span['rows']:,} rows are more than the policy may still write today ({left:,})."
    reasons = [one for one in span["findings"] if one["severity"] not in _IN_ORDER]
    return f"{reasons[0]['check']}: {reasons[0]['text']}" if reasons else ""
