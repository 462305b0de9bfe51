import json

import retouch
from retouch.models import ModelCard, Scores, Width
from retouch.native import search_in_use


def test_models_lists_every_name(run):
    done = run("models")
    assert done.code == 0
    assert all(card.name in done.out.decode() for card in retouch.list_models())


def test_verbose_says_how_patches_are_searched(run):
    said = run("models", "--verbose").out.decode().splitlines()[0]
    assert said == f"Patches are searched: {search_in_use()}."
    assert "searched" not in run("models").out.decode().splitlines()[0]


def test_json_is_a_list_of_rows(run):
    rows = json.loads(run("models", "--json").out)
    assert list(dict.fromkeys(row["name"] for row in rows)) == [card.name for card in retouch.list_models()]
    papers = {row["name"]: row for row in rows if row["width"] == "paper"}
    assert papers["pen-net"]["parameters"] == 10_231_538
    assert all(row["weights"] is None and row["scores"] is None for row in papers.values())
    assert all(list(row) == ["name", "paper", "width", "parameters", "weights", "scores"] for row in rows)


def test_a_trained_model_has_a_row_for_each_width(run, monkeypatch):
    widths = (
        Width("paper", 3_601_542, "nets-paper.safetensors"),
        Width("lite", 900_000, "nets-lite.safetensors", Scores("256²", 0.25, 0.3, 9)),
    )
    card = ModelCard("nets", "A paper, 2018", "skies", build=lambda device, options: None, widths=widths)
    monkeypatch.setattr("retouch.models.CARDS", (card,))
    rows = json.loads(run("models", "--json").out)
    assert [(row["width"], row["parameters"], row["weights"]) for row in rows] == [
        ("paper", 3_601_542, "nets-paper.safetensors"),
        ("lite", 900_000, "nets-lite.safetensors"),
    ]
    scores = {"on": "256²", "st_lpips": 0.25, "lpips": 0.3, "l1": 9}
    assert [row["scores"] for row in rows] == [None, scores]
    text = run("models").out.decode()
    assert "3,601,542 parameters" in text
    table = text.split("Errors in the hole, measured at 256²")[1]
    assert table.splitlines()[2].split() == ["ST-LPIPS", "LPIPS", "L1"]
    assert [line.split() for line in table.splitlines()[3:]] == [
        ["nets", "lite", "0.250", "0.300", "9.00", "%"]
    ]


def test_a_method_without_a_network_shows_its_scores(run, monkeypatch):
    scores = Scores("512²", 0.2, 0.3, 9.5)
    card = ModelCard("copies", "A paper", "skies", build=lambda device, options: None, scores=scores)
    monkeypatch.setattr("retouch.models.CARDS", (card,))
    table = run("models").out.decode().split("measured at 512²")[1]
    assert table.splitlines()[-1].split() == ["copies", "0.200", "0.300", "9.50", "%"]
    assert json.loads(run("models", "--json").out)[0]["scores"]["l1"] == 9.5


def test_only_scores_of_one_size_stand_together(run, monkeypatch):
    def card(name, on, st_lpips):
        scores = Scores(on, st_lpips, 0.3, 9.5)
        return ModelCard(name, "A paper", "skies", build=lambda device, options: None, scores=scores)

    cards = (card("worse", "512²", 0.4), card("small", "256²", 0.3), card("better", "512²", 0.2))
    monkeypatch.setattr("retouch.models.CARDS", cards)
    tables = run("models").out.decode().split("Errors in the hole, measured at ")[1:]
    names = [[line.split()[0] for line in table.splitlines()[3:] if line] for table in tables]
    assert [table.splitlines()[0] for table in tables] == ["512²", "256²"]
    assert names == [["better", "worse"], ["small"]]
    assert all("cannot be compared" in table for table in tables)
