/** `npm run mutants [-- PART_OF_A_NAME|engine|kafka|javascript|librdkafka|exactly-once|user]`: breaks the code on purpose, one way at a time, and shows that the simulation notices each. Exit code 1 when one lives. */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutant, mutants, mutate, pathOf } from './mutants.ts'

const SCHEDULES = '12000'
const ENGINE_SCHEDULES = '1000'
const GROUPS = '20'
/** A mutant that hangs is not caught: nobody would know of it. Long enough for a machine that has other work. */
const LIMIT_MS = 600_000
const CLIENT_SCHEDULES = '4000'
const USER_SCHEDULES = '300'
const root = fileURLToPath(new URL('../..', import.meta.url))

const only = process.argv[2]
const startedAt = performance.now()
let [tried, living] = [0, 0]
for (const [index, mutant] of mutants.entries()) {
  if (only !== undefined && mutant.part !== only && !mutant.name.includes(only)) continue
  const verdict = await tryMutant(mutant)
  tried += 1
  if (!verdict.isCaught) living += 1
  const mark = verdict.isCaught ? 'caught' : 'LIVES '
  console.log(`${String(index + 1).padStart(2)}/${mutants.length}  ${mark}  ${mutant.name}\n       ${verdict.by}`)
}
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
console.log(`${tried - living} of ${tried} mutants caught (${seconds} s)`)
process.exitCode = living === 0 ? 0 : 1

async function tryMutant(mutant: Mutant): Promise<{ isCaught: boolean; by: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'pyrallel-mutant-'))
  try {
    for (const part of ['framework', 'test/simulation', 'package.json', 'tsconfig.json']) {
      await cp(join(root, part), join(folder, part), { recursive: true })
    }
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    const path = join(folder, pathOf(mutant))
    await writeFile(path, mutate(await readFile(path, 'utf8'), mutant))
    const { code, output } = await play(folder, mutant)
    const firstLine = output.split('\n').find((line) => line.startsWith('seed ')) ?? output.split('\n')[0] ?? ''
    const by = code === null ? `not through after ${LIMIT_MS / 1_000} s` : firstLine.slice(0, 160)
    return { isCaught: code === 1 && firstLine.startsWith('seed '), by }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function play(folder: string, { part }: Mutant): Promise<{ code: number | null; output: string }> {
  if (part === 'engine') return simulate(folder, 'simulate-engines.ts', ENGINE_SCHEDULES)
  if (part === 'javascript') return simulate(folder, 'simulate-javascript-client.ts', CLIENT_SCHEDULES)
  if (part === 'librdkafka') return simulate(folder, 'simulate-late-answers.ts', CLIENT_SCHEDULES)
  if (part === 'exactly-once') return simulate(folder, 'simulate-exactly-once.ts', CLIENT_SCHEDULES)
  if (part === 'user') return simulate(folder, 'simulate-user.ts', USER_SCHEDULES)
  if (part === 'kafka') return simulate(folder, 'simulate-groups.ts', GROUPS)
  return simulate(folder, 'simulate.ts', SCHEDULES)
}

function simulate(folder: string, script: string, seeds: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const args = ['--import', 'tsx', join(folder, 'test/simulation', script), '--seeds', seeds, '--from', '1']
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT_MS })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output: output.replace(/^\d+ of .*\n/gm, '') }))
  })
}
