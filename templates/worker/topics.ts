// The truth about the types of all topics, shared by handlers and publishers.
import { topic } from 'pyrallel'

export interface Page {
  readonly url: string
  readonly text: string
}

export interface Score {
  readonly url: string
  readonly words: number
  readonly score: number
}

export const pages = topic<Page>('pages.fetched', { key: (page) => page.url })

export const scores = topic<Score>('pages.scored', { key: (score) => score.url })
