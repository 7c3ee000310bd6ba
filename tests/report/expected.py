"""Every figure of the report by name, counted from the sandbox's records.

Shares no code with the report or the dbt package, so that they cannot share a mistake.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.report.counting import Counting, labels, over
from tests.report.health import ENOUGH, health, reasons_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.report.counting import Row, Values

STAGES = {2: "contacted_count", 4: "reply_count_unique", 5: "total_opportunities"}
COMPARED = ("sent", "new_leads", "positive", "meetings", "positive_rate", "reply_rate", "bounce_rate")


class Expected(Counting):
    """Figures of some workspaces."""

    def __init__(self, truths: Iterable[Callable[[str], Iterable[Row]]], end: date, days: int = 28) -> None:
        super().__init__(truths, end, days)
        self.values |= {"odd.count": 0, "odd.more": 0}
        self.attention: dict[str, tuple[Row, list[tuple[int, str]]]] = {}
        """Senders that need attention, with reasons."""
        self._periods()
        self._weeks()
        self._funnel()
        self._campaign_table()
        self._steps_and_variants()
        self._senders()
        self._sending()
        self._receiving()
        self._checks()

    def _periods(self) -> None:
        reaches_back = min(date.fromisoformat(row["date"]) for row in self.daily) <= self.windows()[1][0]
        found: dict[str, dict[str, Any]] = {}
        for which, (start, end) in zip(("now", "before"), self.windows(), strict=True):
            days, mailboxes = self._within(self.daily, start, end), self._within(self.accounts_daily, start, end)
            sent, replies, positive = (sum(row[name] for row in days) for name in ("sent", "replies", "opportunities"))
            found[which] = {
                "sent": sent,
                "positive": positive,
                "new_leads": sum(row["new_leads_contacted"] for row in days),
                "meetings": sum(
                    row.get("lt_interest_status") in {2, 3, 4}
                    and start <= date.fromisoformat(row["timestamp_last_interest_change"][:10]) <= end
                    for row in self.leads
                ),
                "positive_rate": (positive, sent),
                "reply_rate": (replies, sent),
                "bounce_rate": (sum(row["bounced"] for row in mailboxes), sum(row["sent"] for row in mailboxes)),
            }
        for name in COMPARED:
            parts = [found[which][name] for which in ("now", "before")]
            now, before = (over(*part) if isinstance(part, tuple) else part for part in parts)
            # Leads that have left the meeting stage since are no longer countable.
            before = before if reaches_back and name != "meetings" else None
            self.values |= {f"period.{name}.now": now, f"period.{name}.before": before}
            self.values[f"period.{name}.change"] = self._change(now, before, relative=not name.endswith("_rate"))
        self.values |= {
            "period.days": self.length,
            "period.emails_per_positive": over(found["now"]["sent"], found["now"]["positive"]),
        }

    def _weeks(self) -> None:
        first = min(date.fromisoformat(row["date"]) for row in self.daily + self.accounts_daily)
        for week in range(12):
            end = self._back(7 * week)
            if end - timedelta(days=6) < first:
                break
            rows = self._within(self.daily, end - timedelta(days=6), end)
            sent, positive = sum(row["sent"] for row in rows), sum(row["opportunities"] for row in rows)
            self._trial(f"week.{end}", {"sent": sent, "positive": positive}, positive, sent)

    def _funnel(self) -> None:
        contacted = sum(row["contacted_count"] for row in self.lifetime)
        tracked = [row for row in self.lifetime if self._tracked(row["campaign_id"])]
        opened = sum(row["open_count_unique"] for row in tracked) if tracked else None
        counts = {stage: sum(row[name] for row in self.lifetime) for stage, name in STAGES.items()}
        counts[6] = sum(self.outcomes[row["campaign_id"]]["total_meeting_booked"] for row in self.lifetime)
        counts[7] = sum(self.outcomes[row["campaign_id"]]["total_closed"] for row in self.lifetime)
        for stage, count in counts.items():
            self.values |= {f"funnel.{stage}.reached": count, f"funnel.{stage}.per_contacted": over(count, contacted)}
        of_those = sum(row["contacted_count"] for row in tracked)
        self.values |= {"funnel.3.reached": opened, "funnel.3.per_contacted": over(opened, of_those)}
        if tracked and of_those != contacted:
            self.values["funnel.3.contacted"] = of_those
        self.values["funnel.1.reached"] = sum(row["leads_count"] for row in self.lifetime)

    def _campaign_table(self) -> None:
        for row in self.lifetime:
            self._campaign(f"campaign.{row['campaign_id']}", [row])
        self._campaign("campaigns", self.lifetime)
        shown = len(self.lifetime)
        self.values |= {"campaigns.count": shown, "campaigns.more": max(0, shown - 40)}
        self.values["campaigns.without_figures"] = len(self.campaigns) - shown

    def _campaign(self, name: str, lifetime: list[Row]) -> None:
        keys = {row["campaign_id"] for row in lifetime}
        rates = []
        for start, end in self.windows():
            rows = [row for row in self._within(self.daily, start, end) if row["campaign_id"] in keys]
            sent, positive = sum(row["sent"] for row in rows), sum(row["opportunities"] for row in rows)
            rates.append((sent, positive, over(positive, sent)))
        (sent, positive, rate), (*_, rate_before) = rates
        tracked = [row for row in lifetime if self._tracked(row["campaign_id"])]
        sums = {column: sum(row[column] for row in lifetime) for column in lifetime[0] if column.endswith("_count")}
        replied = sum(row["reply_count_unique"] for row in lifetime)
        ever_positive = sum(row["total_opportunities"] for row in lifetime)
        opened = over(sum(row["open_count_unique"] for row in tracked), sum(row["contacted_count"] for row in tracked))
        if self.values["period.sent.before"] is None:
            rate_before = None
        values: Values = {
            "sent": sent,
            "positive": positive,
            "positive_rate": rate,
            "change": self._change(rate, rate_before, relative=False),
            "ever_sent": sums["emails_sent_count"],
            "ever_meetings": sum(self.outcomes[key]["total_meeting_booked"] for key in keys),
            "open_rate": opened,
            "reply_rate": over(replied, sums["contacted_count"]),
            "ever_positive_rate": over(ever_positive, sums["emails_sent_count"]),
            "ever_bounce_rate": over(sums["bounced_count"], sums["emails_sent_count"]),
            "ever_value": self._value(lifetime),
        }
        self.values |= {f"{name}.{column}": value for column, value in values.items()}

    @staticmethod
    def _value(lifetime: list[Row]) -> float | None:
        """Workspaces may use different currencies."""
        valued = {row["workspace"] for row in lifetime if row["total_opportunity_value"]}
        return sum(row["total_opportunity_value"] for row in lifetime) if len(valued) < 2 else None

    def _steps_and_variants(self) -> None:
        known = [row for row in self.steps if row["step"] is not None and row["variant"] is not None]
        together: dict[str, list[Row]] = defaultdict(list)
        for row in self.steps:
            if row["step"] is not None:
                together[row["step"]].append(row)
        for step, rows in together.items():
            sent, replied, positive = (
                sum(row[name] for row in rows) for name in ("sent", "unique_replies", "unique_opportunities")
            )
            self._trial(f"step.{int(step)}", {"sent": sent, "replied": replied, "positive": positive}, replied, sent)
        unknown = [row for row in self.steps if row["step"] is None]
        self.values["steps.unattributed.replied"] = sum(row["unique_replies"] for row in unknown)
        rivals = Counter((row["campaign_id"], row["step"]) for row in known)
        compared = {campaign for (campaign, _), count in rivals.items() if count > 1}
        self.values["variants.more"] = max(0, len(compared) - 6)
        for row in known:
            if rivals[row["campaign_id"], row["step"]] > 1:
                counts = {
                    "sent": row["sent"],
                    "replied": row["unique_replies"],
                    "positive": row["unique_opportunities"],
                }
                name = f"variant.{row['campaign_id']}.{int(row['step'])}.{row['variant']}"
                self._trial(name, counts, row["unique_replies"], row["sent"])

    def _bounces(self, account: Row, newest: int, oldest: int) -> tuple[int, int]:
        rows = self._within(
            self.accounts_daily,
            self._back(oldest - 1),
            self._back(newest),
            email_account=account["email"],
            workspace=account["workspace"],
        )
        return sum(row["bounced"] for row in rows), sum(row["sent"] for row in rows)

    def _senders(self) -> None:
        warmups = {(row["workspace"], row["email"]): row for row in self._all("warmup_analytics")}
        workspaces = [next(iter(truth("workspace")))["id"] for truth in self._truths]
        healths: Counter[str] = Counter()
        states = {field: labels("accounts", field) for field in ("status", "warmup_status")}
        for account in self.accounts:
            week, before, month = (self._bounces(account, *days) for days in ((0, 7), (7, 14), (0, 30)))
            score = warmups.get((account["workspace"], account["email"]), {}).get("health_score")
            reasons = reasons_of(account, states, (week, month), score)
            healths[health(reasons, judged=score is not None or month[1] >= ENOUGH)] += 1
            if reasons:
                name = f"sender.{workspaces[account['workspace']]}.{account['email']}"
                self.attention[name] = account, reasons
                self.values |= {
                    f"{name}.sent": week[1],
                    f"{name}.bounce_rate": over(*week),
                    f"{name}.bounce_rate_before": over(*before),
                    f"{name}.warmup_health": score,
                }
        self.values |= {f"senders.{health}": healths[health] for health in ("burning", "watch", "green", "unknown")}
        start, end = self.windows()[0]
        known = {(account["workspace"], account["email"]) for account in self.accounts}
        senders = {
            (row["workspace"], row["email_account"])
            for row in self._within(self.accounts_daily, start, end)
            if row["sent"] and row["email_account"]
        }
        self.values["senders.unmatched"] = len(senders - known)
        self.values["senders.deleted"] = 0  # the sandbox contains no deleted records
        self.values["senders.more"] = max(0, healths["burning"] + healths["watch"] - 25)

    def _sending(self) -> None:
        names = labels("accounts", "provider_code")
        of = {(row["workspace"], row["email"]): names[row["provider_code"]] for row in self.accounts}
        start, end = self.windows()[0]
        sums: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self._within(self.accounts_daily, start, end):
            found = sums[of.get((row["workspace"], row["email_account"]), "Unknown")]
            found.update({name: row[name] for name in ("sent", "bounced", "replies")})
        for row in self._within(self._all("warmup_analytics_daily"), start, end):
            found = sums[of.get((row["workspace"], row["email"]), "Unknown")]
            found.update({"warmup": row.get("sent", 0), "inbox": row.get("landed_inbox", 0)})
        for provider, found in sums.items():
            if found["sent"] or found["warmup"]:
                rated = "sent" in found
                self.values |= {
                    f"sending.{provider}.sent": found["sent"] if rated else None,
                    f"sending.{provider}.bounced": found["bounced"] if rated else None,
                    f"sending.{provider}.bounce_rate": over(found["bounced"], found["sent"]),
                    f"sending.{provider}.reply_rate": over(found["replies"], found["sent"]),
                    f"sending.{provider}.inbox_rate": over(found["inbox"], found["warmup"]),
                }

    def _receiving(self) -> None:
        names, esps = labels("accounts", "provider_code"), labels("leads", "esp_code")
        of = {(row["workspace"], row["email"].lower()): names[row["provider_code"]] for row in self.accounts}
        pairs: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for lead in self.leads:
            if "timestamp_last_contact" in lead:
                sender = self._sender_of(lead, of) or "Unknown"
                found = pairs[sender, esps[lead["esp_code"]] if lead.get("esp_code") in esps else "Unknown"]
                replied, bounced = lead.get("email_reply_count", 0) > 0, lead["status"] == -1
                found.update({"contacted": 1, "replied": int(replied), "bounced": int(bounced)})
        recipients: dict[str, Counter[str]] = defaultdict(Counter)
        for (sender, recipient), found in pairs.items():
            self._contacts(f"pair.{sender}.{recipient}", found)
            recipients[recipient].update(found)
        for recipient, found in recipients.items():
            self._contacts(f"receiving.{recipient}", found)

    def _sender_of(self, lead: Row, of: Mapping[tuple[int, str], str]) -> str | None:
        told = [
            lead.get("status_summary", {}).get("lastStep", {}).get("from"),
            lead.get("last_step_from"),
            lead.get("last_contacted_from"),
        ]
        for address in told:
            if address and "@" in address:
                return of.get((lead["workspace"], address.lower()))
        campaign = self.campaigns.get(lead.get("campaign", ""), {})
        providers = {of.get((lead["workspace"], address.lower())) for address in campaign.get("email_list", ())}
        return next(iter(providers)) if len(providers) == 1 else None

    def _contacts(self, name: str, found: Counter[str]) -> None:
        counts = {column: found[column] for column in ("contacted", "replied", "bounced")}
        self._trial(name, counts, found["replied"], found["contacted"], "reply_")
        self._trial(name, counts, found["bounced"], found["contacted"], "bounce_")

    def _checks(self) -> None:
        lifetime = {row["campaign_id"]: row for row in self.lifetime}
        pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for key, row in lifetime.items():
            days = [day for day in self.daily if day["campaign_id"] == key]
            sent = row["emails_sent_count"]
            pairs["sent_daily_vs_lifetime"].append((sum(day["sent"] for day in days), sent))
            steps = [step["sent"] for step in self.steps if step["campaign_id"] == key]
            pairs["sent_steps_vs_lifetime"].append((sum(steps), sent))
            replied = sum(day["unique_replies"] for day in days)
            pairs["replied_daily_vs_lifetime"].append((replied, row["reply_count_unique"]))
            positive = sum(day["unique_opportunities"] for day in days)
            pairs["positive_daily_vs_lifetime"].append((positive, row["total_opportunities"]))
            leads = sum(lead.get("campaign") == key for lead in self.leads)
            pairs["leads_listed_vs_counted"].append((leads, row["leads_count"]))
        for number in range(len(self._truths)):
            mailboxes = [row for row in self.accounts_daily if row["workspace"] == number]
            own = [row for row in self.lifetime if row["workspace"] == number]
            for name, count in (("sent", "emails_sent_count"), ("bounced", "bounced_count")):
                left, right = sum(row[name] for row in mailboxes), sum(row[count] for row in own)
                pairs[f"{name}_accounts_vs_campaigns"].append((left, right))
        odd = 0
        for name, found in pairs.items():
            low = 0 if name.startswith(("replied", "positive")) else None
            agreeing = sum(left >= right if low == 0 else left == right for left, right in found)
            odd += agreeing < len(found)
            self.values |= {
                f"check.{name}.compared": len(found),
                f"check.{name}.not_compared": 0,
                f"check.{name}.agreeing": agreeing,
                f"check.{name}.largest_difference": max(abs(left - right) for left, right in found),
            }
        self.values |= {"checks.count": len(pairs), "checks.odd": odd}
