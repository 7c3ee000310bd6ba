"""How dbt-snowflake would log in with the package's own profile; a program of its environment.

    python login.py FOLDER

Writes the arguments for the connector as JSON, of a key only how many bytes it has.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace

from dbt.config.runtime import load_profile
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context


def main(folder: str) -> None:
    """Write them down."""
    set_invocation_context(os.environ)
    set_from_args(Namespace(PROFILES_DIR=folder, PROJECT_DIR=folder), None)
    profile = load_profile(folder, {}, None, "snowflake")
    arguments = {"database": profile.credentials.database, "role": profile.credentials.role}
    arguments |= profile.credentials.auth_args()
    sys.stdout.write(json.dumps(arguments, default=len))


if __name__ == "__main__":
    main(sys.argv[1])
