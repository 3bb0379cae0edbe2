/** Which section of the config file counts. Apart from the rest of the config, so that what asks for it loads no schemas. */
import { PyrallelError } from '../model/errors.ts'
import { quoted, withoutLineEnd } from '../model/written-text.ts'

export const modes = ['development', 'production', 'test'] as const
export type Mode = (typeof modes)[number]

export const modeVariable = 'PYRALLEL_MODE'

/**
 * `PYRALLEL_MODE` where it is set, else `standard`.
 * @throws PyrallelError PYR_CONFIG_INVALID for a mode that does not exist
 */
export function modeOf(env: Readonly<Record<string, string | undefined>>, standard: Mode): Mode {
  const asked = withoutLineEnd(env[modeVariable] ?? '')
  if (asked === '') return standard
  if (isMode(asked)) return asked
  throw new PyrallelError(
    'PYR_CONFIG_INVALID',
    `${modeVariable} is ${quoted(asked)}, but must be one of ${modes.join(', ')}.`,
  )
}

export function isMode(name: string): name is Mode {
  return modes.some((mode) => mode === name)
}
