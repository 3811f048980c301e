"""The generator's promises, with `jsonschema` as the judge."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harnessgym_mcp.core.fuzz import Generator, Unsatisfiable, spoilt, violations
from harnessgym_mcp.core.schemas import problems

CURATED: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "integer", "default": "none", "examples": 7}}, "examples": [3]},
    {"type": "object"},
    {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 5}}, "required": ["n"]},
    {"type": "object", "properties": {"x": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}}},
    {"type": "object", "properties": {"x": {"type": "number", "multipleOf": 0.25, "minimum": -1, "maximum": 7}}},
    {"type": "object", "properties": {"x": {"type": "integer", "multipleOf": 7, "minimum": 50}}, "required": ["x"]},
    {"type": "object", "properties": {"s": {"type": "string", "minLength": 5, "maxLength": 9}}, "required": ["s"]},
    {"type": "object", "properties": {"s": {"pattern": "^[A-Z]{2}-\\d{3,5}(?:x|yy)?$"}}, "required": ["s"]},
    {"type": "object", "properties": {"s": {"type": "string", "pattern": "[^a-z]"}}, "required": ["s"]},
    {
        "type": "object",
        "properties": {"e": {"enum": ["a", 2, None, {"k": []}]}, "c": {"const": [1]}},
        "required": ["e", "c"],
    },
    {"type": "object", "properties": {"t": {"type": ["string", "null"]}}, "required": ["t"]},
    {"type": "object", "additionalProperties": False, "properties": {"a": {}}},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    {
        "type": "object",
        "patternProperties": {"^x-": {"type": "string"}},
        "additionalProperties": False,
        "minProperties": 1,
    },
    {"type": "object", "propertyNames": {"pattern": "^[a-z]{3}$"}, "minProperties": 2},
    {
        "type": "object",
        "properties": {"l": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "uniqueItems": True}},
        "required": ["l"],
    },
    {"type": "object", "properties": {"l": {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False}}},
    {
        "type": "object",
        "properties": {"l": {"contains": {"const": 7}, "minContains": 2, "maxContains": 3}},
        "required": ["l"],
    },
    {
        "type": "object",
        "properties": {"n": {"anyOf": [{"type": "integer"}, {"type": "string", "minLength": 2}]}},
        "required": ["n"],
    },
    {
        "type": "object",
        "properties": {"n": {"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]}},
        "required": ["n"],
    },
    {
        "type": "object",
        "allOf": [
            {"properties": {"a": {"type": "integer", "minimum": 2}}},
            {"required": ["a"]},
            {"properties": {"a": {"maximum": 4}}},
        ],
    },
    {
        "type": "object",
        "properties": {"k": {"enum": ["a", "b"]}},
        "required": ["k"],
        "if": {"properties": {"k": {"const": "a"}}},
        "then": {"required": ["x"]},
        "else": {"required": ["y"]},
    },
    {"type": "object", "properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}},
    {"type": "object", "properties": {"n": {"not": {"type": "string"}}}, "required": ["n"]},
    {
        "type": "object",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
                "required": ["v"],
            }
        },
        "properties": {"head": {"$ref": "#/$defs/node"}},
        "required": ["head"],
    },
    {
        "$ref": "#/$defs/a",
        "type": "object",
        "$defs": {
            "a": {"properties": {"z": {"$ref": "#/$defs/b"}}, "required": ["z"]},
            "b": {"type": "array", "items": {"type": "boolean"}, "minItems": 1},
        },
    },
    {
        "type": "object",
        "properties": {
            "when": {"type": "string", "format": "date-time"},
            "mail": {"type": "string", "format": "email"},
        },
    },
    {
        "type": "object",
        "properties": {
            "deep": {
                "type": "object",
                "properties": {
                    "er": {
                        "type": "object",
                        "properties": {"est": {"type": "array", "items": {"type": "object", "required": ["k"]}}},
                        "required": ["est"],
                    }
                },
                "required": ["er"],
            }
        },
    },
]


def _valid(schema: dict[str, Any], value: Any) -> bool:
    return Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("schema", CURATED, ids=lambda s: json.dumps(s)[:60])
def test_values_of_the_first_kind_validate_and_of_the_second_do_not(schema):
    assert problems(schema) == []
    generator = Generator(schema, 1)
    for _ in range(60):
        value = generator.value()
        assert _valid(schema, value), value
    for seed in range(5):
        for bad in spoilt(schema, seed):
            assert not _valid(schema, bad.value), bad


@pytest.mark.parametrize("schema", CURATED, ids=lambda s: json.dumps(s)[:60])
def test_the_same_seed_gives_the_same_values(schema):
    def take(seed):
        generator = Generator(schema, seed)
        return [generator.value() for _ in range(20)]

    assert take(3) == take(3)


@pytest.mark.parametrize(
    ("schema", "faults"),
    [
        (
            {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}, "required": ["n"]},
            {
                "'n' is missing",
                "'n' is of type string",
                "'n' is against minimum 0",
                "'n' is no whole number",
                "'n' is of type null",
            },
        ),
        ({"type": "object", "properties": {"e": {"enum": ["a"]}}}, {"'e' is none of the choices"}),
        ({"type": "object", "properties": {}, "additionalProperties": False}, {"'no_such_argument' is unknown"}),
    ],
)
def test_near_valid_values_have_each_usual_fault(schema, faults):
    assert faults <= {bad.what for bad in spoilt(schema)}


def test_examples_and_defaults_are_tried_where_they_are_valid():
    name = {"type": "string", "minLength": 3, "examples": ["notes.txt", "x", 7], "default": "readme.md"}
    schema = {"type": "object", "properties": {"name": name}, "required": ["name"], "examples": [{"name": "whole"}, {}]}
    generator = Generator(schema)
    values = [generator.value()["name"] for _ in range(60)]
    assert {"notes.txt", "readme.md", "whole"} < set(values)
    assert len(set(values)) > 10
    assert all(isinstance(v, str) and len(v) >= 3 for v in values)


def test_patterns_in_the_spelling_of_ecmascript_are_read():
    schema = {"type": "object", "properties": {"s": {"pattern": "^(?<year>\\d{4})\\/\\w+$"}}, "required": ["s"]}
    value = Generator(schema).value()["s"]
    assert (len(value.split("/")[0]), violations(schema, {"s": value})) == (4, [])


def test_a_schema_without_values_is_told():
    with pytest.raises(Unsatisfiable):
        Generator({"type": "object", "properties": {"a": False}, "required": ["a"]}).value()
    endless = {"type": "object", "properties": {"n": {"$ref": "#"}}, "required": ["n"]}
    with pytest.raises(Unsatisfiable):
        Generator(endless).value()


_scalar = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text("abx1", max_size=4))
_json = st.recursive(
    _scalar, lambda c: st.one_of(st.lists(c, max_size=3), st.dictionaries(st.sampled_from("abc"), c)), max_leaves=6
)
_bound = st.integers(0, 4)
_schema: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"]),
                "enum": st.lists(_json, min_size=1, max_size=3),
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("integer")},
            optional={"minimum": st.integers(-4, 4), "maximum": st.integers(0, 9), "multipleOf": st.integers(1, 4)},
        ),
        st.fixed_dictionaries(
            {"type": st.just("string")},
            optional={
                "minLength": _bound,
                "maxLength": st.integers(4, 8),
                "pattern": st.sampled_from(["^a+$", "[0-9]{2}", "x|y", "b$"]),
            },
        ),
        st.booleans(),
    ),
    lambda child: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object")},
            optional={
                "properties": st.dictionaries(st.sampled_from("abc"), child, max_size=3),
                "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
                "additionalProperties": child,
                "minProperties": st.integers(0, 2),
                "maxProperties": st.integers(2, 4),
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("array")},
            optional={
                "items": child,
                "prefixItems": st.lists(child, min_size=1, max_size=2),
                "minItems": st.integers(0, 2),
                "maxItems": st.integers(2, 4),
                "uniqueItems": st.booleans(),
                "contains": child,
            },
        ),
        st.fixed_dictionaries(
            {},
            optional={
                "anyOf": st.lists(child, min_size=1, max_size=2),
                "oneOf": st.lists(child, min_size=1, max_size=2),
                "allOf": st.lists(child, min_size=1, max_size=2),
                "not": child,
                "if": child,
                "then": child,
            },
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(_schema, _json)
def test_the_validator_agrees_with_jsonschema(schema, value):
    assert (violations(schema, value) == []) == _valid(schema, value)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), _schema, max_size=3), st.integers(0, 99))
def test_any_schema_gives_values_that_jsonschema_judges_alike(properties, seed):
    schema = {"type": "object", "properties": properties, "required": sorted(properties)[:1]}
    generator = Generator(schema, seed)
    try:
        assert all(_valid(schema, generator.value()) for _ in range(5))
    except Unsatisfiable:
        pass
    assert not any(_valid(schema, bad.value) for bad in spoilt(schema, seed))


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"properties": {}}, ""),
        ({"type": "array"}, ""),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, ".properties.a.type"),
        ({"type": "object", "properties": {"a": {"enum": []}}}, ".properties.a.enum"),
        ({"type": "object", "properties": {"a": {"pattern": "("}}}, ".properties.a.pattern"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/no"}}}, ".properties.a.$ref"),
        ({"type": "object", "properties": {"a": {"$ref": "https://example.com/s"}}}, ".properties.a.$ref"),
        ({"type": "object", "properties": {"a": "string"}}, ".properties.a"),
        ({"type": "object", "required": "a"}, ".required"),
        ({"type": "object", "properties": {"a": {"minimum": "3"}}}, ".properties.a.minimum"),
        ({"type": "object", "properties": ["a"]}, ".properties"),
    ],
)
def test_an_illegal_schema_is_told_with_its_place(schema, where):
    assert where in [place for place, _ in problems(schema)]


def test_a_schema_nested_without_end_is_told():
    schema: dict[str, Any] = {}
    for _ in range(500):
        schema = {"type": "object", "properties": {"a": schema}}
    assert any("nested" in what for _, what in problems(schema))
