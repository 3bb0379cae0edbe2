/** `pyrallel dev`: generates, starts a broker and the runtime, shows what happens, and stops in order. */
import { systemClock } from '../../framework/runtime/clock.ts'
import { refuseSecondDev } from '../dev/dev-file.ts'
import type { DevOptions } from '../dev/dev-options.ts'
import { DevSession } from '../dev/dev-session.ts'
import { prepareDev } from '../dev/prepare-dev.ts'
import { exitCodes } from '../failure.ts'
import type { Io } from '../io.ts'
import { listenToStopSignals } from '../stop-signals.ts'

export async function dev(options: DevOptions, io: Io): Promise<number> {
  refuseSecondDev(io.cwd(), process.pid)
  const signals = listenToStopSignals()
  try {
    const prepared = await prepareDev(options, io)
    if (prepared === undefined) return exitCodes.failed
    const session = new DevSession(prepared, options, io, systemClock())
    signals.onSecond = () => session.abandon()
    return await session.run(signals)
  } finally {
    signals.close()
  }
}
