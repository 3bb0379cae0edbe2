/** Figures as people read them. */
import type { MemoryRun, Run } from './results.ts'

export function rateText(perSecond: number): string {
  if (perSecond >= 1_000) return Math.round(perSecond).toLocaleString('en')
  return perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1)
}

export function msText(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString('en')} ms`
}

export function bytesText(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20).toLocaleString('en')} MiB`
}

export function memoryText({ peakBytes, peakBytesAtTenth }: MemoryRun): string {
  if (peakBytes === undefined) return 'not known'
  if (peakBytesAtTenth === undefined) return `${bytesText(peakBytes)} (no tenth done in time)`
  return `${bytesText(peakBytes)} (at a tenth ${bytesText(peakBytesAtTenth)})`
}

export function runText(run: Run): string {
  switch (run.kind) {
    case 'cut-off':
      return `cut off: ${firstLine(run.why)}`
    case 'failed':
      return `FAILED: ${firstLine(run.why)}`
    case 'rate':
      return `${rateText(run.perSecond)}/s${run.cpuUs === undefined ? '' : `, ${run.cpuUs.toFixed(2)} us of processor a record`}`
    case 'memory':
      return `${memoryText(run)}, ${rateText(run.perSecond)}/s`
    case 'latency':
      return `p50 ${msText(run.p50)}, p99 ${msText(run.p99)}, p99.9 ${msText(run.p999)} at ${rateText(run.perSecond)}/s`
    case 'recovery':
      return `${run.executedAgain} of ${run.doneBefore} again, ${run.lost} lost`
  }
}

export function firstLine(text: string): string {
  const [line = ''] = text.split('\n')
  return line.length > 160 ? `${line.slice(0, 157)}...` : line
}
