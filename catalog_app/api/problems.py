"""Every error of the API as problem details (RFC 9457)."""

import json
import logging
import math
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, Throttled, ValidationError

from catalog_app.services.errors import Conflict, ServiceError
from catalog_app.store.errors import StoreError

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


def problem(status: int, detail: str, errors: list[dict[str, str]] | None = None) -> HttpResponse:
    """A response with problem details."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": errors or [],
    }
    response = HttpResponse(json.dumps(document), status=status, content_type=CONTENT_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def register(api: NinjaAPI) -> None:
    """Have the API answer every exception with problem details."""
    handlers: dict[type[Exception], Callable[..., HttpResponse]] = {
        MultiPartParserError: _answer(400),
        SuspiciousOperation: _answer(400),
        PermissionDenied: _answer(403),
        Http404: _answer(404),
        Conflict: _answer(409),
        ServiceError: _answer(422),
        StoreError: _answer(422),
        HttpError: _http_error,
        Throttled: _throttled,
        ValidationError: _invalid,
        Exception: _unexpected,
    }
    for kind, answer in handlers.items():
        api.add_exception_handler(kind, answer)


def as_problems(view: Callable[..., Any]) -> Callable[..., Any]:
    """Turn ninja's bare 405 into problem details; the view needs no login, since operations authenticate."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = view(request, *args, **kwargs)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or response.get("Content-Type") == CONTENT_TYPE:
            return response
        answer = problem(405, f"{request.method} is not allowed here; allowed: {response['Allow']}.")
        answer["Allow"] = response["Allow"]
        return answer

    wrapped.csrf_exempt = True  # type: ignore[attr-defined]  # sessions are checked by `auth.Session`
    wrapped.login_required = False  # type: ignore[attr-defined]
    return wrapped


def unknown_path(request: HttpRequest, rest: str) -> HttpResponse:
    """The answer for an address that the API does not have."""
    return problem(404, f"There is nothing at {request.path}. The reference is at /api/v1/docs.")


unknown_path.csrf_exempt = True  # type: ignore[attr-defined]
unknown_path.login_required = False  # type: ignore[attr-defined]


def _answer(status: int) -> Callable[[HttpRequest, Exception], HttpResponse]:
    return lambda request, error: problem(status, str(error) or HTTPStatus(status).phrase)


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    messages = {401: "Log in, or send a bearer token."} if error.message == "Unauthorized" else {}
    return problem(error.status_code, messages.get(error.status_code, error.message))


def _throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
    response = problem(429, "Too many requests: wait as long as Retry-After says.")
    response["Retry-After"] = str(math.ceil(error.wait or 1))
    return response


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [
        {"field": ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0]), "message": item["msg"]}
        for item in error.errors
    ]
    return problem(
        422, "The request is not valid: " + "; ".join(f"{e['field']}: {e['message']}" for e in errors), errors
    )


def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("The API failed at %s %s", request.method, request.path)
    return problem(500, "The server could not do this; its log says why.")
