"""What the draws are compared with.

draws.py beta ALPHA BETA N    ms that NumPy takes for N draws at once
draws.py top DRAWS TIMES      us that so many draws take to say how probable each
                              of six arms is among the best three, and the
                              largest error of that, its root mean square
draws.py error                the largest error of the array on stdin
"""
import sys
import time

import numpy as np
from scipy import integrate, stats

ALPHAS = np.array([21, 15, 11, 8, 31, 5.0])
BETAS = np.array([41, 31, 41, 20, 62, 9.0])
generator = np.random.default_rng(1)


def exact():
    """By adaptive quadrature of the density times the others' tails."""
    out = []
    for arm in range(6):
        def density(x):
            above = np.array([1.0, 0, 0])
            for other in range(6):
                if other != arm:
                    p = stats.beta.sf(x, ALPHAS[other], BETAS[other])
                    above = above * (1 - p) + np.concatenate([[0], above[:2]]) * p
            return stats.beta.pdf(x, ALPHAS[arm], BETAS[arm]) * above.sum()
        out.append(integrate.quad(density, 0, 1, epsabs=1e-13, epsrel=1e-13, limit=500)[0])
    return np.array(out)


if sys.argv[1] == "beta":
    alpha, beta, n = float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    generator.beta(alpha, beta, 1000)
    begin = time.perf_counter()
    generator.beta(alpha, beta, n)
    print((time.perf_counter() - begin) * 1e3)
elif sys.argv[1] == "top":
    draws, times = int(sys.argv[2]), int(sys.argv[3])
    truth, worst, spent = exact(), [], []
    for _ in range(min(times, 200)):
        begin = time.perf_counter()
        drawn = generator.beta(ALPHAS, BETAS, (draws, 6))
        best = np.argpartition(drawn, 3, axis=1)[:, 3:]
        shares = np.bincount(best.ravel(), minlength=6) / draws
        spent.append(time.perf_counter() - begin)
        worst.append(np.abs(shares - truth).max())
    print(f"{np.median(spent) * 1e6:.0f} {np.sqrt(np.mean(np.square(worst))):.1e}")
else:
    found = np.array([float(x) for x in sys.stdin.read().strip().strip("{}").split(",")])
    print(f"{max(np.abs(found - exact()).max(), 1e-12):.0e}")
