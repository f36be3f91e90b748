/** Fields that are not of their type, refused before any rule looks at them. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { malformed } from './simulator-faults.ts'
import { isDate, objectsOf, textOf } from './simulator-values.ts'

const dates = ['TxnDate', 'DueDate']
const amounts = ['TotalAmt', 'Amount', 'ExchangeRate', 'UnitPrice', 'PurchaseCost']
const texts = [
  'DocNumber',
  'DisplayName',
  'Name',
  'PrivateNote',
  'PaymentRefNum',
  'Notes',
  'Description',
  'Type',
]
const flags = ['Active', 'Taxable', 'Credit', 'Adjustment']

/** @throws Refused with code 2010. What settles others is not negative. */
export function checkShapes(draft: JsonObject): void {
  for (const [field, value] of Object.entries(draft))
    if (value !== null && !fits(field, value)) throw malformed(field)
  if (draft['ExchangeRate'] != null && Number(draft['ExchangeRate']) <= 0) throw malformed('ExchangeRate')
  for (const line of objectsOf(draft['Line'])) checkLine(line)
}

function checkLine(line: JsonObject): void {
  const links = line['LinkedTxn'] ?? []
  if (!Array.isArray(links) || !links.every(isJsonObject)) throw malformed('LinkedTxn')
  if (line['Amount'] != null && !isAmount(line['Amount'])) throw malformed('Amount')
  if (links.length > 0 && Number(line['Amount']) < 0) throw malformed('Amount')
  for (const detail of Object.values(line).filter(isJsonObject))
    for (const [field, value] of Object.entries(detail))
      if (value !== null && !fits(field, value)) throw malformed(field)
}

function fits(field: string, value: JsonValue): boolean {
  if (field === 'Line') return Array.isArray(value) && value.every(isJsonObject)
  if (dates.includes(field)) return isDate(textOf(value).slice(0, 10))
  if (amounts.includes(field)) return isAmount(value)
  if (texts.includes(field)) return typeof value === 'string' || typeof value === 'number'
  if (flags.includes(field)) return typeof value === 'boolean'
  return !/(Ref|Addr)$/.test(field) || isJsonObject(value)
}

/** Numbers, also as text. */
const isAmount = (value: JsonValue): boolean =>
  (typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value))) &&
  Math.abs(Number(value)) < 1e11
