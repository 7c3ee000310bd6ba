"""Recipients of the key, and the environment's influence on them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import pytest

from tap_instantly import ErrorKind, InstantlyAPIError, InstantlyClient, InstantlyError
from tests.listeners import Answer, Listener, answering, make_certificate, tls
from tests.test_secrets import KEY, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[..., InstantlyError]

REFUSED = Answer(401, told("Invalid API key"))
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables with trusted authorities; the first that is set counts."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its private key in one file."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def folder(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates in OpenSSL's format."""
    folder = tmp_path_factory.mktemp("authorities")
    shutil.copy(certificate.with_name("public.pem"), folder)
    subprocess.run(f"openssl rehash {folder}".split(), check=True, capture_output=True)
    return folder


@pytest.fixture
def secure(certificate: Path) -> Iterator[Listener]:
    """A server with that certificate, which refuses the key."""
    with answering(REFUSED, tls(certificate)) as server:
        yield server


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Send a request with exactly these variables; return its error."""

    def run(url: str, **environment: str) -> InstantlyError:
        for name in (*PROXIES, *BUNDLES, "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(InstantlyError) as caught, InstantlyClient(KEY, api_url=url, max_retries=0) as client:
            client.get("/campaigns")
        return caught.value

    return run


def keys_at(server: Listener) -> set[str | None]:
    return {authorization for *_, authorization in server.requests}


# Other hosts


@pytest.mark.parametrize("status", [302, 303, 308])
def test_redirect_does_not_send_the_key_to_another_host(ask: Ask, status: int) -> None:
    with answering(REFUSED) as other, answering(Answer(status, "", {"Location": f"{other.url}/api/v2"})) as server:
        assert "redirects are not followed" in str(ask(server.url))
    assert keys_at(server) == {f"Bearer {KEY}"}
    assert other.requests == []


def test_proxy_opens_a_tunnel_and_never_sees_the_key(ask: Ask) -> None:
    with answering(Answer(502, "no")) as proxy:
        ask("https://api.example/api/v2", **dict.fromkeys(PROXIES, proxy.url))
    assert {(method, path) for method, path, _ in proxy.requests} == {("CONNECT", "api.example:443")}
    assert keys_at(proxy) == {None}


def test_plain_http_needs_no_certificates_proxy_or_netrc(ask: Ask, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password other\ndefault login any password other\n", "utf-8")
    netrc.chmod(0o600)
    others = {"SSL_CERT_FILE": "/no/such/file", "NETRC": str(netrc)}
    with answering(REFUSED) as proxy, answering(REFUSED) as server:
        ask(server.url, **others, **dict.fromkeys(PROXIES, proxy.url))
    assert proxy.requests == []
    assert keys_at(server) == {f"Bearer {KEY}"}


# Certificates


def test_no_variable_disables_certificate_verification(debug_tap: Callable[..., Any], secure: Listener) -> None:
    off = {"PYTHONHTTPSVERIFY": "0", "NODE_TLS_REJECT_UNAUTHORIZED": "0", "GIT_SSL_NO_VERIFY": "1"}
    run = debug_tap(api_key=KEY, api_url=secure.url, environment={**dict.fromkeys(BUNDLES, ""), **off})
    assert run.returncode == 1
    assert "The server's certificate is not trusted" in run.stderr
    assert secure.requests == []


UNUSABLE = [
    *((variable, "/no/such/file") for variable in BUNDLES[:3]),
    *((variable, "empty.pem") for variable in BUNDLES),
    ("REQUESTS_CA_BUNDLE", "False"),
    ("SSL_CERT_DIR", "/no/such/folder:/nor/this"),
]


@pytest.fixture
def empty(certificate: Path) -> str:
    path = certificate.with_name("empty.pem")
    path.write_text("no certificates in here", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("variable", "value"), UNUSABLE)
def test_unusable_certificate_bundle_is_named_without_a_request(
    ask: Ask, secure: Listener, empty: str, variable: str, value: str
) -> None:
    value = empty if value == "empty.pem" else value
    said = str(ask(secure.url, **{variable: value}))
    assert said.startswith(f"{variable} is '{value}', which ")
    assert said.endswith(", or unset it.")
    assert "\n" not in said
    assert secure.requests == []


def test_unusable_certificate_bundle_ends_the_run_in_one_line(
    debug_tap: Callable[..., Any], secure: Listener, empty: str
) -> None:
    environment = {**dict.fromkeys(BUNDLES, ""), "SSL_CERT_FILE": empty}
    run = debug_tap("--test", api_key=KEY, api_url=secure.url, environment=environment)
    assert run.returncode == 1
    (critical,) = [line for line in run.stderr.splitlines() if "| CRITICAL" in line]
    assert critical == run.stderr.splitlines()[-1]
    assert f"SSL_CERT_FILE is '{empty}', which " in critical
    assert "Traceback" not in run.stderr
    assert '"type":"RECORD"' not in run.stdout


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
    ask: Ask, secure: Listener, certificate: Path, folder: Path, variable: str, place: str
) -> None:
    assert "answered 401" in str(ask(secure.url, **{variable: places(certificate, folder)[place]}))
    assert keys_at(secure) == {f"Bearer {KEY}"}


@pytest.mark.parametrize("second", BUNDLES[1:])
def test_only_the_first_certificate_variable_counts(
    ask: Ask, secure: Listener, certificate: Path, folder: Path, second: str
) -> None:
    own = places(certificate, folder)["folder" if second == "SSL_CERT_DIR" else "file"]
    first = BUNDLES[BUNDLES.index(second) - 1]
    error = ask(secure.url, **{first: certifi.where(), second: own})
    assert isinstance(error, InstantlyAPIError)
    assert error.kind is ErrorKind.TLS
    assert secure.requests == []


def test_certificate_bundle_lost_in_mid_run_is_named(
    secure: Listener, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Path(shutil.copy(certificate.with_name("public.pem"), tmp_path))
    for name, value in {**dict.fromkeys(BUNDLES, ""), "SSL_CERT_FILE": str(bundle)}.items():
        monkeypatch.setenv(name, value)
    with InstantlyClient(KEY, api_url=secure.url, max_retries=0) as client:
        bundle.unlink()
        with pytest.raises(InstantlyAPIError, match=r"certificate not trusted.*public\.pem") as caught:
            client.get("/campaigns")
    assert "SSL_CERT_FILE" in caught.value.advice
