/**
 * Owns the broker JVMs of one test cluster, in a process of its own, so that they never outlive the test: when the channel to the
 * test process closes, for whatever reason (SIGKILL included), every JVM is killed and the cluster's directory is removed.
 * Plain JavaScript, because it must start at once. Knows nothing of topics or clients.
 *
 * argv: directory of the cluster, classpath, options as JSON (SupervisionOptions). In: {id, verb: start|stop|kill|freeze|thaw|wait, node}. Out: {id, ok} or {id, error}.
 */
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const [root, classpath, options] = process.argv.slice(2)
const { format: formatOptions, jvm, fullAtBytes } = JSON.parse(options)
const startTimeoutMs = 60_000
// A broker that leaves a quorum in order needs a moment; one that cannot is killed.
const stopTimeoutMs = 20_000
const jvmOptions = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xms64m', '-Xmx512m', ...jvm]
const logOptions = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
]

/** The broker of each node that runs. */
const running = new Map()
/** Every JVM that has not ended, the formatting ones included. */
const launched = new Set()

const verbs = { start, stop, kill, freeze, thaw, wait }

process.on('message', async ({ id, verb, node }) => {
  try {
    await verbs[verb](node)
    process.send?.({ id, ok: true })
  } catch (error) {
    process.send?.({ id, error: error.message })
  }
})
process.on('disconnect', end)
process.on('SIGTERM', end)

async function start(node) {
  if (running.has(node)) throw new Error(`broker ${node} is running already`)
  const directory = join(root, `broker-${node}`)
  const properties = join(root, `broker-${node}.properties`)
  const isFirst = !existsSync(join(directory, 'meta.properties'))
  if (isFirst) {
    const format = launch(node, [
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId(),
      '-c',
      properties,
      ...formatOptions,
    ])
    const code = await format.exited
    if (code !== 0) throw new Error(`formatting broker ${node} failed with ${code}:\n${format.lastLines()}`)
  }
  const broker = launch(node, ['kafka.Kafka', properties], isFirst ? fullAtBytes : undefined)
  running.set(node, broker)
  void broker.exited.then(() => running.delete(node))
  const timer = setTimeout(() => broker.jvm.kill('SIGKILL'), startTimeoutMs)
  const started = await Promise.race([broker.started, broker.exited.then(() => false)])
  clearTimeout(timer)
  if (!started) throw new Error(`broker ${node} did not start:\n${broker.lastLines()}`)
}

async function stop(node) {
  const broker = owned(node)
  const timer = setTimeout(() => broker.jvm.kill('SIGKILL'), stopTimeoutMs)
  broker.jvm.kill('SIGTERM')
  await broker.exited
  clearTimeout(timer)
}

async function kill(node) {
  const broker = owned(node)
  broker.jvm.kill('SIGKILL')
  await broker.exited
}

/** Its connections live, and it answers nothing. The signal alone leaves its threads a moment, in which a quick client still gets its answer. */
async function freeze(node) {
  const { jvm } = owned(node)
  jvm.kill('SIGSTOP')
  const tasks = `/proc/${jvm.pid}/task`
  if (!existsSync(tasks)) return
  const runs = (thread) => {
    try {
      return !/\) [Tt] /.test(readFileSync(join(tasks, thread, 'stat'), 'utf8'))
    } catch {
      // It ended meanwhile.
      return false
    }
  }
  while (readdirSync(tasks).some(runs)) await sleep(1)
}

async function thaw(node) {
  owned(node).jvm.kill('SIGCONT')
}

/** Settles when it has ended by itself, which it may have done before. */
async function wait(node) {
  await running.get(node)?.exited
}

function owned(node) {
  const broker = running.get(node)
  if (broker === undefined) throw new Error(`broker ${node} is not running`)
  return broker
}

/** Any 16 bytes in URL-safe base64; all nodes of the cluster must have the same. */
function clusterId() {
  return Buffer.from('pyrallel-testing').toString('base64url')
}

function launch(node, args, fullAtBytes) {
  const command = ['java', ...jvmOptions, ...logOptions, '-cp', classpath, ...args]
  // The shell knows the limit, in blocks of 512 bytes; the JVM takes its place.
  if (fullAtBytes !== undefined)
    command.unshift('sh', '-c', `ulimit -f ${Math.floor(fullAtBytes / 512)}; exec "$0" "$@"`)
  const [executable, ...rest] = command
  const jvm = spawn(executable, rest, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines = []
  let onStarted = () => {}
  const started = new Promise((resolve) => {
    onStarted = () => resolve(true)
  })
  for (const stream of [jvm.stdout, jvm.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > 40) lines.shift()
      if (existsSync(root)) appendFileSync(join(root, `broker-${node}.log`), `${line}\n`)
      if (line.includes('Kafka Server started')) onStarted()
    })
  }
  const exited = new Promise((resolve) => {
    jvm.once('error', (error) => {
      lines.push(error.message)
      resolve(-1)
    })
    // Not 'exit': its last lines, which say why, may come after that.
    jvm.once('close', (code, signal) => resolve(code ?? signal))
  })
  const handle = { jvm, started, exited, lastLines: () => lines.join('\n') }
  launched.add(handle)
  void exited.then(() => launched.delete(handle))
  return handle
}

let ending = false
async function end() {
  if (ending) return
  ending = true
  const all = [...launched]
  for (const { jvm } of all) jvm.kill('SIGKILL')
  await Promise.all(all.map(({ exited }) => exited))
  rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  process.exit(0)
}
