// Enough of STUN (RFC 5389) for a client that sends ICE connectivity checks, right ones and broken ones.

import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const MAGIC = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const USERNAME = 0x0006;
const MESSAGE_INTEGRITY = 0x0008;
const PRIORITY = 0x0024;
const USE_CANDIDATE = 0x0025;
const FINGERPRINT = 0x8028;
const ICE_CONTROLLING = 0x802a;

const HEADER_BYTES = 20;

export function attribute(type, value) {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(value.length, 2);
    return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

export function header(type, length, transaction = randomBytes(12)) {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(length, 2);
    head.writeUInt32BE(MAGIC, 4);
    return Buffer.concat([head, transaction]);
}

// A whole connectivity check. The password is the server's, the username "<server's ufrag>:<ours>".
export function bindingRequest({ ufrag, password, nominate = true }) {
    const priority = Buffer.alloc(4);
    priority.writeUInt32BE(0x6e0001ff);
    const attributes = [
        attribute(USERNAME, Buffer.from(`${ufrag}:test`)),
        attribute(PRIORITY, priority),
        attribute(ICE_CONTROLLING, randomBytes(8)),
        ...(nominate ? [attribute(USE_CANDIDATE, Buffer.alloc(0))] : []),
    ];
    return seal(attributes, password);
}

// Adds header, MESSAGE-INTEGRITY and FINGERPRINT, each over what stands before it.
export function seal(attributes, password, type = BINDING_REQUEST) {
    const body = Buffer.concat(attributes);
    const transaction = randomBytes(12);
    const signed = Buffer.concat([header(type, body.length + 24, transaction), body]);
    const integrity = attribute(MESSAGE_INTEGRITY, createHmac('sha1', password).update(signed).digest());
    const checked = Buffer.concat([header(type, body.length + 32, transaction), body, integrity]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE((crc32(checked) ^ 0x5354554e) >>> 0);
    return Buffer.concat([checked, attribute(FINGERPRINT, sum)]);
}

// Whether the datagram is the success response to this request.
export function isSuccessOf(request, datagram) {
    return (
        datagram.length >= HEADER_BYTES &&
        datagram.readUInt16BE(0) === BINDING_SUCCESS &&
        datagram.subarray(8, 20).equals(request.subarray(8, 20))
    );
}
