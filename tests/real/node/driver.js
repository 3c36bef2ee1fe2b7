// Locks with ioredis and with redlock, for clients.py: a line in, a line out.
//
//     node driver.js sentinel ADDR…    SET NX PX at the master that Sentinels name
//     node driver.js redlock ADDR…     RedLock on these masters
//
// `take WHO MS`, `extend WHO MS`, `release WHO`, and `refresh` to wait until it is connected again.

const readline = require("node:readline");
const { Redis } = require("ioredis");
const Redlock = require("redlock");

const RELEASE =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";
const EXTEND =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end";

// Whoever is away is tried again soon, and what is asked of it meanwhile fails at once.
const IMPATIENT = { enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: () => 100 };

class AtMaster {
  constructor(places) {
    this.client = new Redis({
      sentinels: places.map(([host, port]) => ({ host, port })),
      name: "mymaster",
      sentinelRetryStrategy: () => 100,
      retryStrategy: () => 100,
      maxRetriesPerRequest: null,
    });
    this.client.on("error", () => {});
    this.client.defineCommand("releaseLock", { numberOfKeys: 1, lua: RELEASE });
    this.client.defineCommand("extendLock", { numberOfKeys: 1, lua: EXTEND });
  }

  // It goes to the Sentinels by itself when it has lost the master.
  async refresh() {
    await this.client.ping();
    return "refreshed";
  }

  async take(who, ms) {
    return (await this.client.set("lock", who, "PX", ms, "NX")) === "OK" ? "taken" : "refused";
  }

  async extend(who, ms) {
    return String(await this.client.extendLock("lock", who, ms));
  }

  async release(who) {
    return String(await this.client.releaseLock("lock", who));
  }
}

class OnMajority {
  constructor(places) {
    this.clients = places.map(([host, port]) => new Redis({ host, port, ...IMPATIENT }));
    this.clients.forEach((client) => client.on("error", () => {}));
    // One attempt, so that a refusal is an answer.
    this.redlock = new Redlock(this.clients, { retryCount: 0 });
    this.redlock.on("clientError", () => {});
    this.held = new Map();
  }

  async refresh() {
    const isReady = (client) => client.status === "ready" || new Promise((done) => client.once("ready", done));
    await Promise.all(this.clients.map(isReady));
    return "refreshed";
  }

  async take(who, ms) {
    this.held.set(who, await this.redlock.lock("lock", ms));
    return "taken";
  }

  async extend(who, ms) {
    await this.held.get(who).extend(ms);
    return "extended";
  }

  async release(who) {
    await this.held.get(who).unlock();
    return "released";
  }
}

async function main() {
  const [kind, ...words] = process.argv.slice(2);
  const places = words.map((word) => word.split(":"));
  const locks = kind === "sentinel" ? new AtMaster(places) : new OnMajority(places);
  await locks.refresh();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [verb, who, ms] = line.split(" ");
    try {
      console.log(await locks[verb](who, Number(ms)));
    } catch (error) {
      console.log(`${error.name}: ${error.message.replaceAll("\n", " ")}`);
    }
  }
  process.exit(0);
}

main();
