"""Nothing that a client sends is an error of the server: the test client raises those."""

from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.client import area, png

from retouch.server.fills import FIELDS

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4), max_leaves=6)
SMALL = st.integers(-2, 60)
BOXES = st.lists(SMALL, min_size=3, max_size=5)
AREA = area(np.ones((8, 9), np.bool_))
AREAS = st.fixed_dictionaries({"box": BOXES, "mask": st.just(AREA["mask"]) | st.text(max_size=9)})
VALUES = ANYTHING | SMALL | BOXES | AREAS | st.sampled_from(["click", "box", "wand", "telea", AREA["mask"]])
NAMES = [*FIELDS, "kind", "points", "view", "tolerance", "path", "overwrite"]
POINTS = st.lists(st.lists(st.integers(-1, 45), min_size=2, max_size=3), max_size=3)

unhurried = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def state(client):
    return client.open(png(np.zeros((40, 40, 3), np.uint8)))


@unhurried
@given(what=st.sampled_from(["fills", "select", "undo", "redo", "save", "mask-file"]), data=st.data())
def test_any_json_is_answered(client, state, what, data):
    body = data.draw(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), VALUES, max_size=5))
    answer = client.http.post(f"/v1/photos/{state['id']}/{what}", json=_finite(body))
    assert answer.status_code in (200, 202, 400, 403, 409, 422, 429), answer.text


@unhurried
@given(
    kind=st.sampled_from(["click", "scribble", "box", "wand"]),
    points=POINTS,
    box=BOXES,
    view=st.none() | BOXES,
)
def test_any_selection_is_answered(client, state, kind, points, box, view):
    answer = client.post(state, "select", kind=kind, points=points, box=box, view=view)
    assert answer.status_code in (200, 400), answer.text


@unhurried
@given(path=st.text(max_size=20), query=st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3))
def test_any_address_is_answered(client, state, path, query):
    for place in (f"/{path}", f"/v1/{path}", f"/v1/photos/{state['id']}/{path}", "/v1/files"):
        assert client.http.get(quote(place), params=query).status_code < 500


@unhurried
@given(body=st.binary(max_size=60))
def test_any_bytes_are_answered(client, state, body):
    own = [f"/v1/photos/{state['id']}/{what}" for what in ("mask", "fills", "references")]
    for place in ("/v1/photos", *own):
        for kind in ("application/json", "image/png"):
            answer = client.http.post(place, content=body, headers={"Content-Type": kind})
            assert 400 <= answer.status_code < 500


def _finite(value):
    """JSON has no infinite numbers."""
    if isinstance(value, float):
        return value if np.isfinite(value) else 0.5
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return {name: _finite(each) for name, each in value.items()} if isinstance(value, dict) else value
