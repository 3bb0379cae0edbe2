/** The processes of one run: who is there, who comes, and what befalls one of them. */
import type { Clock } from '../../time/clock.ts'
import { SimulatedProcess, type SimulatedWorld } from './process.ts'

const MOST_PROCESSES = 4

export class RunProcesses {
  readonly #world: SimulatedWorld
  readonly #clock: Clock
  readonly #all: SimulatedProcess[] = []
  /** Going to start, when their time comes. */
  #planned = 0
  #starting: Promise<void> = Promise.resolve()

  constructor(world: SimulatedWorld) {
    this.#world = world
    this.#clock = world.clock
  }

  /** Ended ones, too, in the order of their starts. */
  get all(): readonly SimulatedProcess[] {
    return this.#all
  }

  /** Settles when those have started whose time has come. Rejects with why one could not. */
  get started(): Promise<void> {
    return this.#starting
  }

  get isAnyComing(): boolean {
    return this.#planned > 0 || this.#all.some((each) => each.isRunning)
  }

  get hasRoom(): boolean {
    return this.#all.filter((each) => !each.hasEnded).length < MOST_PROCESSES
  }

  async start(): Promise<void> {
    const process = new SimulatedProcess(this.#all.length + 1, this.#world)
    this.#all.push(process)
    await process.start()
  }

  startLater(delayMs: number): void {
    this.#planned += 1
    this.#clock.setTimer(delayMs, () => {
      this.#planned -= 1
      this.#starting = this.#starting.then(() => this.start())
    })
  }

  /** @param which 0 up to, not including, 1: chooses among those that run. Undefined when none does */
  runningAt(which: number): SimulatedProcess | undefined {
    const running = this.#all.filter((each) => each.isRunning)
    return running[Math.floor(which * running.length)]
  }

  /** Nothing of them goes on. */
  end(): void {
    for (const each of this.#all) each.end()
  }
}
