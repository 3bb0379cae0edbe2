/** The ways in which exactly once, and keys in a format, are broken on purpose, so that a user's own check of what was published must fail. */
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
  {
    name: 'a handler gets a key that cannot be read yet',
    file: 'execution-plane/attempt/record-check.ts',
    find: '  if (key instanceof UnreadyValue) return key\n',
    replace: '',
  },
  {
    name: 'a record whose key cannot be read yet is given up',
    file: 'execution-plane/attempt/record-check.ts',
    find: '  if (key instanceof UnreadyValue) return key\n',
    replace:
      "  if (key instanceof UnreadyValue) return { reason: 'undecodable', name: 'UnreadyKey', message: key.why, retryable: false }\n",
  },
  {
    name: 'a record whose key cannot be read yet is done',
    file: 'execution-plane/attempt/record-check.ts',
    find: '  if (key instanceof UnreadyValue) return key\n',
    replace: "  if (key instanceof UnreadyValue) return 'filtered'\n",
  },
  {
    name: 'the key of an output in a format is lost',
    file: 'publishing/publisher.ts',
    find: 'encodeKey(keyFormat, topic, chosen,',
    replace: 'encodeKey(keyFormat, topic, null,',
  },
]

export const userMutants = all.map((mutant) => ({ ...mutant, part }))
