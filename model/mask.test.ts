import { maskBody, maskEmails, maskForeign, maskRecord, maskText, personalFields } from './mask.ts'
import { models } from './records.ts'

describe('masking', () => {
  it('keeps the shape of an e-mail address, a name, a phone number, a long text', () => {
    expect(maskText('jane.doe@example.com')).toBe('j•••@e•••.com')
    expect(maskEmails('Write to <jane@mail.example.co.uk> today')).toBe('Write to <j•••@m•••.uk> today')
    expect(maskText('Jane Doe')).toBe('J••• D•••')
    expect(maskText('+49 (151) 234-5678')).toBe('••• 78')
    expect(maskText('x'.repeat(100))).toBe('••• (100 characters)')
    expect(maskText('')).toBe('')
    expect(maskText('jane@localhost')).not.toContain('jane')
  })

  it('keeps of a record what is not personal', () => {
    const ticket = {
      id: '7',
      subject: 'Jane is locked out',
      status: 'open',
      createdAt: '2026-11-23T20:00:00.000Z',
    }
    expect(
      maskRecord('ticket', { ...ticket, custom: { shoe: 'red' }, requesterId: 'jane@x.example' }),
    ).toEqual({
      ...{ ...ticket, subject: 'J••• i••• l••• o•••' },
      ...{ custom: { shoe: 'r•••' }, requesterId: 'j•••@x•••.example' },
    })
  })

  it('masks all text of what a provider sent but ids, states and times', () => {
    const row = {
      ...{ id: 4711, user_id: 'u1', status: 'open', created_at: '2026-11-23T20:00:00Z', n: 5 },
      ...{ name: 'Jane', mobile: 4915123456, nested: [{ note: 'call Jane', 'jane@x.example': true }] },
    }
    expect(maskForeign(row)).toEqual({
      ...{ id: 4711, user_id: 'u1', status: 'open', created_at: '2026-11-23T20:00:00Z', n: 5 },
      ...{ name: 'J•••', mobile: 0, nested: [{ note: 'c••• J•••', 'j•••@x•••.example': true }] },
    })
    expect(maskBody('{"name":"Jane"}')).toBe('{"name":"J•••"}')
    expect(maskBody('name=Jane')).toBe('n•••')
  })

  it('knows only fields that there are', () => {
    for (const [model, fields] of Object.entries(personalFields))
      for (const field of fields)
        if (!['shippingAddress'].includes(field))
          expect(Object.keys(models[model as keyof typeof models])).toContain(field)
  })
})
