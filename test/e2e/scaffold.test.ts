/** The packed package as its users get it: each template scaffolded into an empty folder, installed, checked, developed, built and started. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { DevRegistry } from '../../cli/dev/registry/dev-registry.ts'
import { firstRecords, type TemplateName, templateNames } from '../../cli/init/template.ts'
import { avro, type PulledSchema } from '../../framework/api/format.ts'
import { handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { clientWish, skipWhereLeftOut, skipWithout } from '../client-under-test.ts'
import { clientUnderTest } from '../test-client.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const nativeBuild = 'node_modules/@confluentinc/kafka-javascript/build'
const running = new Set<ChildProcess>()
let parent = ''
/** Not below `parent`, whose node_modules would be found from there. */
let elsewhere = ''
let tarball = ''

/** What the handler of a template says of its first record, when `start` runs it. */
const handledLines: Readonly<Record<TemplateName, RegExp>> = {
  minimal: /"name":"Ada".*"msg":"hello"/,
  orders: /"amount":4200.*"msg":"invoice sent"/,
  worker: /"words":3.*"msg":"scored"/,
  avro: /"payment":"9007199254740993".*"msg":"payment flagged"/,
}

/** What a template publishes to and does not read. */
const publishedTopics: Readonly<Record<TemplateName, readonly string[]>> = {
  minimal: [],
  orders: [],
  worker: [],
  avro: ['payments.flagged'],
}

interface Run {
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<{ readonly end: number | NodeJS.Signals | null; readonly out: string }>
  /** Settles once the output, of both streams, matches; rejects when the process ends before. */
  seen(pattern: RegExp): Promise<void>
  signal(name: NodeJS.Signals): void
}

function run(cwd: string, program: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  // Nothing of the test's own process may leak in: coverage, tsx, the runner's protocol.
  const { NODE_OPTIONS: _o, NODE_V8_COVERAGE: _c, NODE_TEST_CONTEXT: _t, FORCE_COLOR: _f, ...own } = process.env
  const child = spawn(program, argv, { cwd, env: { ...own, ...clientWish, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let out = ''
  const watchers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      out += chunk
      for (const watch of watchers) watch()
    })
  }
  const ended = new Promise<{ readonly end: number | NodeJS.Signals | null; readonly out: string }>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ end: signal ?? code, out })
    })
  })
  return {
    ended,
    signal: (name) => child.kill(name),
    seen: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          if (pattern.test(out)) resolve()
        }
        watchers.add(watch)
        void ended.then(({ end }) => reject(new Error(`it ended with ${end} before ${pattern} was seen\n${out}`)))
        watch()
      }),
  }
}

async function succeed(
  cwd: string,
  program: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { end, out } = await run(cwd, program, argv, env).ended
  assert.equal(end, 0, `${program} ${argv.join(' ')}\n${out}`)
  return out
}

const bin = (root: string, name: string) => join(root, 'node_modules/.bin', name)

/** Commands of a page's `sh` blocks, in order, without comments. */
function commandsOf(page: string): readonly string[] {
  const blocks = [...readFileSync(join(repository, page), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  return blocks.flatMap(([, code = '']) => code.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
}

/** As a shell runs it, with npm's own settings for a machine that is offline but for its cache. */
function shell(cwd: string, command: string): Run {
  const settings = { npm_config_prefer_offline: 'true', npm_config_ignore_scripts: 'true', npm_config_audit: 'false' }
  // `exec`, so that a signal meets the command and not the shell.
  return run(cwd, 'sh', ['-c', `exec ${command}`], settings)
}

/** Install scripts are left out: they would download the native client, or build it for a minute. The build that is here is linked in. */
async function install(root: string, packages: readonly string[]): Promise<void> {
  const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await succeed(root, 'npm', ['install', ...options, ...packages])
  linkNativeBuild(root)
}

function linkNativeBuild(root: string): void {
  rmSync(join(root, nativeBuild), { recursive: true, force: true })
  symlinkSync(join(repository, nativeBuild), join(root, nativeBuild))
}

/** A hook that writes down what Node loads. */
const recordLoads = `import { appendFileSync } from 'node:fs'
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + '\\n')
  return next(url, context)
}
`

/** No file may be of what builds: a server would pay for it with its start and its memory. */
function refuseBuilders(files: readonly string[]): void {
  const builders =
    /node_modules\/(ts-morph|@ts-morph|typescript|esbuild|tsx|chokidar|@clack)\/|\/pyrallel\/(dist\/)?cli\/(codegen|bundle|build)\//
  assert.deepEqual(
    files.filter((file) => builders.test(file)),
    [],
  )
}

/** What the command loads as modules for a verb. */
async function modulesOf(root: string, argv: readonly string[]): Promise<readonly string[]> {
  const loaded = join(parent, 'loaded by a verb.txt')
  rmSync(loaded, { force: true })
  const cli = join(root, 'node_modules/pyrallel/dist/cli/bin.js')
  const hook = pathToFileURL(join(parent, 'register.mjs')).href
  await succeed(root, process.execPath, ['--import', hook, cli, ...argv], { LOADED: loaded })
  return readFileSync(loaded, 'utf8').split('\n')
}

/** Of what is imported and not required, Node reads all text for the names that it exports: 9 MB of the compiler, a third of what it takes to load. */
function refuseReadForNames(modules: readonly string[]): void {
  assert.ok(modules.some((url) => url.endsWith('/dist/cli/codegen/scan/scan-project.js')))
  assert.deepEqual(
    modules.filter((url) => /\/node_modules\/(@ts-morph|ts-morph|typescript)\//.test(url)),
    [],
  )
}

/**
 * Kilobytes of code, the framework's and its dependencies': about 2,200, of which the console's page has 140, and Protobuf some 350 in files that its first value loads;
 * and some 700 of the client in JavaScript where that is in it.
 */
const sizeLimits = { librdkafka: 2_350, javascript: 3_050 } as const

function refuseSize(dist: string): void {
  const { files } = JSON.parse(readFileSync(join(dist, 'pyrallel.json'), 'utf8')) as {
    readonly files: Readonly<Record<string, number>>
  }
  const bytes = Object.entries(files).reduce((sum, [name, size]) => sum + (name.endsWith('.mjs') ? size : 0), 0)
  assert.ok(bytes < sizeLimits[clientUnderTest] * 1_024, `${bytes} bytes of code`)
}

/** What was bundled into the files of a build, its chunks and workers too. */
function sourcesBelow(dist: string): readonly string[] {
  const maps = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.map'))
  const sources = maps.flatMap((file) => {
    const map = JSON.parse(readFileSync(join(dist, file), 'utf8')) as { readonly sources: readonly string[] }
    return map.sources
  })
  assert.ok(
    sources.some((source) => source.endsWith('/pyrallel/cli/start/serve.ts')),
    sources.join('\n'),
  )
  return sources
}

/** Every topic that the project reads, and where its dead letters go. */
function topicsOf(root: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(root, 'generated/manifest.json'), 'utf8')) as {
    readonly group: string
    readonly handlers: readonly { readonly topic: string; readonly group: string | null }[]
  }
  return manifest.handlers.flatMap(({ topic, group }) => [topic, `${topic}.${group ?? manifest.group}.dlq`])
}

/** Has what the project has pulled, under the same ids. Without an address where it has pulled nothing. */
async function registryOf(root: string): Promise<DevRegistry> {
  const registry = new DevRegistry()
  const folder = join(root, 'generated/registry')
  const files = existsSync(folder) ? readdirSync(folder) : []
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(join(folder, file)).href)))
  const schemas: readonly PulledSchema<unknown>[] = modules.flatMap((module: object) => Object.values(module))
  const config = resolveConfig({ group: 'shop' }, 'x')
  const registered = schemas.map((schema) => {
    const { subject } = schema
    const values = topic(subject, { format: avro(schema) })
    return { id: subject, file: 'handlers/x.ts', topic: subject, group: null, handler: handler(values, () => {}) }
  })
  await registry.configFor(config, resolveHandlers(registered, config))
  return registry
}

describe('the packed package', { timeout: 900_000, skip: skipWhereLeftOut }, () => {
  before(async () => {
    parent = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-scaffold-')))
    elsewhere = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-deployed-')))
    await succeed(repository, 'npm', ['pack', '--pack-destination', parent])
    const [name] = readdirSync(parent).filter((file) => file.endsWith('.tgz'))
    assert.ok(name !== undefined)
    tarball = join(parent, name)
    // As `npx pyrallel init` does: the package alone, somewhere else.
    writeFileSync(join(parent, 'package.json'), '{}')
    await install(parent, [tarball])
    writeFileSync(join(parent, 'record.mjs'), recordLoads)
    writeFileSync(
      join(parent, 'register.mjs'),
      "import { register } from 'node:module'\nregister('./record.mjs', import.meta.url)\n",
    )
  })

  after(() => {
    for (const child of running) child.kill('SIGKILL')
    for (const folder of [parent, elsewhere]) rmSync(folder, { recursive: true, force: true })
  })

  for (const template of templateNames) {
    const { topic, value } = firstRecords[template]

    it(`carries a project of the template ${template} from init to production`, async () => {
      const root = join(parent, `a ${template} project`)
      await succeed(parent, bin(parent, 'pyrallel'), ['init', `a ${template} project`, '--template', template, '-y'])
      await install(root, [tarball])
      const pyrallel = bin(root, 'pyrallel')

      await succeed(root, pyrallel, ['generate'])
      refuseReadForNames(await modulesOf(root, ['generate', '--check']))
      await succeed(root, bin(root, 'tsc'), [])
      assert.match(await succeed(root, 'npm', ['test']), /[#ℹ] fail 0/)

      const dev = run(root, pyrallel, ['dev'])
      await dev.seen(new RegExp(`assigned [^\\n]*${topic.replaceAll('.', '\\.')}\\[0 1 2 3\\]`))
      assert.match(await succeed(root, pyrallel, ['send', topic, value]), /acknowledged by 127\.0\.0\.1:\d+/)
      await dev.seen(new RegExp(`✓ ${topic.replaceAll('.', '\\.')}\\[\\d\\]@0 `))
      dev.signal('SIGINT')
      assert.equal((await dev.ended).end, 0)

      await succeed(root, pyrallel, ['build'])
      refuseBuilders(sourcesBelow(join(root, 'dist')))
      refuseSize(join(root, 'dist'))
      const broker = await startEmbeddedBroker({
        log: quiet,
        topics: [...topicsOf(root), ...publishedTopics[template]],
      })
      const registry = await registryOf(root)
      try {
        const loaded = join(parent, `loaded by ${template}.txt`)
        const env = {
          PYRALLEL_KAFKA_BROKERS: broker.brokers,
          LOADED: loaded,
          ...(registry.url !== undefined && { PYRALLEL_REGISTRY_URL: registry.url }),
        }
        const cli = join(root, 'node_modules/pyrallel/dist/cli/bin.js')
        const hook = pathToFileURL(join(parent, 'register.mjs')).href
        const handleOne = async (server: Run) => {
          await server.seen(/"msg":"started"/)
          await succeed(root, pyrallel, ['send', topic, value, '--brokers', broker.brokers])
          await server.seen(handledLines[template])
          server.signal('SIGTERM')
          const { end, out } = await server.ended
          assert.equal(end, 0, out)
          assert.match(out, /"msg":"stopped"/)
        }
        await handleOne(run(root, process.execPath, ['--import', hook, cli, 'start'], env))
        const modules = readFileSync(loaded, 'utf8').split('\n')
        assert.ok(modules.some((url) => url.endsWith('/dist/cli/verbs/start.js')))
        assert.ok(modules.some((url) => url.endsWith('/dist/server.mjs')))
        refuseBuilders(modules)
        // Schemas are in the bundle already, and what `dev` does is nothing for production.
        assert.deepEqual(
          modules.filter((url) => /\/typebox\/|\/pyrallel\/dist\/cli\/dev\//.test(url)),
          [],
        )

        // On another machine there is the build, and what its own package.json names: nothing, where the client is in the build.
        const deployed = join(elsewhere, template)
        cpSync(join(root, 'dist'), deployed, { recursive: true })
        if (clientUnderTest === 'librdkafka') await install(deployed, ['--omit=dev'])
        await handleOne(run(deployed, process.execPath, ['server.mjs'], env))
      } finally {
        await broker.stop()
        await registry.close()
      }
      rmSync(root, { recursive: true, force: true })
    })
  }

  it('builds where npm has left the library of Protobuf out, and refuses what needs it', {
    skip: skipWithout('no choice of client'),
  }, async () => {
    const root = join(elsewhere, 'without-protobuf')
    await succeed(elsewhere, bin(parent, 'pyrallel'), ['init', 'without-protobuf', '--template', 'avro', '-y'])
    await install(root, [tarball])
    rmSync(join(root, 'node_modules/@bufbuild'), { recursive: true })
    const pyrallel = bin(root, 'pyrallel')
    await succeed(root, pyrallel, ['generate'])
    await succeed(root, pyrallel, ['build'])
    const { dependencies } = JSON.parse(readFileSync(join(root, 'dist/package.json'), 'utf8'))
    assert.deepEqual(Object.keys(dependencies), ['@confluentinc/kafka-javascript', '@opentelemetry/api'])
    const file = join(root, 'generated/registry/payments-value.ts')
    const pulled = readFileSync(file, 'utf8').replace("format: 'avro'", "format: 'protobuf'")
    writeFileSync(file, pulled.replace(/text: '.*'/, 'text: \'syntax = "proto3"; message Payment {}\''))
    // As somebody has generated it who has the library: what has not, generates nothing.
    for (const each of ['topics.ts', 'generated/formats.ts']) {
      const path = join(root, each)
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/\bavro\b/g, 'protobuf'))
    }
    const told = /npm install --save-exact @bufbuild\/protobuf@\d+\.\d+\.\d+` in the project/
    for (const argv of [
      ['build'],
      ['dev', '--broker', 'memory'],
      ['send', 'payments', '{}', '--brokers', '127.0.0.1:1'],
    ]) {
      const { end, out } = await run(root, pyrallel, argv).ended
      assert.equal(end, 1, out)
      assert.match(out, told)
    }
  })

  it('does what docs/getting-started.md says, command by command', {
    skip: skipWithout('no choice of client'),
  }, async () => {
    const commands = commandsOf('docs/getting-started.md')
    assert.ok(commands.length >= 10)
    let cwd = parent
    let dev: Run | undefined
    for (const command of commands) {
      const [, folder] = /^cd (\S+)$/.exec(command) ?? []
      if (folder !== undefined) {
        cwd = join(cwd, folder)
        // What is tested is not published yet: the package comes from `npm pack`.
        const manifest = join(cwd, 'package.json')
        const wanted = readFileSync(manifest, 'utf8').replace(
          /("pyrallel": )"[^"]*"/,
          `$1${JSON.stringify(`file:${tarball}`)}`,
        )
        writeFileSync(manifest, wanted)
      } else if (command === 'npm run dev') {
        dev = shell(cwd, 'node_modules/.bin/pyrallel dev')
        await dev.seen(/assigned [^\n]*greetings\[0 1 2 3\]/)
      } else {
        const { end, out } = await shell(cwd, command).ended
        assert.equal(end, 0, `${command}\n${out}`)
        if (command === 'npm install') linkNativeBuild(cwd)
        if (command.startsWith('npm run send')) await dev?.seen(/✓ greetings\[\d\]@0 /)
      }
    }
    dev?.signal('SIGINT')
    assert.equal((await dev?.ended)?.end, 0)
    assert.ok(readdirSync(join(cwd, 'dist')).includes('server.mjs'))
  })

  it('has declarations that a strict compiler accepts', { skip: skipWithout('no choice of client') }, async () => {
    const program =
      "import { defineConfig, handler, topic } from 'pyrallel'\nimport { runAttempt } from 'pyrallel/testing'\n"
    writeFileSync(join(parent, 'use.mts'), `${program}export { defineConfig, handler, runAttempt, topic }\n`)
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023']
    const types = ['--types', 'node', '--typeRoots', join(repository, 'node_modules/@types')]
    const tsc = join(repository, 'node_modules/.bin/tsc')
    await succeed(parent, tsc, ['use.mts', ...options, ...types, '--lib', 'es2023,esnext.disposable'])
  })
})
