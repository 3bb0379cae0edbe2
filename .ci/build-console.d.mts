export function buildConsole(): Promise<boolean>
export function makePage(): Promise<{
  readonly html: string
  readonly assets: readonly { readonly name: string; readonly contentType: string; readonly text: string }[]
}>
