"""Generates the dbt package's sources, staging models and seed of codes from the streams and their schemas.

Run by `make docs`, and checked by the tests. Descriptions, types, keys and the labels of codes come from the schemas
alone.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tap_instantly.streams import InstantlyStream
from tap_instantly.tap import TapInstantly

Schema = tuple[InstantlyStream, Mapping[str, Any]]
ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "transform"
STAGING = Path("models/staging")
CODES = Path("seeds/instantly_codes.csv")
REMARK = "Written by `make docs` from the streams of the tap and their schemas."

ENTITIES = {
    *("workspace_members", "custom_tags", "campaigns", "subsequences", "leads", "lead_lists", "lead_labels", "emails"),
}
"""Streams with columns named after the entity for the id and the name of a record; others keep `id` and `name`."""

NAMES = {
    ("workspaces", "id"): "id",
    ("leads", "campaign"): "campaign_id",
    ("leads", "lt_interest_status"): "interest_status",
    ("leads", "pl_value_lead"): "opportunity_value_text",
    ("campaigns", "pl_value"): "opportunity_value",
    ("subsequences", "parent_campaign"): "campaign_id",
    ("subsequences", "workspace"): "workspace_id_sent",
    ("lead_labels", "label"): "label",
    ("account_analytics_daily", "email_account"): "email",
    ("emails", "from"): "from_address",
    ("emails", "to"): "to_address",
}
"""Exceptions from the naming rules."""

RESERVED = {"from", "to", "interval", "timestamp", "group", "order", "limit", "user", "start", "end"}
"""Reserved words of some database; such a column is prefixed with the name of its stream."""

ALIASES = {("campaign_analytics", "campaign_status"): ("campaigns", "status")}
"""Columns that hold the code of another stream's column, where it is documented."""

ADDRESSES = {
    *("bcc_address_email_list", "bl_value", "cc_address_email_list", "company_domain", "domain", "eaccount", "email"),
    *("email_account", "forwarding_domain", "from_address_email", "last_contacted_from", "last_step_from", "reply_to"),
    *("lead_email", "org_client_domain", "recipient_email", "sender_email", "to_address_email_list", "user_email"),
    "tracking_domain_name",
    ("ai_inbox_manager_replies", "lead"),
    ("custom_tag_mappings", "resource_id"),
    ("emails", "lead"),
    ("workspace_whitelabel_domain", "name"),
}
"""Columns with addresses or domains, of all streams or of one. Staging lower-cases them, because case has no meaning in
them and the API is inconsistent."""

MEANINGS = {"lt_interest_status": lambda code: "positive" if code > 0 else "neutral" if code == 0 else "negative"}
"""Meanings of codes, by column."""

SCHEMA = (
    "\"{{ var('instantly__union_schemas')[0] if var('instantly__union_schemas')"
    " else env_var('DBT_INSTANTLY_SCHEMA', var('instantly__schema')) }}\""
)
"""Schema of the sources; of several the first."""

ANALYTICS = ("campaign_analytics", *(f"campaign_analytics_{part}" for part in ("overview", "daily", "steps")))
FRESHNESS = {
    **dict.fromkeys(("leads", *ANALYTICS, "account_analytics_daily"), (24, 48)),
    **dict.fromkeys(("account_warmup", "account_warmup_daily"), (48, 96)),
}
"""Hours without a load after which `dbt source freshness` warns and fails. Only streams with new rows in each run are
listed, even if those rows repeat the bookmark's. Other streams may be empty in a workspace."""

ADDED = (
    ("loaded_at", "timestamp", "Load time of the row, UTC; NULL if the loader does not record it."),
    (
        "extracted_at",
        "timestamp",
        "When the tap read the row, UTC, which may be the day before; NULL where the loader notes no time.",
    ),
    ("source_relation", "text", "Schema of the table that has the row."),
)
"""Name, type and description of the columns that staging adds to those of the tap."""

_DOCUMENTED = re.compile(r"Documented values: (.*)\.$", re.DOTALL)
_CODE = re.compile(r"(-?\d+) = (.*?)(?=, -?\d+ = |$)", re.DOTALL)
_TYPES = {"integer": "bigint", "number": "double precision", "boolean": "boolean", "object": "json", "array": "json"}


@dataclass(frozen=True)
class Column:
    """A column of a staging model."""

    source: str  # its name in the loader's table
    name: str  # its name in the model
    type: str  # its type in the model; json for objects and arrays
    description: str
    label: str | None = None  # name of the column with the label of the code, if it is a code
    code: tuple[str, str] | None = None  # stream and column that document the code
    is_address: bool = False  # holds addresses or domains


def codes_of(description: str) -> dict[int, str]:
    """Parse the labels of codes from a description; empty if it documents none."""
    documented = _DOCUMENTED.search(description)
    found = _CODE.findall(documented[1]) if documented else ()
    # In `Label - explanation` and `Label; explanation`, only the first part is the label.
    return {int(code): re.split(r" - |; ", label)[0].rstrip(".") for code, label in found}


def columns_of(stream: str, schema: Mapping[str, Any]) -> list[Column]:
    """Type and name the columns of a stream; those that identify the workspace come first."""
    properties = schema["properties"]
    first = ("workspace_id", "workspace_name")
    last = ("unknown_fields",)
    ordered = [*first, *(name for name in properties if name not in first + last), *last]
    return [_column(stream, name, properties[name]) for name in ordered if (stream, name) != ("workspaces", "id")]


def key_of(stream: InstantlyStream, columns: Sequence[Column]) -> list[str]:
    """Return the names in the model of the columns that identify a row; a workspace's `id` is its `workspace_id`."""
    names = {column.source: column.name for column in columns}
    return [names.get(name, "workspace_id") for name in stream.primary_keys]


def _column(stream: str, source: str, schema: Mapping[str, Any]) -> Column:
    name, kind, description = _rename(stream, source), _type(schema), schema.get("description", "")
    documented = ALIASES.get((stream, source), (stream, source))
    if kind == "bigint" and (documented != (stream, source) or codes_of(description)):
        plain = name.removesuffix("_code")
        return Column(source, f"{plain}_code", kind, description, plain, documented)
    is_address = kind == "text" and not ADDRESSES.isdisjoint({source, (stream, source)})
    return Column(source, name, kind, description, is_address=is_address)


def _type(schema: Mapping[str, Any]) -> str:
    declared = schema["type"]
    (kind,) = {declared} if isinstance(declared, str) else set(declared) - {"null"}
    return {"date-time": "timestamp", "date": "date"}.get(schema.get("format", "")) or _TYPES.get(kind, "text")


def _rename(stream: str, source: str) -> str:
    if name := NAMES.get((stream, source)):
        return name
    if source in {"id", "name", "label"} and stream in ENTITIES:
        return f"{stream.rpartition('_')[2].removesuffix('s')}_{source}"
    if found := re.fullmatch(r"timestamp_(?!created_date)(\w+)", source):
        return f"{found[1]}_at"
    return f"{stream}_{source}" if source in RESERVED else source


def model(stream: InstantlyStream, columns: list[Column]) -> str:
    """Return the SQL of a stream's staging model."""
    lines = [f"-- {REMARK}"]
    if stream.why_deselected is not None:
        lines.append(f"{{{{ config(enabled='{stream.name}' in var('instantly__streams_on')) }}}}")
    codes = ", codes=ref('instantly_codes')" if any(column.label for column in columns) else ""
    lines.append(f"{{{{ instantly.stage('{stream.name}', key={key_of(stream, columns)}{codes}) }}}}")
    return "\n".join([*lines, ""])


def sources(schemas: Sequence[Schema]) -> str:
    """Return the YAML of the tap's tables, as dbt sources."""
    lines = [
        f"# {REMARK}",
        "version: 2",
        "",
        "sources:",
        "- name: instantly",
        "  description: Tables that the tap loads from Instantly.",
        "  database: \"{{ var('instantly__database') or target.database }}\"",
        "  # Of several schemas the first one: `dbt source freshness` looks at that alone.",
        f"  schema: {SCHEMA}",
        "  tables:",
    ]
    for stream, schema in schemas:
        when = (
            "in var('instantly__streams_on')"
            if stream.why_deselected is not None
            else "not in var('instantly__streams_off')"
        )
        config: dict[str, Any] = {"enabled": f"{{{{ '{stream.name}' {when} }}}}"}
        if hours := FRESHNESS.get(stream.name):
            warn, error = ({"count": count, "period": "hour"} for count in hours)
            config |= {"loaded_at_field": "_sdc_batched_at", "freshness": {"warn_after": warn, "error_after": error}}
        identifier = f"{{{{ var('instantly__{stream.name}_identifier', '{stream.name}') }}}}"
        lines.append(
            f'  - {{name: {stream.name}, identifier: "{identifier}", description: {_text(schema["description"])},\n'
            f"     config: {json.dumps(config)}}}"
        )
    return "\n".join([*lines, ""])


def properties(schemas: Sequence[Schema]) -> str:
    """Return the YAML of the staging models: descriptions, and tests of keys and codes."""
    lines = [f"# {REMARK}", "version: 2", "", "models:"]
    for stream, schema in schemas:
        columns = columns_of(stream.name, schema)
        lines += [
            f"- name: stg_instantly__{stream.name}",
            f"  description: {_text(schema['description'])}",
            "  data_tests:",
            f"  - instantly.unique_combination: {{arguments: {{columns: [{', '.join(key_of(stream, columns))}]}}}}",
        ]
        if labels := {column.name: column.label for column in columns if column.label}:
            lines.append(f"  - instantly.known_codes: {{arguments: {{labels: {json.dumps(labels)}}}}}")
        lines.append("  columns:")
        for column in columns:
            meta: dict[str, object] = {"source": column.source} if column.source != column.name else {}
            meta |= {"address": True} if column.is_address else {}
            lines.append(_property(column.name, column.type, column.description, meta))
            if column.label and column.code:
                text = f"Label of {column.name}; NULL if that is not documented."
                of = {"label_of": column.name, "stream": column.code[0], "field": column.code[1]}
                lines.append(_property(column.label, "text", text, of))
        lines += [_property(*column, {}) for column in ADDED]
    return "\n".join([*lines, ""])


def _property(name: str, kind: str, description: str, meta: Mapping[str, object]) -> str:
    config = f", config: {{meta: {json.dumps(meta)}}}" if meta else ""
    return f"  - {{name: {name}, data_type: {kind}, description: {_text(description)}{config}}}"


def codes(schemas: Sequence[Schema]) -> str:
    """Return the CSV of the labels of codes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("stream", "field", "code", "label", "meaning"))
    for stream, schema in schemas:
        for name, column in schema["properties"].items():
            if _type(column) == "bigint":
                meaning = MEANINGS.get(name, lambda _: None)
                for code, label in sorted(codes_of(column.get("description", "")).items()):
                    writer.writerow((stream.name, name, code, label, meaning(code)))
    return text.getvalue()


def _text(text: str) -> str:
    """Quote a text for YAML and for dbt, which renders descriptions as templates."""
    return json.dumps(f"{{% raw %}}{text}{{% endraw %}}" if "{{" in text or "{%" in text else text, ensure_ascii=False)


def files() -> Iterator[tuple[Path, str]]:
    """Yield every generated file: its path in the package and its text."""
    schemas = [
        (stream, json.loads((ROOT / "schemas" / f"{stream.name}.json").read_text(encoding="utf-8")))
        for stream in TapInstantly(config={}, validate_config=False).discover_streams()
    ]
    yield STAGING / "_sources.yml", sources(schemas)
    yield STAGING / "_staging.yml", properties(schemas)
    yield CODES, codes(schemas)
    for stream, schema in schemas:
        yield STAGING / f"stg_instantly__{stream.name}.sql", model(stream, columns_of(stream.name, schema))


def surplus() -> set[Path]:
    """Return the staging files that are no longer generated."""
    return {path.relative_to(PACKAGE) for path in (PACKAGE / STAGING).iterdir()} - {path for path, _ in files()}


if __name__ == "__main__":
    for path in surplus():
        (PACKAGE / path).unlink()
    for path, content in files():
        (PACKAGE / path).write_text(content, encoding="utf-8")
