import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DescribedMember, differenceOf } from '../../../../framework/kafka/librdkafka/own-assignment.ts'

const places = (numbers: readonly number[]) => numbers.map((partition) => ({ topic: 'orders', partition }))

/** @param target where it is another than what is assigned */
function member(assigned: readonly number[], target = assigned, clientId = 'shop'): DescribedMember {
  return { clientId, assigned: places(assigned), target: places(target) }
}

const difference = (held: readonly number[], ...members: readonly DescribedMember[]) =>
  differenceOf(places(held), members, 'shop')

describe('what a member holds, beside what its group says that its members have', () => {
  it('is the same, in whatever order, and whatever others have', () => {
    assert.equal(difference([0, 1], member([2]), member([1, 0])), undefined)
  })

  it('is the same where others have yet to give up what it is to have', () => {
    assert.equal(difference([0], member([0], [0, 1]), member([1, 2], [2])), undefined)
  })

  it('is more than the group wants it to have', () => {
    assert.equal(difference([0, 1], member([0, 1], [0]), member([], [1])), 'holds what the group wants back: orders[1]')
    assert.equal(difference([0], member([0], []), member([], [0])), 'holds what the group wants back: orders[0]')
  })

  it('is more where the group counts on it no more, or has given it to another', () => {
    assert.equal(difference([0, 1], member([0])), 'holds what the group wants back: orders[1]')
    assert.equal(difference([1, 0]), 'holds what the group wants back: orders[0], orders[1]')
    assert.equal(difference([0, 1], member([0]), member([1])), 'holds what the group wants back: orders[0], orders[1]')
  })

  it('is less than the group has given it', () => {
    assert.equal(difference([0], member([2, 0, 1])), 'does not read what the group has given it: orders[1], orders[2]')
  })

  it('is more and less', () => {
    assert.equal(
      difference([0, 1], member([0, 1, 2], [0, 2])),
      'holds what the group wants back: orders[1]; does not read what the group has given it: orders[2]',
    )
  })

  it('is of topics, too', () => {
    const [other] = [{ topic: 'invoices', partition: 0 }]
    const members = [{ clientId: 'shop', assigned: [other, ...places([0])], target: [other, ...places([0])] }]
    assert.equal(differenceOf(places([0]), members, 'shop'), 'does not read what the group has given it: invoices[0]')
  })
})

describe('a member that holds nothing', () => {
  it('has something where everybody with its client id has', () => {
    assert.equal(
      difference([], member([1]), member([0]), member([], [], 'another')),
      'holds nothing, and the group has given it some of these: orders[0], orders[1]',
    )
  })

  it('is taken for one of those that have nothing, where there is one with its client id', () => {
    assert.equal(difference([], member([])), undefined)
    assert.equal(difference([], member([1]), member([])), undefined)
  })

  it('agrees where nobody has its client id', () => {
    assert.equal(difference([], member([0], [0], 'another')), undefined)
    assert.equal(difference([]), undefined)
  })
})
