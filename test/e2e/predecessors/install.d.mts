/** The types of install.mjs, which is plain JavaScript because set-up runs it before anything is installed. */
export function parallelConsumerCommand(main?: string): readonly string[] | undefined
export function parallelConsumerProgram(
  sources: readonly string[],
  main: string,
): { readonly compile: readonly string[]; readonly command: readonly string[] } | undefined
export function pyrallelConsumerCommand(program?: string): readonly string[] | undefined
export function installParallelConsumer(): Promise<void>
export function installPyrallelConsumer(): Promise<void>
