"""Sources as they are read, never run."""

import ast

import pytest

from harnessgym_mcp.qualify.checks.sources import (
    imports,
    installs,
    machine_paths,
    node_imports,
    parse_python,
    reachable,
    undeclared,
)


def _missing(source, local=(), declared=()):
    return [item.what for item in undeclared(imports(ast.parse(source)), local, declared)]


@pytest.mark.parametrize(
    ("source", "declared"),
    [
        ("import os, json.decoder\nfrom collections import abc", ()),
        ("import numpy as np", ("numpy",)),
        ("from PIL import Image", ("pillow",)),
        ("import yaml", ("PyYAML",)),
        ("from sklearn import svm", ("scikit_learn",)),
        ("import google.protobuf", ("protobuf",)),
        ("import dateutil.parser", ("python-dateutil",)),
        ("import my_package", ("my-package",)),
        ("from . import sibling", ()),
        ("try:\n    import fast\nexcept ImportError:\n    fast = None", ()),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import heavy", ()),
    ],
)
def test_what_is_provided_is_not_missing(source, declared):
    assert _missing(source, declared=declared) == []


def test_what_nobody_provides_is_missing_even_within_a_function():
    source = "import helper\ndef f():\n    import pandas.io\n    from torch import nn"
    assert _missing(source, local=("helper",), declared=("numpy",)) == ["pandas.io", "torch"]


def test_a_guard_against_another_error_is_no_guard():
    assert _missing("try:\n    import fast\nexcept ValueError:\n    pass") == ["fast"]


def test_only_what_the_entry_needs_is_reached():
    sources = {
        "server.py": "from pkg import part\nimport util",
        "util.py": "",
        "pkg/__init__.py": "",
        "pkg/part.py": "from .deep import x\nfrom ..other import y",
        "pkg/deep.py": "",
        "tests/test_it.py": "import pytest",
    }
    modules = {path: ast.parse(text) for path, text in sources.items()}
    assert set(reachable(["server.py"], modules)) == {
        "server.py",
        "util.py",
        "pkg/__init__.py",
        "pkg/part.py",
        "pkg/deep.py",
    }


@pytest.mark.parametrize(
    "line",
    ['open("/home/alice/data.json")', 'P = "/Users/bob/x"', 'X = ["/root/y"]', 'W = "C:\\\\Users\\\\eve\\\\z"'],
)
def test_paths_of_a_person_are_found(line):
    assert [item.line for item in machine_paths(ast.parse(line))] == [1]


@pytest.mark.parametrize(
    "line",
    [
        '"""Reads /home/alice/data.json."""',
        'T = {"description": "/home/user/file.txt", "examples": ["/home/user/a"]}',
        'if p.startswith("/home/"): pass',
        'open("/usr/share/dict/words")',
        'field(default="/home/user/x")',
        'print("see /home/alice for more")',
    ],
)
def test_paths_that_are_only_spoken_of_pass(line):
    assert list(machine_paths(ast.parse(line))) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('subprocess.run([sys.executable, "-m", "pip", "install", "x"])', True),
        ('os.system("pip3 install x")', True),
        ('subprocess.check_call("npm install", shell=True)', True),
        ("pip.main(['install', 'x'])", True),
        ('print("run pip install x")', False),
        ('raise RuntimeError("pip install x")', False),
        ('subprocess.run(["make", "install"])', False),
    ],
)
def test_installers_are_calls_not_words(line, found):
    assert bool(list(installs(ast.parse(line)))) is found


def test_packages_of_node_are_told_from_its_own_modules():
    source = """
import fs from "fs"; import { z } from "zod";
const path = require("node:path"), x = require('./local'), y = require("@scope/pkg/deep");
// const no = require("commented");
const later = await import("lazy");
"""
    assert [item.what for item in node_imports(source)] == ["zod", "@scope/pkg", "lazy"]


@pytest.mark.parametrize("source", ["def (", "\x00", "(" * 5000, "x = '\ud800'"])
def test_what_is_not_python_has_no_tree(source):
    assert parse_python(source) is None
