from __future__ import annotations

import pytest

from tools import wording

LONG = " ".join(["word"] * 31)


def messages(text: str) -> list[tuple[int, str]]:
    return [(found.line, found.message) for found in wording.in_document(text, "page.md")]


@pytest.mark.parametrize(
    "text",
    [f"Short. {LONG}.", f"- first\n- {LONG}", f"| a | {LONG} |", "one line\n" + "\n".join(["word"] * 31)],
    ids=["paragraph", "list", "cell", "wrapped"],
)
def test_sentences_over_thirty_words_are_found(text: str) -> None:
    ((_, message),) = messages(text)
    assert message.startswith("a sentence of 3")


@pytest.mark.parametrize(
    "text",
    [
        f"```sh\n{LONG}\n```",
        f"<!-- made -->\n{LONG}\n<!-- /made -->",
        f"`{LONG}`",
        f"[text]({LONG.replace(' ', '-')})",
        f"{LONG[:74]}. {LONG[:74]}.",
    ],
    ids=["block", "generated", "code", "link", "two sentences"],
)
def test_code_and_generated_tables_are_not_counted(text: str) -> None:
    assert messages(text) == []


def test_unclear_words_are_reported_with_line_and_replacement() -> None:
    found = messages("Read.\n\n```sh\nanew\n```\n\nRead anew\nIn the place of a list.\n")
    assert [line for line, _ in found] == [7, 7]
    assert [message for _, message in found] == ["'anew': write again", "'In the place of': write instead of"]


def test_words_that_readers_know_are_not_private() -> None:
    assert messages("A value is told apart by its key.") == []
    assert [message[:9] for _, message in messages("The value is told.")] == ["'is told'"]


def test_docstrings_and_comments_in_python_are_checked() -> None:
    text = f'''"""How it works.

    Args:
        x: Whether it works.
    """
x = 1  # why
# Fine
# what continues a comment
x = "anew"
# {LONG}
"""However."""
y = 2  # where it is
# Read it
# anew.
'''
    assert [(found.line, found.message[:16]) for found in wording.in_python(text, "x.py")] == [
        (1, "opens with 'How'"),
        (4, "opens with 'Whet"),
        (6, "opens with 'why'"),
        (10, "a sentence of 31"),
        (12, "opens with 'wher"),
        (13, "'anew': write ag"),
    ]


def test_names_of_tests_over_twelve_words_are_found() -> None:
    short, long = "test_" + "_".join("abcdefghijkl"), "test_" + "_".join("abcdefghijklm")
    text = "".join(f"def {name}(): ...\n" for name in (short, long, long.removeprefix("test_")))
    assert wording.long_tests(text) == [long]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("x.sql", "select 1\n-- What it is\n"),
        ("x.sql", "select 1\n{#- Read anew. -#}\n"),
        ("x.sql", "select '#'\nselect 2 -- where it is\n"),
        ("x.yml", "a: 1\nb: 2 # whether it is\n"),
        ("x.yml", "a: '#what'\n- {name: b, description: 'Whether it is.'}\n"),
        ("x.yml", f"description: >\n  {LONG[:74]}\n  {LONG[75:]}\nb: 2\n"),
        ("Makefile", "all:\n## How it works\n"),
    ],
)
def test_comments_and_descriptions_elsewhere_are_checked(path: str, text: str) -> None:
    assert [found.line for found in wording.in_lines(text, path)] == [2]
