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
  sources: ['RegistryRecords.java', 'KeyRecords.java', 'ProtobufRecords.java'].map((name) =>
    fileURLToPath(new URL(name, import.meta.url)),
  ),
}

/** Before its arguments, which the source of the class tells. Undefined where it is not installed. @param {'RegistryRecords' | 'KeyRecords'} main */
export function serializersCommand(main = 'RegistryRecords') {
  return javaCommand(program, main)
}

/** @throws Error with what the tool said, when it cannot be had */
export async function installSerializers() {
  await installJavaProgram(program)
}
