/** A DNS server on this machine that answers TXT records from a list. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import packet from 'dns-packet'

export interface DnsServer {
  /** `address:port`, for `createTxtLookup`. */
  readonly address: string
  /** Name → its texts. */
  readonly records: Map<string, readonly string[]>
  /** Names that were asked for. */
  readonly asked: string[]
  /** Says that it cannot answer (SERVFAIL), whatever it is asked for. */
  isBroken: boolean
  close(): Promise<void>
}

export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const server = { records: new Map<string, readonly string[]>(), asked: [] as string[], isBroken: false }
  socket.on('message', (message, from) => {
    const { id, questions = [] } = packet.decode(message)
    const [question] = questions
    const name = question?.name.toLowerCase() ?? ''
    server.asked.push(name)
    const texts = server.records.get(name)
    const code = server.isBroken ? 2 : texts ? 0 : 3
    const answers =
      code === 0 ? (texts ?? []).map((data) => ({ type: 'TXT' as const, name, ttl: 1, data: [data] })) : []
    socket.send(
      packet.encode({
        type: 'response',
        id: id ?? 0,
        flags: packet.RECURSION_DESIRED | code,
        questions,
        answers,
      }),
      from.port,
      from.address,
    )
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return Object.assign(server, {
    address: `127.0.0.1:${socket.address().port}`,
    close: async () => {
      socket.close()
      await once(socket, 'close')
    },
  })
}
