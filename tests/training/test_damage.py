"""Made damage: what changes is labelled, and what is labelled changed."""

from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from retouch.errors import RetouchError
from retouch.options import build, dump
from retouch.training import ageing, damage_areas
from retouch.training.ageing import Ageing
from retouch.training.damage import Damage
from retouch.training.damage_shapes import Layer
from retouch.training.data import TrainingSet
from retouch.training.lookalikes import Lookalikes

STEADY = Ageing(**dict.fromkeys(
    ("enlarged", "blurred", "framed", "sharpened", "grained", "grey", "faded", "papered", "negative",
     "compressed"), 0.0
))  # fmt: skip


KINDS = Damage().kinds


@pytest.fixture(scope="module")
def crop():
    rows, columns = np.mgrid[:96, :128]
    planes = [90 + rows, 180 - columns, 100 + 40 * np.sin(columns / 9)]
    return np.stack(planes, 2).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_every_kind_covers_some_of_the_photo(kind):
    shares = []
    for seed in range(30):
        layer = kind.draw(np.random.default_rng(seed), 96, 128)
        assert layer.cover.shape == (96, 128)
        assert layer.cover.dtype == np.float32
        assert layer.cover.min() >= 0
        assert layer.cover.max() <= 1
        assert all(0 <= each <= 1 for each in layer.colour)
        shares.append((layer.cover > 0.3).mean())
    assert np.mean(np.array(shares) > 0) > 0.7  # some lie beyond the edges
    assert np.mean(shares) < 0.6


def test_what_is_labelled_changed_and_the_rest_did_not(crop):
    for seed in range(20):
        made = Damage(clean=0.0, lookalikes=0.0, ageing=STEADY)
        photo, mask = made.spoil(np.random.default_rng(seed), crop)
        assert photo.shape == crop.shape
        assert photo.dtype == np.uint8
        assert mask.dtype == bool
        change = np.abs(photo.astype(int) - crop).max(2)
        if mask.any():
            assert change[mask].mean() > 20
            assert change[mask].mean() > 4 * change[~mask].mean()


def test_what_one_would_not_see_is_not_labelled():
    """The same spot on calm and on busy ground."""
    random = np.random.default_rng(0)
    ground = np.full((96, 128, 3), 0.5, np.float32)
    ground[:, 64:] += random.normal(0, 0.2, (96, 64, 1)).astype(np.float32)
    seen = np.zeros((96, 128), bool)
    seen[20:40, 20:40] = seen[20:40, 80:100] = True
    for strength, calm, busy in ((0.12, 400, 0), (0.3, 400, 400), (0.03, 0, 0)):
        shown = Damage()._shown(ground, np.where(seen, np.float32(strength), np.float32(0)), seen)
        assert (shown[:, :64].sum(), shown[:, 64:].sum()) == (calm, busy)


def test_what_is_not_labelled_is_taken_out_again():
    """Of two spots in one layer, the one on busy ground is lost, and leaves nothing behind."""
    random = np.random.default_rng(0)
    ground = np.full((96, 128, 3), 0.5, np.float32)
    ground[:, 64:] += random.normal(0, 0.2, (96, 64, 1)).astype(np.float32)
    cover = np.zeros((96, 128), np.float32)
    cover[20:40, 20:40] = cover[20:40, 80:100] = 0.35
    mask = np.zeros((96, 128), bool)
    layer = Layer(cover, (0.75, 0.75, 0.75), even=True, area=cover > 0)
    made = Damage(sharp=0, texture=0)._laid(random, ground, layer, mask)
    assert mask[:, :64].sum() == 400
    assert not mask[:, 64:].any()
    change = np.abs(made - ground).max(2)
    assert change[mask].min() > 0.08
    assert change[~mask].max() < 0.02


def test_a_stain_of_the_grounds_colour_becomes_one_that_shows():
    random = np.random.default_rng(0)
    cover = np.zeros((96, 128), np.float32)
    cover[20:60, 20:60] = 0.06
    mask = np.zeros((96, 128), bool)
    for colour in ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0)):  # as bright as the ground; or too thin at first
        layer = Layer(cover if colour[0] == 1 else 10 * cover, colour, even=True, area=cover > 0)
        ground = np.full((96, 128, 3), 0.5 if colour[0] == 1 else 0.3, np.float32)
        Damage(sharp=0, texture=0, contrast=0.05)._laid(random, ground, layer, mask)
        assert mask.sum() == 1600
        mask[:] = False


def test_a_tide_mark_is_strongest_at_its_rim_and_counts_whole():
    """Also one that the crop's edge cuts."""
    rims, deep_ones = [0, 0], 0
    for seed in range(40):
        covers = []
        for tide in (0.0, 1.0):
            kind = damage_areas.Stains(
                radius=(20, 25), count=(1, 1), edge=(0.5, 2), rim=0, tide=tide, bleached=0
            )
            layer = kind.draw(np.random.default_rng(seed), 128, 128)
            covers.append(layer.cover)
            assert layer.area is not None
            if tide == 0:
                plain = layer.cover > 0.4 * layer.cover.max()
            elif plain.sum() > 200:
                assert (plain & ~layer.area).sum() < 0.1 * plain.sum()
        deep = cv2.erode(layer.area.view(np.uint8), np.ones((21, 21), np.uint8)) > 0
        if deep.any():
            deep_ones += 1
            for place, cover in enumerate(covers):
                rims[place] += cover[layer.area & ~deep].max() > 1.5 * np.median(cover[deep])
    assert deep_ones >= 20
    assert rims[1] >= 0.5 * deep_ones
    assert rims[0] <= 0.2 * deep_ones


def test_a_frame_covers_edges_and_is_no_damage(crop):
    framed = 0
    for seed in range(20):
        mounted = Ageing(framed=1.0).mount(np.random.default_rng(seed), crop.astype(np.float32) / 255)
        changed = np.abs(mounted - crop / np.float32(255)).max(2) > 1e-6
        rows, columns = np.nonzero(changed)
        if len(rows):
            framed += 1
            assert {0, 95} & set(rows.tolist()) or {0, 127} & set(columns.tolist())
        assert (
            not Damage(clean=1.0, ageing=Ageing(framed=1.0)).spoil(np.random.default_rng(seed), crop)[1].any()
        )
    assert framed > 10


def test_crisp_edges_are_steeper_and_bring_no_new_values():
    soft = np.repeat(np.linspace(0.2, 0.8, 9, dtype=np.float32)[None], 9, 0)
    soft = np.pad(soft, ((0, 0), (8, 8)), mode="edge")[..., None].repeat(3, 2)
    sharp = ageing._crisp(soft, 3)
    assert np.abs(np.diff(sharp, axis=1)).max() > 3 * np.abs(np.diff(soft, axis=1)).max()
    assert sharp.min() >= soft.min() - 1e-6
    assert sharp.max() <= soft.max() + 1e-6


def test_clean_photos_have_lookalikes_but_no_mask(crop):
    changed = 0
    for seed in range(12):
        photo, mask = Damage(clean=1.0, lookalikes=1.0).spoil(np.random.default_rng(seed), crop)
        assert not mask.any()
        changed += not np.array_equal(photo, crop)
    assert changed >= 10


def test_everything_depends_on_the_seed_alone(crop):
    one, two = (Damage().spoil(np.random.default_rng(5), crop) for _ in range(2))
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])


def test_lookalikes_share_the_lens_of_the_photo():
    plain = np.full((96, 128, 3), 0.5, np.float32)
    for seed in range(16):
        drawn = Lookalikes(blur=(1.5, 1.5)).draw(np.random.default_rng(seed), plain)
        assert np.abs(np.diff(drawn, axis=1)).max() < 0.3  # nothing is sharper than the lens


def test_settings_come_from_a_file_and_go_to_one():
    made = build(Damage, {"clean": 0.5, "dust": {"radius": [1, 3]}})
    assert made.dust.radius == (1, 3)
    assert build(Damage, dump(made)) == made
    with pytest.raises(RetouchError, match="clean"):
        build(Damage, {"clean": 2})
    with pytest.raises(RetouchError, match="greater than 0"):
        build(Damage, {type(kind).__name__.lower(): {"share": 0} for kind in KINDS})


def test_a_training_set_gives_damaged_pictures(tmp_path, crop):
    import cv2

    cv2.imwrite(str(tmp_path / "photo.png"), crop)
    samples = TrainingSet([tmp_path], 64, Damage(clean=0.0), 0, scale=(1.0, 1.5))
    picture, mask = samples[3]
    assert (picture.shape, picture.dtype) == ((3, 64, 64), np.uint8)
    assert (mask.shape, mask.dtype) == ((64, 64), bool)
    again = TrainingSet([tmp_path], 64, Damage(clean=0.0), 0, scale=(1.0, 1.5))[3]
    assert np.array_equal(picture, again[0])
    assert np.array_equal(mask, again[1])


def test_compression_treats_colours_as_a_camera_does(crop):
    only = replace(STEADY, compressed=1.0, quality=(40, 40))
    random = np.random.default_rng(0)
    found = only.scan(random, crop.astype(np.float32) / 255).astype(int)
    written = BytesIO()
    Image.fromarray(crop).save(written, "JPEG", quality=40)
    wanted = np.asarray(Image.open(written)).astype(int)
    assert np.abs(found - wanted).mean() < 0.5 * np.abs(wanted - crop).mean()


def test_as_many_stains_come_as_are_asked_for(monkeypatch):
    asked = []
    count = damage_areas.count
    monkeypatch.setattr(
        damage_areas, "count", lambda random, limits: asked.append(limits) or count(random, limits)
    )
    for seed in range(20):
        damage_areas.Stains(count=(5, 7), radius=(3.0, 8.0)).draw(np.random.default_rng(seed), 64, 64)
    assert set(asked) == {(5, 7)}
