/** `pyrallel dev`: generates, starts a broker and the runtime, shows what happens, and stops in order. */
import { systemClock } from '../../framework/time/clock.ts'
import { refuseSecondDev } from '../cluster/dev-file.ts'
import type { DevOptions } from '../dev/broker/dev-options.ts'
import { DevSession } from '../dev/dev-session.ts'
import { prepareDev } from '../dev/prepare-dev.ts'
import { exitCodes } from '../terminal/failure.ts'
import type { Io } from '../terminal/io.ts'
import { listenToStopSignals } from '../terminal/stop-signals.ts'

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
