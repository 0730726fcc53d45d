import protobuf from 'protobufjs/minimal.js';
import { encodeGraph } from '../../training/graph/graph-def.ts';
import type { Node } from '../../training/graph/graph-def.ts';
import type { Spread } from '../../training/curves/curves.ts';
import { maskedCrc32c } from './crc32c.ts';

type Writer = protobuf.Writer;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
const tag = (field: number, wire: number): number => (field << 3) | wire;
const text = (writer: Writer, field: number, value: string): Writer => writer.uint32(tag(field, LENGTH)).string(value);
const bytes = (writer: Writer, field: number, value: Uint8Array): Writer => writer.uint32(tag(field, LENGTH)).bytes(value);
const integer = (writer: Writer, field: number, value: number): Writer => writer.uint32(tag(field, VARINT)).int64(value);
const double = (writer: Writer, field: number, value: number): Writer => writer.uint32(tag(field, FIXED64)).double(value);
const message = (writer: Writer, field: number, write: (inner: Writer) => void): Writer => {
  writer.uint32(tag(field, LENGTH)).fork();
  write(writer);
  return writer.ldelim();
};
const doubles = (writer: Writer, field: number, values: readonly number[]): Writer =>
  message(writer, field, (inner) => {
    for (const value of values) inner.double(value);
  });

/** When something happened: milliseconds since 1970, and the epoch. */
export interface EventTime {
  readonly at: number;
  readonly step?: number;
}

/** One record of an events file. @see tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto */
export type EventBytes = Uint8Array;

function event({ at, step }: EventTime, write: (writer: Writer) => void): EventBytes {
  const writer = protobuf.Writer.create();
  double(writer, 1, at / 1_000);
  if (step !== undefined && step !== 0) integer(writer, 2, step);
  write(writer);
  return writer.finish();
}

/** What an events file begins with. */
export function versionEvent(at: number): EventBytes {
  return event({ at }, (writer) => text(writer, 3, 'brain.Event:2'));
}

/** Readers forget what another file said of this step and later ones: it was written anew. */
export function startEvent(time: EventTime): EventBytes {
  return event(time, (writer) => message(writer, 7, (log) => integer(log, 1, 1)));
}

export function scalarEvent(time: EventTime, name: string, value: number): EventBytes {
  return summary(time, (inner) => text(inner, 1, name).uint32(tag(2, FIXED32)).float(value));
}

/** How the values of a tensor are spread. */
export function histogramEvent(time: EventTime, name: string, { min, max, sum, squares, limits, counts }: Spread): EventBytes {
  return summary(time, (value) => {
    text(value, 1, name);
    message(value, 5, (histogram) => {
      const rows = counts.reduce((all, count) => all + count, 0);
      // A zero is what is not written.
      for (const [index, value] of [min, max, rows, sum, squares].entries()) if (value !== 0) double(histogram, index + 1, value);
      doubles(histogram, 6, limits);
      doubles(histogram, 7, counts);
    });
  });
}

const COLOURS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/** @param png the picture; its head says how large it is */
export function imageEvent(time: EventTime, name: string, png: Buffer): EventBytes {
  return summary(time, (value) => {
    text(value, 1, name);
    message(value, 4, (image) => {
      integer(image, 1, png.readUInt32BE(20));
      integer(image, 2, png.readUInt32BE(16));
      integer(image, 3, COLOURS[png[25]!] ?? 3);
      bytes(image, 4, png);
    });
  });
}

/** A text; TensorBoard reads it as Markdown. */
export function textEvent(time: EventTime, name: string, content: string): EventBytes {
  return plugin(time, name, 'text', new Uint8Array(), (tensor) => {
    integer(tensor, 1, 7);
    message(tensor, 2, (shape) => message(shape, 2, (size) => integer(size, 1, 1)));
    text(tensor, 8, content);
  });
}

export function graphEvent(at: number, nodes: readonly Node[]): EventBytes {
  return event({ at }, (writer) => bytes(writer, 4, encodeGraph(nodes)));
}

export type Hyperparameter = number | string | boolean;

/** Begin of a training in the HParams dashboard. @see tensorboard/plugins/hparams/plugin_data.proto */
export function trainingStartEvent(at: number, group: string, values: Readonly<Record<string, Hyperparameter>>): EventBytes {
  return hparams(at, '_hparams_/session_start_info', 3, (info) => {
    for (const [name, value] of Object.entries(values))
      message(info, 1, (entry) => {
        text(entry, 1, name);
        message(entry, 2, (inner) => {
          if (typeof value === 'number') double(inner, 2, value);
          else if (typeof value === 'string') text(inner, 3, value);
          else inner.uint32(tag(4, VARINT)).bool(value);
        });
      });
    text(info, 4, group);
    double(info, 5, at / 1_000);
  });
}

export function trainingEndEvent(at: number, succeeded: boolean): EventBytes {
  return hparams(at, '_hparams_/session_end_info', 4, (info) => double(integer(info, 1, succeeded ? 1 : 2), 2, at / 1_000));
}

function hparams(at: number, name: string, field: number, write: (info: Writer) => void): EventBytes {
  const content = message(protobuf.Writer.create(), field, write).finish();
  // A tensor without a value: TensorBoard keeps only summaries that have one.
  return plugin({ at }, name, 'hparams', content, (tensor) => {
    integer(tensor, 1, 1);
    message(tensor, 2, (shape) => message(shape, 2, () => undefined));
  });
}

function plugin(time: EventTime, name: string, kind: string, content: Uint8Array, tensor: (writer: Writer) => void): EventBytes {
  return summary(time, (value) => {
    text(value, 1, name);
    message(value, 8, tensor);
    message(value, 9, (metadata) =>
      message(metadata, 1, (data) => {
        text(data, 1, kind);
        if (content.length > 0) bytes(data, 2, content);
      }),
    );
  });
}

function summary(time: EventTime, write: (value: Writer) => void): EventBytes {
  return event(time, (writer) => message(writer, 5, (inner) => message(inner, 1, write)));
}

/** Records as TFRecord lays them out: length, its checksum, data, its checksum; little-endian. */
export function encodeRecords(events: readonly EventBytes[]): Buffer {
  return Buffer.concat(
    events.flatMap((data) => {
      const head = Buffer.alloc(12);
      head.writeBigUInt64LE(BigInt(data.length));
      head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
      const tail = Buffer.alloc(4);
      tail.writeUInt32LE(maskedCrc32c(data));
      return [head, data, tail];
    }),
  );
}
