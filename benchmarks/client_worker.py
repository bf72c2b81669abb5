"""One side of `benchmarks/client.py`, in a process of its own: told by lines of JSON, answers so.

Runs with Clover's Python SDK (`sdk`, in its own environment) or with this package (`ours`).
"""

import importlib
import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def sdk(there):
    clover = importlib.import_module("clover")
    clover.set_api_endpoint(there["ecommerce_url"])
    clover.access_token = there["access_token"]

    def create(email, token):
        answer = clover.Customer.create(email=email, source=token, name="Ana Rivera")
        return "" if answer.get("object") == "customer" else "an error body, returned as data"

    return create


def ours(there):
    package = importlib.import_module("clover_nb")
    jitter = there.pop("jitter", 0)
    clover = package.connect("local", **there)
    if jitter:
        pool, _ = clover._transport._pools["ecommerce"]
        direct = pool.urlopen

        def late(*args, **kwargs):
            time.sleep(random.uniform(0, jitter))
            return direct(*args, **kwargs)

        pool.urlopen = late

    def create(email, token):
        try:
            clover.customers.create(email=email, source=token, name="Ana Rivera")
        except package.CloverError as error:
            return str(error)
        return ""

    return create


def main():
    create = {"sdk": sdk, "ours": ours}[sys.argv[1]](json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        task = json.loads(line)
        emails = [f"{task['name']}-{number}@example.com" for number in range(len(task["tokens"]))]
        wall, cpu = time.perf_counter(), time.process_time()
        if task["threads"] == 1:
            failed = list(map(create, emails, task["tokens"]))
        else:
            with ThreadPoolExecutor(task["threads"]) as pool:
                failed = list(pool.map(create, emails, task["tokens"]))
        done = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps(done | {"failed": [each for each in failed if each]}), flush=True)


main()
