/** What the verbs' declarations share: examples in the help, and values that are checked as they are read. */
import { InvalidArgumentError } from 'commander'

/** Takes the exit code of a verb that has come to its end. */
export type Exit = (code: number) => void

export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`
}

export const exitCodesHelp =
  '\nExit codes: 0 fine, 1 failed, 2 the command line is not understood,\n3 generated/ is stale, offsets would move, topics are missing, or a registry has moved on.'

export function positive(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('Write a whole number above 0.')
  return number
}

export function natural(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('Write a whole number, 0 or above.')
  return number
}

/** For options that may be repeated. Without a default, which the help would show as `[]`. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** As it was written: who splits it does so where it is used. */
export function brokerList(text: string): string {
  const isList = text.split(',').every((each) => /^[^\s@;]+:\d{1,5}$/.test(each.trim()))
  if (!isList) throw new InvalidArgumentError('Write host:port, several with commas: kafka-1:9092,kafka-2:9092.')
  return text
}
