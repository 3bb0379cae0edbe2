/** Writes what the predecessors' own encoders make of some maps, for the unit tests: `node --import tsx test/e2e/predecessors/write-vectors.ts`. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { installParallelConsumer, parallelConsumerCommand } from './install.mjs'

await installParallelConsumer()
const [program = '', ...args] = parallelConsumerCommand('ParallelConsumerVectors') ?? []
const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 24 })
if (status !== 0) throw new Error(stderr)
const target = new URL('../../unit/control-plane/offsets/parallel-consumer-vectors.json', import.meta.url)
writeFileSync(fileURLToPath(target), `[\n${stdout.trim().replaceAll('\n', ',\n')}\n]\n`)
