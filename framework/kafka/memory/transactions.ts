/** The transaction coordinator in memory: who has an id, and how its transactions end. Synchronous. */
import { PyrallelError } from '../../model/errors.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import type { MemoryGroup } from './group.ts'
import type { MemoryLog } from './log.ts'

/** One that is open. Logs and groups know it by its identity. */
export class MemoryTransaction {
  isOver = false
  readonly logs = new Set<MemoryLog>()
  readonly groups = new Set<MemoryGroup>()
}

interface Id {
  /** Goes up with each producer that takes the id, and when a transaction is ended by its time-out. */
  epoch: number
  open: MemoryTransaction | undefined
  timer: Timer | undefined
}

export class MemoryTransactions {
  readonly #clock: Clock
  readonly #ids = new Map<string, Id>()
  #faults: ('unanswered' | 'lost')[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  fail(count: number, how: 'unanswered' | 'lost'): void {
    this.#faults.push(...Array.from({ length: count }, () => how))
  }

  /** Takes the id; what is open under it is aborted. @returns the epoch of whoever has it now */
  take(name: string): number {
    const id = this.#ids.get(name) ?? { epoch: 0, open: undefined, timer: undefined }
    this.#ids.set(name, id)
    this.#end(id, 'abort')
    id.epoch += 1
    return id.epoch
  }

  /** @throws PyrallelError PYR_TRANSACTION_FENCED when another has the id */
  begin(name: string, epoch: number, timeoutMs: number): MemoryTransaction {
    const id = this.#own(name, epoch)
    this.#end(id, 'abort')
    id.open = new MemoryTransaction()
    id.timer = this.#clock.setTimer(timeoutMs, () => {
      this.#end(id, 'abort')
      id.epoch += 1
    })
    return id.open
  }

  /** @throws PyrallelError PYR_TRANSACTION_FENCED when another has the id, or the last transaction was ended by its time-out */
  requireOwn(name: string, epoch: number): void {
    this.#own(name, epoch)
  }

  /** @returns false when nobody answers. @throws PyrallelError PYR_TRANSACTION_FENCED when it is not open any more */
  commit(name: string, epoch: number): boolean {
    const id = this.#own(name, epoch)
    const fault = this.#faults.shift()
    if (fault !== 'lost') this.#end(id, 'commit')
    return fault === undefined
  }

  abort(name: string, epoch: number): void {
    const id = this.#ids.get(name)
    if (id?.epoch === epoch) this.#end(id, 'abort')
  }

  #own(name: string, epoch: number): Id {
    const id = this.#ids.get(name)
    if (id?.epoch === epoch) return id
    const facts = `Another process has begun transactions as '${name}', or the last one has taken too long. Give each process an id of its own.`
    throw new PyrallelError('PYR_TRANSACTION_FENCED', facts)
  }

  #end(id: Id, end: 'commit' | 'abort'): void {
    const { open } = id
    id.open = undefined
    id.timer?.cancel()
    if (open === undefined) return
    open.isOver = true
    for (const log of open.logs) log.endTransaction(open, end)
    for (const group of open.groups) group.endTransaction(open, end)
  }
}
