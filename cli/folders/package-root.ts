/** Where this package lies on the disk, run from its sources or compiled. */
import { fileURLToPath } from 'node:url'

/** Compiled, this file is in dist/cli/folders/; from its sources, in cli/folders/. */
export const isCompiled = import.meta.url.endsWith('.js')

/** The folder of this package's package.json, absolute, with a separator at its end. */
export const packageRoot = fileURLToPath(new URL(isCompiled ? '../../../' : '../../', import.meta.url))
