"""The first page: what there is, how good it is, what runs."""

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog_app.models import Job
from catalog_app.services import overview as figures
from catalog_app.services.jobs.queries import active_count

RECENT_JOBS = 6
FINDINGS = 12


@require_safe
@permission_required("catalog_app.view_dataset", raise_exception=True)
def overview(request: HttpRequest) -> HttpResponse:
    """Stores, totals, scores, worst datasets, jobs, findings; each leads to its detail."""
    may_see_jobs = request.user.has_perm("catalog_app.view_job")
    stores = figures.store_lines()
    context = {
        "stores": stores,
        "dialects": sorted({dialect for line in stores for dialect in line.dialects}),
        "totals": figures.totals(),
        "types": figures.type_lines(),
        "bars": figures.score_distribution(),
        "worst": figures.worst_datasets(),
        "page": Paginator(figures.findings(), FINDINGS).get_page(request.GET.get("page")),
        "jobs": Job.objects.select_related("user")[:RECENT_JOBS] if may_see_jobs else (),
    }
    return render(request, "catalog/overview.html", context)


@require_safe
@permission_required("catalog_app.view_job", raise_exception=True)
def running_jobs(request: HttpRequest) -> HttpResponse:
    """The header's badge, polled."""
    return render(request, "jobs/badge.html", {"running_jobs": active_count()})
