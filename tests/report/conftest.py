"""Reports of many shapes, from simulated trials."""

from collections.abc import Callable

import msgspec
import pytest

from harnessgym_mcp.core.leakage import Leak
from harnessgym_mcp.core.outcomes import Usage
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.simulation import World, simulate
from harnessgym_mcp.core.tasks import TaskRef
from harnessgym_mcp.core.trials import Budget, Bundle, new_design
from harnessgym_mcp.report.model import ReportModel, build

Make = Callable[..., ReportModel]

BUNDLE = Bundle(
    artifacts=["kernels"],
    tools=["kernels__bench", "kernels__search"],
    generation=Usage(seconds=900.0, dollars=2.5, input_tokens=300_000),
)


@pytest.fixture(scope="session")
def make() -> Make:
    def made(
        world: World | None = None,
        *,
        tasks: int = 1,
        ended: int | None = None,
        leaks: list[Leak] | None = None,
        **more: object,
    ) -> ReportModel:
        refs = [TaskRef(id=f"task-{i}", held_out=True) for i in range(tasks)]
        choices = {"bundle": BUNDLE, "trials": 8, "arms": ["plain", "harnessed"]} | more
        arms = choices.pop("arms")
        design = new_design(refs, arms, Budget(seconds=600), Compare(bootstrap_draws=200), **choices)
        outcomes = simulate(design, world or World(effect=0.2), seed=2)[:ended]
        return build(
            design,
            outcomes,
            title="Kernels",
            generated_at=1.8e9,
            harnessgym="0.1.0",
            command="harnessgym compare --task t",
            leaks=leaks,
            rules=Compare(bootstrap_draws=200),
        )

    return made


SHAPES = {
    "one task": {},
    "threshold": {"threshold": 105.0, "world": World(effect=0.2, failing=0.2, using=0.5)},
    "lower is better": {"direction": "lower", "metric": "cycles"},
    "several tasks": {"tasks": 3, "trials": 4, "arms": ["plain", "harnessed", "notes", "aa"]},
    "many tasks": {"tasks": 30, "trials": 1},
    "pass and fail": {"scale": "pass", "worthwhile": 0.3, "world": World(typical=0.4, effect=0.4)},
    "unpaired": {"paired": False, "trials": 5},
    "unfinished": {"ended": 7},
    "nothing yet": {"ended": 0},
    "all failed": {"world": World(failing=1.0)},
    "differences": {"scale": "difference", "worthwhile": 5.0},
    "wide": {"world": World(spread=4.0), "trials": 40},
    "leaky": {"leaks": [Leak(kind="answer", where="fixtures/best.json:1", what="the winning answer")]},
    "audited": {"leaks": []},
}


@pytest.fixture(scope="session", params=SHAPES, ids=str)
def model(request: pytest.FixtureRequest, make: Make) -> ReportModel:
    """A report of each shape."""
    return make(**SHAPES[request.param])


@pytest.fixture(scope="session")
def hostile(make: Make) -> ReportModel:
    """A report all of whose texts attack the page and the terminal."""
    evil = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m[bold]\u202e{{ 7*191 }}\x00"
    bundle = Bundle(artifacts=[evil], tools=[evil, "'\"><svg onload=alert(1)>"], generation=BUNDLE.generation)
    leak = Leak(kind="fixture", where=evil, what=evil)
    model = make(metric=evil, bundle=bundle, leaks=[leak], agent=evil, hashes={evil: evil}, machine={evil: evil})
    return msgspec.structs.replace(model, title=evil, command=evil, finding=evil)
