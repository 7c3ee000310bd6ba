"""Client of the control plane."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests
from typing_extensions import Self

Row = dict[str, Any]


class Control:
    """Client of a running sandbox's control plane.

    The workspace is that of all calls except `about`, `clear_...` and `reset`. Without one, mutations and truth concern
    the first workspace, and faults, settings and the request log concern all.
    """

    def __init__(self, url: str, workspace: str | None = None, session: requests.Session | None = None) -> None:
        self._url = url
        self._base = f"{url.rstrip('/')}/_sandbox"
        self._place = {} if workspace is None else {"workspace": workspace}
        self._session = session or requests.Session()
        # Proxies are for the outside world.
        self._session.trust_env = False
        self._session.headers["User-Agent"] = "sandbox-control"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def within(self, workspace: str) -> Control:
        """Return a client for one workspace that shares the session."""
        return Control(self._url, workspace, self._session)

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _call(self, method: str, path: str, body: object = None, /, **query: str) -> Any:  # noqa: ANN401 - any JSON value
        answer = self._session.request(method, f"{self._base}{path}", json=body, params=query, timeout=120)
        if not answer.ok:
            message = f"{method} {path}: {answer.status_code} {answer.text}"
            raise ControlError(message)
        return answer.json()

    def _row(self, method: str, path: str, body: object = None, /, **query: str) -> Row:
        row: Row = self._call(method, path, body, **query)
        return row

    def _changed(self, name: str, op: str, /, **details: Any) -> Row:
        row: Row = self.mutate(op, **details)[name]
        return row

    def about(self) -> Row:
        """Return the configuration, the keys, and the available mutations and resources."""
        return self._row("GET", "")

    def fault(self, path: str, kind: str, **details: Any) -> Row:
        """Inject a fault. It hits one request unless `count` says otherwise (None: all)."""
        return self._row("POST", "/faults", {"path": path, "kind": kind, **self._place, **details})

    def faults(self) -> list[Row]:
        """List the faults."""
        return list(self._call("GET", "/faults"))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._call("DELETE", "/faults")

    def mutate(self, op: str, **details: Any) -> Row:
        """Change the workspace and return the changes."""
        return self._row("POST", "/mutations", {"op": op, **self._place, **details})

    def open(self, lead_id: str, at: str | None = None) -> Row:
        """Let a lead open an e-mail."""
        return self.mutate("open", lead_id=lead_id, at=at)

    def click(self, lead_id: str, at: str | None = None) -> Row:
        """Let a lead click a link."""
        return self.mutate("click", lead_id=lead_id, at=at)

    def reply(self, lead_id: str, at: str | None = None, *, automatic: bool = False) -> Row:
        """Let a lead reply, or its mailbox automatically."""
        return self.mutate("reply", lead_id=lead_id, at=at, automatic=automatic)

    def change_lead(self, op: str, lead_id: str, at: str | None = None, **details: Any) -> Row:
        """Change a lead by `contact`, `bounce`, `unsubscribe`, `label`, `edit_lead` or `move_lead`."""
        return self._changed("lead", op, lead_id=lead_id, at=at, **details)

    def send(self, campaign_id: str, count: int = 1, at: str | None = None) -> Row:
        """Let a campaign send first e-mails."""
        return self.mutate("send", id=campaign_id, count=count, at=at)

    def add_leads(
        self, count: int = 1, campaign: str | None = None, list_id: str | None = None, at: str | None = None
    ) -> list[Row]:
        """Add invented leads."""
        return list(self.mutate("add_leads", count=count, campaign=campaign, list_id=list_id, at=at)["leads"])

    def delete_leads(self, *ids: str) -> list[str]:
        """Delete leads; return the ids that existed."""
        return list(self.mutate("delete_leads", ids=list(ids))["ids"])

    def add_campaign(self, name: str = "Made up on the spot", at: str | None = None) -> Row:
        """Add a draft."""
        return self._changed("campaign", "add_campaign", name=name, at=at)

    def update_campaign(self, campaign_id: str, at: str | None = None, **fields: Any) -> Row:
        """Change a campaign's fields, such as name or status."""
        return self._changed("campaign", "update_campaign", id=campaign_id, at=at, **fields)

    def delete_campaign(self, campaign_id: str) -> Row:
        """Delete a campaign and its leads."""
        return self.mutate("delete_campaign", id=campaign_id)

    def add_account(self, email: str | None = None, at: str | None = None) -> Row:
        """Add a sending account."""
        return self._changed("account", "add_account", email=email, at=at)

    def pause_account(self, email: str, at: str | None = None) -> Row:
        """Pause a sending account."""
        return self._changed("account", "pause_account", email=email, at=at)

    def delete_account(self, email: str) -> Row:
        """Delete a sending account."""
        return self.mutate("delete_account", email=email)

    def add_lead_list(self, name: str | None = None, at: str | None = None) -> Row:
        """Add a lead list."""
        return self._changed("lead_list", "add_lead_list", name=name, at=at)

    def add_field(self, resource: str, name: str, value: Any) -> Row:  # noqa: ANN401 - any JSON value
        """Add a field to every record of a resource from now on."""
        return self.mutate("add_field", resource=resource, name=name, value=value)

    def requests(self, path: str | None = None) -> list[Row]:
        """Return the last requests, oldest first."""
        return list(self._call("GET", "/requests", **self._place, **({} if path is None else {"path": path})))

    def counts(self) -> Row:
        """Return the number of requests since the last clear, and the maximum of concurrent ones."""
        return self._row("GET", "/requests/counts", **self._place)

    def clear_requests(self) -> None:
        """Clear the request log."""
        self._call("DELETE", "/requests")

    def truth(self, resource: str) -> Iterator[Row]:
        """Yield every row of a resource."""
        for line in self.truth_lines(resource):
            yield json.loads(line)

    def truth_lines(self, resource: str) -> Iterator[bytes]:
        """Yield every row of a resource as JSON text."""
        url = f"{self._base}/truth/{resource}"
        with self._session.get(url, params=self._place, stream=True, timeout=600) as answer:
            if not answer.ok:
                message = f"truth {resource}: {answer.status_code} {answer.text}"
                raise ControlError(message)
            # iter_lines would also split at Unicode line separators within strings.
            rest = b""
            for chunk in answer.iter_content(1 << 18):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines

    def config(self, **behaviour: Any) -> Row:
        """Change the given settings, and return all."""
        return self._row("PATCH", "/config", behaviour, **self._place)

    def reset(self) -> None:
        """Return to the seeded state, including faults, request log and settings."""
        self._call("POST", "/reset")


class ControlError(RuntimeError):
    """The control plane refused a call."""
