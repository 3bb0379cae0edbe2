/** What a reload says of code that is no mistake. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { AppLoad, LoadedApp } from '../../../../cli/dev/app/app-loader.ts'
import { Reloader } from '../../../../cli/dev/reloader.ts'
import { type DevNote, noteText } from '../../../../cli/dev/view/dev-note.ts'
import type { Diagnostic } from '../../../../cli/diagnostics/diagnostic.ts'
import { resolveConfig } from '../../../../framework/config/resolve-config.ts'

const warning = (message: string, line = 3): Diagnostic => ({
  code: 'PYR_PATTERN',
  file: 'handlers/a.ts',
  line,
  column: 7,
  message,
  fix: 'Let each character belong to one repetition only.',
  frame: '> 3 | …',
})

const app: Omit<LoadedApp, 'warnings'> = {
  project: {
    root: '/',
    config: resolveConfig({ group: 'shop' }, 'x'),
    places: new Map(),
    declaredGroup: 'shop',
    warnings: [],
  },
  handlers: [],
  traffic: undefined,
  isFresh: false,
  generatedMs: 0,
}

it('shows a warning of the generator once, and again when it was corrected and comes back', async () => {
  const notes: DevNote[] = []
  let warnings: readonly Diagnostic[] = []
  let loaded = () => {}
  const reloader = new Reloader({
    load: async (): Promise<AppLoad> => ({ kind: 'loaded', app: { ...app, warnings } }),
    apply: async () => ({ kind: 'updated', update: { replaced: [], groups: [] } }),
    isRunning: () => true,
    say: (note) => void notes.push(note),
    onLoaded: () => loaded(),
    warnings: [warning('known from the start')],
    advice: [],
    now: () => 0,
  })
  const save = async (...now: readonly Diagnostic[]) => {
    warnings = now
    await new Promise<void>((resolve) => {
      loaded = resolve
      reloader.onChange(['handlers/a.ts'])
    })
    // What it says comes behind, in the same turn.
    await new Promise((resolve) => setImmediate(resolve))
    return notes.splice(0).map((note) => (note.kind === 'warned' ? note.diagnostic.message : note.kind))
  }
  assert.deepEqual(await save(warning('known from the start', 9), warning('new')), ['new'])
  assert.deepEqual(await save(warning('new', 12)), [])
  assert.deepEqual(await save(), [])
  assert.deepEqual(await save(warning('new')), ['new'])
  await reloader.close()
})

it('shows once what was written into the environment and does not count', async () => {
  const notes: DevNote[] = []
  let advice: readonly string[] = ['known']
  let loaded = () => {}
  const reloader = new Reloader({
    load: async (): Promise<AppLoad> => {
      return { kind: 'loaded', app: { ...app, project: { ...app.project, warnings: advice }, warnings: [] } }
    },
    apply: async () => ({ kind: 'updated', update: { replaced: [], groups: [] } }),
    isRunning: () => true,
    say: (note) => void notes.push(note),
    onLoaded: () => loaded(),
    warnings: [],
    advice,
    now: () => 0,
  })
  const save = async (...now: readonly string[]) => {
    advice = now
    await new Promise<void>((resolve) => {
      loaded = resolve
      reloader.onChange(['.env'])
    })
    return notes.splice(0).flatMap((note) => noteText(note, (_color, text) => text))
  }
  assert.deepEqual(await save('known', 'new'), ['! new'])
  assert.deepEqual(await save('known', 'new'), [])
  await reloader.close()
})

it('shows place, code, sentence and fix of a warning', () => {
  const lines = noteText({ kind: 'warned', diagnostic: warning('It can take very long.') }, (_color, text) => text)
  assert.deepEqual(lines, [
    '! handlers/a.ts:3:7 PYR_PATTERN',
    '  It can take very long.',
    '  Fix: Let each character belong to one repetition only.',
  ])
})

it('loads what changes while the reload before it is just ending', async () => {
  const loads: (readonly string[])[] = []
  const reloader = new Reloader({
    load: async (changed): Promise<AppLoad> => {
      loads.push(changed)
      return { kind: 'loaded', app: { ...app, warnings: [] } }
    },
    apply: async () => ({ kind: 'updated', update: { replaced: [], groups: [] } }),
    isRunning: () => true,
    say: () => {},
    onLoaded: () => {
      if (loads.length === 1) queueMicrotask(() => reloader.onChange(['handlers/b.ts']))
    },
    warnings: [],
    advice: [],
    now: () => 0,
  })
  reloader.onChange(['handlers/a.ts'])
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(loads, [['handlers/a.ts'], ['handlers/b.ts']])
  await reloader.close()
})
