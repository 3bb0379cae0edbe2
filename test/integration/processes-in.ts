/** Which processes work in a folder, or were started by another one: how a test finds those that were left behind. Linux only, as it asks /proc. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

/** For `skip`: why processes cannot be found here. */
export const noProcesses = existsSync('/proc/self/cwd') ? false : 'there is no /proc on this machine'

/** The ids of the processes whose working folder it is. */
export function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      return readlinkSync(`/proc/${name}/cwd`) === folder ? [Number(name)] : []
    } catch {
      // It ended meanwhile, or is somebody else's.
      return []
    }
  })
}

/** The id of the embedded broker that a process has started. It has other children, too: its bundler, its generator. */
export function embeddedBrokerOf(pid: number): number | undefined {
  return childrenOf(pid).find(isEmbeddedBroker)
}

/** Where a process has several: a test starts one after the other, and looks between. */
export function embeddedBrokersOf(pid: number): readonly number[] {
  return childrenOf(pid).filter(isEmbeddedBroker)
}

export function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => parentOf(child) === pid)
}

function parentOf(pid: number): number | undefined {
  try {
    // After the command's name, which is in brackets and may hold anything: the state and the parent.
    const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return Number(parent)
  } catch {
    // It ended meanwhile.
    return undefined
  }
}

function isEmbeddedBroker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('embedded-broker-host')
  } catch {
    return false
  }
}

/** Stops a process where it stands, and settles once none of its threads runs: the signal alone leaves them a moment. @returns lets it go on */
export async function frozen(pid: number): Promise<() => Promise<void>> {
  process.kill(pid, 'SIGSTOP')
  const runs = (thread: string) => {
    try {
      return !/\) [Tt] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'))
    } catch {
      // It ended meanwhile.
      return false
    }
  }
  while (readdirSync(`/proc/${pid}/task`).some(runs)) await setTimeout(1)
  return async () => void process.kill(pid, 'SIGCONT')
}
