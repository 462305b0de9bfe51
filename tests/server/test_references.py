"""Further photos of the same place: added, listed, filled from, removed, kept within the limits."""

import io

import numpy as np
import pytest
from PIL import Image
from tests.references.made import hole, moved, punched, scene, shot
from tests.server.client import area, decoded, png, refused

from retouch.server.errors import Limits


@pytest.fixture(scope="module")
def place():
    """A photo with something before the place, another one of the place, and one of another place."""
    mask = hole()
    return punched(shot(scene()), mask), shot(scene(), moved()), shot(scene(9)), mask


def add(client, state, data, name="other.png"):
    return client.http.post(f"/v1/photos/{state['id']}/references", params={"name": name}, content=data)


def error(client, state, mask):
    """The mean difference to the truth inside the hole, in levels of 255."""
    return np.abs(client.picture(state)[mask].astype(float) - shot(scene())[mask]).mean()


def test_a_fill_is_made_from_a_reference_and_says_so(client, place):
    photo, other, foreign, mask = place
    state = client.open(png(photo))
    for name, picture in (("foreign.png", foreign), ("other.png", other)):
        assert add(client, state, png(picture), name).status_code == 201
    names = [each["name"] for each in client.state(state)["references"]]
    assert names == ["foreign.png", "other.png"]
    job = client.fill(state, model="telea", **area(mask))
    assert job["state"] == "done"
    (edit,) = client.state(state)["edits"]
    assert edit["filled_by"]["references"] > 0.9 * mask.sum()
    assert any("Nothing in foreign.png matches" in note for note in edit["notes"])
    assert edit["references"] == names
    assert error(client, state, mask) < 6
    assert np.array_equal(client.picture(state)[~mask], photo[~mask])
    # Where it came from: by its name, and at the place that the camera's movement says.
    source = client.get(state, "source", x=190, y=145).json()
    there = moved() @ (190, 145, 1)
    assert source["reference"] == "other.png"
    assert np.abs(np.array([source["x"], source["y"]]) - there[:2] / there[2]).max() < 2
    tile = decoded(client.get(state, "overlays/sources/0/0/0").content)
    assert tile[145, 190, 3] == 255
    assert tile[145, 190, :3].max() == 140
    # Removing it changes no pixel, and neither does it take the fill back.
    filled = client.picture(state)
    for each in client.state(state)["references"]:
        assert client.http.delete(f"/v1/photos/{state['id']}/references/{each['id']}").status_code == 200
    assert client.state(state)["references"] == []
    assert np.array_equal(client.picture(state), filled)
    client.post(state, "undo")
    assert np.array_equal(client.picture(state), photo)


def test_only_references_fill_and_another_place_fills_nothing(client, place):
    photo, other, foreign, mask = place
    state = client.open(png(photo))
    for name in ("references_only", "any_light"):
        refused(client.post(state, "fills", **area(mask), **{name: True}), 400, "no_references")
    add(client, state, png(foreign), "foreign.png")
    job = client.fill(state, **area(mask), references_only=True)
    assert job["state"] == "failed"
    assert "leave out “references only”" in job["message"]
    assert "Nothing in foreign.png matches" in job["message"]
    assert np.array_equal(client.picture(state), photo)
    client.fill(state, model="telea", **area(mask))
    (edit,) = client.state(state)["edits"]
    assert "filled from the photo itself" in edit["notes"][-1]
    assert set(edit["filled_by"]) == {"telea"}
    client.post(state, "undo")
    add(client, state, png(other))
    assert client.fill(state, **area(mask), references_only=True)["state"] == "done"
    assert set(client.state(state)["edits"][0]["filled_by"]) == {"references"}


def test_progress_grows_over_all_stages(client, place):
    photo, other, _, mask = place
    state = client.open(png(photo))
    add(client, state, png(other))
    mask = mask.copy()
    mask[:30, :40] = True  # more than the reference shows
    fractions = [told["fraction"] for _, told in client.events(client.start(state, **area(mask)))]
    assert fractions == sorted(fractions)


def test_a_small_picture_is_shown(client, place):
    state = client.open(png(place[0]))
    (known,) = add(client, state, png(place[1])).json()["references"]
    assert (known["width"], known["height"]) == (400, 300)
    answer = client.get(state, f"references/{known['id']}")
    assert answer.headers["content-type"] == "image/png"
    assert decoded(answer.content).shape == (144, 192, 3)


def test_the_photo_itself_doubles_and_no_photos_are_refused(client, place):
    state = client.open(png(place[0]))
    assert add(client, state, png(place[1])).status_code == 201
    assert "photo itself" in refused(add(client, state, png(place[0])), 422, "same_photo")
    assert "other.png" in refused(add(client, state, png(place[1]), "copy.png"), 422, "same_photo")
    assert "no.png" in refused(add(client, state, b"no photo", "no.png"), 422, "refused")
    refused(add(client, state, b""), 400, "empty")
    folder = client.http.app.state.service.find(state["id"]).folder / "references"
    assert len([each for each in folder.iterdir() if each.is_dir()]) == 1
    assert len(client.state(state)["references"]) == 1


def test_two_of_one_name_are_told_apart(client, place):
    state = client.open(png(place[0]))
    add(client, state, png(place[1]), "../IMG_1.png")
    add(client, state, png(place[2]), "IMG_1.png")
    assert [each["name"] for each in client.state(state)["references"]] == ["IMG_1.png", "IMG_1.png (2)"]


def test_what_stands_on_its_side_is_turned(client, place):
    file = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(place[1]))).save(file, "PNG", exif=exif)
    state = client.open(png(place[0]))
    assert add(client, state, file.getvalue()).json()["references"][0]["width"] == 400
    client.fill(state, model="telea", **area(place[3]))
    assert error(client, state, place[3]) < 6


def test_limits_are_those_of_photos(serve, place):
    photo, other, foreign, _ = place
    limits = Limits(bytes=400_000, pixels=400 * 300, references=1)
    with serve(limits=limits) as client:
        state = client.open(png(photo))
        refused(add(client, state, b"x" * 400_001), 413, "too_large")
        large = add(client, state, png(np.zeros((301, 400, 3), np.uint8)))
        assert "megapixels" in refused(large, 422, "refused")
        assert add(client, state, png(other)).status_code == 201
        refused(add(client, state, png(foreign)), 429, "too_many_references")


def test_a_file_under_the_root_is_a_reference_and_none_outside(serve, place, tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    (root / "other.png").write_bytes(png(place[1]))
    (tmp_path / "secret.png").write_bytes(png(place[1]))
    with serve(root=root) as client:
        state = client.open(png(place[0]))
        assert (
            client.post(state, "references", path="other.png").json()["references"][0]["name"] == "other.png"
        )
        refused(client.post(state, "references", path="../secret.png"), 403, "outside")


def test_references_outlive_the_server_and_go_with_their_photo(serve, place, tmp_path):
    folder = tmp_path / "sessions"
    with serve() as client:
        state = client.open(png(place[0]))
        add(client, state, png(place[1]))
        client.fill(state, model="telea", **area(place[3]))
    (folder / state["id"] / "references" / "half-sent").mkdir()
    with serve() as client:
        (known,) = client.state(state)["references"]
        assert client.get(state, "source", x=190, y=145).json()["reference"] == "other.png"
        kept = folder / state["id"] / "references"
        assert {each.name for each in kept.iterdir()} == {known["id"], "list.json"}
        client.http.delete(f"/v1/photos/{state['id']}")
        assert not (folder / state["id"]).exists()


@pytest.mark.parametrize("content", ["", "{", "[[1]]", '[["../../x", "y"]]', "3"])
def test_a_damaged_list_costs_no_fill(serve, place, tmp_path, content):
    with serve() as client:
        state = client.open(png(place[0]))
    (tmp_path / "sessions" / state["id"] / "references" / "list.json").write_text(content)
    with serve() as client:
        assert client.state(state)["references"] == []


def test_none_is_removed_under_a_fill(client, place):
    state = client.open(png(place[0]))
    (known,) = add(client, state, png(place[1])).json()["references"]
    address = f"/v1/photos/{state['id']}/references/{known['id']}"
    job = client.start(state, **area(place[3]))
    refused(client.http.delete(address), 409, "busy")
    client.events(job)
    assert client.http.delete(address).status_code == 200
    refused(client.http.delete(address), 404, "no_reference")
    refused(client.http.get(address), 404, "no_reference")
