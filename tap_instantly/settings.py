"""Settings of the tap, as data."""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

from tap_instantly.client.page_size import MAX_PAGE_SIZE
from tap_instantly.client.rate_limit import REQUESTS_PER_SECOND
from tap_instantly.client.transport import DEFAULT_API_URL, DEFAULT_TIMEOUT, DEFAULT_USER_AGENT

EARLIEST_YEAR = 1900
"""No real date is earlier, and a look-back from year 1 would leave the calendar."""

ENVIRONMENT_PREFIX = "TAP_INSTANTLY_"

LONGEST_NAME = 63
"""Maximum length of a column name in Postgres."""

KEEP, HASH, DROP = "keep", "hash", "drop"
"""Values of ``personal_data``."""

OFF, CHECK, ON = "off", "check", "on"
"""Values of ``leads_sweep``."""

SHORTEST_SALT = 16
"""Minimum length of ``personal_data_salt``; a shorter salt can be guessed."""

ALL = "all"
"""Selects all sub-workspaces, or all types of e-mail."""

SETTINGS: dict[str, Any] = th.PropertiesList(
    th.Property(
        "api_key",
        th.StringType(min_length=1),
        secret=True,
        title="API key",
        description="API key of the Instantly API v2; v1 keys do not work. The scope all:read covers every stream. "
        "Streams that the key cannot read are skipped with a warning. Required unless workspaces is set.",
    ),
    th.Property(
        "workspaces",
        th.ArrayType(
            th.ObjectType(
                th.Property("name", th.StringType(min_length=1), required=True, title="Name"),
                th.Property("api_key", th.StringType(min_length=1), secret=True, title="API key"),
                th.Property("api_key_env", th.StringType(min_length=1), title="Variable with the API key"),
                th.Property("strict", th.BooleanType, title="Strict"),
                additional_properties=False,
            )
        ),
        secret=True,
        title="Workspaces",
        description="Several workspaces instead of one api_key. Each has a name, and an api_key or an api_key_env, "
        "the name of the environment variable with the key. An entry's strict replaces the setting of that name. "
        "They are read concurrently into the same tables, with their workspace_id and workspace_name. A workspace "
        "that cannot be opened does not stop the others.",
    ),
    th.Property(
        "sub_workspaces",
        th.CustomType({"type": ["array", "string"], "items": {"type": "string", "minLength": 1}, "minItems": 1}),
        title="Sub-workspaces",
        description="Workspaces in the group of the api_key's workspace, read with that key: all, or a list of ids. "
        "With all, the key's own workspace is read too.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Earliest change to extract, in ISO 8601, in UTC unless it has an offset. It must not be in the "
        "future. Omit it to read everything since the workspace was created.",
    ),
    th.Property(
        "lookback_hours",
        th.IntegerType(minimum=0, maximum=720),  # thirty days; later changes need a full refresh
        default=6,
        title="Look-back",
        description="Hours before the bookmark from which lists emit records again, to catch changes that the API "
        "shows late. Costs no extra requests, except for audit_logs and background_jobs. "
        "Daily analytics and emails have their own look-backs.",
    ),
    th.Property(
        "analytics_lookback_days",
        th.IntegerType(minimum=0, maximum=365),
        default=7,
        title="Analytics look-back",
        description="Days before the bookmark that daily analytics read again, because late opens, replies and "
        "opportunities change past days.",
    ),
    th.Property(
        "emails_lookback_days",
        th.IntegerType(minimum=0, maximum=365),
        default=0,
        title="E-mail look-back",
        description="Days before the bookmark that the stream emails reads again, because the read flag and the "
        "interest status of an e-mail change later. lookback_hours does not apply to this stream.",
    ),
    th.Property(
        "emails_type",
        th.StringType,
        allowed_values=[ALL, "received", "sent", "manual"],
        default=ALL,
        title="E-mail type",
        description="E-mails that the stream emails reads: all, received, sent (by campaigns) or manual (sent by "
        "hand). received alone is much faster.",
    ),
    th.Property(
        "emails_interest_days",
        th.IntegerType(minimum=0, maximum=365),
        default=0,
        title="E-mail interest look-back",
        description="Days before the bookmark from which the stream emails re-reads e-mails with an interest status, "
        "one list per status. emails_lookback_days re-reads all e-mails instead. 0 turns this off.",
    ),
    th.Property(
        "emails_preview_only",
        th.BooleanType,
        default=False,
        title="E-mail previews only",
        description="If true, load previews of e-mails instead of their bodies.",
    ),
    th.Property(
        "leads_sweep",
        th.StringType,
        allowed_values=[OFF, CHECK, ON],
        default=OFF,
        title="Sweep of leads",
        description="Method to find changed leads. off reads the full list in every run. on reads it every "
        "leads_full_pass_hours; runs in between request only new, contacted, opened, clicked, replied and relabelled "
        "leads. check does both in every run and logs what the sweep missed: use it before on.",
    ),
    th.Property(
        "leads_full_pass_hours",
        th.IntegerType(minimum=1, maximum=8760),  # a year; without a full pass, edited leads stay outdated
        default=24,
        title="Full pass of leads",
        description="Hours after which a run with leads_sweep on reads the full list of leads again, to find what "
        "sweeps cannot: edits, moves and verification. Deletions show only with FULL_TABLE.",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=MAX_PAGE_SIZE),
        default=MAX_PAGE_SIZE,
        title="Page size",
        description="Records per page of a list. The API's maximum is 100.",
    ),
    th.Property(
        "concurrency",
        th.IntegerType(minimum=1, maximum=256),  # one process cannot use more
        title="Concurrency",
        description="Maximum number of concurrent requests, over all workspaces. With a response time of 0.3 seconds, "
        "30 are needed for 100 requests a second to one workspace. The default is 32, plus 4 for each further "
        "workspace, up to 128.",
    ),
    th.Property(
        "max_requests_per_second",
        th.IntegerType(minimum=1, maximum=10_000),
        default=REQUESTS_PER_SECOND,
        title="Request rate",
        description="Maximum number of requests a second to one workspace. The API allows 100 (and 6,000 a minute), "
        "shared by all tools that use the workspace: lower it if others need their share. Values above 100 are only "
        "for your own servers, such as the sandbox.",
    ),
    th.Property(
        "request_timeout",
        th.IntegerType(minimum=1, maximum=600),
        default=DEFAULT_TIMEOUT,
        title="Request timeout",
        description="Seconds to wait for the next bytes of a response before the request is retried.",
    ),
    th.Property(
        "max_retries",
        th.IntegerType(minimum=0, maximum=50),
        default=8,
        title="Retries",
        description="Maximum number of retries of a failed request; two if the server was never reached. Waits "
        "between tries grow exponentially, with full jitter, up to one minute.",
    ),
    th.Property(
        "personal_data",
        th.StringType,
        allowed_values=[KEEP, HASH, DROP],
        default=KEEP,
        title="Personal data",
        description="Treatment of addresses, names, texts and other personal data: keep, hash or drop. With hash, "
        "equal texts have equal hashes, and addresses keep their domain. With drop, values are null, except keys and "
        "the addresses of sending accounts, which are hashed. docs/privacy.md lists the fields. A change needs a full "
        "refresh.",
    ),
    th.Property(
        "personal_data_salt",
        th.StringType,
        secret=True,
        title="Salt for personal data",
        description="Secret of at least 16 characters with which personal data is hashed, such as the output of "
        "openssl rand -hex 32. Required unless personal_data is keep. Keep it: another salt gives other hashes.",
    ),
    th.Property(
        "validate_records",
        th.StringType,
        allowed_values=["off", "warn", "fail"],
        default="off",
        title="Record validation",
        description="Validation of each record against its JSON Schema: off, warn (count violations and log each kind "
        "once) or fail (stop at the first violation).",
    ),
    th.Property(
        "strict",
        th.BooleanType,
        default=False,
        title="Strict",
        description="If true, a run also fails if a stream or workspace was skipped because the key or plan does not "
        "cover it (exit code 4), or if skipped data may still exist (3). Other failures end with a non-zero exit code "
        "in any case.",
    ),
    th.Property(
        "progress",
        th.StringType,
        allowed_values=["auto", "lines", "off"],
        default="auto",
        title="Progress",
        description="Progress on standard error: auto (live on a terminal, otherwise a log line every 30 seconds), "
        "lines (always log lines) or off. Every run ends with a summary.",
    ),
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType,
        default=False,
        title="Deletions",
        description="If true, send ACTIVATE_VERSION messages for full-refresh streams, so that the loader deletes or "
        "marks deleted records. Use it only if no other run loads into the same tables.",
    ),
    th.Property(
        "api_url",
        th.StringType(min_length=1),
        default=DEFAULT_API_URL,
        title="API URL",
        description="Base URL of the API, with its version. Change it only for tests against a sandbox.",
    ),
    th.Property(
        "allow_http",
        th.BooleanType,
        default=False,
        title="Allow http",
        description="If true, api_url may be an http URL on another machine. The key and all data are then sent in "
        "clear. http to this machine is always allowed.",
    ),
    th.Property(
        "user_agent",
        th.StringType(min_length=1),
        default=DEFAULT_USER_AGENT,
        title="User agent",
        description="User-Agent header of all requests. The API's firewall blocks the default user agents of HTTP "
        "libraries.",
    ),
    th.Property(
        "flattening_max_key_length",
        th.IntegerType(minimum=1),
        default=LONGEST_NAME,
        title="Longest flattened name",
        description="Names of flattened columns of this length or more are shortened. Names over 63 characters fail in "
        "Postgres.",
    ),
    additional_properties=False,
).to_dict()
"""JSON Schema of the configuration, without the SDK's own settings."""
