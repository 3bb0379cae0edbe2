/** The types of kafka-jars.mjs, which is plain JavaScript because set-up runs it before anything is installed. */
export const kafkaVersion: string
export function kafkaJarsDir(): string
export function hasKafkaJars(): boolean
export function javaProblem(): string | undefined
export function kafkaProblem(): string | undefined
export function fetchKafkaJars(): Promise<void>
