/** The ways in which what is done about an answer that came too late is broken on purpose: parts of the list in ../mutants.ts. */
const part = 'librdkafka'

const watch = [
  {
    name: 'a member joins again on the first difference',
    file: 'late-answer-watch.ts',
    find: 'if (nowMs - this.#difference.sinceMs < STEADY_MS)',
    replace: 'if (nowMs - this.#difference.sinceMs < 0)',
  },
  {
    name: 'another difference counts as the same',
    file: 'late-answer-watch.ts',
    find: 'if (this.#difference?.how !== how)',
    replace: 'if (this.#difference === undefined)',
  },
  {
    name: 'a difference that was gone between counts as the same',
    file: 'late-answer-watch.ts',
    find: '    this.#difference = undefined\n    this.#agreements += 1\n',
    replace: '    this.#agreements += 1\n',
  },
  {
    name: 'a difference counts on over a look that says nothing',
    file: 'late-answer-watch.ts',
    find: "if (finding.kind === 'unknown') this.#forget()",
    replace: "if (finding.kind === 'unknown') this.#agreements = 0",
  },
  {
    name: 'another answer that comes too late changes nothing',
    file: 'late-answer-watch.ts',
    find: '    this.#forget()\n    this.#nextLookMs ??= nowMs + LOOK_EVERY_MS',
    replace: '    this.#nextLookMs ??= nowMs + LOOK_EVERY_MS',
  },
  {
    name: 'one agreement is enough',
    file: 'late-answer-watch.ts',
    find: 'const ENOUGH_AGREEMENTS = 2',
    replace: 'const ENOUGH_AGREEMENTS = 1',
  },
  {
    name: 'agreements count over a difference between them',
    file: 'late-answer-watch.ts',
    find: '    this.#agreements = 0\n    if (this.#difference?.how',
    replace: '    if (this.#difference?.how',
  },
  {
    name: 'a member joins again as often as it likes',
    file: 'late-answer-watch.ts',
    find: '    this.#rejoinedMs = nowMs\n',
    replace: '',
  },
  {
    name: 'a wait for the pause is told at each look',
    file: 'late-answer-watch.ts',
    find: 'this.#difference.isTold = true',
    replace: 'this.#difference.isTold = false',
  },
  {
    name: 'a member that has joined again goes on looking',
    file: 'late-answer-watch.ts',
    find: "    this.rest()\n    return { kind: 'rejoin' }",
    replace: "    return { kind: 'rejoin' }",
  },
  {
    name: 'the group is looked at once only',
    file: 'late-answer-watch.ts',
    find: 'this.#nextLookMs = nowMs + LOOK_EVERY_MS\n    if (finding',
    replace: 'this.#nextLookMs = undefined\n    if (finding',
  },
] as const

const assignment = [
  {
    name: 'what a member is to give up is not seen',
    file: 'own-assignment.ts',
    find: 'self?.target.map(partitionPlace)',
    replace: 'self?.assigned.map(partitionPlace)',
  },
  {
    name: 'a member that holds nothing is never looked at',
    file: 'own-assignment.ts',
    find: 'return held.length > 0 ? ofHolder(held, members) : ofIdle(members, clientId)',
    replace: 'return held.length > 0 ? ofHolder(held, members) : ofIdle([], clientId)',
  },
  {
    name: 'a member that holds nothing is taken for one that has something',
    file: 'own-assignment.ts',
    find: 'namesakes.some(({ assigned }) => assigned.length === 0)',
    replace: 'namesakes.every(({ assigned }) => assigned.length === 0)',
  },
  {
    name: 'what a member was given and does not read is not seen',
    file: 'own-assignment.ts',
    find: '    .filter((each) => !places.has(each))\n    .sort()',
    replace: '    .filter(() => false)\n    .sort()',
  },
] as const

export const lateAnswerMutants = [...watch, ...assignment].map((mutant) => ({ ...mutant, part }) as const)
