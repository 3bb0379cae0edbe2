/** What a command may touch of the process: its streams, folder and environment. Tests hand in their own. */

export interface Output {
  readonly isTTY?: boolean
  /** Undefined where there is no terminal. */
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** `process` satisfies it. */
export interface Io {
  readonly stdout: Output
  readonly stderr: Output
  readonly stdin: AsyncIterable<Buffer | string> & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  cwd(): string
}

/** The one decision about colour, for log lines too. NO_COLOR and FORCE_COLOR as everybody reads them: set and not empty. */
export function hasColor(output: Output, env: Io['env']): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false
  if ((env.FORCE_COLOR ?? '') !== '') return !['0', 'false'].includes(env.FORCE_COLOR ?? '')
  return output.isTTY === true && env.TERM !== 'dumb'
}
