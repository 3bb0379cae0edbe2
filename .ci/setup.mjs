/**
 * Makes a fresh clone ready: dependencies, the native Kafka client, and on request Kafka itself for the end-to-end tests.
 * Plain Node without any dependency; safe to run again, and quick when there is nothing to do.
 *
 *   node .ci/setup.mjs [--require-native] [--with-kafka] [--require-kafka]
 *
 * --require-native  fail when the native Kafka client cannot be had (otherwise: say what will be missing)
 * --with-kafka      fetch Apache Kafka's jars by Maven into the cache, where Java and Maven are there, a schema registry, and the consumers whose groups can be taken over
 * --require-kafka   the same, and fail when that is not possible
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installSerializers, serializersCommand } from '../test/e2e/java-serializers/install.mjs'
import { fetchKafkaJars, hasKafkaJars, javaProblem, kafkaVersion } from '../test/e2e/kafka-jars.mjs'
import {
  installParallelConsumer,
  installPyrallelConsumer,
  parallelConsumerCommand,
  pyrallelConsumerCommand,
} from '../test/e2e/predecessors/install.mjs'
import { fetchRegistryJars, hasRegistryJars, registryVersion } from '../test/e2e/registry-jars.mjs'
import { buildConsole } from './build-console.mjs'
import { cacheDir } from './cache-dir.mjs'
import { NativeClient } from './native-client.mjs'
import { runLogged, say, seconds } from './run-logged.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const oldestNode = [20, 19]
const knownFlags = ['--require-native', '--with-kafka', '--require-kafka']

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return
  throw new Error(`this is Node ${process.versions.node}; Pyrallel needs ${oldestNode.join('.')} or newer`)
}

/** True when node_modules holds what package-lock.json asks for, by npm's own record of what it installed. */
function dependenciesMatch() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installed)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    // Binaries for other platforms are in the lock, and rightly not on this disk.
    const found = present[path]
    return found === undefined ? entry.optional === true : found.version === entry.version
  })
}

async function ensureDependencies() {
  if (dependenciesMatch()) return
  const start = performance.now()
  say('installing the dependencies of package-lock.json (npm ci, without install scripts)')
  await runLogged('npm ci', ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    log: join(cacheDir(), 'npm-ci.log'),
    cwd: root,
    timeoutMs: 600_000,
  })
  say(`dependencies installed in ${seconds(start)}`)
}

async function ensureNativeClient(required) {
  try {
    await new NativeClient(root).ensure()
  } catch (error) {
    const facts = `the native Kafka client cannot be had.\n${error.message}\nMend what this names, then run \`npm run setup\` again.`
    if (required) throw new Error(facts)
    say(facts)
    say(
      'going on without it: `generate`, the unit tests and the in-memory broker work; embedded and real brokers do not',
    )
  }
}

async function ensureKafka(required) {
  if (hasKafkaJars()) return
  try {
    const java = javaProblem()
    if (java !== undefined) throw new Error(java)
    const start = performance.now()
    say(`fetching Apache Kafka ${kafkaVersion} by Maven, about 45 MB (once; then it is cached)`)
    await fetchKafkaJars()
    say(`Apache Kafka ${kafkaVersion} fetched in ${seconds(start)}`)
  } catch (error) {
    const reason = error.code === 'ENOENT' ? 'mvn is not installed (Debian: apt-get install maven)' : error.message
    if (required) throw new Error(`Apache Kafka cannot be had for the end-to-end tests: ${reason}`)
    say(`the end-to-end tests on a real Kafka will be left out: ${reason}`)
  }
}

/** Without them, the tests on a real schema registry are left out. */
async function ensureRegistry(required) {
  for (const [name, isThere, fetch] of [
    [`Apicurio Registry ${registryVersion}, about 145 MB`, hasRegistryJars, fetchRegistryJars],
    ['its Java serializers, about 60 MB', () => serializersCommand() !== undefined, installSerializers],
  ]) {
    if (isThere()) continue
    try {
      const start = performance.now()
      say(`fetching ${name} by Maven (once; then it is cached)`)
      await fetch()
      say(`fetched in ${seconds(start)}`)
    } catch (error) {
      if (required) throw new Error(`no schema registry can be had for the end-to-end tests: ${error.message}`)
      say(`the end-to-end tests on a schema registry will be left out: ${error.message}`)
      return
    }
  }
}

/** Without them, what they write is still read in unit tests, as they have once written it. */
async function ensurePredecessors() {
  for (const [name, isThere, install] of [
    ['Parallel Consumer', () => parallelConsumerCommand() !== undefined, installParallelConsumer],
    ['Pyrallel-Consumer', () => pyrallelConsumerCommand() !== undefined, installPyrallelConsumer],
  ]) {
    if (isThere()) continue
    const start = performance.now()
    try {
      await install()
      say(`${name}, whose groups can be taken over, installed in ${seconds(start)}`)
    } catch (error) {
      say(`the end-to-end test that takes a group of ${name} over will be left out: ${error.message}`)
    }
  }
}

async function main(flags) {
  const start = performance.now()
  const unknown = flags.find((flag) => !knownFlags.includes(flag))
  if (unknown !== undefined) throw new Error(`${unknown} is not known; there are ${knownFlags.join(', ')}`)
  checkNode()
  await ensureDependencies()
  if (await buildConsole()) say('the page of the console is made')
  await ensureNativeClient(flags.includes('--require-native'))
  const requireKafka = flags.includes('--require-kafka')
  if (requireKafka || flags.includes('--with-kafka')) {
    await ensureKafka(requireKafka)
    if (hasKafkaJars()) {
      await ensureRegistry(requireKafka)
      await ensurePredecessors()
    }
  }
  say(`ready (${seconds(start)})`)
}

main(process.argv.slice(2)).catch((error) => {
  // A plain Error is written for the reader; anything else is a fault of this script, and its place matters.
  console.error(`setup: failed: ${error.constructor === Error ? error.message : error.stack}`)
  process.exit(1)
})
