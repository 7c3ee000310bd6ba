"""A client of the control plane."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

Row = dict[str, Any]


class Control:
    """Talks to the control plane of a running sandbox.

    Args:
        url: Base address of the sandbox, for instance http://127.0.0.1:8765.
        workspace: The workspace that everything but `about` and the `clear_...` and `reset` calls is about. If none is
            named, mutations and truth are about the first, and faults, manners and the request log about all.
        session: The connection to use, if there is one already.
    """

    def __init__(self, url: str, workspace: str | None = None, session: requests.Session | None = None) -> None:
        self._url = url
        self._base = f"{url.rstrip('/')}/_sandbox"
        self._place = {} if workspace is None else {"workspace": workspace}
        self._session = session or requests.Session()
        # Proxies are for the world outside.
        self._session.trust_env = False
        self._session.headers["User-Agent"] = "sandbox-control"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def within(self, workspace: str) -> Control:
        """Give a client for one workspace; it shares the connection."""
        return Control(self._url, workspace, self._session)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _call(self, method: str, path: str, body: object = None, /, **query: str) -> Any:  # noqa: ANN401 - any JSON value
        answer = self._session.request(method, f"{self._base}{path}", json=body, params=query, timeout=120)
        if not answer.ok:
            message = f"{method} {path}: {answer.status_code} {answer.text}"
            raise ControlError(message)
        return answer.json()

    def about(self) -> Row:
        """Tell the configuration, the keys, and what can be asked for."""
        about: Row = self._call("GET", "")
        return about

    def fault(self, path: str, kind: str, **details: Any) -> Row:
        """Order a fault; it hits one request unless `count` says otherwise (None: all)."""
        fault: Row = self._call("POST", "/faults", {"path": path, "kind": kind, **self._place, **details})
        return fault

    def faults(self) -> list[Row]:
        """List the faults on order."""
        faults: list[Row] = self._call("GET", "/faults")
        return faults

    def clear_faults(self) -> None:
        """Forget all faults."""
        self._call("DELETE", "/faults")

    def mutate(self, op: str, **details: Any) -> Row:
        """Change the workspace and learn what changed."""
        changed: Row = self._call("POST", "/mutations", {"op": op, **self._place, **details})
        return changed

    def open(self, lead_id: str, at: str | None = None) -> Row:
        """Let a lead open a mail."""
        return self.mutate("open", lead_id=lead_id, at=at)

    def click(self, lead_id: str, at: str | None = None) -> Row:
        """Let a lead click a link."""
        return self.mutate("click", lead_id=lead_id, at=at)

    def reply(self, lead_id: str, at: str | None = None, *, automatic: bool = False) -> Row:
        """Let a lead answer, or its mailbox for it."""
        return self.mutate("reply", lead_id=lead_id, at=at, automatic=automatic)

    def send(self, campaign_id: str, count: int = 1, at: str | None = None) -> Row:
        """Let a campaign send first mails."""
        return self.mutate("send", id=campaign_id, count=count, at=at)

    def add_leads(
        self, count: int = 1, campaign: str | None = None, list_id: str | None = None, at: str | None = None
    ) -> list[Row]:
        """Add invented leads."""
        leads: list[Row] = self.mutate("add_leads", count=count, campaign=campaign, list_id=list_id, at=at)["leads"]
        return leads

    def delete_leads(self, *ids: str) -> list[str]:
        """Delete leads; the ids of those that were there."""
        gone: list[str] = self.mutate("delete_leads", ids=list(ids))["ids"]
        return gone

    def add_campaign(self, name: str = "Made up on the spot", at: str | None = None) -> Row:
        """Add a draft."""
        campaign: Row = self.mutate("add_campaign", name=name, at=at)["campaign"]
        return campaign

    def update_campaign(self, campaign_id: str, at: str | None = None, **fields: Any) -> Row:
        """Change a campaign's name, status or anything else."""
        campaign: Row = self.mutate("update_campaign", id=campaign_id, at=at, **fields)["campaign"]
        return campaign

    def delete_campaign(self, campaign_id: str) -> Row:
        """Delete a campaign and its leads."""
        return self.mutate("delete_campaign", id=campaign_id)

    def add_account(self, email: str | None = None, at: str | None = None) -> Row:
        """Add a sending account."""
        account: Row = self.mutate("add_account", email=email, at=at)["account"]
        return account

    def pause_account(self, email: str, at: str | None = None) -> Row:
        """Pause a sending account."""
        account: Row = self.mutate("pause_account", email=email, at=at)["account"]
        return account

    def delete_account(self, email: str) -> Row:
        """Delete a sending account."""
        return self.mutate("delete_account", email=email)

    def add_lead_list(self, name: str | None = None, at: str | None = None) -> Row:
        """Add a lead list."""
        lead_list: Row = self.mutate("add_lead_list", name=name, at=at)["lead_list"]
        return lead_list

    def add_field(self, resource: str, name: str, value: Any) -> Row:  # noqa: ANN401 - any JSON value
        """Let every record of a resource carry a further field from now on."""
        return self.mutate("add_field", resource=resource, name=name, value=value)

    def requests(self, path: str | None = None) -> list[Row]:
        """Show the last requests, oldest first."""
        query = self._place if path is None else {**self._place, "path": path}
        entries: list[Row] = self._call("GET", "/requests", **query)
        return entries

    def counts(self) -> Row:
        """Count all requests since the last clear, and tell how many were under way at once at most."""
        counts: Row = self._call("GET", "/requests/counts", **self._place)
        return counts

    def clear_requests(self) -> None:
        """Clear the log."""
        self._call("DELETE", "/requests")

    def truth(self, resource: str) -> Iterator[Row]:
        """Go through every row of a resource."""
        for line in self.truth_lines(resource):
            yield json.loads(line)

    def truth_lines(self, resource: str) -> Iterator[bytes]:
        """Go through every row of a resource as JSON text."""
        url = f"{self._base}/truth/{resource}"
        with self._session.get(url, params=self._place, stream=True, timeout=600) as answer:
            if not answer.ok:
                message = f"truth {resource}: {answer.status_code} {answer.text}"
                raise ControlError(message)
            # Lines end in \n only: iter_lines would also split at separators that occur within strings.
            rest = b""
            for chunk in answer.iter_content(1 << 18):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines

    def config(self, **manners: Any) -> Row:
        """Change the manners named, and show all."""
        config: Row = self._call("PATCH", "/config", manners, **self._place)
        return config

    def reset(self) -> None:
        """Go back to the seeded state, faults, log and manners included."""
        self._call("POST", "/reset")


class ControlError(RuntimeError):
    """The control plane refused something."""
