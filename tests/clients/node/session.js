// A client with promises, which remembers what its watchers were told.
'use strict';

const zookeeper = require('node-zookeeper-client');
const { assert, addresses, until } = require('./check');

const LONG_TIMEOUT_MS = 20000;
const SHORT_TIMEOUT_MS = 2000;

class Session {
  constructor(servers, timeoutMs) {
    this.events = [];
    this.client = zookeeper.createClient(servers, { sessionTimeout: timeoutMs, spinDelay: 100, retries: 0 });
    // The state goes on to DISCONNECTED as soon as the server has closed the connection.
    this.wasExpired = false;
    this.client.on('state', (state) => { this.wasExpired ||= state === zookeeper.State.EXPIRED; });
    this.watcher = (event) => this.events.push(event);
    this.client.connect();
  }

  static async open(servers = addresses.join(','), timeoutMs = LONG_TIMEOUT_MS) {
    const session = new Session(servers, timeoutMs);
    await session.connected();
    return session;
  }

  /** Any operation of the client; resolves to the first value of its callback. */
  call(operation, ...args) {
    return new Promise((resolve, reject) => {
      this.client[operation](...args, (error, value) => (error ? reject(error) : resolve(value)));
    });
  }

  /** getData, getChildren and the like, with both values of the callback. */
  read(operation, ...args) {
    return new Promise((resolve, reject) => {
      this.client[operation](...args, (error, value, stat) => (error ? reject(error) : resolve([value, stat])));
    });
  }

  id() {
    return this.client.getSessionId().toString('hex');
  }

  /** Number of the node it is connected to; 0 while it is connected to none. */
  node() {
    const port = this.client.connectionManager.socket.remotePort;
    return 1 + addresses.findIndex((address) => address.endsWith(`:${port}`));
  }

  /** Waits until it is connected to another node; the moment without any may be too short to see. */
  async movedFrom(node) {
    await until('a connection to another node',
      () => this.client.getState() === zookeeper.State.SYNC_CONNECTED && ![0, node].includes(this.node()));
  }

  async connected() {
    await until('a connection', () => this.client.getState() === zookeeper.State.SYNC_CONNECTED);
  }

  async disconnected() {
    await until('the connection to break', () => this.client.getState() === zookeeper.State.DISCONNECTED);
  }

  async expired() {
    await until('the session to expire', () => this.wasExpired);
  }

  count(name, path) {
    return this.events.filter((event) => event.getName() === name && event.getPath() === path).length;
  }

  /** Waits for an event, and checks that it came once. */
  async event(name, path) {
    await until(`${name} at ${path}`, () => this.count(name, path) > 0);
    assert.equal(this.count(name, path), 1, `${name} at ${path}`);
  }

  close() {
    this.client.close();
  }
}

/** The action must be refused with this code of zookeeper.Exception. */
async function refused(code, action) {
  try {
    await action;
  } catch (error) {
    assert.equal(error.getCode && error.getCode(), code, String(error));
    return;
  }
  assert.fail(`done, although it must be refused with ${code}`);
}

module.exports = { Session, refused, zookeeper, LONG_TIMEOUT_MS, SHORT_TIMEOUT_MS };
