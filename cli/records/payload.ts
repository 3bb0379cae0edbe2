/** Turns what was written on the command line into a value and headers. Sends nothing. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { RecordHeader } from '../../framework/model/record.ts'
import { withoutMark, writtenText } from '../../framework/model/written-text.ts'
import type { Io } from '../terminal/io.ts'

/** A value as it was written, which is what is sent: to read it and to write it again changes whole numbers above 2^53. */
export interface WrittenValue {
  readonly value: unknown
  /** JSON. */
  readonly text: string
}

/** The value that `{"id":1}`, `@order.json` or `-` stands for. */
export async function readValue(argument: string, io: Pick<Io, 'stdin' | 'cwd'>): Promise<WrittenValue> {
  if (argument === '-') return readJson(await readAll(io.stdin), 'standard input')
  if (!argument.startsWith('@')) return readJson(argument, 'the value')
  const file = argument.slice(1)
  return readJson(await readText(resolve(io.cwd(), file), file), file)
}

/** @throws PyrallelError PYR_USAGE that shows what was seen instead of JSON */
export function readJson(text: string, source: string): WrittenValue {
  try {
    const written = withoutMark(text).trim()
    return { value: JSON.parse(written), text: written }
  } catch (thrown) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
    throw new PyrallelError(
      'PYR_USAGE',
      `${source} is not JSON: ${toError(thrown).message}\nSeen: ${shown === '' ? '(nothing)' : shown}\nPut it into single quotes, so that the shell leaves it alone: '{"id": 1}'. A text is JSON only with quotes of its own: '"text"'.`,
    )
  }
}

/** What a record has for it: a value of null is a tombstone. */
export function bytesOf({ value, text }: WrittenValue): Buffer | null {
  return value === null ? null : Buffer.from(text)
}

async function readText(path: string, shown: string): Promise<string> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (thrown) {
    throw new PyrallelError('PYR_USAGE', `The file ${shown} cannot be read: ${toError(thrown).message}.`)
  }
  return textOf(bytes, shown)
}

/** @throws PyrallelError PYR_USAGE for another encoding than UTF-8, which would be sent as something else */
function textOf(bytes: Buffer, source: string): string {
  const read = writtenText(bytes)
  if (read.kind === 'text') return read.text
  throw new PyrallelError('PYR_USAGE', `${source} ${read.fault}`)
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return textOf(Buffer.concat(chunks), 'standard input')
}

/** `name=value`; the value may contain further `=`. */
export function readHeader(text: string): RecordHeader {
  const at = text.indexOf('=')
  if (at < 1) {
    throw new PyrallelError('PYR_USAGE', `--header is '${text}', but must be name=value: --header source=test.`)
  }
  return [text.slice(0, at), Buffer.from(text.slice(at + 1))]
}
