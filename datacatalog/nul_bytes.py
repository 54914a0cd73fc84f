"""Refuse NUL bytes in queries: no text of a request needs them, and PostgreSQL takes none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def refuse_nul_bytes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: answer 400 to a query string with a NUL byte in it."""

    def check(request: HttpRequest) -> None:
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("The query holds a NUL byte.")

    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> Any:
            check(request)
            answer: Awaitable[Any] = get_response(request)
            return await answer

        return answer_later

    def answer(request: HttpRequest) -> Any:
        check(request)
        return get_response(request)

    return answer
