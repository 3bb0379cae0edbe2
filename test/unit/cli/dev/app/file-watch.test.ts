/** Which changes on the disk the dev loop is told, on a real file system: none may be missed. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { FileWatch } from '../../../../../cli/dev/app/file-watch.ts'
import { systemClock } from '../../../../../framework/time/clock.ts'

class Watched implements AsyncDisposable {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-watch-')))
  readonly #told: string[] = []
  #watch: FileWatch | undefined
  #look: () => void = () => {}
  /** Called at once when something is told. */
  onTold: () => void = () => {}

  constructor(...files: readonly string[]) {
    for (const file of ['handlers/one.ts', ...files]) this.write(file, 'before')
  }

  write(file: string, text: string): void {
    mkdirSync(join(this.root, file, '..'), { recursive: true })
    writeFileSync(join(this.root, file), text)
  }

  async open(files: readonly string[], since = Date.now() + 60_000, later = files): Promise<FileWatch> {
    const onChange = (changed: readonly string[]) => {
      this.#told.push(...changed.map((file) => relative(this.root, file)))
      this.onTold()
      this.#look()
    }
    const onError = (error: Error) => assert.fail(error)
    const options = { root: this.root, clock: systemClock(), since, onChange, onError }
    let now = files
    this.#watch = await FileWatch.open(options, () => {
      const asked = now.map((file) => join(this.root, file))
      now = later
      return asked
    })
    return this.#watch
  }

  /** Settles once this file was told so many times since the last call. */
  async told(file: string, times = 1): Promise<void> {
    const count = () => this.#told.filter((each) => each === file).length
    while (count() < times) {
      await new Promise<void>((resolve) => {
        this.#look = resolve
      })
    }
    this.#told.length = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.close()
    rmSync(this.root, { recursive: true, force: true })
  }
}

describe('a change is told', { timeout: 300_000 }, () => {
  it('for files below handlers/, for others that are named, and for no others', async () => {
    await using watched = new Watched('lib/word.ts', 'lib/other.ts')
    await watched.open(['lib/word.ts'])
    watched.write('lib/other.ts', 'after')
    watched.write('handlers/.one.ts.swp', 'an editor')
    watched.write('handlers/new/two.ts', 'after')
    await watched.told('handlers/new/two.ts')
    const seen: string[] = []
    watched.onTold = () => seen.push('told')
    watched.write('lib/word.ts', 'after')
    await watched.told('lib/word.ts')
    assert.deepEqual(seen, ['told'])
  })

  it('tells changes of files, too, that a change has brought in while the watch was being opened', {
    timeout: 30_000,
  }, async (t) => {
    await using watched = new Watched('lib/word.ts', 'lib/new.ts')
    await watched.open(['lib/word.ts'], undefined, ['lib/word.ts', 'lib/new.ts'])
    // Until chokidar has found what it is told to watch, it tells nothing of it.
    const writing = setInterval(() => watched.write('lib/new.ts', `after ${Math.random()}`), 50)
    t.after(() => clearInterval(writing))
    await watched.told('lib/new.ts')
    clearInterval(writing)
  })

  it('tells a change that comes while the one before it is being read', async () => {
    await using watched = new Watched()
    await watched.open([])
    watched.onTold = () => {
      watched.onTold = () => {}
      watched.write('handlers/one.ts', 'formatted on save')
    }
    watched.write('handlers/one.ts', 'saved')
    await watched.told('handlers/one.ts', 2)
  })

  it('tells a change that comes soon after two others, while the first of them is looked at again', async () => {
    // Where the timers fall together depends on the machine.
    for (const [pause, other] of [22, 25, 28, 31].flatMap((each) => [2, 8, 14].map((next) => [each, next] as const))) {
      await using watched = new Watched()
      await watched.open([])
      watched.write('handlers/one.ts', 'first')
      await watched.told('handlers/one.ts')
      await delay(pause)
      watched.write('handlers/one.ts', 'the second')
      await watched.told('handlers/one.ts')
      await delay(other)
      watched.write('handlers/one.ts', 'and the third')
      const isTold = await Promise.race([watched.told('handlers/one.ts').then(() => true), delay(2_000)])
      assert.ok(isTold, `the third was not told, ${pause} and ${other} ms after those before it`)
    }
  })

  it('tells a change whose editor renames another file over it, again and again', async () => {
    await using watched = new Watched('lib/word.ts')
    await watched.open(['lib/word.ts'])
    for (const text of ['first', 'second', 'third']) {
      watched.write('lib/word.tmp', text)
      renameSync(join(watched.root, 'lib/word.tmp'), join(watched.root, 'lib/word.ts'))
      await watched.told('lib/word.ts')
    }
  })

  it('tells a change that came before the watch had begun', async () => {
    const since = Date.now()
    await using watched = new Watched('lib/word.ts')
    await watched.open(['lib/word.ts'], since)
    await watched.told('lib/word.ts')
  })

  it('for a file that is not there yet, nor its folder', async () => {
    await using watched = new Watched()
    const watch = await watched.open(['.env'])
    watch.setFiles([join(watched.root, '.env'), join(watched.root, 'lib/deep/word.ts')])
    watched.write('lib/deep/word.ts', 'first')
    await watched.told('lib/deep/word.ts')
    watched.write('lib/deep/word.ts', 'second')
    await watched.told('lib/deep/word.ts')
    watched.write('.env', 'A=1')
    await watched.told('.env')
  })

  it('for a file that goes and comes again, and for the whole of handlers/', async () => {
    await using watched = new Watched('.env')
    await watched.open(['.env'])
    rmSync(join(watched.root, '.env'))
    await watched.told('.env')
    watched.write('.env', 'A=2')
    await watched.told('.env')
    rmSync(join(watched.root, 'handlers'), { recursive: true })
    await watched.told('handlers/one.ts')
    watched.write('handlers/one.ts', 'back')
    await watched.told('handlers/one.ts')
    watched.write('handlers/one.ts', 'changed')
    await watched.told('handlers/one.ts')
  })
})
