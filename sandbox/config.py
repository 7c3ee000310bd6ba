"""Configuration of a sandbox: sizes, seed, behaviour and keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.group import MAIN

LEAD_QUERIES = ("any", "all", "ignored", "unsupported")
"""Semantics of several `queries` of a list of leads: any or all must match, they are ignored, or answered with 400."""


@dataclass(frozen=True)
class ApiKey:
    """An API key of the sandbox."""

    name: str  # in the request log
    scopes: tuple[str, ...] = ("all:all",)
    # Without a plan every call answers 402. A workspace with only unpaid keys has no plan for other keys either.
    paid: bool = True
    workspace: str = MAIN
    inbox_placement: bool = True  # without, the endpoints of inbox placement answer 402

    @property
    def secret(self) -> str:
        """The bearer token: a function of the name alone, so that tests do not have to pass secrets around."""
        return f"sandbox-key-{self.name}"

    @classmethod
    def parse(cls, text: str, *, paid: bool = True) -> ApiKey:
        """Parse `NAME`, optionally with `@WORKSPACE` and `=scope,scope` behind it."""
        who, _, scopes = text.partition("=")
        name, _, workspace = who.partition("@")
        if not name:
            message = f"an API key needs a name: {text!r}"
            raise ValueError(message)
        return cls(name, tuple(scopes.split(",")) if scopes else ("all:all",), paid=paid, workspace=workspace or MAIN)


@dataclass
class Behaviour:
    """Settings that can change while the sandbox runs."""

    paid: bool = True
    latency_ms: float = 0.0
    rate_limit: bool = False
    per_second: int = 100
    per_minute: int = 6000
    retry_after: int | None = None
    short_pages: float = 0.0
    scope_error_status: int = 401
    emails_per_minute: int = 20
    analytics_accounts: int = 200
    inbox_placement: bool = True
    stray_placement_rows: float = 0.02
    lead_queries: str = "any"
    query_days_from_midnight: bool = False
    query_lag_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.lead_queries not in LEAD_QUERIES:
            message = f"lead_queries must be one of {', '.join(LEAD_QUERIES)}, and not {self.lead_queries!r}"
            raise ValueError(message)


@dataclass(frozen=True)
class SandboxConfig:
    """Configuration of a sandbox; equal configurations yield byte-identical data. Sizes are per workspace."""

    workspaces: int = 1
    campaigns: int = 12  # drafts included
    accounts: int = 40
    leads: int = 5000
    lead_lists: int = 5
    emails: int = 3000
    days: int = 120  # of activity, up to and including `until`
    until: str | None = None  # last day with data (YYYY-MM-DD); today (UTC) by default
    seed: int = 1
    list_ties: bool = False  # lead lists come in pairs with the same creation time
    # `Server.api_key` and the command line announce the first. Each workspace but the first also has a key of its name.
    keys: tuple[ApiKey, ...] = (ApiKey("default"), ApiKey("unpaid", paid=False))
    behaviour: Behaviour = field(default_factory=Behaviour)
