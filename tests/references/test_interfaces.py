import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.references.made import hole, moved, punched, scene, shot

import retouch
from retouch import RetouchError
from retouch.api.referring import named
from retouch.cli import main


@pytest.fixture
def folder(tmp_path):
    """A photo, its mask, a reference, a photo of another place, and a folder of references."""
    truth, mask = shot(scene()), hole()
    (tmp_path / "others").mkdir()
    for name, picture in (
        ("photo.png", punched(truth, mask)),
        ("truth.png", truth),
        ("mask.png", mask),
        ("other.png", shot(scene(), moved())),
        ("wrong.png", shot(scene(9))),
        ("others/one.png", shot(scene(), moved(right=3))),
    ):
        Image.fromarray(picture).save(tmp_path / name)
    return tmp_path


def run(folder, monkeypatch, line):
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    return ended.value.code


def image(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("source", ["other.png", "others"])
def test_the_command_fills_from_photos_and_folders(folder, monkeypatch, source):
    line = (
        f"fill photo.png mask.png --from {source} --model telea -o out.png --sources s.png --confidence c.png"
    )
    assert not run(folder, monkeypatch, line)
    truth, mask = image(folder / "truth.png"), hole()
    out = image(folder / "out.png")
    assert np.abs(out.astype(float) - truth)[mask].mean() < 8
    assert np.array_equal(out[~mask], truth[~mask])
    assert image(folder / "s.png").size > 2 * truth.size  # the photo, and the reference
    assert image(folder / "c.png")[~mask].min() == 255


def test_earlier_results_in_a_folder_are_no_references(folder, monkeypatch):
    shots = folder / "shots"
    shots.mkdir()
    for name in ("photo.png", "other.png"):
        (shots / name).write_bytes((folder / name).read_bytes())
    (shots / "photo-empty-2.png").write_bytes((folder / "photo.png").read_bytes())
    monkeypatch.chdir(folder)
    first = retouch.fill("shots/photo.png", "mask.png", references=["shots"], record=True)
    assert first.image.name == "photo-filled.png"
    named = json.loads((shots / "photo-filled.json").read_text())["arguments"]["references"]
    assert [each["file"] for each in named] == ["other.png"]
    before = image(first.image)
    again = retouch.fill("shots/photo.png", "mask.png", references=["shots"], overwrite=True)
    assert np.array_equal(image(again.image), before)
    assert not run(folder, monkeypatch, "fill shots/photo.png mask.png --from shots -o second.png")
    assert np.array_equal(image(folder / "second.png"), image(first.image))


def test_a_wrong_photo_leaves_all_to_the_model(folder, monkeypatch, capsys):
    line = "fill photo.png mask.png --model telea"
    assert not run(folder, monkeypatch, f"{line} -o plain.png")
    assert not run(folder, monkeypatch, f"{line} --from wrong.png -o out.png")
    assert np.array_equal(image(folder / "plain.png"), image(folder / "out.png"))
    assert "Nothing in wrong.png matches; it was left out." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--from wrong.png --references-only", "No reference shows"),
        ("--from photo.png", "is the photo itself"),
        ("--from nowhere.png", "nowhere.png"),
        ("--references-only", "--from"),
        ("--any-light", "--from"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(folder, monkeypatch, capsys, words, says):
    assert run(folder, monkeypatch, f"fill photo.png mask.png {words} -o out.png") == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    assert not (folder / "out.png").exists()


@pytest.mark.parametrize("words", ["-o other.png", "-o out.png --sources other.png"])
def test_no_reference_is_replaced(folder, monkeypatch, capsys, words):
    before = (folder / "other.png").read_bytes()
    assert run(folder, monkeypatch, f"fill photo.png mask.png --from other.png --overwrite {words}") == 2
    assert "--from other.png are the same file" in capsys.readouterr().err
    assert (folder / "other.png").read_bytes() == before


def test_of_a_folder_only_photos_are_taken(folder, monkeypatch, capsys):
    """Neither the last result, which shows no more than was known, nor what only has the name of a photo."""
    (folder / "others" / "._one.png").write_bytes(b"macOS keeps something here")
    (folder / "others" / "more.png").mkdir()
    line = "fill photo.png mask.png --from others --model telea -o others/photo-filled.png --overwrite"
    assert not run(folder, monkeypatch, line)
    first = (folder / "others/photo-filled.png").read_bytes()
    assert not run(folder, monkeypatch, line)
    assert (folder / "others/photo-filled.png").read_bytes() == first
    assert run(folder, monkeypatch, "fill photo.png mask.png -o out.png --from=") == 2
    assert "is empty" in capsys.readouterr().err


def test_a_reference_given_twice_counts_once(folder):
    twice = [
        folder / "others",
        folder / "others" / "one.png",
        str(folder / "other.png"),
        folder / "other.png",
    ]
    assert [each.name for each in named(twice, None, allow_huge=False)] == ["one.png", "other.png"]


def test_an_empty_folder_is_refused(folder, monkeypatch, capsys):
    (folder / "empty").mkdir()
    assert run(folder, monkeypatch, "fill photo.png mask.png --from empty -o out.png") == 2
    assert "holds no photos" in capsys.readouterr().err


def test_only_references_leaves_the_rest_and_says_how_much(folder):
    photo, mask = image(folder / "photo.png"), hole(top=0, left=0, height=40, width=60)
    other = shot(scene(), moved(right=-25, down=-16, turn=0, scale=1))
    result = retouch.fill(photo, mask, references=[other], references_only=True)
    left = (result.image == photo).all(axis=2) & mask
    assert left.any()
    assert (mask & ~left).any()
    assert any("% of the hole is not filled" in note for note in result.notes)
    assert np.array_equal(result.places[..., 0] > 0, mask & ~left) or left.sum() < mask.sum()


def test_the_result_says_where_each_pixel_came_from():
    truth, mask = shot(scene()), hole()
    result = retouch.fill(punched(truth, mask), mask, references=[shot(scene(), moved())], model="telea")
    assert set(np.unique(result.places[mask][:, 0])) <= {-1, 1}
    assert (result.places[~mask] == -1).all()
    assert result.filled_by["references"] > 0.9 * mask.sum()
    assert (result.confidence[~mask] == 1).all()
    assert result.confidence[mask].mean() > 0.5
    (drawn,) = result.draw_references()
    assert drawn.shape == truth.shape


def test_a_dict_names_the_references():
    mask, made = hole(), scene()
    photos = {"hers": shot(scene(9)), "his": shot(made, moved())}
    result = retouch.fill(punched(shot(made), mask), mask, references=photos, record=True)
    assert any("hers" in note for note in result.notes)
    assert result.filled_by["references"] > 0.9 * mask.sum()
    assert len(result.record["arguments"]["references"]) == 2


def test_references_are_a_list():
    with pytest.raises(RetouchError, match="list"):
        retouch.fill(shot(scene()), hole(), references="other.png")


def test_an_orientation_in_the_file_is_applied(tmp_path):
    truth, mask = shot(scene()), hole()
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(np.rot90(shot(scene(), moved())).copy())
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    result = retouch.fill(
        punched(truth, mask), mask, references=[tmp_path / "turned.jpg"], references_only=True
    )
    filled = result.places[..., 0] > 0
    assert filled.sum() > 0.9 * mask.sum()
    assert np.abs(result.image.astype(float) - truth)[filled].mean() < 8


def test_the_command_clears_a_crowd(tmp_path, monkeypatch):
    for number, column in enumerate((60, 150, 250)):
        picture = shot(scene(), moved(right=3.0 * number, down=0, turn=0, scale=1))
        picture[100:150, column : column + 20] = (250, 250, 20)
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    line = "clear-crowd 0.png 1.png 2.png --model telea -o empty.png --sources s.png"
    assert not run(tmp_path, monkeypatch, line)
    out = image(tmp_path / "empty.png")
    assert not (out == (250, 250, 20)).all(axis=2).any()
    assert run(tmp_path, monkeypatch, "clear-crowd 0.png -o no.png") == 2


@pytest.mark.slow
def test_a_folder_is_cleared_again_without_the_last_result(tmp_path, monkeypatch):
    for number, column in enumerate((60, 150, 250)):
        picture = shot(scene(), moved(right=3.0 * number, down=0, turn=0, scale=1))
        picture[100:150, column : column + 20] = (250, 250, 20)
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    for _ in range(2):
        assert not run(tmp_path, monkeypatch, "clear-crowd . --frame 2 --model telea --overwrite")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0.png", "1-empty.png", "1.png", "2.png"]


def test_no_shot_is_replaced(tmp_path, monkeypatch, capsys):
    for name, column in (("one.png", 60), ("out-2.png", 150)):
        picture = shot(scene())
        picture[100:150, column : column + 20] = (250, 250, 20)
        Image.fromarray(picture).save(tmp_path / name)
    assert run(tmp_path, monkeypatch, "clear-crowd one.png out-2.png -o out.png --overwrite") == 2
    assert "are the same file" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_no_shot_is_replaced_of_two_that_have_one_name(tmp_path, monkeypatch, capsys):
    for folder, column in ((".", 60), ("a", 150), ("b", 250)):
        picture = shot(scene())
        picture[100:150, column : column + 20] = (250, 250, 20)
        (tmp_path / folder).mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / folder / "x.png")
    before = (tmp_path / "a/x.png").read_bytes()
    assert run(tmp_path, monkeypatch, "clear-crowd x.png a/x.png b/x.png -o a/x.png --overwrite") == 2
    assert "are the same file" in capsys.readouterr().err
    assert (tmp_path / "a/x.png").read_bytes() == before


def test_a_folder_of_results_alone_has_no_shots(tmp_path, monkeypatch, capsys):
    Image.fromarray(shot(scene())).save(tmp_path / "one-empty.png")
    assert run(tmp_path, monkeypatch, "clear-crowd .") == 2
    assert "name the shots themselves" in capsys.readouterr().err


def test_a_folder_that_may_not_be_read_is_named(folder, monkeypatch, capsys):
    def locked(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", locked)
    assert run(folder, monkeypatch, "fill photo.png mask.png --from others -o out.png") == 2
    assert "others cannot be looked into (Permission denied)" in capsys.readouterr().err


LONG = "n" * 300


@pytest.mark.parametrize(
    "line",
    [
        f"fill photo.png mask.png --from {LONG}.png",
        f"fill photo.png mask.png --model {LONG}.safetensors",
        f"batch {LONG} masks -o out",
        f"edit {LONG}.png",
        f"install-plugin gimp --into {LONG}",
    ],
)
def test_a_name_longer_than_any_can_be_is_one_sentence(folder, monkeypatch, capsys, line):
    assert run(folder, monkeypatch, line) == 2
    assert capsys.readouterr().err.count("\n") == 1
