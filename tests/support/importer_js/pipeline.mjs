// A MetadataJob's content as one would make it in Node: CSV rows, checked, made documents, put into a sharded folder by
// ipfs-unixfs-importer as Kubo does it, written as a CAR, read back and verified.
//
// What costs the importer time is avoided where its options allow it: documents are handed over as bytes, fifty files
// are under way at once, and blocks go straight to the file in large writes instead of through a blockstore.
// Takes a JSON array of {rows, car, cid, name, symbol} as its argument; prints one line of JSON for each.
import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { CarBlockIterator, CarWriter } from "@ipld/car";
import { parse } from "csv-parse";
import { importer } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { CID } from "multiformats/cid";
import Papa from "papaparse";

const KNOWN = new Set(["name", "description", "image_filename", "recipient_wallet", "index"]);
const TYPES = { png: "image/png", jpg: "image/jpeg", gif: "image/gif", mp4: "video/mp4" };
const encoder = new TextEncoder();

/** Rows as objects; Papa Parse is the faster of the two usual parsers, csv-parse the stricter: PARSER names one. */
async function* records(path) {
  const parser =
    process.env.PARSER === "csv-parse"
      ? createReadStream(path, { highWaterMark: 1 << 20 }).pipe(parse({ columns: true, bom: true }))
      : createReadStream(path, { highWaterMark: 1 << 20, encoding: "utf8" }).pipe(
          Papa.parse(Papa.NODE_STREAM_INPUT, { header: true, skipEmptyLines: true }),
        );
  yield* parser;
}

function check(row, number) {
  if (!row.name) throw new Error(`row ${number}: no name`);
  if (Buffer.byteLength(row.name) > 32) throw new Error(`row ${number}: the name is too long`);
  if (!row.image_filename) throw new Error(`row ${number}: no image_filename`);
  if (row.recipient_wallet && !/^[1-9A-HJ-NP-Za-km-z]{32,44}$/.test(row.recipient_wallet)) {
    throw new Error(`row ${number}: no address`);
  }
}

function document(row, asked, attributes) {
  const image = `ipfs://${asked.cid}/${encodeURI(row.image_filename)}`;
  const type = TYPES[row.image_filename.split(".").pop().toLowerCase()] ?? "application/octet-stream";
  return JSON.stringify({
    name: row.name,
    symbol: asked.symbol,
    description: row.description ?? "",
    seller_fee_basis_points: 0,
    image,
    attributes: attributes.filter((name) => row[name]).map((name) => ({ trait_type: name, value: row[name] })),
    collection: { name: asked.name },
    properties: { files: [{ uri: image, type }], category: "image" },
  });
}

async function* files(asked) {
  let number = 0;
  let attributes;
  for await (const row of records(asked.rows)) {
    attributes ??= Object.keys(row).filter((name) => !KNOWN.has(name));
    check(row, number + 2);
    yield { path: `${number}.json`, content: encoder.encode(document(row, asked, attributes)) };
    number += 1;
  }
}

/** A blockstore that only takes blocks, and writes them to a CAR a mebibyte at a time. */
class Car {
  constructor(path) {
    this.file = openSync(path, "w+");
    this.buffer = Buffer.alloc(2 << 20);
    this.used = 0;
    // The root is known last: a CID of the same length keeps its place.
    this.append(HEADER);
  }

  put(cid, block) {
    const length = cid.bytes.length + block.length;
    if (this.used + length + 8 > this.buffer.length) this.flush();
    let rest = length;
    while (rest > 127) {
      this.buffer[this.used++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.buffer[this.used++] = rest;
    this.append(cid.bytes);
    this.append(block);
    return cid;
  }

  append(bytes) {
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }

  flush() {
    writeSync(this.file, this.buffer, 0, this.used);
    this.used = 0;
  }

  async close(path, root) {
    this.flush();
    closeSync(this.file);
    const file = await open(path, "r+");
    await CarWriter.updateRootsInFile(file, [root]);
    await file.close();
  }
}

async function header() {
  const { writer, out } = CarWriter.create([CID.parse("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")]);
  writer.close();
  const parts = [];
  for await (const part of out) parts.push(part);
  return Buffer.concat(parts);
}

async function verify(path) {
  let blocks = 0;
  for await (const { cid, bytes } of await CarBlockIterator.fromIterable(createReadStream(path, { highWaterMark: 1 << 20 }))) {
    if (!createHash("sha256").update(bytes).digest().equals(cid.multihash.digest)) throw new Error(`${cid} is another`);
    blocks += 1;
  }
  return blocks;
}

async function make(asked) {
  const started = process.cpuUsage();
  const car = new Car(asked.car);
  let root;
  let items = -1;
  const options = {
    cidVersion: 1,
    rawLeaves: true,
    wrapWithDirectory: true,
    shardSplitStrategy: "links-bytes",
    shardSplitThresholdBytes: 262144,
    chunker: fixedSize({ chunkSize: 262144 }),
    layout: balanced({ maxChildrenPerNode: 174 }),
    fileImportConcurrency: 50,
    blockWriteConcurrency: 1,
  };
  for await (const entry of importer(files(asked), car, options)) {
    root = entry.cid;
    items += 1;
  }
  await car.close(asked.car, root);
  await verify(asked.car);
  const used = process.cpuUsage(started);
  const seconds = (used.user + used.system) / 1e6;
  console.log(JSON.stringify({ cid: root.toString(), items, seconds, rss_mb: process.resourceUsage().maxRSS / 1024 }));
}

const HEADER = await header();
for (const asked of JSON.parse(process.argv[2])) await make(asked);
