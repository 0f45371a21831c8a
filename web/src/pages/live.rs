//! Pages that update themselves: a part of the page is sent again when it has changed.

use super::error::PageError;
use crate::{
    app::App,
    domain::{User, limits::STREAMS_OF_A_USER},
    limits::OpenStream,
};
use axum::{
    http::{HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use std::{convert::Infallible, time::Duration};
use tokio::sync::watch;

/// A part is not made anew more often than this.
const PAUSE: Duration = Duration::from_millis(250);
/// Some figures change with time alone: it is looked at so often even if nothing was said.
const AT_LEAST: Duration = Duration::from_secs(5);

/// A page's live part.
pub(crate) struct Part {
    /// One element.
    pub(crate) html: String,
    /// Nothing will change any more.
    pub(crate) last: bool,
}

struct Seen<F> {
    changes: watch::Receiver<u64>,
    make: F,
    html: String,
    end: End,
    /// Counted until the browser is gone.
    _open: OpenStream,
}

#[derive(PartialEq)]
enum End {
    No,
    Next,
    Now,
}

/// Room for one more live page of this user.
pub(crate) fn open(app: &App, user: &User) -> Result<OpenStream, PageError> {
    let text =
        format!("You have {STREAMS_OF_A_USER} live pages open, which is all you can have: close some.");
    app.limits
        .streams
        .open(user.id)
        .ok_or_else(|| PageError::too_many(text, None))
}

/// Sends the part now, and then whenever it differs; says `end` after the last one, or when it can no longer be made.
pub(crate) fn stream<F, M>(open: OpenStream, changes: watch::Receiver<u64>, make: F) -> Response
where
    F: Fn() -> M + Send + 'static,
    M: Future<Output = Result<Part, PageError>> + Send,
{
    let seen = Seen {
        changes,
        make,
        html: String::new(),
        end: End::No,
        _open: open,
    };
    let events = stream::unfold(seen, |mut seen| async move {
        let event = next(&mut seen).await?;
        Some((Ok::<_, Infallible>(event), seen))
    });
    let mut answer = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    // Proxies that collect answers would hold the events back.
    answer
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn next<F, M>(seen: &mut Seen<F>) -> Option<Event>
where
    F: Fn() -> M,
    M: Future<Output = Result<Part, PageError>>,
{
    match seen.end {
        End::Now => return None,
        End::Next => {
            seen.end = End::Now;
            return Some(Event::default().event("end").data("over"));
        }
        End::No => {}
    }
    loop {
        seen.changes.mark_unchanged();
        let Ok(part) = (seen.make)().await else {
            seen.end = End::Now;
            return Some(Event::default().event("end").data("over"));
        };
        if part.last {
            seen.end = End::Next;
        }
        if part.html != seen.html {
            seen.html.clone_from(&part.html);
            return Some(Event::default().data(part.html));
        }
        if part.last {
            seen.end = End::Now;
            return Some(Event::default().event("end").data("over"));
        }
        wait(&mut seen.changes).await?;
    }
}

/// Until something was said, or for a while. `None` when the server goes.
async fn wait(changes: &mut watch::Receiver<u64>) -> Option<()> {
    tokio::time::sleep(PAUSE).await;
    match tokio::time::timeout(AT_LEAST, changes.changed()).await {
        Ok(Err(_)) => None,
        Ok(Ok(())) | Err(_) => Some(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::UserId, limits::Streams};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    const USER: UserId = UserId(uuid::Uuid::nil());

    async fn body(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_is_sent_only_when_it_differs_and_the_end_is_said() {
        let parts = ["a", "a", "b", "b"];
        let calls = Arc::new(AtomicUsize::new(0));
        let (_tx, rx) = watch::channel(0);
        let made = calls.clone();
        let response = stream(Streams::default().open(USER).unwrap(), rx, move || {
            let n = made.fetch_add(1, Ordering::SeqCst);
            async move {
                Ok(Part {
                    html: parts[n].into(),
                    last: n == 3,
                })
            }
        });
        assert_eq!(
            body(response).await.replace("\n\n", "|"),
            "data: a|data: b|event: end\ndata: over|"
        );
        assert_eq!(calls.load(Ordering::SeqCst), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_no_longer_be_seen_ends_the_stream() {
        let (_tx, rx) = watch::channel(0);
        let response = stream(Streams::default().open(USER).unwrap(), rx, || async {
            Err(PageError::not_found())
        });
        assert_eq!(body(response).await, "event: end\ndata: over\n\n");
    }
}
