/** A small but real PDF of a sales form: one page, one font, plain text. */
import type { JsonObject } from '../../model/json.ts'
import type { EntityName } from './simulator-entities.ts'
import { objectOf, objectsOf, textOf } from './simulator-values.ts'

/** All bytes are ASCII, so that positions in the text are positions in the file. */
export function pdfOf(entity: EntityName, object: JsonObject): string {
  const content = pageText(linesOf(entity, object))
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let text = '%PDF-1.4\n'
  const offsets = objects.map((body, index) => {
    const at = text.length
    text += `${index + 1} 0 obj\n${body}\nendobj\n`
    return at
  })
  const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  return `${text}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`
}

function linesOf(entity: EntityName, object: JsonObject): string[] {
  const currency = textOf(objectOf(object['CurrencyRef'])['value'])
  return [
    `${entity} ${textOf(object['DocNumber']) || textOf(object['Id'])}`,
    `Date: ${textOf(object['TxnDate'])}   Due: ${textOf(object['DueDate'])}`,
    `To: ${textOf(objectOf(object['CustomerRef'])['name'])}`,
    '',
    ...objectsOf(object['Line'])
      .slice(0, 40)
      .map((line) => `${textOf(line['Description'])}   ${textOf(line['Amount'])}`),
    '',
    `Total ${currency} ${textOf(object['TotalAmt'])}   Balance ${textOf(object['Balance'])}`,
  ]
}

const pageText = (lines: readonly string[]): string =>
  `BT /F1 11 Tf 60 730 Td 15 TL\n${lines.map((line) => `(${ascii(line)}) Tj T*`).join('\n')}\nET`

const ascii = (text: string): string => text.replace(/[^ -~]/g, '?').replace(/[\\()]/g, '\\$&')
