"""What save.ts does, for programs in Python. One customer of each partition takes longer, so that others are ahead."""

import asyncio
import os


async def save(order: dict[str, str]) -> None:
    is_slow = int(order["id"].split("-")[1]) % 20 == 1
    await asyncio.sleep((int(os.environ["SAVE_MS"]) + 1) * (10 if is_slow else 1) / 1000)
    with open(os.environ["SAVED"], "a") as saved:
        saved.write(f"{order['id']} {os.getpid()}\n")
