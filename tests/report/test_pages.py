"""Pages of one workspace, of a client's month, and an agency's overview, over made-up marts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.scope import LONGEST_STEM, Scope, file_of, id_of
from tests.report import reading
from tests.report.made import LATER, MARKUP, NAMES, SILENT, fill, reported
from tests.report.seeing import assert_readable, look

if TYPE_CHECKING:
    from pathlib import Path

UNNAMED = "Unnamed workspace"
FILE = re.compile(rf"[a-z0-9-]{{1,{LONGEST_STEM}}}-[0-9a-f]{{12}}\.html")


class Pages:
    """Folders and pages written over the made-up marts, and results of commands that fail."""

    def __init__(self, folder: Path) -> None:
        database = fill(folder / "warehouse.duckdb", NAMES)
        self.folder = folder
        commands: dict[str, list[object]] = {
            "days": ["--overview", folder / "days" / "of all"],
            "months": ["--overview", folder / "months", "--period", "month", "--title", MARKUP],
            "all": ["--output", folder / "all.html"],
            "one": ["--output", folder / "one.html", "--workspace", "two"],
            "month": ["--output", folder / "new" / "month.html", "--workspace", MARKUP, "--period", "month"],
            "close": ["--workspace", "Harbro"],
            "far": ["--workspace", "postgresql://ida:Opensesame@acme.com/warehouse"],
            "alike": ["--workspace", "harbor"],
            "unchosen": ["--period", "month"],
            "empty": ["--workspace", LATER],
            "empty month": ["--workspace", LATER, "--period", "month"],
            "days of a month": ["--period", "month", "--days", "7"],
            "one of all": ["--overview", folder / "no", "--workspace", "Harbor"],
            "both": ["--overview", folder / "no", "--output", folder / "no.html"],
            "period": ["--period", "Opensesame"],
            "file": ["--overview", database],
        }
        self.results = dict(zip(commands, reported(database, *commands.values()), strict=True))

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return Pages(tmp_path_factory.mktemp("pages"))


class Links(HTMLParser):
    """The links of a page with their texts, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.tags: set[str] = set()
        self._address = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "a":
            self._address = dict(attrs)["href"] or ""

    def handle_data(self, data: str) -> None:
        if self._address:
            self.links.append((self._address, data))
            self._address = ""


@pytest.mark.parametrize("folder", ["days/of all", "months"])
def test_overview_links_to_a_page_of_each_workspace_whatever_its_name(pages: Pages, folder: str) -> None:
    index = Links(pages.read(f"{folder}/index.html"))
    assert sorted(text for _, text in index.links) == sorted(name or UNNAMED for name in NAMES.values())
    files = [file for file, _ in index.links]
    assert all(FILE.fullmatch(file) for file in files)
    assert {path.name for path in (pages.folder / folder).iterdir()} == {*files, "index.html"}
    assert len({file.casefold() for file in files}) == len(NAMES)
    for file, name in index.links:
        assert reading.read(pages.read(f"{folder}/{file}")).words["title"] == name


def test_overview_has_the_figures_of_each_page_and_names_who_has_none(pages: Pages) -> None:
    folder = "days/of all"
    index = reading.read(pages.read(f"{folder}/index.html"))
    files = {name: file for file, name in Links(pages.read(f"{folder}/index.html")).links}
    for number, (key, name) in enumerate(NAMES.items()):
        page = reading.read(pages.read(f"{folder}/{files[name or UNNAMED]}"))
        shown = {
            one.removeprefix(f"workspace.{key}."): value for one, value in index.figures.items() if f".{key}." in one
        }
        assert shown.pop("waiting") == page.figures.get("threads.waiting", ("", "\N{EN DASH}"))
        assert {one: page.figures[one] for one in shown} == shown
        assert shown["period.sent.now"] == (str(28 * (10 + number)), str(28 * (10 + number)))
        assert index.words[f"workspace.{key}.as_of"] == "14 Oct 2026"
        assert "within chance" in page.words.values()
    assert "within chance" not in index.words.values()
    assert index.words[f"workspace.{LATER}.name"] == "Later"
    assert "no figures yet" in index.rest
    assert f"workspace.{LATER}.waiting" not in index.figures
    code, out, _ = pages.results["days"]
    assert (code, out) == (
        0,
        f"{pages.folder / folder / 'index.html'}, with the pages of 8 workspaces; 1 more have no figures yet\n",
    )


def test_a_page_of_one_workspace_has_its_figures_alone(pages: Pages) -> None:
    one, every = (reading.read(pages.read(f"{name}.html")) for name in ("one", "all"))
    assert (one.words["title"], every.words["title"]) == ("HARBOR", "9 workspaces")
    assert one.figures["period.sent.now"] == ("308", "308")
    assert every.figures["period.sent.now"] == ("3024", "3,024")
    assert {name.split(".")[1] for name in one.words if name.startswith("thread.")} == {"two"}
    waiting = {name.removesuffix(".old.lead") for name in every.words if name.endswith(".old.lead")}
    assert waiting == {f"thread.{key}" for key in NAMES.keys() - {SILENT}}


def test_waiting_threads_are_positive_first_and_never_negative(pages: Pages) -> None:
    page = reading.read(pages.read("one.html"))
    found = {name: text for name, text in page.words.items() if name.endswith((".interest", ".since"))}
    assert list(found.items()) == [
        ("thread.two.hot.interest", "positive"),
        ("thread.two.hot.since", "14 Oct 2026, 09:30"),
        ("thread.two.away.interest", "neutral"),
        ("thread.two.away.since", "1 Oct 2026, 09:30"),
        ("thread.two.old.interest", "not marked"),
        ("thread.two.old.since", "1 Oct 2026, 09:30"),
    ]
    hours = {name: text for name, (_, text) in page.figures.items() if name.startswith("thread.")}
    assert list(hours.values()) == ["\N{EN DASH}", "2.0 h", "13.9 days"]
    assert page.figures["threads.waiting"] == ("3", "3")


def test_without_emails_the_page_says_how_threads_come(pages: Pages) -> None:
    file = file_of({"workspace_id": SILENT, "workspace_name": NAMES[SILENT]})
    html = pages.read(f"days/of all/{file}")
    told = "Select the stream <code>emails</code>, and add it to the variable <code>instantly__streams_on</code>"
    assert html.count(told) == 1
    page = reading.read(html)
    assert not any(name.startswith("thread") for name in page.figures | page.words)
    assert told not in pages.read("one.html")


def test_client_month_compares_the_last_two_whole_months(pages: Pages) -> None:
    page = reading.read(pages.read("new/month.html"))
    assert page.as_of == ("2026-09-30", "30 Sep 2026")
    assert (page.words["title"], page.words["month"]) == (MARKUP, "September 2026")
    texts = {name.removeprefix("month."): text for name, (_, text) in page.figures.items() if name.count(".") == 2}
    tiles = {name: text for name, text in texts.items() if not name.startswith("2026")}
    assert [(*key.split("."), text) for key, text in tiles.items()] == [
        (name, which, text)
        for name, *row in (
            ("meeting_booked", "5", "+25%", "4"),
            ("opportunity", "8", "\N{MINUS SIGN}20%", "10"),
            ("positive_reply_rate", "1.60%", "+0.60 pts", "1.00%"),
            ("sent", "500", "\N{MINUS SIGN}50%", "1,000"),
        )
        for which, text in zip(("now", "change", "before"), row, strict=True)
    ]
    assert texts["2026-08.median_hours_to_answer"] == "3.0 days"
    notes = {name: text for name, text in page.words.items() if name.endswith(".note")}
    assert notes == {
        "month.2026-10.note": "not whole, to 14 Oct 2026; meetings: at least",
        "month.2026-07.note": "meetings: at least",
    }


@pytest.mark.parametrize(
    "name", ["all.html", "one.html", "new/month.html", "months/index.html", "days/of all/index.html"]
)
def test_nothing_in_the_data_becomes_markup_and_no_page_loads_anything(pages: Pages, name: str) -> None:
    html = pages.read(name)
    assert "<script>alert" not in html
    assert "default-src 'none'" in html
    markup = re.sub(r"(?s)(<script[^>]*>).*?</script>", r"\1", html)
    addresses = re.findall(r"(?i)(?:src|href|action)=\"?([^\"> ]*)", markup)
    assert all(address == "data:," or FILE.fullmatch(address) for address in addresses)
    with_charts = name in {"all.html", "one.html"}
    assert ("script" in Links(html).tags) == ("script-src" in html) == with_charts


@pytest.mark.browser
@pytest.mark.parametrize("name", ["all.html", "new/month.html", "months/index.html"])
def test_no_page_is_wider_than_a_phone_or_paper_whatever_the_names(pages: Pages, name: str) -> None:
    page = pages.folder / name
    for view in look(page).values():
        assert_readable(view, page)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("close", 1, r"report: no workspace has the name that --workspace gives; did you mean 'Harbor'\?"),
        ("far", 1, "report: no workspace has the name that --workspace gives; there are .* and 4 more"),
        ("alike", 1, "report: 2 workspaces have the name .*: give an ID instead, of '.*', '.*'"),
        ("unchosen", 1, "report: choose a workspace with --workspace, or write all with --overview; .* and 4 more"),
        ("empty", 1, "report: the marts .* have no daily figures: .*"),
        ("empty month", 1, "report: the marts .* hold no month of the workspace yet; .*"),
        ("days of a month", 2, "report: --days does not go with --period month"),
        ("one of all", 2, "report: --workspace does not go with --overview, .*"),
        ("both", 2, ".*: error: argument --output: not allowed with argument --overview"),
        ("period", 2, ".*: error: argument --period: invalid choice"),
        ("file", 1, "report: .*File exists.*"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line(pages: Pages, command: str, code: int, said: str) -> None:
    found, out, errors = pages.results[command]
    assert (found, out) == (code, "")
    *usage, last = errors.splitlines()
    assert re.fullmatch(said, last), last
    assert not usage or usage[0].startswith("usage:")
    assert "Opensesame" not in errors


def test_options_that_do_not_fit_write_nothing(pages: Pages) -> None:
    assert not list(pages.folder.glob("no*"))


def test_a_workspace_without_an_id_is_not_taken_for_all_of_them() -> None:
    assert id_of({"workspace_id": None}) is not None


IDS = st.text(max_size=400)


@given(st.lists(st.tuples(IDS, IDS), unique_by=lambda pair: pair[0], min_size=2, max_size=5))
def test_files_are_safe_for_any_name_and_differ_by_id(rows: list[tuple[str, str]]) -> None:
    files = [file_of({"workspace_id": key, "workspace_name": name}) for key, name in rows]
    assert all(FILE.fullmatch(file) for file in files)
    assert len(set(files)) == len(rows)


@given(IDS)
def test_workspace_query_quotes_only_the_id(key: str) -> None:
    text = Scope('"a{b}".m', key).query("select 1 from {marts}.t join {marts}.u as v on {x}", x="'{y}'")
    one = "'{}'".format(key.replace("'", "''"))
    t, u = (f'(select * from "a{{b}}".m.{mart} where workspace_id = {one})' for mart in "tu")  # noqa: S608 (not run)
    assert text == f"select 1 from {t} as t join {u} as v on '{{y}}'"  # noqa: S608 (not run)
