// Plays scenarios on BullMQ, side by side, each on a queue of its own. The argument is JSON: { port, scenarios }; a line
// of JSON is printed for each scenario, in their order.
import { FlowProducer, Queue, UnrecoverableError, Worker } from "bullmq";
import Redis from "ioredis";

const { port, scenarios } = JSON.parse(process.argv[2]);
const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
const LIMIT_MS = 60_000;
const ENDED = ["completed", "failed"];
const redis = new Redis(connection);
const flows = new FlowProducer({ connection });

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, done) {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await sleep(20);
  }
}

class Play {
  constructor({ name, concurrency, limiter }) {
    this.began = Date.now();
    this.starts = [];
    this.quiet = [];
    this.counted = [];
    this.jobs = {};
    this.asked = {};
    this.released = new Set();
    this.queue = new Queue(name, { connection });
    const rate = limiter && { max: limiter.max, duration: limiter.per * 1000 };
    this.options = { connection, concurrency, stalledInterval: 1000, ...(rate && { limiter: rate }) };
    this.hire();
  }

  hire() {
    this.worker = new Worker(this.queue.name, (job) => this.work(job), this.options);
    this.worker.on("error", (error) => console.error(error));
  }

  runs(name) {
    return this.starts.filter((start) => start.job === name).length;
  }

  async work(job) {
    this.starts.push({ job: job.name, at: (Date.now() - this.began) / 1000 });
    const { held, fails, bad } = this.asked[job.name];
    if (held) await until(`${job.name} may end`, () => this.released.has(job.name));
    if (bad) throw new UnrecoverableError("bad input");
    if (this.runs(job.name) <= (fails ?? 0)) throw new Error("no luck");
  }

  async add(name, asked) {
    const { priority, delay, attempts, backoff } = asked;
    this.asked[name] = asked;
    this.jobs[name] = await this.queue.add(name, {}, {
      priority: priority ?? 0,
      attempts: attempts ?? 1,
      ...(delay && { delay: delay * 1000 }),
      ...(backoff && { backoff: { type: backoff.type, delay: backoff.delay * 1000 } }),
    });
  }

  // Each waits for the next.
  async flow(names, asked) {
    for (const name of names) this.asked[name] = asked[name] ?? {};
    const queueName = this.queue.name;
    const tree = names.reduceRight((child, name) => ({ name, queueName, ...(child && { children: [child] }) }), null);
    for (let node = await flows.add(tree); node; node = node.children?.[0]) this.jobs[node.job.name] = node.job;
  }

  pause() { return this.queue.pause(); }
  resume() { return this.queue.resume(); }
  drain() { return this.queue.drain(true); }
  started(name) { return until(`${name} runs`, () => this.runs(name) > 0); }
  finish(name) { this.released.add(name); }
  promote(name) { return this.jobs[name].promote(); }
  priority(name, priority) { return this.jobs[name].changePriority({ priority }); }
  retry(name) { return this.jobs[name].retry("failed", { resetAttemptsMade: true }); }
  retry_all() { return this.queue.retryJobs({ state: "failed" }); }
  promote_all() { return this.queue.promoteJobs(); }
  clean() { return this.queue.clean(0, 0, "completed"); }
  limit(concurrency) { this.worker.concurrency = concurrency; }
  passed(seconds) { return sleep(seconds * 1000); }

  async idle(seconds) {
    const before = this.starts.length;
    await sleep(seconds * 1000);
    this.quiet.push(this.starts.length - before);
  }

  // Its worker goes without a word, and nobody renews the lock.
  async stall(name) {
    await this.worker.close(true);
    await redis.del(this.queue.toKey(`${this.jobs[name].id}:lock`));
    this.hire();
  }

  async counts() {
    const told = await this.queue.getJobCounts();
    this.counted.push({
      pending: told["waiting-children"],
      queued: told.waiting + told.prioritized,
      delayed: told.delayed,
      running: told.active,
      completed: told.completed,
      failed: told.failed,
    });
  }

  async state(name) {
    return (await this.queue.getJob(this.jobs[name].id))?.getState() ?? "removed";
  }

  ended(...names) {
    return until(`${names} have ended`, async () => {
      const states = await Promise.all(names.map((name) => this.state(name)));
      return states.every((state) => ENDED.includes(state));
    });
  }

  async outcome() {
    await this.counts();
    const ends = {};
    const attempts = {};
    for (const name of Object.keys(this.jobs)) {
      ends[name] = await this.state(name);
      attempts[name] = (await this.queue.getJob(this.jobs[name].id))?.attemptsMade ?? 0;
    }
    await this.worker.close();
    await this.queue.close();
    return { starts: this.starts, quiet: this.quiet, counts: this.counted, ends, attempts };
  }
}

async function play(scenario) {
  const stage = new Play(scenario);
  for (const [step, ...given] of scenario.steps) await stage[step](...given);
  return stage.outcome();
}

for (const outcome of await Promise.all(scenarios.map(play))) console.log(JSON.stringify(outcome));
process.exit(0);
