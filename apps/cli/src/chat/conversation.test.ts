import { describe, expect, it } from 'vitest'
import { Conversation } from './conversation.js'

describe('a conversation', () => {
  it('grows by questions and answers', () => {
    const talk = new Conversation('Be brief.')
    expect(talk.read(' Who are you? ')).toEqual({ kind: 'ask' })
    talk.answered('A model.')
    expect(talk.read('Why?')).toEqual({ kind: 'ask' })
    expect(talk.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Who are you?' },
      { role: 'assistant', content: 'A model.' },
      { role: 'user', content: 'Why?' },
    ])
    talk.withdraw()
    expect(talk.messages).toHaveLength(3)
  })

  it('is forgotten by /reset, which keeps the system message', () => {
    const talk = new Conversation('Be brief.')
    talk.read('Hello')
    expect(talk.read('/reset').kind).toBe('tell')
    expect(talk.messages).toEqual([{ role: 'system', content: 'Be brief.' }])
  })

  it('begins again with /system', () => {
    const talk = new Conversation()
    talk.read('Hello')
    talk.read('/system Speak like a  pirate.')
    expect(talk.messages).toEqual([{ role: 'system', content: 'Speak like a  pirate.' }])
    talk.read('/system')
    expect(talk.messages).toEqual([])
  })

  it.each([
    ['/exit', 'leave'],
    ['/quit', 'leave'],
    ['', 'nothing'],
    ['   ', 'nothing'],
    ['/help', 'tell'],
    ['/frob', 'tell'],
  ])('%j asks nothing', (line, kind) => {
    const talk = new Conversation()
    expect(talk.read(line).kind).toBe(kind)
    expect(talk.messages).toEqual([])
  })
})
