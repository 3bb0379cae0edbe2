/** Loads a traffic file and starts its seeded source. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PyrallelError } from '../../framework/model/errors.ts'
import { seededRandom } from '../../framework/runtime/seeded-random.ts'
import type { TrafficRecord, TrafficSource } from '../../framework/traffic.ts'
import { load } from '../project.ts'

export const standardTrafficFile = 'handlers/_traffic.ts'

export async function loadTraffic(root: string, file: string, seed: number): Promise<Iterator<TrafficRecord>> {
  if (!existsSync(join(root, file))) {
    throw new PyrallelError(
      'PYR_USAGE',
      `There is no traffic file ${file}. Write one that exports \`traffic\`, or name another: --traffic path/to/file.ts.\n  export const traffic: TrafficSource = function* (random) { while (true) yield { topic: 'orders', key: 'c1', value: { n: random() } } }`,
    )
  }
  const { traffic } = await load<{ readonly traffic?: TrafficSource }>(root, file, 'PYR_USAGE')
  if (typeof traffic !== 'function') {
    throw new PyrallelError(
      'PYR_USAGE',
      `${file} exports no function \`traffic\`. Write \`export const traffic: TrafficSource = function* (random) { ... }\`.`,
    )
  }
  return traffic(seededRandom(seed))
}
