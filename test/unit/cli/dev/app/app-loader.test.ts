/** What a reload evaluates again, and what stays the same object: with the real bundler, on a real disk. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { describe, it } from 'node:test'
import { AppLoader, type LoadedApp } from '../../../../../cli/dev/app/app-loader.ts'
import { diagnosticText } from '../../../../../cli/diagnostics/diagnostic.ts'
import { PyrallelError } from '../../../../../framework/model/errors.ts'

/** What the modules of the projects below count, and ask. */
const world: { evaluated: Record<string, number>; isServiceUp: boolean } = { evaluated: {}, isServiceUp: true }
Reflect.set(globalThis, 'pyrallelLoaderTest', world)

const counted = (name: string) =>
  `const world = globalThis.pyrallelLoaderTest\nworld.evaluated['${name}'] = (world.evaluated['${name}'] ?? 0) + 1\n`
const needsService = "if (!globalThis.pyrallelLoaderTest.isServiceUp) throw new Error('no service')\n"
const handler = (topic: string, before = '', options = '{}') =>
  `${before}import { handler } from 'pyrallel'\nexport default handler('${topic}', ${options}, () => {})\n`
const traffic = (before = '') => `${before}export const traffic = function* () {}\n`

class Project implements AsyncDisposable {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-loader-')))
  readonly #loader: AppLoader

  constructor(files: Readonly<Record<string, string>>) {
    world.evaluated = {}
    world.isServiceUp = true
    this.save('package.json', '{ "type": "module" }')
    this.save('pyrallel.config.ts', "export default { group: 'shop' }\n")
    for (const [path, content] of Object.entries(files)) this.save(path, content)
    const trafficFile = files['handlers/_traffic.ts'] === undefined ? undefined : 'handlers/_traffic.ts'
    this.#loader = new AppLoader({ root: this.root, env: {}, trafficFile })
  }

  save(path: string, content: string): string {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    writeFileSync(join(this.root, path), content)
    return path
  }

  async load(...changed: readonly string[]): Promise<LoadedApp> {
    const load = await this.#loader.load(changed.map((path) => join(this.root, path)))
    return load.kind === 'loaded' ? load.app : assert.fail(load.diagnostics.map(diagnosticText).join('\n'))
  }

  watched(): readonly string[] {
    return this.#loader.watched().map((path) => relative(this.root, path))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loader.close()
    rmSync(this.root, { recursive: true, force: true })
  }
}

const noService = (error: unknown) => error instanceof PyrallelError && /no service/.test(error.message)

describe('a module that failed when it was evaluated', () => {
  it('is evaluated at every load until it succeeds, and those that had succeeded keep their state', async () => {
    await using project = new Project({
      'handlers/good.ts': handler('good', "import '../lib/state.ts'\n"),
      'handlers/other.ts': handler('other'),
      'handlers/needy.ts': handler('needy'),
      'lib/state.ts': counted('state'),
      'lib/service.ts': `${counted('service')}export {}\n`,
    })
    const before = await project.load()
    world.isServiceUp = false
    const service = project.save('lib/service.ts', `${counted('service')}${needsService}export {}\n`)
    const needy = project.save('handlers/needy.ts', handler('needy', "import '../lib/service.ts'\n"))
    await assert.rejects(project.load(needy, service), noService)
    await assert.rejects(project.load(), noService)
    const other = project.save('handlers/other.ts', handler('other', '', "{ timeout: '5s' }"))
    await assert.rejects(project.load(other), noService)
    assert.equal(world.evaluated.service, 3, 'evaluated at every load')
    world.isServiceUp = true
    const after = await project.load()
    assert.deepEqual(world.evaluated, { state: 1, service: 4 })
    const same = after.handlers.filter((each) => before.handlers.includes(each)).map(({ file }) => file)
    assert.deepEqual(same, ['handlers/good.ts'])
    assert.deepEqual((await project.load()).handlers, after.handlers)
    assert.equal(world.evaluated.service, 4, 'evaluated no more')
  })

  it('is evaluated again though it is a traffic file, or one that it imports', async () => {
    await using project = new Project({
      'handlers/good.ts': handler('good', counted('good')),
      'handlers/_traffic.ts': traffic("import '../lib/service.ts'\n"),
      'lib/service.ts': 'export {}\n',
    })
    const before = await project.load()
    for (const [path, content] of [
      ['lib/service.ts', `${needsService}export {}\n`],
      ['handlers/_traffic.ts', traffic(needsService)],
    ] as const) {
      world.isServiceUp = false
      await assert.rejects(project.load(project.save(path, content)), noService)
      await assert.rejects(project.load(), noService)
      world.isServiceUp = true
      const after = await project.load()
      assert.equal(typeof after.traffic, 'function')
      assert.notEqual(after.traffic, before.traffic)
      assert.deepEqual(after.handlers, before.handlers)
    }
    assert.equal(world.evaluated.good, 1)
  })
})

describe('a package that is not installed', () => {
  it('is named with the file that imports it, and is found once it is there', async () => {
    await using project = new Project({ 'handlers/one.ts': handler('one') })
    await project.load()
    const importing = handler('one', "import { word } from 'later-package/words'\n").replace(
      '() => {}',
      '() => void word',
    )
    const save = () => project.save('handlers/one.ts', importing)
    for (const changed of [save(), save()]) {
      await assert.rejects(
        project.load(changed),
        /handlers\/one\.ts:1:22 PYR_BUNDLE\nThe package later-package is not installed\.[\s\S]*npm install later-package$/,
      )
    }
    const manifest = 'node_modules/later-package/package.json'
    assert.ok(project.watched().includes(manifest))
    project.save('node_modules/later-package/words.js', "export const word = 'found'\n")
    const text = { name: 'later-package', version: '1.0.0', type: 'module', exports: { './words': './words.js' } }
    const { handlers } = await project.load(project.save(manifest, JSON.stringify(text)))
    assert.equal(handlers.length, 1)
  })

  it('is no matter where its import may fail', async () => {
    await using project = new Project({
      'handlers/one.ts': handler('one', "import { optional } from '../lib/optional.ts'\n").replace(
        '() => {}',
        '() => void optional',
      ),
      'lib/optional.ts': "export const optional = await import('never-there').catch(() => undefined)\n",
    })
    assert.equal((await project.load()).handlers.length, 1)
  })
})

describe('what Node says of an import', () => {
  it('names the file of the project, not the one that it was bundled to', async () => {
    await using project = new Project({
      'handlers/one.ts': handler('one'),
      'node_modules/there/package.json': '{ "name": "there", "version": "1.0.0", "exports": { ".": "./index.js" } }',
      'node_modules/there/index.js': 'export {}\n',
    })
    await project.load()
    const importing = handler('one', "import there from 'there/inside.js'\n").replace('() => {}', '() => void there')
    await assert.rejects(
      project.load(project.save('handlers/one.ts', importing)),
      ({ message }: Error) =>
        /'\.\/inside\.js' is not defined/.test(message) && /imported from handlers\/one\.ts$/.test(message),
    )
  })
})

describe('variables of .env files that change', () => {
  it('make every module new, in one folder, and the next save replaces what it has changed only', async () => {
    await using project = new Project({
      'handlers/one.ts': handler('one', counted('one')),
      'handlers/two.ts': handler('two', '', "{ engine: 'worker' }"),
      'handlers/_traffic.ts': traffic(),
    })
    const before = await project.load()
    const fresh = await project.load(project.save('.env', 'PYR_LOADER_TEST=new\n'))
    assert.equal(fresh.isFresh, true)
    assert.equal(world.evaluated.one, 2)
    assert.deepEqual(
      fresh.handlers.filter((each) => before.handlers.includes(each)),
      [],
    )
    const folderOf = ({ handlers }: LoadedApp) =>
      handlers.map(({ worker }) => /\/dev\/(\d+\/\d+)\//.exec(worker?.entry ?? '')?.[1])
    assert.deepEqual(folderOf(before), [undefined, `${process.pid}/0`])
    assert.deepEqual(folderOf(fresh), [undefined, `${process.pid}/1`])
    const saved = await project.load(
      project.save('handlers/one.ts', handler('one', counted('one'), "{ timeout: '5s' }")),
    )
    assert.deepEqual(folderOf(saved), [undefined, `${process.pid}/1`])
    const replaced = saved.handlers.filter((each) => !fresh.handlers.includes(each)).map(({ file }) => file)
    assert.deepEqual(replaced, ['handlers/one.ts'])
    assert.equal(saved.traffic, fresh.traffic)
  })
})

describe('a handler of several topics', () => {
  it('is loaded with all of them, and stays the same objects until its file changes', async () => {
    const both = (timeout: string) =>
      `import { handler } from 'pyrallel'\nexport default handler(['orders', 'payments'], { timeout: '${timeout}' }, () => {})\n`
    await using project = new Project({ 'handlers/book.ts': both('5s'), 'handlers/other.ts': handler('other') })
    const before = (await project.load()).handlers
    assert.deepEqual(
      before.map(({ route }) => [route.handlerId, route.topic]),
      [
        ['book', 'orders'],
        ['book', 'payments'],
        ['other', 'other'],
      ],
    )
    const other = project.save('handlers/other.ts', handler('other', '', "{ timeout: '6s' }"))
    const again = (await project.load(other)).handlers
    assert.deepEqual(
      again.map((each, index) => each === before[index]),
      [true, true, false],
    )
    const changed = (await project.load(project.save('handlers/book.ts', both('7s')))).handlers
    assert.deepEqual(
      changed.map((each, index) => each === again[index]),
      [false, false, true],
    )
  })
})
