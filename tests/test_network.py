"""Recipients of the key, and the environment's influence on them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import pytest

from tap_instantly import InstantlyAPIError, InstantlyClient
from tests.listeners import Answer, answering, make_certificate, tls
from tests.test_secrets import KEY, told

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED = Answer(401, told("Invalid API key"))
VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its private key in one file."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.mark.parametrize("status", [302, 303, 308])
def test_redirect_does_not_send_the_key_to_another_host(debug_tap: Callable[..., Any], status: int) -> None:
    with answering(REFUSED) as other:
        away = Answer(status, "", {"Location": f"{other.url}/api/v2"})
        with answering(away) as server:
            run = debug_tap(api_key=KEY, api_url=f"{server.url}/api/v2")
    assert run.returncode == 1
    assert "redirects are not followed" in run.stderr
    assert {authorization for *_, authorization in server.requests} == {f"Bearer {KEY}"}
    assert other.requests == []


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "", "SSL_CERT_FILE": "", "SSL_CERT_DIR": ""},
        {"PYTHONHTTPSVERIFY": "0", "NODE_TLS_REJECT_UNAUTHORIZED": "0", "GIT_SSL_NO_VERIFY": "1"},
        {"CURL_CA_BUNDLE": "", "PYTHONHTTPSVERIFY": "0"},
    ],
    ids=lambda environment: " ".join(f"{name}={value}" for name, value in environment.items()) or "nothing set",
)
def test_no_variable_disables_certificate_verification(
    debug_tap: Callable[..., Any], certificate: Path, environment: dict[str, str]
) -> None:
    with answering(REFUSED, tls(certificate)) as server:
        run = debug_tap(api_key=KEY, api_url=server.url, environment=environment)
    assert run.returncode == 1
    assert "The server's certificate is not trusted" in run.stderr
    assert server.requests == []


BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables with trusted authorities; the first that is set counts."""


@pytest.mark.parametrize(
    ("variable", "value", "arguments"),
    [
        *((variable, "/no/such/file", ()) for variable in BUNDLES[:3]),
        *(("REQUESTS_CA_BUNDLE", value, ()) for value in ("False", "empty.pem")),
        ("SSL_CERT_FILE", "empty.pem", ("--test",)),
        *(("SSL_CERT_DIR", value, ()) for value in ("/no/such/folder:/nor/this", "empty.pem")),
    ],
)
def test_unusable_certificate_bundle_fails_in_one_line_without_a_request(
    debug_tap: Callable[..., Any], certificate: Path, variable: str, value: str, arguments: tuple[str, ...]
) -> None:
    if value == "empty.pem":
        value = str(certificate.with_name("empty.pem"))
        Path(value).write_text("no certificates in here", encoding="utf-8")
    with answering(REFUSED, tls(certificate)) as server:
        environment = trusting(**{variable: value})
        run = debug_tap(*arguments, api_key=KEY, api_url=server.url, environment=environment)
    assert run.returncode == 1
    (critical,) = [line for line in run.stderr.splitlines() if "| CRITICAL" in line]
    assert critical == run.stderr.splitlines()[-1]
    assert f"{variable} is '{value}', which " in critical
    assert "or unset it" in critical
    assert "Traceback" not in run.stderr
    assert '"type":"RECORD"' not in run.stdout
    assert server.requests == []


def test_plain_http_needs_no_certificates(debug_tap: Callable[..., Any]) -> None:
    with answering(REFUSED) as server:
        debug_tap(api_key=KEY, api_url=server.url, environment=trusting(SSL_CERT_FILE="/no/such/file"))
    assert server.requests


def trusting(**variables: str) -> dict[str, str]:
    """Return an environment without other variables for authorities."""
    return {**dict.fromkeys(BUNDLES, ""), **variables}


@pytest.fixture(scope="module")
def folder(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates in OpenSSL's format."""
    folder = tmp_path_factory.mktemp("authorities")
    shutil.copy(certificate.with_name("public.pem"), folder)
    subprocess.run(f"openssl rehash {folder}".split(), check=True, capture_output=True)
    return folder


def places(certificate: Path, folder: Path) -> dict[str, str]:
    """Return the forms of a value that names certificates; OpenSSL accepts several folders."""
    return {"file": str(certificate.with_name("public.pem")), "folder": str(folder), "folders": f"/no/such:{folder}"}


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        ("REQUESTS_CA_BUNDLE", "file"),
        ("REQUESTS_CA_BUNDLE", "folder"),
        ("CURL_CA_BUNDLE", "file"),
        ("SSL_CERT_FILE", "file"),
        ("SSL_CERT_DIR", "folder"),
        ("SSL_CERT_DIR", "folders"),
    ],
)
def test_private_certificate_is_trusted_if_the_environment_names_it(
    debug_tap: Callable[..., Any], certificate: Path, folder: Path, variable: str, place: str
) -> None:
    environment = trusting(**{variable: places(certificate, folder)[place]})
    with answering(REFUSED, tls(certificate)) as server:
        run = debug_tap(api_key=KEY, api_url=server.url, environment=environment)
    assert "answered 401" in run.stderr
    assert {authorization for *_, authorization in server.requests} == {f"Bearer {KEY}"}


@pytest.mark.parametrize("second", BUNDLES[1:])
def test_only_the_first_certificate_variable_counts(
    debug_tap: Callable[..., Any], certificate: Path, folder: Path, second: str
) -> None:
    own = str(folder if second == "SSL_CERT_DIR" else certificate.with_name("public.pem"))
    first = BUNDLES[BUNDLES.index(second) - 1]
    with answering(REFUSED, tls(certificate)) as server:
        environment = trusting(**{first: certifi.where(), second: own})
        run = debug_tap(api_key=KEY, api_url=server.url, environment=environment)
    assert "The server's certificate is not trusted" in run.stderr
    assert server.requests == []


def test_certificate_bundle_lost_in_mid_run_is_named(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Path(shutil.copy(certificate.with_name("public.pem"), tmp_path))
    for name, value in trusting(SSL_CERT_FILE=str(bundle)).items():
        monkeypatch.setenv(name, value)
    with (
        answering(REFUSED, tls(certificate)) as server,
        InstantlyClient(KEY, api_url=server.url, max_retries=0) as client,
    ):
        bundle.unlink()
        with pytest.raises(InstantlyAPIError, match=r"certificate not trusted.*public\.pem") as caught:
            client.get("/campaigns")
    assert "SSL_CERT_FILE" in caught.value.advice


def test_proxy_opens_a_tunnel_and_never_sees_the_key(debug_tap: Callable[..., Any]) -> None:
    with answering(Answer(502, "no")) as proxy:
        run = debug_tap(
            api_key=KEY, api_url="https://api.example/api/v2", environment=dict.fromkeys(VARIABLES, proxy.url)
        )
    assert run.returncode == 1
    assert {(method, path) for method, path, _ in proxy.requests} == {("CONNECT", "api.example:443")}
    assert {authorization for *_, authorization in proxy.requests} == {None}


def test_plain_http_bypasses_the_proxy(debug_tap: Callable[..., Any]) -> None:
    with answering(REFUSED) as proxy, answering(REFUSED) as server:
        debug_tap(api_key=KEY, api_url=server.url, environment=dict.fromkeys(VARIABLES, proxy.url))
    assert proxy.requests == []
    assert server.requests


def test_netrc_password_does_not_replace_the_key(debug_tap: Callable[..., Any], tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password other\ndefault login any password other\n", "utf-8")
    netrc.chmod(0o600)
    with answering(REFUSED) as server:
        debug_tap(api_key=KEY, api_url=server.url, environment={"NETRC": str(netrc)})
    assert {authorization for *_, authorization in server.requests} == {f"Bearer {KEY}"}
