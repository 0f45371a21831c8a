//! How long name servers take, for two ends of which neither is ours (King): T(us→A→B) − T(us→A), where A is a name server near
//! one end that asks others on behalf of anybody, and B the one near the other end.

use super::NoAnswer;
use crate::domain::NameServer;
use hickory_resolver::proto::{
    op::{Message, Query, ResponseCode},
    rr::{Name, Record, RecordType},
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::net::UdpSocket;

/// Where name servers listen.
pub(super) const PORT: u16 = 53;
/// Pairs of questions whose medians count.
const PAIRS: usize = 5;
/// Questions that one of the two name servers gets for one [`time_between`], at most: pairs, and one before them.
pub const QUESTIONS: u64 = 2 * PAIRS as u64 + 1;
/// How long one answer is waited for; it is not asked again, since a second question would measure a cache.
const WITHIN: Duration = Duration::from_secs(2);
/// The longest message that is read: what is longer is cut off by who sends it, since none is asked for.
const LONGEST: usize = 512;

/// What was measured: microseconds, one each per pair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Times {
    /// To A and back.
    pub direct_us: Vec<u32>,
    /// To A, from there to B, and all the way back.
    pub through_us: Vec<u32>,
}

/// Why there is nothing to subtract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTimes {
    /// As a name server should be: it serves its own zones only.
    #[error("the name server near it does not ask others for us")]
    DoesNotRecurse,
    /// Nothing came back.
    #[error("the name server near it does not answer")]
    Silent,
}

impl From<NoAnswer> for NoTimes {
    fn from(_: NoAnswer) -> Self {
        Self::Silent
    }
}

/// Times the way from one name server to the other.
///
/// # Errors
/// A does not answer, or does not ask others for us.
pub async fn time_between(a: &NameServer, b: &NameServer) -> Result<Times, NoTimes> {
    time_at(SocketAddr::new(a.address, PORT), &a.zone, &b.zone).await
}

/// `a` serves the zone `own`, and `other` is served far away.
async fn time_at(a: SocketAddr, own: &str, other: &str) -> Result<Times, NoTimes> {
    // Whatever A has to learn of the way to B's zone, it learns by this.
    through(a, other).await?;
    let mut times = Times::default();
    for _ in 0..PAIRS {
        let (took, _) = ask(a, own, RecordType::SOA, false).await?;
        times.direct_us.push(took);
        times.through_us.push(through(a, other).await?);
    }
    Ok(times)
}

/// A name that nobody has asked for before: A has to ask B.
async fn through(a: SocketAddr, zone: &str) -> Result<u32, NoTimes> {
    let name = format!("{:016x}.{zone}", rand::random::<u64>());
    let (took, answer) = ask(a, &name, RecordType::A, true).await?;
    match (answer.metadata.recursion_available, answer.metadata.response_code) {
        (true, ResponseCode::NoError | ResponseCode::NXDomain) => Ok(took),
        (true, ResponseCode::ServFail) => Err(NoTimes::Silent),
        _ => Err(NoTimes::DoesNotRecurse),
    }
}

/// Whether a name server says with authority that it serves this zone. It is asked once.
pub(super) async fn serves(server: SocketAddr, zone: &str) -> bool {
    let (Ok((_, answer)), Ok(zone)) = (
        ask(server, zone, RecordType::SOA, false).await,
        Name::from_ascii(zone),
    ) else {
        return false;
    };
    let is_soa = |record: &Record| record.record_type() == RecordType::SOA && record.name == zone;
    answer.metadata.authoritative && answer.answers.iter().any(is_soa)
}

/// One question, and how long its answer took in microseconds.
async fn ask(
    server: SocketAddr,
    name: &str,
    of: RecordType,
    recurse: bool,
) -> Result<(u32, Message), NoAnswer> {
    let name = Name::from_ascii(name).map_err(|_| NoAnswer)?;
    let mut question = Message::query();
    question.metadata.id = rand::random();
    question.metadata.recursion_desired = recurse;
    question.add_query(Query::query(name, of));
    let bytes = question.to_vec().map_err(|_| NoAnswer)?;
    let any: SocketAddr = if server.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let exchange = async {
        // A socket of its own, connected, so that only answers from there are heard, and late ones of others are not.
        let socket = UdpSocket::bind(any).await.ok()?;
        socket.connect(server).await.ok()?;
        let sent = Instant::now();
        socket.send(&bytes).await.ok()?;
        let mut answer = [0; LONGEST];
        loop {
            let length = socket.recv(&mut answer).await.ok()?;
            let took = u32::try_from(sent.elapsed().as_micros()).ok()?;
            let answer = Message::from_vec(answer.get(..length)?).ok();
            if let Some(answer) = answer.filter(|answer| is_of(answer, &question)) {
                return Some((took, answer));
            }
        }
    };
    let answer = tokio::time::timeout(WITHIN, exchange).await;
    answer.ok().flatten().ok_or(NoAnswer)
}

fn is_of(answer: &Message, question: &Message) -> bool {
    answer.metadata.id == question.metadata.id && answer.queries == question.queries
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::op::MessageType;
    use std::sync::{Arc, Mutex};

    /// A name server that answers `own.test.`, and for others as told; and what it was asked.
    async fn name_server(recursion: Option<ResponseCode>) -> (SocketAddr, Arc<Mutex<Vec<(String, bool)>>>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let all = asked.clone();
        tokio::spawn(async move {
            let mut packet = [0; LONGEST];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                let mut message = Message::from_vec(&packet[..length]).unwrap();
                let name = message.queries[0].name().to_string();
                let recurse = message.metadata.recursion_desired;
                message.metadata.message_type = MessageType::Response;
                message.metadata.recursion_available = recursion.is_some();
                if recurse {
                    message.metadata.response_code = recursion.unwrap_or(ResponseCode::Refused);
                }
                all.lock().unwrap().push((name, recurse));
                // A late answer to somebody else's question first: it must not count.
                let mut other = message.clone();
                other.metadata.id = other.metadata.id.wrapping_add(1);
                for answer in [other, message] {
                    socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
                }
            }
        });
        (address, asked)
    }

    #[tokio::test]
    async fn names_that_nobody_knows_are_asked_in_pairs_and_once_before() {
        let (a, asked) = name_server(Some(ResponseCode::NXDomain)).await;
        let times = time_at(a, "own.test.", "far.test.").await.unwrap();
        assert_eq!((times.direct_us.len(), times.through_us.len()), (PAIRS, PAIRS));
        let asked = asked.lock().unwrap().clone();
        let far: std::collections::BTreeSet<_> = asked.iter().filter(|(_, recurse)| *recurse).collect();
        assert_eq!(far.len(), PAIRS + 1, "each once: {asked:?}");
        assert!(far.iter().all(|(name, _)| name.ends_with(".far.test.")));
        let own = asked
            .iter()
            .filter(|one| **one == ("own.test.".to_owned(), false));
        assert_eq!(own.count(), PAIRS);
    }

    #[tokio::test]
    async fn who_does_not_ask_others_for_us_is_not_asked_on() {
        let (a, asked) = name_server(None).await;
        let times = time_at(a, "own.test.", "far.test.").await;
        assert_eq!(times, Err(NoTimes::DoesNotRecurse));
        assert_eq!(asked.lock().unwrap().len(), 1);
        let (a, _) = name_server(Some(ResponseCode::ServFail)).await;
        assert_eq!(time_at(a, "own.test.", "far.test.").await, Err(NoTimes::Silent));
    }
}
