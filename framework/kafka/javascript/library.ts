/** What is used of `@platformatic/kafka`, by name: a bundle leaves all else out, which is two thirds of it. Loaded by client.ts alone, when it is called. */
export {
  Connection,
  compressionsAlgorithmsByBitmask,
  crc32c,
  Reader,
  saslOAuthBearer,
  saslPlain,
  saslScramSha,
  TimeoutError,
  Writer,
} from '@platformatic/kafka'
