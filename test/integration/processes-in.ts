/** Which processes work in a folder: how a test finds those that were left behind. Linux only, as it asks /proc. */
import { readdirSync, readlinkSync } from 'node:fs'

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
