"""Certificate authorities, as the environment names them."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path

from tap_instantly.client.errors import InstantlyError

FOLDERS = "SSL_CERT_DIR"
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", FOLDERS)
"""The first variable that is set and not empty counts. The first two belong to requests and curl, the others to
OpenSSL."""


def authorities() -> str | None:
    """Find the file or directories of trusted certificates; None selects certifi's.

    Several directories are separated as OpenSSL expects.

    Raises:
        InstantlyError: A variable names an unusable path.
    """
    for variable in VARIABLES:
        if path := os.environ.get(variable):
            if why := _why_not(path, folders=variable == FOLDERS):
                wanted = "a folder of certificates" if variable == FOLDERS else "a file of certificates in PEM"
                message = f"{variable} is {path!r}, which {why}. Set it to {wanted}, or unset it."
                raise InstantlyError(message)
            return path
    return None


@lru_cache(maxsize=8)
def _why_not(path: str, *, folders: bool) -> str | None:
    """Explain why a path holds no certificates; None if it does, or is a directory, which OpenSSL searches later."""
    if folders:
        return None if any(map(os.path.isdir, path.split(os.pathsep))) else "is not an existing folder"
    if not Path(path).exists():
        return "does not exist"
    if Path(path).is_dir():
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "contains no certificates"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None
