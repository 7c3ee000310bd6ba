from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]

LEAKS = {
    "print": "print(KEY)",
    "standard_error": "import sys; print(KEY, file=sys.stderr)",
    "log": "import logging; logging.getLogger('x').warning('with %s', KEY)",
    "base64": "import base64; print(base64.b64encode(b'user:' + KEY.encode()).decode())",
    "process": "import subprocess, sys; subprocess.run([sys.executable, '-c', f'print({KEY!r})'], stdout=-1)",
    "file": "(tmp_path / 'state.json').write_text(KEY)",
}
ALLOWED = {"config": "(tmp_path / 'config.json').write_text(KEY)", "nothing": "print('done')"}


def test_tests_that_write_a_key_fail_except_in_config_files(pytester: pytest.Pytester) -> None:
    tests = [f"def test_{name}(tmp_path):\n    {line}\n" for name, line in {**LEAKS, **ALLOWED}.items()]
    pytester.makepyfile("KEY = 'sandbox-' + 'key-everything'\n" + "".join(tests))
    run = pytester.runpytest_subprocess("-p", "tests.leaks", "-p", "no:cacheprovider", "-rfE")
    failed = {found[1] for line in run.outlines if (found := re.match(r"(?:FAILED|ERROR) .*::test_(\w+)", line))}
    assert failed == LEAKS.keys()
