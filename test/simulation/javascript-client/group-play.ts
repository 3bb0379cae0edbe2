/** Plays a schedule of a group: several memberships against one model coordinator, watched by the oracle; then the weather is calm. */
import { Violation } from '../oracle.ts'
import { allPartitions, type Coordinator, GroupMember } from './group-member.ts'
import { groupSeen } from './group-oracle.ts'
import type { GroupSchedule, GroupSetup, GroupStep } from './group-schedule.ts'
import { codes, ModelGroup, type Removal } from './model-group.ts'

/** From the coordinator's side or from the member's, when all is calm. */
const HOP_MS = 3
const CALM_MS = 20_000
/** Of the rebalance time-out: with so much of it left when the last trouble was over, nobody is thrown out. */
const TROUBLE_SHARE = 0.3

/** @throws Violation, or whatever the code under test throws */
export async function playGroup({ setup, steps }: GroupSchedule): Promise<void> {
  const game = new GroupGame(setup)
  for (const step of steps) {
    const resting = game.step(step)
    if (resting !== undefined) await resting
  }
  await game.calm()
}

class GroupGame {
  readonly #setup: GroupSetup
  readonly #coordinator: Coordinator
  readonly #slots: (GroupMember | undefined)[]
  /** Of the slots, the processes that live. */
  #members: readonly GroupMember[] = []
  #now = 0
  #processes = 0
  #topics = 0
  #calmSinceMs = Number.POSITIVE_INFINITY

  constructor(setup: GroupSetup) {
    this.#setup = setup
    const group = new ModelGroup(this.#partitions(), (id, why, nowMs) => this.#onRemoved(id, why, nowMs))
    this.#coordinator = { group, place: 0, loadingUntilMs: 0, refuseNext: undefined, isCalm: false }
    this.#slots = Array.from({ length: setup.slots }, () => undefined)
    this.#start(0)
  }

  /** @returns as `#rest` */
  step({ kind, a, b }: GroupStep): Promise<void> | undefined {
    const { group } = this.#coordinator
    const slot = Math.floor(a * this.#slots.length)
    const member = this.#slots[slot]
    switch (kind) {
      case 'start':
        if (member === undefined || member.books.hasEnded || member.failedWith !== undefined) this.#start(slot)
        break
      case 'leave':
        member?.leave(this.#now)
        break
      case 'kill':
        this.#put(slot, undefined)
        break
      case 'deliver':
        member?.deliver(this.#now)
        break
      case 'reply':
        member?.deliver(this.#now)
        member?.reply(this.#now)
        break
      case 'break':
        member?.break(this.#now, Math.floor(b * 3))
        break
      case 'settle':
        member?.settle(b, this.#now)
        break
      case 'poll':
        member?.listener?.poll()
        break
      case 'answer-start':
        member?.listener?.answerStart(b < 0.8)
        break
      case 'send-offsets':
        member?.listener?.sendOffsets()
        break
      case 'answer-offsets':
        member?.listener?.answerOffsets()
        break
      case 'commit': {
        const all = allPartitions(group)
        member?.commit(b < 0.5 ? all : all.slice(0, 1), this.#now)
        break
      }
      case 'stall-commits':
        member?.stallCommits(this.#now + b * 20_000)
        break
      case 'wait':
        this.#pass(b * 1_500)
        break
      case 'long-wait':
        this.#pass(b * 20_000)
        break
      case 'move-coordinator':
        this.#coordinator.place += 1
        break
      case 'load':
        this.#coordinator.loadingUntilMs = this.#now + b * 3_000
        break
      case 'refuse-next':
        this.#coordinator.refuseNext = [7, -1, 13, 29, codes.LOADING, codes.NOT_COORDINATOR][Math.floor(b * 6)]
        break
      case 'forget-member': {
        const id = group.memberIds[Math.floor(b * group.memberIds.length)]
        if (id !== undefined) group.remove(id, this.#now)
        break
      }
      case 'fence-member': {
        const id = group.memberIds[Math.floor(b * group.memberIds.length)]
        if (id !== undefined) group.fence(id, a < 0.5)
        break
      }
      case 'forget-group':
        group.wipe(this.#now)
        break
      case 'make-topic-anew':
        this.#topics += 1
        group.setPartitions(this.#partitions())
        break
    }
    this.#pump()
    return this.#rest()
  }

  /** Answers come quickly, hooks as the setup says: everybody gets where it is to be, within a bound. */
  async calm(): Promise<void> {
    this.#calmSinceMs = this.#now
    if (this.#setup.breaksFirst) for (const member of this.#members) member.break(this.#now, 9)
    this.#coordinator.isCalm = true
    const { rebalanceTimeoutMs, hookMs, hasAssignments } = this.#setup
    // Hooks of a consumer run one after the other.
    const untilMs = this.#now + CALM_MS + 1.7 * rebalanceTimeoutMs + (hasAssignments ? 2 * hookMs : 0)
    while (this.#now < untilMs) {
      const isBusy = this.#members.some((member) => member.hasOut)
      const nextMs = isBusy ? this.#now + HOP_MS : Math.min(this.#nextMs, untilMs)
      this.#pass(Math.max(nextMs - this.#now, 0.1))
      for (const member of this.#members) {
        while (member.hasOut) {
          member.deliver(this.#now)
          member.reply(this.#now)
          member.pump(this.#now)
        }
        member.listener?.poll()
        member.listener?.answerStart(true)
        member.listener?.answerOffsets()
        member.settleDue(this.#setup.hookMs, this.#now)
      }
      this.#pump()
      const resting = this.#rest()
      if (resting !== undefined) await resting
    }
    this.#checkEnd()
  }

  get #nextMs(): number {
    let next = this.#coordinator.group.nextRemovalMs
    for (const member of this.#members) {
      next = Math.min(next, member.wakeAtMs)
      for (const { beganAtMs } of member.listener?.hook === undefined ? member.hooks : [member.listener.hook])
        next = Math.min(next, Math.max(this.#now, beganAtMs + this.#setup.hookMs))
    }
    return next
  }

  /** Wherever something is due on the way, it happens then. */
  #pass(ms: number): void {
    const untilMs = this.#now + ms
    while (this.#now < untilMs) {
      let nextMs = untilMs
      for (const { wakeAtMs } of this.#members) nextMs = Math.min(nextMs, Math.max(wakeAtMs, this.#now + 0.1))
      this.#now = nextMs
      this.#coordinator.group.passTime(this.#now)
      this.#pump()
    }
  }

  /** Settles when listeners have heard of what has settled; `undefined` where nothing has: a promise each step would cost more than the schedules. */
  #rest(): Promise<void> | undefined {
    const settled = this.#members.flatMap(({ listener }) => (listener?.hasSettled(this.#now) === true ? listener : []))
    if (settled.length === 0) return undefined
    return new Promise(setImmediate).then(() => {
      for (const listener of settled) listener.heard()
      this.#pump()
    })
  }

  #pump(): void {
    for (const member of this.#members) member.pump(this.#now)
  }

  #start(slot: number): void {
    this.#processes += 1
    const { staticSlots, sharesName, rebalanceTimeoutMs, hasAssignments } = this.#setup
    const named = sharesName && slot === 1 ? 0 : slot
    const member = new GroupMember({
      memberId: `member-${this.#processes}`,
      instanceId: slot < staticSlots ? `name-${named}` : undefined,
      rebalanceTimeoutMs,
      coordinator: this.#coordinator,
      hasAssignments,
    })
    member.troubleAtMs = this.#now
    this.#put(slot, member)
  }

  #put(slot: number, member: GroupMember | undefined): void {
    this.#slots[slot] = member
    this.#members = this.#slots.flatMap((each) => each ?? [])
  }

  #partitions(): string[] {
    return Array.from({ length: this.#setup.partitions }, (_, partition) => `topic-${this.#topics}/${partition}`)
  }

  #onRemoved(id: string, why: Removal, nowMs: number): void {
    const member = this.#members.find((each) => each.id === id)
    if (why === 'rebalance') groupSeen.thrownOut += 1
    if (member === undefined || why === 'left' || why === 'admin') return
    const quietMs = nowMs - Math.max(member.troubleAtMs, this.#calmSinceMs)
    if (why === 'rebalance' && quietMs > TROUBLE_SHARE * this.#setup.rebalanceTimeoutMs) {
      throw new Violation(
        'LATE',
        `${id} was thrown out by the rebalance time-out, ${quietMs} ms after the last trouble`,
      )
    }
    // Who waits for a revoke says so, or the session would be over.
    if (why === 'session' && quietMs > 8_500 && member.failedWith === undefined && !member.books.hasEnded) {
      throw new Violation('SILENT', `${id} was forgotten, ${quietMs} ms after the last trouble`)
    }
  }

  #checkEnd(): void {
    const { group } = this.#coordinator
    const alive = this.#members.filter(({ books, failedWith }) => !books.hasEnded && failedWith === undefined)
    for (const member of this.#members) {
      const { id, failedWith, instanceId } = member
      const isName = failedWith === codes.UNRELEASED_INSTANCE || failedWith === codes.FENCED_INSTANCE
      if (failedWith !== undefined && !(isName && instanceId !== undefined)) {
        throw new Violation('FAILED', `${id} has failed with ${failedWith}`)
      }
      if (member.isLeaving && !member.books.hasEnded) throw new Violation('STUCK', `${id} does not leave`)
      if (member.books.isDraining) throw new Violation('STUCK', `${id} drains without end`)
    }
    if (alive.length === 0) return
    for (const key of group.partitions) {
      const owners = alive.filter(({ books }) => books.holds(key))
      if (owners.length !== 1) throw new Violation('STUCK', `${key} has ${owners.length} owners in the end`)
    }
    for (const member of alive) {
      const foreign = member.books.held.find((key) => !group.partitions.includes(key))
      if (foreign !== undefined) throw new Violation('STUCK', `${member.id} still has ${foreign}, which is gone`)
      this.#checkListener(member)
      member.stored.clear()
      member.commit(allPartitions(group), this.#now)
      for (let round = 0; round < 6 && member.hasOut; round += 1) {
        member.deliver(this.#now)
        member.reply(this.#now)
        member.pump(this.#now)
      }
      const unstored = member.books.held.find((key) => !member.stored.has(key))
      if (unstored !== undefined) throw new Violation('STUCK', `${member.id} cannot commit ${unstored} in the end`)
    }
  }

  /** The user was told of all that the member has, and gets its records. */
  #checkListener({ id, listener, books }: GroupMember): void {
    if (listener === undefined) return
    const held = [...books.held].sort().join()
    const begun = [...listener.begun].sort().join()
    const fetched = [...listener.fetched].sort().join()
    if (begun !== held) throw new Violation('STUCK', `${id} has ${held}, and its user was told of ${begun}`)
    if (fetched !== held) throw new Violation('STUCK', `${id} has ${held}, and hands out records of ${fetched}`)
  }
}
