// Measures how long messages take to hosts and back, from this browser. A plain module, without anything else.
//
// A host has doors: WebTransport, WebRTC, WebSocket, tried in this order. Through each it sends small messages back as
// they came. What it is sent: 4 bytes of number, 12 of chance, so that no late or foreign answer is taken for another's.

const HEAD = 4;
const LENGTH = 16;
// Milliseconds: until a door must be open, until a message is lost, and before a door that refused is tried again: the
// host may hear of the ticket a second after this page.
const OPEN_LIMIT = 5000;
const LOST_AFTER = 1000;
const TRY_AGAIN_AFTER = 1200;
const AT_ONCE = 4;

const DOORS = [
  { way: "webtransport", open: webTransport, can: () => "WebTransport" in globalThis },
  { way: "webrtc", open: webRtc, can: () => "RTCPeerConnection" in globalThis },
  { way: "websocket", open: webSocket, can: () => "WebSocket" in globalThis },
];

/// Measures to one host, which is as the server's answer to `begin` describes it. Comes back with
/// `{way, sent, rttsUs, tried}`: microseconds in the order of sending; `way` is null if no door opened, and `tried` says
/// why each did not. `onProgress` is called with `{way, sent, rttsUs}` after each answer.
export async function measureHost(host, ticket, { samples = 15, warmUp = 3, intervalMs = 60, onProgress = () => {}, ways = DOORS.map(({ way }) => way) } = {}) {
  const tried = [];
  for (const { way, open, can } of DOORS) {
    const door = host.doors?.[way];
    if (!door || !ways.includes(way)) continue;
    if (!can()) {
      tried.push({ way, why: "this browser does not have it" });
      continue;
    }
    try {
      const line = await openTwice(open, host, door, ticket);
      try {
        const rttsUs = await sample(line, samples, warmUp, intervalMs, (sent, rttsUs) => onProgress({ way, sent, rttsUs }));
        if (rttsUs.length > 0) return { way, sent: samples, rttsUs, tried };
        tried.push({ way, why: "nothing came back" });
      } finally {
        line.close();
      }
    } catch (error) {
      tried.push({ way, why: error?.message || String(error) });
    }
  }
  return { way: null, sent: 0, rttsUs: [], tried };
}

/// Measures to all hosts, a few at a time so that they do not disturb each other. `onHost(host, state)` is called while
/// it goes on: `{state: "measuring", …}` and then `{state: "done", …}` with what `measureHost` came back with.
export async function measureAll(hosts, ticket, { onHost = () => {}, atOnce = AT_ONCE, ...options } = {}) {
  const results = new Array(hosts.length);
  let next = 0;
  const work = async () => {
    while (next < hosts.length) {
      const place = next;
      next += 1;
      const host = hosts[place];
      onHost(host, { state: "measuring", way: null, sent: 0, rttsUs: [] });
      const onProgress = (progress) => onHost(host, { state: "measuring", ...progress });
      results[place] = { host, ...(await measureHost(host, ticket, { ...options, onProgress })) };
      onHost(host, { state: "done", ...results[place] });
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, hosts.length) }, work));
  return results;
}

/// The middle of these numbers; of an even number, the mean of the middle two; null of none.
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return null;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

class Late extends Error {}

// A door that says no may not know the ticket yet. One that says nothing has had its time.
async function openTwice(open, host, door, ticket) {
  try {
    return await openOnce(open, host, door, ticket);
  } catch (error) {
    if (error instanceof Late) throw error;
    await pause(TRY_AGAIN_AFTER);
    return openOnce(open, host, door, ticket);
  }
}

// A line: {send(bytes), onmessage, close()}. `onmessage(bytes, at)` is told when a message came.
async function openOnce(open, host, door, ticket) {
  const line = { onmessage: () => {}, close: () => {}, send: () => {} };
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Late(`it did not open within ${OPEN_LIMIT / 1000} seconds`)), OPEN_LIMIT);
  });
  try {
    await Promise.race([open(line, host, door, ticket), late]);
    return line;
  } catch (error) {
    line.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// The timers of a hidden tab are slow, which only makes it take longer: times are taken when a message is sent and when
// one is received.
function sample(line, samples, warmUp, intervalMs, progress) {
  const all = samples + warmUp;
  const waiting = new Map();
  const rtts = new Map();
  const answers = () => [...rtts].filter(([number]) => number >= warmUp).sort(([a], [b]) => a - b).map(([, rtt]) => rtt);
  return new Promise((resolve) => {
    let sent = 0;
    let timer;
    const end = () => {
      clearTimeout(timer);
      line.onmessage = () => {};
      resolve(answers());
    };
    line.onmessage = (bytes, at) => {
      if (bytes.byteLength !== LENGTH) return;
      const number = new DataView(bytes.buffer, bytes.byteOffset, HEAD).getUint32(0);
      const asked = waiting.get(number);
      if (!asked || !asked.bytes.every((byte, place) => byte === bytes[place])) return;
      waiting.delete(number);
      rtts.set(number, Math.max(1, Math.round((at - asked.at) * 1000)));
      if (number >= warmUp) progress(Math.max(0, sent - warmUp), answers());
      if (sent === all && waiting.size === 0) end();
    };
    const send = () => {
      const bytes = crypto.getRandomValues(new Uint8Array(LENGTH));
      new DataView(bytes.buffer).setUint32(0, sent);
      const number = sent;
      sent += 1;
      timer = setTimeout(sent < all ? send : end, sent < all ? intervalMs : LOST_AFTER);
      waiting.set(number, { bytes, at: performance.now() });
      try {
        line.send(bytes);
      } catch {
        // The line is gone: the message is lost, like any other.
      }
    };
    send();
  });
}

// As the host part of a URL.
const authority = (address) => (address.includes(":") ? `[${address}]` : address);

async function webTransport(line, host, door, ticket) {
  const hashes = door.hashes.map((hash) => ({
    algorithm: "sha-256",
    value: Uint8Array.from(hash.match(/../g), (pair) => parseInt(pair, 16)),
  }));
  const url = `https://${authority(host.address)}:${door.port}/measure/${ticket}`;
  const transport = new WebTransport(url, {
    allowPooling: false,
    requireUnreliable: true,
    congestionControl: "low-latency",
    serverCertificateHashes: hashes,
  });
  // Nobody else waits for it, and what nobody waits for is shown as an error.
  transport.closed.catch(() => {});
  line.close = () => transport.close();
  await transport.ready;
  const { datagrams } = transport;
  const writer = (datagrams.createWritable?.() ?? datagrams.writable).getWriter();
  const reader = datagrams.readable.getReader();
  line.send = (bytes) => { writer.write(bytes).catch(() => {}); };
  (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      line.onmessage(value, performance.now());
    }
  })().catch(() => {});
}

async function webRtc(line, host, door, ticket) {
  const connection = new RTCPeerConnection();
  line.close = () => connection.close();
  const channel = connection.createDataChannel("measure", { negotiated: true, id: 0, ordered: false, maxRetransmits: 0 });
  channel.binaryType = "arraybuffer";
  channel.onmessage = ({ data }) => line.onmessage(new Uint8Array(data), performance.now());
  const open = new Promise((resolve, reject) => {
    channel.onopen = resolve;
    channel.onclose = () => reject(new Error("the channel was closed"));
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "failed") reject(new Error("no connection came about"));
    };
  });
  await connection.setLocalDescription(await connection.createOffer());
  await connection.setRemoteDescription({ type: "answer", sdp: answer(connection.localDescription.sdp, host.address, door, ticket) });
  line.send = (bytes) => channel.send(bytes);
  await open;
}

// What the host would answer, if somebody carried it here: the ticket is its name and its password, and the fingerprint
// says that it is the host.
function answer(offer, address, { port, fingerprint }, ticket) {
  const mid = /^a=mid:(\S+)/m.exec(offer)?.[1] ?? "0";
  const family = address.includes(":") ? "IP6" : "IP4";
  return [
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    `a=group:BUNDLE ${mid}`,
    "a=ice-lite",
    `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`,
    `c=IN ${family} ${address}`,
    `a=mid:${mid}`,
    `a=ice-ufrag:${ticket}`,
    `a=ice-pwd:${ticket}`,
    `a=fingerprint:sha-256 ${fingerprint}`,
    "a=setup:passive",
    "a=sctp-port:5000",
    "a=max-message-size:64",
    `a=candidate:1 1 udp 2130706431 ${address} ${port} typ host`,
    "a=end-of-candidates",
    "",
  ].join("\r\n");
}

function webSocket(line, _host, url, ticket) {
  const socket = new WebSocket(`${url}/measure/${ticket}`);
  socket.binaryType = "arraybuffer";
  line.close = () => socket.close();
  line.send = (bytes) => socket.send(bytes);
  socket.onmessage = ({ data }) => line.onmessage(new Uint8Array(data), performance.now());
  return new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onclose = () => reject(new Error("the connection was refused"));
  });
}
