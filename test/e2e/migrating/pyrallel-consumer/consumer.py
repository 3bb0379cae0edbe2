import asyncio
import json
import os
import signal

from pyrallel_consumer.config import KafkaConfig
from pyrallel_consumer.consumer import PyrallelConsumer
from pyrallel_consumer.dto import WorkItem
from save import save


async def handle(item: WorkItem) -> None:
    await save(json.loads(item.payload))


async def main() -> None:
    config = KafkaConfig(BOOTSTRAP_SERVERS=os.environ["BROKERS"], CONSUMER_GROUP="billing")
    # Without it, nothing says what is done above a gap.
    config.parallel_consumer.rebalance_state_strategy = "metadata_snapshot"
    config.parallel_consumer.execution.max_in_flight = 100
    consumer = PyrallelConsumer(config=config, worker=handle, topic="orders")
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await consumer.start()
    await told.wait()
    await consumer.stop()


asyncio.run(main())
