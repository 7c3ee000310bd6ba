"""What a sandbox is asked to be: size, seed, manners and keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.group import MAIN


@dataclass(frozen=True)
class ApiKey:
    """One API key of the sandbox.

    Attributes:
        name: What the request log calls the key.
        scopes: Scopes as the API spells them, for instance `campaigns:read` or `all:all`.
        paid: Whether the key's workspace has a plan; without one every call answers 402. A workspace with no other
            keys than unpaid ones has no plan for those either who come by another way.
        workspace: Name of the workspace the key opens.
        inbox_placement: Whether its workspace pays for inbox placement; without, all of that answers 402.
    """

    name: str
    scopes: tuple[str, ...] = ("all:all",)
    paid: bool = True
    workspace: str = MAIN
    inbox_placement: bool = True

    @property
    def secret(self) -> str:
        """The bearer token; a fixed function of the name, so that tests need not pass secrets around."""
        return f"sandbox-key-{self.name}"

    @classmethod
    def parse(cls, text: str, *, paid: bool = True) -> ApiKey:
        """Read `NAME`, with `@WORKSPACE` and `=scope,scope` behind it where the usual ones will not do."""
        who, _, scopes = text.partition("=")
        name, _, workspace = who.partition("@")
        if not name:
            message = f"an API key needs a name: {text!r}"
            raise ValueError(message)
        return cls(name, tuple(scopes.split(",")) if scopes else ("all:all",), paid=paid, workspace=workspace or MAIN)


@dataclass
class Manners:
    """How the sandbox behaves at the door; everything here may change while it runs."""

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


@dataclass(frozen=True)
class SandboxConfig:
    """Everything a sandbox is started with; equal configurations hold byte-identical data.

    Attributes:
        workspaces: Number of workspaces; all further sizes are those of each of them.
        campaigns: Number of campaigns, drafts included.
        accounts: Number of sending accounts.
        leads: Number of leads.
        lead_lists: Number of lead lists.
        emails: Number of e-mails.
        days: How many days of activity there are, up to and including `until`.
        until: The last day with data (YYYY-MM-DD); today (UTC) when not given.
        seed: The seed of everything generated.
        list_ties: Whether lead lists come in pairs with the same creation time.
        keys: The API keys; the first is the one `Server.api_key` and the command line announce. Each workspace but the
            first also has a key that is called like it.
        manners: Behaviour that can also be changed later through the control plane.
    """

    workspaces: int = 1
    campaigns: int = 12
    accounts: int = 40
    leads: int = 5000
    lead_lists: int = 5
    emails: int = 3000
    days: int = 120
    until: str | None = None
    seed: int = 1
    list_ties: bool = False
    keys: tuple[ApiKey, ...] = (ApiKey("default"), ApiKey("unpaid", paid=False))
    manners: Manners = field(default_factory=Manners)
