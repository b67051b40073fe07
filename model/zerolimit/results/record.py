"""The shape of what is recorded each month: cells of segment x first income decile."""

from zerolimit.names import SEGMENTS

CELLS_PER_SEGMENT = 10
CELLS = len(SEGMENTS) * CELLS_PER_SEGMENT
