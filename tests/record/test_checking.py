"""The own check of a record finds what a library for JSON Schema finds."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import retouch
from retouch.recording.checking import WORDS, faults
from retouch.recording.record import schema

jsonschema = pytest.importorskip("jsonschema")
# What forbids nothing, or only names what others refer to. "format" forbids nothing by the standard.
SILENT = {"$schema", "$id", "$defs", "title", "description", "format"}
STRANGE = [None, True, 5, -1, 1.5, "x", "a/b", "0" * 64, [], [5], {}, {"file": None, "sha256": None}]


def words(rules):
    """All words of a schema; the names of properties and definitions are none."""
    for word, value in rules.items():
        yield word
        if word in ("properties", "$defs"):
            for each in value.values():
                yield from words(each)
        elif word in ("allOf", "oneOf"):
            for each in value:
                yield from words(each)
        elif word in ("items", "additionalProperties"):
            yield from words(value)


def places(value, place=()):
    if place:
        yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, (*place, name))


@pytest.fixture
def record(photo_file, mask_file):
    told = retouch.fill(photo_file, mask_file, model="telea", record=True, avoid=mask_file).record
    return json.loads(json.dumps(told))


def test_all_words_of_the_schema_are_known():
    assert set(words(schema())) <= WORDS | SILENT


def test_true_is_no_one(record):
    for wrong in (True, 1.5, "1"):
        record["original"]["channels"] = wrong
        assert list(faults(record, schema(), schema())) == ["original/channels"]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=some.data())
def test_a_library_finds_the_same(record, data):
    assert not list(faults(record, schema(), schema()))
    changed = copy.deepcopy(record)
    *above, name = data.draw(some.sampled_from(list(places(record))))
    inner = changed
    for each in above:
        inner = inner[each]
    if data.draw(some.booleans()):
        inner[name] = data.draw(some.sampled_from(STRANGE))
    else:
        del inner[name]
    valid = jsonschema.Draft202012Validator(schema()).is_valid(changed)
    assert valid == (not list(faults(changed, schema(), schema())))
