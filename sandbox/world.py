"""Workspaces: their content, generated from a seed, their clock and their behaviour."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import replace
from functools import cached_property
from random import Random
from typing import TypeVar, cast

from sandbox.answers import ApiError
from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, ORDERED_IDS_FROM, now_ms, parse_day, stamp, uuid4
from sandbox.config import SandboxConfig
from sandbox.group import MAIN_TITLE, members_of, random_of
from sandbox.lead_queries import LeadMoments
from sandbox.lead_text import LeadGroup, LeadText, make_payloads
from sandbox.leads import LeadStore, make_ids
from sandbox.ledger import CampaignPlan, Ledger, invent
from sandbox.lists import Listing, Ordered
from sandbox.records import Row, compact

T = TypeVar("T")

# Yields the rows of a table; or returns them by key, if they have neither an `id` nor an `email`, or nulls.
Maker = Callable[["World"], "Iterable[Row] | MutableMapping[str, Row]"]

OLD_LEADS, LIST_WEIGHT = 0.35, 0.3


def _key(row: Row) -> str:
    return str(row["id"] if "id" in row else row["email"])


class World:
    """A workspace; campaigns and lead lists are by id, accounts by address."""

    def __init__(self, config: SandboxConfig, name: str, makers: Mapping[str, Maker]) -> None:
        self.config, self.name, self._makers = config, name, makers
        self.until = now_ms() // DAY_MS if config.until is None else parse_day(config.until)
        self.first_day = self.until - max(1, config.days) + 1
        self.horizon = (self.until + 1) * DAY_MS - 1
        self.latest, self.mutations = self.until, 0
        self.extra: defaultdict[str, Row] = defaultdict(dict)
        self.plans: dict[str, CampaignPlan] = {}
        self.deleted_ledgers: list[Ledger] = []
        self.lead_journal: list[Row] = []
        self._ledgers: dict[str, Ledger] = {}
        self._cache: dict[str, tuple[int, object]] = {}
        # The workspace and its tags continue this source of randomness.
        self.first_rng = rng = self.rng("workspace")
        self.organization = uuid4(rng)
        self.users = tuple(uuid4(rng) for _ in range(3))
        self.born = (min(self.first_day, ORDERED_IDS_FROM) - 500) * DAY_MS
        member = members_of(config.seed, config.workspaces).get(name)
        self.title = member.title if member else MAIN_TITLE
        self._tables: dict[str, MutableMapping[str, Row]] = {}
        self.workspace = next(iter(self.collection("workspace").values()))
        self.tags = list(self.collection("tags").values())
        self.accounts, self.lead_lists = self.collection("accounts"), self.collection("lead_lists")
        self.campaigns = self.collection("campaigns")
        self.leads = self._make_leads(self.rng("leads"))

    @cached_property
    def lead_moments(self) -> LeadMoments:
        """Times of the seeded leads' last actions; computed on first access."""
        return LeadMoments(self.leads)

    def rng(self, purpose: str) -> Random:
        """Return a separate source of randomness for each purpose, so that changing one does not affect others."""
        return random_of(self.config.seed, self.name, purpose)

    def mutation_rng(self) -> Random:
        """Return the randomness of the next mutation. All seeded data is created first."""
        if not self.mutations:
            for resource in self._makers:
                self.collection(resource)
        self.mutations += 1
        return self.rng(f"mutation:{self.mutations}")

    def moment(self, at: int | None) -> int:
        """Return the time of a mutation: `at`, or now."""
        moment = now_ms() if at is None else at
        self.latest = max(self.latest, moment // DAY_MS)
        return moment

    def time(self, at: int | None) -> str:
        """Return the time of a mutation as text."""
        return stamp(self.moment(at))

    def collection(self, resource: str) -> MutableMapping[str, Row]:
        """Return the rows of a resource by key."""
        if resource not in self._tables:
            made = self._makers[resource](self)
            rows = made if isinstance(made, MutableMapping) else {_key(row): compact(row) for row in made}
            self._tables[resource] = rows
        return self._tables[resource]

    def known(self, resource: str, key: str) -> Row:
        """Return the record with a key, for mutations."""
        rows = self.collection(resource)
        if key not in rows:
            raise ApiError(404, f"Not there: {key}")
        return rows[key]

    def insert(self, resource: str, row: Row) -> Row:
        """Add or replace a record, without members that are None."""
        found = self.collection(resource)[_key(row)] = compact(row)
        return found

    def rows(self, resource: str) -> Iterable[Row]:
        """Return the rows of a resource with its added fields."""
        extra = self.extra[resource]
        rows = self.collection(resource).values()
        return [row | extra for row in rows] if extra else rows

    def children(self, resource: str, parent: str, key: str) -> list[Row]:
        """Return the rows of a resource whose member `parent` is the key of another record."""
        return [row for row in self.rows(resource) if row[parent] == key]

    def ordered(self, listing: Listing) -> Ordered:
        """Return a whole list in order; sorted again only after a change."""
        return self.cached(
            f"list {listing.resource}", lambda _: Ordered(listing, listing.select(self.rows(listing.resource)))
        )

    def cached(self, name: str, make: Callable[[World], T]) -> T:
        """Return a cached result; recomputed only after a change."""
        version, found = self._cache.get(name, (-1, None))
        if version != self.mutations:
            found = make(self)
            self._cache[name] = (self.mutations, found)
        return cast("T", found)

    def ledger(self, campaign_id: str) -> Ledger:
        """Return the ledger of a campaign; generated on first access."""
        if campaign_id not in self._ledgers:
            plan, ledger = self.plans.get(campaign_id), Ledger()
            if plan and plan.progress:
                leads = len(self.leads.positions_in(campaign_id))
                ledger = invent(plan, leads, self.until, self.rng(f"ledger:{campaign_id}"))
            self._ledgers[campaign_id] = ledger
        return self._ledgers[campaign_id]

    def ledgers(self) -> list[Ledger]:
        """Return the ledgers of all current campaigns."""
        return [self.ledger(campaign_id) for campaign_id in self.campaigns]

    def histories(self) -> list[tuple[str, Ledger]]:
        """Return the ledgers of all current and deleted campaigns, with the campaign's id."""
        gone = [(key, ledger) for key, ledger in self._ledgers.items() if key not in self.campaigns]
        return [(key, self.ledger(key)) for key in self.campaigns] + gone

    def _make_leads(self, rng: Random) -> LeadStore:
        groups = [self._lead_group(self.rng(f"box:{row['id']}"), row) for row in self.campaigns.values()]
        share = LIST_WEIGHT if groups else 1.0
        total = sum(group.weight for group in groups)
        weight = max(1, int(share * total / max(1, len(self.lead_lists)))) if groups else 1
        groups += [LeadGroup(key, weight=weight, owner=self.users[0]) for key in self.lead_lists]
        cutoff = ORDERED_IDS_FROM * DAY_MS
        new_from = max(cutoff, (self.first_day - 45) * DAY_MS)
        old = (self.born + 30 * DAY_MS, min(cutoff - 1, self.horizon))
        old_share, new = 1.0 if new_from >= self.horizon else OLD_LEADS, (new_from, self.horizon - 15 * MINUTE_MS)
        ids = make_ids(rng, self.config.leads if groups else 0, old_share, new)
        return LeadStore(ids, LeadText(groups, self.organization, self.users, old, self.horizon))

    def _lead_group(self, rng: Random, campaign: Row) -> LeadGroup:
        plan = self.plans[campaign["id"]]
        return LeadGroup(
            id=campaign["id"],
            is_campaign=True,
            weight=rng.randint(20, 100),
            start=plan.first * DAY_MS + 8 * HOUR_MS,
            end=min(plan.last * DAY_MS + 17 * HOUR_MS, self.horizon - 3 * HOUR_MS),
            **{name: getattr(plan, name) for name in ("variants", "opens", "clicks")},
            progress=int(1024 * plan.progress),
            step_ids=tuple(uuid4(rng) for _ in plan.variants),
            payloads=make_payloads(rng),
            owner=campaign["owned_by"],
            senders=tuple(campaign.get("email_list", ())),
        )


class RateLimiter:
    """Counts the admitted requests of the last second and minute."""

    def __init__(self) -> None:
        self._times: dict[float, deque[float]] = {1.0: deque(), 60.0: deque()}

    def admits(self, *limits: int) -> bool:
        """Admit and count a request, unless it exceeds the limit of a second or of a minute."""
        now = time.monotonic()
        for span, times in self._times.items():
            while times and times[0] <= now - span:
                times.popleft()
        if any(len(times) >= limit for times, limit in zip(self._times.values(), limits, strict=True)):
            return False
        for times in self._times.values():
            times.append(now)
        return True


class Workspace:
    """A workspace: its behaviour and its content."""

    def __init__(self, config: SandboxConfig, name: str, makers: Mapping[str, Maker]) -> None:
        self.name, self._config, self._makers = name, config, makers
        self._world: World | None = None
        self.reset()

    def reset(self) -> None:
        """Return to the seeded state; an unchanged world is kept."""
        keys = [key for key in self._config.keys if key.workspace == self.name]
        self.behaviour = replace(self._config.behaviour)
        self.behaviour.paid &= not keys or any(key.paid for key in keys)
        self.limiter, self.email_limiter = RateLimiter(), RateLimiter()
        if self._world is not None and self._world.mutations:
            self._world = None

    @property
    def made(self) -> bool:
        """True if its world has been created."""
        return self._world is not None

    @property
    def world(self) -> World:
        """Content of the workspace, created on first access."""
        if self._world is None:
            self._world = World(self._config, self.name, self._makers)
        return self._world

    def limit_rate(self, limiter: RateLimiter, per_second: int, per_minute: int) -> None:
        """Refuse a request beyond a rate limit, if limits are on."""
        wait = self.behaviour.retry_after
        if self.behaviour.rate_limit and not limiter.admits(per_second, per_minute):
            raise ApiError(429, "Rate limit exceeded", headers=None if wait is None else {"retry-after": str(wait)})
