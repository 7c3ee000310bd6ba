"""Database URLs that fail to open, with passwords that must not appear anywhere."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import examples
from tests.transform.writing import ROOT, python, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Command = Callable[[list[str]], tuple[object, str]]

SECRET = "Opensesame"  # noqa: S105 (of nobody)
DIGITS = "70317"
"""A second password, which could be a port."""

ADDRESSES = [
    "postgresql://ida:{}@127.0.0.1:9/warehouse",
    "postgres://ida:{}@127.0.0.1:9/warehouse",
    "postgresql+psycopg://ida:{}@127.0.0.1:9/warehouse",
    "postgresql+psycopg2://ida:{}@127.0.0.1:9/warehouse?sslmode=disable",
    "postgresql+psycopg://ida@/warehouse?host=/nowhere&password={}",
    "postgresql://ida:a@{}@127.0.0.1:9/warehouse",
    "postgresql://ida:a@{}@127.0.0.1:9/warehouse?application_name=odd",
    "postgresql://ida:a/{}@127.0.0.1:9/warehouse",
    "postgresql://ida:%{}@127.0.0.1:9/warehouse",
    "postgresql://ida:a@b/{}@127.0.0.1:9/warehouse",
    "postgresql://ida@127.0.0.1:9/warehouse?password={}&sslmode=odd",
    "mysql://ida:{}@127.0.0.1:9/warehouse",
    "host=127.0.0.1 port=9 user=ida password={}",
    "postgresql://ida:open {}@127.0.0.1:9/warehouse",
    "postgresql:// ida:{}@127.0.0.1:9/warehouse",
    "postgresql://ida:{}%00@127.0.0.1:9/warehouse",
    "postgresql:/ida:{}@127.0.0.1:9/warehouse",
    "postgresql//ida/{}/" + "warehouse" * 50,
    "postgresql://ida:{}",
    "postgresql://127.0.0.1:9/{}",
    "postgresql://ida:\udcff{}@127.0.0.1:9/warehouse",
]

PROGRAM = """
import contextlib, io, json, sys
import psycopg
from psycopg.conninfo import conninfo_to_dict
from report.__main__ import main

def connect(address, **options):
    parts = {name: value for name, value in conninfo_to_dict(address).items() if name != "password"}
    said = ' and '.join(f'{name} "{value}"' for name, value in parts.items())
    raise psycopg.OperationalError(f"connection with {said} failed: FATAL: {parts.get('port')} and {parts.get('host')}")

psycopg.connect = connect
for line in sys.stdin:
    written = io.StringIO()
    with contextlib.redirect_stderr(written), contextlib.redirect_stdout(written):
        try:
            code = main(json.loads(line))
        except SystemExit as end:
            code = end.code
        except BaseException as error:
            code = repr(error)
    print(json.dumps([code, written.getvalue()]), flush=True)
"""
"""Writes the report for each list of arguments, without a connection. Its fake driver quotes every part of the address
except the password, more than libpq itself quotes."""


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with subprocess.Popen(
        [python(".venv-report"), "-c", PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def run(arguments: list[str]) -> tuple[object, str]:
            stdin.write(json.dumps(arguments) + "\n")
            stdin.flush()
            code, written = json.loads(stdout.readline())
            return code, written

        yield run
        stdin.close()


@pytest.mark.parametrize("address", ADDRESSES)
def test_unopenable_address_does_not_leak_its_password(address: str) -> None:
    # argparse also quotes the value of an unknown option.
    option = "--databse" if address == ADDRESSES[5] else "--database"
    done = report(option, address.format(SECRET))
    assert done.returncode in (1, 2)
    assert SECRET not in done.stdout + done.stderr
    assert done.stderr.splitlines()[-1].startswith(("report: ", "python -m report: error: "))
    assert "Traceback" not in done.stderr
    if address == ADDRESSES[0]:
        assert 'connection to server at "{host}", port {port} failed: ' in done.stderr


SIGNS = [*":/@?=&# %,;'\"[]\\\t\n", "//", "%00", "%20", "%4", "://", "--", "password=", "é", "\udcff", "x", "9"]


@st.composite
def malformed(draw: st.DrawFn, password: str) -> str:
    """Generate addresses with characters added, left out or replaced; the password remains."""
    before, after = draw(st.sampled_from(ADDRESSES)).split("{}")
    pieces = [*before, password, *after]
    for _ in range(draw(st.integers(0, 5))):
        place = draw(st.integers(0, len(pieces) - 1))
        if draw(st.booleans()):
            pieces.insert(place, draw(st.sampled_from(SIGNS)))
        elif pieces[place] != password:
            pieces[place] = draw(st.sampled_from(["", *SIGNS]))
    return "".join(pieces)


PLACES: list[Callable[[str], list[str]]] = [
    lambda address: ["--database", address],
    lambda address: [f"--database={address}"],
    lambda address: ["--database", *address.split()],  # as a shell splits without quotes
    lambda address: ["--databse", address],
    lambda address: [f"--d={address}"],
    lambda address: [f"--help={address}"],
    lambda address: ["--days", address],
    lambda address: ["--period", address],
    lambda address: [f"--overview={address}", "--workspace", address],
    lambda address: [address],
]


@examples(500)
@given(data=st.data(), password=st.sampled_from([SECRET, DIGITS]), place=st.sampled_from(PLACES))
def test_malformed_address_anywhere_does_not_leak_its_password(
    command: Command, data: st.DataObject, password: str, place: Callable[[str], list[str]]
) -> None:
    code, written = command(place(data.draw(malformed(password))))
    assert code in (1, 2), written
    assert password not in written
    assert len(written.splitlines()[-1]) > len("report: ")
