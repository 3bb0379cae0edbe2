/** Writes completion scripts for shells. Pure: what is completed comes from outside, and is put into the script once. */
import type { CompletedOption, CompletedVerb } from './describe.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export function completionScript(shell: Shell, verbs: readonly CompletedVerb[]): string {
  switch (shell) {
    case 'bash':
      return bash(verbs)
    case 'zsh':
      return zsh(verbs)
    case 'fish':
      return fish(verbs)
  }
}

const topWords = (verbs: readonly CompletedVerb[]) => verbs.filter(({ words }) => words.length === 1)

function bash(verbs: readonly CompletedVerb[]): string {
  const cases = verbs.map(({ words, options, choices }) => {
    const values = options.flatMap(({ flags, choices: of }) =>
      of.length === 0
        ? []
        : [`        ${flags.join('|')}) COMPREPLY=($(compgen -W "${of.join(' ')}" -- "$word")); return ;;`],
    )
    const all = [...choices, ...options.flatMap(({ flags }) => flags)].join(' ')
    const byPrevious = values.length === 0 ? [] : ['      case "$previous" in', ...values, '      esac']
    return [`    '${words.join(' ')}')`, ...byPrevious, `      candidates="${all}"`, '      ;;'].join('\n')
  })
  return `# pyrallel completion bash: source it, or write it to a file in your bash-completion folder
_pyrallel() {
  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" candidates verb
  verb="\${COMP_WORDS[1]}"
  ((COMP_CWORD == 1)) && verb=''
  case "$verb \${COMP_WORDS[2]}" in
${nested(verbs)
  .map(({ words }) => `    '${words.join(' ')}') ((COMP_CWORD > 2)) && verb='${words.join(' ')}' ;;`)
  .join('\n')}
  esac
  case "$verb" in
    '') candidates="${topWords(verbs)
      .map(({ words }) => words[0])
      .join(' ')} --help --version" ;;
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "$word"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _pyrallel pyrallel
`
}

const nested = (verbs: readonly CompletedVerb[]) => verbs.filter(({ words }) => words.length > 1)

function zsh(verbs: readonly CompletedVerb[]): string {
  const list = topWords(verbs).map(({ words, description }) => `    ${single(`${words[0]}:${description}`)}`)
  const cases = topWords(verbs).map((verb) => {
    const below = nested(verbs).filter(({ words }) => words[0] === verb.words[0])
    const ofBelow = below.flatMap((each) => [
      `      if ((CURRENT > 2)) && [[ $words[2] == ${each.words[1]} ]]; then`,
      '        shift words',
      '        ((CURRENT--))',
      ...zshArguments(each),
      '        return',
      '      fi',
    ])
    return [`    ${verb.words[0]})`, ...ofBelow, ...zshArguments(verb), '      ;;'].join('\n')
  })
  return `#compdef pyrallel
# pyrallel completion zsh: write it to a file named _pyrallel in a folder of your fpath
_pyrallel() {
  local -a verbs=(
${list.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe 'verb' verbs
    return
  fi
  local verb=$words[2]
  shift words
  ((CURRENT--))
  case $verb in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _pyrallel ]; then _pyrallel "$@"; else compdef _pyrallel pyrallel; fi
`
}

function zshArguments({ options, choices }: CompletedVerb): readonly string[] {
  const specs = options.flatMap((option) => option.flags.map((flag) => `        ${single(zshOption(flag, option))} \\`))
  const values = choices.length === 0 ? "'*:file:_files'" : `'1:value:(${choices.join(' ')})' '*:file:_files'`
  return ['      _arguments \\', ...specs, `        ${values}`]
}

function zshOption(flag: string, { description, takesValue, choices }: CompletedOption): string {
  const text = description.replaceAll(/[[\]:]/g, (sign) => `\\${sign}`)
  if (!takesValue) return `${flag}[${text}]`
  return `${flag}[${text}]:value:${choices.length === 0 ? '_files' : `(${choices.join(' ')})`}`
}

function fish(verbs: readonly CompletedVerb[]): string {
  const lines = verbs.flatMap(({ words, description, options, choices }) => {
    const [top, ...below] = words
    const inVerb = `-n '${words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')}'`
    const verb =
      below.length > 0 ? [] : [`complete -c pyrallel -f -n __fish_use_subcommand -a ${top} -d ${single(description)}`]
    // Once one of them is written, the others are no answer any more.
    const unlessWritten = `-n '__fish_seen_subcommand_from ${words.join(' ')}; and not __fish_seen_subcommand_from ${choices.join(' ')}'`
    return [
      ...verb,
      ...(choices.length === 0 ? [] : [`complete -c pyrallel -f ${unlessWritten} -a ${single(choices.join(' '))}`]),
      ...options.map(({ flags, description: text, takesValue, choices: of }) => {
        const names = flags
          .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
          .join(' ')
        const value = takesValue ? (of.length === 0 ? ' -r' : ` -x -a ${single(of.join(' '))}`) : ''
        return `complete -c pyrallel ${inVerb} ${names}${value} -d ${single(text)}`
      }),
    ]
  })
  return `# pyrallel completion fish: write it to ~/.config/fish/completions/pyrallel.fish\n${lines.join('\n')}\n`
}

/** In single quotes, as all three shells read them. */
function single(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
