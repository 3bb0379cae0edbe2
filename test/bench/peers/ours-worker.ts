/** Pyrallel as its users run it, handlers on threads. */
import { runOurWorkers } from './our-workers.ts'

await runOurWorkers('librdkafka', import.meta.url)
