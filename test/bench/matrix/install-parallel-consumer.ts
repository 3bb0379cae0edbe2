/** Gets Confluent's Parallel Consumer by Maven into the cache, and compiles our program for it. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, type PreparedSystem, runTool } from './install.ts'

/** The last release. */
const VERSION = '0.5.3.3'
const JACKSON = '2.17.2'
/** Java's compiler works beside the program, on the same cores, and takes its time. */
const WARM_UP_FACTOR = 4
const MAIN = 'ParallelConsumerPeer'
const source = fileURLToPath(new URL(`../peers/${MAIN}.java`, import.meta.url))

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pyrallel</groupId><artifactId>parallel-consumer-for-benchmarks</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>io.confluent.parallelconsumer</groupId><artifactId>parallel-consumer-core</artifactId><version>${VERSION}</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>${JACKSON}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.13</version></dependency>
  </dependencies>
</project>
`

/** @param transactional where it publishes, in its transactional mode */
export async function installParallelConsumer(transactional = false): Promise<PreparedSystem> {
  const jars = await cached(`parallel-consumer-${VERSION}`, async (directory) => {
    const file = join(directory, 'pom.xml')
    writeFileSync(file, pom)
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
    await runTool('mvn', ['-q', '-B', '-f', file, plugin, `-DoutputDirectory=${directory}`, '-DincludeScope=runtime'])
  })
  const hash = createHash('sha256').update(readFileSync(source)).update(VERSION).digest('hex').slice(0, 12)
  const classes = await cached(`parallel-consumer-peer-${hash}`, async (directory) => {
    mkdirSync(directory, { recursive: true })
    await runTool('javac', ['-nowarn', '-cp', join(jars, '*'), '-d', directory, source])
  })
  const classpath = [classes, join(jars, '*')].join(delimiter)
  const command = ['java', `-Dtransactional=${transactional}`, '-cp', classpath, MAIN]
  return { command, version: VERSION, packages: '', warmUpFactor: WARM_UP_FACTOR }
}
