"""The database to load: chosen by the variables of the loaders, and found by dbt and the report too."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from orchestrate.image.errors import UNUSABLE, ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNS = {
    "target-dlt": ("TARGET_DLT_DESTINATION", "TARGET_DLT_CREDENTIALS"),
    "target-postgres": ("TARGET_POSTGRES_HOST", "TARGET_POSTGRES_SQLALCHEMY_URL"),
    "target-snowflake": ("TARGET_SNOWFLAKE_ACCOUNT",),
}
"""Loaders, and the variables that select each."""

SCHEMAS = {"target-snowflake": "INSTANTLY"}
"""The schema of a loader's tables, unless it is ``instantly``."""

_POSTGRES = re.compile(r"postgres(ql)?(\+\w+)?://")


@dataclass(frozen=True)
class Destination:
    """A database.

    Attributes:
        loader: The loader of meltano.yml.
        adapter: The database as dbt calls it.
        place: Its name in the log; no part of an address.
        load: Variables for Meltano.
        marts: Variables for dbt and the report.
        report: The report's option ``--database``.
    """

    loader: str
    adapter: str
    place: str
    report: str
    load: Mapping[str, str] = field(default_factory=dict, repr=False)
    marts: Mapping[str, str] = field(default_factory=dict, repr=False)


def destination(variables: Mapping[str, str], data: str) -> Destination:
    """Return where the variables say to load; a DuckDB file on the data volume by default.

    Raises:
        ImageError: They contradict each other, or one is missing.
    """
    loader = _loader(variables)
    prefix = loader.upper().replace("-", "_")
    schema = variables.get(f"{prefix}_DEFAULT_TARGET_SCHEMA") or SCHEMAS.get(loader, "instantly")
    load = {f"{prefix}_DEFAULT_TARGET_SCHEMA": schema}
    marts = {"DBT_INSTANTLY_SCHEMA": variables.get("DBT_INSTANTLY_SCHEMA") or schema}
    if loader == "target-snowflake":
        return Destination(loader, "snowflake", "Snowflake", "snowflake", load, {**marts, "DBT_TARGET": "snowflake"})
    if loader == "target-postgres":
        marts |= {"DBT_TARGET": "postgres", **_postgres(_parts(variables))}
        return Destination(loader, "postgres", "Postgres", "postgresql://", load, marts)
    return _by_dlt(variables, data, load, marts)


def _loader(variables: Mapping[str, str]) -> str:
    told = [loader for loader, signs in SIGNS.items() if any(variables.get(sign) for sign in signs)]
    chosen = variables.get("INSTANTLY_LOADER")
    if chosen and chosen not in SIGNS:
        message = f"INSTANTLY_LOADER must be one of {', '.join(SIGNS)}"
        raise ImageError(message, UNUSABLE)
    if not chosen and len(told) > 1:
        message = f"variables of {' and '.join(told)} are set: choose one with INSTANTLY_LOADER"
        raise ImageError(message, UNUSABLE)
    return chosen or (told[0] if told else "target-dlt")


def _by_dlt(variables: Mapping[str, str], data: str, load: dict[str, str], marts: dict[str, str]) -> Destination:
    adapter = variables.get("TARGET_DLT_DESTINATION") or "duckdb"
    credentials = variables.get("TARGET_DLT_CREDENTIALS") or ""
    load |= {"TARGET_DLT_DESTINATION": adapter}
    load |= {"TARGET_DLT_REJECTS_PATH": variables.get("TARGET_DLT_REJECTS_PATH") or f"{data}/rejects"}
    marts |= {"DBT_TARGET": adapter}
    if adapter == "postgres":
        if not _POSTGRES.match(credentials):
            message = "TARGET_DLT_CREDENTIALS is not an address of Postgres: postgresql://user:password@host/database"
            raise ImageError(message, UNUSABLE)
        return Destination(
            "target-dlt", adapter, "Postgres", "postgresql://", load, marts | _postgres(_address(credentials))
        )
    if adapter != "duckdb":
        message = "TARGET_DLT_DESTINATION is neither duckdb nor postgres, and the image has the drivers of no other"
        raise ImageError(message, UNUSABLE)
    if _POSTGRES.match(credentials):
        message = "TARGET_DLT_CREDENTIALS is an address of Postgres: set TARGET_DLT_DESTINATION=postgres too"
        raise ImageError(message, UNUSABLE)
    file = credentials or f"{data}/warehouse.duckdb"
    load |= {"TARGET_DLT_CREDENTIALS": file}
    return Destination("target-dlt", adapter, "DuckDB", file, load, {**marts, "DBT_DUCKDB_PATH": file})


def _parts(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of a Postgres address that the variables of target-postgres give, by their names in libpq."""
    if address := variables.get("TARGET_POSTGRES_SQLALCHEMY_URL"):
        return _address(address)
    names = ("HOST", "PORT", "USER", "PASSWORD", "DATABASE")
    parts = {name: variables.get(f"TARGET_POSTGRES_{name}", "") for name in names}
    if lacking := [name for name in ("USER", "PASSWORD", "DATABASE") if not parts[name]]:
        message = f"for Postgres {' and '.join(f'TARGET_POSTGRES_{name}' for name in lacking)} must be set too"
        raise ImageError(message, UNUSABLE)
    if variables.get("TARGET_POSTGRES_SSL_ENABLE", "").lower() in {"true", "1", "yes", "on"}:
        parts["SSLMODE"] = variables.get("TARGET_POSTGRES_SSL_MODE") or "verify-full"
        parts["SSLROOTCERT"] = variables.get("TARGET_POSTGRES_SSL_CERTIFICATE_AUTHORITY", "")
    return parts


def _address(address: str) -> dict[str, str]:
    try:
        found = urlsplit(_POSTGRES.sub("postgresql://", address, count=1))
        options = {name.upper(): values[-1] for name, values in parse_qs(found.query).items()}
        parts = {
            "HOST": unquote(found.hostname or ""),
            "PORT": str(found.port or ""),
            "USER": unquote(found.username or ""),
            "PASSWORD": unquote(found.password or ""),
            "DATABASE": unquote(found.path.lstrip("/")),
        }
    except ValueError:
        parts = options = {}
    parts = {**parts, **options}
    if not (parts.get("HOST") and parts.get("DATABASE")):
        message = (
            "the address of the database cannot be read: it is postgresql://user:password@host:port/name, with "
            "%, /, @ and spaces in user and password written as %25, %2F, %40 and %20"
        )
        raise ImageError(message, UNUSABLE)
    return parts


def _postgres(parts: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which dbt, and libpq within the report, find a database."""
    names = {"HOST", "PORT", "USER", "PASSWORD", "DATABASE"}
    found = {f"DBT_POSTGRES_{name}": value for name, value in parts.items() if value and name in names}
    return found | {f"PG{name}": value for name, value in parts.items() if value}
