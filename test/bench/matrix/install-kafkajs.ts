/** Gets kafkajs from npm into the cache. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached, runTool } from './install.ts'

/** The last release. */
const VERSION = '2.2.4'

export async function installKafkaJs(): Promise<{ readonly version: string; readonly packages: string }> {
  const packages = await cached(`kafkajs-${VERSION}`, async (directory) => {
    writeFileSync(join(directory, 'package.json'), '{ "name": "kafkajs-for-benchmarks", "private": true }\n')
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--save-exact']
    await runTool('npm', ['install', ...flags, `kafkajs@${VERSION}`], directory)
  })
  return { version: VERSION, packages }
}
