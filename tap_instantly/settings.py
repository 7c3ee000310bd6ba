"""The settings of the tap, as data."""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

from tap_instantly.api.limits import REQUESTS_PER_SECOND
from tap_instantly.api.pagination import MAX_PAGE_SIZE
from tap_instantly.api.transport import DEFAULT_API_URL, DEFAULT_TIMEOUT, DEFAULT_USER_AGENT

MOST_AT_ONCE = 256
"""Requests under way at once, at most: more than one process has a use for."""

MOST_LOOKBACK_HOURS = 720
"""Thirty days: what is later than that needs a run that reads everything anew."""

EARLIEST_YEAR = 1900
"""Before which nobody means a date; looking back from the year 1 would leave the calendar."""

ENVIRONMENT_PREFIX = "TAP_INSTANTLY_"

LONGEST_NAME = 63
"""Characters that the name of a column has in Postgres, at most."""

KEEP, HASH, DROP = "keep", "hash", "drop"
"""Choices of ``personal_data``."""

SHORTEST_SALT = 16
"""Characters of ``personal_data_salt``, at least: a shorter one can be found by trying."""

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
        description="Earliest change to extract (ISO 8601, UTC unless it says otherwise), not in the future. Leave it "
        "out to get all there is, from the day the workspace was made.",
    ),
    th.Property(
        "lookback_hours",
        th.IntegerType(minimum=0, maximum=MOST_LOOKBACK_HOURS),
        default=6,
        title="Look-back",
        description="Hours before the bookmark from which lists emit records again, so that a change that the API "
        "shows late, with a time before the bookmark, is not lost. The lists are read whole anyhow: it costs no "
        "request, except for audit_logs and background_jobs. Daily analytics and emails have their own look-backs.",
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
        "its interest status change later. The API gives 2,000 e-mails a minute. lookback_hours does not count here.",
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
        title="Concurrency",
        description="Requests under way at once, at most, over all workspaces. With answers that take 0.3 seconds, 30 "
        "are needed to use 100 requests a second of one workspace. By default 32, and 4 more for each further "
        "workspace, up to 128.",
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
        description="How often a failed request is tried again before the run gives up; twice at most where a server "
        "cannot be reached in the first place. The waits between tries grow exponentially, with full jitter, to at "
        "most a minute.",
    ),
    th.Property(
        "personal_data",
        th.StringType,
        allowed_values=[KEEP, HASH, DROP],
        default=KEEP,
        title="Personal data",
        description="What becomes of addresses, names, texts and whatever else is about a person: keep, hash (equal "
        "texts have equal hashes, and addresses keep their domain) or drop (null, but for keys and the addresses of "
        "sending accounts, which are hashed). docs/privacy.md lists what is meant. Change it with a full refresh.",
    ),
    th.Property(
        "personal_data_salt",
        th.StringType,
        secret=True,
        title="Salt for personal data",
        description="Secret that personal data are hashed with, at least 16 characters, such as the output of openssl "
        "rand -hex 32. Required unless personal_data is keep. Keep it: with another one, hashes are others.",
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
        "or the plan does not give it, or where something was passed over that may still be there. What failed "
        "otherwise always fails the run.",
    ),
    th.Property(
        "progress",
        th.StringType,
        allowed_values=["auto", "lines", "off"],
        default="auto",
        title="Progress",
        description="How standard error tells what a run is doing: auto (on a terminal as it goes, else by a line of "
        "the log every 30 seconds), lines (always by those) or off. At its end each run is summed up in any case.",
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
    th.Property(
        "flattening_max_key_length",
        th.IntegerType(minimum=1),
        default=LONGEST_NAME,
        title="Longest flattened name",
        description="Length from which on the names of flattened columns are shortened. Longer ones than the default "
        "fail in Postgres.",
    ),
    additional_properties=False,
).to_dict()
"""JSON Schema of the configuration, before the SDK adds its own settings."""
