/** The ways in which the control plane, an engine or a client is broken on purpose. `try-mutants.ts` shows that the simulation notices each. */
import { javascriptMutants } from './javascript-client/mutants.ts'

export interface Mutant {
  readonly name: string
  /** Below the folder of the part that it breaks. */
  readonly file: string
  /**
   * Default the control plane. `engine`: below framework/execution-plane/, and played with real engines. `kafka`: the in-memory cluster below
   * framework/kafka/, played with a group of runtimes; it stands for what the port promises. `javascript`: below framework/kafka/javascript/,
   * played against model brokers.
   */
  readonly part?: 'engine' | 'kafka' | 'javascript'
  /** Must stand there exactly once. */
  readonly find: string
  readonly replace: string
}

export const mutants: readonly Mutant[] = [
  {
    name: 'position is the highest offset seen, not the lowest incomplete one',
    file: 'offsets/offset-tracker.ts',
    find: 'if (this.#size > 0) return this.#offsets[this.#head]',
    replace: 'if (this.#size > 0) return this.#next',
  },
  {
    name: 'position is the highest completed offset plus one',
    file: 'offsets/offset-tracker.ts',
    find: 'if (this.#size > 0) return this.#offsets[this.#head]',
    replace: 'if (this.#size > 0) return Math.max(this.#offsets[this.#head] as number, this.#highestCompleted + 1)',
  },
  {
    name: 'completed ranges are one offset too long',
    file: 'offsets/offset-tracker.ts',
    find: 'if (this.#size > 0 && start < end) ranges.push({ start, end })',
    replace: 'if (this.#size > 0 && start < end) ranges.push({ start, end: end + 1 })',
  },
  {
    name: 'restored completions run again',
    file: 'offsets/restored-offsets.ts',
    find: 'return this.#ranges.startOf(this.#first) <= offset',
    replace: 'return this.#ranges.startOf(this.#first) <= -1',
  },
  {
    name: 'of the restored completions, one range is read',
    file: 'work-manager.ts',
    find: 'const maxRestored = limits.maxRecordsPerPartition',
    replace: 'const maxRestored = 1',
  },
  {
    name: 'restored completions beyond the end of the log are believed',
    file: 'assignments.ts',
    find: 'of.logEnd === undefined ? told : told.below(of.logEnd)',
    replace: 'told',
  },
  {
    name: 'restored completions that have not arrived are counted as work',
    file: 'offsets/offset-tracker.ts',
    find: 'logEnd - this.#next - this.#restored.countWithin(this.#next, logEnd)',
    replace: 'logEnd - this.#next',
  },
  {
    name: 'restored completions that have arrived are taken off what has not',
    file: 'offsets/restored-offsets.ts',
    find: 'const start = Math.max(this.#ranges.startOf(index), next)\n      count +=',
    replace: 'const start = this.#ranges.startOf(index)\n      count +=',
  },
  {
    name: 'the first record of a key that may start counts twice as what could run',
    file: 'partition/shard-queue.ts',
    find: 'if (shard.key === undefined) runnable += 1',
    replace: 'runnable += 1',
  },
  {
    name: 'restored completions are forgotten by the next commit',
    file: 'offsets/offset-tracker.ts',
    find: 'if (this.#next !== undefined) this.#restored.appendTo(ranges, this.#next, this.position ?? 0)\n    return ranges',
    replace: 'return ranges',
  },
  {
    name: 'metadata of one moment, position of another',
    file: 'partition/commit-budget.ts',
    find: 'return this.#snapshot(position, metadata)',
    replace: 'return this.#snapshot(this.#committed.position ?? position, metadata)',
  },
  {
    name: 'every assignment has epoch 1, and completions are not fenced',
    file: 'partition/partition-table.ts',
    find: 'return this.find(of.topic, of.partition)?.epoch === of.epoch',
    replace: 'return this.find(of.topic, of.partition) !== undefined',
  },
  {
    name: 'a shard is free as soon as its record has failed',
    file: 'failures/failed-records.ts',
    find: '    entry.pending.retry = this.#retries.push(dueAt, entry)\n',
    replace:
      "    entry.pending.retry = this.#retries.push(dueAt, entry)\n    entry.pending.state = 'queued'\n    entry.state.shards.requeue(entry.pending)\n",
  },
  {
    name: 'the next record of a key starts while one is in flight',
    file: 'partition/shard-queue.ts',
    find: '      shard.isBusy = true\n      return head',
    replace: '      return head',
  },
  {
    name: 'a record is done before its dead letter is acknowledged',
    file: 'failures/failed-records.ts',
    find: "    pending.state = 'dead'\n",
    replace: "    pending.state = 'dead'\n    state.tracker.complete(pending.ticket)\n",
  },
  {
    name: 'a time-out counts as done',
    file: 'failures/settlement.ts',
    find: "if (outcome.kind === 'succeeded') {",
    replace: "if (outcome.kind === 'succeeded' || outcome.kind === 'timed-out') {",
  },
  {
    name: 'retries outlive the assignment they belong to',
    file: 'failures/failed-records.ts',
    find: '    this.#retries.removeWhere((entry) => entry.state === state)\n',
    replace: '',
  },
  {
    name: 'interruptions are retried for ever',
    file: 'failures/settlement.ts',
    find: 'if (pending.interruptions <= MAX_INTERRUPTIONS) this.#runAgain(entry)',
    replace: 'if (pending.interruptions <= Number.POSITIVE_INFINITY) this.#runAgain(entry)',
  },
  {
    name: 'a key goes on while a handler of an earlier assignment is still at work on it',
    file: 'assignments.ts',
    find: 'for (const { shard } of entry.pendings) if (shard.key !== undefined) state.shards.occupy(shard.key)',
    replace: '',
  },
  {
    name: 'a stale completion gives its slot back twice',
    file: 'flow/scheduler.ts',
    find: 'this.#routeState(entry.state.topic).inFlight -= 1',
    replace: 'this.#routeState(entry.state.topic).inFlight -= 2',
  },
  {
    name: 'the slots of handlers that outlived their assignment are forgotten',
    file: 'flow/scheduler.ts',
    find: 'while (routeState.inFlight < capacity && ready.size > 0) {',
    replace:
      'while ([...this.#inFlight].filter((entry) => isCurrent(entry.state)).length < capacity && ready.size > 0) {',
  },
  {
    name: 'a hole in the log holds the position back',
    file: 'offsets/offset-tracker.ts',
    find: 'return this.#next === undefined ? undefined : this.#restored.endFrom(this.#next)',
    replace:
      'const next = this.#highestCompleted === -1 ? this.#next : this.#highestCompleted\n    return next === undefined ? undefined : this.#restored.endFrom(next)',
  },
  {
    name: 'holes behind the last record keep the position back',
    file: 'offsets/offset-tracker.ts',
    find: 'if (offset <= (this.#next ?? 0)) return false',
    replace: 'if (offset >= 0) return false',
  },
  {
    name: 'that the position has passed the holes behind the last record is not committed',
    file: 'partition/partition-state.ts',
    find: 'if (this.tracker.readTo(offset)) this.commits.touch()',
    replace: 'this.tracker.readTo(offset)',
  },
  {
    name: 'holes behind the last record are passed one offset too far',
    file: 'work-manager.ts',
    find: '?.readTo(offset)',
    replace: '?.readTo(offset + 1)',
  },
  {
    name: 'restored completions that no record came for turn the position back',
    file: 'offsets/offset-tracker.ts',
    find: '    this.#restored.has(offset)\n    return true',
    replace: '    return true',
  },
  {
    name: 'a client says that it has read its log to the end, and has not',
    part: 'kafka',
    file: 'memory/consumer.ts',
    find: 'return delivers === true ? position : undefined',
    replace: 'return delivers === true && position !== undefined ? position + 3 : undefined',
  },
  {
    name: 'a log that was cut is read on as if nothing had happened',
    file: 'work-manager.ts',
    find: 'if (lowest !== undefined && record.offset < lowest) state = this.#assignments.rewind(state, lowest, record.offset)',
    replace: 'if (lowest !== undefined && record.offset < lowest) continue',
  },
  {
    name: 'polls ask for more than there is room for',
    file: 'flow/backpressure.ts',
    find: 'Math.min(this.#pollLimit(), this.#total.records - this.#load.records)',
    replace: 'this.#maxPoll * 3',
  },
  {
    name: 'a paused partition is never resumed',
    file: 'flow/backpressure.ts',
    find: 'if (!remove.delete(partition)) add.add(partition)',
    replace: 'if (!remove.delete(partition) && paused) add.add(partition)',
  },
  {
    name: 'the span between position and highest completion has no limit',
    file: 'partition/commit-budget.ts',
    find: 'if (span >= maxOffsetSpan) this.#isTight = true',
    replace: 'if (span >= maxOffsetSpan * 2) this.#isTight = true',
  },
  {
    name: 'a partition that is being revoked still starts work',
    file: 'partition/partition-state.ts',
    find: '    if (this.#isDraining || this.#isRefused) return undefined\n',
    replace: '    if (this.#isRefused) return undefined\n',
  },
  {
    name: 'a rate limit limits nothing',
    file: 'flow/rate-limit.ts',
    find: 'return this.#tokens >= 1',
    replace: 'return true',
  },
  {
    name: 'what was spent of a rate is not counted',
    file: 'flow/start-budget.ts',
    find: 'this.#rate?.spend(records, workId)',
    replace: 'this.#rate?.spend(0, workId)',
  },
  {
    name: 'a record of a poisoned key runs',
    file: 'partition/key-breakers.ts',
    find: 'if (breaker.givenUp < threshold) return false',
    replace: 'if (breaker.givenUp < threshold + 1) return false',
  },
  {
    name: 'a success does not heal a key',
    file: 'partition/key-breakers.ts',
    find: '    const wasOpen = (this.#breakers.get(name)?.openUntil ?? 0) > 0\n    this.#forget(name)\n',
    replace: '    const wasOpen = (this.#breakers.get(name)?.openUntil ?? 0) > 0\n',
  },
  {
    name: 'a poisoned record holds its slot for ever',
    file: 'failures/settlement.ts',
    find: '    state.load.ended(1)\n    pending.attempt = lastAttempt(pending)\n',
    replace: '    pending.attempt = lastAttempt(pending)\n',
  },
  {
    name: 'a record that blocks for too long goes on blocking',
    file: 'partition/blocking-limit.ts',
    find: 'return isIdle && hasFailed(blocking) ? blocking : undefined',
    replace: 'return undefined',
  },
  {
    name: 'a paused handler starts what a poll brings',
    file: 'flow/scheduler.ts',
    find: 'if (ready.size === 0 || isPaused) continue',
    replace: 'if (ready.size === 0 || (isPaused && routeState.inFlight > 0)) continue',
  },
  {
    name: 'the time of a pause counts as blocking',
    file: 'partition/blocking-limit.ts',
    find: 'return Math.max(blockedSince, pausedUntil)',
    replace: 'return pausedUntil === Number.POSITIVE_INFINITY ? pausedUntil : blockedSince',
  },
  {
    name: 'a partition that comes during a pause does not know of it',
    file: 'assignments.ts',
    find: 'if (this.#scheduler.restraintOf(of.topic).isPaused) state.onHandlerPaused()',
    replace: '',
  },
  {
    name: 'a resume of what was not paused begins to count anew',
    file: 'partition/partition-state.ts',
    find: 'if (this.#pausedUntil === Number.POSITIVE_INFINITY) this.#pausedUntil = now',
    replace: 'this.#pausedUntil = now',
  },
  {
    name: 'a record that blocks is given up too early',
    file: 'partition/blocking-limit.ts',
    find: 'return now - blocksSince(state) >= maxBlockingMs',
    replace: 'return now - blocksSince(state) >= maxBlockingMs / 2',
  },
  {
    name: 'a retry that was given up comes back',
    file: 'failures/failed-records.ts',
    find: '    if (entry.pending.retry !== undefined) this.#retries.remove(entry.pending.retry)\n',
    replace: '',
  },
  {
    name: 'an attempt that failed is not counted',
    file: 'failures/failed-records.ts',
    find: 'entry.pending.attempt += 1',
    replace: 'entry.pending.attempt += 0',
  },
  {
    name: 'what succeeded in a batch behind a record of its key that is tried again is done',
    file: 'failures/batch-outcome.ts',
    find: "return before === undefined || (before.state === 'dead' && outcome.kind === 'succeeded')",
    replace: 'return true',
  },
  {
    name: 'what failed in a batch behind a record of its key that was given up is settled at once',
    file: 'failures/batch-outcome.ts',
    find: "(before.state === 'dead' && outcome.kind === 'succeeded')",
    replace: "before.state === 'dead'",
  },
  {
    name: 'what succeeded in a batch behind a record of its key that was not given up is done',
    file: 'failures/batch-outcome.ts',
    find: "return state !== 'in-flight'",
    replace: "return state === 'waiting' || state === 'dead'",
  },
  {
    name: 'a poisoned record is in a batch',
    file: 'partition/batch-builder.ts',
    find: '    if (!source.mayRun(pending)) {',
    replace: '    if (taken.length > 0 && !source.mayRun(pending)) {',
  },
  {
    name: 'a batch counts as one record for a rate',
    file: 'flow/scheduler.ts',
    find: 'routeState.budget.onStarted(entry.pendings.length, entry.item.id)',
    replace: 'routeState.budget.onStarted(1, entry.item.id)',
  },
  {
    name: 'the records of a batch that failed are given up because they block',
    file: 'partition/blocking-limit.ts',
    find: 'return isIdle && hasFailed(blocking) ? blocking : undefined',
    replace: 'return isIdle && blocking.lastFailure !== undefined ? blocking : undefined',
  },
  {
    name: 'a batch that failed as a whole is tried again as it was',
    file: 'failures/batch-outcome.ts',
    find: 'return Math.max(1, Math.floor(records / 2))',
    replace: 'return records',
  },
  {
    name: 'a batch that failed as a whole counts as an attempt of each record',
    file: 'failures/settlement.ts',
    find: "    if ('failure' in outcome) {",
    replace: "    if (outcome.kind === 'interrupted') {",
  },
  {
    name: 'a batch does not wait for others',
    file: 'partition/batch-builder.ts',
    find: 'const starts = first === undefined || taken.length === most || now >= since + waitMs',
    replace: 'const starts = true',
  },
  {
    name: 'a batch that is not whole waits for ever',
    file: 'partition/batch-builder.ts',
    find: 'const starts = first === undefined || taken.length === most || now >= since + waitMs',
    replace: 'const starts = first === undefined || taken.length === most',
  },
  {
    name: 'a batch has one record too many',
    file: 'partition/batch-builder.ts',
    find: 'while (taken.length < most) {',
    replace: 'while (taken.length <= most) {',
  },
  {
    name: 'records that may not run in a batch as large do',
    file: 'partition/batch-builder.ts',
    find: '    most = Math.min(most, pending.batchLimit)\n',
    replace: '',
  },
  {
    name: 'records that were put back are busy for ever',
    file: 'partition/partition-state.ts',
    find: '    this.shards.requeue(pending)\n',
    replace: '',
  },
  {
    name: 'a key is free while more records of it are in the same batch',
    file: 'partition/shard-queue.ts',
    find: "      if (shard.head.state === 'in-flight') return\n",
    replace: '',
  },
  {
    name: 'a record that is dropped leaves its partition unlisted',
    file: 'failures/settlement.ts',
    find: '    this.#scheduler.list(state)\n  }\n}',
    replace: '  }\n}',
  },
  {
    name: 'a batch that asked for a pause is split at once',
    file: 'failures/settlement.ts',
    find: "    if ('failure' in outcome) {",
    replace:
      "    if (outcome.kind === 'partial' && outcome.pause !== undefined) return this.#split(entry, { kind: 'failed', failure: outcome.pause }, now)\n    if ('failure' in outcome) {",
  },
  {
    name: 'a pause that a batch asked for is no attempt of what is behind another record of its key',
    file: 'failures/settlement.ts',
    find: '    pending.lastFailure = paused.failure\n    pending.attempt += 1\n',
    replace: '',
  },
  {
    name: 'the last attempt of a record is used up behind another one of its key',
    file: 'failures/settlement.ts',
    find: 'pending.attempt >= route.retry.attempts) return',
    replace: 'pending.attempt > route.retry.attempts) return',
  },
  {
    name: 'a batch that fails is split at once, however often',
    file: 'failures/retry-policy.ts',
    find: 'return inARow <= 1 ? 0 : delayMs(settings, inARow - 1, failure, random)',
    replace: 'return 0',
  },
  {
    name: 'the pause before a split does not grow',
    file: 'failures/retry-policy.ts',
    find: 'return inARow <= 1 ? 0 : delayMs(settings, inARow - 1, failure, random)',
    replace: 'return inARow <= 1 ? 0 : delayMs(settings, 1, failure, random)',
  },
  {
    name: 'a success does not end the pause before a split',
    file: 'failures/settlement.ts',
    find: 'for (const entry of this.#failed.endPauses(route.handlerId)) this.#runAgain(entry)',
    replace: '',
  },
  {
    name: 'the pause before a split goes on growing after a success',
    file: 'failures/settlement.ts',
    find: '    tally.wholeFailures = 0\n',
    replace: '',
  },
  {
    name: 'a malformed value counts against its key',
    file: 'partition/key-breakers.ts',
    find: "reason !== 'dead-letter' && reason !== 'undecodable' && reason !== 'invalid'",
    replace: "reason !== 'dead-letter'",
  },
  {
    name: 'a malformed value heals its key',
    file: 'failures/settlement.ts',
    find: 'key === null || !saysSomethingOfKey(failure)) return',
    replace:
      "key === null || !saysSomethingOfKey(failure)) return void (poison !== undefined && failure.reason !== 'dead-letter' && state.breakers.onSucceeded(key))",
  },
  {
    name: 'a record that was filtered heals its key',
    file: 'failures/settlement.ts',
    find: 'if (!filtered) this.#countSucceeded(entry)',
    replace: 'this.#countSucceeded(entry)',
  },
  {
    name: 'the age of a record does not matter',
    file: 'partition/last-failure.ts',
    find: 'return timestamp >= 0 && now - timestamp >= maxAgeMs',
    replace: 'return timestamp >= 0 && now - timestamp >= maxAgeMs * 2',
  },
  {
    name: 'a record without a timestamp is older than any',
    file: 'partition/last-failure.ts',
    find: 'return timestamp >= 0 && now - timestamp >= maxAgeMs',
    replace: 'return now - timestamp >= maxAgeMs',
  },
  {
    name: 'a record that is old, or in the way, is tried once',
    file: 'partition/last-failure.ts',
    find: 'const ATTEMPTS_ALWAYS = 2',
    replace: 'const ATTEMPTS_ALWAYS = 1',
  },
  {
    name: 'a record that leaves its partition no room goes on being tried',
    file: 'partition/last-failure.ts',
    find: 'return commits.isTight && isBefore && tally.successes > pending.successesBefore',
    replace: 'return false',
  },
  {
    name: 'a record is given up as in the way though nothing else succeeds',
    file: 'partition/last-failure.ts',
    find: 'return commits.isTight && isBefore && tally.successes > pending.successesBefore',
    replace: 'return commits.isTight && isBefore',
  },
  {
    name: 'a record is given up as in the way though another one is',
    file: 'partition/last-failure.ts',
    find: 'return commits.isTight && isBefore && tally.successes > pending.successesBefore',
    replace: 'return commits.isTight && tally.successes > pending.successesBefore',
  },
  {
    name: 'a member that has not heard of its coordinator for too long starts work',
    file: 'flow/start-permit.ts',
    find: "if (this.clock.isCutOff(now)) return 'unacknowledged'",
    replace: "if (this.clock.isCutOff(now - 2_000)) return 'unacknowledged'",
  },
  {
    name: 'membership is proven by when the answer came, not by when it was asked',
    file: 'work-manager.ts',
    find: 'this.permit.clock.heard(sentAt)',
    replace: 'this.permit.clock.heard(Math.max(sentAt, this.#now))',
  },
  {
    name: 'what is done and not committed has no limit',
    file: 'flow/start-permit.ts',
    find: "return most >= this.#maxUncommitted && this.count(states) >= this.#maxUncommitted ? 'uncommitted' : undefined",
    replace: 'return undefined',
  },
  {
    name: 'what no commit could carry when last counted is never counted',
    file: 'flow/start-permit.ts',
    find: 'this.#untellable += state.commits.untellable',
    replace: 'this.#untellable += 0',
  },
  {
    name: 'what no commit carries counts as not committed, though it never will be',
    file: 'partition/commit-budget.ts',
    find: 'return this.#settings.maxMetadataLength === 0 ? passed : Math.max(passed, this.#completed - this.#cut)',
    replace: 'return Math.max(passed, this.#completed)',
  },
  {
    name: 'a request that is too large is sent again as it was',
    file: 'shell/commit-plan.ts',
    find: 'this.#requests.unshift(request.slice(0, half), request.slice(half))',
    replace: 'this.#requests.unshift(request)',
  },
  {
    name: 'metadata that was refused is not shortened',
    file: 'partition/commit-budget.ts',
    find: 'Math.floor(Math.min(maxMetadataLength, refused) / 2)',
    replace: 'maxMetadataLength',
  },
  {
    name: 'a partition whose commits are refused goes on',
    file: 'partition/partition-state.ts',
    find: '    this.#isRefused = true\n',
    replace: '',
  },
  {
    name: 'a partition whose commits were refused once never goes on',
    file: 'partition/partition-state.ts',
    find: '    const wasRefused = this.#isRefused\n    this.#isRefused = false\n',
    replace: '    const wasRefused = this.#isRefused\n',
  },
  {
    name: 'a group that has nothing to commit commits nothing',
    file: 'work-manager.ts',
    find: 'if (now < this.permit.clock.renewAt) return []',
    replace: 'if (now > 0) return []',
  },
  {
    name: 'dead letters are published in silence',
    file: 'work-manager.ts',
    find: 'return this.permit.mayStart(now, this.#table) ? this.#failed.takeRequests() : []',
    replace: 'return this.#failed.takeRequests()',
  },
  {
    name: 'a handler that was abandoned is answered for again when it ends',
    file: 'engines/async-engine.ts',
    part: 'engine',
    find: 'attempt.logSettled(now)',
    replace: 'this.#complete(attempt, outcome, now)',
  },
  {
    name: 'an attempt that ends after its deadline is never answered for',
    file: 'engines/async-engine.ts',
    part: 'engine',
    find: 'this.#complete(attempt, attempt.stray ?? timedOut(this.#options.timeoutMs, outcome), now)\n    else',
    replace: 'return\n    else',
  },
  {
    name: 'a handler runs inside submit()',
    file: 'engines/async-engine.ts',
    part: 'engine',
    find: 'this.#gate.admit()\n    this.#takeTurnSoon()',
    replace: 'this.#gate.admit()\n    this.#takeTurn()',
  },
  {
    name: 'a handler that ignores its signal is waited for for ever',
    file: 'engines/async-engine.ts',
    part: 'engine',
    find: 'end the attempt.\n    this.#overdue.add(attempt, this.#options.clock.now())',
    replace: 'end the attempt.\n    this.#abandoned.add(attempt)',
  },
  {
    name: 'the failure of a record of a batch is that of its first record',
    file: 'attempt/handler-batch.ts',
    part: 'engine',
    find: 'this.#failures.set(index, this.#failureOf(error, index))',
    replace: 'this.#failures.set(0, this.#failureOf(error, index))',
  },
  {
    name: 'what the filter of a batch handler leaves out counts as handled',
    file: 'attempt/handler-batch.ts',
    part: 'engine',
    find: 'this.#filtered.add(index)',
    replace: 'this.#filtered.size',
  },
  {
    name: 'what returns after its signal has fired is done, also where its handler has asked for the signal',
    file: 'attempt/attempt.ts',
    part: 'engine',
    find: 'if (hasAsked && this.#abortReason !== undefined)',
    replace: 'if (!hasAsked && this.#abortReason !== undefined)',
  },
  {
    name: 'the oldest go first though thread after thread dies of them',
    file: 'worker/doubt.ts',
    part: 'engine',
    find: 'this.#isOn = true\n',
    replace: '\n',
  },
  {
    name: 'all that waits is given at once though thread after thread dies of it',
    file: 'worker/doubt.ts',
    part: 'engine',
    find: '    this.#trust = 0\n    this.#left = 0\n',
    replace: '',
  },
  {
    name: 'a handler that ends all its threads does not pause',
    file: 'worker/doubt.ts',
    part: 'engine',
    find: 'if (deaths < 2) return 0',
    replace: 'if (deaths >= 0) return 0',
  },
  {
    name: 'what runs apart takes the slots of the others',
    file: 'worker/work-queue.ts',
    part: 'engine',
    find: 'return Math.min(MOST_SET_ASIDE, apart',
    replace: 'return Math.min(0, apart',
  },
  {
    name: 'what was only near a record that ended its thread waits behind it',
    file: 'worker/isolation.ts',
    part: 'engine',
    find: "['often', 'near', 'untried', 'guilty']",
    replace: "['guilty', 'often', 'near', 'untried']",
  },
  {
    name: 'a record that is cut by others again and again never runs apart',
    file: 'worker/suspects.ts',
    part: 'engine',
    find: 'isSuspect || deaths + 1 >= MOST_CUTS',
    replace: 'isSuspect',
  },
  {
    name: 'more handlers run than there are slots',
    file: 'worker/work-queue.ts',
    part: 'engine',
    find: 'return this.#concurrency - this.#crew.all.reduce((sum, lane) => sum + lane.size, 0)',
    replace: 'return this.#concurrency',
  },
  {
    name: 'a batch runs as one record',
    file: 'attempt/attempt.ts',
    part: 'engine',
    find: 'const checked = records.map((raw, index) => this.#check(raw, numberOf(index)))',
    replace: 'const checked = records.slice(0, 1).map((raw, index) => this.#check(raw, numberOf(index)))',
  },
  {
    name: "from 'latest', a partition that is added begins at its end",
    file: 'memory/consumer.ts',
    part: 'kafka',
    find: 'const position = committed?.position ?? log.start',
    replace: "const position = committed?.position ?? (this.#startFrom === 'latest' ? log.end : log.start)",
  },
  {
    name: "from 'latest', the ends of a new topic are not committed",
    file: 'memory/consumer.ts',
    part: 'kafka',
    find: "group.commit(log, { position: log.end, metadata: '' })",
    replace: '{}',
  },
  {
    name: "from 'latest', a look-up that is refused has found nothing",
    file: 'memory/consumer.ts',
    part: 'kafka',
    find: '      this.#hasNews = true\n      return\n    }\n    if (this.#startFrom',
    replace:
      "      for (const { topic } of partitions) for (const log of this.#cluster.logsOf(topic)) group.commit(log, { position: log.end, metadata: '' })\n    }\n    if (this.#startFrom",
  },
  {
    name: 'what a handler left behind does not fail its attempt',
    file: 'attempt/attempt.ts',
    part: 'engine',
    find: 'this.#stray ??= strayed(this.#failedBy(thrown))\n    this.#owner.onStray(this)',
    replace: '',
  },
  {
    name: 'an attempt that has failed by what it left behind is never answered for',
    file: 'engines/async-engine.ts',
    part: 'engine',
    find: 'if (!this.#running.delete(attempt)) return\n    this.#overdue.add(attempt, this.#options.clock.now())',
    replace: 'if (!this.#running.delete(attempt)) return',
  },
  {
    name: 'what a tracer throws leaves the turn of the engine',
    file: '../tracing/attempt-tracer.ts',
    part: 'engine',
    find: 'this.#span = trace(work)\n    } catch (thrown) {\n      onFault(thrown)',
    replace: 'this.#span = trace(work)\n    } catch (thrown) {\n      throw thrown',
  },
  {
    name: 'a handler runs again when its span cannot be left',
    file: '../tracing/attempt-tracer.ts',
    part: 'engine',
    find: 'return made === undefined ? call()',
    replace: 'return true ? call()',
  },
  {
    name: 'what was taken back is never run again',
    file: 'failures/settlement.ts',
    find: '      this.#requeue(entry)\n      return\n',
    replace: '      return\n',
  },
  {
    name: 'of a batch that was taken back, one record runs again',
    file: 'failures/settlement.ts',
    find: 'for (const pending of pendings) this.#runAgain({ state, pending })',
    replace: 'for (const pending of pendings.slice(0, 1)) this.#runAgain({ state, pending })',
  },
  {
    name: 'what was taken back was an attempt',
    file: 'failures/settlement.ts',
    find: "    if (outcome.kind === 'recalled') {\n",
    replace: "    if (outcome.kind === 'recalled') {\n      for (const pending of pendings) pending.attempt += 1\n",
  },
  {
    name: 'an engine takes nothing back',
    part: 'engine',
    file: 'engines/async-engine.ts',
    find: 'if (taken.length === 0) return',
    replace: 'return',
  },
  {
    name: 'an engine begins what it has given back',
    part: 'engine',
    file: 'engines/attempt-queue.ts',
    find: 'this.#attempts = waiting.filter((attempt) => !taken.has(attempt))',
    replace: 'this.#attempts = [...waiting]',
  },
  {
    name: 'an engine forgets to answer for what it has taken back',
    part: 'engine',
    file: 'engines/async-engine.ts',
    find: 'for (const attempt of taken) this.#gate.complete(attempt.item, recalled, attempt.durationMs(now))',
    replace: '',
  },
  {
    name: 'what waits apart is not taken back',
    part: 'engine',
    file: 'worker/work-queue.ts',
    find: 'const apart = this.#isolation.remove(shouldEnd)',
    replace: 'const apart: WorkItem[] = []',
  },
  {
    name: 'what waits for a thread is taken back, and nobody hears of it',
    part: 'engine',
    file: 'worker/work-queue.ts',
    find: 'const waiting = this.#queue.filter(shouldEnd)',
    replace: 'const waiting: WorkItem[] = []',
  },
  {
    name: 'what was sent to a thread is not taken back',
    part: 'engine',
    file: 'worker/work-queue.ts',
    find: 'this.#crew.all.flatMap((lane) => lane.takeBack(Number.POSITIVE_INFINITY, shouldEnd))',
    replace: '[] as WorkItem[]',
  },
  {
    name: 'all that a thread has not begun is taken back, whoever was asked for',
    part: 'engine',
    file: 'worker/work-queue.ts',
    find: 'lane.takeBack(Number.POSITIVE_INFINITY, shouldEnd)',
    replace: 'lane.takeBack(Number.POSITIVE_INFINITY)',
  },
  {
    name: 'what waited for a thread and was taken back is given to one',
    part: 'engine',
    file: 'worker/work-queue.ts',
    find: '    this.#queue = this.#queue.filter((item) => !shouldEnd(item))\n',
    replace: '',
  },
  {
    name: 'what waited apart and was taken back is given to a thread',
    part: 'engine',
    file: 'worker/isolation.ts',
    find: '      this.#waiting[rank] = this.#waiting[rank].filter((item) => !shouldRemove(item))\n',
    replace: '',
  },
  {
    name: 'a worker engine forgets to answer for what it has taken back',
    part: 'engine',
    file: 'worker/work-queue.ts',
    find: '      this.#oldest.delete(item)\n      this.#ended.push({ item, outcome })\n',
    replace: '',
  },
  {
    name: 'what has run counts as taken back before it had begun',
    file: 'work-manager.ts',
    find: "if (entry !== undefined && completion.outcome.kind === 'recalled')",
    replace: 'if (entry !== undefined)',
  },
  ...javascriptMutants,
]

/** Below the root. */
const folders = { engine: 'execution-plane', kafka: 'kafka', javascript: 'kafka/javascript' } as const

export function pathOf({ file, part }: Mutant): string {
  return `framework/${part === undefined ? 'control-plane' : folders[part]}/${file}`
}

export function mutate(source: string, { name, find, replace }: Mutant): string {
  const places = source.split(find).length - 1
  if (places !== 1)
    throw new Error(`mutant "${name}": its text stands ${places} times in its file. Bring it up to date.`)
  return source.replace(find, () => replace)
}
