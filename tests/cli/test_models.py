import json

import retouch
from retouch.models import ModelCard, Width


def test_models_lists_every_name(run):
    done = run("models")
    assert done.code == 0
    assert all(card.name in done.out.decode() for card in retouch.models())


def test_json_is_a_list_of_rows(run):
    rows = json.loads(run("models", "--json").out)
    assert [row["name"] for row in rows] == [card.name for card in retouch.models()]
    assert all(list(row) == ["name", "paper", "width", "parameters", "weights"] for row in rows)


def test_a_trained_model_has_a_row_for_each_width(run, monkeypatch):
    widths = (
        Width("paper", 3_601_542, "nets-paper.safetensors"),
        Width("lite", 900_000, "nets-lite.safetensors", {"ST-LPIPS": 0.25}),
    )
    card = ModelCard("nets", "A paper, 2018", "skies", build=lambda device, options: None, widths=widths)
    monkeypatch.setattr("retouch.loading.CARDS", (card,))
    rows = json.loads(run("models", "--json").out)
    assert [(row["width"], row["parameters"], row["weights"]) for row in rows] == [
        ("paper", 3_601_542, "nets-paper.safetensors"),
        ("lite", 900_000, "nets-lite.safetensors"),
    ]
    text = run("models").out.decode()
    assert "3,601,542 parameters" in text
    assert "ST-LPIPS 0.25" in text
