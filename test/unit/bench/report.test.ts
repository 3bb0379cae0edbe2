import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { barChart, lineChart, niceCeiling } from '../../bench/matrix/plots.ts'
import { benchmarksText, readmeText, withBenchmarks } from '../../bench/matrix/readme-text.ts'
import { htmlReport } from '../../bench/matrix/report.ts'
import { cellOf, type MatrixResult, unavailableCell } from '../../bench/matrix/results.ts'
import { cellText, legend, markdownTable, tableRows, terminalTable } from '../../bench/matrix/table.ts'

const rate = (perSecond: number) =>
  ({ kind: 'rate', perSecond, done: 1, cpuUs: undefined, peakBytes: 200 * 2 ** 20 }) as const
const latency = {
  kind: 'latency',
  p50: 1.23,
  p99: 4.56,
  p999: 78.9,
  perSecond: 100,
  sent: 10,
  unfinished: 0,
  producerLateMs: 0,
} as const

const result: MatrixResult = {
  format: 1,
  at: '2026-11-23T10:00:00.000Z',
  quick: false,
  repetitions: 2,
  tookMs: 600_000,
  machine: { cpu: 'A <fast> one', cores: 2, memoryBytes: 8 * 2 ** 30, os: 'Linux 6', node: '20.19.0' },
  kafka: '4.4.0',
  commit: 'abc1234',
  systems: [
    { name: 'ours', title: 'Pyrallel', version: '0.1.0' },
    { name: 'pc', title: 'Parallel Consumer', version: '', unavailable: 'javac is not installed' },
  ],
  workloads: [
    { id: 'b', letter: 'b', title: 'I/O' },
    { id: 'g-free', letter: 'g', title: 'latency' },
  ],
  cells: [
    cellOf('b', 'ours', [rate(9_000), rate(10_000)], { by: 'keys', perSecond: 19_000 }),
    unavailableCell('b', 'pc', 'javac is not installed'),
    cellOf('g-free', 'ours', [latency], undefined),
    unavailableCell('g-free', 'pc', 'javac is not installed'),
  ],
  curves: [
    {
      name: 'keys',
      points: [
        { x: 10, usPerRecord: { median: 2, min: 2, max: 2 } },
        { x: 1_000, usPerRecord: { median: 3, min: 3, max: 3 } },
      ],
    },
  ],
}

describe('the table', () => {
  it('shows rates with their share of the bound and their spread, and what is not there', () => {
    assert.deepEqual(tableRows(result), [
      ['', 'ours', 'pc'],
      ['b: I/O', '9,500/s, 0.50 ±5 %', 'not available'],
      ['g-free: latency', '1.2 ms / 4.6 ms / 79 ms', 'not available'],
    ])
  })

  it('shows a cell that failed as failed, with the reason', () => {
    const cell = cellOf(
      'b',
      'ours',
      [{ kind: 'failed', why: 'order broken 2 times in 10 records\nand more' }],
      undefined,
    )
    assert.equal(cellText(cell), 'failed: order broken 2 times in 10 records')
  })

  it('shows memory, recovery and records that were never done', () => {
    const memory = { kind: 'memory', perSecond: 1, done: 1, peakBytes: 200 * 2 ** 20 } as const
    const whole = cellOf('i', 'ours', [{ ...memory, peakBytesAtTenth: 100 * 2 ** 20 }], undefined)
    assert.equal(cellText(whole), '200 MiB (at a tenth 100 MiB)')
    const slow = cellOf('i', 'ours', [{ ...memory, peakBytesAtTenth: undefined }], undefined)
    assert.equal(cellText(slow), '200 MiB (no tenth done in time)')
    const run = { kind: 'recovery', doneBefore: 6_000, executedAgain: 12, uncommitted: 900, lost: 0 } as const
    assert.equal(cellText(cellOf('h', 'ours', [run], undefined)), '12 of 6,000 again (allowed: 900)')
    const losing = cellOf('h', 'ours', [{ ...run, lost: 3 }], undefined)
    assert.match(cellText(losing), /3 LOST/)
    assert.match(cellText(cellOf('g', 'ours', [{ ...latency, unfinished: 7 }], undefined)), /7 never/)
  })

  it('is a block for each workload in a terminal, and keeps bars out of Markdown cells', () => {
    const rows = [
      ['', 'a', 'long'],
      ['first', '1', '2'],
      ['second', '3', '4'],
    ]
    assert.equal(terminalTable(rows), 'first\n  a     1\n  long  2\n\nsecond\n  a     3\n  long  4')
    assert.equal(markdownTable([['x'], ['a|b']]), '| x |\n| --- |\n| a\\|b |')
  })
})

describe('the legend below the table', () => {
  it('says how to read each kind of cell that is there, and what each system is', () => {
    assert.equal(
      legend(result),
      [
        'rate: records a second, their share of what was measured to be possible here (1.00), and the spread of the repetitions',
        'latency: p50 / p99 / p99.9; never: records that were not done when the run was over',
        'ours: Pyrallel 0.1.0',
        'pc: Parallel Consumer',
      ].join('\n'),
    )
    const recovery = { kind: 'recovery', doneBefore: 6, executedAgain: 1, uncommitted: 9, lost: 0 } as const
    const memory = { kind: 'memory', perSecond: 1, done: 1, peakBytes: 1, peakBytesAtTenth: 1 } as const
    const others = [cellOf('h', 'ours', [recovery], undefined), cellOf('i', 'ours', [memory], undefined)]
    assert.match(legend({ ...result, cells: others }), /^recovery: .* before the kill\nmemory: its peak/)
  })
})

describe('the report', () => {
  const html = htmlReport(result)

  it('needs nothing from anywhere', () => {
    assert.doesNotMatch(html, /<script|<link|https?:\/\//)
  })

  it('has the flame graphs that it is given', () => {
    const withProfile = htmlReport(result, [{ title: 'ours <on> b', svg: '<svg id="flames"></svg>' }])
    assert.match(withProfile, /ours &lt;on&gt; b<\/h2>.*<svg id="flames">/)
  })

  it('has the table, a plot for each workload and each curve, and escapes what it shows', () => {
    assert.equal([...html.matchAll(/<svg /g)].length, 3)
    assert.match(html, /9,500\/s, 0\.50/)
    assert.match(html, /A &lt;fast&gt; one/)
    assert.match(html, /javac is not installed/)
  })

  it('draws bars in proportion, and the bound', () => {
    const svg = barChart(
      [
        { label: 'a', value: 50, text: '50', isOurs: true },
        { label: 'b', value: 100, text: '100', isOurs: false },
      ],
      200,
    )
    const widths = [...svg.matchAll(/<rect[^>]* width="([\d.]+)"/g)].map((match) => Number(match[1]))
    assert.equal(widths[1], 2 * (widths[0] ?? 0))
    assert.match(svg, /class="bound"/)
  })

  it('draws curves from zero, so that flat looks flat', () => {
    const points = [
      { x: 10, y: 2 },
      { x: 100, y: 2 },
    ]
    const svg = lineChart({ name: 'keys', points }, 'keys', 'us')
    const heights = [...svg.matchAll(/cy="([\d.]+)"/g)].map((match) => match[1])
    assert.equal(heights[0], heights[1])
    assert.match(svg, />0</)
  })

  it('rounds axes up to 1, 2 or 5', () => {
    assert.deepEqual([0, 0.3, 1, 1.1, 4.5, 60].map(niceCeiling), [1, 0.5, 1, 2, 5, 100])
  })
})

describe('the page of benchmarks', () => {
  const page =
    'before\n<!-- benchmarks: filled by test/bench/matrix/fill-readme.ts -->\nold\n<!-- end of benchmarks -->\nafter\n'

  it('gets the table between its marks, and keeps the rest', () => {
    const filled = withBenchmarks(page, benchmarksText(result))
    assert.match(filled, /^before\n/)
    assert.match(filled, /\nafter\n$/)
    assert.doesNotMatch(filled, /old/)
    assert.match(filled, /\| b: I\/O \| 9,500\/s, 0\.50 ±5 % \| not available \|/)
    assert.match(filled, /Kafka 4\.4\.0/)
    assert.equal(withBenchmarks(filled, benchmarksText(result)), filled)
  })

  it('the page and README have what the published run says, README six rows of it', () => {
    const inCheckout = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
    const published = JSON.parse(inCheckout('bench-results/published.json')) as MatrixResult
    for (const [path, text] of [
      ['docs/benchmarks.md', benchmarksText(published)],
      ['README.md', readmeText(published)],
    ] as const) {
      assert.equal(inCheckout(path), withBenchmarks(inCheckout(path), text), path)
    }
    assert.equal(readmeText(published).match(/^\|/gm)?.length, 2 + 6)
  })

  it('is left alone when the marks are not there', () => {
    assert.throws(() => withBenchmarks('nothing', 'text'), /no place for benchmarks/)
  })
})
