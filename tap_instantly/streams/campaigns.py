"""Streams of campaigns, their steps and variants, and their sending status."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import CAMPAIGN, SUBSEQUENCE
from tap_instantly.streams.readers import CursorList, OneObject
from tap_instantly.streams.slicers import Parents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_instantly.client.page import Answer, Page
    from tap_instantly.streams.records import Record

    Objects = Callable[[object], list[Record]]


class Campaigns(InstantlyStream):
    """Campaigns with their schedule, sequences and sending options.

    Names change (bounce protection adds a prefix, reported): join on ``id``. The schedule of a draft can be empty.
    """

    name = "campaigns"
    scope = "campaigns"
    path = "/campaigns"
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class PartsOfCampaigns(CursorList):
    """Reader that extracts steps or variants from the sequences of campaigns.

    Args:
        parts: Yields the rows of a campaign. Its second argument returns the objects of a list.
    """

    def __init__(self, parts: Callable[[Record, Objects], Iterator[Record]]) -> None:
        self._parts = parts

    @override
    def page(self, stream: InstantlyStream, answer: Answer) -> Page:
        page, odd = super().page(stream, answer), 0

        def objects(found: object) -> list[Record]:
            """Return the objects of a list; an empty object for any other item, so that the numbering stays right.

            The stream ``campaigns`` keeps the original value.
            """
            nonlocal odd
            if isinstance(found, list):
                return [part if isinstance(part, dict) else {} for part in found]
            if found is not None:
                kind = type(found).__name__
                stream.logger.error("Expected a list of sequences, steps or variants, got %s.", kind)
                odd += 1
            return []

        records = [part for campaign in page for part in self._parts(campaign, objects)]
        return replace(page, records=records, rejected=page.rejected + odd)


def _numbered_steps(campaign: Record, objects: Objects) -> Iterator[tuple[Record, Record]]:
    """Yield the steps of a campaign, each with its key."""
    for sequence in objects(campaign.get("sequences"))[:1]:
        for number, step in enumerate(objects(sequence.get("steps")), start=1):
            yield step, {"campaign_id": campaign.get("id"), "step": str(number)}


def _steps(campaign: Record, objects: Objects) -> Iterator[Record]:
    for step, key in _numbered_steps(campaign, objects):
        yield {**step, **key, "variant_count": len(objects(step.get("variants")))}


def _variants(campaign: Record, objects: Objects) -> Iterator[Record]:
    for step, key in _numbered_steps(campaign, objects):
        for number, variant in enumerate(objects(step.get("variants"))):
            yield {**variant, **key, "variant": str(number)}


class CampaignSteps(InstantlyStream):
    """Steps of each campaign, a row each, extracted from its sequences.

    Numbers start at 1, as in ``campaign_analytics_steps``. The API uses only the first sequence of a campaign (spec).
    Removed steps keep their row in the warehouse, unless the setting ``emit_activate_version_messages`` is on.
    """

    name = "campaign_steps"
    scope = "campaigns"
    path = "/campaigns"
    records = PartsOfCampaigns(_steps)
    primary_keys = ("campaign_id", "step")
    excluded = ("variants",)


class CampaignVariants(InstantlyStream):
    """Variants of the steps of each campaign, a row each, extracted from its sequences.

    Steps are numbered from 1 and variants from 0 (= A), as in ``campaign_analytics_steps``.
    """

    name = "campaign_variants"
    scope = "campaigns"
    path = "/campaigns"
    records = PartsOfCampaigns(_variants)
    primary_keys = ("campaign_id", "step", "variant")


class CampaignSendingStatus(InstantlyStream):
    """Sending status of each campaign, with the reasons that the product diagnoses."""

    name = "campaign_sending_status"
    scope = "campaigns"
    path = "/campaigns/{campaign_id}/sending-status"
    slicer = Parents(CAMPAIGN)
    records = OneObject()
    primary_keys = ("campaign_id",)
    why_deselected = "one request per campaign, for its current diagnosis"


class Subsequences(InstantlyStream):
    """Follow-up sequences that leads of a campaign enter under a condition.

    They have no timestamp of the last change, so every run emits all of them.
    """

    name = "subsequences"
    scope = "subsequences"
    path = "/subsequences"
    records = CursorList()
    primary_keys = ("id",)


class SubsequenceSendingStatus(InstantlyStream):
    """Sending status of each subsequence, with the reasons that the product diagnoses."""

    name = "subsequence_sending_status"
    scope = "subsequences"
    path = "/subsequences/{subsequence_id}/sending-status"
    slicer = Parents(SUBSEQUENCE)
    records = OneObject()
    primary_keys = ("subsequence_id",)
    why_deselected = "one request per subsequence, for its current diagnosis"
