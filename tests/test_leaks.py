from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

KEY = "sandbox-" + "key-everything"

LEAKS = {
    "a print": "print(KEY)",
    "standard error": "import sys; print(KEY, file=sys.stderr)",
    "a log": "import logging; logging.getLogger('x').warning('with %s', KEY)",
    "base64": "import base64; print(base64.b64encode(b'user:' + KEY.encode()).decode())",
    "a process": "import subprocess, sys; subprocess.run([sys.executable, '-c', f'print({KEY!r})'], stdout=-1)",
    "a file": "(tmp_path / 'state.json').write_text(KEY)",
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_test_that_writes_a_key_fails(pytester: pytest.Pytester, leak: str) -> None:
    pytester.makepyfile(f"KEY = 'sandbox-' + 'key-everything'\ndef test_it(tmp_path):\n    {leak}\n")
    run = pytester.runpytest_subprocess("-p", "tests.leaks", "-p", "no:cacheprovider")
    assert run.ret == pytest.ExitCode.TESTS_FAILED


def test_one_that_gives_a_key_in_a_config_file_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"def test_it(tmp_path):\n    (tmp_path / 'config.json').write_text({KEY!r})\n    print('done')\n"
    )
    run = pytester.runpytest_subprocess("-p", "tests.leaks", "-p", "no:cacheprovider")
    assert run.ret == pytest.ExitCode.OK
