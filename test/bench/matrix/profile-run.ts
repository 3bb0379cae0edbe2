/** Runs a system in Node once more under V8's CPU profiler, and draws what its main thread did. Its rate counts nowhere: profiling costs. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CpuProfile, flameGraph, idleShare } from './flame-graph.ts'
import type { PreparedSystem } from './install.ts'
import { type FilledTopic, measureRate } from './measure-rate.ts'
import type { ProfileSection } from './report.ts'
import type { Stage } from './stage.ts'
import type { Workload } from './workloads.ts'

/** @returns `undefined` when the run failed and no profile was written */
export async function profileRun(
  stage: Stage,
  workload: Workload,
  name: string,
  { command: [node = '', ...args], ...prepared }: PreparedSystem,
  topic: FilledTopic,
): Promise<ProfileSection | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'pyrallel-profile-'))
  try {
    const command = [node, '--cpu-prof', '--cpu-prof-dir', directory, ...args]
    await measureRate(stage, workload, { ...prepared, command }, topic, { endsInOrder: true })
    const profile = mainThreadProfile(directory)
    if (profile === undefined) return undefined
    const waited = Math.round(idleShare(profile) * 100)
    return { title: `CPU profile: ${name} on ${workload.id}, main thread, ${waited} % idle`, svg: flameGraph(profile) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Files are named `CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile`; thread 0 is the main one. */
function mainThreadProfile(directory: string): CpuProfile | undefined {
  const file = readdirSync(directory).find((name) => name.split('.').at(-3) === '0')
  return file === undefined ? undefined : (JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile)
}
