/** Bundles the peers in TypeScript as `pyrallel build` bundles an app, so that nobody is measured under a loader. */
import { bundleScripts } from '../../bundled-scripts.ts'

const names = [
  'ours',
  'ours-accept',
  'ours-javascript-accept',
  'ours-console',
  'ours-console-open',
  'console-page',
  'ours-javascript',
  'ours-out',
  'ours-exactly-once',
  'ours-javascript-out',
  'ours-javascript-exactly-once',
  'ours-worker',
  'ours-javascript-worker',
  'worker-handler',
  'bare',
  'drain',
  'drain-javascript',
  'flood',
  'chains',
  'cores',
  'cores-thread',
  'each-message',
  'kafkajs',
  'kafkajs-batch',
  'paced-producer',
  'curve',
] as const

/** Its library is what is measured, so that is loaded whole, from where it is installed. */
const stream = 'platformatic'

export type NodePeer =
  | Exclude<(typeof names)[number], 'worker-handler' | 'cores-thread' | 'console-page'>
  | typeof stream

export interface PeerBundle {
  /** The command that starts a peer. */
  command(peer: NodePeer): readonly string[]
  /** Removes the files. */
  remove(): void
}

/** @throws Error when a peer does not compile */
export async function bundlePeers(): Promise<PeerBundle> {
  const folder = 'test/bench/peers'
  const [scripts, other] = [await bundleScripts(folder, names, true), await bundleScripts(folder, [stream])]
  return {
    command: (peer) => [process.execPath, (peer === stream ? other : scripts).fileOf(peer)],
    remove: () => {
      scripts.remove()
      other.remove()
    },
  }
}
