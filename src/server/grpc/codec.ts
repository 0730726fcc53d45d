import protobuf from 'protobufjs';

/** Fields of a message: number and type, and how often it comes. What clients send beyond them is skipped. */
export type Fields = Readonly<Record<string, readonly [id: number, type: string, rule?: 'repeated' | 'map']>>;

export interface CodecParts {
  readonly messages: Readonly<Record<string, Fields>>;
  readonly enums?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Fields of which at most one is set, by message: it is told apart which one was. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
}

/** Messages of a service as Protocol Buffers have them. */
export interface Codec {
  encode(message: string, value: object): Buffer;
  /** Integers of 64 bits as text, absent fields as their defaults. @throws where the bytes are no such message */
  decode(message: string, bytes: Uint8Array): Record<string, unknown>;
}

export function createCodec({ messages, enums = {}, choices = {} }: CodecParts): Codec {
  const root = protobuf.Root.fromJSON({
    nested: {
      ...Object.fromEntries(Object.entries(enums).map(([name, values]) => [name, { values: { ...values } }])),
      ...Object.fromEntries(
        Object.entries(messages).map(([name, fields]) => [
          name,
          {
            ...(choices[name] === undefined ? {} : { oneofs: { choice: { oneof: [...choices[name]] } } }),
            fields: Object.fromEntries(
              Object.entries(fields).map(([field, [id, type, rule]]) => [
                field,
                rule === 'map' ? { keyType: 'string', type, id } : { type, id, ...(rule === undefined ? {} : { rule }) },
              ]),
            ),
          },
        ]),
      ),
    },
  });
  return {
    encode(message, value) {
      const type = root.lookupType(message);
      return Buffer.from(type.encode(type.fromObject(value)).finish());
    },
    decode(message, bytes) {
      const type = root.lookupType(message);
      return type.toObject(type.decode(bytes), { longs: String, bytes: Buffer, arrays: true, objects: true });
    },
  };
}
