"""The authorities whose certificates are trusted, as the environment names them."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path

from tap_instantly.api.errors import InstantlyError

FOLDERS = "SSL_CERT_DIR"
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", FOLDERS)
"""The first that is set and not empty counts: those of requests and curl, then those of OpenSSL."""


def authorities() -> str | None:
    """Find the file or folder of certificates, or several folders as OpenSSL separates them; None for those of certifi.

    Raises:
        InstantlyError: What a variable names cannot be used.
    """
    for variable in VARIABLES:
        if path := os.environ.get(variable):
            if why := _why_not(path, folders=variable == FOLDERS):
                wanted = "a folder of certificates" if variable == FOLDERS else "a file of certificates in PEM"
                message = f"{variable} is {path!r}, which {why}: name {wanted} there, or unset it"
                raise InstantlyError(message)
            return path
    return None


@lru_cache(maxsize=8)
def _why_not(path: str, *, folders: bool) -> str | None:
    """Return why no certificates can be had from there; None if they can, or are looked up one by one in a folder."""
    if folders:
        return None if any(map(os.path.isdir, path.split(os.pathsep))) else "is no folder that there is"
    if not Path(path).exists():
        return "does not exist"
    if Path(path).is_dir():
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "holds no certificates"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None
