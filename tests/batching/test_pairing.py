import os
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch import RetouchError
from retouch.batching.jobs import in_shard, read_shard
from retouch.batching.pairing import ENDINGS, folder_jobs, pair

STEMS = st.text("ab_-.m", min_size=1, max_size=4).filter(lambda stem: not stem.startswith("."))
FOLDERS = st.sampled_from(["", "sub/", "sub/more/"])
NAMES = st.builds(
    lambda folder, stem, ending, kind: f"{folder}{stem}{ending}{kind}",
    FOLDERS,
    STEMS,
    st.sampled_from(["", *ENDINGS]),
    st.sampled_from([".png", ".jpg"]),
)


def stem(name: str) -> str:
    return name.rpartition(".")[0]


@given(st.sets(NAMES), st.sets(NAMES))
def test_a_mask_is_named_after_its_photo_and_each_photo_is_there(photos, masks):
    found = pair(photos, masks)
    assert list(found) == sorted(photos)
    for photo, own in found.items():
        assert len(own) == len(set(own))
        for mask in own:
            assert mask in masks
            assert stem(mask) in {stem(photo) + ending for ending in ("", *ENDINGS)}


@given(st.sets(NAMES), st.sets(NAMES))
def test_a_mask_of_a_photos_very_name_belongs_to_no_other_stem(photos, masks):
    named = {stem(photo) for photo in photos}
    for photo, own in pair(photos, masks).items():
        for mask in own:
            assert stem(mask) not in named or stem(mask) == stem(photo)


@given(st.sets(NAMES), st.sets(NAMES), NAMES)
def test_another_mask_changes_only_the_photos_that_it_is_named_after(photos, masks, more):
    before, after = pair(photos, masks), pair(photos, masks | {more})
    for photo in photos:
        assert set(after[photo]) - set(before[photo]) <= {more}
        assert set(before[photo]) <= set(after[photo])


@given(st.sets(NAMES))
def test_in_one_folder_each_file_is_a_photo_or_the_mask_of_one(names):
    found = pair(names, names, together=True)
    used = {mask for own in found.values() for mask in own}
    assert set(found) | used == names
    assert all(mask != photo for photo, own in found.items() for mask in own)


@given(st.text(max_size=20), st.integers(1, 12))
def test_a_name_is_in_exactly_one_shard(name, count):
    assert [in_shard(name, (number, count)) for number in range(1, count + 1)].count(True) == 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "/", "-1/3", "1/3/5"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(RetouchError, match="written like 3/10"):
        read_shard(text)


def jobs_of(folder, masks="masks", **given):
    given = {"out": str(folder / "out"), **given}
    return folder_jobs(str(folder / "photos"), None if masks is None else str(folder / masks), **given)


def test_folders_are_mirrored_and_formats_kept(archive, write):
    write(archive / "photos" / "q.jpg")
    write(archive / "masks" / "q.png", box=slice(2, 5))
    names = [job.name for job in jobs_of(archive, recursive=True)]
    assert names == ["p0.png", "p1.png", "p2.png", "p3.png", "q.jpg", "sub/p4.png", "sub/p5.png"]
    assert [job.name for job in jobs_of(archive)] == names[:5]
    assert [job.name for job in jobs_of(archive, format="webp")][4] == "q.webp"


def test_one_mask_serves_all(archive):
    assert {job.mask for job in jobs_of(archive, "masks/p0_mask.png")} == {
        str(archive / "masks" / "p0_mask.png")
    }


def test_without_masks_transparency_is_filled(archive):
    assert all(job.mask is None and not job.problem for job in jobs_of(archive, None))


def test_masks_beside_the_photos_are_no_photos(archive, write):
    for each in (archive / "masks").glob("*.png"):
        each.rename(archive / "photos" / each.name)
    write(archive / "photos" / "alone_mask.png")
    jobs = jobs_of(archive, "photos")
    assert [job.name for job in jobs] == ["alone_mask.png", "p0.png", "p1.png", "p2.png", "p3.png"]
    assert [job.unmasked for job in jobs] == [True, False, False, False, False]


def test_a_photo_without_a_mask_or_with_two_says_so(archive, write):
    write(archive / "photos" / "lonely.png")
    write(archive / "masks" / "p0.tif")
    jobs = {job.name: job for job in jobs_of(archive)}
    assert jobs["lonely.png"].unmasked
    assert "There is no mask for" in jobs["lonely.png"].problem
    assert "p0.tif and p0_mask.png could both be the mask" in jobs["p0.png"].problem
    assert not jobs["p0.png"].unmasked
    assert not jobs["p1.png"].problem


def test_two_photos_of_one_name_are_refused_and_the_others_not(archive, write):
    write(archive / "photos" / "p0.jpg")
    jobs = {PurePath(job.photo).name: job for job in jobs_of(archive, format="webp")}
    assert [name for name, job in jobs.items() if job.problem] == ["p0.jpg", "p0.png"]
    for name in ("p0.jpg", "p0.png"):
        assert "p0.jpg and" in jobs[name].problem
        assert "p0.png would both be written to p0.webp" in jobs[name].problem
        assert not jobs[name].unmasked
    assert not any(job.problem for job in jobs_of(archive))


def test_results_inside_the_folder_are_no_photos(archive, write):
    write(archive / "photos" / "out" / "p0.png")
    names = [job.name for job in jobs_of(archive, None, out=str(archive / "photos" / "out"), recursive=True)]
    assert names == ["p0.png", "p1.png", "p2.png", "p3.png", "sub/p4.png", "sub/p5.png"]
    with pytest.raises(RetouchError, match="holds the photos"):
        jobs_of(archive, None, out=str(archive / "photos"))


def test_where_to_borrow_from_may_be_a_folder(archive, write):
    write(archive / "avoid" / "p1.png", box=slice(0, 4))
    jobs = {job.name: job for job in jobs_of(archive, options={"avoid": str(archive / "avoid"), "dilate": 1})}
    assert jobs["p1.png"].inputs()["avoid"] == str(archive / "avoid" / "p1.png")
    assert jobs["p0.png"].options == {"dilate": 1}


def test_masks_among_the_photos_are_no_photos(archive, write):
    (archive / "masks").rename(archive / "photos" / "masks")
    stamp = write(archive / "photos" / "stamp.png", box=slice(2, 5))
    avoided = {"avoid": str(stamp)}
    names = [job.name for job in jobs_of(archive, "photos/masks", recursive=True, options=avoided)]
    assert names == ["p0.png", "p1.png", "p2.png", "p3.png", "sub/p4.png", "sub/p5.png"]
    assert len(jobs_of(archive, "photos/stamp.png", out=f"{archive}/photos/masks", recursive=True)) == 6


@pytest.mark.parametrize("what", ["masks", "avoid"])
def test_results_do_not_go_among_the_masks(archive, write, what):
    write(archive / "avoid" / "p1.png", box=slice(0, 4))
    with pytest.raises(RetouchError, match=f"holds the {what}; write the results to another folder"):
        jobs_of(archive, out=str(archive / what), options={"avoid": str(archive / "avoid")})


def test_links_that_go_round_are_followed_once(archive):
    if os.name == "nt":
        pytest.skip("links need a right of their own")
    photos = archive / "photos"
    (photos / "round").symlink_to(".")
    (photos / "sub" / "up").symlink_to("..")
    (photos / "itself.png").symlink_to("itself.png")
    (archive / "more").mkdir()
    (archive / "more" / "back").symlink_to(photos)
    (photos / "more").symlink_to(archive / "more")
    (archive / "photos" / "again").symlink_to("sub")
    names = [job.name for job in jobs_of(archive, None, recursive=True)]
    found = ["p0.png", "p1.png", "p2.png", "p3.png", "sub/p4.png", "sub/p5.png"]
    assert names == ["again/p4.png", "again/p5.png", "itself.png", *found]


def test_a_pipe_is_no_photo(archive):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes")
    os.mkfifo(archive / "photos" / "pipe.png")  # reading it would wait for ever
    (archive / "photos" / "lost.png").symlink_to("nowhere")
    assert [job.name for job in jobs_of(archive, None)][:2] == ["lost.png", "p0.png"]
    assert len(jobs_of(archive, None)) == 5
