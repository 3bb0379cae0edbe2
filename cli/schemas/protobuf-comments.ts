/** Finds what the text of a `.proto` file says of its messages, fields and enums. Pure. */
import type { DescEnum, DescField, DescMessage, DescOneof } from '@bufbuild/protobuf'
import { commentsOf } from '../../framework/formats/protobuf/proto-schema.ts'

export type Commented = DescMessage | DescField | DescOneof | DescEnum | DescEnum['values'][number]

/** What stands above it, or else behind it; `null` where nothing does. */
export function protobufComment(of: Commented): string | null {
  const file = of.kind === 'message' || of.kind === 'enum' ? of.file : of.parent.file
  const [above, behind] = commentsOf(file, pathOf(of))
  const text = (above || behind).trim()
  return text === '' ? null : text
}

/** By the numbers of descriptor.proto's own fields, as `SourceCodeInfo.Location` has it. */
function pathOf(of: Commented): readonly number[] {
  switch (of.kind) {
    case 'message':
      return of.parent === undefined
        ? [4, of.file.proto.messageType.indexOf(of.proto)]
        : [...pathOf(of.parent), 3, of.parent.proto.nestedType.indexOf(of.proto)]
    case 'enum':
      return of.parent === undefined
        ? [5, of.file.proto.enumType.indexOf(of.proto)]
        : [...pathOf(of.parent), 4, of.parent.proto.enumType.indexOf(of.proto)]
    case 'enum_value':
      return [...pathOf(of.parent), 2, of.parent.proto.value.indexOf(of.proto)]
    case 'oneof':
      return [...pathOf(of.parent), 8, of.parent.proto.oneofDecl.indexOf(of.proto)]
    case 'field':
      return [...pathOf(of.parent), 2, of.parent.proto.field.indexOf(of.proto)]
  }
}
