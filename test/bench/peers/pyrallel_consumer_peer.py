"""Pyrallel-Consumer as a peer of the benchmark. Speaks the protocol of protocol.ts, and counts as meter.ts does."""

import asyncio
import hashlib
import json
import logging
import math
import multiprocessing
import os
import sys
import time

import orjson
from pyrallel_consumer.config import KafkaConfig
from pyrallel_consumer.consumer import PyrallelConsumer
from pyrallel_consumer.dto import ExecutionMode, WorkItem

SAMPLE_SECONDS = 0.005
PROGRESS_SECONDS = 0.2
CALIBRATE_SECONDS = 1.0
ORPHAN_SECONDS = 60
BUCKETS = 1_000
DONE, VIOLATIONS, REPEATS, STARTED = 0, 1, 2, 3

ENGINE = sys.argv[1]
SETTINGS = json.loads(sys.argv[2])
WORK = SETTINGS["work"]
STUCK_KEY = SETTINGS["stuckKey"]
LATENCY = SETTINGS["latency"]
LEDGER = os.open(SETTINGS["ledger"], os.O_WRONLY | os.O_APPEND | os.O_CREAT) if SETTINGS["ledger"] else None

# Worker processes are forked, and count into the same memory.
multiprocessing.set_start_method("fork")
LOCK = multiprocessing.Lock() if ENGINE == "process" else None
HEADER = multiprocessing.RawArray("q", 4)
LAST = multiprocessing.RawArray("q", SETTINGS["keys"])
RUNNING = multiprocessing.RawArray("b", SETTINGS["keys"])
LATENCIES = multiprocessing.RawArray("q", BUCKETS)


def say(message: dict) -> None:
    print(json.dumps(message), flush=True)


def count(index: int) -> None:
    if LOCK is None:
        HEADER[index] += 1
        return
    with LOCK:
        HEADER[index] += 1


def begin(value: dict) -> None:
    HEADER[STARTED] = 1
    key, number = value["k"], value["n"]
    if key < 0:
        return
    last = LAST[key]
    if RUNNING[key]:
        count(VIOLATIONS)
    elif number <= last:
        count(REPEATS)
    # Who goes on after a crash begins anywhere in a key, and passes over what was done before.
    elif number != last + 1 and LEDGER is None:
        count(VIOLATIONS)
    RUNNING[key] = 1


def end(value: dict) -> None:
    key = value["k"]
    if key < 0:
        return
    LAST[key] = value["n"]
    RUNNING[key] = 0
    if LATENCY:
        LATENCIES[bucket_of(now_us() - value["t"])] += 1
    if LEDGER is not None:
        os.write(LEDGER, f"{value['i']} {now_us()}\n".encode())
    count(DONE)


def now_us() -> int:
    return time.monotonic_ns() // 1_000


def bucket_of(us: int) -> int:
    return 0 if us <= 10 else min(BUCKETS - 1, math.ceil(math.log(us / 10) / math.log(1.02)))


def hash_rounds(rounds: int) -> None:
    digest = bytes(32)
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()


async def handle_async(item: WorkItem) -> None:
    value = orjson.loads(item.payload)
    begin(value)
    if STUCK_KEY and value["k"] == 0:
        await asyncio.Event().wait()
    if WORK == "sleep" and value["w"] > 0:
        await asyncio.sleep(value["w"] / 1_000)
    elif WORK == "sha256":
        hash_rounds(value["w"])
    end(value)


def handle_in_process(item: WorkItem) -> None:
    value = orjson.loads(item.payload)
    begin(value)
    if STUCK_KEY and value["k"] == 0:
        time.sleep(3_600)
    if WORK == "sleep" and value["w"] > 0:
        time.sleep(value["w"] / 1_000)
    elif WORK == "sha256":
        hash_rounds(value["w"])
    end(value)


def configuration() -> KafkaConfig:
    config = KafkaConfig(BOOTSTRAP_SERVERS=SETTINGS["brokers"], CONSUMER_GROUP=SETTINGS["group"])
    config.dlq_enabled = False
    config.SESSION_TIMEOUT_MS = 6_000
    parallel = config.parallel_consumer
    # What keeps completions above a gap, as Pyrallel does by default.
    parallel.rebalance_state_strategy = "metadata_snapshot"
    execution = parallel.execution
    execution.mode = ExecutionMode(ENGINE)
    execution.max_in_flight = SETTINGS["concurrency"]
    # Its default of 8 processes, but for work that keeps cores busy: one for each.
    if WORK == "sha256":
        execution.process_config.process_count = SETTINGS["cores"]
    return config


async def consume() -> None:
    worker = handle_async if ENGINE == "async" else handle_in_process
    consumer = PyrallelConsumer(config=configuration(), worker=worker, topic=SETTINGS["topic"])
    await consumer.start()
    await asyncio.gather(consumer.wait_closed(), watch())


async def watch() -> None:
    """Samples count and time together, as watch() in peer.ts does."""
    started_at = measured_from = said_at = 0.0
    done_before = 0
    while True:
        now, done = time.monotonic(), HEADER[DONE]
        if started_at == 0 and HEADER[STARTED]:
            started_at = now
            say({"kind": "started"})
        if started_at and not measured_from:
            if done >= SETTINGS["warmUpRecords"] or (now - started_at) * 1_000 >= SETTINGS["warmUpMs"]:
                measured_from, done_before = now, done
                for bucket in range(BUCKETS):
                    LATENCIES[bucket] = 0
                say({"kind": "measuring", "done": done})
        if measured_from:
            elapsed_ms = (now - measured_from) * 1_000
            if done >= SETTINGS["lastRecord"] or elapsed_ms >= SETTINGS["limitMs"]:
                say(result(done - done_before, elapsed_ms))
                # The runner ends it now. If there is no runner any more, it ends by itself.
                await asyncio.sleep(ORPHAN_SECONDS)
                os._exit(0)
            if now - said_at >= PROGRESS_SECONDS:
                said_at = now
                say({"kind": "progress", "done": done, "violations": HEADER[VIOLATIONS]})
        await asyncio.sleep(SAMPLE_SECONDS)


def result(measured: int, elapsed_ms: float) -> dict:
    return {
        "kind": "done",
        "done": HEADER[DONE],
        "measured": measured,
        "elapsedMs": elapsed_ms,
        "violations": HEADER[VIOLATIONS],
        "repeats": HEADER[REPEATS],
        "latency": [[bucket, times] for bucket, times in enumerate(LATENCIES) if times],
    }


async def calibrate() -> None:
    low, span = SETTINGS["workMin"], SETTINGS["workMax"] - SETTINGS["workMin"] + 1
    chains = 1 if WORK == "sha256" else min(SETTINGS["keys"], SETTINGS["concurrency"])
    started_at = time.monotonic()
    counts = [0]

    async def chain(first: int) -> None:
        i = first
        while time.monotonic() - started_at < CALIBRATE_SECONDS:
            amount = low + i % span
            if WORK == "sha256":
                hash_rounds(amount)
            elif amount > 0:
                await asyncio.sleep(amount / 1_000)
            counts[0] += 1
            i += 1

    await asyncio.gather(*(chain(i) for i in range(chains)))
    elapsed_ms = (time.monotonic() - started_at) * 1_000
    say({"kind": "calibrated", "perSecond": counts[0] / elapsed_ms * 1_000, "latencyMs": chains * elapsed_ms / counts[0]})


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(calibrate() if SETTINGS["mode"] == "calibrate" else consume())
    except Exception as error:  # The runner must hear why.
        say({"kind": "failed", "why": f"{type(error).__name__}: {error}"})
        sys.exit(1)
