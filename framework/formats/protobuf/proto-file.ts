/** What a `.proto` file says, in the form of `google/protobuf/descriptor.proto`, with names of types as they were written. Plain data. */

export interface ProtoFile {
  readonly name: string
  package: string
  syntax: 'proto2' | 'proto3' | 'editions'
  /** By the number that descriptors have for it. */
  edition?: number
  readonly dependency: string[]
  /** Indexes of `dependency`. */
  readonly publicDependency: number[]
  readonly messageType: ProtoMessage[]
  readonly enumType: ProtoEnum[]
  readonly options: ProtoOptions
  readonly sourceCodeInfo: { readonly location: ProtoComment[] }
}

export interface ProtoMessage {
  readonly name: string
  readonly field: ProtoField[]
  readonly nestedType: ProtoMessage[]
  readonly enumType: ProtoEnum[]
  readonly oneofDecl: { readonly name: string; readonly options: ProtoOptions }[]
  readonly extensionRange: ProtoRange[]
  readonly reservedRange: ProtoRange[]
  readonly reservedName: string[]
  readonly options: ProtoOptions
}

export interface ProtoField {
  readonly name: string
  readonly number: number
  readonly label: number
  /** 0 until the name is resolved: a message or an enum. */
  type: number
  /** Of a message or an enum. */
  typeName?: string
  jsonName: string
  readonly defaultValue?: string
  oneofIndex?: number
  readonly proto3Optional?: boolean
  readonly options: ProtoOptions
}

export interface ProtoEnum {
  readonly name: string
  readonly value: { readonly name: string; readonly number: number; readonly options: ProtoOptions }[]
  readonly options: ProtoOptions
}

/** The end is not in it. */
export interface ProtoRange {
  readonly start: number
  readonly end: number
}

/** What changes how values are read, written or typed. Others are passed over. */
export interface ProtoOptions {
  deprecated?: boolean
  packed?: boolean
  jstype?: number
  allowAlias?: boolean
  mapEntry?: boolean
  features?: Record<string, number>
}

export interface ProtoComment {
  /** As descriptors have it: numbers of fields and indexes. */
  readonly path: readonly number[]
  readonly leadingComments: string
  readonly trailingComments: string
}

export const label = { optional: 1, required: 2, repeated: 3 } as const

/** Numbers that descriptors have for types of fields. */
export const fieldType = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  group: 10,
  message: 11,
  bytes: 12,
  uint32: 13,
  enum: 14,
  sfixed32: 15,
  sfixed64: 16,
  sint32: 17,
  sint64: 18,
} as const

const unnamed: readonly string[] = ['group', 'message', 'enum']

/** `undefined` where it names a type that is defined somewhere. */
export function scalarType(name: string): number | undefined {
  return Object.hasOwn(fieldType, name) && !unnamed.includes(name)
    ? fieldType[name as keyof typeof fieldType]
    : undefined
}
