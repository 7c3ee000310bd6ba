"""Both settings: invalid values are refused, and no mistake leaves data in clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.tap import TapInstantly
from tests.personal.conftest import SALT
from tests.support import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING = "setting 'personal_data_salt' is missing: personal_data '{}' needs it"
SHORT = "setting 'personal_data_salt' is not valid: it must have at least 16 characters"
UNREAD = "environment variable TAP_INSTANTLY_PERSONAL_DATA differs from the setting 'personal_data', which is 'keep'"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"personal_data": "hash"}, MISSING.format("hash")),
        ({"personal_data": "drop"}, MISSING.format("drop")),
        ({"personal_data": "drop", "personal_data_salt": None}, MISSING.format("drop")),
        ({"personal_data": "hash", "personal_data_salt": ""}, SHORT),
        ({"personal_data": "hash", "personal_data_salt": "only-this-short"}, SHORT),
        ({"personal_data": "hash", "personal_data_salt": " " * 40}, SHORT),
        (
            {"personal_data": "hash", "personal_data_salt": 123456789012345678},
            "setting 'personal_data_salt' is not valid",
        ),
        ({"personal_data": "Hash", "personal_data_salt": SALT}, "setting 'personal_data' is not valid: 'Hash' is not"),
        ({"personal_data": ""}, "setting 'personal_data' is not valid: '' is not one of"),
        ({"personal_data": None}, "setting 'personal_data' is not valid: None is not one of"),
        ({"personal_data": True}, "setting 'personal_data' is not valid"),
        ({"personaldata": "hash"}, "unknown setting 'personaldata': did you mean 'personal_data'?"),
    ],
)
def test_ineffective_personal_data_settings_are_refused_in_one_line(settings: dict[str, Any], message: str) -> None:
    said = refusal(api_key="k", **settings)
    assert said.startswith(message)
    assert "1234567890" not in said
    assert "only-this" not in said


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PERSONAL_DATA", "hash", UNREAD),
        ("PERSONAL_DATA", "", UNREAD),
        ("PERSONAL_DTA", "hash", "environment variable TAP_INSTANTLY_PERSONAL_DTA is not a setting: did you mean"),
        ("PERSONAL-DATA", "hash", "environment variable TAP_INSTANTLY_PERSONAL-DATA is not a setting: did you mean"),
        ("PERSONALDATA", "hash", "environment variable TAP_INSTANTLY_PERSONALDATA is not a setting: did you mean"),
    ],
)
def test_a_variable_that_has_no_effect_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"TAP_INSTANTLY_{variable}", value)
    assert message in refusal(api_key="k")


def test_environment_variable_with_the_same_value_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_INSTANTLY_PERSONAL_DATA", "hash")
    TapInstantly(config={"api_key": "k", "personal_data": "hash", "personal_data_salt": SALT})


def test_salt_without_effect_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    TapInstantly(config={"api_key": "k", "personal_data_salt": SALT})
    assert "personal_data_salt has no effect, because personal_data is 'keep': all data is in clear." in caplog.messages
    assert SALT not in caplog.text


@pytest.mark.parametrize(("choice", "code"), [("hash", 1), ("hsah", 2)])
def test_no_log_has_the_salt(debug_tap: Callable[..., Any], choice: str, code: int) -> None:
    url = "http://127.0.0.1:9/api/v2"
    done = debug_tap(api_key="k" * 20, api_url=url, personal_data=choice, personal_data_salt=SALT)
    assert done.returncode == code
    assert SALT not in done.stdout + done.stderr


def test_description_of_the_tap_has_no_salt(debug_tap: Callable[..., Any]) -> None:
    about = debug_tap("--about", "--format=json", api_key="k" * 20, personal_data="hash", personal_data_salt=SALT)
    assert about.returncode == 0
    assert SALT not in about.stdout + about.stderr
