// Umi's best chance: makes a tree, then mints into it with `inFlight` transactions under way all the time.
//
// What web3.js would do over a websocket (confirming) is one loop here that asks getSignatureStatuses for 256 signatures
// at a time; the blockhash is fetched every two seconds for all instead of for each; nothing is simulated beforehand.
// Takes one JSON object as its argument, prints {"tree": address, "failed": count, "error": the last one}.
import { createTree, mintToCollectionV1, mplBubblegum } from "@metaplex-foundation/mpl-bubblegum";
import {
  SPL_ACCOUNT_COMPRESSION_PROGRAM_ID as compression,
  SPL_NOOP_PROGRAM_ID as noop,
} from "@metaplex-foundation/spl-account-compression";
import { createSignerFromKeypair, generateSigner, publicKey, signerIdentity } from "@metaplex-foundation/umi";
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
// The localnet is Bubblegum 1.4: these are its programs, and no account of a mint is optional there.
const programs = { compressionProgram: publicKey(compression), logWrapper: publicKey(noop) };
const { maxDepth, maxBufferSize, canopyDepth } = asked.size;
const error = await land(await createTree(umi, { merkleTree, maxDepth, maxBufferSize, canopyDepth, ...programs }));
if (error) throw new Error(`no tree: ${JSON.stringify(error)}`);

let next = 0;
let failed = 0;
let last = null;
async function worker() {
  while (next < asked.count) {
    const number = next++;
    const builder = mintToCollectionV1(umi, {
      leafOwner: wallet.publicKey,
      ...programs,
      bubblegumSigner: publicKey("4ewWZC5gT6TGpm5LZNDs9wVonfUT2q5PP5sc9kVbwMAK"),
      tokenMetadataProgram: publicKey("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s"),
      merkleTree: merkleTree.publicKey,
      collectionMint: publicKey(asked.collection),
      metadata: {
        name: `Light #${number}`,
        symbol: "LGT",
        uri: `ipfs://${asked.cid}/${number}.json`,
        sellerFeeBasisPoints: 0,
        collection: { key: publicKey(asked.collection), verified: false },
        creators: [{ address: wallet.publicKey, verified: true, share: 100 }],
      },
    });
    const refused = await land(builder);
    if (refused) [failed, last] = [failed + 1, refused];
  }
}
await Promise.all(Array.from({ length: asked.inFlight }, worker));
over = true;
clearInterval(refresh);
await confirming;
console.log(JSON.stringify({ tree: merkleTree.publicKey, failed, error: JSON.stringify(last) }));
