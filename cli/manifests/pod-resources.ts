/** How much memory, how many threads and how much of a core one process needs, from the limits in its config. Pure. */

import type { ResolvedConfig } from '../../framework/config/config.ts'
import { byHandler } from '../../framework/model/by-handler.ts'
import type { ShippedClient } from '../build/kafka-clients.ts'
import type { ScannedHandler } from '../codegen/scan/scan-result.ts'

/** Of V8, before records: code, handlers, what libraries keep. MiB. */
const BASE_HEAP = 256
/** What a record in memory takes beside its own bytes, with what the garbage collector lets pile up. KiB. */
const RECORD_KIB = 0.9
/** Of one group: its client, what that has fetched, its connections. MiB. */
const GROUP_MIB = 64
/** Of one worker thread, with a heap of its own. MiB. */
const THREAD_MIB = 64
/** Of a handler that does not say how many it has: a guess. */
const UNKNOWN_THREADS = 4
/** libuv has so many without being asked. */
const LIBUV_THREADS = 4
const ROUND_MIB = 16

export interface PodResources {
  /** `--max-old-space-size`. MiB. */
  readonly heapMiB: number
  /** Request and limit. MiB. */
  readonly memoryMiB: number
  readonly cpuMillis: number
  /** `UV_THREADPOOL_SIZE`; `undefined`: no poll holds a thread. */
  readonly uvThreads: number | undefined
  /** Worker handlers that have as many threads as the machine has cores. */
  readonly unsized: readonly string[]
}

export interface PodNeeds {
  readonly config: Pick<ResolvedConfig, 'limits'>
  readonly handlers: readonly Pick<ScannedHandler, 'id' | 'engine' | 'threads'>[]
  readonly groups: number
  readonly client: ShippedClient
}

export function podResources({ config, handlers, groups, client }: PodNeeds): PodResources {
  const { maxRecords, maxBytes } = config.limits
  const each = [...byHandler(handlers, ({ id }) => id).values()].map(([first]) => first)
  const workers = each.filter(({ engine }) => engine === 'worker')
  const threads = workers.reduce((sum, worker) => sum + (worker.threads ?? UNKNOWN_THREADS), 0)
  // The limits are those of a group.
  const heapMiB = rounded(BASE_HEAP + groups * ((maxRecords * RECORD_KIB) / 1_024))
  const recordsMiB = groups * (maxBytes / 1_048_576)
  return {
    heapMiB,
    memoryMiB: rounded(heapMiB + groups * GROUP_MIB + recordsMiB + threads * THREAD_MIB),
    cpuMillis: 250 + threads * 1_000,
    uvThreads: client === 'librdkafka' ? LIBUV_THREADS + groups : undefined,
    unsized: workers.filter((worker) => worker.threads === undefined).map(({ id }) => id),
  }
}

function rounded(mebibytes: number): number {
  return Math.ceil(mebibytes / ROUND_MIB) * ROUND_MIB
}
