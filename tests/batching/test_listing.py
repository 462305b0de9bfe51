from pathlib import Path

import pytest

from retouch import RetouchError
from retouch.api.arguments import DEFAULTS, InpaintArguments
from retouch.api.restoring import DEFAULTS as RESTORE_DEFAULTS
from retouch.api.restoring import RestoreArguments
from retouch.batching.jobs import MASKS, NOT_HERE, OPTIONS, RESTORING
from retouch.batching.listing import item_jobs, table_jobs


@pytest.fixture
def table(tmp_path):
    def table(text: str, **given):
        path = tmp_path / "list.csv"
        path.write_bytes(text.encode())
        return table_jobs(path, **given)

    return table


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_table_names_photos_masks_and_options(table, tmp_path, between):
    text = (
        "\ufeffphoto,mask,dilate,invert_mask,options,lines\n"
        "a.png,m.png,4,yes,patch=7 planes=no,l.png\nsub/b.jpg,,,,,\n"
    )
    first, second = table(text.replace(",", between))
    assert (first.photo, first.mask, first.name) == (
        str(tmp_path / "a.png"),
        str(tmp_path / "m.png"),
        "a.png",
    )
    assert first.options == {
        "dilate": 4,
        "invert_mask": True,
        "options": {"patch": "7", "planes": "no"},
        "lines": str(tmp_path / "l.png"),
    }
    assert (second.mask, second.name, second.options) == (None, "sub/b.jpg", {})


def test_columns_may_have_the_dashes_of_the_command_line(table):
    [job] = table("photo,--resize-mask,trust-mask\na.png,yes,yes\n")
    assert job.options == {"resize_mask": True, "trust_mask": True}
    with pytest.raises(RetouchError, match="the column resize_mask twice"):
        table("photo,--resize-mask,resize_mask\na.png,yes,yes\n")


def test_a_row_goes_before_what_is_asked_of_all(table):
    first, second = table(
        "photo,dilate,model\na.png,0,\nb.png,,telea\n", options={"dilate": 3, "model": "exemplar"}
    )
    assert first.options == {"model": "exemplar"}
    assert second.options == {"dilate": 3, "model": "telea"}


def test_a_photo_may_come_twice_with_names_of_its_own(table):
    jobs = table("photo,mask,output\na.png,1.png,one/a.png\na.png,2.png,two.jpg\n", format="webp")
    assert [job.name for job in jobs] == ["one/a.png", "two.jpg"]
    with pytest.raises(RetouchError, match=r"would both be written to a\.png"):
        table("photo,mask\na.png,1.png\na.png,2.png\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column photo"),
        ("picture\na.png\n", "no column photo"),
        ("photo,dilate\na.png,much\n", "line 2: The option dilate takes a whole number, not 'much'"),
        ("photo,refine\na.png,1\nb.png,perhaps\n", "line 3: The option refine takes yes or no"),
        ("photo,wrap\na.png,up\n", "line 2: The option wrap is one of auto, none, horizontal, both"),
        ("photo,colour\na.png,red\n", "line 2: A batch has no option 'colour'"),
        ("photo,options\na.png,patch\n", "line 2: The column options takes NAME=VALUE"),
        ("photo,mask\n,m.png\n", "line 2 names no photo"),
        ("photo\na.png,b.png\n", "line 2 has more cells"),
        ("photo,mask, mask\na.png,b.png,c.png\n", "has the column mask twice"),
        ("photo\na\0.png\n", "is no text"),
        ('photo\n"a.png\n', "is no CSV"),
        ("photo,output\na.png,.retouch-batch/a.png\n", "is a name for the journal"),
        ("photo,output\na.png,../a.png\n", "line 2: The output ../a.png leaves the folder"),
        ("photo,output\na.png,/a.png\n", "leaves the folder"),
    ],
)
def test_a_wrong_row_is_named(table, text, says):
    with pytest.raises(RetouchError) as refused:
        table(text)
    assert says in str(refused.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_in_quotes_and_none_at_the_end(table, tmp_path, end):
    first, second = table(end.join(["photo,output,", '"a\nb.png",c.png,', "", "d\u2028e.png,,"]))
    assert (first.photo, first.name) == (str(tmp_path / "a\nb.png"), "c.png")
    assert second.name == "d\u2028e.png"


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"photo\n\xff\xfe")
    with pytest.raises(RetouchError, match="no UTF-8"):
        table_jobs(tmp_path / "list.csv")
    with pytest.raises(RetouchError, match="cannot be read"):
        table_jobs(tmp_path / "none.csv")


def test_names_do_not_depend_on_the_other_photos(table, tmp_path):
    other = tmp_path.parent / "elsewhere" / "x.png"
    (alone,) = table(f"photo\n{other}\n")
    both = table(f"photo\n{other}\na.png\ns3://bucket/folder/y.png\n")
    assert alone.name == other.as_posix().removeprefix(other.anchor)
    assert [job.name for job in both] == [alone.name, "a.png", "bucket/folder/y.png"]


def test_items_of_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jobs = item_jobs(
        ["a.png", ("b.png", "m.png"), {"photo": Path("c.png"), "mask": None, "dilate": 2, "output": "d.png"}],
        options={"model": "telea"},
    )
    assert [(job.photo, job.mask, job.name) for job in jobs] == [
        ("a.png", None, "a.png"),
        ("b.png", "m.png", "b.png"),
        ("c.png", None, "d.png"),
    ]
    assert jobs[2].options == {"model": "telea", "dilate": 2}


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (5, "An item of a batch is"),
        (("a.png", "b.png", "c.png"), "An item of a batch is"),
        ({"mask": "a.png"}, "An item of a batch is"),
        ({"photo": "a.png", "mask": 5}, "An item of a batch is"),
        ({"photo": "a.png", "output": 5}, "An item of a batch is"),
        ({"photo": "a.png", "model": object()}, "must be a name, a file or a number, not a object"),
        ({"photo": "a.png", "in_place": True}, "no option 'in_place'"),
    ],
)
def test_what_is_no_item_is_refused(item, says):
    with pytest.raises(RetouchError, match=says):
        item_jobs([item])


def test_it_is_decided_of_each_argument_of_fill_whether_a_batch_has_it():
    undecided = set(DEFAULTS) - set(OPTIONS) - set(NOT_HERE)
    assert not undecided, "Add them to _OF_FILL, and say in docs/batch.md what they do; or to NOT_HERE."
    assert not set(OPTIONS) & set(NOT_HERE)


def test_restoring_has_what_a_batch_of_scans_hands_over():
    assert RESTORING - {"restore"} <= set(RESTORE_DEFAULTS)


def test_each_option_is_of_a_kind_that_a_table_can_hold():
    """A list or a pair would be read as one text; a file that is not in MASKS would be no input."""
    told = {**RestoreArguments.__annotations__, **InpaintArguments.__annotations__}
    kinds = {name: kind.__forward_arg__ for name, kind in told.items()}
    assert {name for name in OPTIONS if "Picture" in kinds.get(name, "")} == set(MASKS)
    for name in set(OPTIONS) & set(kinds) - {*MASKS, "options", "sensitivity", "report"}:
        assert kinds[name].startswith(("bool", "int", "str", "Literal")), f"read_option cannot read {name}"
