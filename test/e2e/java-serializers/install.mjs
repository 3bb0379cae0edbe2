/** The Java serializers of Apicurio Registry, with a program that writes and reads records by them. Plain JavaScript: set-up runs it. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installJavaProgram, javaCommand } from '../java-program.mjs'
import { registryVersion } from '../registry-jars.mjs'

const program = {
  name: join('registry', `serializers-${registryVersion}`),
  dependencies: ['avro', 'protobuf', 'jsonschema'].map(
    (format) => `io.apicurio:apicurio-registry-serdes-${format}-serde:${registryVersion}`,
  ),
  sources: [fileURLToPath(new URL('RegistryRecords.java', import.meta.url))],
}

/** Before its arguments, which RegistryRecords.java tells. Undefined where it is not installed. */
export function serializersCommand() {
  return javaCommand(program, 'RegistryRecords')
}

/** @throws Error with what the tool said, when it cannot be had */
export async function installSerializers() {
  await installJavaProgram(program)
}
