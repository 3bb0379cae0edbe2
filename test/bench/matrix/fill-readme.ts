/**
 * Puts the table of a run into README.md, between its marks: `node --import tsx test/bench/matrix/fill-readme.ts [bench-results/last.json]`.
 * The run itself is kept beside it as `bench-results/published.json`, the one that Git does not ignore. Measures nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readmeText, withBenchmarks } from './readme-text.ts'
import type { MatrixResult } from './results.ts'

const inCheckout = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const readme = inCheckout('README.md')
const run = readFileSync(process.argv[2] ?? inCheckout('bench-results/last.json'), 'utf8')
const result = JSON.parse(run) as MatrixResult
writeFileSync(readme, withBenchmarks(readFileSync(readme, 'utf8'), readmeText(result)))
writeFileSync(inCheckout('bench-results/published.json'), run)
