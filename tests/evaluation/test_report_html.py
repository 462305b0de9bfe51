"""index.html: whole in itself, all data in it, and nothing in a name is taken for HTML."""

import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluation.report_samples import MODELS, NASTY, keep_pictures, sample

from retouch.evaluation.report.html import page
from retouch.evaluation.report.values import cleaned


class Reader(HTMLParser):
    """What a browser would see: the tags, and the text of each script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.ids = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.ids.append(dict(attributes).get("id"))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script":
            self.scripts[-1] += data


def data(text):
    return json.loads(Reader(text).scripts[0])


@pytest.fixture
def text():
    return page(cleaned(sample()))


def test_nothing_comes_from_elsewhere(text):
    assert not re.search(r"https?:|//[a-z]|@import|\bfetch\(|XMLHttp|<link", text)
    assert "{{" not in text


def test_every_element_the_scripts_ask_for_is_there(text):
    reader = Reader(text)
    wanted = set(re.findall(r'(?:byId|getElementById)\("([\w-]+)"\)', reader.scripts[1]))
    assert wanted
    assert wanted <= set(reader.ids)
    ids = [each for each in reader.ids if each]
    assert len(ids) == len(set(ids))


def test_data_hold_each_pair_with_its_fills(text):
    read = data(text)
    assert len(read["pairs"]) == 6
    assert read["models"] == MODELS
    first, second = read["pairs"][:2]
    assert (first["photo"], first["masks"], first["hole"]) == ("one", "center", 0.25)
    labels = [metric["label"] for metric in read["metrics"]]
    at = labels.index("L1 %, hole")
    assert [fill["values"][at] for fill in first["fills"]] == [0.0, 1.0, None]
    assert [fill["values"][at] for fill in second["fills"]] == [3.0, None, 5.0]
    assert second["fills"][2]["changed"] == 7
    assert [metric["inRows"] for metric in read["metrics"]] == [True, True, False, False]
    assert read["failures"][0]["error"] == "The fill <i>is</i> 3 × 3 pixels."


def test_summary_holds_means_best_and_intervals(text):
    entry = next(
        each for each in data(text)["summary"] if each["masks"] == "strokes" and each["model"] == "other"
    )
    assert entry["means"][:2] == [15.0, 21.0]
    assert entry["best"][:2] == [False, True]
    assert entry["differences"][0] == [2.0, 2.0, 2.0, 0, 3]
    assert entry["differences"][3] is None


def test_addresses_lead_to_the_pictures(tmp_path):
    result = sample()
    keep_pictures(result, tmp_path)
    pairs = data(page(cleaned(result)))["pairs"]
    assert {pair["photo"] for pair in pairs} == {"one", "two", NASTY}
    for pair in pairs:
        for address in (pair["truth"], pair["mask"], pair["fills"][0]["picture"]):
            assert re.fullmatch(r"pictures/[\w%./~-]+", address, re.ASCII)
            assert (tmp_path / unquote(address)).is_file()


def test_what_is_missing_is_said():
    assert data(page(cleaned(sample() | {"notes": ["Too few <photos>."]})))["notes"] == ["Too few <photos>."]
    assert data(page(cleaned(sample())))["notes"] == []


def test_a_pair_that_nobody_could_score_is_no_strip():
    result = sample()
    for row in result["rows"][:3]:
        row.update(metrics={}, error="unreadable")
    read = data(page(cleaned(result)))
    assert len(read["pairs"]) == 5
    assert {"photo": "one", "masks": "center", "error": "unreadable", "models": MODELS} in read["failures"]


@given(st.text())
def test_no_name_adds_an_element(name):
    plain = Reader(page(cleaned(sample())))
    result = sample()
    result.update(data=name, command=name)
    for row in result["rows"]:
        row["photo"] = name if row["photo"] == "one" else row["photo"]
        row["error"] = row["error"] and name
    reader = Reader(page(cleaned(result)))
    assert reader.tags == plain.tags
    assert json.loads(reader.scripts[0])["command"] == name
