"""The settings of the tap, as data, and what is said when one is wrong."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, ValidationError
from singer_sdk import typing as th

from tap_instantly import timestamps
from tap_instantly.api.limits import REQUESTS_PER_SECOND
from tap_instantly.api.pagination import MAX_PAGE_SIZE
from tap_instantly.api.transport import DEFAULT_API_URL, DEFAULT_TIMEOUT, DEFAULT_USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MOST_AT_ONCE = 256
"""Requests under way at once, at most: more than one process has a use for."""

EARLIEST_YEAR = 1900
"""Before which nobody means a date; looking back from the year 1 would leave the calendar."""

ENVIRONMENT_PREFIX = "TAP_INSTANTLY_"

ALL = "all"
"""In the place of ids of sub-workspaces: all that there are."""

SETTINGS: dict[str, Any] = th.PropertiesList(
    th.Property(
        "api_key",
        th.StringType(min_length=1),
        secret=True,
        title="API key",
        description="Key for the Instantly API v2 (a v1 key does not work). The scope all:read covers every stream; "
        "streams that the key may not read are skipped with a warning. Required unless workspaces are given.",
    ),
    th.Property(
        "workspaces",
        th.ArrayType(
            th.ObjectType(
                th.Property("name", th.StringType(min_length=1), required=True, title="Name"),
                th.Property("api_key", th.StringType(min_length=1), secret=True, title="API key"),
                th.Property("api_key_env", th.StringType(min_length=1), title="Variable with the API key"),
                additional_properties=False,
            )
        ),
        secret=True,
        title="Workspaces",
        description="Several workspaces in the place of one api_key, each with a name and an api_key, or with "
        "api_key_env, the name of the environment variable that holds the key. They are read side by side into the "
        "same tables, told apart by workspace_id and workspace_name; one that cannot be opened does not stop the "
        "others.",
    ),
    th.Property(
        "sub_workspaces",
        th.CustomType({"type": ["array", "string"], "items": {"type": "string", "minLength": 1}, "minItems": 1}),
        title="Sub-workspaces",
        description="Workspaces in the group of the one that api_key opens, to be read with that key: all, or a list "
        "of their ids. With all, the workspace of the key is read too.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Earliest change to extract (ISO 8601, UTC unless it says otherwise). Leave it out to get all "
        "there is, from the day the workspace was made.",
    ),
    th.Property(
        "analytics_lookback_days",
        th.IntegerType(minimum=0, maximum=365),
        default=7,
        title="Analytics look-back",
        description="Days before the bookmark that daily analytics read again, since late opens, replies and "
        "opportunities change past days.",
    ),
    th.Property(
        "emails_lookback_days",
        th.IntegerType(minimum=0, maximum=365),
        default=0,
        title="E-mail look-back",
        description="Days before the bookmark that the stream emails reads again, since whether an e-mail is read and "
        "its interest status change later. The API gives 2,000 e-mails a minute.",
    ),
    th.Property(
        "emails_preview_only",
        th.BooleanType,
        default=False,
        title="E-mail previews only",
        description="Whether to leave the bodies of e-mails out and get their first words alone.",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=MAX_PAGE_SIZE),
        default=MAX_PAGE_SIZE,
        title="Page size",
        description="Records per page of a list. The API takes no more than 100.",
    ),
    th.Property(
        "concurrency",
        th.IntegerType(minimum=1, maximum=MOST_AT_ONCE),
        default=32,
        title="Concurrency",
        description="Requests under way at once, at most, over all workspaces. With answers that take 0.3 seconds, 30 "
        "are needed to use 100 requests a second of one workspace; with many workspaces, more help.",
    ),
    th.Property(
        "max_requests_per_second",
        th.IntegerType(minimum=1, maximum=10_000),
        default=REQUESTS_PER_SECOND,
        title="Request rate",
        description="Requests a second to one workspace, at most. The API allows 100 (and 6,000 a minute) to all tools "
        "that use the workspace together: lower it where others need their share. More than 100 is for servers of "
        "one's own, such as the sandbox.",
    ),
    th.Property(
        "request_timeout",
        th.IntegerType(minimum=1, maximum=600),
        default=DEFAULT_TIMEOUT,
        title="Request timeout",
        description="Seconds to wait for the next bytes of an answer before the request is tried again.",
    ),
    th.Property(
        "max_retries",
        th.IntegerType(minimum=0, maximum=50),
        default=8,
        title="Retries",
        description="How often a failed request is tried again before the run gives up. The waits between tries "
        "grow exponentially, with full jitter, to at most a minute.",
    ),
    th.Property(
        "validate_records",
        th.StringType,
        allowed_values=["off", "warn", "fail"],
        default="off",
        title="Record validation",
        description="Whether to check each record against its JSON Schema: off, warn (count the violations and log "
        "each sort once) or fail (stop at the first).",
    ),
    th.Property(
        "strict",
        th.BooleanType,
        default=False,
        title="Strict",
        description="Whether a run also fails, at its end, where a stream or a workspace was skipped because the key "
        "or the plan does not give it. What failed otherwise always fails the run.",
    ),
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType,
        default=False,
        title="Deletions",
        description="Whether to tell the loader, by ACTIVATE_VERSION, which records of streams that are read in full "
        "are gone, so that it deletes them or marks them as deleted. Only for tables that no other run loads into.",
    ),
    th.Property(
        "api_url",
        th.StringType(min_length=1),
        default=DEFAULT_API_URL,
        title="API URL",
        description="Base URL of the API, with its version. For tests against a sandbox on this machine.",
    ),
    th.Property(
        "allow_http",
        th.BooleanType,
        default=False,
        title="Allow http",
        description="Whether api_url may be http to another machine, which sends the key and all data in clear. To "
        "this machine it always may.",
    ),
    th.Property(
        "user_agent",
        th.StringType(min_length=1),
        default=DEFAULT_USER_AGENT,
        title="User agent",
        description="How the tap introduces itself. The API's firewall blocks the default names of HTTP libraries.",
    ),
    additional_properties=False,
).to_dict()
"""JSON Schema of the configuration, before the SDK adds its own settings."""


def secrets(config: object) -> Iterator[object]:
    """What a configuration holds of keys, however wrong their type or place within their setting."""
    given = config if isinstance(config, dict) else {}
    for name, setting in SETTINGS["properties"].items():
        if setting.get("secret"):
            yield from _leaves(given.get(name))
    for entry in _entries(given):
        yield from _leaves(key_of(entry))


def key_of(entry: Mapping[str, Any]) -> str | None:
    """The key of an entry of ``workspaces``: its own, or that of the environment variable that it names."""
    key, variable = entry.get("api_key"), entry.get("api_key_env")
    return os.environ.get(variable) if key is None and isinstance(variable, str) else key


def _entries(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = config.get("workspaces")
    return [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name != "name":
                yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    elif value is not None:
        yield value


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What to add to the name of something that there is not: the nearest of those that there are, if one is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean '{close[0]}'?" if close else ""


def unknown_variables(environment: Iterable[str], schema: Mapping[str, Any]) -> Iterator[str]:
    """What to say of environment variables that are called like a setting and are none, one line each.

    Those with two underscores are Meltano's own, and those that go on behind an object setting's name are for use
    within it.
    """
    known = {f"{ENVIRONMENT_PREFIX}{name.upper()}": setting for name, setting in schema["properties"].items()}
    within = tuple(f"{name}_" for name, setting in known.items() if "object" in str(setting.get("type")))
    for name in sorted(environment):
        others = (f"{ENVIRONMENT_PREFIX}_", f"{ENVIRONMENT_PREFIX}LOGLEVEL", *within)
        if name.upper().startswith(ENVIRONMENT_PREFIX) and name not in known and not name.startswith(others):
            near = did_you_mean(name[len(ENVIRONMENT_PREFIX) :].upper(), map(str.upper, schema["properties"]))
            yield f"environment variable {name} is no setting{near}"


def problems(config: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with ``config``, one sentence each, without the value of any secret.

    The SDK's own texts quote the value of a wrongly typed secret.
    """
    errors = Draft202012Validator(schema).iter_errors(dict(config))
    found = [*_keys(config), *(text for error in errors for text in _describe(error, schema))]
    return found or list(_implausible(config))


def _keys(config: Mapping[str, Any]) -> Iterator[str]:
    names = [entry.get("name") for entry in _entries(config)]
    for name in sorted({name for name in names if isinstance(name, str) and names.count(name) > 1}):
        yield f"setting 'workspaces' is not valid: two of them are called '{name}'"
    for entry in _entries(config):
        where = f"setting 'workspaces' is not valid: '{entry.get('name')}'"
        if ("api_key" in entry) == ("api_key_env" in entry):
            yield f"{where} needs an api_key or an api_key_env"
        elif not key_of(entry):
            # It is not named here: somebody may have put the key itself in its place.
            yield f"{where} has an api_key_env that names no environment variable, or an empty one"
    if isinstance(config.get("sub_workspaces"), str) and config["sub_workspaces"] != ALL:
        yield f"setting 'sub_workspaces' is not valid: it must be {ALL}, or a list of ids"
    if config.get("sub_workspaces") and config.get("workspaces"):
        yield "settings 'sub_workspaces' and 'workspaces' are both given: sub_workspaces go with an api_key"
    if not config.get("workspaces") and config.get("api_key") is None:
        yield f"setting 'api_key' is missing: give it in the config, or as {ENVIRONMENT_PREFIX}API_KEY"
    if config.get("workspaces") and config.get("api_key") is not None:
        yield "settings 'api_key' and 'workspaces' are both given: give one of them"


def _describe(error: ValidationError, schema: Mapping[str, Any]) -> Iterator[str]:
    known: Mapping[str, Any] = schema["properties"]
    given: Mapping[str, Any] = cast("Mapping[str, Any]", error.instance)
    if error.validator == "additionalProperties" and not error.path:
        for name in sorted(given.keys() - known.keys()):
            yield f"unknown setting '{name}'{did_you_mean(name, known)}"
    else:
        name = str(error.path[0]) if error.path else "config"
        # A value of the wrong type is not quoted anywhere: it may be a key in the wrong place.
        unquoted = known.get(name, {}).get("secret") or error.validator == "type"
        reason = f"it must be of type {_types(error)}" if unquoted else error.message
        yield f"setting '{name}' is not valid: {reason}"


def _types(error: ValidationError) -> str:
    return "string, and not empty" if error.validator != "type" else str(error.validator_value).strip("[]'")


def _implausible(config: Mapping[str, Any]) -> Iterator[str]:
    if (start := config.get("start_date")) is not None:
        try:
            plausible = timestamps.parse(start).year >= EARLIEST_YEAR
        except ValueError:
            plausible = False
        if not plausible:
            yield f"setting 'start_date' is not valid: '{start}' is not an ISO 8601 date, such as 2026-01-31"
    agent = config.get("user_agent") or DEFAULT_USER_AGENT
    if not re.fullmatch(r"[ -~]+", agent) or agent != agent.strip():
        yield "setting 'user_agent' is not valid: it must be one line of plain letters, digits and signs"
    try:
        url = urlsplit(config.get("api_url") or DEFAULT_API_URL)
        _port = url.port  # raises where it is no number
    except ValueError:
        yield "setting 'api_url' is not valid: it is no URL"
        return
    if url.scheme not in {"http", "https"} or not url.hostname:
        yield "setting 'api_url' is not valid: it must be an https URL"
    elif "@" in url.netloc or url.query or url.fragment:
        yield "setting 'api_url' is not valid: no user, password, query or fragment belongs in it"
    elif url.scheme == "http" and not _is_loopback(url.hostname) and not config.get("allow_http"):
        yield "setting 'api_url' is not valid: http would send the key in clear; use https, or else set allow_http"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
