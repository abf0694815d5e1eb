// From a payload to the attributes that the schema names.

import { isUtf8 } from 'node:buffer'

import { unmarshall } from '@aws-sdk/util-dynamodb'

import { plans, TYPES } from './schemas.mjs'

// A change event that ends in an archive error, whose message this is.
export class Refused extends Error {}

export function parsed(data) {
  if (!isUtf8(data)) throw new Refused('the payload is not UTF-8; the event is held as base64')
  const text = data.toString()
  const event = parsedText(text)
  if (!isMap(event)) throw new Refused('the payload is not one JSON object')
  return event
}

function parsedText(text) {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refused(/^[ \t-\r]*$/.test(text) ? 'the payload is empty' : 'the payload is not one JSON object')
  }
}

// BR-001
export function selectedImage({ eventName, dynamodb }) {
  if (!['INSERT', 'MODIFY', 'REMOVE'].includes(eventName)) {
    throw new Refused('eventName is missing or not one of INSERT, MODIFY, REMOVE (BR-001)')
  }
  const which = eventName === 'REMOVE' ? 'OldImage' : 'NewImage'
  const image = isMap(dynamodb) ? dynamodb[which] : undefined
  if (!isMap(image)) throw new Refused(`dynamodb.${which} is missing or not a map (BR-001)`)
  return image
}

// BR-002
export function typeOf(image) {
  const type = tagOf(image.type) === 'S' ? image.type.S : undefined
  if (!plans.has(type)) throw new Refused(`type is missing or not one of ${TYPES.join(', ')} (BR-002)`)
  return type
}

// BR-003: unmarshall takes whatever it gets, so it gets what the schema names and allows.
export function read(image, type) {
  return unmarshall(checked(image, plans.get(type)))
}

function checked(image, plan) {
  const named = {}
  for (const attribute of plan) {
    const value = image[attribute.name]
    if (value === undefined || isNull(value)) {
      if (attribute.required) throw new Refused(attribute.missing)
    } else {
      if (tagOf(value) !== attribute.tag || !holds(value, attribute.tag)) throw new Refused(attribute.wrong)
      named[attribute.name] = attribute.children ? { M: checked(value.M, attribute.children) } : value
    }
  }
  return named
}

function holds(value, tag) {
  switch (tag) {
    case 'S':
      return typeof value.S === 'string' && value.S.isWellFormed()
    case 'BOOL':
      return typeof value.BOOL === 'boolean'
    default:
      return isMap(value.M)
  }
}

// The tag of a value that has one alone.
function tagOf(value) {
  let found
  if (isMap(value)) {
    for (const tag in value) {
      if (found !== undefined) return undefined
      found = tag
    }
  }
  return found
}

function isNull(value) {
  return tagOf(value) === 'NULL' && value.NULL === true
}

function isMap(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
