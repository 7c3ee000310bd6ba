"""Checks the wording of documents, docstrings, comments and descriptions; run by `make lint`.

No sentence has over 30 words, and none has a word of `PRIVATE`, which readers had to translate. No docstring, comment
or description opens with What, Whether, How, Where, Why, When or Who. No new test has a name of over 12 words.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ALLOWED = ROOT / "tools" / "wording_allowed.txt"
"""Files and folders that are not checked yet, one a line. The list only shrinks."""

KINDS = ("*.md", "*.py", "*.sql", "*.yml", "Makefile")
MOST_WORDS = 30

MOST_WORDS_OF_A_TEST = 12
LONG_TESTS = 0
"""Number of tests that may have a longer name."""

PRIVATE = {
    r"anew": "again",
    r"as (it|they) comes?": "with its defaults",
    r"(be|is|are|was) told(?! apart)": "receives, learns",
    r"but for": "except",
    r"by way of": "through",
    r"for good": "permanently",
    r"given up": "abandoned",
    r"goes? on from": "resumes from",
    r"heed(s|ed)?": "honours",
    r"in the place of": "instead of",
    r"is no (JSON|list|object|text|number|timestamp|integer)": "is not a ...",
    r"lies? in": "is in",
    r"may not": "must not, or might not",
    r"need not": "does not need to",
    r"of (which|whom|those that)": "(split the sentence)",
    r"on (their|its) own": "separately",
    r"shall": "will, should",
    r"so (it|they) (is|are|do|does)": "(repeat the verb)",
    r"such (a one|ones?)": "(repeat the noun)",
    r"takes? for|taken for": "treats as",
    r"tells? of|told of": "reports",
    r"that there (is|are)": "(leave it out)",
    r"what (is|are|has|have) (to be|no|none|not)": "(name the thing)",
    r"whence|lest|upon": "(plain word)",
    r"whoever|whomever": "anyone who",
}
"""Regular expressions of old words, each with a plainer one."""

_PRIVATE = re.compile("|".join(rf"\b(?:{words})\b" for words in PRIVATE), re.IGNORECASE)
_OPENER = re.compile(
    r"(?:\A\s*|^ +\*{0,2}\w+: )(?P<word>what|whether|how|where|why|when|who|whatever|whoever)\b(?!')",
    re.IGNORECASE | re.MULTILINE,
)
_COMMENT = {
    ".yml": re.compile(r"^(|.*\s)#\s(.*)"),
    ".sql": re.compile(r"^(.*)(?:--\s|\{#-?)(.*?)(?:-?#\})?$"),
    "": re.compile(r"^()##?\s(.*)"),
}
"""Comments by the suffix of a file, with the text before them; a Makefile has no suffix."""

_DESCRIPTION = re.compile(
    r"""^(?P<indent>\ *)\S?.*?\bdescription:\ *
    (?:[>|]-?(?P<block>(?:\n(?P=indent)\ +\S.*)+)|(?P<quote>['"]?)(?P<line>[^'">|\s].*?)(?P=quote)(?:\}.*)?$)""",
    re.MULTILINE | re.VERBOSE,
)
_ENTRY = re.compile(r"^(\s*)(?=\*{0,2}\w+(?:, \*{0,2}\w+)*:(?: |$))", re.MULTILINE)
"""Start of a line of a docstring that explains an argument or an exception."""

_GENERATED = re.compile(r"<!-- (\w+) -->.*?<!-- /\1 -->", re.DOTALL)
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])[)*\"”]*\s+")


class Finding(NamedTuple):
    """A place to reword."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def in_document(text: str, path: str) -> Iterator[Finding]:
    """Find sentences that are too long, and private words, outside code and generated tables."""
    for line, block in _blocks(_blank(_GENERATED, text)):
        for sentence in _SENTENCE_ENDS.split(block):
            if (count := len(re.findall(r"[^\s|]*\w[^\s|]*", sentence))) > MOST_WORDS:
                yield Finding(path, line, f"a sentence of {count} words, at most {MOST_WORDS}: {sentence[:60]}...")
        for found in _PRIVATE.finditer(block):
            yield Finding(path, line, f"{found[0]!r}: write {_instead(found[0])}")


def in_python(text: str, path: str) -> Iterator[Finding]:
    """Find what is to reword in docstrings and comments."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from _in_remark(node.value.value, path, node.lineno)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [(token.start, token.string, token.line) for token in tokens if token.type == tokenize.COMMENT]
    yield from _in_comments(((line, mark, not before[:at].strip()) for (line, at), mark, before in comments), path)


def in_lines(text: str, path: str) -> Iterator[Finding]:
    """Find what is to reword in comments of YAML, SQL and Makefiles, and in descriptions of YAML."""
    mark = _COMMENT[Path(path).suffix]
    found = [(number, mark.search(line)) for number, line in enumerate(text.splitlines(), start=1)]
    yield from _in_comments(((number, at[2], not at[1].strip()) for number, at in found if at), path)
    for described in _DESCRIPTION.finditer(text):
        yield from _in_remark(described["line"] or described["block"], path, text.count("\n", 0, described.start()) + 1)


def _in_comments(comments: Iterable[tuple[int, str, bool]], path: str) -> Iterator[Finding]:
    """Join the lines of each comment; a comment behind code is one of its own."""
    blocks = list[tuple[int, list[str]]]()
    last = -1
    for line, text, alone in comments:
        if alone and last == line - 1:
            blocks[-1][1].append(text.lstrip("#- "))
        else:
            blocks.append((line, [text.lstrip("#- ")]))
        last = line if alone else -1
    for line, lines in blocks:
        yield from _in_remark("\n".join(lines), path, line)


def _in_remark(text: str, path: str, line: int) -> Iterator[Finding]:
    for found in _OPENER.finditer(text):
        at = line + text.count("\n", 0, found.start("word"))
        yield Finding(path, at, f"opens with {found['word']!r}: open with a verb or a noun")
    for finding in in_document(_ENTRY.sub(r"\1- ", text.replace("``", "`")), path):
        yield finding._replace(line=line + finding.line - 1)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Blank out matches but keep their line breaks, so that later line numbers stay right."""
    return pattern.sub(lambda found: "\n" * found[0].count("\n"), text)


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Split into paragraphs, list entries and table cells, each with its line number and without code."""
    text = _blank(re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE), text)
    text = re.sub(r"`[^`\n]*`", "code", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    start, lines = 0, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        alone = line.startswith(("|", "#"))
        if lines and (alone or not line.strip() or re.match(r"\s*([-*]|\d+\.) ", line)):
            yield start, " ".join(lines)
            lines = []
        if alone:
            yield from ((number, cell.strip()) for cell in line.split(" | "))
        elif line.strip():
            start = start if lines else number
            lines.append(line.strip())


def _instead(found: str) -> str:
    return next(plain for words, plain in PRIVATE.items() if re.fullmatch(words, found, re.IGNORECASE))


def allowed() -> list[str]:
    """Return the unchecked files and folders."""
    return ALLOWED.read_text(encoding="utf-8").split()


def find(paths: Iterable[str]) -> Iterator[Finding]:
    """Find the places to reword in files of the project."""
    for path in paths:
        text = (ROOT / path).read_text(encoding="utf-8")
        suffix = Path(path).suffix
        yield from (in_python if suffix == ".py" else in_document if suffix == ".md" else in_lines)(text, path)


def long_tests(text: str) -> list[str]:
    """Return the names of tests in a module that have too many words."""
    names = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    return [name for name in names if name.startswith("test_") and name.count("_") > MOST_WORDS_OF_A_TEST]


def tracked() -> list[str]:
    """List the project's documents and Python files, including untracked ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *KINDS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 (a constant)
    return sorted({name for name in done.stdout.splitlines() if (ROOT / name).exists()})


def main() -> int:
    """Print the places to reword, and the entries that the list no longer needs."""
    names, exempt = tracked(), allowed()
    findings = list(find(names))
    wanted = [finding for finding in findings if not finding.path.startswith(tuple(exempt))]
    print(*wanted, sep="\n", end="\n" if wanted else "")
    for entry in exempt:
        if not any(finding.path.startswith(entry) for finding in findings):
            print(f"{ALLOWED.relative_to(ROOT)}: {entry} has nothing to reword: take it out")
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in names if name.endswith(".py")]
    if (count := sum(len(long_tests(text)) for text in texts)) > LONG_TESTS:
        print(
            f"{count} names of tests have over {MOST_WORDS_OF_A_TEST} words, at most {LONG_TESTS}: shorten the new ones"
        )
    return 1 if wanted or count > LONG_TESTS else 0


if __name__ == "__main__":
    sys.exit(main())
