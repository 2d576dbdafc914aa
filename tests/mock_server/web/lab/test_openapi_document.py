"""The OpenAPI document: valid, complete, and made from what the code has."""

import re
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from mock_server import profile
from mock_server.cloud import Cloud
from mock_server.faults import chaos
from mock_server.faults.catalogue import CATALOGUE
from mock_server.history.events import SCHEMA_VERSION
from mock_server.lab_client import LabClient
from mock_server.web.data_plane.api import create_api
from mock_server.web.lab.app import create_lab
from mock_server.web.lab.openapi_document import openapi
from mock_server.web.server import Server
from tests.support import ADDRESSES

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document() -> Any:
    """The document of a server at the default addresses."""
    return openapi(ADDRESSES)


def operations(document: Any) -> dict[tuple[str, str], Any]:
    """Every operation by path and method."""
    return {
        (path, method): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def routes(app: Any) -> set[tuple[str, str]]:
    """What a Flask application serves, with the names of variable parts left out."""
    return {
        (re.sub("<[^>]*>", "{}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD"}
    }


def test_it_is_valid(document: Any) -> None:
    """The document is valid OpenAPI 3.1 by the specification's own schema."""
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(document)] == []


def test_it_lists_every_route_and_no_other(document: Any) -> None:
    """What both planes serve is what the document says."""
    listed = {(re.sub("{[^}]*}", "{}", path), method) for path, method in operations(document)}
    assert listed == routes(create_api(Cloud())) | routes(create_lab(Cloud(), lambda: ADDRESSES))


def test_every_path_says_where_it_is_served(document: Any) -> None:
    """The vendor's calls are at the API's address, everything else at the lab plane's."""
    for path, item in document["paths"].items():
        assert item["servers"][0]["url"] == (ADDRESSES.api if path.startswith("/v1.0/") else ADDRESSES.lab)


def test_every_operation_has_a_name_and_a_summary(document: Any) -> None:
    """Names are there and differ, so that clients can be generated."""
    named = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(named)) == len(named)
    assert all(operation["summary"] for operation in operations(document).values())


def test_the_vendor_answers_200_only(document: Any) -> None:
    """The data plane has one status."""
    for (path, _), operation in operations(document).items():
        if path.startswith("/v1.0/"):
            assert set(operation["responses"]) == {"200"}


def test_every_reference_resolves(document: Any) -> None:
    """No reference leads nowhere, and no schema is there in vain."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(each)
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            found.add(value["$ref"])

    walk(document)
    for reference in found:
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert schemas - found == {"#/components/schemas/HistoryLine", "#/components/schemas/HistoryReset"}


def examples(document: Any) -> list[tuple[Any, Any]]:
    """Every example of a body with its schema."""
    contents = [
        content
        for operation in operations(document).values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    return [(content["schema"], each["value"]) for content in contents for each in content.get("examples", {}).values()]


def test_examples_are_right(document: Any) -> None:
    """Every example of a body is what its schema wants."""
    assert examples(document)
    for schema, example in examples(document):
        whole = schema | {"components": document["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(example)


def test_enumerations_come_from_the_code(document: Any) -> None:
    """Faults, presets and open points are those that there are."""
    schemas = document["components"]["schemas"]
    kinds = [kind for variant in schemas["Fault"]["oneOf"] for kind in variant["properties"]["kind"]["enum"]]
    assert sorted(kinds) == sorted(CATALOGUE)
    assert schemas["Chaos"]["oneOf"][0]["enum"] == list(chaos.PRESETS)
    points = schemas["Profile"]["oneOf"][1]["properties"]
    assert list(points) == ["base", *(point.name for point in profile.open_points())]
    assert document["x-history-schema-version"] == SCHEMA_VERSION


def test_it_is_served(lab: LabClient, lab_server: Server) -> None:
    """`/openapi.json` is the document of the server that answers."""
    assert lab.call("GET", "/openapi.json") == openapi(lab_server.addresses())
