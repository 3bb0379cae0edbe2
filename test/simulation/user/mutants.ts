/** The ways in which exactly once is broken on purpose, so that a user's own check of what was published must fail. */
const part = 'user' as const

const all = [
  {
    name: 'what handlers publish does not wait for its transaction',
    file: 'runtime/create-runtime.ts',
    find: 'keeping: commit.exactlyOnce === true ? keeping() : undefined,',
    replace: 'keeping: Math.random() > 2 ? keeping() : undefined,',
  },
  {
    name: 'outputs are written outside of the transaction',
    file: 'kafka/memory/transactional-producer.ts',
    find: 'transaction.logs.add(this.#options.write(transaction, output))',
    replace: "this.#options.write(output, output).endTransaction(output, 'commit')",
  },
  {
    name: 'offsets are committed without their outputs',
    file: 'kafka/memory/transactional-producer.ts',
    find: 'for (const [index, output] of outputs.entries()) {\n      try {\n',
    replace:
      'for (const [index, output] of outputs.entries()) {\n      if (outputs.length > 1 && index === 0) continue\n      try {\n',
  },
  {
    name: 'records of an aborted transaction are read',
    file: 'kafka/memory/log.ts',
    find: "if (end === 'abort') this.remove(new Set(offsets))",
    replace: '',
  },
  {
    name: 'what was committed is sent once more, as nobody has answered',
    file: 'kafka/cuts.ts',
    find: "return offsets.some((each) => isSame(stored.get(partitionId(each)), each)) ? 'committed' : 'overwritten'",
    replace: "return 'aborted'",
  },
  {
    name: 'units are sent again after their transaction was committed',
    file: 'control-plane/shell/cut-committer.ts',
    find: 'manager.cuts?.onCommitted(cut)',
    replace:
      'manager.cuts?.onAborted(cut, { kind: "aborted", blame: { kind: "nobody" }, error: undefined as never }, now)',
  },
]

export const userMutants = all.map((mutant) => ({ ...mutant, part }))
