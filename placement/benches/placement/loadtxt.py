"""The choice from a CSV file as one would write it in numpy: python3 loadtxt.py FILE. Prints host and closeness factor."""

import sys

import numpy as np

CAP_MS = 180

rtt = np.loadtxt(sys.argv[1], delimiter=",")
n = rtt.shape[1]
rtt.sort(axis=1)
closeness = rtt @ (2 * np.arange(n) - n + 1) / (n * (n - 1) / 2)
closeness[rtt[:, -1] > CAP_MS] = np.inf
best = int(np.argmin(closeness))
print(f"h{best + 1} {closeness[best]:.3f}")
