/**
 * Puts the table of a run into docs/benchmarks.md, and six of its rows into README.md, between their marks: `node --import tsx test/bench/matrix/fill-readme.ts [bench-results/last.json]`.
 * The run itself is kept beside it as `bench-results/published.json`, the one that Git does not ignore. Measures nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { benchmarksText, readmeText, withBenchmarks } from './readme-text.ts'
import type { MatrixResult } from './results.ts'

const inCheckout = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const pages = [
  { file: inCheckout('README.md'), text: readmeText },
  { file: inCheckout('docs/benchmarks.md'), text: benchmarksText },
]
const run = readFileSync(process.argv[2] ?? inCheckout('bench-results/last.json'), 'utf8')
const result = JSON.parse(run) as MatrixResult
for (const { file, text } of pages) writeFileSync(file, withBenchmarks(readFileSync(file, 'utf8'), text(result)))
writeFileSync(inCheckout('bench-results/published.json'), run)
