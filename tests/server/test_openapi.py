import re

import numpy as np
import pytest
from starlette.routing import Route
from tests.server.client import area, png

from retouch.server.openapi import SCHEMAS, describe
from retouch.server.operations import OPERATIONS


@pytest.fixture
def description(client):
    return client.http.get("/v1/openapi.json").json()


def test_every_route_is_described(client, description):
    described = {
        (method.upper(), path) for path, operations in description["paths"].items() for method in operations
    }
    routes = {
        (method, re.sub(r"{(\w+):\w+}", r"{\1}", route.path))
        for route in client.http.app.routes
        if isinstance(route, Route) and route.path.startswith("/v1/")
        for method in route.methods - {"HEAD"}
    }
    assert routes == described
    assert len(routes) == len(OPERATIONS)


def test_every_schema_is_there_and_used():
    text = str(describe(OPERATIONS))
    named = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert named == set(SCHEMAS)


def test_operations_have_names_and_summaries_of_their_own(description):
    operations = [each for path in description["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names)
    assert all(each["summary"].endswith(".") for each in operations)


def fits(value, schema):
    """Whether a value is what a schema of ours says; an independent, small reader of JSON Schema."""
    if "$ref" in schema:
        return fits(value, SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return any(fits(value, each) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kinds = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "array": list,
        "object": dict,
        "null": type(None),
    }
    if not isinstance(value, kinds[schema["type"]]):
        return False
    if schema["type"] == "object":
        known = schema.get("properties", {})
        if not set(schema.get("required", ())) <= set(value):
            return False
        others = schema.get("additionalProperties", {} if not known else None)
        unknown = [each for name, each in value.items() if name not in known]
        if unknown and (not others or not all(fits(each, others) for each in unknown)):
            return False
        return all(fits(value[name], known[name]) for name in value if name in known)
    if schema["type"] == "array":
        return all(fits(each, schema["items"]) for each in value)
    return "minimum" not in schema or value >= schema["minimum"]


def test_answers_are_what_the_description_says(client, photo, hole):
    state = client.open(png(photo))
    job = client.start(state, **area(hole))
    running = client.http.get(f"/v1/jobs/{job}").json()
    answers = {
        "Info": [client.http.get("/v1/info").json()],
        "Photo": [state, client.state(state)],
        "Job": [running, *(told for _, told in client.events(job))],
        "Source": [
            client.get(state, "source", x=45, y=55).json(),
            client.get(state, "source", x=0, y=0).json(),
        ],
        "Area": [client.post(state, "select", kind="wand", points=[[3, 3, 1]]).json()],
        "ReadMask": [
            client.http.post(f"/v1/photos/{state['id']}/mask", content=png(np.zeros_like(hole))).json()
        ],
        "Error": [client.get(state, "nothing").json(), client.http.get("/v1/jobs/x").json()],
    }
    answers["Photo"].append(client.state(state))
    for name, values in answers.items():
        for value in values:
            assert fits(value, SCHEMAS[name]), (name, value)
    assert not fits({"error": "text"}, SCHEMAS["Error"])
