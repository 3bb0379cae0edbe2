/** Gets Apicurio Registry by Maven, which speaks the interface of Confluent's, and tells where it is. Plain JavaScript: set-up runs it before anything is installed. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheDir } from '../../.ci/cache-dir.mjs'
import { javaProblem, run } from './kafka-jars.mjs'

/** The last release that runs on Java 17. */
export const registryVersion = '2.6.13.Final'

// Of a project of its own: without one, the plugin leaves its marks in the folder from which it is started.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pyrallel</groupId><artifactId>registry-for-tests</artifactId><version>1</version><packaging>pom</packaging>
</project>
`

/** What is started with `java -jar`, whether it is there or not. */
export function registryJar() {
  return join(registryDir(), `apicurio-registry-app-${registryVersion}-runner.jar`)
}

function registryDir() {
  return join(cacheDir(), 'registry', registryVersion)
}

export function hasRegistryJars() {
  try {
    // The directory appears by one rename when it is whole, so this one file stands for all.
    return readdirSync(registryDir()).some((name) => registryJar().endsWith(name))
  } catch {
    return false
  }
}

/** The sentence why no registry can be started here, or `undefined` when one can. */
export function registryProblem() {
  const java = javaProblem()
  if (java !== undefined) return java
  return hasRegistryJars() ? undefined : 'a schema registry is not in the cache (run: node .ci/setup.mjs --with-kafka)'
}

/**
 * Downloads it into the cache, all or nothing.
 * @throws Error with what Maven said, when it cannot be had
 */
export async function fetchRegistryJars() {
  const target = registryDir()
  mkdirSync(dirname(target), { recursive: true })
  const scratch = mkdtempSync(`${target}.partial-`)
  try {
    const pomFile = join(scratch, 'pom.xml')
    const unpacked = join(scratch, 'registry')
    writeFileSync(pomFile, pom)
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack'
    const artifact = `io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`
    await run('mvn', ['-q', '-B', '-f', pomFile, plugin, `-Dartifact=${artifact}`, `-DoutputDirectory=${unpacked}`])
    try {
      renameSync(unpacked, target)
    } catch (error) {
      // Another set-up was faster: its directory is as good as ours.
      if (!hasRegistryJars()) throw error
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
