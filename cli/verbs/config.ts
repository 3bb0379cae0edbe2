/** `pyrallel config`: what counts, and where it was written. */
import type { Mode } from '../../framework/config/mode.ts'
import { toError } from '../../framework/model/errors.ts'
import { readEnvironment } from '../project/environment.ts'
import { type ExplainedOption, explainConfig } from '../project/explain.ts'
import { type ExplainedFormats, explainFormats, formatsText } from '../project/explain-formats.ts'
import { loadFormats, loadProject } from '../project/project.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { type Paint, painter } from '../terminal/paint.ts'

export interface ConfigOptions {
  readonly mode?: Mode
  readonly explain?: boolean
  readonly json?: boolean
}

export async function config(options: ConfigOptions, io: Io): Promise<number> {
  const root = io.cwd()
  const env = options.mode === undefined ? io.env : { ...io.env, PYRALLEL_MODE: options.mode }
  const environment = readEnvironment(root, env, 'development')
  const project = await loadProject(root, environment)
  const explained = explainConfig(project, environment)
  const { formats, warnings } = await formatsOf(root, project.warnings)
  if (options.json === true) {
    io.stdout.write(`${jsonText({ mode: environment.mode, options: explained, formats, warnings }, 2)}
`)
    return exitCodes.fine
  }
  const paint = painter(hasColor(io.stdout, io.env))
  io.stdout.write(`mode ${paint('bold', environment.mode)}\n${table(explained, options.explain === true, paint)}`)
  if (options.explain === true) io.stdout.write(formatsTable(formats, paint))
  for (const warning of warnings) io.stdout.write(`${paint('yellow', '!')} ${warning}\n`)
  if (explained.some(({ isUnreadByStart }) => isUnreadByStart)) {
    io.stdout.write(
      `${paint('yellow', '!')} \`start\` reads no .env file: in production, the platform must set what is marked.\n`,
    )
  }
  return exitCodes.fine
}

interface Formats {
  readonly formats: readonly ExplainedFormats[]
  readonly warnings: readonly string[]
}

/** What cannot be loaded is no reason to hide the options. */
async function formatsOf(root: string, warnings: readonly string[]): Promise<Formats> {
  try {
    const table = await loadFormats(root)
    return { formats: explainFormats(Object.entries(table).map(([name, said]) => ({ ...said, name }))), warnings }
  } catch (thrown) {
    return { formats: [], warnings: [...warnings, toError(thrown).message] }
  }
}

function formatsTable(formats: readonly ExplainedFormats[], paint: Paint): string {
  if (formats.length === 0) return ''
  const lines = formats.map((each) => `  ${each.topic}: ${formatsText(each)}\n`)
  return `${paint('bold', 'topics with a format')}\n${lines.join('')}\n`
}

function table(explained: readonly ExplainedOption[], isLong: boolean, paint: Paint): string {
  const nameWidth = Math.max(...explained.map(({ option }) => option.length))
  const valueWidth = Math.max(...explained.map(({ value }) => Math.min(shownValue(value).length, 30)))
  const lines = explained.flatMap(({ option, value, source, isUnreadByStart, variable, what, range, note }) => {
    const shown = shownValue(value).padEnd(valueWidth)
    const mark = isUnreadByStart ? paint('yellow', ' (not read by `start`)') : ''
    const place = source === 'default' ? paint('gray', source) : `${source}${mark}`
    const line = `${option.padEnd(nameWidth)}  ${paint('cyan', shown)}  ${place}`
    if (!isLong) return [line]
    const notes = note === null ? [] : [`  ${note}`]
    return [paint('bold', line), `  ${what}`, ...notes, `  Allowed: ${range}.`, `  Variable: ${variable}`, '']
  })
  return `${lines.join('\n')}\n`
}

function shownValue(value: string | null): string {
  return value ?? '-'
}
