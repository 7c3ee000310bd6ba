"""Streams that bring their records into the shape of the schema, with personal data as the settings say."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_instantly.settings import DROP, KEEP
from tap_instantly.streams import flattening
from tap_instantly.streams.personal import Hidden
from tap_instantly.streams.records import UNKNOWN_FIELDS, Record, RecordShaper
from tap_instantly.streams.schemas import MARKED
from tap_instantly.streams.turns import workspace_id
from tap_instantly.streams.versions import Versioned

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context


class Shaped(Versioned):
    """A stream whose records have the shape of their schema, and personal data as the settings say."""

    left_out: ClassVar[tuple[str, ...]] = ()
    """Fields never to be extracted: secrets, and what another stream carries."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._names: dict[str, str | None] = {}

    @cached_property
    def shaper(self) -> RecordShaper:
        """Brings records into the schema's shape."""
        levels = flattening.levels_of(self.config)
        schema = flattening.narrowed(MARKED.get_schema(self.name), self.effective_schema, levels)
        validate, personal = self.config["validate_records"], self.config["personal_data"]
        written = UNKNOWN_FIELDS in self.effective_schema["properties"] and self.mask["properties", UNKNOWN_FIELDS]
        return RecordShaper(schema, self.primary_keys, validate, self.logger, levels, personal, written=written)

    @cached_property
    def _hidden(self) -> Hidden | None:
        """Hides what is personal in records; None where it is kept."""
        choice = self.config["personal_data"]
        if choice == KEEP:
            return None
        properties, salt = MARKED.get_schema(self.name)["properties"], self.config["personal_data_salt"]
        return Hidden(properties, self.primary_keys, salt, drop=choice == DROP)

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        for name in self.left_out:
            row.pop(name, None)
        workspace = workspace_id(context)
        record = self.shaper.shape(row, workspace, self._names.get(workspace))
        if record is not None:
            self.shaper.check(record)
            if self._hidden is not None:
                self._hidden.hide(record)
            self.tally.records += 1
        return record
