/** Reads what a peer and the processes it has started use: processor time and memory. On Linux only; elsewhere nothing is known. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Usage {
  /** User and system time since each process began. */
  readonly cpuMs: number
  readonly residentBytes: number
}

/** Linux counts in hundredths of a second on every architecture that Node runs on, and pages of 4 KiB on nearly all. */
const TICK_MS = 10
const PAGE_BYTES = 4_096

/** @param group the process group, whose number is that of the peer's first process */
export function usageOfGroup(group: number): Usage | undefined {
  let [cpuMs, residentBytes, processes] = [0, 0, 0]
  for (const pid of processIds()) {
    const stat = readStat(pid)
    if (stat?.group !== group) continue
    cpuMs += stat.ticks * TICK_MS
    residentBytes += stat.pages * PAGE_BYTES
    processes += 1
  }
  return processes === 0 ? undefined : { cpuMs, residentBytes }
}

function processIds(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

export interface ProcessStat {
  readonly group: number
  readonly ticks: number
  readonly pages: number
}

function readStat(pid: string): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}

/** See proc(5). The command's name may hold spaces and brackets, so the fields are counted from its last bracket. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3])
  return { group: field(5), ticks: field(14) + field(15), pages: field(24) }
}
