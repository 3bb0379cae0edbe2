/** Trying all mutants takes minutes, so it is done now and then. This is quick: each still finds what it breaks. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { mutants, mutate, pathOf } from './mutants.ts'

describe('every mutant', () => {
  for (const mutant of mutants) {
    it(`finds the text that it changes, once: ${mutant.name}`, () => {
      const source = readFileSync(new URL(`../../${pathOf(mutant)}`, import.meta.url), 'utf8')
      assert.notEqual(mutate(source, mutant), source)
    })
  }
})
