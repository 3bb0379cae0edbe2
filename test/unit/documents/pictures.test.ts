/** The pictures of DESIGN.md and docs/contributing.md name classes, their methods and files: all of them are there. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readSourceTree } from '../../architecture/source-tree.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))

interface Named {
  readonly classes: ReadonlyMap<string, string>
  readonly files: ReadonlySet<string>
}

/** Classes and interfaces of the framework with the code of their files, and the names of all files. */
function inFramework(): Named {
  const classes = new Map<string, string>()
  const files = new Set<string>()
  for (const { path, code } of readSourceTree(checkout).values()) {
    if (!path.startsWith('framework/')) continue
    files.add(basename(path))
    for (const [, name] of code.matchAll(/\bexport (?:abstract )?(?:class|interface) (\w+)/g))
      if (name !== undefined) classes.set(name, code)
  }
  return { classes, files }
}

/** What a text names that is not there. */
function strangers(picture: string, { classes, files }: Named): readonly string[] {
  const names = picture.matchAll(/\b([A-Z][a-z]+(?:[A-Z][a-z]+)+|[A-Z]\w+(?=\.))(?:\.(\w+))?/g)
  const wrong = [...names].flatMap(([text, name = '', method]) => {
    const code = classes.get(name)
    const hasMethod = method === undefined || new RegExp(`\\b${method}[(<]`).test(code ?? '')
    return code !== undefined && hasMethod ? [] : [text]
  })
  const missing = [...picture.matchAll(/[\w-]+\.ts\b/g)].flatMap(([file]) => (files.has(file) ? [] : [file]))
  return [...wrong, ...missing]
}

describe('the pictures of the design', () => {
  const design = ['DESIGN.md', 'docs/contributing.md']
    .map((page) => readFileSync(join(checkout, page), 'utf8'))
    .join('\n')
  const blocks = design.matchAll(/^```(\w*)\n(.*?)^```$/gms)
  const pictures = [...blocks].flatMap(([, language, block = '']) => (language === '' ? block : []))
  const named = inFramework()

  it('are two: the planes, and the way of a record through the worker engine', () => {
    assert.equal(pictures.length, 2)
    assert.match(pictures[0] ?? '', /BrokerPoller/)
    assert.match(pictures[1] ?? '', /WorkerEngine\.submit/)
  })

  it('have at most 25 lines', () => {
    for (const picture of pictures) assert.ok(picture.split('\n').length <= 26, picture)
  })

  it('name classes, methods and files that the framework has', () => {
    assert.deepEqual(
      pictures.flatMap((picture) => strangers(picture, named)),
      [],
    )
  })

  it('would be told of a class, a method or a file that was renamed', () => {
    const text = 'WorkerEngine.submit WorkerLane.addAll LaneMotor Attempt.begin batch-codec.ts batch-coder.ts'
    assert.deepEqual(strangers(text, named), ['WorkerLane.addAll', 'LaneMotor', 'Attempt.begin', 'batch-coder.ts'])
  })
})
