"""A member of a group with Pyrallel-Consumer. Writes `partition offset` to a file for each record that is done.

Records whose key begins with the prefix are never done. Those whose key begins with `late` are done when so many others are: it commits nothing before its
position moves, and then with what is done above.
"""

import asyncio
import os
import sys

from pyrallel_consumer.config import KafkaConfig
from pyrallel_consumer.consumer import PyrallelConsumer
from pyrallel_consumer.dto import ExecutionMode, WorkItem

BROKERS, GROUP, TOPIC, PATH, STUCK_PREFIX, OTHERS = sys.argv[1:7]
DONE = os.open(PATH, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


others = 0


async def handle(item: WorkItem) -> None:
    global others
    key = item.key.decode() if isinstance(item.key, bytes) else str(item.key)
    if STUCK_PREFIX and key.startswith(STUCK_PREFIX):
        await asyncio.Event().wait()
    if key.startswith("late"):
        while others < int(OTHERS):
            await asyncio.sleep(0.05)
    else:
        others += 1
    os.write(DONE, f"{item.tp.partition} {item.offset}\n".encode())


async def main() -> None:
    config = KafkaConfig(BOOTSTRAP_SERVERS=BROKERS, CONSUMER_GROUP=GROUP)
    config.dlq_enabled = False
    # A killed member gives its partitions to others as soon as the tests' brokers allow.
    config.SESSION_TIMEOUT_MS = 6_000
    # What keeps what is done above a gap.
    config.parallel_consumer.rebalance_state_strategy = "metadata_snapshot"
    config.parallel_consumer.execution.mode = ExecutionMode("async")
    # Records that wait behind stuck ones must not stop it.
    config.parallel_consumer.execution.max_in_flight = 20_000
    config.parallel_consumer.queue_max_messages = 20_000
    consumer = PyrallelConsumer(config=config, worker=handle, topic=TOPIC)
    await consumer.start()
    await consumer.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
