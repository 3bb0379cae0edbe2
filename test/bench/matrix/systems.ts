/** The systems that are compared, and how each is made ready on this machine. Measures nothing. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { PeerBundle } from './bundle-peers.ts'
import type { PreparedSystem } from './install.ts'
import { installKafkaJs } from './install-kafkajs.ts'
import { installParallelConsumer } from './install-parallel-consumer.ts'
import { installPyrallelConsumer } from './install-pyrallel-consumer.ts'

/** What the peer's code runs on: decides what its timers and its cores are measured to allow. */
export type RuntimeName = 'node' | 'java' | 'python'

export interface System {
  readonly name: string
  readonly title: string
  readonly runtime: RuntimeName
  /** True for Pyrallel itself: whatever fails there fails the benchmark. */
  readonly ours: boolean
  /** Gets what it needs into the cache, and says how it is started. @throws Error with the reason why it cannot be had */
  prepare(bundle: PeerBundle): Promise<PreparedSystem>
}

function ofThisCheckout(path: string): string {
  const text = readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8')
  return String((JSON.parse(text) as { readonly version: string }).version)
}

const clientVersion = () => ofThisCheckout('node_modules/@confluentinc/kafka-javascript/package.json')

/** Each thread compiles for itself, on cores that are all busy. */
const THREADS_WARM_UP_FACTOR = 2

export const systems: readonly System[] = [
  {
    name: 'ours',
    title: 'Pyrallel, async engine',
    runtime: 'node',
    ours: true,
    prepare: async (bundle) => ({
      command: bundle.command('ours'),
      version: ofThisCheckout('package.json'),
      packages: '',
    }),
  },
  {
    name: 'ours-worker',
    title: 'Pyrallel, worker engine',
    runtime: 'node',
    ours: true,
    prepare: async (bundle) => ({
      command: bundle.command('ours-worker'),
      version: ofThisCheckout('package.json'),
      packages: '',
      warmUpFactor: THREADS_WARM_UP_FACTOR,
    }),
  },
  {
    name: 'ours-javascript',
    title: 'Pyrallel, async engine, client in JavaScript',
    runtime: 'node',
    ours: true,
    prepare: async (bundle) => ({
      command: bundle.command('ours-javascript'),
      version: ofThisCheckout('package.json'),
      packages: '',
    }),
  },
  {
    name: 'ours-javascript-worker',
    title: 'Pyrallel, worker engine, client in JavaScript',
    runtime: 'node',
    ours: true,
    prepare: async (bundle) => ({
      command: bundle.command('ours-javascript-worker'),
      version: ofThisCheckout('package.json'),
      packages: '',
      warmUpFactor: THREADS_WARM_UP_FACTOR,
    }),
  },
  {
    name: 'bare',
    title: 'bare loop, same client',
    runtime: 'node',
    ours: false,
    prepare: async (bundle) => ({ command: bundle.command('bare'), version: clientVersion(), packages: '' }),
  },
  {
    name: 'each-message',
    title: 'eachMessage, same client',
    runtime: 'node',
    ours: false,
    prepare: async (bundle) => ({ command: bundle.command('each-message'), version: clientVersion(), packages: '' }),
  },
  {
    name: 'kafkajs',
    title: 'kafkajs, eachMessage',
    runtime: 'node',
    ours: false,
    prepare: async (bundle) => ({ command: bundle.command('kafkajs'), ...(await installKafkaJs()) }),
  },
  {
    name: 'kafkajs-batch',
    title: 'kafkajs, eachBatch',
    runtime: 'node',
    ours: false,
    prepare: async (bundle) => ({ command: bundle.command('kafkajs-batch'), ...(await installKafkaJs()) }),
  },
  {
    name: 'platformatic',
    title: '@platformatic/kafka, stream of its consumer',
    runtime: 'node',
    ours: false,
    prepare: async (bundle) => ({
      command: bundle.command('platformatic'),
      version: ofThisCheckout('node_modules/@platformatic/kafka/package.json'),
      packages: '',
    }),
  },
  {
    name: 'pc',
    title: 'Confluent Parallel Consumer (Java)',
    runtime: 'java',
    ours: false,
    prepare: () => installParallelConsumer(),
  },
  {
    name: 'pyc',
    title: 'Pyrallel-Consumer, async (Python)',
    runtime: 'python',
    ours: false,
    prepare: () => installPyrallelConsumer('async'),
  },
  {
    name: 'pyc-process',
    title: 'Pyrallel-Consumer, processes (Python)',
    runtime: 'python',
    ours: false,
    prepare: () => installPyrallelConsumer('process'),
  },
]

/**
 * @param names `undefined`: all
 * @throws Error naming what is not known
 */
export function selectSystems(names: readonly string[] | undefined): readonly System[] {
  if (names === undefined) return systems
  const unknown = names.find((name) => !systems.some((system) => system.name === name))
  if (unknown !== undefined) {
    throw new Error(`There is no system ${unknown}. There are ${systems.map(({ name }) => name).join(', ')}.`)
  }
  return systems.filter(({ name }) => names.includes(name))
}
