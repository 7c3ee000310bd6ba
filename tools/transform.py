"""Writes the sources, the staging models and the seed of codes of the dbt package from the streams and their schemas.

Run by `make docs`, and checked by the tests. What the schemas say is not said again by hand: descriptions, types, keys,
and what codes stand for.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_instantly.tap import TapInstantly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_instantly.streams import InstantlyStream

    Schema = tuple[InstantlyStream, Mapping[str, Any]]

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "transform"
STAGING = Path("models/staging")
CODES = Path("seeds/instantly_codes.csv")
REMARK = "Written by `make docs` from the streams of the tap and their schemas."

ENTITIES = {
    "workspace_members": "member",
    "custom_tags": "tag",
    "campaigns": "campaign",
    "subsequences": "subsequence",
    "leads": "lead",
    "lead_lists": "list",
    "lead_labels": "label",
    "emails": "email",
}
"""What the id and the name of a stream's records are called; of other streams they stay `id` and `name`."""

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
"""Columns with another name than the rules give."""

RESERVED = {"from", "to", "interval", "timestamp", "group", "order", "limit", "user", "start", "end"}
"""Words that some database takes for its own; such a column gets the name of its stream before it."""

ALIASES = {("campaign_analytics", "campaign_status"): ("campaigns", "status")}
"""Columns that hold the code of another stream's column, which is where it is documented."""

ADDRESSES = {
    *("bcc_address_email_list", "bl_value", "cc_address_email_list", "company_domain", "domain", "eaccount", "email"),
    *(
        "email_account",
        "forwarding_domain",
        "from_address_email",
        "last_contacted_from",
        "last_step_from",
        "lead_email",
    ),
    *("org_client_domain", "recipient_email", "reply_to", "sender_email", "to_address_email_list"),
    *("tracking_domain_name", "user_email"),
    ("ai_inbox_manager_replies", "lead"),
    ("custom_tag_mappings", "resource_id"),
    ("emails", "lead"),
    ("workspace_whitelabel_domain", "name"),
}
"""Columns with addresses or domains, of all streams or of one. Capitals say nothing in them, and the API does not write
them alike everywhere, so that staging makes small letters of them."""

MEANINGS = {"lt_interest_status": lambda code: "positive" if code > 0 else "neutral" if code == 0 else "negative"}
"""What codes amount to, by column."""

FRESHNESS = {
    "leads": (24, 48),
    "campaign_analytics": (24, 48),
    "campaign_analytics_overview": (24, 48),
    "campaign_analytics_daily": (24, 48),
    "campaign_analytics_steps": (24, 48),
    "account_analytics_daily": (24, 48),
    "account_warmup": (48, 96),
    "account_warmup_daily": (48, 96),
}
"""Hours without a load after which `dbt source freshness` warns and fails: of streams that each run brings rows of, be
it only those at the bookmark, which come again. Of the others a workspace may have none."""

_DOCUMENTED = re.compile(r"Documented values: (.*)\.$", re.DOTALL)
_CODE = re.compile(r"(-?\d+) = (.*?)(?=, -?\d+ = |$)", re.DOTALL)
_TYPES = {"integer": "bigint", "number": "double precision", "boolean": "boolean", "object": "json", "array": "json"}


@dataclass(frozen=True)
class Column:
    """A column of a staging model.

    Attributes:
        source: Its name in the table of the loader.
        name: Its name here.
        type: Its type here; json for objects and arrays.
        description: From the schema.
        label: Name of the column with what the code stands for, if it is one.
        code: Stream and column that document the code.
        is_address: Whether it holds addresses or domains.
    """

    source: str
    name: str
    type: str
    description: str
    label: str | None = None
    code: tuple[str, str] | None = None
    is_address: bool = False


def codes_of(description: str) -> dict[int, str]:
    """Read from a description what codes stand for; nothing if it documents none."""
    documented = _DOCUMENTED.search(description)
    found = _CODE.findall(documented[1]) if documented else ()
    # Of `Label - explanation` and `Label; explanation` the first is the label.
    return {int(code): re.split(r" - |; ", label)[0].rstrip(".") for code, label in found}


def columns_of(stream: str, schema: Mapping[str, Any]) -> list[Column]:
    """Type and name the columns of a stream; those that say of which workspace a record is come first."""
    properties = schema["properties"]
    first = ("workspace_id", "workspace_name")
    last = ("unknown_fields",)
    ordered = [*first, *(name for name in properties if name not in first + last), *last]
    return [_column(stream, name, properties[name]) for name in ordered if (stream, name) != ("workspaces", "id")]


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
        return f"{ENTITIES[stream]}_{source}"
    if found := re.fullmatch(r"timestamp_(?!created_date)(\w+)", source):
        return f"{found[1]}_at"
    return f"{stream}_{source}" if source in RESERVED else source


def model(stream: InstantlyStream, columns: list[Column]) -> str:
    """Give the SQL of the staging model of a stream."""
    lines = [f"-- {REMARK}"]
    if stream.why_off is not None:
        lines.append(f"{{{{ config(enabled='{stream.name}' in var('instantly__streams_on')) }}}}")
    lines += ["{{ instantly.stage(", f"    '{stream.name}',", f"    key={list(stream.primary_keys)},", "    columns=["]
    for column in columns:
        parts = [column.source, column.name, "address" if column.is_address else column.type]
        if column.label and column.code:
            parts += [column.label, *column.code]
        lines.append(f"        ({', '.join(map(repr, parts))}),")
    return "\n".join([*lines, "    ],", ") }}", ""])


def sources(schemas: Sequence[Schema]) -> str:
    """Give the YAML of the tables that the tap fills."""
    lines = [
        f"# {REMARK}",
        "version: 2",
        "",
        "sources:",
        "- name: instantly",
        "  description: What the tap has loaded from Instantly.",
        "  database: \"{{ var('instantly__database') or target.database }}\"",
        "  schema: \"{{ env_var('DBT_INSTANTLY_SCHEMA', var('instantly__schema')) }}\"",
        "  tables:",
    ]
    for stream, schema in schemas:
        word = "not in var('instantly__streams_off')" if stream.why_off is None else "in var('instantly__streams_on')"
        lines += [
            f"  - name: {stream.name}",
            f"    description: {_text(schema['description'])}",
            "    config:",
            f"      enabled: \"{{{{ '{stream.name}' {word} }}}}\"",
        ]
        if hours := FRESHNESS.get(stream.name):
            warn, error = (f"{{count: {count}, period: hour}}" for count in hours)
            lines += [
                "      loaded_at_field: _sdc_batched_at",
                f"      freshness: {{warn_after: {warn}, error_after: {error}}}",
            ]
    return "\n".join([*lines, ""])


def properties(schemas: Sequence[Schema]) -> str:
    """Give the YAML of the staging models: descriptions, and tests of keys and codes."""
    lines = [f"# {REMARK}", "version: 2", "", "models:"]
    for stream, schema in schemas:
        columns = columns_of(stream.name, schema)
        names = {column.source: column.name for column in columns}
        key = [names.get(name, "workspace_id") for name in stream.primary_keys]
        lines += [
            f"- name: stg_instantly__{stream.name}",
            f"  description: {_text(schema['description'])}",
            "  data_tests:",
            f"  - instantly.unique_combination: {{arguments: {{columns: [{', '.join(key)}]}}}}",
        ]
        if labels := {column.name: column.label for column in columns if column.label}:
            lines.append(f"  - instantly.known_codes: {{arguments: {{labels: {json.dumps(labels)}}}}}")
        lines.append("  columns:")
        for column in columns:
            lines.append(
                f"  - {{name: {column.name}, data_type: {column.type}, description: {_text(column.description)}}}"
            )
            if column.label:
                text = f"What {column.name} stands for; NULL if that is not documented."
                lines.append(f"  - {{name: {column.label}, data_type: text, description: {_text(text)}}}")
        when = "When the row was loaded, UTC; NULL where the loader does not note it."
        lines.append(f"  - {{name: loaded_at, data_type: timestamp, description: {_text(when)}}}")
        read = "When the tap read the row, UTC, which may be the day before; NULL where the loader notes no time."
        lines.append(f"  - {{name: extracted_at, data_type: timestamp, description: {_text(read)}}}")
    return "\n".join([*lines, ""])


def codes(schemas: Sequence[Schema]) -> str:
    """Give the CSV of what codes stand for."""
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
    """Quote a text for YAML, and for dbt, which reads descriptions as templates."""
    return json.dumps(f"{{% raw %}}{text}{{% endraw %}}" if "{{" in text or "{%" in text else text, ensure_ascii=False)


def files() -> Iterator[tuple[Path, str]]:
    """Give every file that is written, by its path within the package, with its text."""
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
    """Name the staging files that nothing writes, such as those of a stream that is gone."""
    return {path.relative_to(PACKAGE) for path in (PACKAGE / STAGING).iterdir()} - {path for path, _ in files()}


if __name__ == "__main__":
    for path in surplus():
        (PACKAGE / path).unlink()
    for path, content in files():
        (PACKAGE / path).write_text(content, encoding="utf-8")
