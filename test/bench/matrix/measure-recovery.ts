/** Kills a system with SIGKILL while completions are sparse, starts it again in the same group, and counts what ran twice and what never. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nowUs } from '../peers/meter.ts'
import type { PeerSettings } from '../peers/protocol.ts'
import type { PreparedSystem } from './install.ts'
import type { FilledTopic } from './measure-rate.ts'
import { type LivePeer, runPeer } from './peer-process.ts'
import type { RecoveryRun, Run } from './results.ts'
import { COMMIT_MS, peerSettings, type Stage } from './stage.ts'
import type { Workload } from './workloads.ts'

/** The broker gives up a member that was killed after 6 s; then everything must be done. */
const FIRST_LIMIT_MS = 5_000
const SECOND_LIMIT_MS = 10_000
/** A commit may have been on its way, and the one before it is as old as the interval. */
const UNCOMMITTED_MS = 2 * COMMIT_MS

export async function measureRecovery(
  stage: Stage,
  workload: Workload,
  system: PreparedSystem,
  topic: FilledTopic,
): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), 'pyrallel-bench-'))
  try {
    const settings = {
      ...peerSettings(stage, workload, system, topic.name),
      warmUpRecords: 0,
      lastRecord: topic.records,
    }
    return await killAndRestart(system, settings, topic, directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function killAndRestart(
  { command }: PreparedSystem,
  settings: PeerSettings,
  { records }: FilledTopic,
  directory: string,
): Promise<Run> {
  const [first, second] = [join(directory, 'first'), join(directory, 'second')]
  const killAtHalf = (done: number, peer: LivePeer) => {
    if (done >= records / 2) peer.kill()
  }
  const before = { ...settings, ledger: first, limitMs: FIRST_LIMIT_MS }
  const outcome = await runPeer(command, before, { onProgress: killAtHalf })
  const killedUs = nowUs()
  if (outcome.kind === 'failed') return outcome
  const doneBefore = readLedger(first)
  if (doneBefore.length < settings.keys) {
    return {
      kind: 'failed',
      why: `the stuck record stops it: ${doneBefore.length} records done in ${FIRST_LIMIT_MS / 1_000} s`,
    }
  }
  const endWhenAllDone = (_: number, peer: LivePeer) => {
    if (new Set([...doneBefore, ...readLedger(second)].map(({ record }) => record)).size >= records) peer.kill()
  }
  const after = {
    ...settings,
    ledger: second,
    stuckKey: false,
    lastRecord: Number.MAX_SAFE_INTEGER,
    limitMs: SECOND_LIMIT_MS,
  }
  const restarted = await runPeer(command, after, { onProgress: endWhenAllDone })
  if (restarted.kind === 'failed') return restarted
  return recoveryRun(doneBefore, readLedger(second), records, killedUs)
}

export interface LedgerEntry {
  readonly record: number
  readonly us: number
}

/** Lines of `<record> <microsecond>`. The last one may be cut off by SIGKILL, and is then a record that is not done. */
export function parseLedger(text: string): readonly LedgerEntry[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [record, us] = line.split(' ')
      return { record: Number(record), us: Number(us) }
    })
}

function readLedger(file: string): readonly LedgerEntry[] {
  return existsSync(file) ? parseLedger(readFileSync(file, 'utf8')) : []
}

export function recoveryRun(
  before: readonly LedgerEntry[],
  after: readonly LedgerEntry[],
  records: number,
  killedUs: number,
): RecoveryRun {
  const doneBefore = new Set(before.map(({ record }) => record))
  const doneAfter = new Set(after.map(({ record }) => record))
  const uncommitted = before.filter(({ us }) => us > killedUs - UNCOMMITTED_MS * 1_000).length
  const executedAgain = [...doneAfter].filter((record) => doneBefore.has(record)).length
  const lost = records - new Set([...doneBefore, ...doneAfter]).size
  return { kind: 'recovery', doneBefore: doneBefore.size, executedAgain, uncommitted, lost }
}
