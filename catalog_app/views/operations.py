"""The history of what changed in the stores, and taking an operation back."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from catalog_app.models import Dataset, Store, StoreOperation
from catalog_app.services import operations
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs.queries import facts
from catalog_app.services.maintenance.storage import storage_of
from catalog_app.services.maintenance.undoing import request_undo
from catalog_app.views.htmx import render_page
from catalog_app.views.manage_jobs import job_page
from catalog_app.views.users import user_of

PAGE_SIZE = 50
FILES_SHOWN = 200
SHOWN_AS_LINKS = {"operationId", "storeId"}


@require_safe
@permission_required("catalog_app.view_storeoperation", raise_exception=True)
def operation_list(request: HttpRequest) -> HttpResponse:
    """Operations, newest first; the filters are in the address."""
    chosen = {name: request.GET.get(name, "") for name in ("store", "kind", "state", "path")}
    store = Store.objects.filter(name=chosen["store"]).first() if chosen["store"] else None
    found = operations.history(store, path=chosen["path"], kind=chosen["kind"], state=chosen["state"])
    if chosen["store"] and store is None:
        found = found.none()
    context = {
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "stores": Store.objects.values_list("name", flat=True),
        "kinds": StoreOperation.objects.order_by("kind").values_list("kind", flat=True).distinct(),
        "states": StoreOperation.State.choices,
        "storage": [storage_of(one) for one in ([store] if store else Store.objects.all())],
    }
    return render_page(request, "catalog/operations.html", "rows", context)


@require_safe
@permission_required("catalog_app.view_storeoperation", raise_exception=True)
def operation(request: HttpRequest, operation_id: uuid.UUID) -> HttpResponse:
    """One operation: its files before and after, and whether it can be undone."""
    related = StoreOperation.objects.select_related("store", "user", "undone_by", "undoes", "job")
    found = get_object_or_404(related, pk=operation_id)
    hindrance = operations.hindrance(found)
    context: dict[str, Any] = {
        "operation": found,
        "dataset": Dataset.objects.filter(store=found.store, path=found.path).first(),
        "before": found.files_before[:FILES_SHOWN],
        "after": found.files_after[:FILES_SHOWN],
        "files_shown": FILES_SHOWN,
        "undone_as": found.undone_as.order_by("-created_at").first(),
        "hindrance": hindrance,
        "parameters": facts({name: value for name, value in found.parameters.items() if name not in SHOWN_AS_LINKS}),
        "may_undo": not hindrance and request.user.has_perm("catalog_app.undo_operation"),
    }
    return render(request, "catalog/operations_detail.html", context)


@require_POST
@permission_required("catalog_app.undo_operation", raise_exception=True)
def undo(request: HttpRequest, operation_id: uuid.UUID) -> HttpResponse:
    """Queue the job that takes an operation back."""
    found = get_object_or_404(StoreOperation.objects.select_related("store"), pk=operation_id)
    try:
        job = request_undo(found, user_of(request))
    except Conflict as refusal:
        messages.warning(request, str(refusal))
        return redirect("manage:operation", found.pk)
    return redirect(job_page(request, job))
