/** Which processes work in a folder: how a test finds those that were left behind. Linux only, as it asks /proc. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs'

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
