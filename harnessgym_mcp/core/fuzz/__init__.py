"""Values from a JSON Schema: valid ones that look for edges, and near-valid ones with one thing wrong."""

from harnessgym_mcp.core.fuzz.generate import Generator, Unsatisfiable
from harnessgym_mcp.core.fuzz.spoil import Spoilt, spoilt
from harnessgym_mcp.core.fuzz.validate import violations

__all__ = ["Generator", "Spoilt", "Unsatisfiable", "spoilt", "violations"]
