/** `pyrallel completion`: prints the script that lets a shell complete verbs, options and values. */
import type { Command } from 'commander'
import { describeCommand } from '../completion/describe.ts'
import { completionScript, type Shell } from '../completion/scripts.ts'
import { exitCodes } from '../terminal/failure.ts'
import type { Io } from '../terminal/io.ts'

export function completion(shell: Shell, program: Command, io: Io): number {
  io.stdout.write(completionScript(shell, describeCommand(program)))
  return exitCodes.fine
}
