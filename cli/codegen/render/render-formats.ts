/** Writes `generated/formats.ts`: what the values and keys of topics are written in, where that is not JSON and text. Pure and deterministic. */
import { makers } from '../scan/pulled-schema.ts'
import type { FormatSchema, PulledConstant, ScannedTopic } from '../scan/scan-result.ts'
import { propertyName, quoted, scalar } from './source-text.ts'

/** @returns undefined where no topic has any */
export function renderFormats(header: string, topics: readonly ScannedTopic[]): string | undefined {
  const used = topics.filter(
    ({ schema, keySchema, areBytes }) => isWritten(schema, areBytes) || keySchema !== undefined,
  )
  if (used.length === 0) return undefined
  const formats = used.flatMap(({ schema, keySchema }) => [schema, keySchema].flatMap((each) => formatIn(each)))
  const names = constantNames(formats)
  const rows = used.map(({ name, schema, keySchema, areBytes }) => {
    const [value] = formatIn(schema)
    const said = [
      ...(value === undefined ? [] : [`format: ${formatText(value, names)}`]),
      ...(value === undefined && areBytes === true ? ["values: 'bytes'"] : []),
      ...(keySchema === undefined ? [] : [`keyFormat: ${formatText(keySchema, names)}`]),
    ]
    return `  ${propertyName(name)}: { ${said.join(', ')} },`
  })
  const called = [...new Set(formats.map(({ format }) => makers[format]))].sort()
  return [
    header,
    ...(called.length === 0 ? [] : [`import { ${called.join(', ')} } from 'pyrallel'`]),
    ...importLines(formats, names),
    '',
    '/** What `publish` and `send` write the values and keys of these topics in. */',
    'export const topicFormats = {',
    ...rows,
    '} as const',
    '',
  ].join('\n')
}

function isWritten(schema: ScannedTopic['schema'], areBytes: boolean | undefined): boolean {
  return schema.kind === 'pulled' || areBytes === true
}

function formatIn(schema: ScannedTopic['schema'] | undefined): readonly FormatSchema[] {
  return schema?.kind === 'pulled' ? [schema] : []
}

function formatText(schema: FormatSchema, names: ReadonlyMap<string, string>): string {
  const { format, framing, subjects, tombstones, constant } = schema
  const options = [
    ...(framing === 'id' ? [] : [`framing: ${scalar(framing)}`]),
    ...(subjects === undefined ? [] : [`subjects: ${scalar(subjects)}`]),
    ...(tombstones === undefined ? [] : [`tombstones: ${scalar(tombstones)}`]),
  ]
  const more = options.length === 0 ? '' : `, { ${options.join(', ')} }`
  return `${makers[format]}(${names.get(keyOf(constant))}${more})`
}

/** What each constant is called here. Two files may have one of the same name. */
function constantNames(formats: readonly FormatSchema[]): ReadonlyMap<string, string> {
  const taken = new Set(['topicFormats', ...Object.values(makers)])
  const names = new Map<string, string>()
  for (const { constant } of sortedConstants(formats)) {
    const { name: base } = constant
    let name = base
    for (let number = 2; taken.has(name); number++) name = `${base}${number}`
    taken.add(name)
    names.set(keyOf(constant), name)
  }
  return names
}

function importLines(formats: readonly FormatSchema[], names: ReadonlyMap<string, string>): readonly string[] {
  const byFile = new Map<string, string[]>()
  for (const { constant } of sortedConstants(formats)) {
    const name = names.get(keyOf(constant)) ?? constant.name
    const imported = name === constant.name ? name : `${constant.name} as ${name}`
    byFile.set(constant.file, [...(byFile.get(constant.file) ?? []), imported])
  }
  return [...byFile].map(([file, imported]) => `import { ${imported.join(', ')} } from ${quoted(pathFrom(file))}`)
}

/** Each once, by file and name. */
function sortedConstants(formats: readonly FormatSchema[]): readonly { readonly constant: PulledConstant }[] {
  const found = new Map<string, PulledConstant>()
  for (const { constant } of formats) if (constant !== undefined) found.set(keyOf(constant), constant)
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, constant]) => ({ constant }))
}

function keyOf(constant: PulledConstant | undefined): string {
  return `${constant?.file} ${constant?.name}`
}

/** From the folder of generated files. */
function pathFrom(file: string): string {
  return file.startsWith('generated/') ? `./${file.slice('generated/'.length)}` : `../${file}`
}
