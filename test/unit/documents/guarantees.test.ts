/** docs/guarantees.md: each event says the same four things, and every test that it names is there. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { PrometheusMetrics } from '../../../framework/observability/prometheus.ts'
import { checkout, textOf } from './pages.ts'

interface NamedTest {
  readonly file: string
  readonly title: string
}

const page = textOf('docs/guarantees.md')
const events = (page.split('\n## Events\n')[1]?.split('\n## ')[0] ?? '').split('\n### ').slice(1)

/** Titles of loops end in the page where their text ends in the file. */
function namedTests(text: string): readonly NamedTest[] {
  const flat = text.replace(/\n\s*/g, ' ')
  return [...flat.matchAll(/`(test\/[\w./-]+)`: "([^"]+)"/g)].map(([, file = '', title = '']) => ({ file, title }))
}

/** In one line. */
function seenIn(event: string): string {
  return (event.split('- **Seen:** ')[1]?.split('\n- **')[0] ?? '').replace(/\n\s*/g, ' ')
}

/** Of all files below these folders. */
function sourceText(folders: readonly string[]): string {
  const files = folders.flatMap((folder) =>
    readdirSync(checkout + folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${checkout}${folder}/${file}`),
  )
  return files.map((file) => readFileSync(file, 'utf8')).join('\n')
}

function isThere({ file, title }: NamedTest): boolean {
  return existsSync(checkout + file) && titlesIn(readFileSync(checkout + file, 'utf8')).some((t) => t.includes(title))
}

function titlesIn(source: string): readonly string[] {
  return [...source.matchAll(/\bit\(\s*(['"`])(.*?)\1,/gs)].map(([, , title = '']) => title)
}

describe('docs/guarantees.md', () => {
  it('tells of each event what runs again, what is lost, what is seen, and which test shows it', () => {
    assert.ok(events.length >= 16)
    for (const event of events) {
      const [name = ''] = event.split('\n')
      for (const what of ['Runs again', 'Lost', 'Seen', 'Test']) {
        assert.ok(event.includes(`- **${what}:** `), `${name}: ${what}`)
      }
    }
  })

  it('names a test for each event', () => {
    const without = events.filter((event) => namedTests(event).length === 0)
    assert.deepEqual(without, [])
  })

  it('names a test for each of the twenty ways in which transactions go wrong', () => {
    const section = page.split('\n## Exactly once\n')[1]?.split('\n## ')[0] ?? ''
    const rows = section.split('\n').filter((line) => line.startsWith('|') && line.includes('`test/'))
    assert.equal(rows.length, 20)
    const named = rows.map((row) => namedTests(row).at(0) ?? assert.fail(row))
    assert.deepEqual(
      named.filter((each) => !isThere(each)),
      [],
    )
  })

  it('says of each event where it is seen: in the log, in a metric, in status', () => {
    for (const event of events) {
      const [name = ''] = event.split('\n')
      const seen = seenIn(event)
      // A reference to another event stands for what is said there.
      if (seen.startsWith('as when ') && !seen.includes('; ')) continue
      if (!seen.startsWith('nothing, ')) assert.match(seen, /`pyrallel_\w+`/, name)
      assert.match(seen, /`status`/, name)
    }
  })

  it('quotes what the code says: lines of the log, metrics, words of status', async () => {
    const quoted = events.flatMap((event) => [...seenIn(event).matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
    const metrics = quoted.filter((text) => text.startsWith('pyrallel_'))
    const sentences = quoted.filter((text) => text.split(' ').length >= 3 && !text.startsWith('Shutdown broker'))
    assert.ok(metrics.length >= 15 && sentences.length >= 12)
    const page = await PrometheusMetrics.create(() => ({ groups: [], threads: [] }) as never, [])
    const { text } = await page.page().finally(() => page.close())
    assert.deepEqual(
      metrics.filter((name) => !text.includes(`# TYPE ${name} `)),
      [],
    )
    const source = sourceText(['framework', 'cli'])
    assert.deepEqual(
      sentences.filter((sentence) => !source.includes(sentence)),
      [],
    )
  })

  it('names only tests that are there', () => {
    const named = namedTests(page)
    assert.ok(named.length >= 20)
    assert.deepEqual(
      named.filter((test) => !isThere(test)),
      [],
    )
    assert.ok(!isThere({ file: 'test/unit/time/clock.test.ts', title: 'goes backwards' }))
    assert.ok(!isThere({ file: 'test/unit/time/sundial.test.ts', title: '' }))
  })
})
