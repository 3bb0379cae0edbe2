/** One thread of cores.ts: the handler's work, over and over, until the process ends. */
import { workerData } from 'node:worker_threads'
import type { CoreShare } from './cores.ts'
import { Meter } from './meter.ts'
import { handleWith } from './peer.ts'

const { settings, shared, key } = workerData as CoreShare
const handle = handleWith(settings, new Meter(settings, shared))
for (let n = 1; ; n += 1) void handle({ i: n, k: key, n, w: settings.workMin, t: 0 })
