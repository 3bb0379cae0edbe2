/** The documents of this repository, as Markdown that tests look at. Reads files; changes none. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const checkout = fileURLToPath(new URL('../../../', import.meta.url))

/** Paths from the checkout's root. The changelog tells of what was, so it is none of them. */
export const pages: readonly string[] = [
  'README.md',
  'DESIGN.md',
  'SECURITY.md',
  ...readdirSync(`${checkout}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

export function textOf(path: string): string {
  return readFileSync(checkout + path, 'utf8')
}

export interface CodeBlock {
  readonly language: string
  readonly code: string
}

export function codeBlocks(text: string): readonly CodeBlock[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({ language, code }))
}

/** Without code, in blocks and in lines: what looks like a link or a heading there is none. */
export function proseOf(text: string): string {
  return text.replace(/^```\w*\n[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, '_'))
}

/** The anchors that GitHub makes of a page's headings. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replace(/^```\w*\n[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)
  const seen = new Map<string, number>()
  const anchors = [...headings].map(([, heading = '']) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return count === 0 ? anchor : `${anchor}-${count}`
  })
  return new Set(anchors)
}

export interface BadLink {
  readonly page: string
  readonly target: string
}

/** Links to files that are not there, and to headings that their page does not have. Addresses of other sites are not asked. */
export function badLinks(page: string, text: string, read: (path: string) => string | undefined): readonly BadLink[] {
  const targets = [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return targets
    .filter((target) => !/^https?:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : new URL(path, `file:///${page}`).pathname.slice(1)
      const found = path === '' ? text : read(file)
      return found === undefined || (anchor !== undefined && !anchorsOf(found).has(anchor))
    })
    .map((target) => ({ page, target }))
}
