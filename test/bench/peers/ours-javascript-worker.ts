/** As ours-worker.ts, on the client in JavaScript. */
import { runOurWorkers } from './our-workers.ts'

await runOurWorkers('javascript', import.meta.url)
