"""The API's OpenAPI document, and what its reference page shows of it."""

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.urls import reverse
from ninja import NinjaAPI

PROBLEM_STATUSES = {
    "401": "Not logged in",
    "403": "Lacks scope or permission",
    "404": "Not there",
    "429": "Too many requests",
}
MAX_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a property of a shape."""

    name: str
    kind: str
    description: str
    required: bool
    place: str = ""
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the reference."""

    ident: str
    method: str
    path: str
    summary: str
    description: str
    scopes: list[str]
    permission: str
    parameters: list[Field]
    body: str
    status: str
    shape: str
    curl: str
    example: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operations under one tag."""

    name: str
    operations: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema and its properties."""

    name: str
    description: str
    fields: list[Field]


@cache
def document(api: NinjaAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document, with problem responses and examples filled in."""
    made: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    from catalog_app.api.schemas import Problem

    made["components"]["schemas"]["Problem"] = Problem.model_json_schema(by_alias=True)
    for operations in made["paths"].values():
        for operation in operations.values():
            for status, text in PROBLEM_STATUSES.items():
                operation["responses"].setdefault(status, {"description": text, "content": problem})
            for response in operation["responses"].values():
                for media in response.get("content", {}).values():
                    media.setdefault("example", example(made, media["schema"]))
    return made


def page(api: NinjaAPI, origin: str) -> dict[str, Any]:
    """What the reference page shows: groups of operations, then the shapes."""
    made = document(api)
    groups: dict[str, Group] = {}
    for path, methods in made["paths"].items():
        for method, details in methods.items():
            name = details.get("tags", ["Other"])[0]
            groups.setdefault(name, Group(name)).operations.append(_operation(made, method, path, details, origin))
    shapes = [_shape(name, schema) for name, schema in sorted(made["components"]["schemas"].items())]
    return {
        "info": made["info"],
        "groups": list(groups.values()),
        "shapes": [shape for shape in shapes if shape.fields],
        "base": reverse("api:api-root"),
        "origin": origin,
    }


def example(made: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Any:
    """An example of a schema: what it names itself, else one made of its properties."""
    if "$ref" in schema:
        return example(made, made["components"]["schemas"][schema["$ref"].rpartition("/")[2]], depth)
    named = [*schema.get("examples", []), *schema.get("enum", [])]
    if schema.get("type") != "array":
        named += [schema["default"]] if schema.get("default") is not None else []
    choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
    if named or choices:
        return named[0] if named else example(made, choices[0], depth)
    if schema.get("type") == "array":
        return [example(made, schema["items"], depth + 1)] if schema.get("items") and depth < MAX_DEPTH else []
    if "properties" in schema:
        return {name: example(made, part, depth + 1) for name, part in schema["properties"].items()}
    plain = {"integer": 0, "number": 0.98, "boolean": False, "object": {}, "string": "text"}
    return plain.get(schema.get("type", ""))


def _operation(made: dict[str, Any], method: str, path: str, details: dict[str, Any], origin: str) -> Operation:
    status, response = next((code, r) for code, r in details["responses"].items() if code.startswith("2"))
    media: dict[str, Any] = next(iter(response.get("content", {}).values()), {})
    body: dict[str, Any] = next(iter(details.get("requestBody", {}).get("content", {}).values()), {})
    return Operation(
        ident=details["operationId"],
        method=method.upper(),
        path=path,
        summary=details.get("summary", ""),
        description=_plain(details),
        scopes=details.get("x-scopes", []),
        permission=details.get("x-permission", ""),
        parameters=[_parameter(parameter) for parameter in details.get("parameters", [])],
        body=json.dumps(example(made, body["schema"]), indent=2) if body else "",
        status=status,
        shape=_reference(media.get("schema", {})),
        curl=_curl(method, path, details, origin, bool(body)),
        example=json.dumps(media["example"], indent=2, ensure_ascii=False) if "example" in media else "",
    )


def _curl(method: str, path: str, details: dict[str, Any], origin: str, has_body: bool) -> str:
    address = path
    for parameter in details.get("parameters", []):
        if parameter["in"] == "path":
            values = {"instrument": "EURUSD.SIM", "store_id": "1"}
            value = values.get(parameter["name"], "3f0c1d1e-6a0b-4d6e-9f43-0a6c5d9b8e21")
            address = address.replace(f"{{{parameter['name']}}}", value)
    verb = "" if method == "get" else f" -X {method.upper()}"
    sends = " \\\n  -H 'Content-Type: application/json' -d @request.json" if has_body else ""
    return f"curl{verb} -H \"Authorization: Bearer $TOKEN\" \\\n  '{origin}{address}'{sends}"


def _shape(name: str, schema: dict[str, Any]) -> Shape:
    required = set(schema.get("required", []))
    fields = [
        Field(key, _kind(part), _plain(part), key in required, shape=_reference(part))
        for key, part in schema.get("properties", {}).items()
    ]
    return Shape(name, _plain(schema), fields)


def _parameter(parameter: dict[str, Any]) -> Field:
    schema = parameter["schema"]
    return Field(parameter["name"], _kind(schema), _plain(parameter), parameter["required"], parameter["in"])


def _plain(described: dict[str, Any]) -> str:
    """The description as plain text: the document's is Markdown."""
    return str(described.get("description", "")).replace("`", "")


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    kind = str(schema.get("format") or schema.get("type") or "any")
    bounds = [f"{sign} {schema[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    return f"{kind} {' '.join(bounds)}".strip()


def _reference(schema: dict[str, Any]) -> str:
    for part in (schema, schema.get("items", {}), *schema.get("anyOf", [])):
        if "$ref" in part:
            return str(part["$ref"].rpartition("/")[2])
    return ""
