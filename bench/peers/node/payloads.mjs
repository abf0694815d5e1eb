// Sequence numbers and payloads, as bench/peers/payloads.py wrote them.

import { closeSync, openSync, readSync } from 'node:fs'

const CHUNK_BYTES = 4 << 20

export function* payloads(file) {
  const descriptor = openSync(file)
  try {
    let held = Buffer.alloc(0)
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const size = readSync(descriptor, chunk)
      if (size === 0) return
      const content = Buffer.concat([held, chunk.subarray(0, size)])
      held = yield* complete(content)
    }
  } finally {
    closeSync(descriptor)
  }
}

function* complete(content) {
  let position = 0
  for (;;) {
    if (position + 8 > content.length) return content.subarray(position)
    const dataAt = position + 8 + content.readUInt32LE(position)
    const end = dataAt + content.readUInt32LE(position + 4)
    if (end > content.length) return content.subarray(position)
    yield { sequenceNumber: content.latin1Slice(position + 8, dataAt), data: content.subarray(dataAt, end) }
    position = end
  }
}
