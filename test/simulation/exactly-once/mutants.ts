/** The ways in which transactions of an exactly-once group are broken on purpose. */
const part = 'exactly-once' as const

const all = [
  {
    name: 'outputs of a record that is done are not kept',
    file: 'failures/settlement.ts',
    find: "if (single.kind === 'succeeded' && single.outputs !== undefined)\n        this.#keepOutputs(state, [pending], single.outputs, durationMs)",
    replace: 'void single',
  },
  {
    name: 'outputs of records that do not count go with the batch',
    file: 'failures/settlement.ts',
    find: 'const own = outputs.filter(({ of }) => of === undefined || done[of] !== undefined)',
    replace: 'const own = outputs',
  },
  {
    name: 'the offsets of a cut are those of all that is done',
    file: 'cuts/cuts.ts',
    find: 'state.commits.cut(offsetsOf(left.get(state) ?? []))',
    replace: 'state.commits.cut([])',
  },
  {
    name: 'a unit goes though the metadata has no room for it',
    file: 'cuts/cuts.ts',
    find: 'return records.some(({ record }) => record.offset >= Math.max(snapshot.position, snapshot.coveredTo))',
    replace: 'return false',
  },
  {
    name: 'what is visible may leave the metadata for want of room',
    file: 'partition/commit-budget.ts',
    find: 'if ((visible.end ?? 0) <= Math.max(whole.position, whole.coveredTo)) return this.#changed(whole)',
    replace: 'if (visible !== undefined) return this.#changed(whole)',
  },
  {
    name: 'where there is no room, what is new above the position counts as told',
    file: 'partition/commit-budget.ts',
    find: 'return this.#changed({ ...snapshot, carries, coveredTo: upTo })',
    replace: 'return this.#changed({ ...snapshot, carries, coveredTo: ALL })',
  },
  {
    name: 'the units of a partition that is gone are sent all the same',
    file: 'assignments.ts',
    find: 'this.#cuts?.forget(state)',
    replace: 'void this.#cuts',
  },
  {
    name: 'a later output of a key goes before an earlier one that waits',
    file: 'cuts/cuts.ts',
    find: 'leftWithFollowers(this.#waiting, (unit) => left.has(unit))',
    replace: 'left',
  },
  {
    name: 'units are sent again after their transaction was committed',
    file: 'cuts/cuts.ts',
    find: 'this.#drop((unit) => visible.has(unit))\n    if (units.length > 0)',
    replace: 'if (units.length > 0 && visible.size > 0)',
  },
  {
    name: 'something starts though outputs have reached their limit',
    file: 'flow/start-permit.ts',
    find: "if (this.#outputs?.isFull === true) return 'outputs'",
    replace: 'void this.#outputs?.isFull',
  },
  {
    name: 'a transaction does not know what was stored before it',
    file: 'cuts/cuts.ts',
    find: 'before: isSame(stored, snapshot) ? undefined : stored }',
    replace: 'before: undefined }',
  },
  {
    name: 'what a transaction has stored is not remembered',
    file: 'partition/commit-budget.ts',
    find: 'isForeign: false, stored: { position, metadata } }\n    this.#tracker',
    replace: 'isForeign: false, stored: this.#committed.stored }\n    this.#tracker',
  },
  {
    name: 'nobody looks for the output that is to blame',
    file: 'cuts/cuts.ts',
    find: 'this.#mostUnits = units.indexOf(last) + 1',
    replace: 'void last',
  },
  {
    name: 'a record of which an output is refused is dropped without a dead letter',
    file: 'cuts/cuts.ts',
    find: 'if (deadLetterTopic === null) {\n      this.#drop',
    replace: 'if (deadLetterTopic !== undefined) {\n      this.#drop',
  },
  {
    name: 'a dead letter that is too large is never made smaller',
    file: 'cuts/cuts.ts',
    find: 'else this.#replace(unit, letters)\n',
    replace: 'else this.#putOff(unit.state, now)\n',
  },
  {
    name: 'partitions whose offsets were refused together stay together',
    file: 'cuts/cuts.ts',
    find: 'for (const each of states) this.#apart.setApart(each)',
    replace: 'void states',
  },
  {
    name: 'a dead letter waits outside of the cut of its batch',
    file: 'failures/settlement.ts',
    find: 'if (topic !== null && this.#cuts !== undefined) {',
    replace: 'if (topic !== null && this.#cuts !== undefined && entry.state.route.batch === undefined) {',
  },
  {
    name: 'a dead letter is kept, and its record stays incomplete',
    file: 'failures/settlement.ts',
    find: 'this.#complete(entry, now)\n    cuts.keepLetter',
    replace: 'cuts.keepLetter',
  },
] as const

export const exactlyOnceMutants = all.map((mutant) => ({ ...mutant, part }) as const)
