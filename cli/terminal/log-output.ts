/** Where log lines go: with colour where all else that the command writes there has it. */
import type { LogDestination } from '../../framework/observability/logger.ts'
import { hasColor, type Io, type Output } from './io.ts'

export function logOutput(output: Output, env: Io['env']): LogDestination {
  return {
    isTTY: output.isTTY === true,
    isColored: hasColor(output, env),
    write: (text) => output.write(text),
  }
}
