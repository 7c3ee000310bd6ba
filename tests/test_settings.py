from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_instantly.settings import SETTINGS
from tap_instantly.tap import TapInstantly
from tap_instantly.validation.config import problems
from tests.support import refusal

SECRET = 918273645
WORKSPACES = "setting 'workspaces' is not valid"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "setting 'api_key' is missing: set it in the config, or as TAP_INSTANTLY_API_KEY"),
        ({"api_key": "k", "page_sise": 1}, "unknown setting 'page_sise': did you mean 'page_size'?"),
        ({"api_key": "k", "colour": 1}, "unknown setting 'colour'"),
        (
            {"api_key": "k", "page_size": 101},
            "setting 'page_size' is not valid: 101 is greater than the maximum of 100",
        ),
        ({"api_key": "k", "page_size": 0}, "setting 'page_size' is not valid: 0 is less than the minimum of 1"),
        (
            {"api_key": "k", "validate_records": "maybe"},
            "setting 'validate_records' is not valid: 'maybe' is not one of",
        ),
        ({"api_key": SECRET}, "setting 'api_key' is not valid: it must be of type string"),
        ({"api_key": ""}, "setting 'api_key' is not valid: it must be of type non-empty string"),
        ({"api_key": "k", "start_date": "soon"}, "setting 'start_date' is not valid: 'soon' is not an ISO 8601 date"),
        ({"api_key": "k", "start_date": "0001-01-01"}, "setting 'start_date' is not valid: '0001-01-01' is not an ISO"),
        *(
            ({"api_key": "k", "start_date": start}, f"setting 'start_date' is not valid: '{start}' is in the future")
            for start in ("2199-01-01", "2199-01-01T00:00:00+05:30")
        ),
        ({"api_key": "k", "user_agent": "two\nlines"}, "setting 'user_agent' is not valid"),
        ({"api_key": "k", "user_agent": "тест"}, "setting 'user_agent' is not valid"),
        ({"api_key": "k", "api_url": "https://[::1"}, "setting 'api_url' is not valid: it is not a URL"),
        ({"api_key": "k", "api_url": "https://localhost:abc/api"}, "setting 'api_url' is not valid: it is not a URL"),
        ({"api_key": "k", "api_url": "ftp://example.com"}, "setting 'api_url' is not valid: it must be an https URL"),
        ({"api_key": "k", "api_url": "http://example.com"}, "setting 'api_url' is not valid: http sends the key"),
        *(
            (
                {"api_key": "k", "api_url": url, "allow_http": True},
                "setting 'api_url' is not valid: it must not contain a user, password",
            )
            for url in (
                f"https://someone:{SECRET}@example.com",
                f"https://{SECRET}@example.com",
                f"http://someone:{SECRET}@127.0.0.1:1",
                f"https://example.com/api/v2?key={SECRET}",
                f"https://example.com/api/v2#{SECRET}",
            )
        ),
        ({"api_key": "k", "page_size": f"{SECRET}"}, "setting 'page_size' is not valid: it must be of type integer"),
        ({"api_key": "a", "workspaces": [{"name": "one", "api_key": "b"}]}, "settings 'api_key' and 'workspaces' are"),
        ({"workspaces": [{"name": "one", "api_key": SECRET}]}, "setting 'workspaces' is not valid"),
        ({"workspaces": [{"name": "one", "key": f"{SECRET}"}]}, "setting 'workspaces' is not valid"),
        *(
            ({"workspaces": [{"name": name, "api_key": "k"}]}, f"{WORKSPACES}: a name must be one line of text")
            for name in ("a\ud800", "a\nb", "a\0")
        ),
        ({"workspaces": [{"name": "a"}]}, f"{WORKSPACES}: 'a' needs either api_key or api_key_env"),
        (
            {"workspaces": [{"name": "a", "api_key": "k", "api_key_env": "HOME"}]},
            f"{WORKSPACES}: 'a' needs either api_key or api_key_env",
        ),
        (
            {"api_key": "k", "sub_workspaces": "some"},
            "setting 'sub_workspaces' is not valid: it must be all, or a list of ids",
        ),
        ({"api_key": "k", "sub_workspaces": []}, "setting 'sub_workspaces' is not valid"),
        (
            {"api_key": "k", "sub_workspaces": ["a\nb"]},
            "setting 'sub_workspaces' is not valid: an id must be one line of text",
        ),
        (
            {"workspaces": [{"name": "a", "api_key": "k"}], "sub_workspaces": "all"},
            "settings 'sub_workspaces' and 'workspaces' are both set",
        ),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(settings: dict[str, Any], message: str) -> None:
    said = refusal(**settings)
    assert said.startswith(message)
    assert str(SECRET) not in said


def test_several_mistakes_are_all_named() -> None:
    assert sorted(refusal(colour=1, size=2).split("; ")) == [
        "setting 'api_key' is missing: set it in the config, or as TAP_INSTANTLY_API_KEY",
        "unknown setting 'colour'",
        "unknown setting 'size': did you mean 'page_size'?",
    ]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/api/v2", "http://localhost:1", "http://[::1]:1", "https://x.example"]
)
def test_plain_http_is_allowed_only_to_this_machine(url: str) -> None:
    TapInstantly(config={"api_key": "k", "api_url": url})


def test_plain_http_to_another_machine_must_be_allowed() -> None:
    TapInstantly(config={"api_key": "k", "api_url": "http://api.internal.example/api/v2", "allow_http": True})


@pytest.mark.parametrize("start", ["2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00+02:00"])
def test_start_date_is_a_date_or_a_timestamp(start: str) -> None:
    TapInstantly(config={"api_key": "k", "start_date": start})


def test_defaults_are_filled_in() -> None:
    config = TapInstantly(config={"api_key": "k"}).config
    assert {name: config[name] for name in ("page_size", "max_retries", "validate_records")} == {
        "page_size": 100,
        "max_retries": 8,
        "validate_records": "off",
    }


DEFAULTED = [name for name, setting in SETTINGS["properties"].items() if setting.get("default") is not None]


@pytest.mark.parametrize("name", DEFAULTED)
def test_null_is_refused_for_settings_with_a_default(name: str) -> None:
    (said,) = problems({"api_key": "k", name: None}, SETTINGS)
    assert said.startswith(f"setting '{name}' is not valid: ")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_INSTANTLY_API_KEY", "from-env")
    monkeypatch.setenv("TAP_INSTANTLY_PAGE_SIZE", "7")
    config = TapInstantly(parse_env_config=True).config
    assert (config["api_key"], config["page_size"]) == ("from-env", 7)


@pytest.mark.parametrize(
    ("name", "value", "type_"),
    [
        ("page_size", "many", "integer"),
        ("page_size", "", "integer"),
        ("strict", "ture", "boolean"),
        ("strict", "", "boolean"),
        ("workspaces", "[{", "array"),
        ("workspaces", "", "array"),
        ("stream_maps", "918273645", "object"),
        ("stream_maps", "[" * 100_000, "object"),
    ],
)
def test_variable_of_wrong_type_fails_in_one_line_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, type_: str
) -> None:
    monkeypatch.setenv("TAP_INSTANTLY_API_KEY", "k")
    monkeypatch.setenv(f"TAP_INSTANTLY_{name.upper()}", value)
    with pytest.raises(ConfigurationError) as caught:
        TapInstantly(parse_env_config=True)
    assert f"setting '{name}' is not valid: it must be of type {type_}" in str(caught.value).split("; ")
    assert str(SECRET) not in str(caught.value)


@pytest.mark.parametrize("name", ["api_key", "api_url", "start_date", "sub_workspaces", "user_agent"])
def test_empty_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TAP_INSTANTLY_API_KEY", "k")
    monkeypatch.setenv(f"TAP_INSTANTLY_{name.upper()}", "")
    with pytest.raises(ConfigurationError, match=f"^setting '{name}' is not valid"):
        TapInstantly(parse_env_config=True)


@pytest.mark.parametrize(("value", "expected"), [("True", True), ("1", True), ("no", False), ("off", False)])
def test_booleans_have_several_spellings_in_variables(
    monkeypatch: pytest.MonkeyPatch, value: str, *, expected: bool
) -> None:
    monkeypatch.setenv("TAP_INSTANTLY_API_KEY", "k")
    monkeypatch.setenv("TAP_INSTANTLY_STRICT", value)
    assert TapInstantly(parse_env_config=True).config["strict"] is expected


def test_unknown_tap_variables_are_logged_without_their_values(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TAP_INSTANTLY_API_KEY", "k")
    for name in ("PAGE_SISE", "page_size", "COLOUR", "_SELECT", "STREAM_MAP_CONFIG_SALT"):
        monkeypatch.setenv(f"TAP_INSTANTLY_{name}", str(SECRET))
    monkeypatch.setenv("TAP_INSTANTLY_LOGLEVEL", "INFO")
    TapInstantly(parse_env_config=True)
    said = [record.getMessage() for record in caplog.records if "environment variable" in record.getMessage()]
    assert said == [
        "environment variable TAP_INSTANTLY_COLOUR is not a setting",
        "environment variable TAP_INSTANTLY_PAGE_SISE is not a setting: did you mean 'TAP_INSTANTLY_PAGE_SIZE'?",
        "environment variable TAP_INSTANTLY_page_size is not a setting: did you mean 'TAP_INSTANTLY_PAGE_SIZE'?",
    ]
    assert str(SECRET) not in caplog.text


def test_variables_are_ignored_when_settings_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TAP_INSTANTLY_PAGE_SISE", "1")
    TapInstantly(config={"api_key": "k"})
    assert "PAGE_SISE" not in caplog.text


def test_every_setting_has_a_title_and_a_description() -> None:
    for name, setting in SETTINGS["properties"].items():
        assert setting["title"], name
        assert setting["description"], name
    assert SETTINGS["properties"]["api_key"]["secret"] is True


def test_example_environment_has_every_setting() -> None:
    example = Path(".env.example").read_text(encoding="utf-8")
    assert all(f"TAP_INSTANTLY_{name.upper()}=" in example for name in SETTINGS["properties"])
