/** Which Kafka client this project runs on, why, and what is with the other one: for `pyrallel doctor`. */
import type { ClientWish } from '../../framework/kafka/client-limits.ts'
import { type ClientLoaders, type ClientNeeds, loadClient } from '../../framework/kafka/clients/load-client.ts'
import { LIBRARY_VERSION, otherVersion } from '../../framework/kafka/javascript/client.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import { installedPackage } from '../bundle/installed-package.ts'
import { packageRoot } from '../folders/package-root.ts'
import type { Finding } from './diagnose.ts'

const what = 'Kafka client'

const clients = {
  librdkafka: { name: 'librdkafka', library: '@confluentinc/kafka-javascript' },
  javascript: { name: 'the one in JavaScript', library: '@platformatic/kafka' },
} as const

export async function examineClient(needs: ClientNeeds, loaders?: ClientLoaders): Promise<Finding> {
  const { client = 'auto' } = needs
  try {
    const loaded = await loadClient(needs, loaders)
    const other = loaded.name === 'librdkafka' ? 'javascript' : 'librdkafka'
    const otherState =
      loaded.name === 'javascript' && loaded.insteadOf !== undefined
        ? `. ${loaded.insteadOf.message}`
        : `; ${described(other)} ${await stateOf(other, loaders)}`
    const detail = `${described(loaded.name)}, ${because(client)}${otherState}`
    const version = loaded.name === 'javascript' ? otherVersion(loaded.library) : undefined
    if (version === undefined) return { what, state: 'well', detail }
    const next = `npm install --save-exact ${clients.javascript.library}@${LIBRARY_VERSION}`
    return { what, state: 'warning', detail: `${detail}. It is ${version}, which Pyrallel was not tested with`, next }
  } catch (thrown) {
    const code = thrown instanceof PyrallelError ? thrown.code : 'PYR_NATIVE_MISSING'
    return { what, state: 'ill', detail: toError(thrown).message, next: `pyrallel docs ${code}` }
  }
}

function described(client: keyof typeof clients): string {
  const { name, library } = clients[client]
  const version = installedPackage(library, packageRoot)?.version
  return version === undefined ? `${name} (${library})` : `${name} (${library} ${version})`
}

function because(client: ClientWish): string {
  return client === 'auto' ? "as kafka.client is 'auto'" : `as kafka.client says '${client}'`
}

/** The native one is not loaded for that: where it is not wished for, it must not get into the process. */
async function stateOf(other: keyof typeof clients, loaders: ClientLoaders | undefined): Promise<string> {
  const isThere = installedPackage(clients[other].library, packageRoot) !== undefined
  if (other === 'librdkafka') return isThere ? 'is installed, too' : 'is not installed'
  try {
    await loadClient({ client: 'javascript', groupProtocol: 'consumer' }, loaders)
    return 'would load, too'
  } catch {
    return 'would not load'
  }
}
