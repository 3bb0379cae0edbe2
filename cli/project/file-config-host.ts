/** The process in which `file-config.ts` has the config read. Sends one answer. */

import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { FileConfigAnswer } from './file-config.ts'
import { loadProject } from './project.ts'

const [root = process.cwd()] = process.argv.slice(2)
process.send?.(await read(root))

async function read(folder: string): Promise<FileConfigAnswer> {
  try {
    const alone = { mode: 'production', env: {}, envFiles: new Map(), warnings: [] } as const
    const { config, places, declaredGroup } = await loadProject(folder, alone)
    return { kind: 'read', config, written: [...places.keys()], group: declaredGroup }
  } catch (thrown) {
    const code = thrown instanceof PyrallelError ? thrown.code : 'PYR_CONFIG_LOAD'
    return { kind: 'failed', code, message: toError(thrown).message }
  }
}
