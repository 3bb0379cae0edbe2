/** `pyrallel docs`: explains an error code, or lists them all. */

import { suggestion } from '../../framework/config/nearest-name.ts'
import { type ErrorCode, errorCodes, PyrallelError } from '../../framework/model/errors.ts'
import { errorDocs } from '../diagnostics/error-docs.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { type Paint, painter } from '../terminal/paint.ts'
import { wrap } from '../terminal/wrap.ts'

const codes = Object.keys(errorCodes) as readonly ErrorCode[]

export function docs(asked: string | undefined, options: { readonly json?: boolean }, io: Io): number {
  const found = asked === undefined ? undefined : findCode(asked)
  if (options.json === true) {
    const list = (found === undefined ? codes : [found]).map((code) => ({
      code,
      when: errorCodes[code],
      ...errorDocs[code],
    }))
    io.stdout.write(`${jsonText(found === undefined ? list : list[0], 2)}\n`)
    return exitCodes.fine
  }
  const paint = painter(hasColor(io.stdout, io.env))
  io.stdout.write(found === undefined ? overview(paint) : explanation(found, paint, io.stdout.columns))
  return exitCodes.fine
}

/** `pyr_schema` and `schema` are understood too. */
function findCode(asked: string): ErrorCode {
  const upper = asked.toUpperCase().replaceAll('-', '_')
  const name = upper.startsWith('PYR_') ? upper : `PYR_${upper}`
  const found = codes.find((code) => code === name)
  if (found !== undefined) return found
  throw new PyrallelError('PYR_USAGE', `There is no error code ${asked}.${suggestion(name, codes)}`)
}

function overview(paint: Paint): string {
  const width = Math.max(...codes.map((code) => code.length))
  const lines = codes.map((code) => `  ${paint('bold', code.padEnd(width))}  ${errorCodes[code]}`)
  return `${lines.join('\n')}\n\nOne of them in full: pyrallel docs ${codes[0]}\n`
}

function explanation(code: ErrorCode, paint: Paint, columns = 100): string {
  const { cause, fix } = errorDocs[code]
  const block = (title: string, text: string) =>
    `${paint('bold', title)}\n${wrap(text, Math.min(columns, 100), '  ')}\n`
  return [block(code, errorCodes[code]), block('Why', cause), block('What to do', fix)].join('\n')
}
