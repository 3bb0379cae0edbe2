/** The ways in which the JavaScript client's membership, assignments and fetch plan are broken on purpose: parts of the list in ../mutants.ts. */
const part = 'javascript'

const membership = [
  {
    name: 'a partition is reported as given up while its hook is at work',
    file: 'membership.ts',
    find: 'owned: isFull ? this.#partitions.all : null',
    replace: 'owned: isFull ? this.#partitions.without([]) : null',
  },
  {
    name: 'a lost answer is not asked for again',
    file: 'membership.ts',
    find: '    this.#isFullDue = true\n    if (sent.request.memberEpoch === JOIN) this.#name?.joinUnanswered()',
    replace: '    if (sent.request.memberEpoch === JOIN) this.#name?.joinUnanswered()',
  },
  {
    name: 'the limit of a revoke begins with the answer that tells of it',
    file: 'heartbeat-pace.ts',
    find: 'const toldSinceMs = this.#oldestUnansweredMs ?? sentAtMs',
    replace: 'const toldSinceMs = sentAtMs',
  },
  {
    name: 'the limit of a revoke lies above the rebalance time-out',
    file: 'revoke-limit.ts',
    find: 'const REVOKE_SHARE = 0.8',
    replace: 'const REVOKE_SHARE = 1.2',
  },
  {
    name: 'a settled revoke is not reported',
    file: 'membership.ts',
    find: 'if (this.#partitions.settle(revokeId)) this.#sayAll(nowMs)',
    replace: 'this.#partitions.settle(revokeId)',
  },
  {
    name: 'a fenced static member joins anew without giving its name back',
    file: 'membership.ts',
    find: "this.#name === undefined ? 'joining' : 'releasing'",
    replace: "'joining'",
  },
  {
    name: 'a name that a lost join has taken is waited for',
    file: 'static-name.ts',
    find: '    this.#mayBeOurs = true\n',
    replace: '',
  },
  {
    name: 'a forgotten member goes on at its old epoch',
    file: 'membership.ts',
    find: 'this.#grant = { memberEpoch: JOIN, session: this.#grant.session + 1 }',
    replace: 'this.#grant = { ...this.#grant, session: this.#grant.session + 1 }',
  },
  {
    name: 'everything may be committed',
    file: 'membership.ts',
    find: 'return partitions.filter((each) => this.#partitions.has(each))',
    replace: 'return partitions',
  },
  {
    name: 'what is lost stays owned',
    file: 'member-partitions.ts',
    find: '    this.#entries.clear()\n',
    replace: '',
  },
  {
    name: 'it leaves before everything is given up',
    file: 'membership.ts',
    find: "return this.#state === 'leaving' && this.#partitions.size === 0",
    replace: "return this.#state === 'leaving'",
  },
  {
    name: 'what is being revoked, and what is owned, is assigned again',
    file: 'member-partitions.ts',
    find: 'const added = partitions.filter((each) => !this.has(each))',
    replace: 'const added = partitions',
  },
  {
    name: 'a fence passes by itself',
    file: 'group-codes.ts',
    find: "[110, 'fenced-epoch']",
    replace: "[110, 'passing']",
  },
  {
    name: 'heartbeats come as seldom as sessions end',
    file: 'heartbeat-pace.ts',
    find: 'this.#dueAtMs = nowMs + this.#intervalMs',
    replace: 'this.#dueAtMs = nowMs + 5 * this.#intervalMs',
  },
  {
    name: 'a coordinator that has moved is not looked for',
    file: 'heartbeat-pace.ts',
    find: '  lostCoordinator(): void {\n    this.#findsCoordinator = true',
    replace: '  lostCoordinator(): void {\n    this.#findsCoordinator = false',
  },
  {
    name: 'a refused heartbeat is sent again without a pause',
    file: 'heartbeat-pace.ts',
    find: 'this.#dueAtMs = nowMs + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(this.#failures, 10))',
    replace: 'this.#dueAtMs = nowMs',
  },
] as const

const assigning = [
  {
    name: 'a late commit of a lost assignment is sent when the partition is back',
    file: 'assignments.ts',
    find: 'of === undefined || of !== this.groupPartitionOf(each) || !owns(of)',
    replace: 'of === undefined || this.groupPartitionOf(each) === undefined || !owns(of)',
  },
  {
    name: 'what is lost may be committed until the listener hears of it',
    file: 'assignments.ts',
    find: 'begun: this.#forget(this.#begunOf(event.partitions))',
    replace: 'begun: this.#begunOf(event.partitions)',
  },
  {
    name: 'a partition that is back begins where it was to begin before it was lost',
    file: 'assignments.ts',
    find: 'this.#unbegun.get(key) !== of',
    replace: '!this.#unbegun.has(key)',
  },
  {
    name: 'a partition that was taken back before a poll is begun in it',
    file: 'assignments.ts',
    find: "for (const event of this.#events) if (event.kind === 'assigned') event.partitions.delete(key)",
    replace: 'void key',
  },
  {
    name: 'records of a partition that is being revoked are handed out',
    file: 'assignments.ts',
    find: '    this.#host.drop(partitions)\n',
    replace: '',
  },
  {
    name: 'a start that was not told is not asked for again',
    file: 'assignments.ts',
    find: '    this.#askAgainLater()\n    if (assigned',
    replace: '    if (assigned',
  },
  {
    name: 'a revoke is settled before its hook',
    file: 'assignments.ts',
    find: 'if (begun.length > 0) await this',
    replace: 'if (begun.length > 0) void this',
  },
  {
    name: 'a revoke takes what was lost and has come back before its poll',
    file: 'assignments.ts',
    find: "this.#events.push({ kind: 'revoke', revokeId: event.revokeId, begun: this.#begunOf(event.partitions) })",
    replace:
      'const find = () => this.#begunOf(event.partitions)\n' +
      "this.#events.push({ kind: 'revoke', revokeId: event.revokeId, get begun() { return find() } })",
  },
  {
    name: 'a revoke is answered while offsets are on their way into a transaction',
    file: 'assignments.ts',
    find: '      await this.#host.sent()\n',
    replace: '',
  },
] as const

const fetching = [
  {
    name: 'an answer for a position that is not asked for any more is taken',
    file: 'fetch-plan.ts',
    find: 'if (cursor === undefined || cursor.askedBy !== id) continue',
    replace: 'if (cursor === undefined) continue',
  },
  {
    name: 'a paused partition is fetched',
    file: 'fetch-plan.ts',
    find: 'return !cursor.isPaused && ',
    replace: 'return ',
  },
  {
    name: 'a paused partition hands out what was fetched',
    file: 'fetch-plan.ts',
    find: 'cursor.isPaused = true\n      this.#handOut.withdraw(cursor)',
    replace: 'cursor.isPaused = true',
  },
  {
    name: 'a dropped partition hands out what was fetched',
    file: 'fetch-plan.ts',
    find: 'this.#cursors.delete(groupPartitionKey(cursor.of))\n      this.#handOut.withdraw(cursor)',
    replace: 'this.#cursors.delete(groupPartitionKey(cursor.of))',
  },
  {
    name: 'the order of the partitions never changes',
    file: 'fetch-plan.ts',
    find: '      this.#cursors.delete(key)\n      this.#cursors.set(key, cursor)\n',
    replace: '      void key\n',
  },
  {
    name: 'a partition may gather as much as all together',
    file: 'fetch-plan.ts',
    find: 'cursor.bufferedBytes < this.#limits.partitionBufferBytes',
    replace: 'cursor.bufferedBytes < this.#limits.totalBufferBytes',
  },
  {
    name: 'all together may gather without a limit',
    file: 'fetch-plan.ts',
    find: 'return bytes >= this.#limits.totalBufferBytes',
    replace: 'return bytes < 0',
  },
  {
    name: 'what paused partitions hold stops the others',
    file: 'fetch-plan.ts',
    find: 'if (this.#handOut.isEmpty) return false',
    replace: '',
  },
  {
    name: 'many partitions get shares that bring no batch',
    file: 'fetch-limits.ts',
    find: 'Math.max(minShareBytes, Math.min(maxShareBytes, Math.floor(maxBytes / partitions)))',
    replace: 'Math.min(minShareBytes, Math.min(maxShareBytes, Math.floor(maxBytes / partitions)))',
  },
  {
    name: 'a position beyond the end of its log goes to that end',
    file: 'partition-cursor.ts',
    find: 'else this.#goOnAt(logStart)',
    replace: 'else this.#goOnAt(logEnd)',
  },
  {
    name: 'a cut log is read on from where the fetches were',
    file: 'partition-cursor.ts',
    find: 'this.#goOnAt(Math.min(endOffset, this.#next))',
    replace: 'this.#goOnAt(Math.min(endOffset, this.#position ?? 0))',
  },
  {
    name: 'the epoch that was last fetched is not sent',
    file: 'partition-cursor.ts',
    find: 'lastFetchedEpoch: this.#lastFetchedEpoch,',
    replace: 'lastFetchedEpoch: -1,',
  },
  {
    name: 'what was fetched of a log before it was cut is handed out, too',
    file: 'partition-cursor.ts',
    find: 'this.#goOnAt(Math.min(endOffset, this.#next))',
    replace: 'this.#position = Math.min(endOffset, this.#next)',
  },
  {
    name: 'a damaged batch is left out',
    file: 'partition-cursor.ts',
    find: 'this.#goOnAt(Math.max(at, this.#next))',
    replace: 'this.#goOnAt(this.#position ?? at)',
  },
  {
    name: 'two fetches are out at a broker',
    file: 'broker-turns.ts',
    find: 'return turn.requestId === undefined ? turn.notBeforeMs : Number.POSITIVE_INFINITY',
    replace: 'return turn.notBeforeMs',
  },
  {
    name: 'a broker that has failed is not asked again',
    file: 'broker-turns.ts',
    find: 'if (turn !== undefined) turn.requestId = undefined',
    replace: 'if (turn !== undefined && turn.failures === 0) turn.requestId = undefined',
  },
  {
    name: 'who leads what a frozen broker has led is not asked for',
    file: 'fetch-plan.ts',
    find: 'if (this.#turns.doubt(nowMs)) this.#leaders.want()',
    replace: 'this.#turns.doubt(nowMs)',
  },
  {
    name: 'the silence of a broker is noticed without end',
    file: 'broker-turns.ts',
    find: '      turn.doubtAtMs = nowMs + SILENCE_MS\n',
    replace: '',
  },
  {
    name: 'leaders that were not told are not asked for again',
    file: 'leader-question.ts',
    find: 'if (!hasAll) this.#isWanted = true',
    replace: '',
  },
] as const

const replicas = [
  {
    name: 'a replica that has failed is not left alone',
    file: 'nearest-replica.ts',
    find: '    this.#leftUntilMs = nowMs + LEFT_FOR_MS\n',
    replace: '',
  },
  {
    name: 'the leader is never asked again, whatever becomes of the replica that it has named',
    file: 'nearest-replica.ts',
    find: 'if (nowMs >= this.#untilMs) this.#id = undefined',
    replace: 'void nowMs',
  },
  {
    name: 'a leader that is asked again after its replica has failed may name it again',
    file: 'fetch-plan.ts',
    find: 'if (!cursor.nearest.isWanted(nowMs)) round.asksNearest = false',
    replace: '',
  },
  {
    name: 'a replica that refuses goes on being asked',
    file: 'fetch-plan.ts',
    find: "    if (meaning !== 'none' || divergingEpoch !== undefined) cursor.nearest.leave(nowMs)\n",
    replace: '',
  },
  {
    name: 'a replica whose answer never comes goes on being asked',
    file: 'fetch-plan.ts',
    find: 'if (this.#turns.failed(id, nowMs) === undefined) return\n    this.#leaders.want()\n    this.#leaveReplicas(id, nowMs)',
    replace: 'if (this.#turns.failed(id, nowMs) === undefined) return\n    this.#leaders.want()',
  },
  {
    name: 'a replica that is behind is believed that the log was cut',
    file: 'fetch-plan.ts',
    find: "if (isOfReplica && (meaning === 'range' || divergingEpoch !== undefined)) return undefined",
    replace: "if (isOfReplica && meaning === 'range') return undefined",
  },
] as const

export const javascriptMutants = [...membership, ...assigning, ...fetching, ...replicas].map(
  (mutant) => ({ ...mutant, part }) as const,
)
