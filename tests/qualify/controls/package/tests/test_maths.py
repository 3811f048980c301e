import pytest
from double.maths import twice


@pytest.mark.parametrize("n", [1])
def test_twice(n):
    assert twice(n) == 2
