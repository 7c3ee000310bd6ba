"""Campaigns, what they consist of, and whether they send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from tap_instantly.api.pagination import items
from tap_instantly.streams.parents import CAMPAIGN, SUBSEQUENCE
from tap_instantly.streams.patterns import ListStream, ObjectStream, PerParent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from tap_instantly.streams.records import Record


class Campaigns(ListStream):
    """Campaigns with their schedule, sequences and sending options.

    Names change (bounce protection prefixes them, reported): join on ``id``. A draft's schedule can be empty.
    Source: official document, ``listCampaign``.
    """

    name = "campaigns"
    scope = "campaigns"
    path = "/campaigns"
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class PartsOfCampaigns(ListStream):
    """Parts of the sequences of each campaign, as rows of their own."""

    def steps(self, campaign: Record) -> Iterator[tuple[str, Record]]:
        """The steps of a campaign with their numbers."""
        for sequence in self.objects(campaign.get("sequences"))[:1]:
            for number, step in enumerate(self.objects(sequence.get("steps")), start=1):
                yield str(number), step

    def objects(self, found: object) -> list[Record]:
        """The items of a list, where it is one; what is no object counts for an empty one, so that the numbers hold.

        The stream of the campaigns has what was there.
        """
        if isinstance(found, list):
            return [part if isinstance(part, dict) else {} for part in found]
        if found is not None:
            kind = type(found).__name__
            self.logger.error("What should be a list of sequences, steps or variants is none, but %s.", kind)
            self.shaper.leave_out(1)
        return []


class CampaignSteps(PartsOfCampaigns):
    """Steps of each campaign, a row each, out of its sequences.

    They are numbered as the step analytics number them (``campaign_analytics_steps``), from 1. The API uses only the
    first of a campaign's sequences (spec). Steps that were removed keep their row in the warehouse, unless the setting
    ``emit_activate_version_messages`` is on.
    Source: official document, ``listCampaign``.
    """

    name = "campaign_steps"
    scope = "campaigns"
    path = "/campaigns"
    primary_keys = ("campaign_id", "step")
    left_out = ("variants",)

    @override
    def parse_response(self, response: requests.Response) -> Iterator[Record]:
        for campaign in items(response):
            for number, step in self.steps(campaign):
                place = {"campaign_id": campaign.get("id"), "step": number}
                yield {**step, **place, "variant_count": len(self.objects(step.get("variants")))}


class CampaignVariants(PartsOfCampaigns):
    """Variants of the steps of each campaign, a row each, out of its sequences.

    Step and variant are numbered as the step analytics number them: steps from 1, variants from 0 (= A).
    Source: official document, ``listCampaign``.
    """

    name = "campaign_variants"
    scope = "campaigns"
    path = "/campaigns"
    primary_keys = ("campaign_id", "step", "variant")

    @override
    def parse_response(self, response: requests.Response) -> Iterator[Record]:
        for campaign in items(response):
            for number, step in self.steps(campaign):
                for variant_number, variant in enumerate(self.objects(step.get("variants"))):
                    place = {"campaign_id": campaign.get("id"), "step": number, "variant": str(variant_number)}
                    yield {**variant, **place}


class CampaignSendingStatus(PerParent, ObjectStream):
    """Why each campaign is sending or not, as the product diagnoses it.

    Source: official document, ``getCampaignSendingStatus``.
    """

    name = "campaign_sending_status"
    scope = "campaigns"
    path = "/campaigns/{campaign_id}/sending-status"
    parent = CAMPAIGN
    primary_keys = ("campaign_id",)
    why_off = "one request per campaign, for a diagnosis of the moment"


class Subsequences(ListStream):
    """Follow-up sequences that leads of a campaign enter under a condition.

    They do not say when they changed, so all are emitted each time.
    Source: official document, ``listCampaignSubsequence``.
    """

    name = "subsequences"
    scope = "subsequences"
    path = "/subsequences"
    primary_keys = ("id",)


class SubsequenceSendingStatus(PerParent, ObjectStream):
    """Why each subsequence is sending or not, as the product diagnoses it.

    Source: official document, ``getSubsequenceSendingStatus``.
    """

    name = "subsequence_sending_status"
    scope = "subsequences"
    path = "/subsequences/{subsequence_id}/sending-status"
    parent = SUBSEQUENCE
    primary_keys = ("subsequence_id",)
    why_off = "one request per subsequence, for a diagnosis of the moment"
