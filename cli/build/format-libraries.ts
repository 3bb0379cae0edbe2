/** The library of Protobuf in a build: brought where it is installed, needed only by those whose values are in Protobuf. Reads only. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { PROTOBUF_PACKAGE, PROTOBUF_VERSION } from '../../framework/formats/protobuf/protobuf-library.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { installedPackage } from '../bundle/installed-package.ts'
import { packageRoot } from '../folders/package-root.ts'
import { registryFolder } from '../folders/registry-folder.ts'

/** It is optional: npm may have left it out. @param from where it is looked for, and above */
export function isProtobufMissing(from = packageRoot): boolean {
  return installedPackage(PROTOBUF_PACKAGE, from) === undefined
}

/**
 * @param inputs files of the bundle, relative to the project
 * @throws PyrallelError PYR_HANDLER_OPTION where one of them is a schema of Protobuf
 */
export function refuseProtobuf(root: string, inputs: Iterable<string>): void {
  for (const file of inputs) {
    if (!file.startsWith(`${registryFolder}/`)) continue
    if (!/^\s*format: 'protobuf'/m.test(readFileSync(resolve(root, file), 'utf8'))) continue
    const next = `Run \`npm install --save-exact ${PROTOBUF_PACKAGE}@${PROTOBUF_VERSION}\` in the project, then build again.`
    throw new PyrallelError(
      'PYR_HANDLER_OPTION',
      `${file} is a schema of Protobuf, and the package ${PROTOBUF_PACKAGE} is not installed, so that it cannot be bundled. ${next}`,
    )
  }
}
