"""Print dbt-snowflake's login with the package's profile; runs in its environment.

    python login.py FOLDER

Writes the connector's arguments as JSON; of a key, only the number of its bytes.
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
    """Print the arguments."""
    set_invocation_context(os.environ)
    set_from_args(Namespace(PROFILES_DIR=folder, PROJECT_DIR=folder), None)
    profile = load_profile(folder, {}, None, "snowflake")
    arguments = {"database": profile.credentials.database, "role": profile.credentials.role}
    arguments |= profile.credentials.auth_args()
    sys.stdout.write(json.dumps(arguments, default=len))


if __name__ == "__main__":
    main(sys.argv[1])
