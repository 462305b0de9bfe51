"""A result is signed as an edit of its photo, and nothing in it shows what was removed."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from tests.imaging.test_imaging_gain_maps import hdr, scene, ultra_hdr

import retouch
from retouch.imaging import photo_from_array, read_photo, write_photo
from retouch.imaging.provenance import HUMAN_EDITS, WITH_TRAINED
from retouch.recording.signing import read_identity

c2pa = pytest.importorskip("c2pa")


def read(data, kind, root=None):
    """The manifest store of a file, and its state; with a root, whether the signer is trusted too."""
    trust = {} if root is None else {"trust": {"trust_anchors": root.decode()}}
    with c2pa.Reader(f"image/{kind}", io.BytesIO(data), context=c2pa.Context.from_dict(trust)) as reader:
        return json.loads(reader.json()), reader.get_validation_state()


def actions(store):
    manifest = store["manifests"][store["active_manifest"]]
    (found,) = [each for each in manifest["assertions"] if each["label"].startswith("c2pa.actions")]
    return found["data"]["actions"]


def encoded(photo, format):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, format)
    return file.getvalue()


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp", "avif", "heic"])
def test_a_result_is_an_edit_of_its_photo(format, photo, hole, identity):
    if format == "heic":
        pytest.importorskip("pillow_heif")
    *sign, root = identity
    given = write_photo(photo_from_array(photo), None, format=format)
    result = retouch.fill(given, hole, model="telea", sign=tuple(sign))
    store, state = read(result.image, format, root)
    assert state == "Trusted"
    opened, edited = actions(store)
    assert opened["action"] == "c2pa.opened"
    assert (edited["action"], edited["digitalSourceType"]) == ("c2pa.edited", HUMAN_EDITS)
    (parent,) = store["manifests"][store["active_manifest"]]["ingredients"]
    assert (parent["relationship"], parent["format"]) == ("parentOf", f"image/{format}")
    # Nothing but the signature is added: the picture and what is said of it stay.
    plain = read_photo(retouch.fill(given, hole, model="telea", record=True).image)
    signed = read_photo(result.image)
    assert np.array_equal(signed.pixels, plain.pixels)
    assert b"humanEdits" in signed.header.xmp


def test_a_change_afterwards_is_found(photo, hole, identity):
    result = retouch.fill(encoded(photo, "png"), hole, model="telea", sign=identity[:2])
    data = bytearray(result.image)
    data[data.rindex(b"IDAT") + 40] ^= 1
    assert read(bytes(data), "png")[1] == "Invalid"


def test_the_parents_credentials_go_on_and_its_thumbnails_do_not(photo, hole, identity):
    chain, key, _ = identity
    given = encoded(photo, "jpeg")
    information = c2pa.C2paSignerInfo("es256", chain.read_bytes(), key.read_bytes(), None)
    taken = io.BytesIO()
    with (
        c2pa.Signer.from_info(information) as signer,
        c2pa.Builder({}) as builder,
    ):  # with thumbnails, as usual
        builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CAPTURE)
        builder.sign(signer, "image/jpeg", io.BytesIO(given), taken)
    given = taken.getvalue()
    assert "thumbnail" in json.dumps(read(given, "jpeg")[0])

    result = retouch.fill(given, hole, model="telea", sign=identity[:2])
    assert result.notes == ()
    store, state = read(result.image, "jpeg")
    assert state == "Valid"
    assert len(store["manifests"]) == 2
    assert [each["action"] for each in actions(store)] == ["c2pa.opened", "c2pa.edited", "c2pa.redacted"]
    assert not any(
        "thumbnail" in each
        for manifest in store["manifests"].values()
        for each in (manifest, *manifest.get("ingredients", ()))
    )
    assert result.image.count(b"JFIF") == given.count(b"\xff\xe0\x00\x10JFIF") - 1 == 1


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp", "avif", "heic"])
def test_without_a_signature_they_go_and_it_is_said(format, photo, hole, identity):
    if format == "heic":
        pytest.importorskip("pillow_heif")
    plain = write_photo(photo_from_array(photo), None, format=format)
    given = retouch.fill(plain, hole, model="telea", sign=identity[:2]).image
    assert read(given, format)[1] == "Valid"
    unsigned = retouch.fill(given, hole, model="telea")
    assert unsigned.notes[-1].startswith("The photo's content credentials (C2PA) do not hold")
    with pytest.raises(c2pa.C2paError, match="ManifestNotFound"):
        read(unsigned.image, format)
    assert b"c2pa" not in unsigned.image
    unchanged = retouch.fill(given, np.zeros_like(hole))
    assert (unchanged.image, unchanged.notes) == (given, ())


@pytest.mark.parametrize("iso", [False, True])
def test_a_gain_map_still_works(iso, identity):
    hole = np.zeros((96, 128), np.uint8)
    hole[10:20, 10:20] = 255
    given = ultra_hdr(*scene(), iso=iso)
    result = retouch.fill(given, hole, model="telea", sign=identity[:2])
    assert read(result.image, "jpeg")[1] == "Valid"
    np.testing.assert_array_equal(hdr(result.image), hdr(retouch.fill(given, hole, model="telea").image))


def test_a_network_is_said(photo, hole, identity, weights_file):
    result = retouch.fill(encoded(photo, "png"), hole, model=weights_file, sign=identity[:2])
    assert actions(read(result.image, "png")[0])[1]["digitalSourceType"] == WITH_TRAINED


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "p384", "p521"])
def test_other_keys(kind, photo, hole, tmp_path, make_chain):
    chain, key, root = make_chain(tmp_path, kind)
    result = retouch.fill(encoded(photo, "png"), hole, model="telea", sign=(chain, key))
    assert read(result.image, "png", root)[1] == "Trusted"


def test_on_the_command_line(run, photo_file, mask_file, tmp_path, identity):
    chain, key, _ = identity
    words = ("fill", photo_file, mask_file, "--model", "telea", "--record", "--sign", chain, key)
    assert run(*words).code == 0
    out = tmp_path / "photo-filled.png"
    assert read(out.read_bytes(), "png")[1] == "Valid"
    record = json.loads(out.with_suffix(".json").read_text())
    assert record["result"]["signed"]
    assert run("replay", out.with_suffix(".json")).code == 0


def test_what_cannot_sign_is_said_before_the_work(
    run, photo, photo_file, mask_file, tmp_path, identity, make_chain
):
    chain, key, _ = identity
    (tmp_path / "other").mkdir()
    (tmp_path / "locked").mkdir()
    other = make_chain(tmp_path / "other")[1]
    locked_chain, locked, _ = make_chain(tmp_path / "locked", password=b"secret")
    Image.fromarray(photo).save(tmp_path / "photo.bmp")
    for sign, picture, sentence in (
        ((chain, other), photo_file, "is not the key of the first certificate"),
        ((locked_chain, locked), photo_file, "is protected with a password"),
        ((key, key), photo_file, "holds no certificate in PEM"),
        ((chain, chain), photo_file, "holds no private key in PEM"),
        ((chain, tmp_path / "none.pem"), photo_file, "cannot be read"),
        ((chain, key), tmp_path / "photo.bmp", "cannot name a photo of the format BMP as the parent"),
    ):
        done = run("fill", picture, mask_file, "-o", tmp_path / "out.png", "--sign", *sign)
        assert (done.code, sentence in done.err, done.err.count("\n")) == (2, True, 1), done.err
        assert not (tmp_path / "out.png").exists()
    done = run("fill", photo_file, mask_file, "--tsa", "http://127.0.0.1:9/")
    assert "add --sign CERT KEY" in done.err
    with pytest.raises(retouch.RetouchError, match="sign= signs files"):
        retouch.fill(photo, photo[..., 0] > 200, sign=(chain, key))


def test_no_answer_from_the_authority_writes_nothing(run, photo_file, mask_file, tmp_path, identity):
    words = ("fill", photo_file, mask_file, "--model", "telea", "--sign", *identity[:2])
    done = run(*words, "--tsa", "http://127.0.0.1:9/")
    assert done.code == 2
    assert "could not sign the result" in done.err
    assert not (tmp_path / "photo-filled.png").exists()


def test_an_empty_mask_needs_no_signature(photo, identity):
    given = encoded(photo, "png")
    result = retouch.fill(given, np.zeros(photo.shape[:2], bool), sign=identity[:2])
    assert result.image == given


def test_without_the_package(monkeypatch, identity):
    import sys

    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(retouch.RetouchError, match=r"pip install '\.\[c2pa\]'"):
        read_identity(*identity[:2])
