"""The measuring loop: rows that depend on nothing but their pair, and runs that go on."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from retouch import RetouchError
from retouch.evaluation import metrics, run, scoring, store
from retouch.evaluation.fillers import Filled
from retouch.evaluation.pictures import features_path, keep_features, truth_path
from retouch.evaluation.result import _fewest, collect
from retouch.evaluation.run import Case, measure_all
from retouch.evaluation.store import ROWS, Settings

SETTINGS = Settings("data", device="cpu", metrics=["l1", "psnr"])  # quick: the loop does not care which


def picture(seed, size=48):
    coarse = np.random.default_rng(seed).integers(0, 256, (size // 8, size // 8, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 8, 0), 8, 1)


def hole(size=48):
    mask = np.zeros((size, size), bool)
    mask[16:30, 12:33] = True
    return mask


def cases(count=4):
    return [Case(f"photo {number}", "box", lambda n=number: (picture(n), hole())) for number in range(count)]


def grey(case, truth, mask):
    """A tool that fills with grey and darkens one known pixel."""
    pixels = np.where(mask[..., None], np.uint8(128), truth)
    pixels[0, 0] = 255 - pixels[0, 0]
    return Filled(pixels, 0.5, None)


def without_costs(rows):
    return [{**row, "seconds": None, "peak_mb": None} for row in rows]


class InPlace:
    """Scores in this process, which takes no seconds to start."""

    def __init__(self, threads, inception, metrics=None):
        self.inception, self.names = inception, tuple(metrics)

    def features(self, pixels):
        return scoring.describe(pixels, self.inception, self.names)

    def metrics(self, pixels, truth, hole):
        return scoring.measure(pixels, truth, hole, self.names)

    def close(self):
        pass


@pytest.fixture
def in_place(monkeypatch):
    monkeypatch.setattr(run, "Scorer", InPlace)


def test_rows_tell_what_was_measured(tmp_path):
    rows = measure_all(cases(2), ["grey"], tmp_path, SETTINGS, sources={"grey": grey})
    assert [row["photo"] for row in rows] == ["photo 0", "photo 1"]
    for number, row in enumerate(rows):
        inside = np.abs(picture(number)[hole()].astype(float) - 128).mean() / 2.55
        assert row["metrics"]["l1_hole"] == pytest.approx(inside)
        # The darkened pixel was put back before scoring, so the rest of the picture has no error.
        assert row["metrics"]["l1_image"] == pytest.approx(inside * hole().mean())
        assert (row["changed"], row["seconds"], row["error"]) == (1, 0.5, None)
        assert row["hole"] == pytest.approx(hole().mean())


@pytest.mark.slow
def test_workers_and_order_change_no_result(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics, "FEWEST_PHOTOS", 2)
    settings = Settings("data", device="cpu")
    models = ["telea", "navier-stokes"]
    one = measure_all(cases(), models, tmp_path / "one", settings)
    many = measure_all(cases()[::-1], models[::-1], tmp_path / "many", settings, workers=2)
    assert without_costs(many[::-1]) == without_costs(one)
    results = [
        collect(rows, models, ["box"], tmp_path / name, settings, command="x")
        for rows, name in ((without_costs(one), "one"), (without_costs(many), "many"))
    ]
    assert results[0]["summary"] == results[1]["summary"]
    assert results[0]["summary"][0]["set"]["frechet_vgg"] > 0


def test_only_the_metrics_that_are_wanted_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics, "FEWEST_PHOTOS", 2)
    for chosen, in_rows, of_set in (
        (["l1"], {"l1_hole", "l1_image"}, set()),
        (["frechet_vgg"], set(), {"frechet_vgg"}),
    ):
        settings = Settings("data", device="cpu", metrics=chosen)
        out = tmp_path / chosen[0]
        rows = measure_all(cases(2), ["grey"], out, settings, sources={"grey": grey})
        assert all(set(row["metrics"]) == in_rows for row in rows)
        (entry,) = collect(rows, ["grey"], ["box"], out, settings, command="x")["summary"]
        assert set(entry["set"]) == of_set
    with pytest.raises(RetouchError, match="metrics"):
        measure_all(cases(2), ["grey"], tmp_path / "l1", SETTINGS, sources={"grey": grey}, resume=True)


@pytest.mark.usefixtures("in_place")
def test_an_interrupted_run_goes_on(tmp_path):
    asked = []

    def interrupted(case, truth, mask):
        asked.append(case.photo)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return grey(case, truth, mask)

    with pytest.raises(KeyboardInterrupt):
        measure_all(cases(), ["grey"], tmp_path, SETTINGS, sources={"grey": interrupted})
    with (tmp_path / ROWS).open("a") as file:
        file.write('{"photo": "photo 3", "mas')  # what a power cut leaves
    rows = measure_all(cases(), ["grey"], tmp_path, SETTINGS, sources={"grey": interrupted}, resume=True)
    assert asked[:3] == ["photo 0", "photo 1", "photo 2"]
    assert "photo 0" not in asked[3:]
    assert rows == measure_all(cases(), ["grey"], tmp_path / "whole", SETTINGS, sources={"grey": grey})
    kept = [json.loads(line) for line in (tmp_path / ROWS).read_text().splitlines()]
    assert sorted(kept, key=lambda row: row["photo"]) == rows


@pytest.mark.usefixtures("in_place")
def test_a_report_is_neither_mixed_nor_replaced(tmp_path):
    measure_all(cases(1), ["grey"], tmp_path, SETTINGS, sources={"grey": grey})
    with pytest.raises(RetouchError, match="--resume"):
        measure_all(cases(1), ["grey"], tmp_path, SETTINGS, sources={"grey": grey})
    with pytest.raises(RetouchError, match="seed 0, not 1"):
        measure_all(
            cases(1),
            ["grey"],
            tmp_path,
            Settings("data", seed=1, device="cpu"),
            resume=True,
            sources={"grey": grey},
        )


@pytest.mark.usefixtures("in_place")
def test_a_photo_that_was_replaced_is_measured_anew(tmp_path):
    measure_all(cases(2), ["grey"], tmp_path, SETTINGS, sources={"grey": grey})
    replaced = [cases(2)[0], Case("photo 1", "box", lambda: (picture(9), hole()))]
    rows = measure_all(replaced, ["grey"], tmp_path, SETTINGS, sources={"grey": grey}, resume=True)
    assert rows == measure_all(replaced, ["grey"], tmp_path / "whole", SETTINGS, sources={"grey": grey})
    again = [
        collect(rows, ["grey"], ["box"], at, SETTINGS, command="x") for at in (tmp_path, tmp_path / "whole")
    ]
    assert again[0]["summary"] == again[1]["summary"]


@pytest.mark.usefixtures("in_place")
def test_what_another_version_of_the_package_measured_is_measured_anew(tmp_path, monkeypatch):
    asked = []

    def counted(case, truth, mask):
        asked.append(case.photo)
        return grey(case, truth, mask)

    for version, expected in (("one", 2), ("one", 2), ("two", 4)):
        monkeypatch.setattr(run, "package_digest", lambda version=version: version)
        measure_all(cases(2), ["grey"], tmp_path, SETTINGS, sources={"grey": counted}, resume=True)
        assert len(asked) == expected


@pytest.mark.usefixtures("in_place")
def test_rows_from_before_a_metric_was_installed_are_measured_again(tmp_path, monkeypatch):
    asked = []

    def counted(case, truth, mask):
        asked.append(case.photo)
        return grey(case, truth, mask)

    for lacking, expected in (({"psnr": "install it"}, 2), ({"psnr": "install it"}, 2), ({}, 4)):
        monkeypatch.setattr(run, "missing", lambda lacking=lacking: lacking)
        measure_all(cases(2), ["grey"], tmp_path, SETTINGS, sources={"grey": counted}, resume=True)
        assert len(asked) == expected


def test_the_packages_digest_follows_code_and_weights(tmp_path, monkeypatch):
    (tmp_path / "evaluation").mkdir()
    monkeypatch.setattr(store, "__file__", str(tmp_path / "evaluation" / "store.py"))
    digests = []
    for name, content in (
        ("a.py", "1"),
        ("a.py", "2"),
        ("evaluation/b.safetensors", "1"),
        ("evaluation/native.abi3.so", "1"),
        ("notes.txt", "1"),
    ):
        (tmp_path / name).write_text(content)
        store.package_digest.cache_clear()
        digests.append(store.package_digest())
    store.package_digest.cache_clear()
    assert len(set(digests[:4])) == 4
    assert digests[4] == digests[3]


@pytest.mark.usefixtures("in_place")
def test_any_name_has_a_file(tmp_path):
    names = ["写" * 40, "a/../b", ".", "a" * 250, "b\udcff", "\udcff" * 90]
    odd = [Case(name, "kind/of", lambda: (picture(0), hole())) for name in names]
    rows = measure_all(odd, ["grey"], tmp_path, SETTINGS, sources={"grey": grey})
    assert [(row["photo"], row["error"]) for row in rows] == [(name, None) for name in names]
    assert all(tmp_path in path.resolve().parents for path in tmp_path.rglob("*"))
    assert len(list(tmp_path.rglob("*.jpg"))) == 2 * len(names)


@pytest.mark.usefixtures("in_place")
def test_a_report_that_lost_its_settings(tmp_path):
    measure_all(cases(1), ["grey"], tmp_path, SETTINGS, sources={"grey": grey})
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(RetouchError, match="lost or damaged"):
        measure_all(cases(1), ["grey"], tmp_path, SETTINGS, sources={"grey": grey}, resume=True)


@pytest.mark.parametrize("what", [pytest.param("describe", marks=pytest.mark.slow), "measure"])
def test_a_picture_that_ends_the_scorer_does_not_stop_the_rest(what, tmp_path, monkeypatch):
    black = Case("black", "box", lambda: (np.zeros((48, 48, 3), np.uint8), hole()))
    three = [cases(1)[0], black, cases(2)[1]]
    with monkeypatch.context() as changed:
        changed.setattr(scoring, what, _die_of_black)
        rows = measure_all(three, ["black"], tmp_path, SETTINGS, sources={"black": same})
    assert [row["photo"] for row in rows if row["error"]] == ["black"]
    assert "ended unexpectedly" in rows[1]["error"]
    rows = measure_all(three, ["black"], tmp_path, SETTINGS, sources={"black": same}, resume=True)
    assert [row["error"] for row in rows] == [None] * 3


def same(case, truth, mask):
    return Filled(truth, None, None)


def _die_of_black(pixels, *_):
    if not pixels.any():
        os._exit(1)


def test_an_error_of_the_scorer_is_told_of_its_row(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "Scorer", type("Failing", (InPlace,), {"metrics": _fail}))
    rows = measure_all(cases(2), ["grey"], tmp_path, SETTINGS, sources={"grey": grey})
    assert [row["error"] for row in rows] == ["MemoryError: no room"] * 2


def _fail(*_):
    raise MemoryError("no room")


def test_a_scorer_that_cannot_start_stops_the_run_with_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "_start", _die)
    with pytest.raises(RetouchError, match=r"as soon as it starts.*--resume"):
        measure_all(cases(1), ["grey"], tmp_path, SETTINGS, sources={"grey": grey})


def _die(*_):
    os._exit(1)


@pytest.mark.usefixtures("in_place")
def test_rows_that_are_damaged_are_measured_again(tmp_path):
    first = measure_all(cases(2), ["grey"], tmp_path, SETTINGS, sources={"grey": grey})
    whole = (tmp_path / ROWS).read_bytes().splitlines(keepends=True)
    changes = ({"photo": []}, {"metrics": None}, {"metrics": {"psnr": "x"}}, {"inputs": None}, {"error": 3})
    odd = [json.dumps(json.loads(whole[1]) | each).encode() + b"\n" for each in changes]
    odd.append(b"[" * 100_000 + b"\n")
    (tmp_path / ROWS).write_bytes(
        b"".join([b"1\n", b'{"a": 1}\n', whole[0], b"\xff\xfe\n", *odd, whole[1][:20]])
    )
    rows = measure_all(cases(2), ["grey"], tmp_path, SETTINGS, sources={"grey": grey}, resume=True)
    assert rows == first


def test_too_few_are_those_that_were_scored_of_any_model():
    rows = [
        {"photo": photo, "model": model, "error": "no" if (photo, model) == ("b", "two") else None}
        for photo in "abc"
        for model in ("one", "two")
    ]
    assert [_fewest(rows, [name]) for name in ("one", "two", "none")] == [3, 2, 0]
    assert _fewest(rows, ["one", "two"]) == 2


@pytest.mark.usefixtures("in_place")
def test_no_one_needs_to_watch(tmp_path):
    def gone(progress):
        raise BrokenPipeError

    assert (
        len(measure_all(cases(2), ["grey"], tmp_path, SETTINGS, sources={"grey": grey}, on_progress=gone))
        == 2
    )


def test_rows_depend_on_the_inception_network_and_on_what_auto_means(tmp_path, monkeypatch):
    network = tmp_path / "inception.pt"
    versions = []
    for content in ("one", "two"):
        network.write_text(content)
        versions.append(run._version(Settings("data", device="cpu", inception=str(network))))
    for there in (False, True):
        monkeypatch.setattr("torch.cuda.is_available", lambda there=there: there)
        versions += [run._version(Settings("data", device=device)) for device in ("auto", "cpu")]
    assert versions[3] == versions[5]  # on the CPU, a GPU changes nothing
    assert len(set(versions)) == 4


@pytest.mark.usefixtures("in_place")
def test_progress_counts_what_was_asked_for(tmp_path):
    measure_all(cases(3), ["grey"], tmp_path, SETTINGS, sources={"grey": grey})
    steps = []
    measure_all(
        cases(4)[2:],
        ["grey"],
        tmp_path,
        SETTINGS,
        sources={"grey": grey},
        resume=True,
        on_progress=steps.append,
    )
    assert [(step.done, step.total) for step in steps] == [(1, 2), (2, 2)]


@pytest.mark.usefixtures("in_place")
def test_one_bad_pair_does_not_stop_the_rest(tmp_path):
    def unreadable():
        raise RetouchError("The photo is broken.")

    def odd(case, truth, mask):
        if case.photo == "photo 1":
            raise ValueError("no")
        if case.photo == "photo 2":
            return Filled(truth[1:], None, None)
        return grey(case, truth, mask)

    broken = [Case("broken", "box", unreadable), *cases()]
    rows = measure_all(broken, ["odd"], tmp_path, SETTINGS, sources={"odd": odd})
    assert [row["error"] for row in rows] == [
        "The photo is broken.",
        None,
        "ValueError: no",
        "The fill is 48 × 47 pixels and the photo 48 × 48.",
        None,
    ]
    # Failures get another chance.
    again = measure_all(broken, ["odd"], tmp_path, SETTINGS, sources={"odd": grey}, resume=True)
    assert [row["error"] for row in again] == ["The photo is broken.", None, None, None, None]
    assert again == measure_all(broken, ["odd"], tmp_path / "whole", SETTINGS, sources={"odd": grey})


def test_workers_with_the_same_photo_do_not_take_each_others_files(tmp_path):
    features = np.zeros((200, 200), np.float32)
    path = truth_path("0")

    def keep_often(number):
        for _ in range(40):
            keep_features(features + number, tmp_path, path)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep_often, range(4)))
    assert np.load(features_path(tmp_path, path)).mean() in range(4)
