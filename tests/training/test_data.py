import itertools
import os
import tarfile

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from retouch.errors import RetouchError
from retouch.training import data
from retouch.training.data import TrainingSet, batches, decode
from retouch.training.masks import Mixture, Objects, Rectangles, Strokes
from retouch.training.shards import Shards

torch.set_num_threads(1)

MASKS = Mixture((Rectangles(), Strokes()), (1.0, 1.0))


def picture(number, height=40, width=50):
    """A slope of its own for each number: blue says which, red and green say where."""
    row, column = np.mgrid[:height, :width]
    return np.stack([row * 4, column * 4, np.full_like(row, number)], 2).astype(np.uint8)


def png(array):
    return cv2.imencode(".png", array[..., ::-1])[1].tobytes()


def pack(path, contents):
    with tarfile.open(path, "w") as shard:
        for name, content in contents.items():
            file = path.with_name("member")
            file.write_bytes(content)
            shard.add(file, name)
            file.unlink()
    return path


@pytest.fixture
def folder(tmp_path):
    """Two shards of five and three pictures, and one loose picture: 0 to 8."""
    root = tmp_path / "data"
    root.mkdir()
    pack(root / "a.tar", {f"x/{k}.png": png(picture(k)) for k in range(5)} | {"readme.txt": b"hello"})
    pack(root / "b.tar", {f"{k}.png": png(picture(k)) for k in range(5, 8)})
    (root / "c.png").write_bytes(png(picture(8)))
    return root


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_shards_and_folders_are_read_in_order_without_unpacking(folder):
    for memory in (0, 2**20):
        shards = Shards([folder], memory)
        assert shards.in_memory == (memory > 0)
        assert [int(decode(shards[k])[0, 0, 2]) for k in range(len(shards))] == list(range(9))
    assert str(shards.members[1]) == f"{folder / 'a.tar'}:x/1.png"
    assert str(shards.members[8]) == str(folder / "c.png")
    assert len(Shards([folder / "b.tar", folder / "c.png"])) == 4


def test_every_picture_comes_once_in_a_run_through_all(folder):
    samples = TrainingSet([folder], 16, MASKS, seed=1)
    runs = [[int(samples[9 * run + k][0][2].mean().round()) for k in range(9)] for run in range(3)]
    assert all(sorted(run) == list(range(9)) for run in runs)
    assert runs[0] != runs[1] != runs[2]


def test_a_sample_is_a_crop_of_its_picture_with_a_hole(tmp_path):
    Image.fromarray(picture(7)).save(tmp_path / "one.png")
    samples = TrainingSet([tmp_path], 16, MASKS, seed=0, scale=(1.0, 2.5))
    sides, mirrored = [], 0
    for number in range(200):
        crop, hole = samples[number]
        assert crop.shape == (3, 16, 16)
        assert crop.dtype == np.uint8
        assert crop.flags.c_contiguous
        assert hole.shape == (16, 16)
        assert 0 < hole.sum() <= 128
        assert (crop[2] == 7).all()
        down = crop[0].astype(int)  # the slope says how much of the picture's height was seen
        sides.append((down[-1, 0] - down[0, 0]) / 4 * 16 / 15)
        mirrored += crop[1, 0, 0] > crop[1, 0, -1]
    # 16 of a shorter side from 16 to 40 pixels: from all 40 pixels down to 16 of them
    assert min(sides) == pytest.approx(16, abs=1.5)
    assert max(sides) == pytest.approx(40, abs=1.5)
    assert 70 < mirrored < 130


def test_at_scale_one_the_shorter_side_is_seen_whole_and_at_its_own_resolution_nothing_changes(tmp_path):
    Image.fromarray(picture(0)).save(tmp_path / "one.png")
    crop, _ = TrainingSet([tmp_path], 40, MASKS, seed=0, scale=(1.0, 1.0))[0]
    assert np.array_equal(crop[0], picture(0)[:, :40, 0])
    crop, _ = TrainingSet([tmp_path], 10, MASKS, seed=0, scale=(4.0, 4.0))[0]
    assert (np.diff(crop[0].astype(int), axis=0) == 4).all()


@pytest.mark.parametrize("shape", [(9, 12), (30, 5), (1, 1), (1, 40)])
def test_pictures_smaller_than_the_crop_are_enlarged_just_enough(tmp_path, shape):
    Image.fromarray(picture(3, *shape)).save(tmp_path / "small.png")
    samples = TrainingSet([tmp_path], 24, MASKS, seed=0)
    for number in range(5):
        crop, _ = samples[number]
        assert crop.shape == (3, 24, 24)
        assert (crop[2] == 3).all()


def test_sample_k_depends_on_seed_and_k_alone(folder):
    samples = TrainingSet([folder], 16, MASKS, seed=5)
    ordered = [samples[k] for k in range(20)]
    other = TrainingSet([folder], 16, MASKS, seed=5, memory=0)
    for k in (17, 3, 19, 0, 3):
        assert same(other[k], ordered[k])
    assert not same(TrainingSet([folder], 16, MASKS, seed=6)[3], ordered[3])
    # Other masks leave the crops as they are.
    assert np.array_equal(TrainingSet([folder], 16, Rectangles(), seed=5)[3][0], ordered[3][0])


def test_batches_are_the_same_whatever_the_workers_and_the_start(folder):
    samples = TrainingSet([folder], 16, MASKS, seed=2)
    first = list(itertools.islice(batches(samples, 4, workers=1), 6))
    for workers in (2, 7):
        for one, other in zip(first, batches(samples, 4, workers=workers), strict=False):
            assert one.number == other.number
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.masks, other.masks)
    resumed = next(batches(samples, 4, start=12, workers=3))
    assert resumed.number == 12
    assert torch.equal(resumed.images, first[3].images)
    crop, hole = samples[13]
    assert np.array_equal(resumed.images[1].numpy(), crop)
    assert np.array_equal(resumed.masks[1, 0].numpy(), hole)


def test_ranks_together_see_what_one_process_with_the_whole_batch_sees(folder):
    samples = TrainingSet([folder], 16, MASKS, seed=2)
    whole = itertools.islice(batches(samples, 6, 6, workers=2), 3)
    parts = [batches(samples, 3, 6, workers=2, rank=rank, ranks=2) for rank in range(2)]
    for one, left, right in zip(whole, *parts, strict=False):
        assert (left.number, right.number) == (one.number, one.number + 3)
        assert torch.equal(torch.cat([left.images, right.images]), one.images)
        assert torch.equal(torch.cat([left.masks, right.masks]), one.masks)


def test_a_pair_keeps_the_contract(folder):
    from retouch.contract import check_pair

    batch = next(batches(TrainingSet([folder], 16, MASKS, seed=2), 3, workers=1))
    assert batch.images.dtype == torch.uint8
    image, mask = batch.pair()
    check_pair(image, mask)
    assert mask.dtype == torch.float32
    assert torch.equal((image * 255).round().to(torch.uint8), batch.images)


def test_workers_end_with_the_iterator(folder, monkeypatch):
    import threading

    before = threading.active_count()
    ahead = batches(TrainingSet([folder], 16, MASKS, seed=2), 3, workers=4)
    next(ahead)
    ahead.close()
    assert threading.active_count() == before


def test_unreadable_pictures_are_skipped_counted_and_said(tmp_path):
    good = {f"{k}.png": png(picture(k)) for k in range(4)}
    damaged = {"cut.png": png(picture(9))[:60], "text.jpg": b"no picture", "empty.webp": b""}
    shard = pack(tmp_path / "s.tar", good | damaged)
    samples = TrainingSet([shard], 16, MASKS, seed=0)
    assert samples.warnings() == []
    crops = [samples[k] for k in range(21)]
    assert {int(crop[2].mean().round()) for crop, _ in crops} == {0, 1, 2, 3}
    (warning,) = samples.warnings()
    assert warning.startswith("3 of 7 pictures cannot be read and are skipped: ")
    assert f"{shard}:text.jpg" in warning
    # Knowing them beforehand changes nothing, nor do workers.
    again = [samples[k] for k in range(21)]
    fresh = batches(TrainingSet([shard], 16, MASKS, seed=0), 21, workers=5)
    for number, one in enumerate(crops):
        assert same(one, again[number])
    assert np.array_equal(next(fresh).images.numpy(), np.stack([crop for crop, _ in crops]))


def test_nothing_but_unreadable_pictures_is_an_error(tmp_path):
    shard = pack(tmp_path / "s.tar", {"a.png": b"x", "b.jpg": b"y"})
    samples = TrainingSet([shard], 16, MASKS, seed=0)
    with pytest.raises(RetouchError, match="None of the 2 pictures"):
        next(batches(samples, 2, workers=2))


def test_a_shard_cut_short_gives_what_lies_before_the_damage(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    shard = pack(tmp_path / "s.tar", {f"{k}.png": png(noise) for k in range(4)})
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) * 6 // 10])
    samples = TrainingSet([shard], 16, MASKS, seed=0)
    for number in range(12):
        assert samples[number][0].shape == (3, 16, 16)
    assert any("cut short" in warning for warning in samples.warnings())


@pytest.mark.parametrize("damage", ["header", "zeros", "between", "end", "appended"])
def test_a_shard_with_a_damaged_header_is_told(damage, tmp_path):
    shard = pack(tmp_path / "s.tar", {f"{k}.png": png(picture(k)) for k in range(4)})
    assert Shards([shard]).damaged == []
    content = bytearray(shard.read_bytes())
    with tarfile.open(shard) as tar:
        headers = [each.offset for each in tar]
    end = headers[3] + headers[1]  # all members are alike
    if damage in ("header", "zeros"):
        content[headers[1] : headers[1] + 512] = (b"\xaa" if damage == "header" else b"\0") * 512
    elif damage == "appended":
        content = content + content
    else:
        del content[headers[2] if damage == "between" else end :]
    shard.write_bytes(content)
    assert Shards([shard]).damaged == [shard]


def test_names_of_pictures_may_be_any_bytes(folder, tmp_path):
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(png(picture(9)))
    one, two = TrainingSet([folder], 16, MASKS, seed=0).split(1)
    assert len(one) + len(two) == 10


@pytest.mark.parametrize("name", ["none", "none.tar", "empty", "notes.txt", "zipped.tar", "garbage.tar"])
def test_data_that_are_none_are_refused_in_a_sentence(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "garbage.tar").write_bytes(b"g" * 2000)
    with tarfile.open(tmp_path / "zipped.tar", "w:gz"):
        pass
    with pytest.raises(RetouchError, match=name) as caught:
        TrainingSet([tmp_path / name], 16, MASKS, seed=0)
    assert str(caught.value).endswith((".", ")."))


def test_a_shard_that_goes_away_is_an_error_not_an_unreadable_picture(tmp_path):
    shard = pack(tmp_path / "s.tar", {"a.png": png(picture(0))})
    samples = TrainingSet([shard], 16, MASKS, seed=0, memory=0)
    shard.unlink()
    with pytest.raises(RetouchError, match="cannot be read"):
        samples[0]


@pytest.mark.parametrize(
    "settings", [{"size": 1}, {"scale": (0.5, 2.0)}, {"scale": (2.0, 1.0)}, {"masks": Objects()}]
)
def test_settings_without_sense_are_refused(folder, settings):
    with pytest.raises(RetouchError):
        TrainingSet([folder], **{"size": 16, "masks": MASKS, "seed": 0} | settings)


@pytest.mark.parametrize(
    "settings", [{"size": 0}, {"workers": 0}, {"start": -1}, {"rank": 2, "ranks": 2}, {"ranks": 0}]
)
def test_batches_without_sense_are_refused_at_once(folder, settings):
    with pytest.raises(RetouchError):
        batches(TrainingSet([folder], 16, MASKS, seed=0), **{"size": 2} | settings)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_decoding_gives_rgb(tmp_path, kind, mode):
    colours = Image.fromarray(np.full((16, 24, 3), (200, 100, 30), np.uint8)).convert(mode)
    file = tmp_path / "picture"
    colours.save(file, kind)
    decoded = decode(file.read_bytes())
    assert decoded.shape == (16, 24, 3)
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - np.array(colours.convert("RGB"))).max() <= 4


def test_decoding_turns_a_photo_upright(tmp_path):
    photo = Image.fromarray(picture(0))
    exif = photo.getexif()
    exif[0x112] = 6
    photo.save(tmp_path / "turned.jpg", exif=exif)
    assert decode((tmp_path / "turned.jpg").read_bytes()).shape == (50, 40, 3)


def test_what_opencv_cannot_read_is_read_by_libvips(tmp_path, monkeypatch):
    monkeypatch.setattr(data.cv2, "imdecode", lambda *_: None)
    assert np.array_equal(decode(png(picture(5))), picture(5))


def test_a_jpeg_cut_short_is_unreadable(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    assert decode(whole) is not None
    assert decode(whole[: len(whole) // 2]) is None


def blues(samples):
    """Numbers of the pictures that a set holds."""
    return {int(samples[k][0][2].max()) for k in range(len(samples))}


def test_some_are_held_out_and_more_pictures_bring_none_back(folder, tmp_path):
    few = TrainingSet([folder / "a.tar"], 8, MASKS, seed=3)
    many = TrainingSet([folder], 8, MASKS, seed=3)
    rest, held = few.split(2)
    more, held_of_more = many.split(2)
    assert (len(rest), len(held), len(more), len(held_of_more)) == (3, 2, 7, 2)
    assert blues(rest) | blues(held) == set(range(5))
    assert not blues(rest) & blues(held)
    assert not blues(held_of_more) & blues(rest)
    others = {frozenset(blues(TrainingSet([folder], 8, MASKS, seed=seed).split(2)[1])) for seed in range(5)}
    assert len(others) > 1
    with pytest.raises(RetouchError, match="5 are to be held out"):
        few.split(5)


def test_whole_pictures_come_in_the_order_of_holding_out(folder, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    samples = TrainingSet([folder, tmp_path / "broken.png"], 8, MASKS, seed=3)
    order = [int(each[0, 0, 2]) for each in samples.whole()]
    assert sorted(order) == list(range(9))
    for count in (2, 5):
        rest, held = samples.split(count)
        assert [int(each[0, 0, 2]) for part in (held, rest) for each in part.whole()] == order
        assert next(rest.whole()).shape == (40, 50, 3)


def test_where_folders_repeat_names_the_same_pictures_stay_held_out(tmp_path):
    for folder in "abcdef":
        (tmp_path / folder).mkdir()
        for name in range(4):
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), np.zeros((9, 9, 3), np.uint8))
    whole = TrainingSet([tmp_path], 8, MASKS, seed=0)
    rest, held = whole.split(2)
    again, held_again = whole.split(2, held.names())
    assert (rest._chosen, held._chosen) == (again._chosen, held_again._chosen)


def test_a_picture_that_is_listed_several_times_is_never_in_both_parts(folder):
    for repeated in (2, 5):
        rest, held = TrainingSet([folder] * repeated, 8, MASKS, seed=0).split(3)
        assert not blues(rest) & blues(held)
        assert len(rest) + len(held) == 9 * repeated
    before = TrainingSet([folder], 8, MASKS, seed=0).split(3)[1]
    rest, held = TrainingSet([folder] * 3, 8, MASKS, seed=0).split(3, before.names())
    assert blues(held) == blues(before)
    assert not blues(rest) & blues(held)


def test_a_random_number_below_one_stays_below_one(monkeypatch):
    class Near:
        def random(self):
            return 1 - 2**-53

    monkeypatch.setattr(data, "_generator", lambda *_: Near())
    assert data.uniforms(0, 0, 3).tolist() == [1 - 2**-24] * 3


def test_a_damaged_picture_is_skipped_in_whichever_part_it_lies(folder, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    whole = TrainingSet([folder, tmp_path / "broken.png"], 8, MASKS, seed=0)
    for count in range(1, 9):
        rest, held = whole.split(count)
        for part in (rest, held):
            for k in range(12):
                part[k]
            assert len(part.warnings()) in (0, 1)
