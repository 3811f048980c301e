"""Requirements from hostile hands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessgym_mcp.core.requirements import check_python, check_requirements, normal_name, requirement_name
from harnessgym_mcp.errors import UsageError

HONEST = [
    "numpy",
    "numpy==2.1.0",
    "numpy>=1.26,<3",
    "numpy >= 1.26 , < 3",
    "numpy (>=1.26)",
    "uvicorn[standard]",
    "uvicorn[standard,extra]>=0.30",
    "a.b_c-d~=1.4.2",
    "x===1.0+local",
    "x!=1.*",
    "tomli; python_version < '3.11'",
    'pywin32>=1; sys_platform == "win32" and python_version >= "3.11"',
]
HOSTILE = [
    "",
    " ",
    "-r requirements.txt",
    "--index-url=https://example.org",
    "-e .",
    "./local",
    "/etc/passwd",
    "../x",
    "x @ https://example.org/x.whl",
    "x@git+https://example.org/x",
    "git+https://example.org/x",
    "https://example.org/x.whl",
    "file:///x",
    "x\n-r y",
    "x\r--index-url y",
    "x\x00y",
    "x # comment",
    "x --hash=sha256:0",
    "x\\",
    "x==1 y==2",
    "x[a",
    "x==$HOME",
    "ｎumpy",
    "x; python_version < '3' @ file:///x",
    "x" * 400,
    "C:\\x",
]


@pytest.mark.parametrize("text", HONEST)
def test_names_versions_extras_and_markers_are_taken(text: str) -> None:
    assert check_requirements([text]) == (text,)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_leads_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_requirements([text])
    assert caught.value.hint


@given(st.text(max_size=60))
def test_what_is_taken_is_one_line_that_begins_with_a_name(text: str) -> None:
    try:
        (taken,) = check_requirements([text])
    except UsageError:
        return
    assert len(taken.splitlines()) == 1
    assert taken.isascii()
    assert taken[0].isalnum()
    assert not {"@", "/", "\\", ":", "#", "$"} & set(taken)


def test_order_and_repetition_do_not_matter() -> None:
    assert check_requirements(["b", " a==1", "b", "a==1 "]) == check_requirements(["a==1", "b"]) == ("a==1", "b")


def test_more_than_anyone_needs_is_refused() -> None:
    with pytest.raises(UsageError):
        check_requirements([f"p{number}" for number in range(65)])


def test_names_are_compared_in_their_normal_form() -> None:
    assert normal_name("Ruamel.YAML_x") == "ruamel-yaml-x"
    assert requirement_name("Ruamel.YAML[jinja2]>=0.18") == "ruamel-yaml"


@pytest.mark.parametrize("text", ["3.12", "3", "3.11.4", ">=3.11", ">=3.11,<4", "==3.12.*"])
def test_a_version_of_python_is_taken(text: str) -> None:
    assert check_python(f" {text} ") == text


@pytest.mark.parametrize("text", ["/usr/bin/python3", "pypy", "3.12 --help", "-c", "3.12\n3.13", "python3", ">=3;x"])
def test_what_is_no_version_of_python_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        check_python(text)


def test_any_python_is_an_empty_text() -> None:
    assert check_python("") == check_python("  ") == ""
