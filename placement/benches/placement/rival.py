"""The rival: the same choice in numpy, one thread, in one long-lived process.

Reads lines of JSON: {"load": FILE, "players": N, "cap_us": N} reads unsigned 32-bit microseconds, row after row,
tries all ways to compute the choice and keeps the fastest of each kind; {"run": KIND} makes the choice once in that way:
"sort", "coarse" (by a sort of coarser values) or "pairs" (without sorting). Answers one line each. Only the choice is timed: values, weights and buffers are ready.
"""

import json
import sys
import time

import numpy as np

# Bytes of a piece.
CACHED = 256 * 1024


def weights(n, dtype):
    # Sum of |x - y| over all pairs = sum of (2 i - n + 1) times the i-th smallest value.
    return (2 * np.arange(n) - n + 1).astype(dtype)


def best(sums, over):
    sums[over] = np.inf
    return int(np.argmin(sums))


class Whole:
    """np.sort of the whole matrix, then a product with the weights: what one would write first."""

    def __init__(self, us, cap_us):
        self.values, self.cap = us.astype(np.float32), cap_us
        self.w = weights(us.shape[1], np.float32)

    def run(self):
        ordered = np.sort(self.values, axis=1)
        return best(ordered @ self.w, ordered[:, -1] > self.cap)


class Pieces:
    """The same in pieces that stay in the cache, with all buffers ready."""

    def __init__(self, us, cap_us, dtype, unit=1):
        # Coarser values are rounded up; whoever is over the cap stays over it.
        self.cap = cap_us // unit
        self.values = (-(-us.astype(np.int64) // unit)).clip(max=self.cap + 1).astype(dtype)
        hosts, n = us.shape
        self.rows = max(1, CACHED // (n * self.values.itemsize))
        self.buffer = np.empty((self.rows, n), dtype)
        self.floats = np.empty((self.rows, n), np.float32)
        self.w = weights(n, np.float32)
        self.sums, self.over = np.empty(hosts, np.float32), np.empty(hosts, bool)

    def run(self):
        hosts = len(self.values)
        for start in range(0, hosts, self.rows):
            end = min(start + self.rows, hosts)
            piece = self.buffer[: end - start]
            piece[:] = self.values[start:end]
            piece.sort(axis=1)
            if piece.dtype == np.float32:
                floats = piece
            else:
                floats = self.floats[: end - start]
                floats[:] = piece
            np.matmul(floats, self.w, out=self.sums[start:end])
            np.greater(piece[:, -1], self.cap, out=self.over[start:end])
        return best(self.sums, self.over)


class Pairs:
    """All pairs, player by player, without sorting: better for very few players."""

    def __init__(self, us, cap_us):
        self.values, self.cap = np.ascontiguousarray(us.T.astype(np.float32)), cap_us
        self.rows = max(1, CACHED // (len(self.values) * 4))

    def run(self):
        n, hosts = self.values.shape
        sums, over = np.empty(hosts, np.float32), np.empty(hosts, bool)
        for start in range(0, hosts, self.rows):
            piece = self.values[:, start : start + self.rows]
            apart = np.zeros(piece.shape[1], np.float32)
            buffer = np.empty_like(apart)
            for one in range(n):
                for other in range(one):
                    np.subtract(piece[one], piece[other], out=buffer)
                    np.abs(buffer, out=buffer)
                    apart += buffer
            sums[start : start + self.rows] = apart
            over[start : start + self.rows] = piece.max(axis=0) > self.cap
        return best(sums, over)


def ways(us, cap_us):
    yield "sort", "float32, whole", lambda: Whole(us, cap_us)
    yield "sort", "float32, in pieces", lambda: Pieces(us, cap_us, np.float32)
    yield "sort", "int32, in pieces", lambda: Pieces(us, cap_us, np.int32)
    # Not the same values: the winner is one of the best only.
    yield "coarse", "uint16 of 4 us, in pieces", lambda: Pieces(us, cap_us, np.uint16, 4)
    if us.shape[1] <= 16:
        yield "pairs", "float32, in pieces", lambda: Pairs(us, cap_us)


def timed(way):
    start = time.perf_counter()
    host = way.run()
    return time.perf_counter() - start, host


def main():
    kept = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "load" in asked:
            kept.clear()
            us = np.fromfile(asked["load"], dtype=np.uint32).reshape(-1, asked["players"])
            fastest, tried = {}, {}
            for kind, name, make in ways(us, asked["cap_us"]):
                way = make()
                seconds = min(timed(way)[0] for _ in range(3))
                tried[f"{kind}: {name}"] = seconds
                if seconds < fastest.get(kind, np.inf):
                    fastest[kind], kept[kind] = seconds, way
            answer = {"tried": tried}
        else:
            seconds, host = timed(kept[asked["run"]])
            answer = {"seconds": seconds, "host": host}
        print(json.dumps(answer), flush=True)


main()
