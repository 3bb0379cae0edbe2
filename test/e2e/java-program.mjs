/** Gets a Java program for the tests ready: its libraries by Maven, its classes by a compiler that a Java without one can run. Plain JavaScript: set-up runs it. */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { cacheDir } from '../../.ci/cache-dir.mjs'
import { run } from './kafka-jars.mjs'

const jvmOptions = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx256m']

/**
 * @typedef {object} JavaProgram
 * @property {string} name the beginning of its folder's name: `predecessors/parallel-consumer-0.5.3.3`
 * @property {readonly string[]} dependencies `group:artifact:version`
 * @property {readonly string[]} sources absolute paths
 */

/** Everything that the classes are made from is in the name: what is there is never made again. @param {JavaProgram} program */
function directoryOf(program) {
  const hash = createHash('sha256').update(pomOf(program))
  for (const source of program.sources) hash.update(readFileSync(source))
  return join(cacheDir(), `${program.name}-${hash.digest('hex').slice(0, 12)}`)
}

/**
 * How it is started, before its arguments; undefined where it is not installed.
 * @param {JavaProgram} program @param {string} main @param {string} classes the folder of another program's, which uses its libraries
 */
export function javaCommand(program, main, classes = join(directoryOf(program), 'classes')) {
  const directory = directoryOf(program)
  if (!existsSync(directory)) return undefined
  return ['java', ...jvmOptions, '-cp', [classes, join(directory, 'jars', '*')].join(delimiter), main]
}

/**
 * How another program is compiled that uses its libraries; undefined where these are not installed.
 * @param {JavaProgram} program @param {string} output @param {readonly string[]} sources
 */
export function javaCompiler(program, output, sources) {
  const directory = directoryOf(program)
  return existsSync(directory) ? compileJava(join(directory, 'jars'), output, sources) : undefined
}

/** @param {JavaProgram} program @throws Error with what the tool said, when it cannot be had */
export async function installJavaProgram(program) {
  await filled(directoryOf(program), async (directory) => {
    const file = join(directory, 'pom.xml')
    const jars = join(directory, 'jars')
    writeFileSync(file, pomOf(program))
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
    await run('mvn', ['-q', '-B', '-f', file, plugin, `-DoutputDirectory=${jars}`, '-DincludeScope=runtime'])
    const [command, ...args] = compileJava(jars, join(directory, 'classes'), program.sources)
    await run(command, args)
  })
}

/** @param {string} jars @param {string} output @param {readonly string[]} sources */
function compileJava(jars, output, sources) {
  const compiler = 'org.eclipse.jdt.internal.compiler.batch.Main'
  // ECJ knows no wildcards in what it compiles against.
  const libraries = readdirSync(jars)
    .map((name) => join(jars, name))
    .join(delimiter)
  return ['java', '-cp', join(jars, '*'), compiler, '-17', '-nowarn', '-cp', libraries, '-d', output, ...sources]
}

/** @param {JavaProgram} program */
function pomOf({ dependencies }) {
  const all = [...dependencies, 'org.slf4j:slf4j-nop:2.0.13', 'org.eclipse.jdt:ecj:3.38.0']
  const written = all.map((each) => {
    const [group, artifact, version] = each.split(':')
    return `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>\n`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pyrallel</groupId><artifactId>program-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
${written.join('')}  </dependencies>
</project>
`
}

/** All or nothing. @param {string} target @param {(directory: string) => Promise<void>} fill */
export async function filled(target, fill) {
  if (existsSync(target)) return
  mkdirSync(dirname(target), { recursive: true })
  const scratch = mkdtempSync(`${target}.partial-`)
  try {
    await fill(scratch)
    renameSync(scratch, target)
  } catch (error) {
    // Another set-up was faster: its directory is as good as ours.
    if (!existsSync(target)) throw error
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
