"""Answers in the API's formats."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TypeVar

from starlette.responses import Response

T = TypeVar("T")
JSON_TYPE = "application/json; charset=utf-8"


class ApiError(Exception):
    """A request that ends in an error answer; a bare one has only the message, as in the analytics endpoints."""

    def __init__(
        self, status: int, message: str, *, code: str = "", bare: bool = False, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        # The code is Fastify's.
        head = {"statusCode": status, **({"code": code} if code else {}), "error": HTTPStatus(status).phrase}
        self._body = {**({} if bare else head), "message": message}
        self._headers = headers

    def answer(self) -> Response:
        """Render the error in the API's format."""
        return reply(self._body, self.status, self._headers)


def dumps(value: object) -> str:
    """Write JSON in the API's format: compact, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def reply(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with a JSON value."""
    return raw_reply(dumps(value).encode(), status, headers)


def raw_reply(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON in bytes."""
    return Response(body, status, headers, media_type=JSON_TYPE)


def existing(found: T | None) -> T:
    """Refuse a request for a resource that does not exist."""
    if found is None:
        raise ApiError(404, "Resource not found")
    return found


def require(valid: object, message: str) -> None:
    """Refuse a request that fails schema validation."""
    if not valid:
        raise ApiError(400, message, code="FST_ERR_VALIDATION")
