"""Answers in the shapes the API gives them."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

JSON_TYPE = "application/json; charset=utf-8"


class ApiError(Exception):
    """A request that ends in an error answer.

    Args:
        status: HTTP status of the answer.
        message: The message in its body.
        code: Fastify's error code, where the API shows one.
        bare: Whether the body has the message alone, as the analytics endpoints do it.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        bare: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.bare = bare
        self.headers = headers

    def answer(self) -> Response:
        """Render the error as the API would."""
        if self.bare:
            return reply({"message": self.message}, self.status, self.headers)
        body: dict[str, Any] = {"statusCode": self.status}
        if self.code:
            body["code"] = self.code
        body |= {"error": HTTPStatus(self.status).phrase, "message": self.message}
        return reply(body, self.status, self.headers)


def dumps(value: object) -> str:
    """Write JSON the way the API does: compact, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def reply(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with a JSON value."""
    return raw_reply(dumps(value).encode(), status, headers)


def raw_reply(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON that is already bytes."""
    return Response(body, status, headers, media_type=JSON_TYPE)


def invalid(message: str) -> ApiError:
    """Make the answer to a request that fails schema validation."""
    return ApiError(400, message, code="FST_ERR_VALIDATION")


def not_found(message: str = "Resource not found") -> ApiError:
    """Make the answer for a thing that does not exist."""
    return ApiError(404, message)
