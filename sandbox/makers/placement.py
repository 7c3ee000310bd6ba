"""Generates inbox placement tests, the delivery of each e-mail, and reports on the senders' domains.

A test runs once or weekly. Each run writes from every sender to every seed address. An e-mail has one record when it is
sent, and one when it arrives, up to three hours later; some never arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, parse_stamp, stamp, uuid7
from sandbox.records import Data, Row, compact
from sandbox.words import named
from sandbox.world import World

TESTS = "inbox_placement_tests"
SENT, RECEIVED = 1, 2
ONCE, AUTOMATED = 1, 2
ACTIVE, PAUSED, COMPLETED = 1, 2, 3
WEEK_MS, MOST_RUNS = 7 * DAY_MS, 5
EARLIEST_MS, LATEST_MS = 25 * MINUTE_MS, 3 * HOUR_MS

GEOS = {1: ("North America", "US"), 2: ("Europe", "Italy"), 3: ("Europe", "Germany"), 4: ("Europe", "France")}
KINDS = {1: "Professional", 2: "Personal"}
ESPS = {1: "Google", 2: "Microsoft", 8: "AirMail", 12: "Web.de", 13: "Libero.it"}
# Country, kind and provider of seed mailboxes.
SEEDS = (*((geo, kind, esp) for geo in GEOS for kind in KINDS for esp in (1, 2)), *((1, 1, 8), (3, 2, 12), (2, 2, 13)))
# Provider codes: an account's -> that of placement tests.
SENDER_ESPS = {2: 1, 3: 2, 8: 8, 1: 12, 4: 13}
DATA = Data(__file__)


def label(geo: int, kind: int, esp: int) -> Row:
    """Return the name of a kind of seed mailbox as the user interface shows it."""
    region, country = GEOS[geo]
    return {"region": region, "sub_region": country, "type": KINDS[kind], "esp": ESPS[esp]}


def seed_address(geo: int, kind: int, esp: int) -> str:
    """Return the seed mailbox of a kind."""
    return f"seed.{geo}{kind}.{ESPS[esp].split('.')[0].lower()}@seeds-{GEOS[geo][1].lower()}.example"


SEED_OF = {seed_address(*seed): seed for seed in SEEDS}


def make_test(rng: Random, number: int, world: World, created: int) -> Row:
    """Create a test; of its sending statuses, two are documented, and an empty third is mentioned."""
    senders, campaigns, tags = sorted(world.accounts), list(world.campaigns), [tag["id"] for tag in world.tags]
    seeds = [SEEDS[(number + 3 * at) % len(SEEDS)] for at in range(4 + number % 5)]
    tagging = [DATA.make("tagging", first=tags[0], last=tags[-1])] if tags else []
    values: Row = {"key": uuid7(rng, created), "name": named(DATA["names"], number), "mode": 1 + number % 2}
    values |= {"emails": sorted(rng.sample(senders, min(len(senders), 2 + number % 2)))}
    values |= {"code": f"ptid_{rng.getrandbits(64):016x}" if number % 5 == 3 else None, "tags": tags[: 1 + number % 3]}
    values |= {"days": {str(day): day == 1 + number % 5 for day in range(7)}}
    values |= {"campaign": campaigns[number % len(campaigns)] if campaigns else None}
    values |= {"recipients": [seed_address(*seed) for seed in seeds], "labels": [label(*seed) for seed in seeds]}
    values |= {"automations": [] if number % 4 else [*DATA["automations"], *tagging]}
    trouble = ("", "daily_limits_hit", "", "other")[number // 2 % 4]
    return DATA.make("test", number, world=world, at=created, trouble=trouble, **values)


def runs_of(test: Row, until: int) -> list[int]:
    """Return the times of a test's runs, without the newest if its results have not all arrived."""
    first, last = parse_stamp(test["timestamp_created"]) + HOUR_MS, until - LATEST_MS
    if test["type"] == ONCE:
        return [first] if first <= last else []
    return list(range(first, last + 1, WEEK_MS))[-MOST_RUNS:]


def make_records(world: World, rng: Random, test: Row, at: int) -> list[Row]:
    """Create the records of the e-mails of a run."""
    records: list[Row] = []
    for sender in test["emails"]:
        # A sender has a quality for the day, shared by its e-mails.
        quality = rng.uniform(0.6, 0.95)
        for address in test["recipients"]:
            mail = DATA.make("mail", sender=sender, address=address, seed=SEED_OF[address])
            left = at + rng.randrange(5 * MINUTE_MS)
            records.append(_head(rng, test, left) | mail | {"record_type": SENT})
            if rng.random() < 0.96:
                arrived = at + rng.randrange(EARLIEST_MS, LATEST_MS)
                fate = _fate(rng, sender, quality) | {
                    "sender_esp": SENDER_ESPS.get(world.accounts.get(sender, {}).get("provider_code", 0), 1)
                }
                records.append(compact(_head(rng, test, arrived) | mail | fate))
    return records


def make_reports(rng: Random, test: Row, at: int) -> list[Row]:
    """Create the reports on the senders' domains of a run."""
    domains = sorted({sender.partition("@")[2] for sender in test["emails"]})
    return [_report(rng, test, domain, at + LATEST_MS - MINUTE_MS) for domain in domains]


def _head(rng: Random, test: Row, at: int) -> Row:
    return DATA.make("head", 0, rng, test=test, at=at)


def _fate(rng: Random, sender: str, quality: float) -> Row:
    """Decide where an e-mail arrives and how the receiver rates it."""
    domain = sender.partition("@")[2]
    spam = rng.random() > quality
    authentic = {name: rng.random() < 0.97 for name in ("spf_pass", "dkim_pass", "dmarc_pass")}
    known, failures = rng.random() < 0.98, None
    if not all(authentic.values()):
        said = {name: "pass" if authentic[f"{name}_pass"] else "fail" for name in ("spf", "dkim", "dmarc")}
        results = "; ".join(f"{name}={verdict}" for name, verdict in said.items())
        failures = DATA.make("failures", domain=domain, results=results, spf=said["spf"])
    return {
        "is_spam": spam if known else None,
        "has_category": (not spam and rng.random() < 0.15) if known else None,
        **authentic,
        "smtp_ip_blacklist_report": blacklist_report(rng, _ip(rng), domain=False) if rng.random() < 0.2 else None,
        "authentication_failure_results": failures,
        "record_type": RECEIVED,
    }


def _ip(rng: Random) -> str:
    # Reserved for documentation.
    return f"203.0.113.{rng.randrange(1, 255)}"


def blacklist_report(rng: Random, address: str, *, domain: bool, ip: str | None = None) -> Row:
    """Create a report on the blacklists with an address."""
    kind = "domain" if domain else "ip"
    details = [{"blacklist": name, "is_listed": rng.random() < 0.08, "test_type": kind} for name in DATA["blocklists"]]
    listed = sum(bool(row["is_listed"]) for row in details)
    values = {"listed": listed, "details": details, "ip": ip or address, "any": listed > 0}
    return DATA.make("blacklist_report", address=address, is_domain=domain, **values)


def _report(rng: Random, test: Row, domain: str, at: int) -> Row:
    hits = [rule for rule in DATA["rules"] if rng.random() < 0.5]
    score = round(sum(float(rule["score"]) for rule in hits), 1)
    ip = _ip(rng)
    values = {"score": score, "spam": score >= 5, "rounded": round(score), "hits": hits, "ip": ip}
    values |= {"listing": blacklist_report(rng, domain, domain=True, ip=ip), "listed_ips": int(rng.random() < 0.1)}
    return DATA.make("report", 0, rng, test=test, domain=domain, at=at, **values)


def make_tests(world: World) -> Iterator[Row]:
    """Create the tests of a workspace, spread over the active days."""
    rng = world.rng("inbox placement tests")
    count = 8 + len(world.accounts) // 20 if world.accounts else 0
    step = max(HOUR_MS, (world.until - world.first_day) * DAY_MS // max(1, count))
    for number in range(count):
        created = min(world.first_day * DAY_MS + 9 * HOUR_MS + number * step, world.horizon - HOUR_MS)
        row = make_test(rng, number, world, created)
        if row["type"] == AUTOMATED and row["status"] == ACTIVE:
            row["timestamp_next_run"] = stamp(max([created, *runs_of(row, world.horizon)]) + WEEK_MS)
        yield row


def make_all(world: World, purpose: str, make: Callable[[Random, Row, int], list[Row]]) -> Iterator[Row]:
    """Create the records or the reports of every run of every test."""
    rng = world.rng(purpose)
    for test in world.collection(TESTS).values():
        for at in runs_of(test, world.horizon):
            yield from make(rng, test, at)
