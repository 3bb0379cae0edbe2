/** Bundles the peers in TypeScript as `pyrallel build` bundles an app, so that nobody is measured under a loader. */
import { bundleScripts } from '../../bundled-scripts.ts'

const names = [
  'ours',
  'ours-javascript',
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
  'platformatic',
  'paced-producer',
  'curve',
] as const

export type NodePeer = Exclude<(typeof names)[number], 'worker-handler' | 'cores-thread'>

export interface PeerBundle {
  /** The command that starts a peer. */
  command(peer: NodePeer): readonly string[]
  /** Removes the files. */
  remove(): void
}

/** @throws Error when a peer does not compile */
export async function bundlePeers(): Promise<PeerBundle> {
  const scripts = await bundleScripts('test/bench/peers', names)
  return { command: (peer) => [process.execPath, scripts.fileOf(peer)], remove: scripts.remove }
}
