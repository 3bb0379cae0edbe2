/** Applies what comments say of a type to its schema, and tells what cannot be: with the place, in the comment where it is the user's own. */
import { constrain } from '../schema/constrain.ts'
import { constraintTags, patternWarning, readDocTags } from '../schema/doc-tags.ts'
import * as refuse from '../schema/refusals.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import type { Definitions } from './definitions.ts'
import type { At, Place, Said } from './type-deriver.ts'
import type { DocComment } from './type-docs.ts'
import type { TypeWorld } from './type-names.ts'

export type WarnOfType = (place: Place, warning: refuse.Refusal) => void
export type RefuseType = (place: Place, refusal: refuse.Refusal) => void

export class Comments {
  readonly #world: TypeWorld
  readonly #definitions: Definitions
  readonly #refuse: RefuseType
  readonly #warn: WarnOfType
  /** What stands in for refused types: nothing more is said of these. */
  readonly #standIns = new WeakSet<SchemaNode>()

  constructor(world: TypeWorld, definitions: Definitions, refuseType: RefuseType, warnOfType: WarnOfType) {
    this.#world = world
    this.#definitions = definitions
    this.#refuse = refuseType
    this.#warn = warnOfType
  }

  /** @returns what stands in for the type, so that the others are looked at, too */
  refused(at: At, refusal: refuse.Refusal): SchemaNode {
    this.#refuse(at.place, refusal)
    const stand: SchemaNode = { kind: 'unknown' }
    this.#standIns.add(stand)
    return stand
  }

  /** Of a schema that the user wrote; a pattern in a comment is told in that. */
  warnOfPattern(pattern: string, at: At): void {
    const warning = patternWarning(pattern)
    if (warning !== undefined) this.#warn(at.place, warning)
  }

  applied(node: SchemaNode, comments: readonly DocComment[], at: At, what: Said): SchemaNode {
    if (this.#standIns.has(node)) return node
    let tagged: SchemaNode = node
    for (const comment of comments) {
      const { description, constraints, mistakes, warnings } = readDocTags(comment.text)
      const placeOf = (start: number, end: number): Place =>
        this.#world.isOwn(comment.file)
          ? { file: comment.file, start: comment.position + start, end: comment.position + end }
          : at.place
      if (what !== 'description') {
        for (const { start, end, ...mistake } of mistakes) this.#refuse(placeOf(start, end), mistake)
        for (const { start, end, ...warning } of warnings) this.#warn(placeOf(start, end), warning)
        for (const [tag, value] of Object.entries(constraints)) {
          const owner = constraintTags[tag] ?? 'string'
          const constrained = constrain(this.#unnamed(tagged), owner, tag, value)
          if ('clash' in constrained) {
            const start = Math.max(0, comment.text.indexOf(`@${tag}`))
            const { clash } = constrained
            const refusal =
              clash === undefined ? refuse.misplaced(at.path, tag, owner) : refuse.unsatisfiable(at.path, clash)
            this.#refuse(placeOf(start, start + tag.length + 1), refusal)
          } else tagged = constrained
        }
      }
      if (description !== undefined && what !== 'constraints')
        tagged = { ...tagged, options: { ...tagged.options, description } }
    }
    return tagged
  }

  /** What a name stands for: a constraint that is said of a property is not said of every other one of that type. */
  #unnamed(node: SchemaNode): SchemaNode {
    if (node.kind !== 'reference') return node
    const defined = this.#definitions.nodeOf(node.name)
    return defined === undefined ? node : { ...defined, options: { ...defined.options, ...node.options } }
  }
}
