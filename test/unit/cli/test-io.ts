/** A terminal and a folder for tests of commands: remembers what was written. Folders are removed after each test. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'node:test'
import type { Io } from '../../../cli/terminal/io.ts'
import { installPackage } from '../../source-package.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

export function emptyFolder(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-cli-')))
  folders.push(root)
  return root
}

/** A project that can import `pyrallel` and `typebox`, as if they had been installed. */
export function projectFolder(files: Readonly<Record<string, string>> = {}): string {
  const root = emptyFolder()
  installPackage(root)
  const all = { 'package.json': '{ "type": "module" }', ...files }
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

export interface TestIo extends Io {
  readonly out: () => string
  readonly err: () => string
}

export function testIo(cwd: string, input = '', env: Io['env'] = {}): TestIo {
  const out: string[] = []
  const err: string[] = []
  return {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    stdin: (async function* () {
      yield input
    })(),
    env,
    cwd: () => cwd,
    out: () => out.join(''),
    err: () => err.join(''),
  }
}
