/** Follows conditional types as they are written: which branch is taken, and what `infer` stands for. Decides nothing of schemas. */
import { ts } from 'ts-morph'
import { unwrapType } from './type-docs.ts'
import {
  asWritten,
  type Bindings,
  type Followed,
  isScalar,
  referenceIn,
  type Written,
  type WrittenMember,
} from './written-syntax.ts'

/** What is asked of whoever follows types. */
export interface TypeFollower {
  target(name: ts.Node): ts.Symbol | undefined
  follow(written: Written | undefined): Followed
  membersOf(written: Written): readonly WrittenMember[]
  elementOf(written: Written | undefined): Written | undefined
  mappedFrom(written: Written | undefined): Written | undefined
  typeOf(written: Written): ts.Type | undefined
}

export class WrittenConditionals {
  readonly #checker: ts.TypeChecker
  readonly #types: TypeFollower

  constructor(checker: ts.TypeChecker, types: TypeFollower) {
    this.#checker = checker
    this.#types = types
  }

  /** The branch that is taken, for each member of a union that is looked at; both where that is not known. */
  branchesOf(node: ts.ConditionalTypeNode, bindings: Bindings): readonly WrittenMember[] {
    const each = this.#distributed(node, bindings)
    return each === undefined ? this.#branches(node, bindings) : each.flatMap((inner) => this.#branches(node, inner))
  }

  #branches(node: ts.ConditionalTypeNode, bindings: Bindings): readonly WrittenMember[] {
    const isTaken = this.#isTaken(node, bindings)
    const isSure = isTaken !== undefined
    const whenTrue = { written: { node: node.trueType, bindings: this.#inferred(node, bindings) }, isSure }
    const whenFalse = { written: { node: node.falseType, bindings }, isSure }
    if (isTaken === undefined) return [whenTrue, whenFalse]
    return isTaken ? [whenTrue] : [whenFalse]
  }

  /** A conditional type looks at each member of a union by itself, where it looks at a type parameter. */
  #distributed(node: ts.ConditionalTypeNode, bindings: Bindings): readonly Bindings[] | undefined {
    const reference = referenceIn(unwrapType(node.checkType))
    const symbol = reference === undefined ? undefined : this.#types.target(reference.name)
    const bound = symbol === undefined ? undefined : asWritten(bindings.get(symbol))
    const members = bound === undefined ? [] : this.#types.membersOf(bound)
    if (symbol === undefined || members.length <= 1) return undefined
    return members.map(({ written }) => new Map([...bindings, [symbol, written]]))
  }

  /** Whether a conditional type takes its first branch; `undefined` where that is not known, or differs by the members of a union. */
  #isTaken(node: ts.ConditionalTypeNode, bindings: Bindings): boolean | undefined {
    const checked = this.#closed({ node: node.checkType, bindings })
    if (checked === undefined && this.#isObject({ node: node.checkType, bindings })) {
      if (node.extendsType.kind === ts.SyntaxKind.ObjectKeyword) return true
      if (isScalar(unwrapType(node.extendsType))) return false
    }
    const { Any, Never, Union, Boolean: Truth } = ts.TypeFlags
    if (checked === undefined || (checked.flags & (Any | Never | Union | Truth)) !== 0) return undefined
    const extended = this.#closed({ node: node.extendsType, bindings })
    if (extended !== undefined) return this.#checker.isTypeAssignableTo(checked, extended)
    const pattern = this.#types.elementOf({ node: unwrapType(node.extendsType), bindings })
    if (pattern === undefined || !ts.isInferTypeNode(unwrapType(pattern.node))) return undefined
    return this.#checker.isArrayType(checked) || this.#checker.isTupleType(checked)
  }

  /** Whether it is written as an object or an array, whatever is in it. */
  #isObject(written: Written): boolean {
    const followed = this.#types.follow(written).written
    if (followed === undefined) return false
    const { node } = followed
    if (ts.isMappedTypeNode(node)) {
      const source = this.#types.mappedFrom(followed)
      return source === undefined || this.#isObject(source)
    }
    const reference = referenceIn(node)
    const isInterface =
      reference !== undefined && ((this.#types.target(reference.name)?.flags ?? 0) & ts.SymbolFlags.Interface) !== 0
    return isInterface || ts.isTypeLiteralNode(node) || ts.isArrayTypeNode(node) || ts.isTupleTypeNode(node)
  }

  /** The type of what is written, seen through the names in front of it. */
  #closed(written: Written): ts.Type | undefined {
    const own = this.#types.typeOf(written)
    if (own !== undefined) return own
    const followed = this.#types.follow(written).written
    return followed === undefined ? undefined : this.#types.typeOf(followed)
  }

  /** `U` of `T extends readonly (infer U)[]` is how the elements of `T` are written; of any other form it is not followed. */
  #inferred(node: ts.ConditionalTypeNode, bindings: Bindings): Bindings {
    const from = { node: node.checkType, bindings }
    const pattern = this.#types.elementOf({ node: unwrapType(node.extendsType), bindings })
    const element = pattern === undefined ? undefined : this.#types.elementOf(this.#types.follow(from).written)
    const inferred = new Map(bindings)
    const collect = (part: ts.Node): void => {
      if (ts.isInferTypeNode(part)) {
        const symbol = this.#checker.getSymbolAtLocation(part.typeParameter.name)
        const isElement = pattern !== undefined && unwrapType(pattern.node) === part
        if (symbol !== undefined) inferred.set(symbol, isElement && element !== undefined ? element : { from })
      }
      ts.forEachChild(part, collect)
    }
    collect(node.extendsType)
    return inferred
  }
}
