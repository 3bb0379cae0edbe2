/** The questions of `pyrallel init`, for whoever sits at a terminal. */
import { type TemplateName, templateNames, templateTexts } from './template.ts'

export interface InitAnswers {
  readonly folder: string
  readonly template: TemplateName
}

/** Asks for what is not known yet. `undefined` when it is called off. */
export async function ask(known: Partial<InitAnswers>): Promise<InitAnswers | undefined> {
  const { cancel, intro, isCancel, outro, select, text } = await import('@clack/prompts')
  intro('A new Pyrallel project')
  const folder = known.folder ?? (await text({ message: 'Where to?', initialValue: './my-service' }))
  const options = templateNames.map((value) => ({ value, label: value, hint: templateTexts[value] }))
  const template = isCancel(folder)
    ? folder
    : (known.template ?? (await select<TemplateName>({ message: 'Which template?', options })))
  if (isCancel(folder) || isCancel(template)) {
    cancel('Called off. Nothing was written.')
    return undefined
  }
  outro('Writing the files')
  return { folder: folder.trim() === '' ? '.' : folder.trim(), template }
}
