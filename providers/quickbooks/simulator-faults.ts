/**
 * QuickBooks' own refusals. Those of the service itself (`Fault`) and those of the gateway before it (`fault`, in small letters:
 * routablehq/python-quickbooks#250) look different. Texts as issues of the public SDKs quote them.
 */
import type { JsonObject } from '../../model/json.ts'

export interface Fault {
  readonly status: number
  readonly type: string
  readonly code: string
  readonly message: string
  readonly detail: string
  readonly element?: string
}

/** What an operation ends with when it is refused; the door turns it into an answer. */
export class Refused extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

/** The `Fault` object, as it stands in answers and in items of a batch. */
export const faultBody = ({ type, code, message, detail, element = '' }: Fault): JsonObject => ({
  Error: [{ Message: message, Detail: detail, code, element }],
  type,
})

const invalid = (code: string, message: string, detail: string, element = ''): Refused =>
  new Refused({ status: 400, type: 'ValidationFault', code, message, detail, element })

export const notFound = (): Refused =>
  invalid(
    '610',
    'Object Not Found',
    "Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees.",
  )

export const stale = (): Refused =>
  invalid(
    '5010',
    'Stale Object Error',
    'Stale Object Error : You and root were working on this at the same time. root finished before you did, so your work was not saved.',
  )

export const missing = (name: string): Refused =>
  invalid(
    '2020',
    'Required param missing, need to supply the required value for the API',
    `Required parameter ${name} is missing in the request`,
    name,
  )

export const duplicateName = (): Refused =>
  invalid(
    '6240',
    'Duplicate Name Exists Error',
    'The name supplied already exists. : Another customer, vendor or employee is already using this \nname. Please use a different name.',
  )

export const duplicateNumber = (number: string, type: string, id: string): Refused =>
  invalid(
    '6140',
    'Duplicate Document Number Error',
    `Duplicate Document Number Error : You must specify a different number. This number has already been used. DocNumber=${number} is assigned to TxnType=${type} with TxnId=${id}`,
  )

export const badReference = (what: string, id: string): Refused =>
  invalid('2500', 'Invalid Reference Id', `Invalid Reference Id : ${what} element id ${id} not found`)

export const wrongAmount = (amount: string): Refused =>
  invalid(
    '6070',
    'Amount calculation incorrect in the request',
    `Amount calculation incorrect in the request : Amount is not equal to UnitPrice * Qty. Supplied value:${amount}`,
  )

export const deposited = (): Refused =>
  invalid(
    '6540',
    'Deposited Transaction cannot be changed',
    'Deposited Transaction cannot be changed : This transaction has been deposited. If you want to change or delete it, you must edit the deposit it appears on and remove it first.',
  )

export const business = (detail: string): Refused =>
  invalid(
    '6000',
    'A business validation error has occurred while processing your request',
    `Business Validation Error: ${detail}`,
  )

export const malformed = (property: string): Refused =>
  invalid(
    '2010',
    'Request has invalid or unsupported property',
    `Property Name:${property} specified is unsupported or invalid`,
    property,
  )

export const unsupported = (detail: string): Refused =>
  invalid('500', 'Unsupported Operation', `Operation ${detail} is not supported.`)

export const unparsable = (detail: string): Refused =>
  invalid('4000', 'Error parsing query', `QueryParserError: ${detail}`)

export const invalidQuery = (detail: string): Refused =>
  invalid('4001', 'Invalid query', `QueryValidationError: ${detail}`)

/** What the gateway says: of tokens, rights and limits. */
export const gatewayBody = (
  type: 'AUTHENTICATION' | 'AUTHORIZATION' | 'SERVICE',
  name: string,
  code: string,
  status: number,
  detail: string,
  timeMs = 0,
): JsonObject => ({
  warnings: null,
  intuitObject: null,
  fault: {
    error: [
      {
        message: `message=${name}; errorCode=00${code}; statusCode=${status}`,
        detail,
        code,
        element: null,
      },
    ],
    type,
  },
  report: null,
  queryResponse: null,
  batchItemResponse: [],
  attachableResponse: [],
  syncErrorResponse: null,
  requestId: null,
  time: timeMs,
  status: null,
  cdcresponse: [],
})

export const throttled = (timeMs: number): JsonObject =>
  gatewayBody(
    'SERVICE',
    'ThrottleExceeded',
    '3001',
    429,
    'The request limit was reached.  Try again later',
    timeMs,
  )

/** Bodies by status, also used by the chaos dial. */
export const refusals = {
  429: throttled(0),
  500: {
    Fault: {
      Error: [
        {
          Message: 'An application error has occurred while processing your request',
          Detail: 'System Failure Error: An unexpected error occurred.',
          code: '10000',
          element: '',
        },
      ],
      type: 'SystemFault',
    },
  },
  503: {
    Fault: {
      Error: [{ Message: 'Service Unavailable', Detail: 'The service is down.', code: '10000', element: '' }],
      type: 'SystemFault',
    },
  },
}
