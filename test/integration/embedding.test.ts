/** The examples of docs/embedding.md, as their user has them: generated, compiled by the TypeScript compiler, and run by Node on a broker. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import { connectPublisher } from '../../framework/publishing/connect-publisher.ts'
import { clientWish, connectUnderTest } from '../client-under-test.ts'
import { commandFile, compiledVariable, installPackage } from '../source-package.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const examples = fileURLToPath(new URL('./embedding/', import.meta.url))
const isCompiled = process.env[compiledVariable] === '1'
const skip = isCompiled
  ? false
  : `what a compiler makes runs on the compiled package: npm run build, and ${compiledVariable}=1`
const topics = ['orders.created', 'orders.created.shop.dlq']

/** Closes the application when it is told to, and leaves the end of the process to Node: it comes when nothing is left that keeps it. */
const driver = `const { app } = await import('./dist/main.js')
process.once('message', () => app.close())
process.send('started', () => process.channel.unref())
`

/** A project with an example in it, generated and compiled. */
function aProject(t: TestContext, example: string, packages: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), `pyrallel-${example}-`))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  cpSync(join(examples, example), root, { recursive: true })
  writeFileSync(join(root, 'package.json'), '{ "name": "shop", "type": "module" }\n')
  writeFileSync(join(root, 'drive.mjs'), driver)
  installPackage(root, ['typebox', '@types', ...packages])
  run(root, [commandFile, 'generate'])
  run(root, [join(repository, 'node_modules/.bin/tsc'), '-p', 'tsconfig.json'])
  return root
}

function run(cwd: string, command: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd, encoding: 'utf8', timeout: 120_000 })
  assert.equal(status, 0, `${command.join(' ')}\n${stdout}${stderr}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** The application in a process of its own, on a broker of its own. */
async function anApplication(t: TestContext, root: string) {
  const { log } = recordedLog()
  const broker = await startEmbeddedBroker({ log, topics })
  t.after(() => broker.stop())
  const publisher = await connectPublisher(await connectUnderTest({ ...broker.connection, clientId: 'the-test', log }))
  t.after(() => publisher.close())
  const port = await freePort()
  const env = { ...process.env, ...clientWish, PORT: String(port), PYRALLEL_KAFKA_BROKERS: broker.brokers }
  const child = fork(join(root, 'drive.mjs'), {
    cwd: root,
    env,
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  const heard = () => child.emit('heard')
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text: Buffer) => {
      output += text
      heard()
    })
  }
  const signal = AbortSignal.timeout(60_000)
  const saw = async (words: string) => {
    while (!output.includes(words))
      await once(child, 'heard', { signal }).catch(() => assert.fail(`no ${words}: ${output}`))
  }
  const [first] = await Promise.race([once(child, 'message', { signal }), once(child, 'exit').then(() => [output])])
  assert.equal(first, 'started')
  return { child, publisher, url: `http://127.0.0.1:${port}`, saw, signal, output: () => output }
}

type Application = Awaited<ReturnType<typeof anApplication>>

/** In order, and the process goes on until it has nothing to do. */
async function closes({ child, signal, output }: Application, tell: (child: ChildProcess) => void): Promise<void> {
  const exited = once(child, 'exit', { signal })
  tell(child)
  assert.deepEqual(await exited, [0, null], output())
  const lines = output().split('\n')
  const stopped = lines.indexOf('pyrallel stopped')
  assert.ok(stopped >= 0 && lines.indexOf('payments closed') > stopped, output())
}

/** Under a name of the test's choice, which `fetch` does not allow. */
async function statusFor(url: string, host: string): Promise<number | undefined> {
  const [response] = await once(request(url, { headers: { host } }).end(), 'response')
  response.resume()
  return response.statusCode
}

describe('an application that Pyrallel is embedded in', { skip }, () => {
  it('is one of Nest: its service is called, its server has the pages, and it closes in order', async (t) => {
    const root = aProject(t, 'nest', ['@nestjs', 'reflect-metadata', 'rxjs'])
    const application = await anApplication(t, root)
    const { publisher, saw, url } = application
    await publisher.publish('orders.created', { id: 'o-1' })
    await saw('charged o-1')
    assert.deepEqual([(await fetch(`${url}/ops/readyz`)).status, (await fetch(`${url}/other`)).status], [200, 404])
    const hosts = ['localhost', 'rebound.example']
    assert.deepEqual(await Promise.all(hosts.map((host) => statusFor(`${url}/ops/snapshot`, host))), [200, 421])
    await closes(application, (child) => child.send('close'))
  })

  it('is one of Fastify: a request becomes a record, its service is called, and it closes in order', async (t) => {
    const root = aProject(t, 'fastify', ['fastify'])
    const application = await anApplication(t, root)
    const { saw, url } = application
    const headers = { 'content-type': 'application/json' }
    const { status } = await fetch(`${url}/orders`, { method: 'POST', headers, body: '{"id":"o-2"}' })
    assert.equal(status, 202)
    await saw('charged o-2')
    assert.equal((await fetch(`${url}/ops/readyz`)).status, 200)
    const hosts = ['localhost', 'rebound.example']
    assert.deepEqual(await Promise.all(hosts.map((host) => statusFor(`${url}/ops/snapshot`, host))), [200, 421])
    // As a deployment tells it. (Nest, told so, ends the process by the same signal.)
    await closes(application, (child) => child.kill('SIGTERM'))
  })
})

describe('docs/embedding.md', () => {
  const page = readFileSync(join(repository, 'docs/embedding.md'), 'utf8')

  for (const file of readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter(isShown)) {
    it(`shows ${file} as it runs in the tests`, () => {
      const text = readFileSync(join(examples, file), 'utf8')
      const shown = text.replace(/^ *console\.log\('pyrallel stopped'\)\n/m, '').trim()
      assert.ok(page.includes(`// ${file.slice(file.indexOf(sep) + 1)}\n${shown}\n`), shown)
    })
  }
})

/** What both examples have is shown once, and the config and a class with one method not at all. */
function isShown(file: string): boolean {
  const ofFastify = ['pyrallel-plugin.ts', 'main.ts']
  if (file.startsWith('fastify')) return ofFastify.some((name) => file.endsWith(name))
  return file.endsWith('.ts') && !file.endsWith('pyrallel.config.ts')
}
