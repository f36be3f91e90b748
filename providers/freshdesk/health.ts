import type { HealthCheck } from '../contract.ts'
import { bodyOf, fieldsIn, get, numberIn, textIn } from './answer.ts'

/** 1: all tickets; 2: those of the agent's groups; 3: those of the agent. */
const scopes: Readonly<Record<number, string>> = { 1: 'all tickets', 2: 'group tickets', 3: 'own tickets' }

/** `agents/me`. An agent who sees a part of the tickets is a fact worth showing and no failure. */
export const health: HealthCheck = {
  async check(context) {
    const response = await get(context, 'read', '/api/v2/agents/me')
    const me = bodyOf(response, 'agents/me')
    const scope = scopes[numberIn(me, 'ticket_scope') ?? 0] ?? 'an unknown part'
    const perMinute = Number(response.headers['x-ratelimit-total'] ?? Number.NaN)
    return {
      proves: `signed in as ${textIn(fieldsIn(me, 'contact'), 'name') ?? 'an agent without name'}, who sees ${scope}`,
      facts: {
        domain: context.settings['domain'] ?? '',
        seesAllTickets: me['ticket_scope'] === 1,
        callsPerMinute: Number.isFinite(perMinute) ? perMinute : null,
      },
    }
  },
}
