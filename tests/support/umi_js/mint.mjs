// Umi's best chance: makes a tree, then mints into it, and into a collection if one is named, with `inFlight`
// transactions under way all the time.
//
// What web3.js would do over a websocket (confirming) is one loop here that asks getSignatureStatuses for 256 signatures
// at a time; the blockhash is fetched every two seconds for all instead of for each; nothing is simulated beforehand.
// Takes one JSON object as its argument, prints {"tree": address, "failed": count, "error": the last one}.
import { createTree, mintToCollectionV1, mintV1, mplBubblegum } from "@metaplex-foundation/mpl-bubblegum";
import { createSignerFromKeypair, generateSigner, none, publicKey, signerIdentity } from "@metaplex-foundation/umi";
import { createUmi } from "@metaplex-foundation/umi-bundle-defaults";

const asked = JSON.parse(process.argv[2]);
const umi = createUmi(asked.url, { commitment: "confirmed" }).use(mplBubblegum());
const wallet = createSignerFromKeypair(umi, umi.eddsa.createKeypairFromSecretKey(Uint8Array.from(asked.secret)));
umi.use(signerIdentity(wallet));

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const waiting = new Set();
let blockhash = await umi.rpc.getLatestBlockhash();
const refresh = setInterval(async () => (blockhash = await umi.rpc.getLatestBlockhash()), 2000);

let over = false;
async function confirmLoop() {
  while (!over) {
    const asking = [...waiting];
    for (let start = 0; start < asking.length; start += 256) {
      const part = asking.slice(start, start + 256);
      const statuses = await umi.rpc.getSignatureStatuses(part.map((one) => one.signature));
      statuses.forEach((status, place) => {
        if (status !== null && status.commitment !== "processed") {
          waiting.delete(part[place]);
          part[place].landed(status.error);
        }
      });
    }
    await sleep(200);
  }
}

async function land(builder) {
  const transaction = await builder.setBlockhash(blockhash).buildAndSign(umi);
  await umi.rpc.sendTransaction(transaction, { skipPreflight: true, maxRetries: 0 });
  return new Promise((landed) => waiting.add({ signature: transaction.signatures[0], landed }));
}

const confirming = confirmLoop();
const merkleTree = generateSigner(umi);
const { maxDepth, maxBufferSize, canopyDepth } = asked.size;
const made = { merkleTree, maxDepth, maxBufferSize, canopyDepth, public: asked.public };
const error = await land(await createTree(umi, made));
if (error) throw new Error(`no tree: ${JSON.stringify(error)}`);

let next = 0;
let failed = 0;
let last = "";
async function worker() {
  while (next < asked.count) {
    const number = next++;
    const collection = asked.collection === null ? null : publicKey(asked.collection);
    const item = {
      leafOwner: wallet.publicKey,
      merkleTree: merkleTree.publicKey,
      metadata: {
        name: `Light #${number}`,
        symbol: "LGT",
        uri: `ipfs://${asked.cid}/${number}.json`,
        sellerFeeBasisPoints: 0,
        collection: collection === null ? none() : { key: collection, verified: false },
        creators: [{ address: wallet.publicKey, verified: true, share: 100 }],
      },
    };
    const builder =
      collection === null ? mintV1(umi, item) : mintToCollectionV1(umi, { ...item, collectionMint: collection });
    const refused = await land(builder);
    if (refused) [failed, last] = [failed + 1, JSON.stringify(refused)];
  }
}
await Promise.all(Array.from({ length: asked.inFlight }, worker));
over = true;
clearInterval(refresh);
await confirming;
console.log(JSON.stringify({ tree: merkleTree.publicKey, failed, error: last }));
