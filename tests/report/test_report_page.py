"""The page: self-contained, accessible, and unharmed by hostile text."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from harnessgym_mcp.report.charts import charts
from harnessgym_mcp.report.model import ReportModel
from harnessgym_mcp.report.page import html, standalone

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Reader(HTMLParser):
    """Collects tags and attributes; complains where tags do not close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_every_shape_of_report_makes_a_well_formed_page(model: ReportModel) -> None:
    reader = read(html(model))
    assert reader.tags.count("h1") == 1
    assert model.verdict[1:] in " ".join(reader.text)


def test_the_page_needs_no_network_and_runs_no_script(model: ReportModel) -> None:
    page = html(model)
    reader = read(page)
    assert not {"script", "link", "iframe", "img", "object", "embed", "form"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in ("src", "href")]
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import", page)


def test_ids_are_unique_and_every_label_points_at_one(model: ReportModel) -> None:
    reader = read(html(model))
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    pointed = [i for name, value in reader.attributes if name == "aria-labelledby" for i in (value or "").split()]
    assert set(pointed) <= set(ids)


def test_every_chart_is_an_image_with_a_title_and_a_description(model: ReportModel) -> None:
    for chart in charts(model):
        root = ElementTree.fromstring(chart.svg)
        assert root.get("role") == "img"
        assert root.findtext(f"{SVG}title")
        assert root.findtext(f"{SVG}desc")


def test_every_section_with_a_chart_has_a_table_with_its_numbers(model: ReportModel) -> None:
    for section in html(model).split("<h2>")[1:]:
        assert "<figure" not in section or "<table" in section


def test_nothing_is_drawn_outside_its_picture(model: ReportModel) -> None:
    for chart in charts(model):
        root = ElementTree.fromstring(chart.svg)
        width, height = (float(v) for v in root.get("viewBox", "").split()[2:])
        for line in root.iter(f"{SVG}line"):
            assert min(float(line.get("x1", 0)), float(line.get("x2", 0))) >= 0
            assert max(float(line.get("x1", 0)), float(line.get("x2", 0))) <= width
            assert 0 <= float(line.get("y1", 0)) <= height
            assert 0 <= float(line.get("y2", 0)) <= height
        for text in root.iter(f"{SVG}text"):
            assert 0 <= float(text.get("y", 0)) <= height


def test_light_dark_and_print_have_their_styles(make) -> None:
    page = html(make())
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    used = set(re.findall(r"var\((--[a-z-]+)\)", page))
    assert used <= set(re.findall(r"(--[a-z-]+):", page))


def test_hostile_text_stays_text(hostile: ReportModel) -> None:
    page = html(hostile)
    reader = read(page)
    assert "script" not in reader.tags
    assert "img" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert "1337" not in page
    assert "alert(1)" in page
    assert not set(page) & {"\x00", "\x1b", "\u202e"}


def test_hostile_tool_names_leave_the_charts_well_formed(hostile: ReportModel) -> None:
    for chart in charts(hostile):
        root = ElementTree.fromstring(chart.svg)
        assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
            "svg",
            "title",
            "desc",
            "line",
            "rect",
            "polyline",
            "text",
            "path",
        }


def test_leaks_the_audit_and_its_absence_are_told(make) -> None:
    assert "not searched for leaked answers" in html(make())
    assert "nothing found" in html(make(leaks=[]))


@pytest.mark.parametrize("kind", ["effects", "pairs", "strips", "rates", "curves", "tools", "cost"])
def test_every_kind_of_chart_can_stand_alone_as_a_file(make, kind: str) -> None:
    chart = next(c for c in charts(make(threshold=105.0)) if c.key == kind)
    root = ElementTree.fromstring(standalone(chart))
    assert root.find(f"{SVG}style") is not None
