"""Thompson sampling outside the database.

client.py orm|careful PROCESSES SECONDS: selects 3 of 6 arms in a random
context again and again; prints "tps = N" of all processes together.

orm      SQLAlchemy, an object per arm read by its key, NumPy's draws
careful  psycopg2, one prepared query for all arms, one call of NumPy
"""
import multiprocessing
import random
import sys
import time

import numpy as np

ARMS = "abcdef"
CONTEXTS = 216


def orm():
    from sqlalchemy import Column, Float, Integer, Text, create_engine
    from sqlalchemy.orm import Session, declarative_base
    base = declarative_base()

    class State(base):
        __tablename__ = "states"
        context = Column(Integer, primary_key=True)
        arm = Column(Text, primary_key=True)
        alpha = Column(Float)
        beta = Column(Float)

    engine = create_engine("postgresql+psycopg2://")
    engine.connect().close()

    def select():
        context = random.randint(1, CONTEXTS)
        with Session(engine) as session:
            states = [session.query(State).filter_by(context=context, arm=arm).one() for arm in ARMS]
            drawn = [(np.random.beta(s.alpha, s.beta), s.arm) for s in states]
        return sorted(drawn, reverse=True)[:3]

    return select


def careful():
    import psycopg2
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("PREPARE six (int) AS SELECT arm, alpha, beta FROM states WHERE context = $1")
    generator = np.random.default_rng()

    def select():
        cursor.execute("EXECUTE six (%s)", (random.randint(1, CONTEXTS),))
        arms, alphas, betas = zip(*cursor.fetchall())
        drawn = generator.beta(alphas, betas)
        best = np.argsort(-drawn)[:3]
        return [(arms[i], drawn[i] / drawn[best].sum()) for i in best]

    return select


def work(kind, seconds, ready, go, counts):
    select = {"orm": orm, "careful": careful}[kind]()
    select()
    ready.release()
    go.wait()
    calls, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        select()
        calls += 1
    counts.put(calls / (time.perf_counter() - begin))


if __name__ == "__main__":
    kind, processes, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    ready, go, counts = multiprocessing.Semaphore(0), multiprocessing.Event(), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(kind, seconds, ready, go, counts), daemon=True)
               for _ in range(processes)]
    for worker in workers:
        worker.start()
    for _ in workers:
        if not ready.acquire(timeout=60):
            sys.exit("a process did not start")
    go.set()
    print("tps =", sum(counts.get(timeout=seconds + 60) for _ in workers))
