/** Which editor somebody works with, as far as the environment says: links of the console open places in it. */
import { basename } from 'node:path'
import type { Editor } from '../../../framework/console/failure-places.ts'
import type { Io } from '../../terminal/io.ts'

const commands: Readonly<Record<string, Editor>> = {
  code: 'vscode',
  codium: 'vscodium',
  cursor: 'cursor',
  windsurf: 'windsurf',
  zed: 'zed',
  idea: 'idea',
  webstorm: 'webstorm',
}

/** Of `VISUAL`, then `EDITOR`, then the terminal that this runs in. `null`: none of those that links can open. */
export function editorIn({ VISUAL, EDITOR, ...env }: Io['env']): Editor | null {
  for (const named of [VISUAL, EDITOR]) {
    const command = basename(named?.trim().split(/\s/, 1)[0] ?? '').replace(/\.(exe|cmd|sh)$/i, '')
    const editor = Object.hasOwn(commands, command) ? commands[command] : undefined
    if (editor !== undefined) return editor
  }
  if (env.ZED_TERM === 'true') return 'zed'
  if (env.TERMINAL_EMULATOR === 'JetBrains-JediTerm') return 'idea'
  if (env.TERM_PROGRAM !== 'vscode') return null
  // Those that are made from it say that they are it.
  return env.CURSOR_TRACE_ID === undefined ? 'vscode' : 'cursor'
}
