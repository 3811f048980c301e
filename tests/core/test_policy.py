"""Policy: settings that can be told apart, converted and refused."""

import pytest

from harnessgym_mcp.core.policy import Policy, settings
from harnessgym_mcp.errors import PolicyError


def test_a_setting_from_text_is_converted_to_its_kind():
    policy = Policy().override(
        {"timeouts.call": "12.5", "qualify.repairs": "3", "grants.network": "yes", "grants.env": "A, B"}
    )
    assert (policy.timeouts.call, policy.qualify.repairs) == (12.5, 3)
    assert (policy.grants.network, policy.grants.env) == (True, ("A", "B"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no.such", "1"),
        ("timeouts", "1"),
        ("timeouts.call", "soon"),
        ("timeouts.call", "-1"),
        ("timeouts.call", "nan"),
        ("qualify.repairs", "1.5"),
        ("qualify.repairs", True),
        ("grants.network", "perhaps"),
        ("isolation.tier", "Z"),
        ("grants.workspace", "all"),
        ("grants.env", 5),
    ],
)
def test_a_wrong_setting_is_refused(name, value):
    with pytest.raises(PolicyError):
        Policy().override({name: value})


def test_the_digest_tells_policies_apart():
    assert Policy().digest == Policy().digest
    assert Policy().digest != Policy().override({"qualify.repairs": 9}).digest


def test_every_setting_can_be_set_to_what_it_is():
    policy = Policy()
    flat = {f"{s}.{k}": v for s, keys in policy.as_dict().items() for k, v in keys.items()}
    assert sorted(flat) == sorted(settings())
    assert policy.override(flat) == policy
