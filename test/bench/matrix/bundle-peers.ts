/** Bundles the peers in TypeScript as `pyrallel build` bundles an app, so that nobody is measured under a loader. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleOnce } from '../../../cli/bundle/bundle-app.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const names = [
  'ours',
  'ours-worker',
  'worker-handler',
  'bare',
  'flood',
  'each-message',
  'kafkajs',
  'paced-producer',
  'curve',
] as const

export type NodePeer = Exclude<(typeof names)[number], 'worker-handler'>

export interface PeerBundle {
  /** The command that starts a peer. */
  command(peer: NodePeer): readonly string[]
  /** Removes the files. */
  remove(): void
}

/** @throws Error when a peer does not compile */
export async function bundlePeers(): Promise<PeerBundle> {
  // Inside of the checkout, where the native client is found from; a folder that Git ignores.
  mkdirSync(join(root, '.pyrallel'), { recursive: true })
  const outDir = mkdtempSync(join(root, '.pyrallel', 'bench-'))
  const remove = () => rmSync(outDir, { recursive: true, force: true })
  const external = ['@confluentinc/kafka-javascript', '@opentelemetry/api']
  const entries = names.map((name) => ({ name, file: join(root, 'test/bench/peers', `${name}.ts`) }))
  const bundle = await bundleOnce({ root, outDir, naming: 'plain', dependencies: { external } }, entries)
  if (bundle.kind === 'failed') {
    remove()
    throw new Error(`The peers cannot be bundled: ${bundle.diagnostics.map(({ message }) => message).join('; ')}`)
  }
  process.once('exit', remove)
  return { command: (peer) => [process.execPath, join(outDir, `${peer}.mjs`)], remove }
}
