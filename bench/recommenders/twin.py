"""The arm svd's two factorisations in NumPy and SciPy, on one thread.

twin.py TRAIN TEST: files of user,item,rating.  Prints seconds for the biased
factorisation by alternating least squares, its RMSE on TEST, and seconds for
the singular vectors; reading the files is not counted.
"""
import os
import sys
import time

for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[name + "_NUM_THREADS"] = "1"
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

RANK, SWEEPS, RIDGE = 32, 12, 0.2
ITEM_DAMPING, USER_DAMPING = 10.0, 15.0

train = np.loadtxt(sys.argv[1], delimiter=",")
test = np.loadtxt(sys.argv[2], delimiter=",")
begin = time.perf_counter()
user_ids, users = np.unique(train[:, 0], return_inverse=True)
item_ids, items = np.unique(train[:, 1], return_inverse=True)
values = train[:, 2]
n_users, n_items = len(user_ids), len(item_ids)

mean = values.mean()
user_bias, item_bias = np.zeros(n_users), np.zeros(n_items)
for _ in range(10):
    item_bias = np.bincount(items, values - mean - user_bias[users], n_items) / (
        ITEM_DAMPING + np.bincount(items, minlength=n_items))
    user_bias = np.bincount(users, values - mean - item_bias[items], n_users) / (
        USER_DAMPING + np.bincount(users, minlength=n_users))
rest = values - mean - user_bias[users] - item_bias[items]
by_user = csr_matrix((rest, (users, items)), (n_users, n_items))
by_item = csr_matrix((rest, (items, users)), (n_items, n_users))

random = np.random.default_rng(1)
p = random.uniform(-0.1, 0.1, (n_users, RANK))
q = random.uniform(-0.1, 0.1, (n_items, RANK))


def sweep(matrix, mine, other):
    for row in range(len(mine)):
        first, end = matrix.indptr[row], matrix.indptr[row + 1]
        f = other[matrix.indices[first:end]]
        mine[row] = np.linalg.solve(f.T @ f + RIDGE * (end - first) * np.eye(RANK),
                                    f.T @ matrix.data[first:end])


for _ in range(SWEEPS):
    sweep(by_user, p, q)
    sweep(by_item, q, p)
als = time.perf_counter() - begin

begin = time.perf_counter()
raw = csr_matrix((values, (users, items)), (n_users, n_items))
svds(raw, RANK)
pure = time.perf_counter() - begin

user_at = {u: i for i, u in enumerate(user_ids)}
item_at = {v: i for i, v in enumerate(item_ids)}
errors = []
for u, v, value in test:
    predicted = mean
    if u in user_at:
        predicted += user_bias[user_at[u]]
    if v in item_at:
        predicted += item_bias[item_at[v]]
    if u in user_at and v in item_at:
        predicted += p[user_at[u]] @ q[item_at[v]]
    errors.append(min(max(predicted, values.min()), values.max()) - value)
print(f"{als:.3f} {np.sqrt(np.mean(np.square(errors))):.4f} {pure:.3f}")
