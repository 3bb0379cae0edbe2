/** Why a type cannot become a schema, and what to write instead. Pure: words only. */

import { pullOf } from '../../folders/registry-folder.ts'

export interface Refusal {
  readonly message: string
  readonly fix: string
}

/** Types of the language's library that people put into events, by name. */
const builtIns: Readonly<Record<string, readonly [why: string, fix: string]>> = {
  Date: [
    'JSON has no dates: JSON.stringify() makes a text of one, and nothing makes a Date of it again',
    'Write `string` with the comment `/** @format date-time */`, and `new Date(text)` in the handler.',
  ],
  Map: [
    'JSON.stringify() makes `{}` of one',
    'Write `Record<string, ...>`, and `new Map(Object.entries(...))` in the handler.',
  ],
  Set: ['JSON.stringify() makes `{}` of one', 'Write an array, and `new Set(array)` in the handler.'],
  RegExp: ['JSON.stringify() makes `{}` of one', 'Write `string`, and `new RegExp(text)` in the handler.'],
  Error: [
    'JSON.stringify() makes `{}` of one',
    'Write an object with the fields that you need: `{ name: string; message: string }`.',
  ],
  URL: [
    'JSON.stringify() makes a text of one',
    'Write `string` with the comment `/** @format uri */`, and `new URL(text)` in the handler.',
  ],
  Promise: ['a value that is still to come cannot be sent', 'Write the type of what it resolves to.'],
  Object: [
    'it says nothing about the value',
    'Write `unknown` for any value, or `Record<string, unknown>` for any object.',
  ],
  Function: ['JSON has no functions', 'Leave it out: a value carries data only.'],
  String: ['it is the object around a text', 'Write `string`.'],
  Number: ['it is the object around a number', 'Write `number`.'],
  Boolean: ['it is the object around a truth value', 'Write `boolean`.'],
}

const bytes =
  /^(?:ArrayBuffer|SharedArrayBuffer|DataView|Buffer|Blob|(?:Int|Uint|Float|BigInt|BigUint)\d+(?:Clamped)?Array)$/

/** Also for types that are not known here, because they belong to Node or the browser. */
export function isBuiltIn(name: string): boolean {
  return bytes.test(name) || Object.hasOwn(builtIns, name)
}

const anyJson = 'Write `unknown` where any JSON value is right, or the type that you mean.'

export function builtIn(path: string, name: string, shown: string): Refusal {
  if (bytes.test(name)) {
    return {
      message: `${path} is a \`${shown}\`: JSON has no bytes.`,
      fix: 'Write `string`, and carry the bytes as base64.',
    }
  }
  const known = builtIns[name.replace(/^(Readonly|Weak)(?=Map|Set)/, '').replace(/^\w+Error$/, 'Error')]
  const [why, fix] = known ?? [
    'it is an object with code, and JSON carries data only',
    'Write an interface with the fields that you need.',
  ]
  return { message: `${path} is a \`${shown}\`: ${why}.`, fix }
}

export function classInstance(path: string, shown: string): Refusal {
  return {
    message: `${path} is an instance of the class \`${shown}\`: what comes out of JSON has its fields, but is no instance and has no methods.`,
    fix: 'Write an interface with the fields, and make the instance in the handler.',
  }
}

export function functionType(path: string): Refusal {
  return {
    message: `${path} is a function: JSON has none.`,
    fix: 'Leave it out of the type: a value carries data only.',
  }
}

export function noJson(path: string, shown: string): Refusal {
  const fix =
    shown === 'bigint' || /^-?\d+n$/.test(shown)
      ? 'Write `string` with the comment `/** @pattern ^-?\\d+$ */`, and `BigInt(text)` in the handler.'
      : 'Leave it out of the type: a value carries data only.'
  return { message: `${path} is \`${shown}\`, which JSON cannot carry.`, fix }
}

export function undefinedValue(path: string): Refusal {
  return {
    message: `${path} may be \`undefined\`, which JSON has only as a property that is not there.`,
    fix: 'Write `null` for a value that is missing, or make the property optional.',
  }
}

export function anyType(path: string): Refusal {
  return { message: `${path} is \`any\`, which turns all checks off, here and wherever it goes.`, fix: anyJson }
}

export function unresolved(path: string, written: string): Refusal {
  return {
    message: `${path} is \`${written}\`, which is not known here.`,
    fix: 'Declare it, or import it. A type of a library needs the library installed, with its types.',
  }
}

export function undeclared(name: string): Refusal {
  return {
    message: `\`${name}\` is not known here: nothing declares it.`,
    fix: 'Declare it, import it with `import type`, or declare it in a .d.ts file that tsconfig.json includes.',
  }
}

export function strayComment(tag: string): Refusal {
  return {
    message: `@${tag} stands where nothing reads it: it would be lost.`,
    fix: 'Put one comment, with all that it says, directly in front of the property or the `type`.',
  }
}

export function jsDocType(written: string): Refusal {
  return {
    message: `\`${written}\` is written as in a comment of JavaScript, and is no type of TypeScript.`,
    fix: 'Write `string | null`; an optional element of a tuple with `|` or `&` in it needs parentheses: `[(A | B)?]`.',
  }
}

/** `untyped`: the file that it leads to, which says nothing of types. */
export function leadsNowhere(specifier: string, untyped: string | undefined): Refusal {
  const isFile = /^\.{0,2}\//.test(specifier)
  if (untyped !== undefined) {
    return {
      message: `The import of '${specifier}' leads to code without types, and a type is made of it.`,
      fix: isFile
        ? 'Put a .d.ts file beside it, or write the type in TypeScript.'
        : 'Install its types (`npm install --save-dev @types/...`), or write the type in the project.',
    }
  }
  const pull = pullOf(specifier)
  const path = 'It begins in the folder of this file, and has the ending of the other one (.ts).'
  return {
    message: `The import of '${specifier}' leads nowhere: there is no such ${isFile ? 'file' : 'module'}.`,
    fix: isFile
      ? `${pull === undefined ? 'Correct the path.' : `Pull the schema (${pull}), or correct the path.`} ${path}`
      : 'Install the package, correct its name, or look at `paths` in tsconfig.json and `imports` in package.json.',
  }
}

export function notExported(name: string, specifier: string, nearest: string | undefined): Refusal {
  const meant = nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`
  const pull = pullOf(specifier)
  return {
    message: `'${specifier}' exports no \`${name}\`.${meant}`,
    fix: `Correct the name, or ${pull === undefined ? 'export it there' : `pull the schema again: ${pull}`}.`,
  }
}

export function neverType(path: string): Refusal {
  return {
    message: `${path} is \`never\`: no value has this type.`,
    fix: 'Look for an intersection of types that exclude each other, such as `string & number`.',
  }
}

export function anyObject(path: string): Refusal {
  return {
    message: `${path} is \`object\`, which arrays and functions have too, and which says nothing of what is in it.`,
    fix: 'Write `Record<string, unknown>` for any object, or an interface with its properties.',
  }
}

export function emptyObject(path: string, shown: string): Refusal {
  return {
    message: `${path} is \`${shown}\`, which every value but null and undefined has, texts and numbers too.`,
    fix: 'Write `Record<string, unknown>` for any object, or `unknown` for any value.',
  }
}

export function openGeneric(path: string, shown: string): Refusal {
  return {
    message: `${path} is \`${shown}\`, a type parameter or a type made of one, so it is not the same everywhere.`,
    fix: 'Name the type where the topic is declared: `topic<Envelope<Order>>(...)`.',
  }
}

export function tupleRest(path: string): Refusal {
  return {
    message: `${path} is a tuple with elements behind \`...\`, which a schema cannot say.`,
    fix: 'Put the `...` last, or write an array.',
  }
}

export function indexName(path: string, shown: string): Refusal {
  return {
    message: `${path} has an index signature for \`${shown}\`, but names in JSON are texts.`,
    fix: 'Write an index signature for `string`, or for a template literal of texts.',
  }
}

export function symbolName(path: string): Refusal {
  return {
    message: `${path} is named by a symbol, which JSON leaves out.`,
    fix: 'Give the property a name that is a text.',
  }
}

export function protoName(path: string): Refusal {
  return {
    message: `${path} has the one name that objects in JavaScript do not treat as data.`,
    fix: 'Rename the property, or use an index signature and read it with care.',
  }
}

export function template(path: string, shown: string): Refusal {
  return {
    message: `${path} is \`${shown}\`, a text that a regular expression cannot be made for.`,
    fix: 'Write `string` with a @pattern in the comment.',
  }
}

export function endless(path: string): Refusal {
  return {
    message: `${path} is a type that grows with every level, so it has no end.`,
    fix: 'Let the type refer to itself with the same type arguments.',
  }
}

export function clashing(path: string, shown: string): Refusal {
  return {
    message: `${path} is \`${shown}\`, but the index signature beside it asks for another type: no value has both.`,
    fix: 'Widen the index signature, or leave it out: other properties are accepted without one.',
  }
}

export function mixed(path: string, shown: string): Refusal {
  return {
    message: `${path} is \`${shown}\`, an intersection that is neither an object nor a branded primitive.`,
    fix: 'Write the type that a value of it has, as one interface.',
  }
}

export function misplaced(path: string, tag: string, owner: string): Refusal {
  const article = owner === 'array' ? 'an' : 'a'
  return {
    message: `@${tag} can be said of ${article} ${owner === 'string' ? 'text' : owner}, and ${path} is none.`,
    fix: 'Move the tag to the property or the type that it belongs to, or leave it out.',
  }
}

export function lost(path: string, name: string): Refusal {
  return {
    message: `${path} is written with \`${name}\`, whose constraint cannot be followed to here: it would be lost.`,
    fix: `Write the type out where it is used, or say the constraint in a comment there.`,
  }
}

export function unreadSchema(path: string, value: string): Refusal {
  return {
    message: `${path} is the type of the schema \`${value}\`, which cannot be read without running code, or says what a derived schema cannot: it would be lost.`,
    fix: `Hand the schema itself to the topic, \`topic('name', { schema: ${value} })\`, or write the type.`,
  }
}

export function unsatisfiable(path: string, clash: string): Refusal {
  return {
    message: `${path} has ${clash}, from its own comment and that of its type: they cannot be said together.`,
    fix: 'Change one of them, or write the type of this place without the name.',
  }
}

export function nameConstraint(path: string): Refusal {
  return {
    message: `${path} has names that are written with constraints other than one @pattern, which would not be checked.`,
    fix: 'Say it as a @pattern, write a template literal for the names, or use `string`.',
  }
}
