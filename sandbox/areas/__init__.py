"""The areas of the API, collected.

An area is a module of this package with an `AREA`: its operations, the tables its records live in, their truth and
the changes that can be made to them (see `sandbox.area`). To add one, write the module and give it its line in the
import and in `AREAS` below, in alphabetical order. Nothing else needs to know:

* Operations become routes. Their order does not matter: literal paths go before those with a `{key}`.
* `world.collection("widgets")` and `world.rows("widgets")` find the table `widgets`; its maker gets the world and
  draws from `world.rng("widgets")`. `api_lists.get_list(WIDGETS)` and `api_lists.get_one("widgets")` answer from it,
  `WIDGETS` being a `Listing`; `api_lists.get_children` answers lists that hang on a record in the path.
* `truth={"widgets": listed(WIDGETS)}` shows all rows to the control plane.
* A change calls `world.mutation_rng()` first of all, and `world.moment(at)` for its time.
"""

from __future__ import annotations

from itertools import chain

from sandbox.areas import (
    accounts,
    agents,
    basics,
    deliverability,
    emails,
    enrichment,
    inbox_managers,
    journal,
    lead_finders,
    orders,
    placement,
    sales_agents,
    subsequences,
    tags,
    team,
    webhooks,
)

AREAS = tuple(
    module.AREA
    for module in (
        accounts,
        agents,
        basics,
        deliverability,
        emails,
        enrichment,
        inbox_managers,
        journal,
        lead_finders,
        orders,
        placement,
        sales_agents,
        subsequences,
        tags,
        team,
        webhooks,
    )
)  # fmt: skip

OPERATIONS = tuple(chain.from_iterable(area.operations for area in AREAS))
TABLES = {name: make for area in AREAS for name, make in area.tables.items()}
TRUTH = {name: rows for area in AREAS for name, rows in area.truth.items()}
CHANGES = {name: run for area in AREAS for name, run in area.changes.items()}
