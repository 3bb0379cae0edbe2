/** Plays one schedule: two members of an exactly-once group, each a real state machine, on model brokers. */
import type { BuiltCut } from '../../../framework/control-plane/cuts/cuts.ts'
import { WorkManager } from '../../../framework/control-plane/work-manager.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import type { HandlerFailure, KeptOutput, Outcome, WorkItem } from '../../../framework/model/work.ts'
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'
import { ModelBroker, seen, TOPIC, type Transaction, Violation } from './model-broker.ts'
import type { Schedule, Setup, Step } from './schedule.ts'

const GROUP = 'billing'
const MEMBERS = 2
/** A game that does not end by then never will. */
const LAST_ROUNDS = 3_000

class Member {
  readonly manager: WorkManager
  readonly items: WorkItem[] = []
  /** The partitions that it believes to have, with the next offset to poll. */
  readonly cursors = new Map<number, number>()
  readonly draining = new Set<number>()
  sent: { readonly cut: BuiltCut; readonly transaction: Transaction } | undefined

  constructor(setup: Setup, onDropped: (record: KafkaRecord) => void) {
    this.manager = new WorkManager({
      routes: [
        {
          handlerId: 'charge',
          topic: TOPIC,
          ordering: setup.ordering,
          concurrency: setup.concurrency,
          retry: { attempts: setup.attempts, backoff: 'fixed', minMs: 100, maxMs: 100, jitter: false },
          deadLetterTopic: setup.deadLetterTopic,
          ...(setup.batch > 1 ? { batch: { size: setup.batch, waitMs: 0 } } : {}),
        },
      ],
      limits: {
        maxRecords: 150,
        maxBytes: setup.maxBytes,
        maxRecordsPerPartition: 60,
        maxBytesPerPartition: 1_000_000,
        maxOffsetSpan: 1_000,
        maxUncommitted: 1_000,
      },
      recovery: 'metadata',
      maxMetadataLength: setup.maxMetadataLength,
      sessionTimeoutMs: 6_000,
      random: seededRandom(setup.seed),
      exactlyOnce: { group: GROUP },
      onEvent: (event) => {
        if (event.kind === 'record.dead' && event.deadLetterTopic === null) {
          if (setup.deadLetterTopic !== null)
            throw new Violation(`${event.record.offset} is dropped without a dead letter`)
          onDropped(event.record)
        }
        if (event.kind === 'partition.assigned' && event.restored > 0) seen.restored += 1
      },
    })
  }
}

export class Game {
  readonly #setup: Setup
  readonly #broker: ModelBroker
  #members: Member[]
  #now = 0
  #attempt = 0

  constructor(setup: Setup) {
    this.#setup = setup
    this.#broker = new ModelBroker(setup)
    this.#members = Array.from({ length: MEMBERS }, () => this.#newMember())
  }

  step({ kind, a, b }: Step): void {
    const member = this.#members[Math.floor(a * MEMBERS)] as Member
    const choice = (a * MEMBERS) % 1
    switch (kind) {
      case 'poll':
        this.#poll(member, choice, b)
        break
      case 'start':
        this.#start(member)
        break
      case 'complete':
        this.#complete(member, choice, b)
        break
      case 'cut':
        this.#cut(member, b)
        break
      case 'end-cut':
        this.#endCut(member, choice, b)
        break
      case 'tell-cut':
        this.#tellCut(member, choice, b)
        break
      case 'assign':
        this.#assign(member, choice, b)
        break
      case 'revoke':
        this.#revoke(member, choice)
        break
      case 'finish-revoke':
        this.#finishRevoke(member, b)
        break
      case 'take-away':
        this.#takeAway(member, choice)
        break
      case 'tell-loss':
        this.#tellLoss(member)
        break
      case 'crash':
        this.#crash(member, b)
        break
      case 'wait':
        this.#now += Math.floor(b * 300)
        break
    }
  }

  /** No more faults: all of it becomes visible. */
  finish(): void {
    const [member] = this.#members as [Member]
    for (const each of this.#members) {
      this.#tellLoss(each)
      this.#tellCut(each, 0, 0)
      for (const partition of [...each.draining]) this.#giveUp(each, partition)
    }
    for (const each of this.#members.slice(1))
      for (const partition of [...each.cursors.keys()]) this.#giveUp(each, partition)
    for (let round = 0; round < LAST_ROUNDS; round += 1) {
      for (const partition of this.#broker.logs.keys()) this.#take(member, partition, 'aborted')
      this.#poll(member, 0, 0.99)
      for (const partition of member.cursors.keys()) this.#pollPartition(member, partition, 50)
      this.#start(member)
      while (member.items.length > 0) this.#complete(member, 0, 0)
      this.#cut(member, 0.9)
      this.#endCut(member, 0, 0)
      this.#tellCut(member, 0, 0)
      this.#now += 200
      if (this.#isDone(member)) break
    }
    this.#broker.requireAllVisible()
    const { units = 0, bytes = 0 } = member.manager.cuts ?? {}
    if (units !== 0 || bytes !== 0) throw new Violation(`${units} units and ${bytes} bytes wait at the end`)
  }

  #isDone(member: Member): boolean {
    if (member.manager.cuts?.units !== 0) return false
    return [...this.#broker.logs.entries()].every(
      ([partition, log]) => (this.#broker.stored(partition)?.position ?? 0) > (log.at(-1)?.offset ?? 0),
    )
  }

  #newMember(): Member {
    return new Member(this.#setup, (record) => this.#broker.onDropped(record))
  }

  #poll(member: Member, choice: number, b: number): void {
    const partitions = [...member.cursors.keys()]
    const partition = partitions[Math.floor(choice * partitions.length)]
    if (partition !== undefined) this.#pollPartition(member, partition, 1 + Math.floor(b * 10))
  }

  #pollPartition(member: Member, partition: number, most: number): void {
    const size = Math.min(most, member.manager.pollSize())
    // What it has lost it may still be given: a member hears of it later than the group does.
    const from = member.cursors.get(partition) ?? 0
    const records = (this.#broker.logs[partition] ?? []).filter(({ offset }) => offset >= from).slice(0, size)
    const last = records.at(-1)
    if (last === undefined) return
    member.cursors.set(partition, last.offset + 1)
    member.manager.onPolled(records, this.#now)
  }

  #start(member: Member): void {
    const { manager } = member
    const { isFull } = manager.cuts ?? {}
    const items = manager.takeReady(this.#now, () => this.#setup.concurrency - member.items.length)
    if (isFull === true) seen.full += 1
    if (isFull === true && items.length > 0)
      throw new Violation('something starts while outputs have reached their limit')
    member.items.push(...items)
  }

  #complete(member: Member, choice: number, b: number): void {
    const [item] = member.items.splice(Math.floor(choice * member.items.length), 1)
    if (item === undefined) return
    this.#attempt += 1
    member.manager.onCompletion(
      { workId: item.id, outcome: this.#outcome(item, this.#attempt, b), durationMs: 1 },
      this.#now,
    )
  }

  #outcome({ records }: WorkItem, attempt: number, b: number): Outcome {
    const failure: HandlerFailure = { reason: 'handler', name: 'Error', message: 'boom', retryable: b < 0.9 }
    if (b > 0.85) return { kind: 'failed', failure }
    const own = (index: number): readonly KeptOutput[] => {
      const record = records[index]
      if (record === undefined || this.#broker.isSilent(record)) return []
      const count = 1 + (attempt % 2)
      const of = records.length > 1 ? { of: index } : {}
      return this.#broker.outputsOf([record], attempt, count).map((output) => ({ ...output, ...of }))
    }
    if (records.length > 1 && b > 0.6) {
      const failures = new Map(
        records.flatMap((_, index) => ((b * 1_000 + index * 3) % 7 < 2 ? [[index, failure] as const] : [])),
      )
      const outputs = records.flatMap((_, index) => (failures.has(index) ? [] : own(index)))
      return { kind: 'partial', failures, ...(outputs.length > 0 ? { outputs } : {}) }
    }
    const isOfCall = records.length > 1 && b > 0.3 && records.every((record) => !this.#broker.isSilent(record))
    const outputs = isOfCall ? this.#broker.outputsOf(records, attempt, 2) : records.flatMap((_, index) => own(index))
    return { kind: 'succeeded', ...(outputs.length > 0 ? { outputs } : {}) }
  }

  #cut(member: Member, b: number, only?: readonly number[]): void {
    if (member.sent !== undefined) return
    const { manager } = member
    const partitions = only?.map((partition) => ({ topic: TOPIC, partition }))
    const cut = partitions === undefined ? manager.nextCut(this.#now) : manager.cuts?.build(this.#now, partitions)
    if (cut === undefined) return
    const begun = this.#broker.begin(member, cut, b)
    if ('state' in begun) {
      member.sent = { cut, transaction: begun }
      return
    }
    seen.aborted += 1
    manager.cuts?.onAborted(cut, { blame: begun.blame, error: new PyrallelError(begun.code, 'refused') }, this.#now)
  }

  /** The coordinator ends it. Nobody is told yet. */
  #endCut({ sent }: Member, choice: number, b: number): void {
    if (sent === undefined || sent.transaction.state !== 'open') return
    sent.transaction.wasTried = b < 0.8
    this.#broker.end(sent.transaction, sent.transaction.wasTried && choice < 0.8 ? 'committed' : 'aborted')
  }

  #tellCut(member: Member, choice: number, b: number): void {
    const { sent, manager } = member
    if (sent === undefined) return
    const { cut, transaction } = sent
    member.sent = undefined
    // Not tried: it is aborted, and nothing else can have become of it.
    if (transaction.state === 'open') this.#broker.end(transaction, 'aborted')
    const isUnknown = transaction.wasTried && b >= 0.5
    const outcome = isUnknown ? this.#broker.settle(transaction) : (transaction.state as 'committed' | 'aborted')
    if (isUnknown && outcome === 'committed') seen.unknownCommitted += 1
    if (isUnknown && outcome === 'aborted') seen.unknownAborted += 1
    if (outcome === 'committed') {
      seen.committed += 1
      manager.onCommitted(cut.offsets, this.#now)
      manager.cuts?.onCommitted(cut)
      return
    }
    if (outcome === 'overwritten') {
      seen.overwritten += 1
      const present = manager.present(cut.offsets)
      manager.onLost(present)
      for (const { partition } of present) member.cursors.delete(partition)
      return
    }
    if (isUnknown) return
    const blame = choice < 0.5 ? ({ kind: 'member' } as const) : ({ kind: 'nobody' } as const)
    manager.cuts?.onAborted(cut, { blame, error: new PyrallelError('PYR_TRANSACTION_FAILED', 'aborted') }, this.#now)
  }

  #assign(member: Member, choice: number, b: number): void {
    const free = [...this.#broker.owners.entries()].flatMap(([partition, owner]) =>
      owner === undefined ? [partition] : [],
    )
    const partition = free[Math.floor(choice * free.length)]
    if (partition !== undefined) this.#take(member, partition, b < 0.5 ? 'committed' : 'aborted')
  }

  #take(member: Member, partition: number, how: 'committed' | 'aborted'): void {
    if (this.#broker.owners[partition] !== undefined || member.cursors.has(partition)) return
    // The offsets of a transaction that is open are waited for.
    this.#broker.endThoseOf(partition, how)
    this.#broker.owners[partition] = member
    const stored = this.#broker.stored(partition)
    member.cursors.set(partition, stored?.position ?? 0)
    member.manager.onAssigned(
      [{ topic: TOPIC, partition, position: stored?.position, metadata: stored?.metadata ?? '' }],
      this.#now,
    )
  }

  #revoke(member: Member, choice: number): void {
    const own = [...member.cursors.keys()].filter(
      (each) => this.#broker.owners[each] === member && !member.draining.has(each),
    )
    const partition = own[Math.floor(choice * own.length)]
    if (partition === undefined) return
    member.draining.add(partition)
    member.manager.startDraining([{ topic: TOPIC, partition }])
  }

  #finishRevoke(member: Member, b: number): void {
    const [partition] = member.draining
    if (partition === undefined) return
    if (member.sent === undefined) this.#cut(member, b, [...member.draining])
    else seen.givenUpInTransaction += 1
    if (b < 0.7) {
      this.#endCut(member, b, 0)
      this.#tellCut(member, 0, b)
    }
    this.#giveUp(member, partition)
  }

  #giveUp(member: Member, partition: number): void {
    member.draining.delete(partition)
    member.cursors.delete(partition)
    member.manager.onRevoked([{ topic: TOPIC, partition }])
    if (this.#broker.owners[partition] === member) this.#broker.owners[partition] = undefined
  }

  /** The group has given it up for the member, which hears of it later. */
  #takeAway(member: Member, choice: number): void {
    const own = [...member.cursors.keys()].filter((each) => this.#broker.owners[each] === member)
    const partition = own[Math.floor(choice * own.length)]
    if (partition !== undefined) this.#broker.owners[partition] = undefined
  }

  #tellLoss(member: Member): void {
    for (const partition of [...member.cursors.keys()]) {
      if (this.#broker.owners[partition] === member) continue
      member.draining.delete(partition)
      member.cursors.delete(partition)
      member.manager.onLost([{ topic: TOPIC, partition }])
    }
  }

  #crash(member: Member, b: number): void {
    seen.crashes += 1
    if (member.sent !== undefined) {
      const { transaction } = member.sent
      this.#broker.end(transaction, transaction.wasTried && b < 0.5 ? 'committed' : 'aborted')
    }
    for (const [partition, owner] of this.#broker.owners.entries())
      if (owner === member) this.#broker.owners[partition] = undefined
    this.#members = this.#members.map((each) => (each === member ? this.#newMember() : each))
  }
}

export function play({ setup, steps }: Schedule): void {
  const game = new Game(setup)
  for (const step of steps) game.step(step)
  game.finish()
}
