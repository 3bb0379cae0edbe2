/**
 * What of a handler's file the generator reads: all but the statements of the handler's function, where those name no topic. A file with the same outline as
 * before gives the same generated files, so a save that changes only what a handler does costs no scan.
 */
import { type SourceFile, ts } from 'ts-morph'

/** @returns `undefined` where the syntax is wrong. Reads this one file only, and no types. */
export function outlineOf({ compilerNode: file }: SourceFile): string | undefined {
  // Public only by way of a program, which is what is to be spared. A compiler that has it no more costs a scan at each save.
  const { parseDiagnostics } = file as { readonly parseDiagnostics?: readonly unknown[] }
  if (parseDiagnostics?.length !== 0) return undefined
  const run = file.statements.map(runOf).find((found) => found !== undefined)
  if (run === undefined) return file.text
  const { body } = run
  const counted = callsThatCount(run, file) ?? [body.getText(file)]
  return JSON.stringify([file.text.slice(0, body.getStart(file)), ...counted, file.text.slice(body.getEnd())])
}

interface Run {
  readonly parameters: readonly ts.ParameterDeclaration[]
  readonly body: ts.Block
}

/** The function in `export default handler(..., (record) => { ... })`, when it is written there. */
function runOf(statement: ts.Statement): Run | undefined {
  if (!ts.isExportAssignment(statement) || !ts.isCallExpression(statement.expression)) return undefined
  const run = statement.expression.arguments.at(-1)
  if (run === undefined || !(ts.isArrowFunction(run) || ts.isFunctionExpression(run))) return undefined
  return ts.isBlock(run.body) ? { parameters: [...run.parameters], body: run.body } : undefined
}

/**
 * Calls of what is named `publish`, and of what is imported, which may be `topic` by another name. `undefined` where the statements around them have a say in
 * what they mean.
 */
function callsThatCount({ parameters, body }: Run, file: ts.SourceFile): readonly string[] | undefined {
  const imported = namesOf(file.statements.filter(ts.isImportDeclaration).flatMap(declarationsIn))
  const others = file.statements.filter((statement) => runOf(statement) === undefined)
  const names: Names = {
    outside: namesOf(others.flatMap(declarationsIn)),
    given: namesOf(parameters.flatMap(declarationsIn)),
    declarations: declarationsIn(body),
  }
  const declared = namesOf(names.declarations)
  const texts: string[] = []
  for (const call of [body, ...descendants(body)].filter(ts.isCallExpression)) {
    const { expression: callee, arguments: given } = call
    const [first] = given
    const isPublish = nameOf(callee) === 'publish'
    const mayBeTopic = imported.has(rootOf(callee) ?? '') && first !== undefined && mayBeText(first, names)
    if (!isPublish && !mayBeTopic) continue
    const counted = isPublish ? [callee, ...(first === undefined ? [] : [first])] : [call]
    const identifiers = counted.flatMap((node) => [node, ...descendants(node)]).filter(ts.isIdentifier)
    if (identifiers.some(({ text }) => declared.has(text))) return undefined
    texts.push(...counted.map((node) => node.getText(file)))
  }
  return texts
}

interface Names {
  readonly outside: ReadonlySet<string>
  /** Parameters of the handler's function. */
  readonly given: ReadonlySet<string>
  /** Of everything that is declared in its statements. */
  readonly declarations: readonly Named[]
}

/** Whether an expression may stand for a text that is known without running code: a literal, or a constant with one. */
function mayBeText(expression: ts.Expression, names: Names, seen: ReadonlySet<string> = new Set()): boolean {
  const node = plain(expression)
  if (ts.isStringLiteralLike(node) || ts.isObjectLiteralExpression(node)) return true
  const root = rootOf(node)
  if (root === undefined || seen.has(root)) return false
  const declarations = names.declarations.filter(({ name }) => name.text === root)
  if (declarations.length === 0) return !names.given.has(root)
  // In another block it is perhaps what stands outside that is meant.
  if (names.outside.has(root)) return true
  return declarations.some(
    (each) =>
      ts.isVariableDeclaration(each) &&
      each.initializer !== undefined &&
      mayBeText(each.initializer, names, new Set(seen).add(root)),
  )
}

type Named = ts.Node & { readonly name: ts.Identifier }

/** Variables, parameters, functions, classes, types and imports. */
function declarationsIn(node: ts.Node): readonly Named[] {
  return [node, ...descendants(node)].filter((each): each is Named => {
    const { name } = each as ts.NamedDeclaration
    const isMember =
      ts.isPropertyAccessExpression(each) || ts.isObjectLiteralElementLike(each) || ts.isTypeElement(each)
    return name !== undefined && ts.isIdentifier(name) && !isMember && !ts.isClassElement(each)
  })
}

function namesOf(declarations: readonly Named[]): ReadonlySet<string> {
  return new Set(declarations.map(({ name }) => name.text))
}

function descendants(node: ts.Node): readonly ts.Node[] {
  const found: ts.Node[] = []
  const visit = (each: ts.Node) => {
    found.push(each)
    each.forEachChild(visit)
  }
  node.forEachChild(visit)
  return found
}

/** `publish` of `publish` and of `context.publish`. */
function nameOf(callee: ts.Expression): string | undefined {
  if (ts.isIdentifier(callee)) return callee.text
  return ts.isPropertyAccessExpression(callee) ? callee.name.text : undefined
}

/** `a` of `a`, `a.b`, `a['b']` and `(a as B).c`; `undefined` of everything else. */
function rootOf(expression: ts.Expression): string | undefined {
  const node = plain(expression)
  if (ts.isIdentifier(node)) return node.text
  const isAccess = ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)
  return isAccess ? rootOf(node.expression) : undefined
}

/** Without parentheses, `as`, `satisfies` and `!`. */
function plain(expression: ts.Expression): ts.Expression {
  const isWrapped =
    ts.isParenthesizedExpression(expression) ||
    ts.isAsExpression(expression) ||
    ts.isSatisfiesExpression(expression) ||
    ts.isTypeAssertionExpression(expression) ||
    ts.isNonNullExpression(expression)
  return isWrapped ? plain(expression.expression) : expression
}
