/**
 * Puts the table of a run into README.md, between its marks: `node --import tsx test/bench/matrix/fill-readme.ts [bench-results/last.json]`.
 * Measures nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readmeText, withBenchmarks } from './readme-text.ts'
import type { MatrixResult } from './results.ts'

const readme = fileURLToPath(new URL('../../../README.md', import.meta.url))
const result = JSON.parse(readFileSync(process.argv[2] ?? 'bench-results/last.json', 'utf8')) as MatrixResult
writeFileSync(readme, withBenchmarks(readFileSync(readme, 'utf8'), readmeText(result)))
