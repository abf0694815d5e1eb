// The rules for one change event.

import { creationMicros, isoMicros, isoMillis, latest, utcDate } from './dates.mjs'
import { parsed, read, Refused, selectedImage, typeOf } from './image.mjs'

export { Refused }

const PII = ['phoneNumber', 'email', 'messageBody']
const PARTS = /^([^.:|]+)[.:|]([^.:|]+)[.:|]([^.:|]+)$/

// What becomes of a payload: {type, date, record}. Throws Refused.
export function archived(data, sequenceNumber, batchTime) {
  const event = parsed(data)
  const image = selectedImage(event)
  const type = typeOf(image)
  const record = read(image, type)
  const { ApproximateCreationDateTime, ApproximateCreationDateTimePrecision } = event.dynamodb
  const created = creationMicros(ApproximateCreationDateTime, ApproximateCreationDateTimePrecision)
  if (event.eventName === 'REMOVE') markDeleted(record, created, batchTime)
  if (record.isDeleted) scrub(record)
  else delete record.isDeleted
  if (type === 'demand') addSystem(record)
  record.reference = references[type](record, record.date ?? {}, batchTime)
  record.change = change(event, created, sequenceNumber)
  return { type, date: partitionDate(record, type, batchTime), record }
}

// BR-004
function markDeleted(record, created, batchTime) {
  record.isDeleted = true
  record.date = { ...record.date, deleted: created === null ? batchTime : isoMillis(created) }
}

// BR-005, BR-019
function scrub(record) {
  for (const name of PII) if (record[name] !== undefined) record[name] = '[redacted]'
}

// BR-007
function addSystem(record) {
  const parts = record.systemUserId === undefined ? null : PARTS.exec(record.systemUserId)
  if (parts) record.system = { id: parts[1], databaseId: parts[2], memberId: parts[3] }
}

// BR-006
const references = {
  demand: ({ eventId, saleId, fanId }, { requested, triggered, notified, deleted }, batchTime) => ({
    id: `${eventId}_${saleId}_${fanId}`,
    timestamp: latest([requested, triggered, notified, deleted]) ?? batchTime,
  }),
  notification: ({ eventId, saleId, fanId }, { deleted, updated }, batchTime) => ({
    id: `${eventId}_${saleId}_${fanId}`,
    timestamp: deleted ?? updated ?? batchTime,
  }),
  event: ({ id }, { deleted, updated }, batchTime) => ({ id, timestamp: deleted ?? updated ?? batchTime }),
  sale: ({ eventId, id, saleStartDateTime }, { deleted }) => ({
    id: `${eventId}_${id}`,
    timestamp: deleted ?? saleStartDateTime,
  }),
}

// BR-020
function change({ eventID, eventName }, created, sequenceNumber) {
  if (typeof eventID === 'string' && !eventID.isWellFormed()) {
    throw new Refused('eventID is not a string of Unicode characters (BR-020)')
  }
  return { id: eventID, name: eventName, time: created === null ? null : isoMicros(created), sequenceNumber }
}

// BR-008 to BR-011
function partitionDate(record, type, batchTime) {
  const [text, source] = sources[type](record)
  const date = utcDate(text ?? batchTime)
  if (date === null) throw new Refused(`${type}: ${source}`)
  return date
}

const sources = {
  demand: ({ date }) => [date.requested, 'date.requested is not an ISO-8601 date (BR-008)'],
  notification: ({ date }) => [date.created, 'date.created is not an ISO-8601 date (BR-009)'],
  event: ({ date, eventDate }) =>
    date?.firstSeen === undefined
      ? [eventDate?.start?.dateTime, 'eventDate.start.dateTime is not an ISO-8601 date (BR-010)']
      : [date.firstSeen, 'date.firstSeen is not an ISO-8601 date (BR-010)'],
  sale: ({ saleStartDateTime }) => [saleStartDateTime, 'saleStartDateTime is not an ISO-8601 date (BR-011)'],
}
