"""One workspace: everything in it, generated from a seed, and the clock it lives by."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from sandbox import entities
from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, ORDERED_IDS_FROM, now_ms, parse_day, today, uuid4
from sandbox.group import MAIN, MAIN_TITLE, members_of, random_of
from sandbox.lead_text import Box, LeadText, make_payloads, make_step_ids
from sandbox.leads import LeadStore, make_ids
from sandbox.ledger import Activity, Ledger, invent
from sandbox.paging import Ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping
    from random import Random

    from sandbox.config import SandboxConfig
    from sandbox.paging import Listing, Row

T = TypeVar("T")

OLD_LEADS = 0.35
LIST_WEIGHT = 0.3
# Campaigns that will send again, and so have activity up to the last day.
RUNNING = frozenset({1, 4, -1})


@dataclass(frozen=True)
class Career:
    """What was decided about a campaign before its leads were counted."""

    number: int
    created: int
    first: int
    last: int
    variants: tuple[int, ...]
    progress: float


class World:
    """A workspace.

    Args:
        config: Sizes and seed.
        name: Distinguishes workspaces of one sandbox.
        makers: Makes further tables of records, by name.
    """

    def __init__(
        self,
        config: SandboxConfig,
        name: str = MAIN,
        makers: Mapping[str, Callable[[World], MutableMapping[str, Row]]] = {},
    ) -> None:
        self.config = config
        self.name = name
        self._makers = makers
        self._tables: dict[str, MutableMapping[str, Row]] = {}
        self.until = today() if config.until is None else parse_day(config.until)
        self.first_day = self.until - max(1, config.days) + 1
        self.horizon = (self.until + 1) * DAY_MS - 1
        self.latest = self.until
        self.mutations = 0
        self.extra: defaultdict[str, Row] = defaultdict(dict)
        self.ghosts: list[Ledger] = []
        self._ledgers: dict[str, Ledger] = {}
        self._remembered: dict[str, tuple[int, object]] = {}
        self._ordered: dict[str, tuple[int, Ordered]] = {}
        self._careers: dict[str, Career] = {}
        rng = self.rng("workspace")
        self.organization = uuid4(rng)
        self.users = tuple(uuid4(rng) for _ in range(3))
        self.born = (min(self.first_day, ORDERED_IDS_FROM) - 500) * DAY_MS
        member = members_of(config.seed, config.workspaces).get(name)
        title = member.title if member else MAIN_TITLE
        self.workspace = entities.make_workspace(rng, self.organization, self.users[0], self.born, title)
        self.tags = entities.make_tags(rng)
        self.accounts = self._make_accounts(self.rng("accounts"))
        self.lead_lists = self._make_lists(self.rng("lists"))
        self.campaigns = self._make_campaigns(self.rng("campaigns"))
        self.leads = self._make_leads(self.rng("leads"))

    def rng(self, purpose: str) -> Random:
        """Give a source of randomness of its own to each purpose, so that they do not disturb one another."""
        return random_of(self.config.seed, self.name, purpose)

    def mutation_rng(self) -> Random:
        """Give the randomness of the next mutation; what is made of the seeded world is made before it."""
        if not self.mutations:
            for resource in self._makers:
                self.collection(resource)
        self.mutations += 1
        return self.rng(f"mutation:{self.mutations}")

    @property
    def touched(self) -> bool:
        """Whether anything was changed since the world was made."""
        return self.mutations > 0

    def moment(self, at: int | None) -> int:
        """Tell when a mutation happens: when it says, or now."""
        moment = now_ms() if at is None else at
        self.latest = max(self.latest, moment // DAY_MS)
        return moment

    def collection(self, resource: str) -> MutableMapping[str, Row]:
        """Give the rows of a resource by key."""
        if resource in self._makers:
            if resource not in self._tables:
                self._tables[resource] = self._makers[resource](self)
            return self._tables[resource]
        return {
            "campaigns": self.campaigns,
            "accounts": self.accounts,
            "lead_lists": self.lead_lists,
            "workspace": {self.organization: self.workspace},
        }[resource]

    def rows(self, resource: str) -> Iterable[Row]:
        """Give the rows of a resource with the fields added to it."""
        extra = self.extra[resource]
        rows = self.collection(resource).values()
        return [row | extra for row in rows] if extra else rows

    def ordered(self, listing: Listing) -> Ordered:
        """Give a whole list in its order; it is sorted again only after a change."""
        version, found = self._ordered.get(listing.resource, (-1, None))
        if found is None or version != self.mutations:
            found = Ordered(listing, listing.select(self.rows(listing.resource), {}))
            self._ordered[listing.resource] = (self.mutations, found)
        return found

    def remembered(self, name: str, make: Callable[[World], T]) -> T:
        """Give what takes long to make; it is made again only after a change."""
        version, found = self._remembered.get(name, (-1, None))
        if version != self.mutations:
            found = make(self)
            self._remembered[name] = (self.mutations, found)
        return cast("T", found)

    def ledger(self, campaign_id: str) -> Ledger:
        """Give what a campaign did; invented when first asked for."""
        if campaign_id not in self._ledgers:
            career = self._careers.get(campaign_id)
            self._ledgers[campaign_id] = self._invent(campaign_id, career) if career else Ledger()
        return self._ledgers[campaign_id]

    def ledgers(self) -> list[Ledger]:
        """Give the ledgers of all campaigns there are."""
        return [self.ledger(campaign_id) for campaign_id in self.campaigns]

    def histories(self) -> list[tuple[str, Ledger]]:
        """Give the ledgers of all campaigns there are or were, with the campaign's id."""
        gone = [(key, ledger) for key, ledger in self._ledgers.items() if key not in self.campaigns]
        return [(key, self.ledger(key)) for key in self.campaigns] + gone

    def _invent(self, campaign_id: str, career: Career) -> Ledger:
        plan = Activity(
            leads=len(self.leads.positions_in(campaign_id)),
            first=career.first,
            last=career.last,
            horizon=self.until,
            variants=career.variants,
            progress=career.progress,
            opens=entities.tracks_opens(career.number),
            clicks=entities.tracks_clicks(career.number),
        )
        return invent(plan, self.rng(f"ledger:{campaign_id}")) if plan.progress else Ledger()

    def _make_accounts(self, rng: Random) -> dict[str, Row]:
        rows = {}
        created = self.born + DAY_MS
        step = max(1, (self.horizon - 10 * DAY_MS - created) // max(1, self.config.accounts))
        for number in range(self.config.accounts):
            # Accounts come in imports of four, which share their creation time.
            made = created + step * (number // 4 * 4) + (number // 4) % 1000
            row = entities.make_account(
                rng,
                number,
                organization=self.organization,
                users=self.users,
                tags=self.tags,
                created=made,
                last=self.horizon,
            )
            rows[row["email"]] = row
        return rows

    def _make_lists(self, rng: Random) -> dict[str, Row]:
        rows = {}
        for number in range(self.config.lead_lists):
            turn = number // 2 if self.config.list_ties else number
            created = self.born + 20 * DAY_MS + turn * 37 * HOUR_MS + turn % 997
            row = entities.make_lead_list(
                rng, number, organization=self.organization, users=self.users, created=created
            )
            rows[row["id"]] = row
        return rows

    def _career(self, rng: Random, number: int) -> Career:
        status = entities.CAMPAIGN_STATUSES[number % len(entities.CAMPAIGN_STATUSES)]
        days = self.until - self.first_day
        first = self.first_day + (int(days * 0.6 * rng.random()) if number > 1 else 0)
        last = self.until if status in RUNNING else first + int((self.until - first) * rng.uniform(0.5, 0.95))
        created = first * DAY_MS - rng.randrange(2 * DAY_MS, 20 * DAY_MS)
        variants = tuple(rng.randint(1, 3) for _ in range(rng.randint(2, 4)))
        progress = 0.0 if status == entities.DRAFT else 1.0 if status == entities.COMPLETED else rng.uniform(0.6, 0.95)
        return Career(number, created, first, last, variants, progress)

    def _make_campaigns(self, rng: Random) -> dict[str, Row]:
        rows, agent = {}, None
        for number in range(self.config.campaigns):
            career = self._career(rng, number)
            row = entities.make_campaign(
                rng,
                number,
                organization=self.organization,
                users=self.users,
                senders=sorted(self.accounts),
                tags=self.tags,
                variants=career.variants,
                created=career.created,
                first_day=career.first,
                updated=max(career.created, career.last * DAY_MS + rng.randrange(20 * HOUR_MS)),
            )
            if number % 9 == 4 and agent:  # noqa: PLR2004 - a turn
                # Sales agents run more than one campaign.
                row["ai_sdr_id"] = agent
            agent = row.get("ai_sdr_id", agent)
            rows[row["id"]] = row
            self._careers[row["id"]] = career
        return rows

    def _make_leads(self, rng: Random) -> LeadStore:
        boxes = [self._campaign_box(self.rng(f"box:{row['id']}"), row) for row in self.campaigns.values()]
        share = LIST_WEIGHT if boxes else 1.0
        weight = max(1, int(share * sum(box.weight for box in boxes) / max(1, len(self.lead_lists)))) if boxes else 1
        boxes += [
            Box(row["id"], False, weight, 0, 0, (1,), False, False, 0, (), (), self.users[0])  # noqa: FBT003 - data
            for row in self.lead_lists.values()
        ]
        cutoff = ORDERED_IDS_FROM * DAY_MS
        new_from = max(cutoff, (self.first_day - 45) * DAY_MS)
        all_old = new_from >= self.horizon
        old = (self.born + 30 * DAY_MS, min(cutoff - 1, self.horizon))
        text = LeadText(boxes, self.organization, self.users, old, self.horizon)
        count = self.config.leads if boxes else 0
        ids = make_ids(rng, count, 1.0 if all_old else OLD_LEADS, (new_from, self.horizon - 15 * MINUTE_MS))
        return LeadStore(ids, text)

    def _campaign_box(self, rng: Random, campaign: Row) -> Box:
        career = self._careers[campaign["id"]]
        return Box(
            id=campaign["id"],
            is_campaign=True,
            weight=rng.randint(20, 100),
            start=career.first * DAY_MS + 8 * HOUR_MS,
            end=min(career.last * DAY_MS + 17 * HOUR_MS, self.horizon - 3 * HOUR_MS),
            variants=career.variants,
            opens=entities.tracks_opens(career.number),
            clicks=entities.tracks_clicks(career.number),
            progress=int(1024 * career.progress),
            step_ids=make_step_ids(rng, len(career.variants)),
            payloads=make_payloads(rng),
            owner=campaign["owned_by"],
            senders=tuple(campaign.get("email_list", ())),
        )
