"""The root of the HTTP API: one NinjaAPI, its routers, errors, documents."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from catalog_app.api import catalog, jobs, operations, problems, runs, transfers
from catalog_app.api.auth import PerCallerThrottle
from datacatalog import api_reference
from quality_app.api import findings, gaps, promises, quality

PREFIX = "nautilus/data/"

api = NinjaAPI(
    title="Data desk for NautilusTrader",
    version="1",
    description="What market data there is, how good it is, and moving it in and out.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
    throttle=[PerCallerThrottle()],
)
problems.register(api)
api.add_router("/catalog", catalog.router)
api.add_router("/stores", catalog.stores)
api.add_router("/stores", operations.stores)
api.add_router("/catalog/datasets", operations.datasets)
api.add_router("/operations", operations.router)
api.add_router("/runs", runs.router)
api.add_router("/jobs", jobs.router)
api.add_router("/quality", quality.router)
api.add_router("/gaps", gaps.router)
api.add_router("/catalog/datasets", gaps.datasets)
api.add_router("/wanted", promises.wanted)
api.add_router("/incidents", promises.incidents)
api.add_router("/anomalies", findings.anomalies)
api.add_router("/integrity", findings.integrities)
api.add_router("/reconciliations", findings.reconciliations)
api.add_router("", transfers.router)


def _operations() -> tuple[list[URLPattern | URLResolver], str, str]:
    """The operations' addresses; whatever else is asked for below the prefix gets a problem document."""
    patterns, app_name, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.callback is not None:
            pattern.callback = problems.as_problems(pattern.callback)
    return [*patterns, path("<path:rest>", problems.unknown_path, name="unknown")], app_name, namespace


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3.1 document."""
    return JsonResponse(api_reference.document(api))


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The reference as a page, rendered from the OpenAPI document: no script, no style of its own origin."""
    return render(request, "api/reference.html", api_reference.page(api, request.build_absolute_uri("/").rstrip("/")))


openapi.login_required = False  # type: ignore[attr-defined]  # the shape of the API is no secret

urlpatterns = [
    path("docs", docs, name="api-docs"),
    path("openapi.json", openapi, name="api-openapi"),
    path(PREFIX, _operations()),
]
