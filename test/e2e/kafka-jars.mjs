/** Gets Apache Kafka's own jars by Maven, and tells where they are. Plain JavaScript: set-up runs it before anything is installed. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheDir } from '../../.ci/cache-dir.mjs'

/** The release that the end-to-end tests run on. Brokers of 4.x need Java 17. */
export const kafkaVersion = '4.4.0'
const minJava = 17
const fetchTimeoutMs = 300_000

// slf4j-simple gives the broker a voice on stderr; without a binding its warnings would be dropped.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pyrallel</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

/** The directory of the jars, whether they are there or not. */
export function kafkaJarsDir() {
  return join(cacheDir(), 'kafka', kafkaVersion)
}

export function hasKafkaJars() {
  try {
    // The directory appears by one rename when the download is whole, so this one file stands for all.
    return readdirSync(kafkaJarsDir()).includes(`kafka_2.13-${kafkaVersion}.jar`)
  } catch {
    return false
  }
}

/** The sentence why Java cannot run a broker here, or `undefined` when it can. */
export function javaProblem() {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  if (java.status !== 0) return 'java is not installed (Debian: apt-get install default-jre-headless)'
  const major = Number(/version "(\d+)/.exec(java.stderr)?.[1] ?? 0)
  return major < minJava ? `java is version ${major}, and Kafka ${kafkaVersion} needs ${minJava} or newer` : undefined
}

/** The sentence why no real Kafka can be started here, or `undefined` when one can. */
export function kafkaProblem() {
  const java = javaProblem()
  if (java !== undefined) return java
  return hasKafkaJars() ? undefined : "Kafka's jars are not in the cache (run: node .ci/setup.mjs --with-kafka)"
}

/**
 * Downloads the jars into the cache, all or nothing.
 * @throws Error with what Maven said, when they cannot be had
 */
export async function fetchKafkaJars() {
  const target = kafkaJarsDir()
  mkdirSync(dirname(target), { recursive: true })
  const scratch = mkdtempSync(`${target}.partial-`)
  try {
    const pomFile = join(scratch, 'pom.xml')
    const jars = join(scratch, 'jars')
    writeFileSync(pomFile, pom)
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
    await run('mvn', ['-q', '-B', '-f', pomFile, plugin, `-DoutputDirectory=${jars}`, '-DincludeScope=runtime'])
    try {
      renameSync(jars, target)
    } catch (error) {
      // Another set-up was faster: its directory is as good as ours.
      if (!hasKafkaJars()) throw error
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/**
 * Ends with the end of what it wrote, when it fails or takes longer.
 * @param {string} command @param {string[]} args
 */
export function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: fetchTimeoutMs })
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-4_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(undefined)
      else reject(new Error(`${command} ended with ${code ?? signal}:\n${output.trim()}`))
    })
  })
}
