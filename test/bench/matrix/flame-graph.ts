/** Draws a V8 CPU profile as a flame graph: an SVG that stands in the report by itself. Each box is a function, as wide as its share of the time. */

/** What is read of a `.cpuprofile`, as V8's inspector writes it. Times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly CpuProfileNode[]
  /** The node that ran at each sample. */
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface CpuProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: readonly number[]
}

/** A function, called from where its parent stands. Times in microseconds; `total` has those of the children. */
export interface Frame {
  readonly name: string
  readonly self: number
  readonly total: number
  readonly children: readonly Frame[]
}

const WIDTH = 1_200
const ROW = 17
/** Boxes narrower than this show nothing that could be read. Pixels. */
const MIN_WIDTH = 0.6
const LETTER = 6.4

/** Waiting is no work: its share is told beside the graph, not drawn. */
const IDLE = '(idle)'

export function framesOf({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const self = new Map<number, number>()
  samples.forEach((id, i) => {
    self.set(id, (self.get(id) ?? 0) + (timeDeltas[i] ?? 0))
  })
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const root = nodes[0]
  if (root === undefined) return { name: '(root)', self: 0, total: 0, children: [] }
  return merged('(root)', [root], byId, self)
}

/** Nodes of the same function under the same caller are one box: V8 tells them apart by how they were compiled. */
function merged(
  name: string,
  nodes: readonly CpuProfileNode[],
  byId: ReadonlyMap<number, CpuProfileNode>,
  self: ReadonlyMap<number, number>,
): Frame {
  const groups = new Map<string, CpuProfileNode[]>()
  for (const id of nodes.flatMap(({ children }) => children ?? [])) {
    const child = byId.get(id)
    if (child === undefined) continue
    const childName = nameOf(child)
    if (childName === IDLE) continue
    groups.set(childName, [...(groups.get(childName) ?? []), child])
  }
  const children = [...groups].map(([childName, group]) => merged(childName, group, byId, self))
  const own = nodes.reduce((sum, { id }) => sum + Math.max(0, self.get(id) ?? 0), 0)
  const total = children.reduce((sum, child) => sum + child.total, own)
  return { name, self: own, total, children: children.sort((a, b) => b.total - a.total) }
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: CpuProfileNode): string {
  const file = url.split('/').at(-1) ?? ''
  const name = functionName === '' ? '(anonymous)' : functionName
  return file === '' ? name : `${name} ${file}:${lineNumber + 1}`
}

/** 0 to 1: the part of the time in which the thread waited. */
export function idleShare({ nodes, samples, timeDeltas }: CpuProfile): number {
  const idle = new Set(nodes.filter((node) => nameOf(node) === IDLE).map(({ id }) => id))
  let all = 0
  let waited = 0
  samples.forEach((id, i) => {
    const took = Math.max(0, timeDeltas[i] ?? 0)
    all += took
    if (idle.has(id)) waited += took
  })
  return all === 0 ? 0 : waited / all
}

/** The caller stands above what it calls. Hovering over a box tells its name, time and share. */
export function flameGraph(profile: CpuProfile): string {
  const root = framesOf(profile)
  const boxes: string[] = []
  const depth = draw(root, 0, 0, root.total, boxes)
  const height = (depth + 1) * ROW
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="100%" font-family="monospace" font-size="10.5" role="img" aria-label="flame graph">`,
    ...boxes,
    '</svg>',
  ].join('\n')
}

/** @returns the deepest row that was drawn */
function draw(frame: Frame, x: number, row: number, all: number, boxes: string[]): number {
  const width = all === 0 ? 0 : (frame.total / all) * WIDTH
  if (width < MIN_WIDTH) return row - 1
  const share = `${((frame.total / all) * 100).toFixed(1)} %`
  const told = `${frame.name}: ${(frame.total / 1_000).toFixed(1)} ms, ${share}; itself ${(frame.self / 1_000).toFixed(1)} ms`
  const letters = Math.floor((width - 4) / LETTER)
  const label = letters < 3 ? '' : escaped(frame.name.slice(0, letters))
  boxes.push(
    `<g><title>${escaped(told)}</title><rect x="${x.toFixed(1)}" y="${row * ROW}" width="${Math.max(0.5, width - 0.5).toFixed(1)}" height="${ROW - 1}" fill="${colourOf(frame.name)}" rx="1"/>` +
      `<text x="${(x + 3).toFixed(1)}" y="${row * ROW + 12}">${label}</text></g>`,
  )
  let deepest = row
  let left = x
  for (const child of frame.children) {
    deepest = Math.max(deepest, draw(child, left, row + 1, all, boxes))
    left += all === 0 ? 0 : (child.total / all) * WIDTH
  }
  return deepest
}

/** The same colour for the same function, in the warm tones that flame graphs have. */
function colourOf(name: string): string {
  let hash = 0
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 9_973
  if (name.startsWith('(')) return `hsl(210 12% ${78 + (hash % 8)}%)`
  return `hsl(${18 + (hash % 34)} 78% ${66 + (hash % 13)}%)`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
