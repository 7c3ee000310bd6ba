"""Variables of the package that cannot be: dbt says which, why, and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.transform import duck
from tests.transform.package import PACKAGE, Dbt, Result, read_yaml

LONG = "a key of more than sixty-three characters, which no database takes for a column"
TABLES = (
    "create schema one",
    "create schema two",
    "create table one.leads (id text)",
    "create table two.leads (email text)",
    "create schema instantly",
)


def united(schemas: str, stream: str = "leads") -> str:
    return f"instantly.tables_of('{stream}', ['id'], {schemas})"


def chosen(variables: Any) -> str:
    return f"instantly.custom_variables({json.dumps(variables)})"


SAID = {
    united("['one', 'nowhere']"): "there is no schema nowhere: load it, or take it out of the variable",
    united(
        "['one', 'two']"
    ): 'table "made"."two"."leads" has no column id, which identifies its rows: the tap did not load it',
    united("['one', 'two']", "campaigns"): (
        'there is no table "made"."one"."campaigns", nor "made"."two"."campaigns": load the stream campaigns, or add it'
    ),
    united("[]", "campaigns"): 'there is no table "made"."instantly"."campaigns": load the stream campaigns, or add it',
    united("'one'"): "instantly__union_schemas has to be a list of schemas, each once, and is one",
    united("['one', 'ONE']"): "a list of schemas, each once, and is ['one', 'ONE']",
    united("['one', 2]"): "a list of schemas, each once, and is ['one', 2]",
    chosen("headcount"): "instantly__custom_variables has to be a list of keys, and is headcount",
    chosen([5]): "instantly__custom_variables has 5: it has to be a key, which is a text",
    chosen([{"key": "a", "name": "b"}]): "it has to be a key, which is a text, or {key: ..., column: ...}",
    chosen([{"column": "b"}]): "it has to be a key, which is a text",
    chosen([""]): "it has to be a key, which is a text",
    chosen(["名前"]): "the custom variable 名前 makes no name of a column",
    chosen([LONG]): f"the custom variable {LONG} makes no name of a column",
    chosen([{"key": "a", "column": "A b"}]): "the custom variable a makes no name of a column",
    chosen([{"key": "a", "column": "email"}]): "a would be the column email, as is one of the mart",
    chosen(
        ["Industry", "industry"]
    ): "the custom variable industry would be the column custom_industry, as is Industry",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder = tmp_path_factory.mktemp("wrong")
    path = folder / "made.duckdb"
    duck.execute(path, *TABLES)
    defaults = read_yaml(PACKAGE / "dbt_project.yml")["vars"]["instantly"]
    kinds = ("models", "seeds", "snapshots", "exposures", "data_tests", "unit_tests")
    off = {kind: {"instantly": {"+enabled": False}} for kind in kinds}
    files = {
        "dbt_project.yml": {"name": "wrong", "profile": "wrong", "vars": defaults, **off},
        "packages.yml": {"packages": [{"local": str(PACKAGE)}]},
        "profiles.yml": {"wrong": {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": str(path)}}}},
    }
    (folder / "models").mkdir()
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    for number, call in enumerate(SAID):
        # Sources are for the run: at the parse, which stops at the first error, nothing is wrong yet.
        model = "{% if execute %}{% do " + call + " %}{% endif %}select 1 as one"
        (folder / "models" / f"wrong_{number}.sql").write_text(model, encoding="utf-8")
    marts = [{"name": f"wrong_{number}", "columns": [{"name": "email"}]} for number in range(len(SAID))]
    (folder / "models" / "columns.yml").write_text(json.dumps({"models": marts}), encoding="utf-8")
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "instantly").symlink_to(PACKAGE)  # as `dbt deps` does
    return Dbt(folder / "output", {}, folder, folder).run("run")


@pytest.mark.parametrize(("number", "said"), list(enumerate(SAID.values())))
def test_invalid_variable_ends_in_an_explanatory_error(results: dict[str, Result], number: int, said: str) -> None:
    result = results[f"model.wrong.wrong_{number}"]
    assert result.status == "error"
    assert said in " ".join(result.message.split())
