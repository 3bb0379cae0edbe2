/** Decides which traffic file a session uses, and whether it is there. Loads nothing. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { DevOptions } from '../broker/dev-options.ts'

export const standardTrafficFile = 'handlers/_traffic.ts'

/** Relative to the project; `undefined` without traffic. @throws PyrallelError PYR_USAGE when it is not there */
export function trafficFileOf(root: string, { traffic, records }: DevOptions): string | undefined {
  if ((traffic === undefined || traffic === false) && records === undefined) return undefined
  const file = typeof traffic === 'string' ? traffic : standardTrafficFile
  if (existsSync(join(root, file))) return file
  throw new PyrallelError(
    'PYR_USAGE',
    `There is no traffic file ${file}. Write one that exports \`traffic\`, or name another: --traffic path/to/file.ts.\n  export const traffic: TrafficSource = function* (random) { while (true) yield { topic: 'orders', key: 'c1', value: { n: random() } } }`,
  )
}
