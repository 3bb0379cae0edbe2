/** Which Kafka client a build brings, and what stands in the place of the other. */
import { join } from 'node:path'
import type { ClientWish } from '../../framework/kafka/client-limits.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { installedPackage, readManifest } from '../bundle/installed-package.ts'
import { isCompiled, packageRoot } from '../folders/package-root.ts'

export type ShippedClient = 'librdkafka' | 'javascript'

export const javascriptLibrary = '@platformatic/kafka'

/**
 * With 'auto' it is the native one: an image is built where that can be had, and what was not tried should not run in its place.
 * @throws PyrallelError PYR_CLIENT_MISSING
 */
export function shippedClient(root: string, wish: ClientWish, external: readonly string[]): ShippedClient {
  if (wish !== 'javascript') return 'librdkafka'
  const isThere = [root, packageRoot].some((from) => installedPackage(javascriptLibrary, from) !== undefined)
  if (isThere || external.includes(javascriptLibrary)) return 'javascript'
  const version = readManifest(packageRoot).optionalDependencies?.[javascriptLibrary] ?? 'latest'
  throw new PyrallelError(
    'PYR_CLIENT_MISSING',
    `kafka.client is 'javascript', and ${javascriptLibrary} is not installed, so that it cannot be bundled. Run \`npm install --save-exact ${javascriptLibrary}@${version}\`, then build again.`,
  )
}

/** By the module of a client, the one that says that it was left out; absolute. */
export function modulesInstead(client: ShippedClient): ReadonlyMap<string, string> {
  const left = client === 'javascript' ? 'librdkafka/client' : 'javascript/client'
  return new Map([[kafkaModule(left), kafkaModule('clients/left-out')]])
}

function kafkaModule(name: string): string {
  const path = `framework/kafka/${name}`
  return join(packageRoot, isCompiled ? `dist/${path}.js` : `${path}.ts`)
}
