/**
 * Owns the JVM of one schema registry, in a process of its own, so that it never outlives the test: when the channel to the test process closes, for
 * whatever reason (SIGKILL included), the JVM is killed and the directory is removed. Plain JavaScript, because it must start at once.
 *
 * argv: directory, jar, port. In: {id, verb: start|kill|freeze|thaw}. Out: {id, ok} or {id, error}.
 */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const [root, jar, port] = process.argv.slice(2)
const startTimeoutMs = 60_000
const jvmOptions = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m']
const settings = {
  'quarkus.http.host': '127.0.0.1',
  'quarkus.http.port': port,
  // Its own default is memory. What it has acknowledged is there after a kill: nothing is written later.
  'quarkus.datasource.jdbc.url': `jdbc:h2:file:${join(root, 'registry')};WRITE_DELAY=0`,
}

let running
let ending = false

const verbs = {
  async start() {
    if (running !== undefined) throw new Error('the registry is running already')
    const properties = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)
    const jvm = spawn('java', [...jvmOptions, ...properties, '-jar', jar], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const lines = []
    const started = new Promise((resolve) => {
      for (const stream of [jvm.stdout, jvm.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          lines.push(line)
          if (lines.length > 40) lines.shift()
          if (line.includes('Listening on:')) resolve(true)
        })
      }
    })
    const exited = new Promise((resolve) => {
      jvm.once('error', (error) => {
        lines.push(error.message)
        resolve()
      })
      // Not 'exit': its last lines, which say why, may come after that.
      jvm.once('close', resolve)
    })
    running = { jvm, exited }
    void exited.then(() => {
      running = undefined
    })
    const timer = setTimeout(() => jvm.kill('SIGKILL'), startTimeoutMs)
    const isUp = await Promise.race([started, exited.then(() => false)])
    clearTimeout(timer)
    if (!isUp) throw new Error(`the registry did not start:\n${lines.join('\n')}`)
  },
  async kill() {
    const { jvm, exited } = owned()
    jvm.kill('SIGKILL')
    await exited
  },
  async freeze() {
    owned().jvm.kill('SIGSTOP')
  },
  async thaw() {
    owned().jvm.kill('SIGCONT')
  },
}

function owned() {
  if (running === undefined) throw new Error('the registry is not running')
  return running
}

process.on('message', async ({ id, verb }) => {
  try {
    await verbs[verb]()
    process.send?.({ id, ok: true })
  } catch (error) {
    process.send?.({ id, error: error.message })
  }
})
process.on('disconnect', end)
process.on('SIGTERM', end)

async function end() {
  if (ending) return
  ending = true
  running?.jvm.kill('SIGKILL')
  await running?.exited
  rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  process.exit(0)
}
